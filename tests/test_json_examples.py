"""The examples in docs/json.md do what is said of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from command_line import Workspace
from reconciler.rendering.events import events_schema
from reconciler.sandbox.faults import FaultRule, Reply, Requests
from reconciler.sandbox.server import Sandbox

PAGE = (Path(__file__).parents[1] / "docs" / "json.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^# (.+)\n(jq .+)$", PAGE, re.MULTILINE)
YAML = """\
users:
  - {userName: ada@example.com, department: Platform}
groups:
  - displayName: team-core
    match: 'department eq "Platform"'
"""
TELLS = {
    "how many steps of each kind": '{"add_members":1,"create":2,"deactivate":1}',
    "whose account goes, and why": "eve@example.com (unlisted)",
    "which lines of YAML change something": "resources.yaml:2: create ada@example.com",
    "who is put into which group, and by which entry or rule": 'team-core: ada@example.com (department eq "Platform")',
    "how many people gain and lose access to each group": "team-old: +0 -1",
    "who loses the last group, leavers too": "eve@example.com",
    "what a guard refuses, and how it is allowed once": "users.deactivate: 1, limit 20 and 5 % of 1 = 0. --allow",
    "what failed, and why": "create group:team-core: POST /Groups: the server refused (400: something failed)",
    "the end in short": '{"exit_code":5,',
    "how long requests waited for a server that asked to slow down, in seconds": "0",
    "what started and was not told to have ended, after a kill; a line that was cut is passed over": "",
    "which kinds of change there are, for a rule of the pipeline": '["groups.create","members.add","users.create"',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan that is refused, and the events of an apply that failed in part."""
    path = tmp_path_factory.mktemp("examples")
    seed = {
        "users": [{"userName": "eve@example.com", "active": True}],
        "groups": [{"displayName": "team-old", "members": ["eve@example.com"]}],
    }
    with Sandbox(seed=seed) as sandbox:
        workspace = Workspace(path, sandbox)
        workspace.state(YAML)
        assert workspace.call("plan", "-o", str(path / "acme.plan")).code == 3
        refusal = Requests(methods=("POST",), path="/Groups")
        bulk = Requests(path="/Bulk")
        sandbox.use_faults([FaultRule(fault=Reply(status=400), requests=one) for one in (refusal, bulk)])
        allowed = ("--allow", "users.deactivate=1", "--reason", "OPS-1")
        done = workspace.call("apply", "--auto-approve", "--json-stream", *allowed)
        (path / "events.jsonl").write_text(done.stdout, encoding="utf-8")
    return path


def test_every_example_is_tried() -> None:
    assert [what for what, _ in EXAMPLES] == list(TELLS)


@pytest.mark.skipif(shutil.which("jq") is None, reason="there is no jq on this machine")
@pytest.mark.parametrize(("what", "command"), EXAMPLES, ids=[what for what, _ in EXAMPLES])
def test_an_example_tells_what_it_says(folder: Path, what: str, command: str) -> None:
    done = subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert TELLS[what] in done.stdout


def test_every_type_of_line_is_explained() -> None:
    types = [
        one["properties"]["type"]["const"]
        for one in events_schema()["$defs"].values()
        if "type" in one.get("properties", ())
    ]
    assert [one for one in types if not re.search(rf"^\|.*`{one}`", PAGE, re.MULTILINE)] == []


def test_the_lines_that_are_shown_are_json() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    lines = [json.loads(line) for line in shown.splitlines()]
    assert (lines[0]["type"], lines[-1]["type"]) == ("version", "summary")

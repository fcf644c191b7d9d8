"""``reconciler doctor``, as a person or a pipeline calls it."""

from __future__ import annotations

import os
import pty
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from attending import attended
from command_line import Workspace
from loopback import Reply, Request, error, list_response, serving
from reconciler.model import Kind
from reconciler.probing import NAME_PREFIX
from reconciler.sandbox.faults import FaultRule, Requests, Slow
from reconciler.sandbox.faults import Reply as Refusal
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving

SLOW_WRITES = FaultRule(fault=Slow(first_byte=0.1), requests=Requests(methods=("PATCH",)))


def names(sandbox: Sandbox) -> list[str]:
    kinds = sandbox.directory.behaviour.kinds
    return [row[kind.naming_attribute] for kind in kinds for row in sandbox.directory.resources(kind)]


def test_everything_that_is_known_is_shown_with_who_says_so(workspace: Workspace) -> None:
    done = workspace.call("doctor")
    assert done.code == 0
    assert re.search(r"^  etag +true +server: /ServiceProviderConfig etag.supported$", done.stdout, re.MULTILINE)
    assert re.search(r"^  group_rename +true +default$", done.stdout, re.MULTILINE)
    assert done.last_line == "The directory can be worked with. Asked with 5 requests."


def test_what_directory_yaml_states_is_shown_with_its_line(workspace: Workspace) -> None:
    file = workspace.path / "directory.yaml"
    file.write_text(file.read_text().replace("unlisted:", "  capabilities: {page_size: 20}\nunlisted:"))
    assert re.search(r"^  page_size +20 +directory\.yaml:6", workspace.call("doctor").stdout, re.MULTILINE)


def test_programs_get_one_document(workspace: Workspace) -> None:
    document = workspace.call("doctor", "--json").document
    assert document["usable"] is True
    assert document["capabilities"]["etag"]["authority"] == "server"
    assert document["token"]["source"] == "environment variable SCIM_TOKEN"


def test_the_files_with_users_and_groups_need_not_be_valid(workspace: Workspace) -> None:
    (workspace.path / "resources.yaml").write_text("users: [nonsense")
    assert workspace.call("doctor").code == 0


def test_a_token_that_is_not_accepted_is_an_error(workspace: Workspace) -> None:
    file = workspace.path / "directory.yaml"
    file.write_text(file.read_text().replace("env: SCIM_TOKEN", "env: OTHER_TOKEN"))
    workspace.variables["OTHER_TOKEN"] = "mistaken"
    done = workspace.call("doctor")
    assert done.code == 1
    assert "the token was not accepted" in done.stderr
    assert "mistaken" not in done.stdout + done.stderr


def test_a_directory_that_cannot_be_read_exits_with_an_error_and_is_not_probed(workspace: Workspace) -> None:
    def respond(request: Request) -> Reply:
        if request.path in ("/Users", "/Groups"):
            return error(403, "\x1b[31m::error::no")
        return list_response([], total=0)

    with serving(respond) as server:
        file = workspace.path / "directory.yaml"
        file.write_text(file.read_text().replace("${SCIM_BASE_URL}", server.url))
        done = workspace.call("doctor", "--probe")
        assert not [request for request in server.requests if request.method != "GET"]
    assert done.code == 1
    assert "cannot be worked with as it is" in done.last_line
    assert "\x1b" not in done.stdout


def test_a_probe_says_what_it_creates_writes_the_dialect_and_leaves_nothing(workspace: Workspace) -> None:
    done = workspace.call("doctor", "--probe", "--email-domain", "Probe.Example.COM")
    assert done.code == 0
    assert f"creates throw-away users and groups named {NAME_PREFIX}" in done.stderr
    assert "e-mail addresses in probe.example.com" in done.stderr
    assert "dialect: acme.dialect.yaml" in done.stderr
    assert names(workspace.sandbox) == []
    text = (workspace.path / "acme.dialect.yaml").read_text(encoding="utf-8")
    assert workspace.sandbox.token not in text
    assert yaml.safe_load(text)["capabilities"]["member_remove"]["value"] == "path-filter"


def test_a_server_without_groups_says_what_to_state_and_can_be_probed(workspace: Workspace) -> None:
    no_groups = FaultRule(fault=Refusal(status=404), requests=Requests(path="/Groups*"))
    with leaving(Sandbox("generic", faults=[no_groups])) as sandbox:
        without = replace(workspace, sandbox=sandbox)
        looked = without.call("doctor")
        probed = without.call("doctor", "--probe")
    assert looked.code == 1
    assert "write capabilities: {groups: false} under directory" in looked.stdout
    assert probed.code == 0
    written = yaml.safe_load((workspace.path / "acme.dialect.yaml").read_text(encoding="utf-8"))
    assert written["capabilities"]["groups"]["value"] is False


def test_a_plan_works_with_the_dialect_of_a_probe(open_workspace: Callable[..., Workspace]) -> None:
    workspace = open_workspace("entra-style")
    workspace.call("doctor", "--probe", "-o", str(workspace.path / "entra.dialect.yaml"))
    file = workspace.path / "directory.yaml"
    file.write_text(file.read_text().replace("dialect: entra-style", "dialect: entra.dialect.yaml"))
    assert workspace.call("apply", "--auto-approve").code == 0
    shown = workspace.call("doctor").stdout
    assert re.search(
        r"^  member_remove +value-array +dialect: entra\.dialect\.yaml:\d+.*\(probed ", shown, re.MULTILINE
    )
    assert workspace.call("plan", "--detailed-exitcode").code == 0


def test_programs_get_what_a_probe_found(workspace: Workspace) -> None:
    done = workspace.call("doctor", "--probe", "--json")
    document = done.document
    assert document["probe"]["left_behind"] == []
    assert document["file"].endswith("acme.dialect.yaml")
    assert any(finding["states"].get("etag") for finding in document["probe"]["findings"])


def test_a_file_that_exists_is_not_overwritten_and_nothing_is_sent(workspace: Workspace) -> None:
    (workspace.path / "acme.dialect.yaml").write_text("description: Mine.\n")
    done = workspace.call("doctor", "--probe")
    assert done.code == 1
    assert "exists, and the probe was not begun" in done.stderr
    assert workspace.sandbox.request_count == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "x.dialect.yaml"),
        ("--probe", "-o", "x.yaml"),
        ("--probe", "-o", "no-such-folder/x.dialect.yaml"),
        ("--probe", "--email-domain", "a@example.com"),
    ],
)
def test_wrong_usage_is_refused(workspace: Workspace, arguments: tuple[str, ...]) -> None:
    assert workspace.call("doctor", *arguments).code == 64
    assert workspace.sandbox.request_count == 0


def test_ctrl_c_cleans_up_and_writes_no_dialect(workspace: Workspace) -> None:
    sandbox = workspace.sandbox
    sandbox.use_faults([SLOW_WRITES])
    with attended(["doctor", "--probe", "-C", str(workspace.path)], workspace.env) as process:
        deadline = time.monotonic() + 30
        while sandbox.directory.count(Kind.GROUP) == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.signal(signal.SIGINT)
        code, _, told = process.rest()
    assert code == 130
    assert "No dialect was written" in told
    assert names(sandbox) == []
    assert not list(workspace.path.glob("*.dialect.yaml"))


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 130)])
def test_somebody_at_a_terminal_is_asked_once(workspace: Workspace, answer: str, code: int) -> None:
    leader, follower = pty.openpty()
    try:
        terminal = Path(os.ttyname(follower))
        with attended(["doctor", "--probe", "-C", str(workspace.path)], workspace.env, stdin=terminal) as process:
            os.write(leader, f"{answer}\n".encode())
            ended, _, told = process.rest()
    finally:
        os.close(follower)
        os.close(leader)
    assert ended == code
    assert told.count("Probe acme?") == 1
    assert (workspace.path / "acme.dialect.yaml").exists() is (code == 0)
    assert names(workspace.sandbox) == []


def test_users_that_are_only_deactivated_are_named_and_no_failure(open_workspace: Callable[..., Workspace]) -> None:
    workspace = open_workspace("slack")
    done = workspace.call("doctor", "--probe")
    assert done.code == 0
    left = names(workspace.sandbox)
    assert left
    assert all(name in done.stdout for name in left)


def test_the_name_of_the_file_stays_in_the_workspace(workspace: Workspace) -> None:
    file = workspace.path / "directory.yaml"
    file.write_text(file.read_text().replace("name: acme", "name: ../Acme & Söhne"))
    assert workspace.call("doctor", "--probe").code == 0
    assert [path.name for path in Path(workspace.path).glob("*.dialect.yaml")] == ["Acme-S-hne.dialect.yaml"]

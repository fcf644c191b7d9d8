from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from command_line import ADA_AND_TEAM, Workspace, call
from reconciler.planning import decode

ANSI = re.compile(r"\x1b\[")
CHANGES = "Plan: 2 to create, 0 to update, 0 to deactivate, 0 to delete; 1 memberships to add, 0 to remove."
NO_CHANGES = "No changes. The directory matches the desired state."


def test_a_plan_ends_with_its_fixed_line_and_0(workspace: Workspace) -> None:
    done = workspace.call("plan")
    assert done.code == 0
    assert done.last_line == CHANGES
    assert "+ ada@example.com  (new: the directory has none, resources.yaml:2)" in done.stdout


def test_progress_goes_to_standard_error_and_quiet_leaves_it_out(workspace: Workspace) -> None:
    assert workspace.call("plan").stderr == "Reading acme …\n"
    assert workspace.call("plan", "-q").stderr == ""


def test_detailed_exitcode_tells_changes_from_none(workspace: Workspace) -> None:
    assert workspace.call("plan", "--detailed-exitcode").code == 2
    workspace.state("users: []")
    done = workspace.call("plan", "--detailed-exitcode")
    assert (done.code, done.last_line) == (0, NO_CHANGES)


def test_json_is_the_plan_document_and_can_be_applied(workspace: Workspace) -> None:
    done = workspace.call("plan", "--json")
    assert decode(done.stdout.encode()).steps
    (workspace.path / "saved.plan").write_text(done.stdout, encoding="utf-8")
    assert workspace.call("apply", str(workspace.path / "saved.plan")).code == 0


def test_a_saved_plan_shows_as_it_was_shown(workspace: Workspace) -> None:
    file = workspace.path / "saved.plan"
    planned = workspace.call("plan", "-o", str(file))
    assert f"Saved to {file}." in planned.stderr
    shown = call(["show", str(file)])
    proof = ("Digest:", "Signed by:")
    lines = [line for line in shown.stdout.splitlines(keepends=True) if not line.startswith(proof)]
    assert (shown.code, "".join(lines)) == (0, planned.stdout)
    assert len(shown.stdout.splitlines()) == len(lines) + len(proof)
    assert call(["show", str(file), "--json"]).document == json.loads(file.read_text(encoding="utf-8"))
    assert file.stat().st_mode & 0o077 == 0


def test_as_of_plans_for_that_day(workspace: Workspace) -> None:
    workspace.state("users:\n  - userName: ada@example.com\n    lifecycle: {from: 2027-01-01}\n")
    assert workspace.call("plan", "--as-of", "2026-12-31T23:59:59Z").last_line == NO_CHANGES
    document = workspace.call("plan", "--as-of", "2027-01-01", "--json").document
    assert document["as_of"] == "2027-01-01T00:00:00Z"
    assert [step["action"] for step in document["steps"]] == ["create"]


SEED = {"users": [{"userName": f"u{n}@example.com"} for n in range(10)]}


def test_a_refused_plan_is_shown_and_3_and_tells_how_to_allow_it(open_workspace: Callable[..., Workspace]) -> None:
    workspace = open_workspace(seed=SEED)
    refused = workspace.call("plan")
    assert refused.code == 3
    assert "- u0@example.com  (no file lists it)" in refused.stdout
    assert "Refused: this plan cannot be applied as it is." in refused.stdout
    assert '--allow users.deactivate=10 --reason "…"' in refused.stdout
    assert refused.last_line.startswith("Plan: 2 to create")

    allowed = workspace.call("plan", "--allow", "users.deactivate=10", "--reason", "OPS-1234: closed")
    assert allowed.code == 0
    assert "reason: OPS-1234: closed" in allowed.stdout


def test_a_refused_plan_is_refused_whatever_is_done_with_it(open_workspace: Callable[..., Workspace]) -> None:
    workspace = open_workspace(seed=SEED)
    file = str(workspace.path / "saved.plan")
    assert workspace.call("plan", "-o", file, "--json").code == 3
    assert call(["show", file]).code == 3
    assert workspace.call("apply", file).code == 3
    done = workspace.call("apply", "--auto-approve", "--json")
    assert done.code == 3
    assert done.document["result"] is None
    assert [refusal["guard"] for refusal in done.document["plan"]["refusals"]] == ["users.deactivate"]
    assert workspace.runs() == []


def test_problems_of_the_files_are_told_on_standard_error(workspace: Workspace) -> None:
    workspace.state("users:\n  - userName: ada@example.com\n    titel: x\n")
    done = workspace.call("plan")
    assert (done.code, done.stdout) == (1, "")
    assert "resources.yaml:3:5: error:" in done.stderr
    assert done.stderr.endswith("1 error\n")
    assert [found["line"] for found in workspace.call("plan", "--json").document["diagnostics"]] == [3]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"SCIM_TOKEN": "wrong"}, "401"),
        ({"SCIM_TOKEN": ""}, "SCIM_TOKEN is empty"),
        ({"SCIM_BASE_URL": ""}, "SCIM_BASE_URL is not set"),
        ({"SCIM_BASE_URL": "http://scim.example.com"}, "must begin with https://"),
    ],
)
def test_a_directory_that_cannot_be_read_is_one_clear_message(
    workspace: Workspace, variables: dict[str, str], told: str
) -> None:
    done = call(["plan", "-C", str(workspace.path)], env=workspace.env | variables)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_same_is_json_where_json_is_asked_for(workspace: Workspace) -> None:
    done = call(["plan", "--json", "-C", str(workspace.path)], env=workspace.env | {"SCIM_TOKEN": "wrong"})
    assert done.code == 1
    assert done.document["error"]["type"] == "Unauthorized"


@pytest.mark.parametrize(
    ("variables", "flags", "coloured"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1"}, ["--no-color"], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": ""}, [], False),
    ],
)
def test_a_pipe_gets_colours_only_where_they_are_forced(
    workspace: Workspace, variables: dict[str, str], flags: list[str], coloured: bool
) -> None:
    workspace.variables = variables
    assert bool(ANSI.search(workspace.call("plan", *flags).stdout)) is coloured


def test_a_token_that_stops_working_is_told_in_time(workspace: Workspace) -> None:
    directory = workspace.path / "directory.yaml"
    text = directory.read_text(encoding="utf-8").replace("SCIM_TOKEN}", "SCIM_TOKEN, expires: 2020-01-01}")
    directory.write_text(text, encoding="utf-8")
    done = workspace.call("plan")
    assert done.code == 0
    assert "warning: the token stopped working on 2020-01-01" in done.stderr


def test_verbose_tells_what_reading_cost(workspace: Workspace) -> None:
    told = workspace.call("plan", "-v").stderr
    assert re.search(r"^Read 0 users and 0 groups in \d+ requests, [\d,]+ bytes\.$", told, re.MULTILINE)


def test_a_plan_that_cannot_be_saved_is_told_before_the_directory_is_read(workspace: Workspace) -> None:
    done = workspace.call("plan", "-o", str(workspace.path / "missing" / "saved.plan"))
    assert done.code == 64
    assert "there is no folder" in done.stderr
    assert workspace.sandbox.request_count == 0


def test_a_name_cannot_break_out_of_the_plan(workspace: Workspace) -> None:
    workspace.state('users:\n  - userName: ada@example.com\n    title: "x\\e[31m\\n::error::owned"\n')
    done = workspace.call("plan")
    assert r'"x\x1b[31m\n::error::owned"' in done.stdout
    assert not ANSI.search(done.stdout)


def test_as_json_names_stay_whole(workspace: Workspace) -> None:
    workspace.state(ADA_AND_TEAM.replace("Engineer", "Ingénieur \U0001f389"))
    done = workspace.call("plan", "--json")
    assert done.stdout.isascii()
    assert "Ingénieur \U0001f389" in [change["after"] for change in done.document["steps"][0]["changes"]]

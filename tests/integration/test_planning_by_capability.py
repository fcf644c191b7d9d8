"""From files to a directory and back to an empty plan, where the directory is not as RFC 7643 would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import reconciler
from command_line import Workspace
from desired_and_live import AS_OF, step_ids, warnings
from reconciler.planning import Plan
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.server import Sandbox
from reconciler.store.location import FILE

OPEN = Callable[..., Workspace]

LEAVERS = """\
users:
  - {userName: ada@example.com, title: Principal Engineer, timezone: Europe/Berlin}
  - {userName: bob@example.com, title: Engineer, timezone: Europe/Berlin}
"""
WAITING = """\
users: [{userName: ada@example.com, emails: [ada@example.com]}]
groups:
  - displayName: %s
    members: [ada@example.com]
    lifecycle: {previously: [%s], replace: manual-regrant}
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OPEN]:
    """Open a workspace for a sandbox that differs from its dialect in these rules."""
    with ExitStack() as stack:

        def make(dialect: str = "generic", **rules: Any) -> Workspace:
            sandbox = Sandbox(replace(behaviour(dialect), **rules))
            workspace = Workspace(tmp_path, stack.enter_context(sandbox))
            workspace.state("", dialect=dialect)
            return workspace

        yield make


def planned(workspace: Workspace) -> Plan:
    loaded = reconciler.load(workspace.path)
    live = reconciler.read_live(loaded.desired.config, workspace.path, environ=workspace.env)
    learned = reconciler.recall(loaded.desired.config, workspace.path, live.base_url)
    return reconciler.plan(loaded.desired, live, as_of=AS_OF, history=learned)


def applied(workspace: Workspace) -> reconciler.RunResult:
    config = reconciler.load_config(workspace.path)
    return reconciler.apply(planned(workspace), config, workspace.path, environ=workspace.env, now=AS_OF)


class TestWhatIsNotKept:
    def test_it_is_told_after_the_apply_and_the_next_plan_is_empty(self, opened: OPEN) -> None:
        workspace = opened(dropped=("timezone",), truncated={"title": 9})
        workspace.state(LEAVERS)
        assert not applied(workspace).complete
        made = planned(workspace)
        assert made.steps == ()
        of_timezone, of_title = warnings(made)["not-kept"]
        assert "does not keep timezone" in of_timezone
        assert "1 other user" in of_timezone
        assert 'stores title "Principal Engineer" as "Principal"' in of_title

    def test_it_is_written_again_once_the_files_change(self, opened: OPEN) -> None:
        workspace = opened(truncated={"title": 9})
        workspace.state(LEAVERS)
        applied(workspace)
        workspace.state(LEAVERS.replace("Principal Engineer", "Director"))
        assert step_ids(planned(workspace)) == ["update user:ada@example.com"]
        assert applied(workspace).complete
        assert planned(workspace).steps == ()

    def test_the_command_line_remembers_it_too(self, opened: OPEN) -> None:
        workspace = opened(dropped=("timezone",))
        workspace.state(LEAVERS)
        assert workspace.call("apply", "--auto-approve").code == 5
        done = workspace.call("plan", "--detailed-exitcode")
        assert (done.code, done.last_line) == (0, "No changes. The directory matches the desired state.")
        assert "stop managing it" in done.stdout

    def test_without_the_memory_it_is_only_planned_once_more(self, opened: OPEN) -> None:
        workspace = opened(dropped=("timezone",))
        workspace.state(LEAVERS)
        applied(workspace)
        (workspace.path / FILE).unlink()
        assert len(planned(workspace).steps) == 2


def test_two_attributes_that_overwrite_each_other_are_named(opened: OPEN) -> None:
    workspace = opened(name_follows_display_name=True)
    stated = "users: [{userName: ada@example.com, displayName: %s, name: {givenName: Ada, familyName: Example}}]"
    workspace.state(stated % "Ada Example")
    assert applied(workspace).complete
    workspace.state(stated % "Countess")
    told: list[str] = []
    for _ in range(7):
        told += warnings(planned(workspace)).get("not-kept-before", [])
        assert applied(workspace).complete
    assert any("was written and kept 2 times or more" in message for message in told)


def test_a_replacement_waits_for_a_person_and_goes_on_when_told_to(opened: OPEN) -> None:
    workspace = opened("atlassian")
    workspace.state(WAITING % ("team-old", "team-older"), dialect="atlassian")
    assert workspace.call("apply", "--auto-approve").code == 0
    directory = workspace.path / "directory.yaml"
    directory.write_text(directory.read_text(encoding="utf-8").replace("groups: ignore", "groups: delete"))
    (workspace.path / "resources.yaml").write_text(WAITING % ("team-new", "team-old"), encoding="utf-8")

    first = workspace.call("apply", "--auto-approve")
    assert first.code == 0
    assert "-/+ team-new  (replaces team-old" in first.stdout
    waiting = workspace.call("plan", "--detailed-exitcode")
    assert (waiting.code, waiting.last_line) == (0, "No changes. The directory matches the desired state.")
    assert "To go on after that: reconciler apply --confirm-replace" in waiting.stdout

    saved = workspace.path / "confirmed.plan"
    assert workspace.call("plan", "--confirm-replace", "-o", str(saved)).code == 0
    assert workspace.call("apply", str(saved), "--confirm-replace").code == 64
    assert workspace.call("apply", str(saved)).code == 0
    done = workspace.call("plan", "--detailed-exitcode")
    assert (done.code, "team-old" in done.stdout) == (0, False)


ADA = """\
users:
  - userName: ada@example.com
    externalId: "7"
    displayName: Ada Example
    name: {givenName: Ada, familyName: Example}
    emails: [ada@example.com]
    active: %s
"""
OURS = """\
scope: {users: 'userName ew "@example.com"'}
guards: {users: {deactivate: {count: 1}}, identity: {change: {count: 1}}}
"""


def test_a_name_that_deactivation_rewrites_comes_back_with_the_account(opened: OPEN) -> None:
    workspace = opened("github-emu")
    changed: list[set[str]] = []
    for active in ("true", "false", "true"):
        workspace.state(ADA % active, dialect="github-emu")
        with (workspace.path / "directory.yaml").open("a", encoding="utf-8") as directory:
            directory.write(OURS)
        [step] = planned(workspace).steps
        changed.append({change.path for change in step.changes})
        result = applied(workspace)
        assert result.complete, [outcome.message for outcome in result.outcomes]
        assert planned(workspace).steps == ()
    assert changed[1:] == [{"active"}, {"active", "userName", "emails"}]

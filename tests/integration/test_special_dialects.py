"""What only some dialects have: members told one by one, no listing, rewritten names, replacements that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

import reconciler
from dialect_rules import Sent, violations
from reconciler.applying.requests import PATCH_OP
from reconciler.planning import Action, Plan
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.behaviour.definition import Listing
from reconciler.sandbox.seed import dump
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving
from scenario import AS_OF
from whole_way import Product, Row, Workspace

OURS = 'userName ew "@example.com"'
STRANGER = "robot@elsewhere.example"


class Open(Protocol):
    """Open a workspace, in its dialect, for a sandbox that differs from it in these rules."""

    def __call__(self, dialect: str, seed: dict[str, Any], **rules: Any) -> tuple[Workspace, Sandbox]: ...


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def make(dialect: str, seed: dict[str, Any], **rules: Any) -> tuple[Workspace, Sandbox]:
            sandbox = stack.enter_context(
                leaving(Sandbox(replace(behaviour(dialect), **rules), seed=seed, record=True))
            )
            return Workspace(tmp_path, sandbox.base_url, sandbox.token, dialect=dialect, scope=OURS), sandbox

        yield make


def live_user(name: str, **attributes: Any) -> Row:
    emails = [{"value": name, "type": "work", "primary": True}]
    name_of = {"givenName": "A", "familyName": "B"}
    return {"userName": name, "externalId": f"x-{name}", "displayName": name, "name": name_of, "emails": emails} | {
        "active": True,
        **attributes,
    }


def listed(name: str, **attributes: Any) -> Row:
    return {"userName": name, "externalId": f"x-{name}", "emails": [name], **attributes}


def members(sandbox: Sandbox) -> dict[str, set[str]]:
    content = dump(sandbox.directory)
    names = {user["id"]: user["userName"] for user in content["users"]}
    return {group["displayName"]: {names[one] for one in group["members"]} for group in content["groups"]}


def active(sandbox: Sandbox) -> dict[str, bool]:
    return {user["userName"]: user["active"] for user in dump(sandbox.directory)["users"]}


def counted(sandbox: Sandbox, start: int = 0) -> Counter[str]:
    """The requests for resources, by what they are: ``GET Groups filter``, ``PATCH Groups/id``."""
    found = Counter[str]()
    for sent in map(Sent, sandbox.requests[start:]):
        if sent.endpoint in ("Users", "Groups"):
            what = "/id" if sent.resource_id else " filter" if "filter" in sent.params else ""
            found[f"{sent.method} {sent.endpoint}{what}"] += 1
    return found


NAMES = [f"user{number:02}@example.com" for number in range(40)]
TEAMS = {f"team-{number}": NAMES[number::6] for number in range(6)}
AWS = {
    "users": [*map(live_user, NAMES), live_user(STRANGER)],
    "groups": [{"displayName": name, "members": [*inside, STRANGER]} for name, inside in TEAMS.items()],
}


def groups(teams: dict[str, Sequence[str]] | dict[str, list[str]]) -> list[Row]:
    return [{"displayName": name, "members": list(inside)} for name, inside in teams.items()]


# What is asked for each group: who is in it; or, of each of 40 users and a stranger, whether they are.
AWS_ASKS = {"users-by-group": ("GET Users filter", 1), "probe": ("GET Groups filter", 41)}


@pytest.mark.parametrize("way", AWS_ASKS)
class TestAwsWhichDoesNotShowMembers:
    @pytest.fixture
    def aws(self, opened: Open, way: str) -> tuple[Workspace, Sandbox]:
        workspace, sandbox = opened("aws-identity-center", AWS)
        workspace.product = Product(capabilities={"members_read": way})
        return workspace, sandbox

    def test_a_plan_asks_for_the_members_of_each_group_whose_members_files_state(
        self, aws: tuple[Workspace, Sandbox], way: str
    ) -> None:
        workspace, sandbox = aws
        question, each = AWS_ASKS[way]
        workspace.unlisted = ("deactivate", "ignore")
        for number in (6, 2, 0):
            rows = [*groups(TEAMS)[:number], *({"displayName": name} for name in list(TEAMS)[number:])]
            workspace.state(list(map(listed, NAMES)), rows)
            start = len(sandbox.requests)
            assert workspace.plan().steps == ()
            # Once about what does not exist, to see that the filter is honoured.
            asked = {question: 1 + number * each} if number else {}
            assert counted(sandbox, start) == {"GET Users": 1, "GET Groups": 1, **asked}

    def test_exactly_those_are_removed_who_are_not_listed_and_ours(self, aws: tuple[Workspace, Sandbox]) -> None:
        workspace, sandbox = aws
        wanted = {name: inside[2:] for name, inside in TEAMS.items()} | {"team-5": []}
        workspace.state(list(map(listed, NAMES)), groups(wanted))
        planned = workspace.plan()
        removed = {step.name: {edge.name for edge in step.members} for step in planned.steps}
        assert removed == {name: set(inside) - set(wanted[name]) for name, inside in TEAMS.items()}
        start = len(sandbox.requests)
        workspace.converge()
        assert members(sandbox) == {name: {*inside, STRANGER} for name, inside in wanted.items()}
        writes = [sent for sent in map(Sent, sandbox.requests[start:]) if sent.method != "GET"]
        assert {member.form for sent in writes for member in sent.memberships} == {"value-array"}
        assert violations(sandbox.requests, workspace.live().capabilities) == []


def test_an_aws_group_of_more_than_a_request_may_carry_is_filled_and_emptied(opened: Open) -> None:
    names = [f"user{number:03}@example.com" for number in range(120)]
    seed = {"users": list(map(live_user, names)), "groups": [{"displayName": "large", "members": []}]}
    workspace, sandbox = opened("aws-identity-center", seed)
    for inside in (names, []):
        workspace.state(list(map(listed, names)), groups({"large": inside}))
        start = len(sandbox.requests)
        workspace.converge()
        assert members(sandbox) == {"large": set(inside)}
        assert counted(sandbox, start)["PATCH Groups/id"] == 2
    assert violations(sandbox.requests, workspace.live().capabilities) == []


GITLAB = {"users": [live_user(f"{name}@example.com") for name in ("ada", "bob", "cleo", "dan")]}


@pytest.mark.parametrize("listing", [Listing.REFUSED, Listing.FIRST, Listing.MADE_UP])
class TestGitlabWhichHasNoListing:
    def test_nobody_who_is_not_listed_is_touched_whatever_the_policy(self, opened: Open, listing: Listing) -> None:
        workspace, sandbox = opened("gitlab", GITLAB, listing=listing)
        before = active(sandbox)
        for unlisted in ("deactivate", "delete"):
            workspace.unlisted = (unlisted, "ignore")
            workspace.state([listed("ada@example.com")], [])
            planned = workspace.plan()
            assert planned.steps == ()
            [note] = [note for note in planned.notes if note.code == "partial"]
            assert (note.severity, f"`unlisted: {{users: {unlisted}}}` has no effect" in note.message) == (
                "warning",
                True,
            )
        assert active(sandbox) == before
        assert violations(sandbox.requests, workspace.live().capabilities) == []

    def test_who_is_stated_to_be_inactive_is_deactivated_and_comes_back(self, opened: Open, listing: Listing) -> None:
        workspace, sandbox = opened("gitlab", GITLAB, listing=listing)
        for working in (False, True):
            workspace.state([listed("ada@example.com", active=working), listed("eve@example.com")], [])
            workspace.converge()
            assert active(sandbox) == dict.fromkeys((*active(sandbox),), True) | {"ada@example.com": working}
        assert "eve@example.com" in active(sandbox)


def test_a_deactivated_account_keeps_its_groups_while_listed_and_has_its_name_back_afterwards(opened: Open) -> None:
    names = [f"{name}@example.com" for name in ("ada", "bob", "cleo")]
    seed = {"users": list(map(live_user, names)), "groups": [{"displayName": "team", "members": names}]}
    workspace, sandbox = opened("github-emu", seed)
    for working, inside in ((False, names), (False, names[1:]), (True, names)):
        rows = [listed(names[0], active=working), *map(listed, names[1:])]
        workspace.state(rows, groups({"team": inside}))
        workspace.converge()
        assert members(sandbox) == {"team": set(inside)}
        with client_of(sandbox) as client:
            shown = client.get(f"{sandbox.base_url}/Users", params={"filter": f'externalId eq "x-{names[0]}"'}).json()
        assert (shown["Resources"][0]["userName"] == names[0]) is working
        assert active(sandbox)[names[0]] is working


def test_who_is_off_and_not_listed_any_more_is_not_planned_again_under_the_name_that_was_made_up(opened: Open) -> None:
    workspace, sandbox = opened("github-emu", {"users": [live_user("ada@example.com"), live_user("bob@example.com")]})
    for rows in ([listed("bob@example.com")], [listed("ada@example.com"), listed("bob@example.com")]):
        workspace.state(rows, [])
        workspace.converge()
        assert active(sandbox) == {"ada@example.com": len(rows) == 2, "bob@example.com": True}


def regranted(old: str, new: str, inside: Sequence[str]) -> Row:
    return {
        "displayName": new,
        "members": list(inside),
        "lifecycle": {"previously": [old], "replace": "manual-regrant"},
    }


def confirmed(workspace: Workspace) -> Plan:
    policy = replace(workspace.config.policy, confirm_replace=True)
    return reconciler.plan(workspace.desired, workspace.live(), as_of=AS_OF, policy=policy)


def test_a_group_that_waits_for_a_person_is_kept_over_runs_and_hands_on_who_came_meanwhile(opened: Open) -> None:
    names = [f"{name}@example.com" for name in ("ada", "bob", "cleo")]
    seed = {
        "users": [*map(live_user, names), live_user(STRANGER)],
        "groups": [{"displayName": "old", "members": names[:2]}],
    }
    workspace, sandbox = opened("atlassian", seed)
    workspace.state(list(map(listed, names)), [regranted("old", "new", names[:2])])
    workspace.converge()
    assert members(sandbox) == {"old": set(names[:2]), "new": set(names[:2])}

    old = next(group["id"] for group in dump(sandbox.directory)["groups"] if group["displayName"] == "old")
    robot = next(user["id"] for user in dump(sandbox.directory)["users"] if user["userName"] == STRANGER)
    operation = {"op": "add", "path": "members", "value": [{"value": robot}]}
    with client_of(sandbox) as client:
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        client.patch(f"{sandbox.base_url}/Groups/{old}", json=body).raise_for_status()
    workspace.state(list(map(listed, names)), [regranted("old", "new", names[1:])])
    workspace.converge()
    assert members(sandbox) == {"old": {*names[:2], STRANGER}, "new": {*names[1:], STRANGER}}

    last = confirmed(workspace)
    assert [(step.action, step.name) for step in last.steps] == [(Action.DELETE, "old")]
    assert reconciler.apply(last, workspace.config, workspace.folder, environ=workspace.environ, now=AS_OF).complete
    assert members(sandbox) == {"new": {*names[1:], STRANGER}}
    assert workspace.plan().steps == confirmed(workspace).steps == ()

"""Applying a plan to a directory over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from memory_journal import MemoryJournal
from reconciler.applying import ApplyEvent, Status, StopSignal
from reconciler.model import Kind
from reconciler.sandbox.server import Sandbox
from scenario import Scenario, Start


def user(name: str, **attributes: Any) -> dict[str, Any]:
    address = f"{name}@example.com"
    return {"userName": address, "emails": [{"value": address, "type": "work", "primary": True}], **attributes}


def writes(sandbox: Sandbox) -> list[tuple[str, str]]:
    return [
        (request.method, request.path.rstrip("/").split("/")[-2 if request.method != "POST" else -1])
        for request in sandbox.requests
        if request.method != "GET"
    ]


TEAM = """
users:
  - {userName: ada@example.com, emails: [ada@example.com], title: Engineer}
  - {userName: grace@example.com, emails: [grace@example.com]}
groups:
  - displayName: team-platform
    members: [ada@example.com, grace@example.com]
"""


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
def test_an_empty_directory_comes_to_hold_what_the_files_state(start: Start, dialect: str) -> None:
    scenario, _ = start(dialect)
    result = scenario.write(TEAM).converge()
    assert [outcome.status for outcome in result.outcomes] == [Status.APPLIED] * 4
    assert scenario.members("team-platform") == {"ada@example.com", "grace@example.com"}


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
def test_changes_of_every_sort_converge(start: Start, dialect: str) -> None:
    seed = {
        "users": [
            user("ada", title="Intern", displayName="Ada", nickName="keep me"),
            user("grace.old", active=False, externalId="7"),
            user("leaver"),
        ],
        "groups": [
            {"displayName": "team-platform", "members": ["leaver@example.com"]},
            {"displayName": "team-gone", "members": ["leaver@example.com"]},
        ],
    }
    scenario, _ = start(dialect, seed=seed)
    scenario.write(
        """
users:
  - userName: ada@example.com
    emails: [ada@example.com, {value: ada@example.org, type: home}]
    title: null
    displayName: Ada Example
    name: {givenName: Ada}
    department: Platform
  - {userName: grace@example.com, emails: [grace@example.com], externalId: 7}
  - {userName: new@example.com, emails: [new@example.com], active: false}
groups:
  - {displayName: team-platform, members: [ada@example.com, grace@example.com]}
"""
    ).converge()
    live = scenario.live()
    by_name = {found.name: found for found in live.users}
    ada = by_name["ada@example.com"].attributes
    assert "title" not in ada
    assert ada["nickName"] == "keep me"
    assert not by_name["leaver@example.com"].active
    assert by_name["grace@example.com"].active
    assert not by_name["new@example.com"].active
    assert scenario.members("team-platform") == {"ada@example.com", "grace@example.com"}
    assert "team-gone" not in {group.name for group in live.groups}


def test_a_group_that_cannot_be_renamed_is_replaced_with_its_members(start: Start) -> None:
    seed = {"users": [user("ada"), user("grace")], "groups": [{"displayName": "old", "members": ["ada@example.com"]}]}
    scenario, _ = start("atlassian", seed=seed, unlisted=("ignore", "ignore"))
    scenario.write("groups: [{displayName: new, lifecycle: {previously: [old]}}]").converge()
    assert scenario.members("new") == {"ada@example.com"}
    assert "old" not in {group.name for group in scenario.live().groups}


def test_an_update_is_the_smallest_patch(start: Start) -> None:
    scenario, sandbox = start(seed={"users": [user("ada", title="Intern", displayName="Ada", nickName="A")]})
    scenario.write("users: [{userName: ada@example.com, title: Engineer, displayName: Ada, nickName: null}]").converge()
    (patch,) = [request for request in sandbox.requests if request.method == "PATCH"]
    assert json.loads(patch.body or b"")["Operations"] == [
        {"op": "replace", "path": "title", "value": "Engineer"},
        {"op": "remove", "path": "nickName"},
    ]


def test_members_are_removed_one_by_one_by_filter(start: Start) -> None:
    seed = {
        "users": [user("ada"), user("grace")],
        "groups": [{"displayName": "team", "members": ["ada@example.com", "grace@example.com"]}],
    }
    scenario, sandbox = start(seed=seed, unlisted=("ignore", "ignore"))
    grace = next(found.id for found in scenario.live().users if found.name == "grace@example.com")
    scenario.write(
        "users: [{userName: ada@example.com}]\ngroups: [{displayName: team, members: [ada@example.com]}]"
    ).converge()
    (patch,) = [request for request in sandbox.requests if request.method == "PATCH"]
    assert json.loads(patch.body or b"")["Operations"] == [{"op": "remove", "path": f'members[value eq "{grace}"]'}]


def test_applying_the_same_plan_twice_writes_nothing_the_second_time(start: Start) -> None:
    scenario, sandbox = start()
    planned = scenario.write(TEAM).plan()
    assert scenario.apply(planned).complete
    before = len(writes(sandbox))
    again = scenario.apply(planned)
    assert again.complete
    assert [method for method, _ in writes(sandbox)[before:]] == ["POST", "POST"]  # refused: the names are taken
    assert [outcome.requests for outcome in again.outcomes if outcome.step.kind == "Group"] == [0, 0]


def test_a_step_is_refused_when_its_resource_changed_since_the_plan(start: Start) -> None:
    scenario, sandbox = start(seed={"users": [user("ada", title="Intern"), user("grace", title="Intern")]})
    scenario.write(
        "users: [{userName: ada@example.com, title: Engineer}, {userName: grace@example.com, title: Engineer}]"
    )
    planned = scenario.plan()
    other = Scenario(
        scenario.workspace.parent / "other", sandbox.base_url, sandbox.token, unlisted=("ignore", "ignore")
    )
    other.workspace.mkdir()
    other.write("users: [{userName: ada@example.com, title: Director}]").apply()
    result = scenario.apply(planned)
    assert {outcome.step.name: outcome.status for outcome in result.outcomes} == {
        "ada@example.com": Status.STALE,
        "grace@example.com": Status.APPLIED,
    }
    titles = {found.name: found.attributes["title"] for found in scenario.live().users}
    assert titles == {"ada@example.com": "Director", "grace@example.com": "Engineer"}


def test_a_creation_that_somebody_else_made_differently_is_stale(start: Start) -> None:
    scenario, sandbox = start()
    planned = scenario.write("users: [{userName: ada@example.com, title: Engineer}]").plan()
    other = Scenario(scenario.workspace.parent / "other", sandbox.base_url, sandbox.token)
    other.workspace.mkdir()
    other.write("users: [{userName: ADA@example.com, title: Director}]").apply()
    (outcome,) = scenario.apply(planned).outcomes
    assert outcome.status is Status.STALE
    assert "title is 'Director', not 'Engineer'" in outcome.message
    assert len(scenario.live().users) == 1


def test_a_failed_step_stops_only_what_needs_it(start: Start) -> None:
    scenario, _ = start("atlassian")
    scenario.write(
        """
users:
  - {userName: ada@example.com, emails: [ada@example.com]}
  - {userName: nomail@example.com}
groups:
  - {displayName: jira-software-users, members: [ada@example.com]}
  - {displayName: team, members: [ada@example.com, nomail@example.com]}
"""
    )
    result = scenario.apply()
    by_step = {outcome.step.id: outcome for outcome in result.outcomes}
    assert by_step["create user:nomail@example.com"].status is Status.FAILED
    assert by_step["create group:jira-software-users"].status is Status.FAILED
    refused = by_step["add_members group:jira-software-users"]
    assert refused.status is Status.SKIPPED
    assert refused.message == "needs “create group:jira-software-users”, which is failed"
    partly = by_step["add_members group:team"]
    assert partly.status is Status.FAILED
    assert partly.message.startswith("1 of 2 memberships were not changed: nomail@example.com: needs")
    assert scenario.members("team") == {"ada@example.com"}


def test_one_member_that_is_gone_does_not_keep_the_others_out(start: Start) -> None:
    names = [f"user{number}" for number in range(9)]
    scenario, sandbox = start(
        "atlassian", seed={"users": [user(name) for name in names], "groups": [{"displayName": "team", "members": []}]}
    )
    listed = "\n".join(f"  - {{userName: {name}@example.com}}" for name in names)
    members = ", ".join(f"{name}@example.com" for name in names)
    planned = scenario.write(f"users:\n{listed}\ngroups:\n  - {{displayName: team, members: [{members}]}}").plan()
    gone = next(found.id for found in scenario.live().users if found.name == "user4@example.com")
    with sandbox.directory.lock:
        sandbox.directory.delete(Kind.USER, gone)
    (outcome,) = scenario.apply(planned).outcomes
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("1 of 9 memberships were not changed: user4@example.com")
    assert len(scenario.members("team")) == 8


def test_a_stop_finishes_what_is_in_flight_and_says_what_was_not_tried(start: Start) -> None:
    scenario, _ = start(concurrency=1, chunk_size=10)
    listed = "\n".join(f"  - {{userName: user{number:02}@example.com}}" for number in range(30))
    scenario.write(f"users:\n{listed}")
    stop = StopSignal()

    def after_five(event: ApplyEvent) -> None:
        if event.done == 5:
            stop.request()

    journal = MemoryJournal()
    result = scenario.apply(stop=stop, on_event=after_five, journal=journal)
    assert result.by_user
    assert result.counts[Status.APPLIED] == 5
    assert result.counts[Status.NOT_TRIED] == 25
    assert journal.result == result
    scenario.converge()


def test_refused_credentials_end_the_run_at_once(start: Start) -> None:
    scenario, sandbox = start(concurrency=1)
    listed = "\n".join(f"  - {{userName: user{number:02}@example.com}}" for number in range(20))
    planned = scenario.write(f"users:\n{listed}").plan()
    live = scenario.live()
    count = sandbox.request_count

    result = replace(scenario, token="no-longer-valid").apply_to(planned, live)
    assert result.counts[Status.FAILED] == 1
    assert result.counts[Status.NOT_TRIED] == 19
    assert result.stopped is not None
    assert "no-longer-valid" not in result.stopped
    assert sandbox.request_count == count + 1

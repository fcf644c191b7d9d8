"""Applying to directories that lose answers, lie, refuse or misread: a meddler stands between us and a real one."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, Once, look, statuses, user, with_body
from reconciler.applying import RunResult, Status


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
@pytest.mark.parametrize("endpoint", ["Users", "Groups"])
@pytest.mark.parametrize("took_effect", [True, False])
def test_a_creation_whose_answer_is_lost_is_made_exactly_once(
    between: Interpose, dialect: str, endpoint: str, took_effect: bool
) -> None:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(request.method == "POST" and request.path.endswith(endpoint)):
            if took_effect:
                forward(request)
            return Reply(reset=True)
        return forward(request)

    made = between(meddle, dialect=dialect)
    made.scenario.write(
        "users: [{userName: ada@example.com, externalId: 7, emails: [ada@example.com]}]\n"
        "groups: [{displayName: team, members: [ada@example.com]}]"
    )
    first = made.apply()
    # A directory that takes two groups of one name must not be asked twice: the next run makes it.
    asked_once = endpoint == "Groups" and dialect == "generic" and not took_effect
    assert first.complete is not asked_once
    assert first.complete or made.apply().complete
    live = made.direct.live()
    assert [found.name for found in live.users] == ["ada@example.com"]
    assert [group.name for group in live.groups if "All members" not in group.name] == ["team"]
    assert made.direct.plan().steps == ()


@pytest.mark.parametrize("took_effect", [True, False])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_change_whose_answer_is_lost_is_settled_by_reading(
    between: Interpose, method: str, took_effect: bool
) -> None:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(request.method == method):
            if took_effect:
                forward(request)
            return Reply(500, b"<html>")
        return forward(request)

    seed = {"users": [user("ada", title="Intern")], "groups": [{"displayName": "gone", "members": []}]}
    made = between(meddle, seed=seed)
    made.scenario.write("users: [{userName: ada@example.com, title: Engineer}]")
    assert made.apply().complete
    assert made.direct.plan().steps == ()


def test_a_write_that_changes_nothing_is_found_by_reading_back(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH" and "/Users/" in request.path:
            return look(request, forward)
        return forward(request)

    made = between(meddle, seed={"users": [user("ada", title="Intern")]})
    made.scenario.write("users: [{userName: ada@example.com, title: Engineer}]")
    (outcome,) = made.apply().outcomes
    assert outcome.status is Status.DIFFERS
    assert outcome.message == "title is 'Intern', not 'Engineer'"


def test_members_that_are_silently_left_out_are_named(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH" and "/Groups/" in request.path:
            body = request.json
            kept = [one for one in body["Operations"][0]["value"] if one["value"] != unwelcome[0]]
            body["Operations"][0]["value"] = kept
            return forward(with_body(request, body))
        return forward(request)

    unwelcome = [""]
    made = between(meddle, seed={"users": [user(name) for name in "abc"], "groups": []})
    made.scenario.write(
        "users: [{userName: a@example.com}, {userName: b@example.com}, {userName: c@example.com}]\n"
        "groups: [{displayName: team, members: [a@example.com, b@example.com, c@example.com]}]"
    )
    unwelcome[0] = made.id_of("c@example.com")
    result = made.apply()
    assert statuses(result)["add_members group:team"] is Status.DIFFERS
    assert result.outcomes[-1].message == "1 memberships are not as written: c@example.com"


def test_a_replaced_group_is_kept_when_its_successor_lacks_members(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method in ("PATCH", "PUT") and "/Groups/" in request.path:
            return look(request, forward)
        return forward(request)

    made = between(
        meddle,
        dialect="atlassian",
        seed={"users": [user("ada")], "groups": [{"displayName": "old", "members": ["ada@example.com"]}]},
    )
    made.scenario.write(
        "users: [{userName: ada@example.com}]\n"
        "groups: [{displayName: new, members: [ada@example.com], lifecycle: {previously: [old]}}]"
    )
    result = made.apply()
    assert statuses(result)["delete group:old"] is Status.SKIPPED
    assert "old" in {group.name for group in made.direct.live().groups}


def test_a_token_that_expires_in_the_middle_ends_the_run_and_the_next_goes_on(between: Interpose) -> None:
    lock, seen, working = threading.Lock(), [0], [False]

    def meddle(request: Request, forward: Forward) -> Reply:
        with lock:
            seen[0] += 1
            expired = seen[0] > 30 and not working[0]
        return error(401, "token expired") if expired else forward(request)

    made = between(meddle)
    made.scenario.write(
        "users:\n" + "".join(f"  - {{userName: user{number:02}@example.com}}\n" for number in range(40))
    )
    result = made.apply()
    assert result.stopped is not None
    assert result.counts[Status.APPLIED] > 0
    assert result.counts[Status.NOT_TRIED] > 0
    working[0] = True
    made.scenario.converge()
    assert len(made.direct.live().users) == 40


def test_two_runs_at_once_make_nothing_twice(between: Interpose) -> None:
    made = between(lambda request, forward: forward(request), dialect="atlassian")
    listed = "".join(
        f"  - {{userName: u{number:02}@example.com, emails: [u{number:02}@example.com]}}\n" for number in range(30)
    )
    members = ", ".join(f"u{number:02}@example.com" for number in range(30))
    made.scenario.write(f"users:\n{listed}groups:\n  - {{displayName: team, members: [{members}]}}\n")
    results: list[RunResult] = []
    runs = [threading.Thread(target=lambda: results.append(made.apply())) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(results) == 2
    live = made.direct.live()
    assert len(live.users) == len({found.name for found in live.users}) == 30
    assert len([group for group in live.groups if group.name == "team"]) == 1
    made.direct.converge()


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_is_waited_out(between: Interpose, status: int) -> None:
    lock, seen = threading.Lock(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        with lock:
            seen[0] += 1
            refused = seen[0] % 3 == 0
        return error(status, "slow down", Retry_After="0") if refused else forward(request)

    made = between(meddle)
    made.scenario.write(
        "users: [{userName: ada@example.com}]\ngroups: [{displayName: team, members: [ada@example.com]}]"
    )
    assert made.apply().complete


def test_a_directory_without_patch_is_written_with_put(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            return error(501, "PATCH is not supported")
        reply = forward(request)
        if request.path.endswith("/ServiceProviderConfig"):
            return replace(reply, body={**json.loads(reply.content), "patch": {"supported": False}})
        return reply

    seed = {
        "users": [
            user("ada", title="Intern", nickName="kept") | {"name": {"familyName": "Kept"}},
            user("grace"),
            user("gone"),
        ],
        "groups": [{"displayName": "team", "externalId": "kept", "members": ["ada@example.com", "gone@example.com"]}],
    }
    made = between(meddle, seed=seed)
    made.scenario.write(
        """
users:
  - {userName: ada@example.com, title: null, name: {givenName: Ada}, department: Platform}
  - {userName: grace@example.com, active: false}
groups:
  - {displayName: Team Platform, members: [ada@example.com, grace@example.com], lifecycle: {previously: [team]}}
"""
    )
    assert made.apply().complete
    assert made.direct.plan().steps == ()
    live = made.direct.live()
    ada = next(found.attributes for found in live.users if found.name == "ada@example.com")
    assert "title" not in ada
    assert (ada["nickName"], ada["name"]) == ("kept", {"familyName": "Kept", "givenName": "Ada"})
    assert live.groups[0].external_id == "kept"
    assert made.direct.members("Team Platform") == {"ada@example.com", "grace@example.com"}

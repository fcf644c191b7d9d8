"""Membership batches against directories that refuse, lose answers, or have no PATCH."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Once, outcome_of, pass_on, team, user
from reconciler.applying import RunResult, Status
from reconciler.capabilities import MembersRead
from reconciler.desired import load
from reconciler.model import Kind, Live
from reconciler.planning import Plan, plan

NAMES = [f"user{number:02}" for number in range(40)]
ADDRESSES = [f"{name}@example.com" for name in NAMES]
ADD = "add_members group:team"
REMOVE = "remove_members group:team"


def seed(members: list[str]) -> dict[str, Any]:
    return {"users": [user(name) for name in NAMES], "groups": [{"displayName": "team", "members": members}]}


def is_group_write(request: Request) -> bool:
    return request.method in ("PATCH", "PUT") and "/Groups/" in request.path


def plan_with(made: Between, yaml: str, **capabilities: Any) -> tuple[Plan, Live]:
    """A plan for the directory, as if it could do something else than it says."""
    live = made.direct.live()
    live = replace(live, capabilities=replace(live.capabilities, **capabilities))
    made.scenario.write(yaml)
    return plan(load(made.scenario.workspace).desired, live, as_of=made.scenario.as_of), live


@pytest.mark.parametrize("gone", [ADDRESSES[:1], ADDRESSES[:9], ADDRESSES[::13]], ids=["one", "neighbours", "spread"])
def test_members_who_are_gone_do_not_keep_the_others_out(between: Interpose, gone: list[str]) -> None:
    made = between(pass_on, dialect="atlassian", seed=seed([]))
    planned = made.scenario.write(team(*NAMES)).plan()
    for name in gone:
        made.delete(Kind.USER, made.id_of(name))
    outcome = outcome_of(made.scenario.apply(planned), ADD)
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith(f"{len(gone)} of 40 memberships were not changed: {gone[0]}")
    assert made.direct.members("team") == set(ADDRESSES) - set(gone)


def test_a_directory_that_refuses_every_membership_is_not_asked_for_each(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(400, "groups are read-only today") if is_group_write(request) else forward(request)

    made = between(meddle, seed=seed([]))
    outcome = outcome_of(made.scenario.write(team(*NAMES)).apply(), ADD)
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("40 of 40 memberships were not changed")
    assert "groups are read-only today" in outcome.message
    assert len(made.sent("PATCH")) + len(made.sent("PUT")) == outcome.requests == 32


@pytest.mark.parametrize(("stated", "step"), [(NAMES, ADD), (NAMES[:1], REMOVE)])
def test_a_group_that_goes_while_its_members_are_written_costs_one_write(
    between: Interpose, stated: list[str], step: str
) -> None:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(is_group_write(request)):
            made.delete(Kind.GROUP, request.path.rpartition("/")[2])
        return forward(request)

    made = between(meddle, seed=seed(ADDRESSES[:20]))
    everybody = "".join(f"  - {{userName: {address}}}\n" for address in ADDRESSES)
    members = ", ".join(f"{name}@example.com" for name in stated)
    made.scenario.write(f"users:\n{everybody}groups:\n  - {{displayName: team, members: [{members}]}}")
    outcome = outcome_of(made.apply(), step)
    # A group that is gone has no members: nothing is left to remove, and nowhere to add.
    assert outcome.status is (Status.STALE if step == ADD else Status.APPLIED)
    assert outcome.message.startswith("group:team is not in the directory any more")
    assert len(made.sent("PATCH")) == 1


def test_an_answer_lost_between_two_halves_counts_nothing_twice(between: Interpose) -> None:
    lock, writes = threading.Lock(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if is_group_write(request):
            with lock:
                writes[0] += 1
            reply = forward(request)
            return Reply(reset=True) if writes[0] == 3 else reply
        return forward(request)

    made = between(meddle, dialect="atlassian", seed=seed([]))
    planned = made.scenario.write(team(*NAMES)).plan()
    made.delete(Kind.USER, made.id_of(ADDRESSES[0]))
    outcome = outcome_of(made.scenario.apply(planned), ADD)
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("1 of 40 memberships were not changed: user00@example.com")
    assert made.direct.members("team") == set(ADDRESSES[1:])


def test_a_failure_in_the_middle_says_how_far_it_came(between: Interpose) -> None:
    lock, writes = threading.Lock(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if is_group_write(request):
            with lock:
                writes[0] += 1
            if writes[0] > 2:
                return error(429, "slow down", Retry_After="0")
        return forward(request)

    made = between(meddle, dialect="atlassian", seed=seed([]))
    planned = made.scenario.write(team(*NAMES)).plan()
    made.delete(Kind.USER, made.id_of(ADDRESSES[-1]))
    outcome = outcome_of(made.scenario.apply(planned), ADD)
    assert outcome.status is Status.FAILED
    assert outcome.message.endswith("Nothing was changed (20 of 40 memberships are as they should be)")
    assert len(made.direct.members("team")) == 20


def test_a_failure_stays_a_failure_where_nothing_can_be_read_back(between: Interpose) -> None:
    lock, writes = threading.Lock(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if is_group_write(request):
            with lock:
                writes[0] += 1
            if writes[0] > 2:
                return error(429, "slow down", Retry_After="0")
        if writes[0] > 2 and "/Groups/" in request.path:
            return Reply(500)
        return forward(request)

    made = between(meddle, dialect="atlassian", seed=seed([]))
    planned = made.scenario.write(team(*NAMES)).plan()
    made.delete(Kind.USER, made.id_of(ADDRESSES[-1]))
    outcome = outcome_of(made.scenario.apply(planned), ADD)
    assert outcome.status is Status.FAILED
    assert "still turning requests away" in outcome.message


def test_a_removal_that_finds_nobody_left_to_remove_is_done(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if is_group_write(request):
            forward(request)
            return error(400, "no target matched", "noTarget")
        return forward(request)

    made = between(meddle, seed=seed(ADDRESSES[:2]))
    made.scenario.write(
        "users: [{userName: user00@example.com}, {userName: user01@example.com}]\n"
        "groups: [{displayName: team, members: [user00@example.com]}]"
    )
    assert outcome_of(made.apply(), REMOVE).status is Status.APPLIED


def test_a_member_that_could_not_be_created_is_named_where_all_others_are_in(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "POST":
            return error(400, "this domain is not verified")
        return forward(request)

    made = between(meddle, seed=seed(ADDRESSES[:1]))
    made.scenario.write(
        "users: [{userName: user00@example.com}, {userName: new@example.com}]\n"
        "groups: [{displayName: team, members: [user00@example.com, new@example.com]}]"
    )
    outcome = outcome_of(made.apply(), ADD)
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("1 of 1 memberships were not changed: new@example.com: needs “create user:new")
    assert outcome.requests == 0


def apply_as(made: Between, yaml: str, **capabilities: Any) -> RunResult:
    planned, live = plan_with(made, yaml, **capabilities)
    return made.scenario.apply_to(planned, live)


def test_put_batches_of_one_group_keep_what_earlier_ones_wrote(between: Interpose) -> None:
    made = between(pass_on, seed=seed(ADDRESSES[30:]))
    result = apply_as(made, team(*NAMES), patch_groups=False, max_members_per_patch=7)
    assert result.complete
    # One member goes first, because nobody knows yet what this server makes of a PUT.
    assert len(made.sent("PUT", "/Groups/")) == 6
    assert made.direct.members("team") == set(ADDRESSES)


def test_a_put_batch_that_fails_half_way_takes_nothing_from_those_after_it(between: Interpose) -> None:
    lock, writes = threading.Lock(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if is_group_write(request):
            with lock:
                writes[0] += 1
                number = writes[0]
            if number == 2:
                return error(400, "too many at once", "tooMany")
            if number in (4, 5, 6):
                return error(503, "busy", Retry_After="0")
        return forward(request)

    made = between(meddle, seed=seed(ADDRESSES[30:]))
    result = apply_as(made, team(*NAMES), patch_groups=False, max_members_per_patch=10)
    assert result.counts[Status.FAILED] == 1
    # One member alone; the rest refused whole, its first half accepted, its second given up; the others are in.
    assert made.direct.members("team") == set(ADDRESSES) - set(ADDRESSES[5:10])


@pytest.mark.parametrize("change", ["members", "attributes"])
def test_a_put_that_would_have_to_repeat_unknown_members_is_never_sent(between: Interpose, change: str) -> None:
    made = between(pass_on, seed=seed(ADDRESSES[:3]))
    group = "members: [user05@example.com]" if change == "members" else "externalId: x-1"
    yaml = team(*NAMES).partition("groups:")[0] + f"groups:\n  - {{displayName: team, {group}}}\n"
    planned, live = plan_with(made, yaml)
    # Another machine planned it, or the server has changed its ways since.
    silent = replace(live.capabilities, patch_groups=False, members_read=MembersRead.NONE)
    result = made.scenario.apply_to(planned, replace(live, capabilities=silent))
    assert result.counts[Status.FAILED] == len(result.outcomes)
    assert "a PUT would remove everybody who is not named in it" in result.outcomes[0].message
    assert made.sent("PUT") == []


def test_where_members_are_not_told_additions_are_believed_and_nobody_is_removed(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if "/Groups" not in request.path or request.method != "GET":
            return reply
        document = json.loads(reply.content)
        for row in document.get("Resources", [document]):
            row["members"] = []
        return Reply(body=document)

    made = between(meddle, seed=seed(ADDRESSES[:3]))
    planned, live = plan_with(made, team(*NAMES[1:5]))
    silent = replace(live, capabilities=replace(live.capabilities, members_read=MembersRead.NONE))
    result = made.scenario.apply_to(planned, silent)
    assert outcome_of(result, ADD).status is Status.APPLIED
    assert outcome_of(result, REMOVE).status is Status.FAILED
    assert outcome_of(result, REMOVE).message == (
        "1 of 1 memberships were not changed: user00@example.com: the directory does not tell who is in the group, so "
        "nobody is removed from it"
    )
    assert made.direct.members("team") == set(ADDRESSES[:5])

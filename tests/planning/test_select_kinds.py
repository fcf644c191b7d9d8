"""What may be done without a person, and what waits for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from desired_and_live import (
    AS_OF,
    PAST,
    desired,
    edges,
    group,
    live,
    live_group,
    live_user,
    planned,
    policy,
    step_ids,
    user,
)
from reconciler.config import Unlisted
from reconciler.model import History, Timer, TimerName
from reconciler.planning import Action, plan
from reconciler.planning.document import seal
from reconciler.planning.grace import timers_after
from reconciler.planning.plan import LeftOut, Signature
from reconciler.planning.selection import select_kinds
from reconciler.planning.vocabulary import CHANGE_KINDS

JOINER, MOVER = user("new@example.com"), user("ada@example.com", title="Lead", externalId="1")
FOUND = (live_user("u1", "ada.old@example.com", externalId="1"), live_user("u2", "gone@example.com"))
RULES = policy(Unlisted.DEACTIVATE)
HERE = live(*FOUND)
"""Where who is in which groups is looked up."""


def test_what_is_approved_stays_and_the_rest_is_told() -> None:
    whole = planned([JOINER, MOVER], FOUND, RULES)
    part = select_kinds(whole, ["users.create"], live=HERE)
    assert step_ids(part) == ["create user:new@example.com"]
    assert part.left_out == (
        LeftOut(step="update user:ada.old@example.com", why="auto_approve"),
        LeftOut(step="deactivate user:gone@example.com", why="auto_approve"),
    )


def test_a_change_of_identity_must_be_approved_as_an_update_and_as_that() -> None:
    whole = planned([MOVER], FOUND[:1], RULES)
    assert select_kinds(whole, ["users.update"], live=HERE).steps == ()
    assert select_kinds(whole, ["identity.change"], live=HERE).steps == ()
    assert select_kinds(whole, ["users.update", "identity.change"], live=HERE) is whole


def test_an_account_that_was_switched_off_by_hand_is_not_switched_on_as_an_update() -> None:
    off = live_user("u9", "off@example.com", active=False, title="Engineer")
    whole = planned([user("off@example.com", title="Boss")], [off], RULES)
    assert step_ids(whole) == ["reactivate user:off@example.com"]
    assert select_kinds(whole, ["users.update"], live=HERE).steps == ()
    assert select_kinds(whole, ["users.reactivate"], live=HERE) is whole


def test_a_membership_goes_with_the_creation_that_it_needs() -> None:
    listed = [JOINER, user("ada@example.com"), group("team", ["new@example.com", "ada@example.com"]), group("new", [])]
    found = [live_user("u1", "ada@example.com"), live_group("g1", "team")]
    part = select_kinds(planned(listed, found, RULES), ["members.add"], live=HERE)
    assert edges(part, Action.ADD_MEMBERS) == {"team": {"ada@example.com": "listed"}}
    assert LeftOut(step="add_members group:team", why="needs “create user:new@example.com”", members=1) in part.left_out


@pytest.mark.parametrize("lacking", ["groups.create", "members.add", "groups.delete"])
def test_a_group_is_replaced_unattended_only_if_all_of_it_is_approved(lacking: str) -> None:
    listed = [user("ada@example.com"), group("team-new", ["ada@example.com"], previously=("team-old",))]
    found = live(live_user("u1", "ada@example.com"), live_group("g1", "team-old", ["u1"]), group_rename=False)
    whole = planned(listed, found, RULES)
    assert len(whole.steps) == 3
    assert select_kinds(whole, {*CHANGE_KINDS} - {lacking}, live=HERE).steps == ()
    assert select_kinds(whole, CHANGE_KINDS, live=HERE) is whole


def test_the_first_chunk_stays_small_when_the_canary_was_not_approved() -> None:
    listed = [user(f"n{number:02}@example.com") for number in range(30)]
    found = [live_user(f"u{number}", f"n{number:02}@example.com") for number in range(10)]
    changed = [replace(one, attributes={**one.attributes, "title": "x"}) for one in listed[:10]]
    leavers = [live_user(f"l{number:02}", f"leaver{number:02}@example.com") for number in range(25)]
    whole = planned([*changed, *listed[10:]], [*found, *leavers], RULES)
    part = select_kinds(whole, ["users.deactivate"], live=HERE)
    assert [(number, len(steps)) for number, steps in part.chunks()] == [(1, 10), (2, 15)]
    smaller = select_kinds(whole, ["users.deactivate"], canary=3, live=HERE)
    assert [(number, len(steps)) for number, steps in smaller.chunks()] == [(1, 3), (2, 22)]


def test_a_part_of_a_signed_plan_is_not_signed() -> None:
    whole = planned([JOINER, MOVER], FOUND, RULES)
    signed = msgspec.structs.replace(whole, signature=Signature(key="k", value="v"))
    assert select_kinds(signed, ["users.create"], live=HERE).signature is None
    assert select_kinds(signed, CHANGE_KINDS, live=HERE).signature is not None


def test_what_a_selection_left_out_before_stays_told() -> None:
    whole = planned([JOINER, MOVER], FOUND, replace(RULES, exclude=("user:gone@example.com",)))
    part = select_kinds(whole, ["users.create"], live=HERE)
    assert [(one.step, one.why) for one in part.left_out] == [
        ("deactivate user:gone@example.com", "exclude"),
        ("update user:ada.old@example.com", "auto_approve"),
    ]


def test_who_waits_for_a_person_after_a_grace_period_does_not_wait_for_another_period() -> None:
    rules = replace(RULES, unlisted_users_after=timedelta(days=7))
    timer = Timer(kind=FOUND[1].kind, id="u2", name=TimerName.UNLISTED, since=PAST)
    history = History(timers=(timer,))
    whole = plan(desired(JOINER, MOVER, rules=rules), live(*FOUND), as_of=AS_OF, history=history)
    assert whole.pending == ()
    part = select_kinds(whole, ["users.create"], live=HERE)
    assert [(one.address, one.until) for one in part.pending] == [("user:gone@example.com", "2026-05-08T00:00:00Z")]
    assert timers_after(whole) == timers_after(part) == (timer,)


def test_an_unknown_kind_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match=r"not a kind of change: users\.destroy"):
        select_kinds(seal(planned([])), ["users.destroy", "users.create"], live=HERE)

"""A deletion of which nobody knows how many memberships went with it makes the store count less, never more."""

from __future__ import annotations

import pytest

from reconciler.applying.outcome import Status
from reconciler.model import Kind
from reconciler.planning import Action, Reason, Step
from reconciler.planning.plan import LiveCounts
from reconciler.store.aftermath import Result, counts_after
from reconciler.store.records import NOT_TRIED, TRYING
from stores import plan_of


def deletion(kind: Kind) -> Step:
    name = "team" if kind is Kind.GROUP else "ada@example.com"
    address = kind.address(name)
    return Step(
        id=f"delete {address}", action=Action.DELETE, kind=kind, name=name, reason=Reason.UNLISTED, resource_id="1"
    )


LIVE = LiveCounts(users=30, groups=4, memberships=100)


@pytest.mark.parametrize(
    ("kind", "state", "memberships"),
    [
        # A group has at most every user and every group as a member, a user is at most in every group.
        (Kind.GROUP, TRYING, 100 - 30 - 4),
        (Kind.GROUP, Status.APPLIED, 100 - 30 - 4),
        (Kind.USER, TRYING, 100 - 4),
        (Kind.USER, Status.APPLIED, 100 - 4),
        (Kind.GROUP, NOT_TRIED, 100),
        (Kind.USER, Status.FAILED, 100),
    ],
)
def test_what_went_with_a_deletion_in_doubt_is_taken_to_be_as_much_as_can_be(
    kind: Kind, state: str, memberships: int
) -> None:
    plan = plan_of(deletion(kind), live=LIVE)
    assert counts_after(plan, [Result(plan.steps[0], str(state))]).memberships == memberships


def test_what_is_known_is_counted_exactly() -> None:
    plan = plan_of(deletion(Kind.GROUP), live=LIVE)
    known = Result(plan.steps[0], Status.APPLIED, {"members": ["1", "2", "3"]})
    assert counts_after(plan, [known]) == LiveCounts(users=30, groups=3, memberships=97)

"""Groups of which the directory does not tell who is in them."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import (
    FUTURE,
    PAST,
    edges,
    group,
    live,
    live_group,
    live_user,
    member,
    nested,
    planned,
    step_ids,
    user,
    warnings,
)
from reconciler.capabilities import MembersRead
from reconciler.planning import Action

NAMES = ["ada@example.com", "bob@example.com"]
LISTED = [user(name) for name in NAMES]
FOUND = [live_user(f"u{number}", name) for number, name in enumerate(NAMES, 1)]


def made_for(*listed: Any) -> Any:
    found = live(*FOUND, live_group("g1", "team", None), members_read=MembersRead.NONE)
    return planned([*LISTED, *listed], found)


def test_what_is_stated_is_added_and_the_plan_says_that_it_cannot_be_verified() -> None:
    made = made_for(group("team", NAMES))
    assert step_ids(made) == ["add_members group:team"]
    [message] = warnings(made)["members-unknown"]
    assert "group:team" in message
    assert "2 memberships cannot be verified; they are added again on every run" in message


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (
            [group("team", [member(NAMES[0], until=PAST)])],
            "cannot remove ada@example.com (expired, until 2026-05-01T00:00:00Z): the directory does not tell who is "
            "in group:team",
        ),
        (
            [group("team", [member(NAMES[0], from_=FUTURE)])],
            "cannot remove ada@example.com (not started, from 2026-07-01T00:00:00Z)",
        ),
        ([group("team", [nested("inner", until=PAST)]), group("inner", NAMES[:1])], "cannot remove ada@example.com"),
    ],
    ids=["expired", "not started", "expired on the way"],
)
def test_a_removal_that_a_line_asks_for_is_refused_by_name(listed: Any, told: str) -> None:
    made = made_for(*listed)
    assert not edges(made, Action.REMOVE_MEMBERS)
    [message] = warnings(made)["cannot-remove"]
    assert message.startswith(told)


def test_the_refusal_names_the_line() -> None:
    made = made_for(group("team", [NAMES[1], member(NAMES[0], until=PAST)]))
    assert [note.origin for note in made.notes if note.code == "cannot-remove"] == ["team/members/1:1"]


def test_a_user_whose_own_time_is_over_cannot_be_removed_either() -> None:
    found = live(*FOUND, live_group("g1", "team", None))
    made = planned([user(NAMES[0], until=PAST), group("team", NAMES[:1])], found)
    assert "ada@example.com (expired, until 2026-05-01T00:00:00Z)" in warnings(made)["cannot-remove"][0]


def test_that_nobody_can_be_removed_is_told_once_for_all_groups() -> None:
    groups = [live_group(f"g{number}", f"team-{number}", None) for number in range(8)]
    made = planned([*LISTED, *(group(f"team-{number}", []) for number in range(8))], live(*FOUND, *groups))
    [message] = warnings(made)["members-unknown"]
    assert "and 3 more" in message
    assert "cannot be verified" not in message
    assert made.steps == ()


def test_groups_without_stated_members_are_not_mentioned() -> None:
    assert warnings(made_for(group("team"))) == {}

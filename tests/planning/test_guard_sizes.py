"""What the directory cannot hold is refused before it is half written, and told while there is still room."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import group, live, live_group, live_user, planned, policy, user, warnings
from reconciler.config import Allowance, Unlisted

USERS = [live_user(f"u{one}", f"{one}@example.com") for one in range(10)]
LISTED = [user(one.name) for one in USERS]
NAMES = [one.name for one in USERS]
IDS = [one.id for one in USERS]


@pytest.mark.parametrize(
    ("listed", "found", "limits", "refusal"),
    [
        (LISTED, [], {"max_users": 10}, None),
        (LISTED, [], {"max_users": 9}, ("limits.users", None, 10)),
        ([group("a"), group("b")], [], {"max_groups": 2}, None),
        ([group("a"), group("b")], [], {"max_groups": 1}, ("limits.groups", None, 2)),
        ([*LISTED, group("a", NAMES)], USERS, {"max_group_members": 10}, None),
        ([*LISTED, group("a", NAMES)], USERS, {"max_group_members": 9}, ("limits.group_members", "group:a", 10)),
        ([*LISTED, group("a", NAMES[:5]), group("b", NAMES[:5])], USERS, {"max_memberships": 10}, None),
        (
            [*LISTED, group("a", NAMES[:5]), group("b", NAMES[:6])],
            USERS,
            {"max_memberships": 10},
            ("limits.memberships", None, 11),
        ),
        (LISTED, USERS, {"max_users": 5}, None),
        (LISTED[:9], USERS, {"max_users": 5}, None),
        ([*LISTED[1:], user("new@example.com")], USERS, {"max_users": 10}, None),
        (LISTED, [], {}, None),
    ],
    ids=[
        "users that fit",
        "one user more",
        "groups that fit",
        "one group more",
        "a group that is full",
        "one member more",
        "memberships that fit",
        "one membership more",
        "too many there already",
        "fewer of too many",
        "one for another",
        "no limit known",
    ],
)
def test_what_would_not_fit_is_refused(listed: Any, found: Any, limits: Any, refusal: Any) -> None:
    made = planned(listed, live(*found, **limits), policy(Unlisted.DELETE))
    assert [(one.guard, one.subject, one.number) for one in made.refusals] == ([refusal] if refusal else [])


def test_nothing_but_the_capability_lifts_it() -> None:
    rules = policy(allowances=(Allowance(guard="limits.users", count=99),), reason="OPS-1")
    [refused] = planned(LISTED, live(max_users=9), rules).refusals
    assert refused.limit == "at most 9"
    assert refused.how_to_allow == (
        "state `max_users` under `capabilities` of `directory` in directory.yaml, if it takes more"
    )


@pytest.mark.parametrize(("number", "warned"), [(7, False), (8, True), (10, True)])
def test_from_eighty_percent_on_a_plan_warns(number: int, warned: bool) -> None:
    made = planned(LISTED[:number], live(max_users=10))
    assert ("size-limit" in warnings(made)) is warned
    assert made.refusals == ()


def test_the_warning_tells_how_much_there_is_and_how_much_fits() -> None:
    made = planned([*LISTED, group("a", NAMES[:9])], live(*USERS, max_group_members=10))
    assert warnings(made)["size-limit"] == [
        "group:a holds 9 members after this plan; the directory takes 10 at most (`max_group_members`)"
    ]


def test_a_full_group_that_swaps_members_is_warned_of_because_the_new_ones_come_first() -> None:
    found = live(*USERS, live_group("g1", "a", IDS[:5]), max_group_members=5)
    made = planned([*LISTED, group("a", NAMES[1:6])], found)
    assert made.refusals == ()
    assert "up to 6 while it is carried out" in warnings(made)["size-limit"][0]


def test_many_full_groups_are_counted_and_not_all_named() -> None:
    teams = [live_group(f"g{one}", f"team-{one}", IDS[:8]) for one in range(9)]
    made = planned([], live(*USERS, *teams, max_group_members=10))
    told = warnings(made)["size-limit"]
    assert len(told) == 4
    assert told[-1].startswith("6 more groups")

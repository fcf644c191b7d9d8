"""Each kind of change has a limit of its own, by count and by percentage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desired_and_live import UNGUARDED, group, live, live_group, live_user, planned, policy, user
from reconciler.config import Guards, Limit, Policy, Unlisted
from reconciler.model import DesiredResource, Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning import Plan, Verdict

USERS = [live_user(f"u{one}", f"{one}@example.com", title="old", externalId=f"x{one}") for one in range(10)]
LISTED = [user(one.name) for one in USERS]
ALL = [one.id for one in USERS]
NAMES = [one.name for one in USERS]
DELETE = {"users": Unlisted.DELETE, "groups": Unlisted.DELETE}


def verdict(made: Plan, guard: str) -> Verdict:
    [found] = [one for one in made.guards if one.guard == guard]
    return found


def limited(guard: str, limit: Limit, **settings: Any) -> Policy:
    """A policy with this one limit."""
    return policy(guards=replace(UNGUARDED, **{guard.replace(".", "_"): limit}), **settings)


Case = tuple[list[DesiredResource], list[LiveResource], dict[str, Any], list[str]]

THREE_CHANGES: dict[str, Case] = {
    "users.create": (
        [*LISTED, *(user(f"new{one}@example.com") for one in range(3))],
        [*USERS],
        {},
        ["user:new0@example.com", "user:new1@example.com", "user:new2@example.com"],
    ),
    "users.update": (
        [user(NAMES[0], title="new"), user(NAMES[1], title="new"), user("off@example.com"), *LISTED[2:]],
        [*USERS[:9], live_user("off", "off@example.com", active=False)],
        {},
        ["user:0@example.com", "user:1@example.com", "user:off@example.com"],
    ),
    "users.deactivate": (
        [*LISTED[3:]],
        [*USERS],
        {"users": Unlisted.DEACTIVATE},
        ["user:0@example.com", "user:1@example.com", "user:2@example.com"],
    ),
    "users.delete": (
        [*LISTED[3:]],
        [*USERS],
        DELETE,
        ["user:0@example.com", "user:1@example.com", "user:2@example.com"],
    ),
    "groups.create": (
        [*(group(f"new{one}") for one in range(3)), *(group(f"g{one}") for one in range(10))],
        [live_group(f"g{one}", f"g{one}") for one in range(10)],
        {},
        ["group:new0", "group:new1", "group:new2"],
    ),
    "groups.delete": (
        [group(f"g{one}") for one in range(3, 10)],
        [live_group(f"g{one}", f"g{one}") for one in range(10)],
        DELETE,
        ["group:g0", "group:g1", "group:g2"],
    ),
    "memberships.remove": (
        [*LISTED, group("a", NAMES[2:5]), group("b", NAMES[6:])],
        [*USERS, live_group("ga", "a", ALL[:5]), live_group("gb", "b", ALL[5:])],
        {},
        ["group:a", "group:b"],
    ),
    "identity.change": (
        [
            user("renamed@example.com", externalId="x0"),
            user(NAMES[1], externalId="other"),
            user(NAMES[2], emails=[{"value": "new@example.com", "primary": True}]),
            *LISTED[3:],
        ],
        [*USERS],
        {},
        ["user:0@example.com", "user:1@example.com", "user:2@example.com"],
    ),
}


@pytest.mark.parametrize("limit", [Limit(count=3), Limit(percent=30), Limit(count=5, percent=30)], ids=str)
@pytest.mark.parametrize("guard", THREE_CHANGES)
def test_exactly_the_limit_passes(guard: str, limit: Limit) -> None:
    listed, found, settings, counted = THREE_CHANGES[guard]
    judged = verdict(planned(listed, found, limited(guard, limit, **settings)), guard)
    assert (judged.passed, judged.number, judged.how_to_allow) == (True, 3, "")
    assert list(judged.resources) == counted


@pytest.mark.parametrize("limit", [Limit(count=2), Limit(percent=29.9), Limit(count=5, percent=20)], ids=str)
@pytest.mark.parametrize("guard", THREE_CHANGES)
def test_one_more_than_the_limit_is_refused_with_the_flag_that_allows_it(guard: str, limit: Limit) -> None:
    listed, found, settings, _ = THREE_CHANGES[guard]
    [refused] = planned(listed, found, limited(guard, limit, **settings)).refusals
    assert (refused.guard, refused.number) == (guard, 3)
    assert refused.how_to_allow == f'--allow {guard}=3 --reason "…"'


def test_no_change_passes_limits_of_nothing() -> None:
    none = Limit(count=0, percent=0)
    assert planned(LISTED, USERS, policy(guards=Guards(**dict.fromkeys(Guards.__slots__, none)))).refusals == ()


class TestEmptyDirectory:
    """Of nothing there is no share."""

    def test_a_percentage_does_not_keep_the_first_users_and_groups_out(self) -> None:
        share = Limit(percent=10)
        rules = policy(guards=replace(UNGUARDED, users_create=share, groups_create=share))
        assert planned([*LISTED, group("a", NAMES)], [], rules).refusals == ()

    def test_a_count_holds_all_the_same(self) -> None:
        judged = verdict(planned(LISTED, [], limited("users.create", Limit(count=9, percent=10))), "users.create")
        assert (judged.passed, judged.limit) == (False, "9")

    def test_one_user_is_enough_for_a_percentage_to_bind(self) -> None:
        made = planned(LISTED[:2], USERS[:1], limited("users.create", Limit(percent=99)))
        assert verdict(made, "users.create").limit == "99 % of 1 = 0"
        assert len(made.refusals) == 1


class TestWhatCountsAsWhat:
    """Every change counts once where it belongs."""

    def test_an_external_id_where_there_was_none_is_no_change_of_identity(self) -> None:
        found = [live_user("u0", "0@example.com")]
        made = planned([user("0@example.com", externalId="7")], found, limited("identity.change", Limit(count=0)))
        assert (made.refusals, len(made.steps)) == ((), 1)

    def test_renames_of_groups_are_changes_of_identity(self) -> None:
        made = planned(
            [group("new", previously=("old",))], [live_group("g1", "old")], limited("identity.change", Limit(count=0))
        )
        assert [one.resources for one in made.refusals] == [("group:old",)]

    def test_percentages_of_identities_are_of_users_and_groups_together(self) -> None:
        found = [*USERS[:4], live_group("g1", "old")]
        made = planned(
            [*LISTED[:4], group("new", previously=("old",))], found, limited("identity.change", Limit(percent=20))
        )
        assert verdict(made, "identity.change").limit == "20 % of 5 = 1"

    def test_whoever_is_deleted_loses_all_memberships(self) -> None:
        found = [*USERS[:3], live_group("g1", "a", ALL[:3]), live_group("g2", "b", ALL[:2])]
        made = planned([*LISTED[1:3], group("a"), group("b")], found, policy(**DELETE))
        assert verdict(made, "memberships.remove").number == 2

    def test_a_membership_that_ends_in_two_ways_counts_once(self) -> None:
        found = [*USERS[:3], live_group("g1", "a", ALL[:3])]
        made = planned([*LISTED[1:3], group("a", NAMES[1:3])], found, policy(**DELETE))
        assert verdict(made, "memberships.remove").number == 1

    def test_a_deleted_group_takes_all_its_memberships_along(self) -> None:
        found = [*USERS[:3], live_group("g1", "a", ALL[:3]), live_group("g2", "b")]
        made = planned([*LISTED[:3], group("b")], found, policy(**DELETE))
        assert verdict(made, "memberships.remove").number == 3

    def test_a_replaced_group_takes_along_only_whom_its_successor_leaves_out(self) -> None:
        found = live(*USERS[:3], live_group("g1", "old", ALL[:3]), group_rename=False)
        made = planned([*LISTED[:3], group("new", NAMES[:2], previously=("old",))], found)
        assert verdict(made, "memberships.remove").number == 1

    def test_whoever_is_only_deactivated_keeps_memberships(self) -> None:
        found = [*USERS[:2], live_group("g1", "a", ALL[:2])]
        made = planned([*LISTED[1:2], group("a")], found, policy(Unlisted.DEACTIVATE))
        assert verdict(made, "memberships.remove").number == 0

    def test_the_percentage_is_of_memberships_in_scope(self) -> None:
        outside = live_user("z", "z@example.org")
        found = [*USERS[:4], outside, live_group("g1", "a", [*ALL[:4], "z"]), live_group("g2", "other", ALL[:4])]
        rules = policy(scope_users='userName ew "@example.com"', scope_groups='displayName eq "a"')
        rules = replace(rules, guards=replace(UNGUARDED, memberships_remove=Limit(percent=50)))
        made = planned([*LISTED[:4], group("a", NAMES[:2])], found, rules)
        assert verdict(made, "memberships.remove").limit == "50 % of 4 = 2"

    def test_of_an_incomplete_listing_percentages_are_of_what_is_known(self) -> None:
        found = live(*USERS, partial=[Kind.USER])
        rules = limited("users.update", Limit(percent=10))
        made = planned([user(NAMES[0], title="new"), user(NAMES[1], title="new")], found, rules)
        assert verdict(made, "users.update").limit == "10 % of 10 known = 1"


class TestDefaults:
    """Without any `guards:` block a plan is safe, and an ordinary day is not disturbed."""

    RULES = Policy(unlisted_users=Unlisted.DEACTIVATE, unlisted_groups=Unlisted.IGNORE)

    def company(self, size: int) -> list[LiveResource]:
        people = [live_user(f"u{one:04}", f"{one:04}@example.com") for one in range(size)]
        teams = [
            live_group(f"g{first}", f"team-{first:04}", [one.id for one in people[first : first + 4]])
            for first in range(0, size, 4)
        ]
        return [*people, *teams]

    def stated(self, found: list[LiveResource], gone: int = 0) -> list[DesiredResource]:
        names = {one.id: one.name for one in found if isinstance(one, LiveUser)}
        left = [name for number, name in enumerate(names.values()) if number >= gone]
        teams = [
            group(one.name, [names[member] for member in one.members or () if names[member] in left])
            for one in found
            if isinstance(one, LiveGroup)
        ]
        return [*map(user, left), *teams]

    def test_the_first_population_of_an_empty_directory_passes(self) -> None:
        assert planned(self.stated(self.company(200)), [], self.RULES).refusals == ()

    def test_a_leaver_in_a_team_of_four_passes(self) -> None:
        found = self.company(100)
        assert planned(self.stated(found, gone=1), found, self.RULES).refusals == ()

    def test_a_file_that_lost_half_its_lines_does_not(self) -> None:
        found = self.company(100)
        refused = [one.guard for one in planned(self.stated(found, gone=50), found, self.RULES).refusals]
        assert refused[:2] == ["users.deactivate", "memberships.remove"]
        assert set(refused[2:]) == {"members.remove"}

"""Guards see the whole plan before the first write: how much it takes away, and from whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desired_and_live import PAST, UNGUARDED, group, live, live_group, live_user, member, planned, policy, user
from reconciler.config import Allowance, Guards, Limit, Policy, Unlisted
from reconciler.planning import Plan, Verdict


def guards(**limits: Limit) -> Guards:
    """These limits, and no others."""
    return replace(UNGUARDED, **limits)


def people(number: int) -> list[Any]:
    """So many active live users."""
    return [live_user(f"u{one:03}", f"{one:03}@example.com") for one in range(number)]


def leaving(number: int, total: int, limit: Limit, **settings: Any) -> Plan:
    """A plan that deactivates some of all users."""
    found = people(total)
    rules = policy(Unlisted.DEACTIVATE, guards=guards(users_deactivate=limit), **settings)
    return planned([user(one.name) for one in found[number:]], found, rules)


def verdict(made: Plan, guard: str) -> Verdict:
    """The verdict of one guard."""
    [found] = [one for one in made.guards if one.guard == guard]
    return found


@pytest.mark.parametrize(
    ("limit", "number", "total", "passed"),
    [
        (Limit(), 10, 10, True),
        (Limit(count=2), 2, 10, True),
        (Limit(count=2), 3, 10, False),
        (Limit(count=0), 1, 10, False),
        (Limit(percent=20), 2, 10, True),
        (Limit(percent=20), 3, 10, False),
        (Limit(percent=5), 1, 10, False),
        (Limit(count=20, percent=50), 5, 10, True),
        (Limit(count=20, percent=50), 6, 10, False),
        (Limit(count=2, percent=50), 3, 10, False),
        (Limit(percent=28.999999), 29, 100, False),
        (Limit(percent=0.7), 7, 1000, True),
        (Limit(percent=100), 10, 10, True),
    ],
)
def test_the_lower_of_count_and_percentage_binds(limit: Limit, number: int, total: int, passed: bool) -> None:
    found = verdict(leaving(number, total, limit), "users.deactivate")
    assert (found.passed, found.number) == (passed, number)
    assert bool(found.how_to_allow) is not passed


def test_the_percentage_is_of_active_users_in_scope() -> None:
    found = [
        *people(4),
        *(live_user(f"x{number}", f"x{number}@example.com", active=False) for number in range(50)),
        *(live_user(f"y{number}", f"y{number}@example.org") for number in range(50)),
    ]
    rules = policy(
        Unlisted.DEACTIVATE, scope_users='userName ew "@example.com"', guards=guards(users_deactivate=Limit(percent=50))
    )
    made = planned([user("000@example.com")], found, rules)
    assert verdict(made, "users.deactivate").limit == "50 % of 4 = 2"
    assert [one.guard for one in made.refusals] == ["users.deactivate"]


def test_a_refusal_names_the_first_resources_and_how_to_allow_it_once() -> None:
    found = verdict(leaving(30, 100, Limit(count=3, percent=10)), "users.deactivate")
    assert found.limit == "3 and 10 % of 100 = 10"
    assert found.resources[:2] == ("user:000@example.com", "user:001@example.com")
    assert len(found.resources) == 20
    assert found.how_to_allow == '--allow users.deactivate=30 --reason "…"'


@pytest.mark.parametrize(
    ("allowances", "reason", "passed", "allowed_by", "limit"),
    [
        ((Allowance(guard="users.deactivate", count=3),), "OPS-1", True, "OPS-1", "3"),
        ((Allowance(guard="users.deactivate", count=2),), "OPS-1", False, None, "2"),
        ((Allowance(guard="users.deactivate", count=3),), None, False, None, "1"),
        ((Allowance(guard="users.deactivate", count=3),), "", False, None, "1"),
        ((Allowance(guard="users.delete", count=3),), "OPS-1", False, None, "1"),
    ],
    ids=["enough", "not enough", "no reason", "empty reason", "another guard"],
)
def test_a_limit_is_lifted_up_to_a_number_and_with_a_reason(
    allowances: tuple[Allowance, ...], reason: str | None, passed: bool, allowed_by: str | None, limit: str
) -> None:
    made = leaving(3, 10, Limit(count=1), allowances=allowances, reason=reason)
    found = verdict(made, "users.deactivate")
    assert (found.passed, found.allowed_by, found.limit) == (passed, allowed_by, limit)


def test_an_allowance_that_is_not_needed_is_not_recorded() -> None:
    allowance = Allowance(guard="users.deactivate", count=9)
    made = leaving(1, 10, Limit(count=1), allowances=(allowance,), reason="OPS-1")
    assert verdict(made, "users.deactivate").allowed_by is None


def test_without_any_setting_deletions_of_users_are_refused() -> None:
    rules = Policy(unlisted_users=Unlisted.DELETE, unlisted_groups=Unlisted.DELETE)
    found = [*people(1), *(live_group(f"g{number}", f"g{number}") for number in range(3))]
    listed = [user("new@example.com"), group("new")]
    assert [one.guard for one in planned(listed, found, rules).refusals] == ["users.delete", "groups.delete"]


class TestMembers:
    """How many members one group may lose."""

    FOUND = people(10)
    LISTED = tuple(user(one.name) for one in FOUND)
    RULES = policy(guards=guards(members_remove=Limit(count=3)))

    def full(self, group_id: str, name: str) -> Any:
        return live_group(group_id, name, [one.id for one in self.FOUND])

    def test_each_group_is_judged_by_itself(self) -> None:
        names = [one.name for one in self.FOUND]
        listed = [*self.LISTED, group("a", names[3:]), group("b", names[4:])]
        found = live(*self.FOUND, self.full("g1", "a"), self.full("g2", "b"), max_operations_per_patch=2)
        [refused] = planned(listed, found, self.RULES).refusals
        assert (refused.guard, refused.subject, refused.number) == ("members.remove", "group:b", 4)

    def test_an_allowance_is_recorded_for_each_group(self) -> None:
        rules = policy(
            guards=guards(members_remove=Limit(count=0)),
            allowances=(Allowance(guard="members.remove", count=10),),
            reason="OPS-1",
        )
        made = planned([*self.LISTED, group("a", [])], live(*self.FOUND, self.full("g1", "a")), rules)
        found = verdict(made, "members.remove")
        assert (found.passed, found.allowed_by) == (True, "OPS-1")

    def test_a_replacement_does_not_hide_that_members_are_lost(self) -> None:
        found = live(*self.FOUND, self.full("g1", "old"), group_rename=False)
        listed = [*self.LISTED, group("new", [self.FOUND[0].name], previously=("old",))]
        [refused] = planned(listed, found, self.RULES).refusals
        assert (refused.guard, refused.subject, refused.number) == ("members.remove", "group:new", 9)

    def test_a_replacement_that_carries_everybody_over_loses_nobody(self) -> None:
        found = live(*self.FOUND, self.full("g1", "old"), group_rename=False)
        made = planned([*self.LISTED, group("new", previously=("old",))], found, self.RULES)
        names = [one.name for one in self.FOUND]
        stated = planned([*self.LISTED, group("new", names, previously=("old",))], found, self.RULES)
        assert made.refusals == stated.refusals == ()


@pytest.mark.parametrize(
    ("listed", "found", "subject"),
    [
        (user("a@example.com", protected=True, active=False), live_user("u1", "a@example.com"), "user:a@example.com"),
        (user("a@example.com", protected=True, until=PAST), live_user("u1", "a@example.com"), "user:a@example.com"),
        (
            user("new@example.com", protected=True, externalId="1", until=PAST),
            live_user("u1", "a@example.com", externalId="1"),
            "user:a@example.com",
        ),
        (group("new", protected=True, previously=("old",)), live_group("g1", "old"), "group:old"),
    ],
    ids=["inactive", "expired", "renamed by hand", "replaced"],
)
def test_what_is_protected_is_never_taken_away(listed: Any, found: Any, subject: str) -> None:
    [refused] = planned([listed], live(found, group_rename=False)).refusals
    assert (refused.guard, refused.subject) == ("protected", subject)
    assert "lifecycle/protected:1" in refused.how_to_allow


def test_a_protected_predecessor_is_not_deleted_either() -> None:
    found = live(live_group("g1", "new"), live_group("g2", "old"), group_rename=False)
    [refused] = planned([group("new", protected=True, previously=("old",))], found).refusals
    assert refused.subject == "group:old"


def test_other_changes_of_protected_resources_pass() -> None:
    made = planned([user("a@example.com", protected=True, title="x")], [live_user("u1", "a@example.com")])
    assert made.refusals == ()


@pytest.mark.parametrize(
    ("members", "minimum", "number"),
    [
        (["a@example.com"], 1, None),
        (["a@example.com"], 2, 1),
        ([member("a@example.com", until=PAST)], 1, 0),
        ([], 0, None),
        (None, 5, None),
    ],
)
def test_a_group_keeps_as_many_members_as_it_must_have(members: Any, minimum: int, number: int | None) -> None:
    listed = [user("a@example.com"), group("team", members, min_members=minimum)]
    refusals = planned(listed, [live_user("u1", "a@example.com")]).refusals
    assert [(one.guard, one.number, one.limit) for one in refusals] == (
        [] if number is None else [("min_members", number, f"at least {minimum}")]
    )

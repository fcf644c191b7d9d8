"""Files that suddenly list nobody, and a directory that suddenly holds less, are not believed at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desired_and_live import AS_OF, UNGUARDED, group, live, live_group, live_user, planned, policy, user
from reconciler.capabilities import MembersRead
from reconciler.config import Allowance, Limit, Policy, Unlisted
from reconciler.model import Kind, LastRun
from reconciler.planning import Verdict

ADA, BOB = live_user("u1", "ada@example.com"), live_user("u2", "bob@example.com")
TEAM = live_group("g1", "team", ["u1", "u2"])
LISTED = [user("ada@example.com"), user("bob@example.com"), group("team")]


def last(**counts: int) -> LastRun:
    """A last run that found this much."""
    nothing = dict.fromkeys(("users", "groups", "memberships", "desired_users", "desired_groups"), 0)
    return LastRun(run_id="r1", at=AS_OF, **{**nothing, **counts})


def refused(listed: Any, found: Any, rules: Policy, **settings: Any) -> list[str]:
    return [one.guard for one in planned(listed, found, rules, **settings).refusals]


class TestEmpty:
    """A kind of which no file lists anybody."""

    @pytest.mark.parametrize(
        ("listed", "found", "rules", "guards"),
        [
            ([], [ADA], policy(Unlisted.DEACTIVATE), ["users.empty"]),
            ([], [ADA], policy(Unlisted.DELETE), ["users.empty"]),
            ([], [TEAM], policy(groups=Unlisted.DELETE), ["groups.empty"]),
            ([], [ADA, TEAM], policy(Unlisted.DELETE, Unlisted.DELETE), ["users.empty", "groups.empty"]),
            (LISTED[2:], [ADA, BOB, TEAM], policy(Unlisted.DEACTIVATE, Unlisted.DELETE), ["users.empty"]),
            ([], [ADA, TEAM], policy(), []),
            ([], [], policy(Unlisted.DELETE, Unlisted.DELETE), []),
            ([], [ADA], policy(Unlisted.DEACTIVATE, scope_users='userName ew "@example.org"'), []),
            ([], [live_user("u1", "ada@example.com", active=False)], policy(Unlisted.DEACTIVATE), []),
            ([], live(ADA, partial=[Kind.USER]), policy(Unlisted.DEACTIVATE), []),
            ([], live(TEAM, reserved_groups=("team",)), policy(groups=Unlisted.DELETE), []),
        ],
        ids=[
            "deactivated",
            "deleted",
            "groups",
            "both",
            "one kind",
            "ignored",
            "nobody there",
            "nobody in scope",
            "nobody active",
            "partly known",
            "reserved",
        ],
    )
    def test_is_refused_where_somebody_would_be_lost(
        self, listed: Any, found: Any, rules: Policy, guards: list[str]
    ) -> None:
        assert refused(listed, found, rules) == guards

    def test_waits_for_no_grace_period_to_end(self) -> None:
        rules = replace(policy(Unlisted.DEACTIVATE), unlisted_users_after=AS_OF - AS_OF.replace(day=1, month=1))
        made = planned([], [ADA], rules)
        assert (made.steps, [one.guard for one in made.refusals]) == ((), ["users.empty"])

    def test_is_refused_where_the_last_run_knew_somebody(self) -> None:
        before = last(desired_users=7, desired_groups=2)
        assert refused([], [], policy(), last=before) == ["users.empty", "groups.empty"]
        assert refused(LISTED, [ADA, BOB, TEAM], policy(), last=before) == []

    def test_names_who_would_be_lost_and_the_flag_without_a_number(self) -> None:
        [found] = planned([], [BOB, ADA], policy(Unlisted.DEACTIVATE)).refusals
        assert (found.number, found.resources) == (2, ("user:ada@example.com", "user:bob@example.com"))
        assert found.how_to_allow == '--allow users.empty --reason "…"'

    def test_is_lifted_for_one_run(self) -> None:
        rules = policy(Unlisted.DEACTIVATE, allowances=(Allowance(guard="users.empty"),), reason="OPS-1")
        [found] = [one for one in planned([], [ADA], rules).guards if one.guard == "users.empty"]
        assert (found.passed, found.allowed_by) == (True, "OPS-1")


class TestShrunk:
    """A live read that finds less than the last recorded run left."""

    RULES = policy(guards=replace(UNGUARDED, live_shrink=Limit(percent=20)))
    FOUND = (*(live_user(f"u{one}", f"{one}@example.com") for one in range(8)), live_group("g", "g", ["u0", "u1"]))

    def verdicts(self, before: LastRun, rules: Policy = RULES, **settings: Any) -> list[Verdict]:
        return list(planned([], live(*self.FOUND, **settings), rules, last=before).refusals)

    @pytest.mark.parametrize(
        ("before", "subjects"),
        [
            (last(users=8, groups=1, memberships=2), []),
            (last(users=10, groups=1, memberships=2), []),
            (last(users=11, groups=1, memberships=2), ["users"]),
            (last(users=8, groups=2, memberships=2), ["groups"]),
            (last(users=8, groups=1, memberships=3), ["memberships"]),
            (last(users=90, groups=9, memberships=99), ["users", "groups", "memberships"]),
            (last(users=1, groups=0, memberships=0), []),
        ],
    )
    def test_each_count_is_judged_by_itself(self, before: LastRun, subjects: list[str]) -> None:
        assert [one.subject for one in self.verdicts(before)] == subjects

    def test_tells_how_many_are_missing_of_how_many(self) -> None:
        [found] = self.verdicts(last(users=16, groups=1, memberships=2))
        assert (found.guard, found.number, found.limit) == ("live.shrink", 8, "20 % of 16 = 3")
        assert found.how_to_allow == '--allow live.shrink --reason "…"'

    def test_nothing_follows_from_a_listing_that_is_not_whole(self) -> None:
        before = last(users=90, groups=9, memberships=99)
        assert [one.subject for one in self.verdicts(before, partial=[Kind.USER])] == ["groups"]
        assert [one.subject for one in self.verdicts(before, partial=[Kind.GROUP])] == ["users"]

    @pytest.mark.parametrize("form", [MembersRead.USERS_BY_GROUP, MembersRead.PROBE, MembersRead.NONE])
    def test_memberships_that_are_only_asked_for_by_the_files_are_not_compared(self, form: MembersRead) -> None:
        before = last(users=90, groups=9, memberships=99)
        assert [one.subject for one in self.verdicts(before, members_read=form)] == ["users", "groups"]

    def test_is_lifted_for_one_run(self) -> None:
        rules = replace(self.RULES, allowances=(Allowance(guard="live.shrink"),), reason="office closed")
        assert self.verdicts(last(users=90, groups=9), rules) == []

    def test_a_first_run_has_nothing_to_compare_with(self) -> None:
        assert planned([], self.FOUND, self.RULES).refusals == ()

"""Unlisted resources are left alone for a while, so that a line lost by mistake can be put back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_and_live import desired, group, live, live_group, live_user, policy, step_ids, user
from reconciler.capabilities import UserDelete
from reconciler.config import Policy, Unlisted
from reconciler.model import DesiredResource, History, Kind, Live, LiveResource, Timer, TimerName, utc
from reconciler.planning import Plan, plan
from reconciler.planning.grace import timers_after
from reconciler.planning.plan import Grace, Pending

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
ADA, INACTIVE = live_user("u1", "ada@example.com"), live_user("u2", "off@example.com", active=False)
TEAM = live_group("g1", "team")

DEACTIVATE = policy(Unlisted.DEACTIVATE, unlisted_users_after=WEEK)
DELETE = policy(Unlisted.DELETE, unlisted_users_after=WEEK)
DELETE_LATER = policy(Unlisted.DEACTIVATE, unlisted_users_after=WEEK, delete_after_deactivated=MONTH)
DELETE_GROUPS = policy(Unlisted.IGNORE, Unlisted.DELETE, unlisted_groups_after=WEEK)
ALL_GRACES = replace(DELETE_LATER, unlisted_groups=Unlisted.DELETE, unlisted_groups_after=WEEK)


def timer(resource: LiveResource, ago: timedelta, name: TimerName = TimerName.UNLISTED) -> Timer:
    """A timer that an earlier run started."""
    return Timer(kind=resource.kind, id=resource.id, name=name, since=NOW - ago)


def made(
    found: Iterable[LiveResource] | Live,
    rules: Policy,
    *timers: Timer,
    listed: Iterable[DesiredResource] = (),
    as_of: datetime = NOW,
) -> Plan:
    directory = found if isinstance(found, Live) else live(*found)
    return plan(desired(*listed, rules=rules), directory, as_of=as_of, history=History(timers=timers))


def pending(one: Plan) -> list[tuple[str, str, str, str]]:
    return [(str(it.action), it.address, it.since, it.until) for it in one.pending]


class Case(NamedTuple):
    """One kind of grace period."""

    resource: LiveResource
    rules: Policy
    action: str
    name: TimerName
    after: timedelta

    def timer(self, ago: timedelta) -> Timer:
        """The timer of this period, as an earlier run started it."""
        return timer(self.resource, ago, self.name)


CASES = {
    "deactivation": Case(ADA, DEACTIVATE, "deactivate", TimerName.UNLISTED, WEEK),
    "deletion": Case(ADA, DELETE, "delete", TimerName.UNLISTED, WEEK),
    "deletion of an inactive user": Case(INACTIVE, DELETE, "delete", TimerName.UNLISTED, WEEK),
    "deletion after deactivation": Case(INACTIVE, DELETE_LATER, "delete", TimerName.DEACTIVATED, MONTH),
    "deletion of a group": Case(TEAM, DELETE_GROUPS, "delete", TimerName.UNLISTED, WEEK),
}
every_period = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_period
def test_a_period_begins_with_the_first_plan(case: Case) -> None:
    found = made([case.resource], case.rules)
    assert found.steps == ()
    [waiting] = found.pending
    assert (str(waiting.action), waiting.address, waiting.timer) == (case.action, case.resource.address, case.name)
    assert (waiting.since, waiting.until) == (utc(NOW), utc(NOW + case.after))


@every_period
def test_a_period_goes_on_from_when_a_run_first_saw_it(case: Case) -> None:
    ago = case.after - timedelta(seconds=1)
    found = made([case.resource], case.rules, case.timer(ago))
    assert found.steps == ()
    assert pending(found) == [(case.action, case.resource.address, utc(NOW - ago), utc(NOW - ago + case.after))]


@every_period
@pytest.mark.parametrize("more", [timedelta(0), timedelta(days=400)])
def test_a_period_ends_with_the_step(case: Case, more: timedelta) -> None:
    found = made([case.resource], case.rules, case.timer(case.after + more))
    assert found.pending == ()
    assert step_ids(found) == [f"{case.action} {case.resource.address}"]
    since = NOW - case.after - more
    assert found.steps[0].grace == Grace(timer=case.name, since=utc(since), until=utc(since + case.after))


@every_period
def test_a_period_is_nothing_to_a_resource_that_is_listed_again(case: Case) -> None:
    again = group(case.resource.name) if case.resource.kind is Kind.GROUP else user(case.resource.name, active=False)
    found = made([case.resource], case.rules, case.timer(case.after * 2), listed=[again])
    assert found.pending == ()
    assert all(step.grace is None for step in found.steps)
    assert timers_after(found) == ()


@every_period
def test_a_period_does_not_begin_again_when_the_directory_renames_the_resource(case: Case) -> None:
    naming = {case.resource.kind.naming_attribute: "new-name"}
    renamed = replace(case.resource, attributes={**case.resource.attributes, **naming})
    [waiting] = made([renamed], case.rules, case.timer(timedelta(days=3))).pending
    assert (waiting.name, waiting.since) == ("new-name", utc(NOW - timedelta(days=3)))


@every_period
def test_a_period_begins_now_where_its_timer_is_ahead_of_the_clock(case: Case) -> None:
    [waiting] = made([case.resource], case.rules, case.timer(-timedelta(days=900))).pending
    assert (waiting.since, waiting.until) == (utc(NOW), utc(NOW + case.after))


@every_period
def test_a_period_does_not_concern_what_is_out_of_scope(case: Case) -> None:
    outside = replace(case.rules, scope_users='userName sw "x"', scope_groups='displayName sw "x"')
    found = made([case.resource], outside, case.timer(case.after * 2))
    assert (found.steps, found.pending) == ((), ())


@every_period
def test_a_period_does_not_concern_what_the_directory_does_not_list(case: Case) -> None:
    unknown = live(case.resource, partial=Kind)
    found = made(unknown, case.rules, case.timer(case.after * 2))
    assert (found.steps, found.pending) == ((), ())


@every_period
def test_a_period_is_judged_by_the_time_of_the_plan(case: Case) -> None:
    running = case.timer(timedelta(0))
    assert made([case.resource], case.rules, running, as_of=NOW + case.after).pending == ()
    [waiting] = made([case.resource], case.rules, running, as_of=NOW - case.after).pending
    assert waiting.since == utc(NOW - case.after)


@every_period
def test_a_period_runs_on_until_a_plan_does_without_it(case: Case) -> None:
    """Whatever became of the step: one that failed does not wait for another period."""
    running = case.timer(case.after / 2)
    due = case.timer(case.after)
    assert timers_after(made([case.resource], case.rules, running)) == (running,)
    assert timers_after(made([case.resource], case.rules, due)) == (due,)
    assert timers_after(made([], case.rules, due)) == ()


def test_without_a_grace_period_nothing_waits() -> None:
    found = made([ADA, TEAM], policy(Unlisted.DEACTIVATE, Unlisted.DELETE))
    assert step_ids(found) == ["deactivate user:ada@example.com", "delete group:team"]
    assert all(step.grace is None for step in found.steps)
    assert found.pending == ()


def test_deactivation_may_be_at_once_and_deletion_later() -> None:
    rules = policy(Unlisted.DEACTIVATE, delete_after_deactivated=MONTH)
    found = made([ADA, INACTIVE], rules)
    assert step_ids(found) == ["deactivate user:ada@example.com"]
    assert [one.address for one in found.pending] == [INACTIVE.address]


def test_inactive_users_stay_for_ever_where_no_file_says_how_long() -> None:
    found = made([INACTIVE], DEACTIVATE, timer(INACTIVE, MONTH * 40, TimerName.DEACTIVATED))
    assert (found.steps, found.pending) == ((), ())


def test_the_time_as_unlisted_does_not_count_as_time_since_the_deactivation() -> None:
    found = made([INACTIVE], DELETE_LATER, timer(INACTIVE, MONTH * 2, TimerName.UNLISTED))
    assert pending(found) == [("delete", INACTIVE.address, utc(NOW), utc(NOW + MONTH))]


def test_users_that_the_directory_would_keep_all_the_same_are_not_waited_for() -> None:
    keeps = live(INACTIVE, user_delete=UserDelete.SOFT)
    found = made(keeps, DELETE_LATER, timer(INACTIVE, MONTH * 2, TimerName.DEACTIVATED))
    assert (found.steps, found.pending) == ((), ())
    assert "deleted-and-kept" in {note.code for note in found.notes}


def test_a_timer_that_was_recorded_twice_counts_from_the_first_time() -> None:
    [waiting] = made([ADA], DEACTIVATE, timer(ADA, timedelta(days=1)), timer(ADA, timedelta(days=6))).pending
    assert waiting.since == utc(NOW - timedelta(days=6))


def test_a_period_beyond_the_calendar_never_ends() -> None:
    [waiting] = made([ADA], policy(Unlisted.DEACTIVATE, unlisted_users_after=timedelta(days=3_000_000))).pending
    assert waiting.until.startswith("9999-12-31")


def test_times_are_reckoned_as_they_are_written() -> None:
    """To the second and in UTC, so that nothing is pending until a time that the plan calls past."""
    zone = timezone(timedelta(hours=-5))
    as_of = NOW.replace(microsecond=1).astimezone(zone)
    begun = replace(timer(ADA, WEEK), since=(NOW - WEEK).replace(microsecond=999_999))
    found = made([ADA], DEACTIVATE, begun, as_of=as_of)
    assert found.pending == ()
    assert found.steps[0].grace == Grace(timer=TimerName.UNLISTED, since=utc(NOW - WEEK), until=utc(NOW))


def test_another_period_in_the_files_counts_from_when_it_began() -> None:
    running = timer(ADA, timedelta(days=5))
    assert made([ADA], DEACTIVATE, running).steps == ()
    shorter = replace(DEACTIVATE, unlisted_users_after=timedelta(days=4))
    assert step_ids(made([ADA], shorter, running)) == ["deactivate user:ada@example.com"]


def test_what_is_pending_is_sorted_as_steps_are_whatever_the_order_of_the_directory() -> None:
    found = [INACTIVE, live_group("g2", "Alpha"), TEAM, live_user("u4", "Bob@example.com"), ADA]
    expected = ["user:ada@example.com", "user:Bob@example.com", "group:Alpha", "group:team", "user:off@example.com"]
    for shuffled in permutations(found):
        assert [one.address for one in made(shuffled, ALL_GRACES).pending] == expected


_AGES = st.sampled_from([-WEEK, timedelta(0), timedelta(days=1), WEEK, timedelta(days=29), MONTH, MONTH * 12])


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_night_by_night_every_grace_period_is_waited_for_and_none_twice(data: st.DataObject) -> None:
    """From any timers on: runs that record what they saw take every step on the day it is due, not before."""
    found: dict[str, Any] = {"u1": ADA, "u2": INACTIVE, "g1": TEAM}
    timers = tuple(timer(one, data.draw(_AGES), data.draw(st.sampled_from(TimerName))) for one in found.values())
    due: dict[str, str] = {}
    for day in range(80):
        tonight = NOW + timedelta(days=day)
        one = made(found.values(), ALL_GRACES, *timers, as_of=tonight)
        for waiting in one.pending:
            assert isinstance(waiting, Pending)
            assert waiting.since <= utc(tonight) < waiting.until
            assert due.setdefault(f"{waiting.action} {waiting.id}", waiting.until) == waiting.until
        for step in one.steps:
            assert step.resource_id is not None
            assert due.get(f"{step.action} {step.resource_id}", utc(tonight)) <= utc(tonight)
            if data.draw(st.booleans()):
                continue  # It failed, and must be there again tomorrow.
            if str(step.action) == "delete":
                del found[step.resource_id]
            else:
                found[step.resource_id] = live_user(step.resource_id, step.name, active=False)
        taken = {(step.id, step.grace) for step in one.steps}
        timers = tuple(timers_after(one))
        again = made(found.values(), ALL_GRACES, *timers, as_of=tonight)
        assert {(step.id, step.grace) for step in again.steps} <= taken

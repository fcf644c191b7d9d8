"""Grace periods: what is to become of an unlisted resource waits, so that a line lost by mistake can be put back.

A period counts from when a recorded run first saw what it is about, because nobody knows of earlier. What it was that a
run saw comes as a timer of the history; where there is none, the period begins with this plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from reconciler.model import Kind, LiveResource, Timer, TimerName, utc
from reconciler.planning.context import Context
from reconciler.planning.ordering import place
from reconciler.planning.plan import Grace, Pending, Plan, Step


class GracePeriods:
    """Knows which grace periods run, and holds back the steps that wait for one."""

    def __init__(self, context: Context) -> None:
        self._as_of = _to_the_second(context.as_of)
        self._pending = context.findings.pending
        self._since: dict[tuple[Kind, str, TimerName], datetime] = {}
        for timer in context.history.timers:
            key = timer.kind, timer.id, timer.name
            since = _to_the_second(timer.since)
            self._since[key] = min(since, self._since.get(key, since))

    def over(self, step: Step, live: LiveResource, timer: TimerName, after: timedelta) -> Iterator[Step]:
        """Yield the step if nothing has to be waited for any more. Otherwise tell that it is pending.

        Args:
            step: what becomes of an unlisted resource.
            live: the resource. Its id is what timers know it by, so that another name makes no difference.
            timer: what has to have been so for long enough.
            after: how long; zero is no grace period at all.
        """
        if not after:
            yield step
            return
        # A timer that begins in the future was set by a clock that went wrong.
        since = min(self._as_of, self._since.get((live.kind, live.id, timer), self._as_of))
        until = _later(since, after)
        grace = Grace(timer=timer, since=utc(since), until=utc(until))
        held_back = msgspec.structs.replace(step, grace=grace)
        if until <= self._as_of:
            yield held_back
        else:
            self._pending.extend(still_pending([held_back]))


def still_pending(steps: Iterable[Step]) -> Iterator[Pending]:
    """Yield what goes on waiting when these steps are not taken: of those that had a grace period."""
    for step in steps:
        if step.grace is not None and step.resource_id is not None:
            yield Pending(
                action=step.action,
                kind=step.kind,
                id=step.resource_id,
                name=step.name,
                timer=step.grace.timer,
                since=step.grace.since,
                until=step.grace.until,
            )


def in_order(pending: Iterable[Pending]) -> tuple[Pending, ...]:
    """Return what is pending sorted as steps are, each once."""
    return tuple(sorted(dict.fromkeys(pending), key=lambda one: place(one.kind, one.action, one.name, one.id)))


def timers_after(plan: Plan) -> Collection[Timer]:
    """Return the timers that run after a recorded run of a plan. All others of its directory have come to their end.

    The timer of a step of the plan runs on, whatever became of the step: if it failed or was not tried, the next plan
    must not begin the period again; if it was applied, the next plan will not ask for the timer.
    """
    return tuple(
        Timer(kind=one.kind, id=one.id, name=one.timer, since=datetime.fromisoformat(one.since))
        for one in dict.fromkeys((*plan.pending, *still_pending(plan.steps)))
    )


def _to_the_second(moment: datetime) -> datetime:
    """Return a moment in UTC as a plan writes it, so that what is reckoned is what is read."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _later(moment: datetime, after: timedelta) -> datetime:
    try:
        return moment + after
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)

"""What a run leaves for the next one: how much the directory holds, and the grace timers that run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from reconciler.applying.outcome import Status
from reconciler.capabilities import UserDelete
from reconciler.model import Kind, Timer, TimerName
from reconciler.planning.grace import timers_after
from reconciler.planning.plan import Action, LiveCounts, Plan, Reason, Step
from reconciler.store.damage import readable
from reconciler.store.moments import read_stamp, stamp
from reconciler.store.records import TRYING
from reconciler.store.tables import timers

_MAY_BE_DONE: Final = frozenset({Status.APPLIED.value, TRYING})
_MAY_BE_PARTLY_DONE: Final = _MAY_BE_DONE | {Status.DIFFERS.value}


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of one step after a run.

    Attributes:
        step: the step.
        state: as the ledger has it.
        before: of a deleted resource: what it was.
    """

    step: Step
    state: str
    before: Mapping[str, Any] | None = None

    @property
    def applied(self) -> bool:
        """Whether the directory holds what the step wanted."""
        return self.state == Status.APPLIED.value

    @property
    def counts(self) -> bool:
        """Whether there is more or less in the directory for it, as far as is known. In doubt there is less."""
        match self.step.action:
            case Action.REMOVE_MEMBERS:
                return self.state in _MAY_BE_PARTLY_DONE
            case Action.DELETE:
                return self.state in _MAY_BE_DONE
            case _:
                return self.applied


def counts_after(plan: Plan, results: Iterable[Result], live: LiveCounts | None = None) -> LiveCounts:
    """Return how much the directory holds after a run: what it held before it, corrected by what the run did.

    In doubt it is less: the next run's guard against a directory that shrank must not refuse because of what this run
    took away itself.

    Args:
        plan: what the run carried out.
        results: what became of its steps.
        live: what the directory held before; what was read for the plan, if left out.
    """
    live = live or plan.live
    counted = {Kind.USER: live.users, Kind.GROUP: live.groups}
    memberships = live.memberships
    soft = plan.capabilities.get("user_delete") == UserDelete.SOFT.value
    for result in results:
        step = result.step
        if not result.counts:
            continue
        match step.action:
            case Action.CREATE:
                counted[step.kind] += 1
            case Action.ADD_MEMBERS:
                memberships += len(step.members)
            case Action.REMOVE_MEMBERS:
                memberships -= len(step.members)
            case Action.DELETE if not (soft and step.kind is Kind.USER):
                counted[step.kind] -= 1
                memberships -= _memberships(step.kind, result.before, live)
    return LiveCounts(
        users=max(counted[Kind.USER], 0), groups=max(counted[Kind.GROUP], 0), memberships=max(memberships, 0)
    )


def _memberships(kind: Kind, before: Mapping[str, Any] | None, live: LiveCounts) -> int:
    """Return how many memberships went with a deleted resource.

    Where nobody knows, because the run died amid the deletion or found the resource gone: as many as there can have
    been, a group has nobody twice.
    """
    if before is None:
        return live.groups if kind is Kind.USER else live.users + live.groups
    stated = before.get("members" if kind is Kind.GROUP else "groups")
    return len(stated) if isinstance(stated, list | tuple) else 0


def read_timers(connection: Connection, directory: str) -> tuple[Timer, ...]:
    """Return the grace timers that run, sorted."""
    columns = timers.c
    order = (columns.kind, columns.resource_id, columns.name)
    rows = connection.execute(select(*order, columns.since).where(columns.directory == directory).order_by(*order))
    with readable("a grace timer"):
        return tuple(
            Timer(kind=Kind(kind), id=resource_id, name=TimerName(name), since=read_stamp(since))
            for kind, resource_id, name, since in rows
        )


def set_timers(connection: Connection, directory: str, plan: Plan, results: Iterable[Result], now: datetime) -> None:
    """Let the timers of a directory be what a run's plan and its results say; all others end.

    Those that the plan tells of run on, and one starts for each user whose deactivation, as unlisted, was applied. A
    plan that undoes a run says nothing of unlisted resources: after it, all timers run as before. One of a change of
    the files says nothing of those that the change does not touch: theirs run on.

    One that did not run starts with the end of this run, whatever moment the plan was made for: a plan for a day of the
    past (``--as-of``), or a saved one, must not have a grace period end that nobody has seen begin.

    Args:
        connection: in a transaction that may write.
        directory: the SCIM endpoint.
        plan: what the run carried out.
        results: what became of its steps.
        now: when the run ended.
    """
    if plan.undoes is not None:
        return
    begun = (
        Timer(kind=Kind.USER, id=result.step.resource_id, name=TimerName.DEACTIVATED, since=now)
        for result in results
        if result.applied
        and result.step.action is Action.DEACTIVATE
        and result.step.reason is Reason.UNLISTED
        and result.step.resource_id is not None
    )
    before = read_timers(connection, directory)
    since = {(timer.kind, timer.id, timer.name): timer.since for timer in before}
    told = (replace(one, since=min(now, since.get((one.kind, one.id, one.name), now))) for one in timers_after(plan))
    # Nothing is known of whom the change of a confined plan does not touch; whom files list again, its plan says.
    ended = frozenset(timer.id for timer in before) if plan.since is None else frozenset(plan.since.listed_again)
    untouched = (timer for timer in before if timer.id not in ended)
    running = {(timer.kind, timer.id, timer.name): timer for timer in (*untouched, *begun, *told)}
    if set(running.values()) == set(before):
        return
    connection.execute(delete(timers).where(timers.c.directory == directory))
    rows = [
        {
            "directory": directory,
            "kind": timer.kind.value,
            "resource_id": timer.id,
            "name": timer.name.value,
            "since": stamp(timer.since),
        }
        for timer in running.values()
    ]
    if rows:
        connection.execute(insert(timers), rows)

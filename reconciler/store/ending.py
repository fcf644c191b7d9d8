"""How a run ends in the store: as its result says, or as far as its ledger tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, select, update

from reconciler.planning.document import PlanFileError
from reconciler.planning.plan import Plan
from reconciler.store import audit
from reconciler.store.aftermath import Result, set_timers
from reconciler.store.audit import storable
from reconciler.store.audit_entries import RunEntries
from reconciler.store.errors import StoreError
from reconciler.store.moments import stamp
from reconciler.store.records import TRYING, RunStatus
from reconciler.store.runs import get_run, left_by, plan_of, steps_of
from reconciler.store.tables import runs


def bury_the_dead(connection: Connection, directory: str, *, found_by: str) -> None:
    """Record the end of the runs of a directory that have none: whoever calls this holds its lock, so they are dead.

    Args:
        connection: in a transaction that may write.
        directory: the SCIM endpoint.
        found_by: the run that holds the lock now.
    """
    dead = select(runs.c.id).where(runs.c.directory == directory, runs.c.status == RunStatus.RUNNING.value)
    for run_id in connection.execute(dead).scalars().all():
        interrupt(connection, run_id, "its process died", found_by=found_by)


def interrupt(connection: Connection, run_id: str, why: str, *, found_by: str | None = None) -> None:
    """Record that a run did not come to its end, and what it left as far as its ledger tells.

    Nothing is recorded where its end is: it may have become durable although whoever waited for it never heard so. The
    audit tells of each step that was begun, too, because nobody else might: it may have been carried out.

    Args:
        connection: in a transaction that may write.
        run_id: the run.
        why: what ended it.
        found_by: the run that found it dead. The last thing that its ledger knows is taken for its end then.
    """
    run = get_run(connection, run_id)
    if run.status is not RunStatus.RUNNING:
        return
    ledger = list(steps_of(connection, run_id))
    now = datetime.now(UTC)
    signs = [moment for line in ledger for moment in (line.tried, line.finished) if moment is not None]
    ended = now if found_by is None else max(signs, default=run.started)
    counts = Counter(line.state for line in ledger)
    end(connection, run_id, RunStatus.INTERRUPTED, ended, counts=counts, stopped=why)
    # A plan that was altered in the store is told when somebody asks for it.
    with suppress(PlanFileError, StoreError):
        plan = plan_of(connection, run_id)
        results = [Result(step, line.state, line.before) for step, line in zip(plan.steps, ledger, strict=False)]
        leave(connection, run_id, plan, results, ended)
        entries = RunEntries(plan, command=run.command, actor=run.actor, resumes=run.resumes)
        told = [
            entries.begun(step, line.tried or ended, now)
            for step, line in zip(plan.steps, ledger, strict=False)
            if line.state == TRYING
        ]
        told.append(entries.ended(RunStatus.INTERRUPTED, now, counts=counts, stopped=why, found_by=found_by))
        audit.append(connection, run.directory, run_id, told)


def end(
    connection: Connection,
    run_id: str,
    status: RunStatus,
    ended: datetime,
    *,
    counts: Mapping[str, int],
    stopped: str | None,
) -> None:
    """Record how a run ended, and when."""
    values = {
        "status": status.value,
        "ended": stamp(ended),
        "counts": msgspec.json.encode(counts, order="sorted").decode(),
        "stopped": None if stopped is None else storable(stopped),
    }
    connection.execute(update(runs).where(runs.c.id == run_id).values(**values))


def leave(connection: Connection, run_id: str, plan: Plan, results: Sequence[Result], ended: datetime) -> None:
    """Record what a run left for the next one: how much the directory holds, and the timers."""
    left = left_by(connection, run_id, plan, results)
    if left is not None:
        values = {"users": left.users, "groups": left.groups, "memberships": left.memberships}
        connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
    set_timers(connection, plan.directory.base_url, plan, results, ended)

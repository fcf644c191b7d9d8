"""The ledger of one run, in the store: what is about to be tried, what became of it, and what the run left.

A step is ``not_tried`` until its intent is durable, ``trying`` until its outcome is, and has the status of its outcome
then. Whatever kills the process, the store says which steps were applied, which were tried with an unknown outcome, and
which were never tried.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update

from reconciler.applying.outcome import Outcome, RunResult
from reconciler.diagnostics import ReconcilerError
from reconciler.model import Desired
from reconciler.planning.document import PlanFileError, encode
from reconciler.planning.plan import LiveCounts, Plan, Step
from reconciler.store import desired_states, observing
from reconciler.store.aftermath import Result, counts_after, set_timers
from reconciler.store.audit import storable
from reconciler.store.database import Database
from reconciler.store.group_commit import GroupCommit
from reconciler.store.lock import Lock
from reconciler.store.moments import stamp
from reconciler.store.records import NOT_TRIED, TRYING, Actor, RunStatus
from reconciler.store.runs import plan_of, steps_of
from reconciler.store.tables import runs, steps

_COMPRESSION: Final = 1
"""Level of zlib: a plan shrinks to a tenth at the fastest one already."""
_AT_ONCE: Final = 5000
"""Rows that are inserted by one statement, so that memory does not grow with the plan."""

_TRIED: Final = (
    update(steps)
    .where(steps.c.run_id == bindparam("of_run"), steps.c.number == bindparam("of_number"))
    .values(state=TRYING, tried=bindparam("now"))
)
_FINISHED: Final = (
    update(steps)
    .where(steps.c.run_id == bindparam("of_run"), steps.c.number == bindparam("of_number"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "message", "resource_id", "http_status")})
    .values({name: bindparam(f"new_{name}") for name in ("request_id", "requests", "before", "finished")})
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is to be recorded: steps that are about to be tried, or outcomes."""

    steps: Sequence[Step] = ()
    outcomes: Sequence[Outcome] = ()


class Run:
    """The ledger of one run, and the lock that it holds; :class:`reconciler.applying.journal.Journal` tells its words.

    Made by :func:`begin`. Use it as a context manager: a run that is left without :meth:`complete` is recorded as
    interrupted.

    Attributes:
        run_id: the name of the run.
    """

    def __init__(self, database: Database, lock: Lock, run_id: str, plan: Plan) -> None:
        self.run_id = run_id
        self._database = database
        self._lock = lock
        self._plan = plan
        self._numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
        self._settled = bytearray(len(plan.steps) + 1)
        self._ended = False
        self._ledger = GroupCommit[_Entry](self._record)

    @property
    def held(self) -> bool:
        """Whether this run may still write to the directory."""
        return self._lock.held

    async def intend(self, steps: Sequence[Step]) -> None:
        """Record that these steps are about to be tried.

        Raises:
            StoreError: the store cannot be written.
            LockLostError: somebody else may write to the directory now.
        """
        if steps:
            await self._ledger.add(_Entry(steps=steps))

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record what became of steps.

        Raises:
            StoreError: the store cannot be written.
            LockLostError: somebody else may write to the directory now.
        """
        if outcomes:
            await self._ledger.add(_Entry(outcomes=outcomes))

    async def complete(self, result: RunResult) -> None:
        """Record how the run ended and what it left: sizes, grace timers, and what was learned of the directory.

        Outcomes that were never settled, those of an earlier run that this one goes on with, are put into the ledger.

        Raises:
            StoreError: the store cannot be written.
            LockLostError: somebody else may write to the directory now.
        """
        await self._ledger.call(lambda: self._complete(result))
        self._ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Waits for what is being written.
        self._ledger.close()
        if self._ended:
            return
        why = (
            "" if kind is None else f"{kind.__name__}: {error}" if isinstance(error, ReconcilerError) else kind.__name__
        )
        # What the run ended with may be the store itself, or its lock. The next run finds it dead then.
        with suppress(ReconcilerError), self._database.writing() as connection:
            self._lock.check(connection)
            _interrupt(connection, self.run_id, why or "it did not come to its end", ended=datetime.now(UTC))

    def _record(self, entries: Sequence[_Entry]) -> None:
        with self._database.writing() as connection:
            self._lock.check(connection)
            now = datetime.now(UTC)
            tried = [self._key(step) | {"now": stamp(now)} for entry in entries for step in entry.steps]
            if tried:
                connection.execute(_TRIED, tried)
            self._finish(connection, [outcome for entry in entries for outcome in entry.outcomes], now)

    def _finish(self, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
        if not outcomes:
            return
        connection.execute(_FINISHED, [self._key(outcome.step) | _finished(outcome, now) for outcome in outcomes])
        for outcome in outcomes:
            self._settled[self._numbers[outcome.step.id]] = True

    def _complete(self, result: RunResult) -> None:
        plan, directory = self._plan, self._plan.directory.base_url
        results = [Result(outcome.step, outcome.status.value, outcome.before) for outcome in result.outcomes]
        with self._database.writing() as connection:
            self._lock.check(connection)
            now = datetime.now(UTC)
            self._finish(
                connection,
                [outcome for outcome in result.outcomes if not self._settled[self._numbers[outcome.step.id]]],
                now,
            )
            counts = {status.value: count for status, count in result.counts.items() if count}
            ended = {
                "status": _status(result).value,
                "ended": stamp(now),
                "counts": msgspec.json.encode(counts).decode(),
                "stopped": None if result.stopped is None else storable(result.stopped),
            }
            left = _left(counts_after(plan, results))
            connection.execute(update(runs).where(runs.c.id == self.run_id).values(**ended, **left))
            set_timers(connection, directory, plan, results, now)
            observing.remember(connection, directory, self.run_id, result.outcomes)

    def _key(self, step: Step) -> dict[str, Any]:
        return {"of_run": self.run_id, "of_number": self._numbers[step.id]}


def begin(
    database: Database,
    plan: Plan,
    *,
    lock: Lock,
    command: str,
    actor: Actor,
    resumes: str | None = None,
    desired: Desired | None = None,
) -> Run:
    """Record, in one transaction, that a run begins, its plan, and that none of its steps was tried.

    Runs of the directory that have no end are marked as interrupted: the lock is held here, so they are dead.

    Args:
        database: the store.
        plan: what will be carried out.
        lock: of the directory, held; the run has its name.
        command: what was called: ``apply``.
        actor: who runs it.
        resumes: the run that it goes on with.
        desired: what the plan was made from; remembered, with the ledger, as what was last applied.

    Raises:
        StoreError: the store cannot be written. Nothing may be applied without a ledger.
        LockLostError: somebody else may write to the directory now.
    """
    directory, run_id = plan.directory.base_url, lock.run_id
    with database.writing() as connection:
        lock.check(connection)
        _bury_the_dead(connection, directory)
        connection.execute(
            insert(runs).values(
                id=run_id,
                directory=directory,
                name=storable(plan.directory.name),
                command=command,
                status=RunStatus.RUNNING.value,
                started=stamp(datetime.now(UTC)),
                plan_digest=plan.digest,
                plan=zlib.compress(encode(plan), _COMPRESSION),
                actor=msgspec.json.encode(_printable(actor)).decode(),
                reason=None if plan.reason is None else storable(plan.reason),
                resumes=resumes,
                undoes=plan.undoes,
                steps=len(plan.steps),
                counts="{}",
                desired_users=plan.desired.users,
                desired_groups=plan.desired.groups,
            )
        )
        rows = (
            {"run_id": run_id, "number": number, "step": storable(step.id), "state": NOT_TRIED}
            for number, step in enumerate(plan.steps, 1)
        )
        for together in _batches(rows, _AT_ONCE):
            connection.execute(insert(steps), together)
        if desired is not None:
            desired_states.save(connection, directory, run_id, datetime.fromisoformat(plan.as_of), desired)
    return Run(database, lock, run_id, plan)


def _bury_the_dead(connection: Connection, directory: str) -> None:
    dead = select(runs.c.id).where(runs.c.directory == directory, runs.c.status == RunStatus.RUNNING.value)
    for run_id in connection.execute(dead).scalars().all():
        _interrupt(connection, run_id, "its process died", ended=None)


def _interrupt(connection: Connection, run_id: str, why: str, *, ended: datetime | None) -> None:
    """Record that a run did not come to its end, and what it left as far as its ledger tells.

    Args:
        connection: in a transaction that may write.
        run_id: the run.
        why: what ended it.
        ended: when; the last sign of life in its ledger if ``None``.
    """
    ledger = list(steps_of(connection, run_id))
    signs = [moment for line in ledger for moment in (line.tried, line.finished) if moment is not None]
    values: dict[str, Any] = {"status": RunStatus.INTERRUPTED.value, "stopped": storable(why)}
    moment = ended or max(signs, default=None)
    values["ended"] = runs.c.started if moment is None else stamp(moment)
    counts = {state: sum(line.state == state for line in ledger) for state in {line.state for line in ledger}}
    values["counts"] = msgspec.json.encode(counts, order="sorted").decode()
    # A plan that was altered in the store is told when somebody asks for it.
    with suppress(PlanFileError):
        plan = plan_of(connection, run_id)
        results = [Result(step, line.state, line.before) for step, line in zip(plan.steps, ledger, strict=False)]
        values |= _left(counts_after(plan, results))
        set_timers(connection, plan.directory.base_url, plan, results, moment or datetime.now(UTC))
    connection.execute(update(runs).where(runs.c.id == run_id).values(**values))


def _status(result: RunResult) -> RunStatus:
    if result.complete:
        return RunStatus.COMPLETE
    return RunStatus.STOPPED if result.by_user else RunStatus.PARTLY


def _left(counts: LiveCounts) -> dict[str, int]:
    return {"users": counts.users, "groups": counts.groups, "memberships": counts.memberships}


def _finished(outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "new_state": outcome.status.value,
        "new_message": storable(outcome.message),
        "new_resource_id": None if outcome.resource_id is None else storable(outcome.resource_id),
        "new_http_status": outcome.http_status,
        "new_request_id": None if outcome.request_id is None else storable(outcome.request_id),
        "new_requests": outcome.requests,
        "new_before": None if outcome.before is None else msgspec.json.encode(outcome.before).decode(),
        "new_finished": stamp(now),
    }


def _printable(actor: Actor) -> dict[str, Any]:
    """Return an actor as JSON. What a system says of itself need not be valid text."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in asdict(actor).items()}


def _batches(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, size)):
        yield batch

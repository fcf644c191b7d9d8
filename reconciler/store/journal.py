"""The ledger of one run, in the store: what is about to be tried, what became of it, and what the run left.

A step is ``not_tried`` until its intent is durable, ``trying`` until its outcome is, and has the status of its outcome
then. Whatever kills the process, the store says which steps were applied, which were tried with an unknown outcome, and
which were never tried.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from sqlalchemy import Connection, bindparam, insert, update

from reconciler.applying.outcome import Outcome, RunResult
from reconciler.attributes import Schemas
from reconciler.diagnostics import ReconcilerError
from reconciler.model import Desired
from reconciler.planning.document import encode
from reconciler.planning.plan import Plan, Step
from reconciler.store import audit, desired_states, observing
from reconciler.store.aftermath import Result
from reconciler.store.audit import storable
from reconciler.store.audit_entries import RunEntries
from reconciler.store.database import Database
from reconciler.store.ending import bury_the_dead, end, interrupt, leave
from reconciler.store.group_commit import GroupCommit
from reconciler.store.lock import Lock
from reconciler.store.moments import stamp
from reconciler.store.records import NOT_TRIED, TRYING, Actor, RunStatus
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

    def __init__(self, database: Database, lock: Lock, plan: Plan, entries: RunEntries) -> None:
        self.run_id = lock.run_id
        self._database = database
        self._lock = lock
        self._plan = plan
        self._directory = plan.directory.base_url
        self._entries = entries
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
        # What the run ended with may be the store itself, or its lock. The next run finds it dead then.
        with suppress(ReconcilerError), self._database.writing() as connection:
            self._lock.check(connection)
            interrupt(connection, self.run_id, _told(error))

    def _record(self, entries: Sequence[_Entry]) -> None:
        with self._database.writing() as connection:
            self._lock.check(connection)
            now = datetime.now(UTC)
            tried = [self._key(step) | {"now": stamp(now)} for entry in entries for step in entry.steps]
            if tried:
                connection.execute(_TRIED, tried)
            outcomes = [outcome for entry in entries for outcome in entry.outcomes]
            self._finish(connection, outcomes, now)
            if outcomes:
                told = [self._entries.step(outcome, now) for outcome in outcomes]
                audit.append(connection, self._directory, self.run_id, told)
        # Only now is it so.
        for outcome in outcomes:
            self._settled[self._numbers[outcome.step.id]] = True

    def _finish(self, connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
        if outcomes:
            connection.execute(_FINISHED, [self._key(outcome.step) | _finished(outcome, now) for outcome in outcomes])

    def _complete(self, result: RunResult) -> None:
        results = [Result(outcome.step, outcome.status.value, outcome.before) for outcome in result.outcomes]
        status = _status(result)
        counts = {one.value: count for one, count in result.counts.items() if count}
        with self._database.writing() as connection:
            self._lock.check(connection)
            now = datetime.now(UTC)
            self._finish(
                connection,
                [outcome for outcome in result.outcomes if not self._settled[self._numbers[outcome.step.id]]],
                now,
            )
            end(connection, self.run_id, status, now, counts=counts, stopped=result.stopped)
            leave(connection, self.run_id, self._plan, results, now)
            observing.remember(connection, self._directory, self.run_id, result.outcomes)
            ended = self._entries.ended(status, now, counts=counts, stopped=result.stopped)
            audit.append(connection, self._directory, self.run_id, [ended])

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
    drifted: Collection[str] = (),
    schemas: Schemas | None = None,
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
        drifted: ids of steps that the plan leaves out although they would take back what the directory changed itself.
        schemas: the attribute definitions of the service provider, which tell what is too secret for the audit.

    Raises:
        StoreError: the store cannot be written. Nothing may be applied without a ledger.
        LockLostError: somebody else may write to the directory now.
    """
    directory, run_id = plan.directory.base_url, lock.run_id
    entries = RunEntries(plan, command=command, actor=actor, resumes=resumes, schemas=schemas)
    with database.writing() as connection:
        lock.check(connection)
        now = datetime.now(UTC)
        bury_the_dead(connection, directory, found_by=run_id)
        connection.execute(
            insert(runs).values(
                id=run_id,
                directory=directory,
                name=storable(plan.directory.name),
                command=command,
                status=RunStatus.RUNNING.value,
                started=stamp(now),
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
            as_of = datetime.fromisoformat(plan.as_of)
            desired_states.save(connection, directory, run_id, as_of, desired, drifted=drifted)
        audit.append(connection, directory, run_id, [entries.started(now)])
    return Run(database, lock, plan, entries)


def _told(error: BaseException | None) -> str:
    """Return why a run did not come to its end, for a person."""
    match error:
        case None:
            return "it did not come to its end"
        case asyncio.CancelledError() | KeyboardInterrupt():
            return "stopped by the user, at once"
        case ReconcilerError():
            return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _status(result: RunResult) -> RunStatus:
    if result.complete:
        return RunStatus.COMPLETE
    return RunStatus.STOPPED if result.by_user else RunStatus.PARTLY


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

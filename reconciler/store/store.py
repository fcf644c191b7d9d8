"""The store as everyone else sees it. SQLAlchemy is loaded when one is opened, and not before."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reconciler.attributes import Schemas
from reconciler.config import DirectoryConfig
from reconciler.model import Desired, History
from reconciler.planning.plan import Plan
from reconciler.store.location import locate
from reconciler.store.records import Actor, LockHolder, RunRecord, StepRecord

if TYPE_CHECKING:
    # A plan in a workspace without a store needs none of it, and its start-up time is felt.
    from sqlalchemy import Connection

    from reconciler.store.audit_trail import AuditTrail
    from reconciler.store.database import Database
    from reconciler.store.journal import Run
    from reconciler.store.lock import Lock


def new_run_id() -> str:
    """Return a name for a run: the time in UTC and a random part. It sorts by time and is unique over machines."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class Store:
    """An open store. Use it as a context manager.

    Directories are told apart by their SCIM endpoint, the resolved ``base_url``: that is what ``directory`` means here.
    Every method raises :class:`~reconciler.store.errors.StoreError` where the store cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, config: DirectoryConfig, workspace: Path, environ: Mapping[str, str]) -> Self:
        """Open the store of a workspace; make it where there is none, and bring an older one up to date.

        Args:
            config: what ``directory.yaml`` says.
            workspace: its folder; the store is ``.reconciler/store.db`` in it unless ``config`` names another.
            environ: the environment variables that the store's URL may name.

        Raises:
            StoreError: it cannot be made, opened, read or migrated.
            StoreTooNewError: a newer version of this program has migrated it.
        """
        location = locate(config, workspace, environ)
        from reconciler.store.database import Database

        return cls(Database.open(location))

    @classmethod
    def open_existing(cls, config: DirectoryConfig, workspace: Path, environ: Mapping[str, str]) -> Self | None:
        """Open the store of a workspace where there is one: none is made, and ``None`` is returned instead.

        Raises:
            StoreError: it is there, and cannot be opened, read or migrated.
            StoreTooNewError: a newer version of this program has migrated it.
        """
        location = locate(config, workspace, environ)
        if location.missing:
            return None
        from reconciler.store.database import Database

        database = Database.open_existing(location)
        return None if database is None else cls(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    @property
    def place(self) -> str:
        """Where the store is, for messages; without a password."""
        return self._database.place

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one state of the store, for the functions of this package that take one."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction that may write: durable at the end, void where an exception leaves it."""
        return self._database.writing()

    @property
    def audit(self) -> AuditTrail:
        """The audit of this store: appending, asking, verifying."""
        from reconciler.store.audit_trail import AuditTrail

        return AuditTrail(self._database)

    def history(self, directory: str) -> History:
        """Return what earlier runs left for planning."""
        from reconciler.store.aftermath import read_timers
        from reconciler.store.observing import recall
        from reconciler.store.runs import last_run

        with self.reading() as connection:
            return History(
                observations=recall(connection, directory),
                timers=read_timers(connection, directory),
                last_run=last_run(connection, directory),
            )

    def lock(
        self,
        directory: str,
        name: str,
        *,
        run_id: str,
        actor: Actor,
        lease: timedelta,
        wait: timedelta = timedelta(0),
        on_wait: Callable[[LockHolder], None] | None = None,
    ) -> Lock:
        """Return the lock of a directory, which entering it takes; see :class:`reconciler.store.lock.Lock`."""
        from reconciler.store.lock import Lock

        return Lock(
            self._database.engine,
            directory,
            name,
            run_id=run_id,
            actor=actor,
            lease=lease,
            wait=wait,
            on_wait=on_wait,
        )

    def begin(
        self,
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
        """Record that a run begins, and return its ledger, a context manager.

        Args:
            plan: what will be carried out.
            lock: of the directory, held; the run has its name.
            command: what was called: ``apply``.
            actor: who runs it.
            resumes: the run that it goes on with.
            desired: what the plan was made from; it is remembered as what was last applied.
            drifted: ids of steps that the plan leaves out although they would take back what the directory changed
                itself: that stays drift.
            schemas: the attribute definitions of the service provider, which tell what is too secret for the audit.

        Raises:
            LockLostError: the lock is not held any more.
        """
        from reconciler.store.journal import begin

        return begin(
            self._database,
            plan,
            lock=lock,
            command=command,
            actor=actor,
            resumes=resumes,
            desired=desired,
            drifted=drifted,
            schemas=schemas,
        )

    def bury_the_dead(self, directory: str, lock: Lock) -> None:
        """Record the end of the runs of a directory that have none, so that the next plan knows what they left.

        Args:
            directory: the SCIM endpoint.
            lock: of that directory, held: so they are dead.

        Raises:
            LockLostError: the lock is not held any more.
        """
        from reconciler.store.ending import bury_the_dead

        with self.writing() as connection:
            lock.check(connection)
            bury_the_dead(connection, directory, found_by=lock.run_id)

    def runs(self, directory: str | None = None, *, limit: int = 50) -> list[RunRecord]:
        """Return the runs of a directory, or of all, the newest first."""
        from reconciler.store.runs import list_runs

        with self.reading() as connection:
            return list_runs(connection, directory, limit)

    def run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            NoSuchRunError: there is none of this name.
        """
        from reconciler.store.runs import get_run

        with self.reading() as connection:
            return get_run(connection, run_id)

    def run_of_plan(self, directory: str, digest: str) -> RunRecord | None:
        """Return the last run that began to carry out a plan, or ``None`` where there was none."""
        return next(iter(self.runs_of_plan(directory, digest)), None)

    def runs_of_plan(self, directory: str, digest: str) -> list[RunRecord]:
        """Return all runs that began to carry out a plan, the newest first."""
        from reconciler.store.runs import list_of_plan

        with self.reading() as connection:
            return list_of_plan(connection, directory, digest)

    def undone(self, run_ids: Iterable[str]) -> tuple[str, str] | None:
        """Return the first of these runs that was undone, and the run that did so; ``None`` where none was."""
        from reconciler.store.runs import first_undone

        with self.reading() as connection:
            return first_undone(connection, run_ids)

    def plan_of(self, run_id: str) -> Plan:
        """Return the plan of a run, proven intact.

        Raises:
            NoSuchRunError: there is no such run.
            PlanFileError: the plan was altered in the store.
        """
        from reconciler.store.runs import plan_of

        with self.reading() as connection:
            return plan_of(connection, run_id)

    def steps_of(self, run_id: str) -> list[StepRecord]:
        """Return the ledger of a run: one record for each step, in the order of its plan.

        Raises:
            NoSuchRunError: there is no such run.
        """
        from reconciler.store.runs import get_run, steps_of

        with self.reading() as connection:
            get_run(connection, run_id)
            return list(steps_of(connection, run_id))

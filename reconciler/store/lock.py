"""One writer per directory: a lock with a lease, kept in the store.

Whoever holds it renews its lease while it lives; when it dies, the lease ends and the next one takes over. Every holder
has a token that is higher than those before it, so that one that was taken for dead and wakes up again can record
nothing more: :meth:`Lock.check` refuses it in the very transaction in which it would write.

Time is the database's: PostgreSQL's own clock, and for SQLite that of the one machine that can open the file.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, RowMapping, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from reconciler.store.audit import storable
from reconciler.store.errors import LockedError, LockLostError, StoreError
from reconciler.store.moments import read_stamp, stamp
from reconciler.store.records import Actor, LockHolder
from reconciler.store.tables import locks

_POLL = (0.1, 0.4)
"""Seconds between two looks at somebody else's lock: at random, so that those who wait do not meet again and again."""

_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's SQLSTATE for a row that somebody else held for longer than ``lock_timeout``."""


@dataclass(frozen=True, slots=True)
class _Deadline:
    """Until when the lock is held for certain, on three clocks.

    Attributes:
        ticks: by :func:`_ticks`, with a margin.
        wall: by this machine's wall clock in seconds, with the same margin.
        expires: by the database's clock, without a margin.
    """

    ticks: float
    wall: float
    expires: datetime


class Lock:
    """The right to write to one directory. Use it as a context manager: entering it takes it, leaving it gives it back.

    A thread of its own renews the lease every third of its length.

    Args:
        engine: the store.
        directory: the SCIM endpoint.
        name: what the directory is called.
        run_id: the run that wants to write.
        actor: who runs it.
        lease: how long the lock keeps others out after it was last renewed.
        wait: how long to wait for somebody else's lock.
        on_wait: told once who holds it, when the waiting begins.

    Attributes:
        run_id: the run that wants to write.
        token: which holder of this directory's lock this is, counted from 1; 0 before it is taken.
    """

    def __init__(
        self,
        engine: Engine,
        directory: str,
        name: str,
        *,
        run_id: str,
        actor: Actor,
        lease: timedelta,
        wait: timedelta = timedelta(0),
        on_wait: Callable[[LockHolder], None] | None = None,
    ) -> None:
        self.run_id = run_id
        self.token = 0
        self._engine = engine
        self._directory = directory
        texts = {"name": name, "run_id": run_id, "user": actor.user, "host": actor.host}
        self._holder = {column: storable(text) for column, text in texts.items()} | {"pid": actor.pid}
        self._lease = lease
        self._wait = wait
        self._on_wait = on_wait
        self._deadline: _Deadline | None = None
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._keep, name=f"lock of {name}", daemon=True)

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            LockedError: somebody else holds it, and went on to for as long as there was to wait.
            StoreError: the store cannot be read or written.
        """
        try:
            self._acquire()
            self._renewing.start()
        except BaseException:
            # Stopped by a signal right after it was taken, for example.
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        # A renewal that is still under way then can do no harm: it finds the lock given back.
        self._renewing.join(timeout=1)
        self._release()

    @property
    def held(self) -> bool:
        """Whether this process may still write: the lease lasts for long enough to send one request.

        Reads two clocks and asks nobody. False at once in a process that was suspended for longer than its lease.
        """
        deadline = self._deadline
        if deadline is None or self._ended.is_set():
            return False
        return _ticks() < deadline.ticks and time.time() < deadline.wall

    def check(self, connection: Connection) -> None:
        """Make sure, inside a transaction, that nobody can take the lock before the transaction ends.

        Raises:
            LockLostError: somebody else has taken it.
        """
        # FOR SHARE where there are row locks: a successor waits for this transaction. SQLite has one writer anyway.
        mine = select(locks.c.token).where(*self._mine).with_for_update(read=True)
        if connection.execute(mine).first() is None:
            raise self.lost()

    def lost(self) -> LockLostError:
        """Return the error that tells since when the lock may be somebody else's."""
        return LockLostError(self._deadline.expires if self._deadline else datetime.now(UTC))

    def _acquire(self) -> None:
        give_up = time.monotonic() + self._wait.total_seconds()
        waiting = False
        while holder := self._try():
            left = give_up - time.monotonic()
            if left <= 0:
                raise LockedError(holder)
            if not waiting and self._on_wait:
                self._on_wait(holder)
            waiting = True
            time.sleep(min(left, random.SystemRandom().uniform(*_POLL)))

    def _try(self) -> LockHolder | None:
        """Take the lock where it is free, or return who holds it."""
        started = _ticks(), time.time()
        try:
            with self._engine.begin() as connection:
                _ensure_row(connection, self._directory)
                row = connection.execute(_row(self._directory).with_for_update()).mappings().one()
                # Only now: whoever was in this row has committed, and the clock is later than everything it wrote.
                now = _now(connection)
                if row["held"] and read_stamp(row["expires"]) > now:
                    return _holder(row)
                # Known before it is committed: what happens in between is given back in any case.
                self.token = row["token"] + 1
                expires = now + self._lease
                connection.execute(
                    update(locks)
                    .where(locks.c.directory == self._directory)
                    .values(**self._holder, token=self.token, since=stamp(now), expires=stamp(expires), held=1)
                )
        except SQLAlchemyError as error:
            if _busy(error) and (holder := self._last_holder()):
                return holder
            raise StoreError(f"the lock on {self._holder['name']} cannot be taken: {_cause(error)}") from error
        self._count_from(started, expires)
        return None

    def _last_holder(self) -> LockHolder | None:
        """Return who holds the lock or held it until its lease ended.

        A process that was suspended amid a transaction keeps SQLite's file to itself, or its row in PostgreSQL: nobody
        can take its lock then, also after its lease, and whoever tries should be told which process it is. Reading is
        not kept out.
        """
        with suppress(SQLAlchemyError), self._engine.execution_options(reads=True).begin() as connection:
            row = connection.execute(_row(self._directory)).mappings().first()
            return _holder(row) if row is not None and row["held"] else None
        return None

    def _keep(self) -> None:
        """Renew the lease until the lock is given back or somebody else has it."""
        interval = self._lease.total_seconds() / 3
        pause = interval
        while not self._ended.wait(pause):
            try:
                if not self._renew():
                    self._ended.set()
                    return
                pause = interval
            except SQLAlchemyError:
                # The database is away, for a moment perhaps. Until it is back, the lease runs out.
                pause = interval / 5

    def _renew(self) -> bool:
        started = _ticks(), time.time()
        with self._engine.begin() as connection:
            expires = _now(connection) + self._lease
            renewal = update(locks).where(*self._mine).values(expires=stamp(expires))
            if connection.execute(renewal).rowcount != 1:
                return False
        self._count_from(started, expires)
        return True

    def _count_from(self, started: tuple[float, float], expires: datetime) -> None:
        # From before the request to the database was sent: however long it took, the database began to count later.
        # The margin is for the request that is sent while the lock is still held, and for clocks that drift.
        usable = self._lease.total_seconds() * 4 / 5
        ticks, wall = started
        self._deadline = _Deadline(ticks + usable, wall + usable, expires)

    def _release(self) -> None:
        if not self.token:
            return
        # A store that cannot be reached now lets the lease end by itself. What ended the run must not be hidden by it.
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            connection.execute(update(locks).where(*self._mine).values(held=0))

    @property
    def _mine(self) -> tuple[Any, ...]:
        # The run as well: where nobody knows whether taking the lock was committed, the next one may have the token.
        mine = locks.c.token == self.token, locks.c.run_id == self._holder["run_id"], locks.c.held == 1
        return locks.c.directory == self._directory, *mine


def holder_of(connection: Connection, directory: str) -> LockHolder | None:
    """Return who holds the lock on a directory now, or ``None`` where nobody does or its lease has ended."""
    row = connection.execute(_row(directory)).mappings().first()
    if row is None or not row["held"] or read_stamp(row["expires"]) <= _now(connection):
        return None
    return _holder(row)


def _ensure_row(connection: Connection, directory: str) -> None:
    """Make sure that there is a row to lock. A write first: SQLite then takes its own lock before anything is read."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(
        insert(locks)
        .values(directory=directory, name="", token=0, run_id="", user="", host="", pid=0, since="", expires="", held=0)
        .on_conflict_do_nothing()
    )


def _row(directory: str) -> Any:
    return select(locks).where(locks.c.directory == directory)


def _holder(row: RowMapping) -> LockHolder:
    return LockHolder(
        directory=row["name"],
        run_id=row["run_id"],
        user=row["user"],
        host=row["host"],
        pid=row["pid"],
        since=read_stamp(row["since"]),
        expires=read_stamp(row["expires"]),
    )


def _now(connection: Connection) -> datetime:
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)
    # Not now(), which is when the transaction began: it may have waited for the row since.
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def _ticks() -> float:
    """Return seconds that also count while the machine sleeps, where the system tells (Linux)."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


def _busy(error: SQLAlchemyError) -> bool:
    """Tell whether another process has been amid a transaction for longer than anybody waits for one."""
    cause = getattr(error, "orig", None)
    busy: bool = getattr(cause, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    return busy or getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _cause(error: SQLAlchemyError) -> str:
    """Return what the driver says, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip()

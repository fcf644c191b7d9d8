"""The database under the store: how it is made, opened, and read and written in transactions.

Durability: SQLite in WAL mode syncs its file at every commit (``synchronous=FULL``), and so does PostgreSQL, whatever
it does for others. An intent has to survive a power cut, or a request could have been sent of which nothing is known.
``NORMAL`` would lose the last commits then; what it saves is small where intents that arrive together are committed
together: see ``benchmarks/store_rows.py``.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from reconciler.store.errors import StoreError
from reconciler.store.location import Location
from reconciler.store.migrations import MIGRATIONS, Migration, migrate, version_of

if TYPE_CHECKING:
    # It comes with an extra.
    import psycopg

BUSY_SECONDS: Final = 30
"""How long a transaction waits for another process to finish its own."""
_CONNECTION: Final = {
    "connect_timeout": 10,
    # A server whose machine or whose network is gone says nothing: TCP alone waits a quarter of an hour for it.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
}
"""How a connection to PostgreSQL is made, in seconds and, the last one, milliseconds; a URL may state it otherwise.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

_ADVICE: Final = (
    (("not a database", "malformed"), "Nothing was replaced; put a sound copy of it into its place"),
    # Also what SQLite says where a quota or a limit of file sizes is reached.
    (("disk I/O error",), "Its disk may be full or failing. Nothing was replaced"),
    (("readonly", "unable to open", "Permission denied"), "It must be writable, and its folder too"),
    (("is full",), "Make room on its disk"),
    (("is locked", "lock timeout"), f"Another process has been writing to it for more than {BUSY_SECONDS} seconds"),
)
"""What to do, by what SQLite's message contains."""


class Database:
    """An open store, of the newest schema. Use :meth:`open`, and close it.

    Attributes:
        engine: makes connections. A transaction on it may write, and on SQLite keeps other writers out from its start.
        place: where it is, for messages; without a password.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine = engine
        self.place = place
        # Several statements see one state: of itself in SQLite, in PostgreSQL where it is asked for.
        isolation = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        self._reader = engine.execution_options(reads=True, **isolation)

    @classmethod
    def open(cls, location: Location, *, migrations: Sequence[Migration] = MIGRATIONS) -> Database:
        """Open a store; make it where there is none, and bring an older one up to date.

        Raises:
            StoreError: it cannot be made, opened, read or migrated.
            StoreTooNewError: a newer version of this program has migrated it.
        """
        if location.path is not None and location.missing:
            _make_file(location.path, migrations)
        with _closed_on_error(cls._engine(location)) as database, _told(database.place):
            migrate(database.engine, migrations, create=location.path is None)
        return database

    @classmethod
    def open_existing(cls, location: Location, *, migrations: Sequence[Migration] = MIGRATIONS) -> Database | None:
        """Open a store where there is one, and make none; likewise otherwise."""
        if location.missing:
            return None
        with _closed_on_error(cls._engine(location)) as database:
            with database.reading() as connection:
                known = version_of(connection)
            if known is not None or location.path is not None:
                with _told(database.place):
                    migrate(database.engine, migrations, create=False)
                return database
        database.close()
        return None

    @classmethod
    def _engine(cls, location: Location) -> Database:
        if location.path is not None:
            return cls(_sqlite(location.path), f"the store {location.path}")
        try:
            url = make_url(location.url or "").set(drivername="postgresql+psycopg")
        # Its message may hold the URL, and that a password.
        except (ArgumentError, ValueError):
            raise StoreError(
                "the URL of the store cannot be read; it is postgresql://USER:PASSWORD@HOST/NAME"
            ) from None
        place = f"the store {url.set(drivername='postgresql').render_as_string(hide_password=True)}"
        try:
            engine = _postgresql(url)
        except ImportError as error:
            raise StoreError(
                f"{place} needs the driver of PostgreSQL: install reconciler with its extra “postgresql” ({error})"
            ) from error
        return cls(engine, place)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store and does not write.

        Raises:
            StoreError: the store cannot be read.
        """
        with _told(self.place), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction, which is durable at the end, or void where an exception leaves it.

        Raises:
            StoreError: the store cannot be written.
        """
        with _told(self.place), self.engine.begin() as connection:
            yield connection


@contextmanager
def _closed_on_error(database: Database) -> Iterator[Database]:
    try:
        yield database
    except BaseException:
        database.close()
        raise


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Tell what a database says in our own error: its own holds statements and values."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = " ".join(str(cause).split()).rstrip(".") or type(cause).__name__
        advice = next((advice for words, advice in _ADVICE if any(word in reason for word in words)), None)
        raise StoreError(f"{place} cannot be used: {reason}" + (f". {advice}" if advice else "")) from error


def _sqlite(path: Path, *, pooled: bool = True) -> Engine:
    url = URL.create("sqlite", database=str(path))
    # check_same_thread: the pool gives each connection to one thread at a time.
    arguments: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, **({} if pooled else {"poolclass": NullPool}))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that writes takes the right to at its start: it cannot lose it to another one halfway.
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    # Whatever the server's default is: who waited for a row has to see what was written to it meanwhile.
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        connect_args={name: value for name, value in _CONNECTION.items() if name not in url.query},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: psycopg.Connection[Any], _record: object) -> None:
        # A process that was suspended amid a transaction, or whose machine is gone, holds its rows until the server
        # ends it, which takes hours unless told. Nobody could take over its lock before.
        connection.execute(f"SET idle_in_transaction_session_timeout = '{BUSY_SECONDS}s'".encode())
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS + 5}s'".encode())
        # A server may be told to lose the last commits in a power cut. Nobody has to make it wait for its replicas.
        durable = "SELECT set_config('synchronous_commit', 'local', false)"
        connection.execute(f"{durable} WHERE current_setting('synchronous_commit') = 'off'".encode())
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Who only reads keeps nobody waiting, and may take the time: an export into a pager.
        if connection.get_execution_options().get("reads", False):
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")

    return engine


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file durable, where the system can (POSIX)."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _make_file(path: Path, migrations: Sequence[Migration]) -> None:
    """Make a store beside its name, and put it there whole: nobody ever opens half a store.

    An empty or torn file at its name is one that something else has damaged, and is never taken for a new one.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The database's other files get the mode of this one.
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with _told(f"the store {path}"):
                _fill(temporary, migrations)
            with suppress(FileExistsError):  # another process was first
                os.link(temporary, path)
                _sync_folder(path.parent)
        finally:
            for leftover in (temporary, *(Path(f"{temporary}{suffix}") for suffix in ("-wal", "-shm", "-journal"))):
                leftover.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"the store {path} cannot be made: {error.strerror or error}") from error


def _fill(path: Path, migrations: Sequence[Migration]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    engine = _sqlite(path, pooled=False)
    migrate(engine, migrations, create=True)
    engine.dispose()

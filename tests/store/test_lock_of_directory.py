"""One writer per directory, whoever dies, sleeps or comes late: real processes, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import Engine, create_engine, select, update
from sqlalchemy.pool import NullPool

from attending import attended
from reconciler.store.errors import LockedError, LockLostError, StoreError
from reconciler.store.lock import Lock, holder_of
from reconciler.store.records import Actor, LockHolder
from reconciler.store.tables import locks, metadata

ACME = "https://acme.example.com/scim/v2"
LONG = timedelta(minutes=5)


@pytest.fixture
def url(store_location: str | None, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if store_location is not None:
        url = store_location.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url, poolclass=NullPool)
    yield engine
    engine.dispose()


class Process:
    """A contender in a process of its own."""

    def __init__(self, url: str, tmp_path: Path, *, lease: float = 300, wait: float = 0, enter: int = 0) -> None:
        orders = {
            "url": url,
            "directory": ACME,
            "run_id": "run-other",
            "lease": lease,
            "wait": wait,
            "enter": enter,
            "room": str(tmp_path / "room"),
        }
        self._life = ExitStack()
        self._process = self._life.enter_context(
            attended([json.dumps(orders)], os.environ, program="lock_contender", talks=True)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._life.close()

    def ask(self, question: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self.hear()

    def hear(self) -> str:
        return self._process.stdout.readline().strip()

    def send(self, number: signal.Signals) -> None:
        self._process.signal(number)

    def end(self) -> int:
        return self._process.wait()


def lock(engine: Engine, directory: str = ACME, **options: Any) -> Lock:
    settings: dict[str, Any] = {"run_id": "run-1", "lease": LONG} | options
    return Lock(engine, directory, "acme", actor=Actor(user="ada", host="laptop", pid=7), **settings)


def check(lock: Lock, engine: Engine) -> None:
    with engine.begin() as connection:
        lock.check(connection)


def expire(engine: Engine) -> None:
    """Let the lease be over, as it is when its holder has not been heard of for its whole length."""
    with engine.begin() as connection:
        connection.execute(update(locks).values(expires="2001-01-01T00:00:00.000000Z"))


def expiry(engine: Engine) -> str:
    with engine.connect() as connection:
        text: str = connection.execute(select(locks.c.expires)).scalar_one()
    return text


def test_whoever_holds_it_may_write(engine: Engine) -> None:
    with lock(engine) as mine:
        assert mine.held
        check(mine, engine)
    assert not mine.held
    with pytest.raises(LockLostError):
        check(mine, engine)


def test_a_second_one_is_told_who_holds_it_and_since_when(engine: Engine) -> None:
    with lock(engine, run_id="run-first"), pytest.raises(LockedError) as raised, lock(engine):
        pass
    holder = raised.value.holder
    assert (holder.run_id, holder.user, holder.host, holder.pid) == ("run-first", "ada", "laptop", 7)
    assert holder.expires - holder.since == LONG
    assert abs(holder.since - datetime.now(UTC)) < timedelta(minutes=1)
    assert "acme is locked by run run-first (ada on laptop, process 7) since" in str(raised.value)


def test_who_holds_it_can_be_asked(engine: Engine) -> None:
    with engine.connect() as connection:
        assert holder_of(connection, ACME) is None
    with lock(engine, run_id="run-first"), engine.connect() as connection:
        holder = holder_of(connection, ACME)
        assert holder is not None
        assert holder.run_id == "run-first"
    with engine.connect() as connection:
        assert holder_of(connection, ACME) is None


def test_another_directory_is_not_disturbed(engine: Engine) -> None:
    with lock(engine) as acme, lock(engine, "https://other.example.com/scim/v2") as other:
        assert acme.held
        assert other.held


def test_every_holder_has_a_higher_token(engine: Engine) -> None:
    tokens = []
    for _ in range(3):
        with lock(engine) as mine:
            tokens.append(mine.token)
    assert tokens == [1, 2, 3]


def test_who_waits_gets_it_when_it_is_given_back(engine: Engine) -> None:
    told: list[LockHolder] = []
    with ExitStack() as stack:
        stack.enter_context(lock(engine, run_id="run-first"))

        def on_wait(holder: LockHolder) -> None:
            told.append(holder)
            threading.Thread(target=stack.close).start()

        with lock(engine, wait=timedelta(seconds=60), on_wait=on_wait) as mine:
            assert mine.held
    assert [holder.run_id for holder in told] == ["run-first"]


def test_an_expired_lock_is_taken_over_and_its_old_holder_can_record_nothing_more(engine: Engine) -> None:
    with lock(engine, run_id="run-old") as old:
        expire(engine)
        with lock(engine, run_id="run-new") as new:
            assert new.token == old.token + 1
            check(new, engine)
            with pytest.raises(LockLostError):
                check(old, engine)


def test_an_old_holder_never_gives_back_the_lock_of_the_new_one(engine: Engine) -> None:
    with ExitStack() as stack:
        stack.enter_context(lock(engine))
        expire(engine)
        with lock(engine) as new:
            stack.close()
            check(new, engine)


def test_a_lease_is_renewed_as_long_as_it_is_held(engine: Engine) -> None:
    with lock(engine, lease=timedelta(seconds=0.6)) as mine:
        first, pause = expiry(engine), threading.Event()
        while expiry(engine) == first:
            pause.wait(0.05)
        check(mine, engine)


def test_the_loss_of_the_lock_is_noticed_by_the_next_renewal(engine: Engine) -> None:
    with lock(engine, lease=timedelta(seconds=3)) as mine:
        with engine.begin() as connection:
            connection.execute(update(locks).values(token=locks.c.token + 1))
        pause = threading.Event()
        while mine.held:
            pause.wait(0.05)
        with pytest.raises(LockLostError):
            check(mine, engine)


def test_a_store_that_goes_away_ends_the_right_to_write_with_the_lease(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'store.db'}", poolclass=NullPool)
    metadata.create_all(engine)
    with lock(engine, lease=timedelta(seconds=1)) as mine:
        (tmp_path / "store.db").unlink()
        pause = threading.Event()
        while mine.held:
            pause.wait(0.05)


def test_a_store_without_tables_is_a_clear_error(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.db'}", poolclass=NullPool)
    with pytest.raises(StoreError, match="the lock on acme cannot be taken: no such table"), lock(engine):
        pass


def test_texts_that_no_database_takes_do_not_keep_anybody_from_working(engine: Engine) -> None:
    actor = Actor(user="a\x00b", host="\udcff", pid=1)
    with Lock(engine, ACME, "n\x00", run_id="run-1", actor=actor, lease=LONG) as mine:
        assert mine.held


def test_a_killed_holder_is_succeeded_after_its_lease(url: str, engine: Engine, tmp_path: Path) -> None:
    with Process(url, tmp_path) as process:
        assert process.hear() == "taken 1"
        process.send(signal.SIGKILL)
        process.end()
        with pytest.raises(LockedError), lock(engine):
            pass
        expire(engine)
        with lock(engine) as mine:
            assert mine.token == 2


def test_a_holder_that_was_suspended_for_too_long_finds_the_lock_lost(url: str, engine: Engine, tmp_path: Path) -> None:
    with Process(url, tmp_path, lease=1) as process:
        assert process.hear() == "taken 1"
        process.send(signal.SIGSTOP)
        with lock(engine, wait=timedelta(seconds=60)) as mine:
            process.send(signal.SIGCONT)
            answer = process.ask("held?")
            assert answer.startswith("not held lost: the lock on the directory was lost: its lease ended at ")
            check(mine, engine)


@pytest.mark.slow
def test_of_ten_contenders_one_is_inside_at_a_time(url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(url, tmp_path, wait=120, enter=3)) for _ in range(10)]
        tokens = [process.hear() for process in processes]
        # Whoever met another one inside ended with an error.
        assert [process.end() for process in processes] == [0] * 10
    assert sorted(tokens) == sorted(f"taken {number}" for number in range(1, 11))

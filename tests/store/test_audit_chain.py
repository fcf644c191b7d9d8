"""Whatever is changed in the audit behind the program's back is found, and told in words."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.pool import NullPool

from audit_samples import disarm
from reconciler.store.audit import FIRST, Entry, append, link
from reconciler.store.audit_verification import Verification, verify
from reconciler.store.tables import audit, audit_heads, metadata

ACME = "https://acme.example.com/scim/v2"
After = Callable[[Callable[[Path], None]], Verification]
OTHER = "https://other.example.com/scim/v2"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def entry(number: int) -> Entry:
    kind, name = ("User", f"user{number}@example.com") if number % 3 else ("Group", f"team-{number}")
    return Entry(
        type="step",
        at=NOON + timedelta(seconds=number),
        body={
            "action": "update",
            "resource": {"kind": kind, "address": f"{kind.lower()}:{name}", "name": name},
            "who": {"user": "deploy", "host": "ci-1"},
            "changes": [{"path": "displayName", "before": "Zoë \x00 \ud800", "after": None}],
        },
    )


def fill(engine: Engine, *, run: str = "run-1") -> None:
    for directory in (ACME, OTHER):
        for batch in range(0, 12, 4):
            with engine.begin() as connection:
                append(connection, directory, run, [entry(batch + number) for number in range(1, 5)])


def verified(engine: Engine, **options: Any) -> Verification:
    with engine.connect() as connection:
        return verify(connection, **options)


def open_file(file: Path) -> Engine:
    return create_engine(f"sqlite:///{file}", poolclass=NullPool)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store with two audits of twelve events."""
    file = tmp_path_factory.mktemp("sound") / "store.db"
    engine = open_file(file)
    metadata.create_all(engine)
    fill(engine)
    with engine.begin() as connection:
        disarm(connection)
    return file.read_bytes()


@pytest.fixture
def file(sound: bytes, tmp_path: Path) -> Path:
    file = tmp_path / "store.db"
    file.write_bytes(sound)
    return file


@pytest.fixture
def engine(file: Path) -> Engine:
    return open_file(file)


@pytest.fixture(scope="module")
def after(sound: bytes, tmp_path_factory: pytest.TempPathFactory) -> After:
    """Verify a copy of a sound audit after it was changed."""
    file = tmp_path_factory.mktemp("changed") / "store.db"

    def verify_after(change: Callable[[Path], None]) -> Verification:
        file.write_bytes(sound)
        change(file)
        return verified(open_file(file))

    return verify_after


def tamper(file: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute(statement, values).rowcount != 0


def test_an_untouched_audit_is_intact(engine: Engine) -> None:
    found = verified(engine)
    assert (found.intact, found.events) == (True, 24)
    assert {chain.directory: chain.events for chain in found.chains} == {ACME: 12, OTHER: 12}


def test_an_audit_without_events_is_intact(tmp_path: Path) -> None:
    engine = open_file(tmp_path / "empty.db")
    metadata.create_all(engine)
    assert verified(engine).intact
    assert verified(engine, head=FIRST).intact


def test_the_hash_can_be_computed_from_what_the_document_says(engine: Engine) -> None:
    with engine.connect() as connection:
        row = connection.execute(select(audit).where(audit.c.seq == 1)).first()
    assert row is not None
    fields = [1, row.directory, row.run_id, row.at, "step", json.loads(row.body), "0" * 64]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert row.hash == hashlib.sha256(text.encode()).hexdigest()


STORIES: dict[str, tuple[str, str]] = {
    "a body": ("UPDATE audit SET body = replace(body, 'deploy', 'mallory') WHERE seq = 5", "event 5 is altered"),
    "a blank in a body": ("UPDATE audit SET body = body || ' ' WHERE seq = 5", "event 5 is altered"),
    "a time": ("UPDATE audit SET at = replace(at, '2026', '2025') WHERE seq = 5", "event 5 is altered"),
    "a column for queries": (
        "UPDATE audit SET user = 'user:nobody@example.com' WHERE seq = 5",
        "event 5 is altered: its column 'user' does not say what the event says",
    ),
    "one row": ("DELETE FROM audit WHERE seq = 5", "missing: event 5"),
    "rows": ("DELETE FROM audit WHERE seq BETWEEN 5 AND 7", "missing: events 5 to 7"),
    "the first row": ("DELETE FROM audit WHERE seq = 1", "missing: event 1"),
    "the last rows": ("DELETE FROM audit WHERE seq > 10", "the end is missing: events 11 to 12"),
    "all rows": ("DELETE FROM audit", "the end is missing: events 1 to 12"),
    "a number": ("UPDATE audit SET seq = -1 WHERE seq = 1", "there is an event with the number -1"),
    "a number made a text": ("UPDATE audit SET seq = 'x' WHERE seq = 12", "its seq is not what it can be"),
    "a body made bytes": ("UPDATE audit SET body = CAST(body AS BLOB) WHERE seq = 5", "its body is not what it can be"),
    "text that is not UTF-8": (
        "UPDATE audit SET body = CAST(x'7bff7d' AS TEXT) WHERE seq = 5",
        "event 5 is altered",
    ),
    "the record of the end": ("UPDATE audit_heads SET seq = 11", "it says 11, there are 12"),
    "the hash of the end": (
        "UPDATE audit_heads SET hash = lower(hex(randomblob(32)))",
        "record of the last event is alt",
    ),
    "no record of the end": ("DELETE FROM audit_heads", "the record of the last event is missing"),
    "a row and its record": (
        "UPDATE audit SET hash = upper(hash) WHERE seq = 12",
        "event 12 is altered",
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_what_was_tampered_with_is_named(story: str, engine: Engine, file: Path) -> None:
    statement, message = STORIES[story]
    tamper(file, statement)
    found = verified(engine, directory=ACME)
    (chain,) = found.chains
    assert message in (chain.problem or "")
    assert not found.intact


def test_events_up_to_the_first_bad_one_still_count(engine: Engine, file: Path) -> None:
    tamper(file, "UPDATE audit SET type = 'run_ended' WHERE seq = 5 AND directory = ?", ACME)
    acme, other = verified(engine).chains
    assert (acme.events, acme.problem) == (4, "event 5 is altered")
    assert (other.events, other.problem) == (12, None)


def test_two_rows_that_change_places_are_found(engine: Engine, file: Path) -> None:
    tamper(file, "UPDATE audit SET seq = -seq WHERE seq IN (5, 6)")
    tamper(file, "UPDATE audit SET seq = 11 + seq WHERE seq < 0")
    assert verified(engine).chains[0].problem == "event 5 is altered"


def test_a_chain_made_anew_is_found_by_a_hash_that_was_kept_elsewhere(engine: Engine, file: Path) -> None:
    kept = verified(engine, directory=ACME).chains[0].head
    assert verified(engine, head=kept).intact
    with engine.begin() as connection:
        append(connection, ACME, "run-2", [entry(13)])
    assert verified(engine, head=kept).intact

    tamper(file, "DELETE FROM audit")
    tamper(file, "DELETE FROM audit_heads")
    fill(engine, run="run-7")
    assert verified(engine).intact  # nothing in the store can tell
    again = verified(engine, head=kept)
    assert not again.intact
    assert again.head_problem == f"the hash {kept} is not in the audit: it was rewritten, or cut off before it"


def test_a_body_that_is_not_ours_is_told_and_no_crash(engine: Engine, file: Path) -> None:
    with engine.begin() as connection:
        append(connection, ACME, "run-2", [Entry(type="step", at=NOON, body={"who": {"user": "x"}})])
    for body in ("[]", "{", '{"resource":7}', "[" * 100_000):
        row = {"seq": 13, "directory": ACME, "run_id": "run-2", "at": "", "type": "step", "body": body}
        with engine.connect() as connection:
            row["previous"] = connection.execute(
                select(audit.c.hash).where(audit.c.seq == 12, audit.c.directory == ACME)
            ).scalar_one()
        forged = link(row)
        tamper(file, "UPDATE audit SET at = '', body = ?, hash = ? WHERE seq = 13", body, forged)
        tamper(file, "UPDATE audit_heads SET hash = ? WHERE directory = ?", forged, ACME)
        assert verified(engine, directory=ACME).chains[0].problem == "event 13 is none that this program writes"


COLUMNS = [("audit", column.name) for column in audit.c] + [("audit_heads", column.name) for column in audit_heads.c]


@settings(max_examples=80, deadline=None)
@given(
    place=st.sampled_from(COLUMNS),
    row=st.integers(0, 11),
    byte=st.integers(0, 10_000),
    mask=st.integers(1, 255),
)
def test_any_changed_byte_of_any_column_is_found(
    place: tuple[str, str], row: int, byte: int, mask: int, after: After
) -> None:
    found = after(lambda file: _flip(file, place, row, byte, mask))
    assert not found.intact


@settings(max_examples=30, deadline=None)
@given(rows=st.sets(st.integers(1, 12), min_size=1))
def test_any_missing_rows_are_found(rows: set[int], after: After) -> None:
    numbers = ",".join(map(str, rows))
    found = after(lambda file: tamper(file, f"DELETE FROM audit WHERE seq IN ({numbers})"))  # noqa: S608
    assert not found.intact


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(1, 13)))
def test_any_other_order_is_found(order: list[int], after: After) -> None:
    def reorder(file: Path) -> None:
        tamper(file, "UPDATE audit SET seq = -seq")
        for old, new in enumerate(order, 1):
            tamper(file, "UPDATE audit SET seq = ? WHERE seq = ?", new, -old)

    found = after(reorder)
    assert found.intact == (order == sorted(order))


def _flip(file: Path, place: tuple[str, str], row: int, byte: int, mask: int) -> None:
    """Change one byte of one value, whatever type it then has: SQLite takes anything."""
    table, column = place
    with closing(sqlite3.connect(file)) as connection, connection:
        rows = connection.execute(f'SELECT rowid, CAST("{column}" AS BLOB) FROM {table} ORDER BY rowid').fetchall()  # noqa: S608
        rowid, value = rows[row % len(rows)]
        data = bytearray(value or b"\0")
        data[byte % len(data)] ^= mask
        update = f'UPDATE {table} SET "{column}" = CAST(? AS TEXT) WHERE rowid = ?'  # noqa: S608
        try:
            connection.execute(update, (bytes(data), rowid))
        except sqlite3.IntegrityError:
            reject()  # the database itself refuses two rows with one number

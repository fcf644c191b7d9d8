"""Whether the audit is whole and unaltered, and if not, where and how."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select

from reconciler.store.audit import FIRST, index, link
from reconciler.store.records import RunStatus
from reconciler.store.tables import audit, audit_heads, runs

_AT_ONCE: Final = 1000
"""Rows in memory at a time."""
_COLUMNS: Final = tuple(column.name for column in audit.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What was found out about the audit of one directory.

    Attributes:
        directory: the SCIM endpoint.
        events: how many events from the first on are as they were written.
        head: the hash of the last of them.
        problem: what is wrong behind it, in a sentence; ``None`` where nothing is.
    """

    directory: str
    events: int
    head: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found out about the audit.

    Attributes:
        chains: one per directory.
        head_problem: what is wrong with the hash that was kept elsewhere; ``None`` where it was found or none given.
    """

    chains: tuple[Chain, ...]
    head_problem: str | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.head_problem is None and all(chain.problem is None for chain in self.chains)

    @property
    def events(self) -> int:
        """How many events are as they were written."""
        return sum(chain.events for chain in self.chains)


def verify(connection: Connection, *, directory: str | None = None, head: str | None = None) -> Verification:
    """Walk over every event in order and prove it: its place, its hash, and what its columns for queries say.

    The runs of the store must be told of, too: who cuts off the last events, and alters the record of the last one to
    fit, leaves them behind.

    Args:
        connection: to the store.
        directory: the SCIM endpoint; all if ``None``.
        head: a hash that was the last one at some time, kept where the store's owner cannot change it. Whoever can
            write to the store can make a new chain that is whole; that this hash is not in it gives him away.
    """
    walk = _Walk(head)
    with _undecodable_text(connection):
        chains = [
            walk.along(name, rows) for name, rows in groupby(_rows(connection, directory), attrgetter("directory"))
        ]
        chains += [
            Chain(directory=_shown(name), events=0, head=FIRST, problem=_range("the end is missing: event", 1, seq))
            for name, seq in _heads_without_events(connection, directory)
        ]
    # Only where nothing else is wrong: then it is the most that can be said.
    untold = dict(_untold_runs(connection, directory))
    chains = [replace(one, problem=one.problem or untold.pop(one.directory, None)) for one in chains]
    chains += [Chain(directory=name, events=0, head=FIRST, problem=problem) for name, problem in untold.items()]
    unknown = head is not None and not walk.met
    return Verification(
        chains=tuple(chains),
        head_problem=f"the hash {head} is not in the audit: it was rewritten, or cut off before it"
        if unknown
        else None,
    )


class _Walk:
    """Goes along chains, and looks out for one hash.

    Attributes:
        met: whether it was found.
    """

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self.met = wanted == FIRST

    def along(self, directory: Any, rows: Iterator[Row[Any]]) -> Chain:
        """Prove the events of one directory up to the first that is wrong."""
        seq, previous, problem = 0, FIRST, None
        head: tuple[Any, Any] = (None, None)
        for row in rows:
            head = (row.head_seq, row.head_hash)
            problem = _wrong(row, seq + 1, previous)
            if problem:
                break
            seq, previous = row.seq, row.hash
            self.met = self.met or previous == self._wanted
        else:
            problem = _wrong_head(head, seq, previous)
        return Chain(directory=_shown(directory), events=seq, head=previous, problem=problem)


def _wrong(row: Row[Any], expected: int, previous: str) -> str | None:
    """Return what is wrong with an event that should have this number and follow this hash, or ``None``."""
    fields: dict[str, Any] = row._asdict()
    strange = [name for name in _COLUMNS if type(fields[name]) is not (int if name == "seq" else str)]
    if strange:
        return f"event {expected} is altered: its {strange[0]} is not what it can be"
    if row.seq > expected:
        return _range("missing: event", expected, row.seq - 1)
    if row.seq < expected:
        return f"there is an event with the number {row.seq}, and numbers begin with 1"
    if row.previous != previous or row.hash != link(fields):
        return f"event {row.seq} is altered"
    written = _indexed(row.body)
    if written is None:
        return f"event {row.seq} is none that this program writes"
    wrong = [name for name, value in written.items() if fields[name] != value]
    return f"event {row.seq} is altered: its column {wrong[0]!r} does not say what the event says" if wrong else None


def _indexed(body: str) -> dict[str, str] | None:
    """Return what the columns for queries must say, or ``None`` for a body that somebody else made up."""
    try:
        return index(json.loads(body))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _wrong_head(head: tuple[Any, Any], seq: int, last: str) -> str | None:
    """Return what is wrong with the record of the last event, which each new event moves on, or ``None``."""
    match head:
        case (None, _):
            return "the record of the last event is missing"
        case (int() as claimed, _) if claimed > seq:
            return _range("the end is missing: event", seq + 1, claimed)
        case (int() as claimed, _) if claimed < seq:
            return f"the record of the last event is altered, or events were added: it says {claimed}, there are {seq}"
        case (int(), str() as digest) if digest == last:
            return None
    return "the record of the last event is altered"


def _range(what: str, first: int, last: int) -> str:
    return f"{what} {first}" if first == last else f"{what}s {first} to {last}"


def _rows(connection: Connection, directory: str | None) -> Iterator[Row[Any]]:
    # The record of the last event comes with each event, from one look at the store: a run may append meanwhile.
    heads = audit.outerjoin(audit_heads, audit.c.directory == audit_heads.c.directory)
    query = (
        select(audit, audit_heads.c.seq.label("head_seq"), audit_heads.c.hash.label("head_hash"))
        .select_from(heads)
        .order_by(audit.c.directory, audit.c.seq)
    )
    if directory is not None:
        query = query.where(audit.c.directory == directory)
    with connection.execute(query, execution_options={"stream_results": True, "yield_per": _AT_ONCE}) as rows:
        yield from rows


def _heads_without_events(connection: Connection, directory: str | None) -> list[tuple[Any, int]]:
    events = select(audit.c.seq).where(audit.c.directory == audit_heads.c.directory).exists()
    query = select(audit_heads.c.directory, audit_heads.c.seq).where(audit_heads.c.seq != 0, ~events)
    if directory is not None:
        query = query.where(audit_heads.c.directory == directory)
    return [(row.directory, row.seq) for row in connection.execute(query)]


def _untold_runs(connection: Connection, directory: str | None) -> Iterator[tuple[str, str]]:
    """Yield the directories, each once, of whose runs the audit does not tell the start, with that plan, or the end."""

    def told(type_: str, *also: ColumnElement[bool]) -> ColumnElement[bool]:
        return select(audit.c.seq).where(audit.c.run_id == runs.c.id, audit.c.type == type_, *also).exists()

    ended = runs.c.status.in_([status.value for status in (RunStatus.COMPLETE, RunStatus.PARTLY, RunStatus.STOPPED)])
    begun = told("run_started", audit.c.body.contains(runs.c.plan_digest, autoescape=False))
    missing = ~begun | (ended & ~told("run_ended"))
    query = select(runs.c.directory, func.min(runs.c.id)).where(missing).group_by(runs.c.directory)
    if directory is not None:
        query = query.where(runs.c.directory == directory)
    for name, run_id in connection.execute(query):
        yield (
            _shown(name),
            f"run {run_id} is in the store, and the audit does not tell of it as it is recorded there: "
            "events were taken out, or its record was altered",
        )


@contextmanager
def _undecodable_text(connection: Connection) -> Iterator[None]:
    """Let SQLite give text that is not UTF-8, so that it is told as altered where it stands; others cannot hold any."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    usual = driver.text_factory
    driver.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = usual


def _shown(directory: Any) -> str:
    return directory if isinstance(directory, str) else repr(directory)

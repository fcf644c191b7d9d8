"""The audit: what was done to a directory, one event after the other, each sealed with the hash of the one before.

The hash of an event is SHA-256 over the canonical JSON of ``[seq, directory, run_id, at, type, body, previous]``: keys
sorted, no white space, everything beyond ASCII escaped. Nothing is ever changed or taken out; who does so all the same
cannot make the hashes fit again without rewriting everything that came later, and then the last hash, which a person
has kept elsewhere, is not in the chain any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.store.moments import stamp
from reconciler.store.tables import audit, audit_heads

FIRST: Final = "0" * 64
"""What the first event has for the hash of the event before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an event says, before it has its place in the chain.

    Attributes:
        type: ``run_started``, ``step``, ``run_ended``.
        at: when it happened.
        body: everything else, as JSON; see ``docs/audit.md``.
    """

    type: str
    at: datetime
    body: Mapping[str, Any]


def append(connection: Connection, directory: str, run_id: str, entries: Iterable[Entry]) -> str:
    """Append events to the chain of a directory, in the caller's transaction.

    Args:
        connection: inside a transaction that may write.
        directory: the SCIM endpoint.
        run_id: the run that they are about.
        entries: what they say, in order.

    Returns:
        The hash of the last event of the chain.
    """
    seq, head = _locked_head(connection, directory)
    rows: list[dict[str, Any]] = []
    for entry in entries:
        seq += 1
        row = {
            "directory": directory,
            "seq": seq,
            "run_id": run_id,
            "at": stamp(entry.at),
            "type": entry.type,
            "body": canonical(entry.body),
            "previous": head,
        }
        head = link(row)
        rows.append({**row, **index(entry.body), "hash": head})
    if rows:
        connection.execute(insert(audit), rows)
        connection.execute(update(audit_heads).where(audit_heads.c.directory == directory).values(seq=seq, hash=head))
    return head


def canonical(value: Any) -> str:
    """Return the canonical JSON of a value: keys sorted, no white space, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def link(row: Mapping[str, Any]) -> str:
    """Return the hash of an event, in hexadecimal digits.

    Args:
        row: its row in the table; ``body`` is canonical JSON.
    """
    # The body is put in as it is stored, so that not even a blank in it can be changed without a trace.
    head = canonical([row[name] for name in ("seq", "directory", "run_id", "at", "type")])[:-1]
    text = f"{head},{row['body']},{canonical(row['previous'])}]"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def index(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a body has a column of its own for queries: ``user``, ``group``, ``actor`` and ``action``.

    Names are in the form in which SCIM compares them.
    """
    resource, who = body.get("resource") or {}, body.get("who") or {}
    address = storable(fold(resource.get("address", "")))
    return {
        "user": address if resource.get("kind") == Kind.USER else "",
        "group": address if resource.get("kind") == Kind.GROUP else "",
        "actor": storable(fold(who.get("ci_actor") or who.get("user") or "")),
        "action": storable(body.get("action") or ""),
    }


def storable(text: str) -> str:
    """Return a text that every database takes: NUL and lone surrogates, which are in no text of PostgreSQL, escaped."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _locked_head(connection: Connection, directory: str) -> tuple[int, str]:
    """Return number and hash of the last event, and keep everybody else from appending until the transaction ends."""
    head = select(audit_heads.c.seq, audit_heads.c.hash).where(audit_heads.c.directory == directory).with_for_update()
    row = connection.execute(head).first()
    if row is None:
        insert_ = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        first = insert_(audit_heads).values(directory=directory, seq=0, hash=FIRST).on_conflict_do_nothing()
        connection.execute(first)
        row = connection.execute(head).one()
    return row.seq, row.hash

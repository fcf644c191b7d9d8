"""The audit in the forms that other tools read: JSON Lines, CSV, and the schemas of two worlds of log analysis.

Each is a stream of lines, of which one is in memory at a time.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from reconciler.rendering.escape import safe
from reconciler.store.audit import canonical
from reconciler.store.audit_body import read_body
from reconciler.store.audit_ecs import ecs
from reconciler.store.audit_ocsf import ocsf
from reconciler.store.moments import stamp
from reconciler.store.records import AuditEvent


class Format(StrEnum):
    """What an export can look like."""

    JSONL = "jsonl"
    """Every event as the store has it, one per line: what the hashes are about."""
    CSV = "csv"
    """A table for a spreadsheet, one row per event."""
    ECS = "ecs"
    """Elastic Common Schema, JSON Lines: one document per user or group that something happened to."""
    OCSF = "ocsf"
    """Open Cybersecurity Schema Framework, JSON Lines, likewise."""


def export(events: Iterable[AuditEvent], form: Format) -> Iterator[str]:
    r"""Yield an export, line by line with their ends.

    JSON is ASCII. In CSV, everything that a terminal or a spreadsheet could take for a command is escaped: control
    characters as ``\x1b``, and a cell that begins as a formula does gets an apostrophe before it.

    Args:
        events: what to export.
        form: what it is to look like.

    Raises:
        StoreError: an event is nothing that this program writes.
    """
    return _WRITERS[form](events)


def event_document(event: AuditEvent) -> dict[str, Any]:
    """Return an event as JSON: the fields of its row, from which its hash can be computed again."""
    return {
        "seq": event.seq,
        "directory": event.directory,
        "run_id": event.run_id,
        "at": stamp(event.at),
        "type": event.type,
        "body": event.body,
        "previous": event.previous,
        "hash": event.hash,
    }


def _jsonl(events: Iterable[AuditEvent]) -> Iterator[str]:
    return (_line(event_document(event)) for event in events)


def _ecs(events: Iterable[AuditEvent]) -> Iterator[str]:
    return (_line(document) for event in events for document in ecs(event))


def _ocsf(events: Iterable[AuditEvent]) -> Iterator[str]:
    return (_line(document) for event in events for document in ocsf(event))


def _line(document: Mapping[str, Any]) -> str:
    # DEL is ASCII and printable to nobody.
    return json.dumps(document, separators=(",", ":")).replace("\x7f", "\\u007f") + "\n"


class _Line:
    """Gives back what the csv module writes: ``writerow`` returns what ``write`` does."""

    def write(self, text: str) -> str:
        """Return the line."""
        return text


def _csv(events: Iterable[AuditEvent]) -> Iterator[str]:
    # RFC 4180, with every text in quotes: programs differ in what they take for a separator.
    writer = csv.writer(_Line(), quoting=csv.QUOTE_NONNUMERIC)
    yield writer.writerow(_COLUMNS)
    for event in events:
        row = _row(event)
        yield writer.writerow([_cell(row.get(column)) for column in _COLUMNS])


_COLUMNS: Final = (
    "seq",
    "at",
    "directory",
    "run_id",
    "type",
    "action",
    "resource",
    "id",
    "status",
    "message",
    "http_status",
    "request_id",
    "actor",
    "user",
    "host",
    "ci_job",
    "commit",
    "author",
    "reason",
    "run_reason",
    "note",
    "ticket",
    "origin",
    "changes",
    "members",
    "hash",
)


def _row(event: AuditEvent) -> dict[str, Any]:
    body = read_body(event)
    who, why, resource, result = body.who, body.why, body.resource, body.result
    return {
        "seq": event.seq,
        "at": stamp(event.at),
        "directory": event.directory,
        "run_id": event.run_id,
        "type": event.type,
        "action": body.action,
        "resource": resource.address if resource else None,
        "id": resource.id if resource else None,
        "status": result.status if result else None,
        "message": result.message if result else None,
        "http_status": result.http_status if result else None,
        "request_id": result.request_id if result else None,
        "actor": who.name,
        "user": who.user,
        "host": who.host,
        "ci_job": who.ci_job,
        "commit": who.commit,
        "author": who.author,
        "reason": why.reason,
        "run_reason": why.run_reason,
        "note": why.note,
        "ticket": why.ticket,
        "origin": why.origin,
        "changes": canonical(event.body["changes"]) if body.changes else None,
        "members": canonical(event.body["members"]) if body.members else None,
        "hash": event.hash,
    }


def _cell(value: Any) -> str | int:
    if isinstance(value, int):
        return value
    text = safe(value or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""How a cell begins that spreadsheets take for a formula, the full-width forms too.

See https://owasp.org/www-community/attacks/CSV_Injection; the control characters named there are escaped anyway.
"""

_WRITERS: Final[Mapping[Format, Callable[[Iterable[AuditEvent]], Iterator[str]]]] = {
    Format.JSONL: _jsonl,
    Format.CSV: _csv,
    Format.ECS: _ecs,
    Format.OCSF: _ocsf,
}

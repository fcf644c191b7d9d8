"""The baseline of drift: differences between directory and files that a person has accepted.

A difference is accepted by its key and by what the directory held then, so that it is told again when that changes.
Who accepted what, when and why is in the audit too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from reconciler.planning.drift import Item
from reconciler.store import audit
from reconciler.store.audit import Entry, storable
from reconciler.store.audit_entries import who
from reconciler.store.moments import read_stamp, stamp
from reconciler.store.records import AcceptedDrift, Actor
from reconciler.store.tables import accepted_drift


def read(connection: Connection, directory: str) -> tuple[AcceptedDrift, ...]:
    """Return what is accepted of a directory, sorted by key."""
    columns = accepted_drift.c
    query = select(columns.key, columns.value, columns.at, columns.reason).where(columns.directory == directory)
    return tuple(
        AcceptedDrift(key=key, value=value, at=read_stamp(at), reason=reason)
        for key, value, at, reason in connection.execute(query.order_by(columns.key))
    )


def accept(
    connection: Connection,
    directory: str,
    run_id: str,
    items: Iterable[Item],
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Accept differences as they are now, also in place of what was accepted of them before.

    Args:
        connection: in a transaction that may write.
        directory: the SCIM endpoint.
        run_id: by which the audit calls this.
        items: the differences.
        reason: why.
        actor: who accepts them.
        now: when.
    """
    chosen = list(items)
    _delete(connection, directory, [item.key for item in chosen])
    rows = [
        {
            "directory": directory,
            "key": storable(item.key),
            "value": item.value,
            "at": stamp(now),
            "reason": storable(reason),
        }
        for item in chosen
    ]
    if rows:
        connection.execute(insert(accepted_drift), rows)
    told = [_accepted(item, reason, actor, now) for item in chosen]
    audit.append(connection, directory, run_id, told)


def forget(
    connection: Connection,
    directory: str,
    run_id: str,
    keys: Collection[str],
    *,
    reason: str | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Take back that differences are accepted, by their keys; the other arguments are those of :func:`accept`."""
    _delete(connection, directory, keys)
    told = [Entry(type="drift_forgotten", at=now, body=_forgotten(key, reason, actor)) for key in sorted(keys)]
    audit.append(connection, directory, run_id, told)


def _delete(connection: Connection, directory: str, keys: Collection[str]) -> None:
    for key in keys:
        mine = accepted_drift.c.directory == directory, accepted_drift.c.key == storable(key)
        connection.execute(delete(accepted_drift).where(*mine))


def _accepted(item: Item, reason: str, actor: Actor, now: datetime) -> Entry:
    """Return what the audit says: what was accepted by its key, never its value, which may be a secret."""
    resource = {"kind": item.kind.value, "address": item.address, "name": item.name}
    body: Mapping[str, Any] = {
        "action": "accept_drift",
        "resource": resource if item.resource_id is None else resource | {"id": item.resource_id},
        "value": item.value,
        "who": who(actor),
        "why": {"reason": reason, "note": item.key},
    }
    return Entry(type="drift_accepted", at=now, body=body)


def _forgotten(key: str, reason: str | None, actor: Actor) -> Mapping[str, Any]:
    why = {"note": key} if reason is None else {"reason": reason, "note": key}
    return {"action": "forget_drift", "who": who(actor), "why": why}

"""Reading the audit: every event of a store, or those that a question is about."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Connection, Row, or_, select

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.store.audit import append, canonical, storable
from reconciler.store.audit_body import Body, Who, read_body, unreadable
from reconciler.store.audit_verification import Verification, verify
from reconciler.store.moments import read_stamp, stamp
from reconciler.store.records import AuditEvent
from reconciler.store.tables import audit

if TYPE_CHECKING:
    from reconciler.store.database import Database

_AT_ONCE: Final = 1000
"""Rows in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which events are asked for; those that fit everything that is stated. Names match in any case.

    Attributes:
        directory: the SCIM endpoint.
        run_id: the run.
        user: a userName, an address (``user:ada@example.com``) or an id: events about the user, and about groups that
            the user was added to or removed from.
        group: a displayName, an address or an id, likewise.
        actor: who did it: the user of the operating system, who started the CI job, or the author of the commit.
        action: what was done: ``create``, ``add_members``; or the type of event, ``run_started``.
        since: only events from this moment on.
    """

    directory: str | None = None
    run_id: str | None = None
    user: str | None = None
    group: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None


EVERYTHING: Final = Question()


class AuditTrail:
    """The audit of a store.

    Args:
        database: the open store.
    """

    append = staticmethod(append)

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, question: Question = EVERYTHING) -> Iterator[AuditEvent]:
        """Yield events, directory by directory and in the order of each one's chain, a few in memory at a time.

        Raises:
            StoreError: the store cannot be read, or an event in it cannot.
        """
        with self._database.reading() as connection:
            yield from _events(connection, question, newest_first=False)

    def latest(self, question: Question = EVERYTHING, *, limit: int) -> list[AuditEvent]:
        """Return the last events at most, in the order of time.

        Raises:
            StoreError: the store cannot be read, or an event in it cannot.
        """
        with (
            self._database.reading() as connection,
            closing(_events(connection, question, newest_first=True)) as events,
        ):
            return list(islice(events, limit))[::-1]

    def verify(self, *, directory: str | None = None, head: str | None = None) -> Verification:
        """Prove every event; see :func:`reconciler.store.audit_verification.verify`.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._database.reading() as connection:
            return verify(connection, directory=directory, head=head)


def _events(connection: Connection, question: Question, *, newest_first: bool) -> Generator[AuditEvent]:
    order = (audit.c.at.desc(), audit.c.seq.desc()) if newest_first else (audit.c.directory, audit.c.seq)
    query = select(audit).where(*_conditions(question)).order_by(*order)
    # Closed at once where nobody wants the rest.
    with connection.execute(query, execution_options={"stream_results": True, "yield_per": _AT_ONCE}) as rows:
        for row in rows:
            event = _event(row)
            if _concerns(question, read_body(event)):
                yield event


def _event(row: Row[Any]) -> AuditEvent:
    try:
        body = json.loads(row.body)
        at = read_stamp(row.at)
    except (ValueError, TypeError, RecursionError) as error:
        raise unreadable(row.seq, row.directory) from error
    return AuditEvent(
        seq=row.seq,
        directory=row.directory,
        run_id=row.run_id,
        at=at,
        type=row.type,
        body=body,
        previous=row.previous,
        hash=row.hash,
    )


def _conditions(question: Question) -> Iterator[ColumnElement[bool]]:
    """Yield what the database can tell; of the rest, it finds everything that may fit."""
    if question.directory is not None:
        yield audit.c.directory == question.directory
    if question.run_id is not None:
        yield audit.c.run_id == question.run_id
    if question.since is not None:
        yield audit.c.at >= stamp(question.since)
    if question.action is not None:
        action = storable(question.action)
        yield or_(audit.c.action == action, audit.c.type == action)
    for name in (_name(Kind.USER, question.user), _name(Kind.GROUP, question.group), question.actor):
        # What has one letter case in ASCII may have others beyond it, of which the databases know little.
        if name is not None and name.isascii():
            yield audit.c.body.icontains(canonical(name)[1:-1], autoescape=True)


def _concerns(question: Question, body: Body) -> bool:
    """Tell whether an event is about the user, the group and the actor that are asked for."""
    user, group = _name(Kind.USER, question.user), _name(Kind.GROUP, question.group)
    return (
        (user is None or fold(user) in _names(Kind.USER, body))
        and (group is None or fold(group) in _names(Kind.GROUP, body))
        and (question.actor is None or fold(question.actor) in _actors(body.who))
    )


def _name(kind: Kind, text: str | None) -> str | None:
    return None if text is None else text.removeprefix(f"{kind.lower()}:")


def _names(kind: Kind, body: Body) -> set[str]:
    """Return the folded names and ids of all resources of a kind that an event is about, old names and new ones."""
    named = body.members if body.resource is None else (*body.members, body.resource)
    found = [text for one in named if one.kind is kind for text in (one.name, one.id)]
    if body.resource is not None and body.resource.kind is kind:
        renamed = [change for change in body.changes if change.path == kind.naming_attribute]
        found += [text for change in renamed for text in (change.before, change.after)]
    return {fold(text) for text in found if isinstance(text, str)}


def _actors(who: Who) -> set[str]:
    found = (who.user, who.ci_actor, who.author, *parseaddr(who.author or ""))
    return {fold(text) for text in found if text}

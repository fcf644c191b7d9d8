"""Audit events in the Elastic Common Schema, https://www.elastic.co/docs/reference/ecs.

How user and group fields are used for changes of identities, and that a membership is an event of the user who gets it:
https://www.elastic.co/docs/reference/ecs/ecs-user-usage. What goes beyond the schema is below ``reconciler``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

from reconciler.planning.vocabulary import Action
from reconciler.store.audit_body import Body, Resource
from reconciler.store.audit_subjects import Subject, subjects
from reconciler.store.records import AuditEvent

VERSION: Final = "8.11.0"
_TYPES: Final = {Action.CREATE: "creation", Action.DELETE: "deletion"}
"""Of the allowed values of ``event.type``; every other action is a ``change``."""
_CHANGED: Final = {"userName": "name", "displayName": "full_name"}
"""The fields of ``user.changes``, by SCIM attribute."""


def ecs(event: AuditEvent) -> Iterator[dict[str, Any]]:
    """Yield the documents of an event: one per user or group that it happened to.

    Raises:
        StoreError: the event is nothing that this program writes.
    """
    return map(_document, subjects(event))


def _document(subject: Subject) -> dict[str, Any]:
    event, body = subject.event, subject.body
    who, result = body.who, body.result
    document: dict[str, Any] = {
        "@timestamp": event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ecs": {"version": VERSION},
        "message": subject.message,
        "event": _said(
            kind="event",
            category=["iam"],
            type=_types(subject),
            action=body.action if subject.event.type == "step" else event.type,
            outcome=("success" if result.success else "failure") if result and result.known else "unknown",
            id=subject.uid,
            sequence=event.seq,
            module="reconciler",
            dataset="reconciler.audit",
            provider="reconciler",
            reason=body.why.run_reason or body.why.note or body.why.reason,
        ),
        "user": _said(name=who.name, target=_target(subject), changes=_changes(subject)),
        "related": _said(
            user=sorted({name for name in (who.name, who.user, _name(subject.user)) if name}),
            hosts=[who.host] if who.host else None,
        ),
        "service": _said(type="scim", name=body.directory.get("name"), address=event.directory),
        # Flat, and every value a text: that is what labels can be.
        "labels": _said(run_id=event.run_id, ticket=body.why.ticket, commit=who.commit, ci_job=who.ci_job),
        "reconciler": {"type": event.type, "body": event.body, "previous": event.previous, "hash": event.hash},
    }
    if who.host:
        document["host"] = {"name": who.host, "hostname": who.host}
    if subject.group is not None:
        document["group"] = _said(name=subject.group.name, id=subject.group.id)
    http = _http(body)
    return document | ({"http": http} if http else {})


def _types(subject: Subject) -> list[str]:
    if subject.event.type != "step":
        return ["admin", "info"]
    whose = "user" if subject.user else "group"
    if subject.user is not None and subject.group is not None:
        return [whose, "change"]
    return [whose, next((type_ for action, type_ in _TYPES.items() if action == subject.body.action), "change")]


def _target(subject: Subject) -> dict[str, Any] | None:
    if subject.user is None:
        return None
    group = subject.group
    return _said(
        name=subject.user.name,
        id=subject.user.id,
        group=_said(name=group.name, id=group.id) if group is not None else None,
    )


def _changes(subject: Subject) -> dict[str, Any] | None:
    if subject.user is None or subject.group is not None:
        return None
    return _said(**{_CHANGED[change.path]: change.after for change in subject.body.changes if change.path in _CHANGED})


def _http(body: Body) -> dict[str, Any]:
    if body.result is None:
        return {}
    request, status = body.result.request_id, body.result.http_status
    return _said(
        request={"id": request} if request else None,
        response={"status_code": status} if status else None,
    )


def _name(resource: Resource | None) -> str | None:
    return resource.name if resource else None


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}

"""Audit events in the Open Cybersecurity Schema Framework 1.4.0, https://schema.ocsf.io/1.4.0.

Users are Account Change events (class 3001), groups and memberships Group Management (3006), the start and the end of a
run Application Lifecycle (6002). ``type_uid`` is ``class_uid * 100 + activity_id``; an activity that a class has no
number for is 99 with its name. What the schema has no field for is in ``unmapped``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from reconciler._version import __version__
from reconciler.planning.vocabulary import Action
from reconciler.store.audit_body import Resource
from reconciler.store.audit_subjects import Subject, subjects
from reconciler.store.records import AuditEvent

VERSION: Final = "1.4.0"
_PRODUCT: Final = {"name": "reconciler", "vendor_name": "reconciler", "version": __version__}
_OTHER: Final = 99


class _Class(NamedTuple):
    """An event class and its category."""

    uid: int
    name: str
    category: int
    category_name: str


_IAM: Final = "Identity & Access Management"
_ACCOUNT_CHANGE: Final = _Class(3001, "Account Change", 3, _IAM)
_GROUP_MANAGEMENT: Final = _Class(3006, "Group Management", 3, _IAM)
_LIFECYCLE: Final = _Class(6002, "Application Lifecycle", 6, "Application Activity")

_ACCOUNT: Final = {
    Action.CREATE: (1, "Create"),
    Action.REACTIVATE: (2, "Enable"),
    Action.DEACTIVATE: (5, "Disable"),
    Action.DELETE: (6, "Delete"),
    Action.UPDATE: (_OTHER, "Update"),
}
_MEMBERSHIP: Final = {Action.ADD_MEMBERS: (3, "Add User"), Action.REMOVE_MEMBERS: (4, "Remove User")}
_NESTED: Final = {Action.ADD_MEMBERS: (_OTHER, "Add Group"), Action.REMOVE_MEMBERS: (_OTHER, "Remove Group")}
_GROUP: Final = {Action.DELETE: (5, "Delete"), Action.CREATE: (6, "Create"), Action.UPDATE: (_OTHER, "Update")}
_RUN: Final = {"run_started": (3, "Start"), "run_ended": (4, "Stop")}


def ocsf(event: AuditEvent) -> Iterator[dict[str, Any]]:
    """Yield the documents of an event: one per user or group that it happened to.

    Raises:
        StoreError: the event is nothing that this program writes.
    """
    return map(_document, subjects(event))


def _document(subject: Subject) -> dict[str, Any]:
    event, body = subject.event, subject.body
    result, (class_, activity, activity_name) = body.result, _classified(subject)
    known = result is not None and result.known
    failed = result is not None and known and not result.success
    document: dict[str, Any] = {
        "metadata": {
            "version": VERSION,
            "product": _PRODUCT,
            "profiles": ["host"],
            "uid": subject.uid,
            "sequence": event.seq,
            "correlation_uid": event.run_id,
            "event_code": event.type,
            "log_name": "audit",
        },
        "category_uid": class_.category,
        "category_name": class_.category_name,
        "class_uid": class_.uid,
        "class_name": class_.name,
        "activity_id": activity,
        "activity_name": activity_name,
        "type_uid": class_.uid * 100 + activity,
        "type_name": f"{class_.name}: {activity_name}",
        "time": int(event.at.timestamp() * 1000),
        "severity_id": 2 if failed else 1,
        "severity": "Low" if failed else "Informational",
        "status_id": 0 if not known else 2 if failed else 1,
        "status": "Unknown" if not known else "Failure" if failed else "Success",
        "message": subject.message,
        "actor": {"app_name": "reconciler"},
        "unmapped": {"directory": event.directory, "body": event.body, "previous": event.previous, "hash": event.hash},
    }
    if result is not None and result.http_status is not None:
        document["status_code"] = str(result.http_status)
    if result is not None and result.message:
        document["status_detail"] = result.message
    if body.who.name:
        document["actor"]["user"] = {"name": body.who.name}
    if body.who.host:
        # The type of the machine is required, and nobody knows it.
        document["device"] = {"hostname": body.who.host, "type_id": 0}
    return document | _objects(subject)


def _classified(subject: Subject) -> tuple[_Class, int, str]:
    action = subject.body.action
    if subject.event.type != "step":
        return _LIFECYCLE, *_RUN.get(subject.event.type, (_OTHER, subject.event.type))
    if subject.group is None:
        return _ACCOUNT_CHANGE, *_number(_ACCOUNT, action)
    numbers = _MEMBERSHIP if subject.user else _NESTED if subject.member else _GROUP
    return _GROUP_MANAGEMENT, *_number(numbers, action)


def _number(numbers: dict[Action, tuple[int, str]], action: str) -> tuple[int, str]:
    return next((found for known, found in numbers.items() if known == action), (_OTHER, action))


def _objects(subject: Subject) -> dict[str, Any]:
    """Return the objects that a class is about: required are ``user``, ``group`` or ``app``."""
    if subject.event.type != "step":
        return {"app": _PRODUCT}
    objects: dict[str, Any] = {}
    if subject.user is not None:
        objects["user"] = _entity(subject.user) | {"type_id": 1}
    if subject.group is not None:
        objects["group"] = _entity(subject.group)
    return objects


def _entity(resource: Resource) -> dict[str, Any]:
    return {"name": resource.name} | ({"uid": resource.id} if resource.id else {})

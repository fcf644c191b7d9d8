"""Audits to ask, verify and export: the story of one run, told by the code that tells real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.applying.outcome import Outcome, Status
from reconciler.model import Kind
from reconciler.planning.plan import Action, Change, DirectoryIdentity, Edge, Reason, Step
from reconciler.store.audit import Entry, append
from reconciler.store.audit_entries import RunEntries
from reconciler.store.records import Actor, RunStatus
from sample_plans import HOSTILE, group_step, make_plan, user_step

if TYPE_CHECKING:
    from sqlalchemy import Connection

ACME = "https://scim.example.com/acme"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BOT = Actor(user="runner", host="ci-1", ci="github", ci_actor="deploy-bot", author="Ada Example <ada@example.com>")


def edge(name: str, *, kind: Kind = Kind.USER) -> Edge:
    return Edge(name=name, id=f"id-{name}", kind=kind, reason=Reason.LISTED)


STEPS: tuple[tuple[Step, dict[str, Any]], ...] = (
    (
        user_step(Action.CREATE, "new@example.com", Reason.NOT_IN_DIRECTORY),
        {"http_status": 201, "request_id": "req-1", "resource_id": "id-new"},
    ),
    (
        user_step(
            Action.UPDATE,
            "old@example.com",
            Reason.RENAMED,
            changes=(Change(path="userName", before="old@example.com", after="Grace@example.com", identity=True),),
        ),
        {"http_status": 200},
    ),
    (user_step(Action.REACTIVATE, "back@example.com", Reason.INACTIVE), {"http_status": 200}),
    (
        group_step(Action.CREATE, "team-new", Reason.NOT_IN_DIRECTORY),
        {"http_status": 201, "resource_id": "id-team-new"},
    ),
    (group_step(Action.UPDATE, "team-a", Reason.DIFFERS), {"http_status": 200}),
    (
        group_step(
            Action.ADD_MEMBERS,
            "team-a",
            members=(edge("new@example.com"), edge("ada@example.com"), edge("team-core", kind=Kind.GROUP)),
        ),
        {"http_status": 204},
    ),
    (group_step(Action.REMOVE_MEMBERS, "team-a", members=(edge("leaver@example.com"),)), {"http_status": 204}),
    (user_step(Action.DEACTIVATE, "leaver@example.com", Reason.UNLISTED), {"http_status": 200}),
    (group_step(Action.DELETE, "team-gone", Reason.UNLISTED), {"http_status": 204}),
    (
        user_step(Action.DELETE, "gone@example.com", Reason.UNLISTED),
        {"status": Status.FAILED, "message": "403 Forbidden", "http_status": 403},
    ),
)
"""Every action on every kind, and what came of it; the last one failed."""


def _outcome(step: Step, *, status: Status = Status.APPLIED, **facts: Any) -> Outcome:
    return Outcome(step=step, status=status, requests=1, **facts)


def run_of(*steps: tuple[Step, dict[str, Any]], reason: str | None = "OPS-1234 weekly") -> list[Entry]:
    """The entries of a run: its start, a step every second, its end."""
    identity = DirectoryIdentity(name="acme", base_url=ACME, dialect="generic")
    plan = make_plan(*(step for step, _ in steps), reason=reason, directory=identity)
    entries = RunEntries(plan, command="apply", actor=BOT)
    outcomes = [_outcome(step, **facts) for step, facts in steps]
    end = NOON + timedelta(seconds=len(steps) + 1)
    return [
        entries.started(NOON),
        *(entries.step(outcome, NOON + timedelta(seconds=number)) for number, outcome in enumerate(outcomes, 1)),
        entries.ended(RunStatus.PARTLY, end, counts={"applied": len(steps) - 1, "failed": 1}),
    ]


def record(connection: Connection, *, run_id: str = "run-1", directory: str = ACME, **options: Any) -> str:
    """Append that run to an audit, and return the hash of its last event."""
    return append(connection, directory, run_id, run_of(*STEPS, **options))


def hostile_run() -> list[Entry]:
    """A run whose every text tries to break out of its cell, its line, its layout."""
    changes = (Change(path=HOSTILE, before=HOSTILE, after=[HOSTILE]),)
    step = user_step(Action.UPDATE, HOSTILE, Reason.DIFFERS, origin=HOSTILE, note="=cmd|' /C calc'!A0", changes=changes)
    return run_of((step, {"message": "@SUM(1+1)", "request_id": "-2+3", "resource_id": "+1"}), reason="\uff1d1+1")


def disarm(connection: Connection) -> None:
    """Take away what refuses changes of the audit, as somebody who owns the database can."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
    else:
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_no_update")
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_no_delete")

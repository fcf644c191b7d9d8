"""What the audit says of a run and of its steps, and what it never says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.applying.outcome import Outcome, Status
from reconciler.attributes import Schemas
from reconciler.model import Kind, Observation
from reconciler.planning.plan import Action, Allowed, Change, Edge, Plan, Reason, Signature, Step, Verdict
from reconciler.store.audit import canonical
from reconciler.store.audit_entries import RunEntries
from reconciler.store.records import Actor, RunStatus
from sample_plans import make_plan, user_step

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACTOR = Actor(
    user="runner",
    host="ci-1",
    pid=7,
    ci="github",
    ci_actor="ada",
    ci_job="https://ci.example.com/7",
    commit="4f6c2d1",
    author="Ada Example <ada@example.com>",
)
EXTENSION = "urn:example:params:scim:schemas:extension:badge:2.0:User"


def entries(plan: Plan | None = None, **options: Any) -> RunEntries:
    return RunEntries(plan or make_plan(), command="apply", actor=ACTOR, **options)


def body_of(
    step: Step, *, schemas: Schemas | None = None, status: Status = Status.APPLIED, **outcome: Any
) -> dict[str, Any]:
    told = Outcome(step=step, status=status, **outcome)
    body: dict[str, Any] = json.loads(canonical(entries(schemas=schemas).step(told, NOW).body))
    return body


def test_a_step_says_what_was_changed_for_whom_why_and_what_came_of_it() -> None:
    step = user_step(
        Action.UPDATE,
        "ada@example.com",
        Reason.DIFFERS,
        origin="users/a.yaml:3",
        note="promoted",
        changes=(Change(path="title", before=None, after="Principal", origin="users/a.yaml:5"),),
    )
    body = body_of(step, resource_id="u1", http_status=200, request_id="req-9", requests=1)
    assert body == {
        "step": step.id,
        "action": "update",
        "resource": {"kind": "User", "address": "user:ada@example.com", "name": "ada@example.com", "id": "u1"},
        "who": {
            "user": "runner",
            "host": "ci-1",
            "pid": 7,
            "ci": "github",
            "ci_actor": "ada",
            "ci_job": "https://ci.example.com/7",
            "commit": "4f6c2d1",
            "author": "Ada Example <ada@example.com>",
        },
        "why": {"reason": "differs", "note": "promoted", "origin": "users/a.yaml:3"},
        "changes": [{"path": "title", "before": None, "after": "Principal", "origin": "users/a.yaml:5"}],
        "result": {"status": "applied", "http_status": 200, "request_id": "req-9", "requests": 1},
    }


def test_memberships_are_named_with_their_ids_and_reasons() -> None:
    step = Step(
        id="remove_members group:team-a",
        action=Action.REMOVE_MEMBERS,
        kind=Kind.GROUP,
        name="team-a",
        reason=Reason.DIFFERS,
        members=(Edge(name="grace@example.com", id="u2", reason=Reason.EXPIRED, note="incident over", origin="g:4"),),
    )
    assert body_of(step)["members"] == [
        {
            "kind": "User",
            "name": "grace@example.com",
            "id": "u2",
            "reason": "expired",
            "note": "incident over",
            "origin": "g:4",
        }
    ]


def test_the_reason_of_the_run_and_its_ticket_are_with_every_step() -> None:
    told = entries(make_plan(reason="offboarding, OPS-1234")).step(
        Outcome(step=user_step(Action.DEACTIVATE, "ada@example.com", Reason.UNLISTED), status=Status.APPLIED), NOW
    )
    why = told.body["why"]
    assert (why["reason"], why["run_reason"], why["ticket"]) == ("unlisted", "offboarding, OPS-1234", "OPS-1234")


def test_a_failure_says_what_the_server_said() -> None:
    step = user_step(Action.DELETE, "ada@example.com", Reason.UNLISTED)
    result = body_of(step, status=Status.FAILED, message="403 Forbidden: no", http_status=403)["result"]
    assert result == {"status": "failed", "message": "403 Forbidden: no", "http_status": 403, "requests": 0}


def test_what_a_directory_made_of_a_value_is_recorded() -> None:
    step = user_step(Action.UPDATE, "ada@example.com", Reason.DIFFERS)
    seen = Observation(kind=Kind.USER, id="u1", path="title", wrote="Dr", stored="Dr.")
    result = body_of(step, status=Status.DIFFERS, differences=(seen,))["result"]
    assert result["differences"] == [{"path": "title", "wrote": "Dr", "stored": "Dr."}]


BEFORE: dict[str, Any] = {
    "userName": "ada@example.com",
    "password": "hunter2",
    "members": ["u1"],
    "name": {"familyName": "Example"},
    "certificates": [{"value": "public", "passphrase": "hunter2"}],
    EXTENSION: {"number": 7, "pin": "hunter2", "apiToken": "hunter2", "wifi": {"Pass_Word": "hunter2"}},
}
SCHEMAS = Schemas.parse(
    [
        {
            "id": EXTENSION,
            "attributes": [
                {"name": "number"},
                {"name": "pin", "returned": "never"},
                {"name": "PUK", "returned": "Never"},
            ],
        },
        {
            "id": "urn:ietf:params:scim:schemas:core:2.0:User",
            "attributes": [
                {"name": "userName"},
                {"name": "safe", "type": "complex", "subAttributes": [{"name": "code", "mutability": "writeOnly"}]},
            ],
        },
    ]
)


def test_a_deletion_keeps_what_the_resource_was_without_its_secrets() -> None:
    step = user_step(Action.DELETE, "ada@example.com", Reason.UNLISTED)
    body = body_of(step, before=BEFORE, schemas=SCHEMAS)
    assert body["before"] == {
        "userName": "ada@example.com",
        "members": ["u1"],
        "name": {"familyName": "Example"},
        "certificates": [{"value": "public"}],
        EXTENSION: {"number": 7, "wifi": {}},
    }
    assert body["redacted"] == [
        "certificates.passphrase",
        "password",
        f"{EXTENSION}:apiToken",
        f"{EXTENSION}:pin",
        f"{EXTENSION}:wifi.Pass_Word",
    ]
    assert "hunter2" not in canonical(body)


@pytest.mark.parametrize(
    "path",
    [
        "password",
        "PASSWORD",
        "safe.code",
        f"{EXTENSION}:puk",
        f"{EXTENSION}:sharedSecrets",
        "x.api-key",
        "refreshToken",
    ],
)
def test_of_a_change_of_a_secret_only_the_change_is_told(path: str) -> None:
    changes = (Change(path=path, before="hunter1", after={"value": "hunter2"}),)
    step = user_step(Action.UPDATE, "ada@example.com", Reason.DIFFERS, changes=changes)
    seen = Observation(kind=Kind.USER, id="u1", path=path, wrote="hunter2", stored="hunter3")
    body = body_of(step, schemas=SCHEMAS, differences=(seen,))
    assert body["changes"] == [{"path": path}]
    assert body["redacted"] == [path]
    assert "hunter" not in canonical(body)


def test_a_secret_inside_a_value_is_taken_out_of_it() -> None:
    changes = (Change(path="safe", before=None, after={"code": "hunter2", "door": "3"}),)
    body = body_of(user_step(Action.UPDATE, "a@example.com", Reason.DIFFERS, changes=changes), schemas=SCHEMAS)
    assert body["changes"] == [{"path": "safe", "before": None, "after": {"door": "3"}}]
    assert body["redacted"] == ["safe.code"]


@pytest.mark.parametrize(
    "path", ["title", "secretary", f"{EXTENSION}:number", "tokenized", "urn:x:2.0:User:department"]
)
def test_everything_else_is_kept(path: str) -> None:
    changes = (Change(path=path, before="a", after="b"),)
    body = body_of(user_step(Action.UPDATE, "a@example.com", Reason.DIFFERS, changes=changes), schemas=SCHEMAS)
    assert body["changes"] == [{"path": path, "before": "a", "after": "b"}]


def test_the_start_says_which_plan_for_what_and_which_guards_were_lifted() -> None:
    plan = make_plan(
        user_step(Action.DELETE, "ada@example.com", Reason.UNLISTED),
        reason="OPS-77: closed",
        only=("user:ada@example.com",),
        undoes="run-0",
        allowances=(Allowed(allowance="users.delete=1", reason="OPS-77: closed"),),
        signature=Signature(key="key", value="value"),
        guards=(
            Verdict(guard="groups.delete", passed=True, number=0, limit="2"),
            Verdict(
                guard="users.delete",
                passed=True,
                number=1,
                limit="0",
                resources=("user:ada@example.com",),
                allowed_by="OPS-77: closed",
            ),
        ),
    )
    told = entries(plan, resumes="run-1").started(NOW)
    body = told.body
    assert (told.type, told.at, body["action"]) == ("run_started", NOW, "apply")
    assert body["plan"]["steps"] == 1
    assert body["plan"]["summary"].startswith("Plan: 0 to create")
    assert body["plan"]["signed_by"] == "key"
    assert body["why"] == {"reason": "OPS-77: closed", "ticket": "OPS-77"}
    assert body["allowances"] == [{"allowance": "users.delete=1", "reason": "OPS-77: closed"}]
    assert body["lifted"] == [
        {
            "guard": "users.delete",
            "number": 1,
            "limit": "0",
            "reason": "OPS-77: closed",
            "resources": ["user:ada@example.com"],
        }
    ]
    assert (body["only"], body["undoes"], body["resumes"]) == (["user:ada@example.com"], "run-0", "run-1")


def test_the_end_says_how_it_came() -> None:
    told = entries().ended(RunStatus.PARTLY, NOW, counts={"applied": 3, "failed": 1, "stale": 0}, stopped="breaker")
    assert told.type == "run_ended"
    assert told.body["result"] == {"status": "partly", "counts": {"applied": 3, "failed": 1}, "message": "breaker"}


def test_the_end_of_a_dead_run_names_the_run_that_found_it() -> None:
    told = entries().ended(RunStatus.INTERRUPTED, NOW, counts={}, found_by="run-2")
    assert told.body["result"] == {"status": "interrupted", "found_by": "run-2"}

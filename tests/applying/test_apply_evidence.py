"""What a run keeps as evidence: what the server calls each request, and what a deleted resource was."""

from __future__ import annotations

from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, pass_on, user
from reconciler.applying import RunResult, Status
from reconciler.applying.deleted import snapshot
from reconciler.applying.pending import Pending
from reconciler.attributes import ENTERPRISE_USER, Schemas, rfc7643
from reconciler.model import LiveGroup, LiveUser
from reconciler.planning import Change
from scenario import Start

TEAM = """
users:
  - {userName: ada@example.com, title: Engineer}
groups:
  - {displayName: team, members: [ada@example.com]}
"""
LEAVER = user("leaver", title="Intern", emails=[{"value": "leaver@example.com", "primary": True}])


@pytest.mark.parametrize("bulk", [False, True])
def test_every_step_that_wrote_keeps_what_the_server_calls_its_last_write(start: Start, bulk: bool) -> None:
    scenario, sandbox = start(bulk=bulk)
    result = scenario.write(TEAM).apply()
    written = {request.request_id for request in sandbox.requests if request.method != "GET"}
    assert [outcome.requests for outcome in result.outcomes] == [1, 1, 1]
    assert {outcome.request_id for outcome in result.outcomes} == written


def test_a_step_that_wrote_nothing_has_none(start: Start) -> None:
    scenario, _ = start()
    planned = scenario.write(TEAM).plan()
    scenario.apply(planned)
    again = scenario.apply(planned)
    assert {outcome.request_id for outcome in again.outcomes if not outcome.requests} == {None}


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_refused_write_keeps_it_too(between: Interpose, status: int) -> None:
    def refusing(request: Request, forward: Forward) -> Reply:
        return error(status, "no", X_Request_Id="r-1") if request.method == "PATCH" else forward(request)

    made = between(refusing, seed={"users": [user("ada", title="Intern")]})
    (outcome,) = made.scenario.write("users: [{userName: ada@example.com, title: Engineer}]").apply().outcomes
    assert (outcome.status, outcome.http_status, outcome.request_id) == (Status.FAILED, status, "r-1")


def delete_leaver(between: Interpose, meddle: Any = pass_on) -> RunResult:
    made = between(
        meddle, seed={"users": [LEAVER], "groups": [{"displayName": "old", "members": [LEAVER["userName"]]}]}
    )
    made.scenario.unlisted = ("delete", "delete")
    return made.scenario.write("users: []").apply()


def test_a_deletion_keeps_what_was_deleted(between: Interpose) -> None:
    by_name = {outcome.step.name: outcome for outcome in delete_leaver(between).outcomes}
    deleted, group = by_name["leaver@example.com"], by_name["old"]
    assert deleted.status is group.status is Status.APPLIED
    assert deleted.before is not None
    assert deleted.before["userName"] == "leaver@example.com"
    assert deleted.before["title"] == "Intern"
    assert deleted.before["emails"][0]["value"] == "leaver@example.com"
    assert group.before is not None
    assert group.before["displayName"] == "old"
    assert group.before["members"] == [deleted.resource_id]


def test_a_refused_deletion_keeps_nothing(between: Interpose) -> None:
    def refusing(request: Request, forward: Forward) -> Reply:
        return error(403, "not you") if request.method == "DELETE" else forward(request)

    assert {outcome.before for outcome in delete_leaver(between, refusing).outcomes} == {None}


def test_a_deletion_of_which_nobody_knows_what_became_keeps_it(between: Interpose) -> None:
    def losing(request: Request, forward: Forward) -> Reply:
        return Reply(500) if request.method == "DELETE" else forward(request)

    outcomes = delete_leaver(between, losing).outcomes
    assert {outcome.status for outcome in outcomes} == {Status.FAILED}
    assert all(outcome.before for outcome in outcomes)


def test_no_other_step_keeps_what_was_before(start: Start) -> None:
    scenario, _ = start(seed={"users": [user("ada", title="Intern")]})
    assert {outcome.before for outcome in scenario.write(TEAM).apply().outcomes} == {None}


def test_secrets_are_never_kept() -> None:
    attributes = {
        "id": "1",
        "userName": "ada@example.com",
        "password": "secret-1",
        "passWord": "secret-2",
        "name": {"givenName": "Ada", "pin": "secret-3"},
        "x509Certificates": [{"value": "public", "privateKey": "secret-4"}],
        ENTERPRISE_USER: {"department": "Platform", "salary": "secret-5"},
        "recovery": "secret-6",
        "unheardOf": {"password": "secret-7", "kept": True},
        "badgeToken": "secret-8",
    }
    writing = {"mutability": "writeOnly", "returned": "never"}
    hidden = {"mutability": "readWrite", "returned": "never"}
    documents: list[dict[str, Any]] = [
        {
            "id": "urn:ietf:params:scim:schemas:core:2.0:User",
            "attributes": [
                {"name": "userName", "type": "string"},
                {"name": "name", "type": "complex", "subAttributes": [{"name": "pin", **hidden}]},
                {"name": "x509Certificates", "multiValued": True, "subAttributes": [{"name": "privateKey", **writing}]},
                {"name": "recovery", **writing},
            ],
        },
        {"id": ENTERPRISE_USER, "attributes": [{"name": "department"}, {"name": "salary", **hidden}]},
    ]
    kept = snapshot(LiveUser(id="1", attributes=attributes), Schemas.parse(documents).user)
    assert "secret" not in repr(kept)
    assert kept["userName"] == "ada@example.com"
    assert kept["name"] == {"givenName": "Ada"}
    assert kept["x509Certificates"] == [{"value": "public"}]
    assert kept[ENTERPRISE_USER] == {"department": "Platform"}
    assert kept["unheardOf"] == {"kept": True}


def test_what_differs_is_told_without_the_values_of_secrets() -> None:
    changes = tuple(
        Change(path=path, before=None, after=after)
        for path, after in (("badgeToken", "hush-1"), ("locker", {"pin": 7, "password": "hush-2"}), ("title", "Boss"))
    )
    held = {"badgeToken": "hush-3", "locker": {"pin": 8, "password": "hush-4"}, "title": "boss_"}
    told = Pending(changes=changes).describe(LiveUser(id="1", attributes=held), rfc7643().user)
    assert told == (
        "badgeToken is not what was written (its values are secret); locker is {'pin': 8}, not {'pin': 7}; "
        "title is 'boss_', not 'Boss'"
    )


@pytest.mark.parametrize(
    ("members", "kept"), [(("1", "2"), {"members": ["1", "2"]}), ((), {"members": []}), (None, {})]
)
def test_members_that_the_directory_does_not_tell_are_not_kept_as_nobody(
    members: tuple[str, ...] | None, kept: dict[str, list[str]]
) -> None:
    group = LiveGroup(id="1", attributes={"displayName": "team"}, members=members)
    assert snapshot(group, rfc7643().group) == {"displayName": "team", **kept}

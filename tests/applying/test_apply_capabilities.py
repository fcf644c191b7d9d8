"""What a directory can do decides how it is written, and what a read back may show."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, list_response
from meddler import Between, Forward, Interpose, outcome_of, pass_on, user, with_body
from reconciler.applying import Outcome, RunResult, Status
from reconciler.capabilities import MembersRead, UserDelete
from reconciler.desired import load
from reconciler.model import Kind, Observation
from reconciler.planning import plan

ADA = "ada@example.com"
INTERN = {"users": [user("ada", title="Intern")]}


def applied_as(made: Between, yaml: str, *, planned_as: dict[str, Any] | None = None, **changed: Any) -> RunResult:
    """Carry out a plan on a directory that is taken to be able to do something else than it says."""
    live = made.direct.live()
    able = replace(live, capabilities=replace(live.capabilities, **changed))
    seen = live if planned_as is None else replace(live, capabilities=replace(live.capabilities, **planned_as))
    made.scenario.write(yaml)
    planned = plan(load(made.scenario.workspace).desired, seen, as_of=made.scenario.as_of)
    return made.scenario.apply_to(planned, able)


@pytest.mark.parametrize(
    ("changed", "method"),
    [
        pytest.param({"patch_users": False}, "PUT", id="no PATCH"),
        pytest.param({"put_users": False}, "PATCH", id="no PUT"),
    ],
)
def test_the_verb_that_there_is_is_used(between: Interpose, changed: dict[str, Any], method: str) -> None:
    made = between(pass_on, seed=INTERN)
    assert applied_as(made, f"users: [{{userName: {ADA}, title: Engineer}}]", **changed).complete
    assert [len(made.sent(one, "/Users/")) for one in ("PATCH", "PUT")] == [method == "PATCH", method == "PUT"]


def test_a_directory_without_any_verb_for_users_is_told_so(between: Interpose) -> None:
    made = between(pass_on, seed=INTERN)
    (outcome,) = applied_as(
        made, f"users: [{{userName: {ADA}, title: Engineer}}]", patch_users=False, put_users=False
    ).outcomes
    assert outcome.status is Status.FAILED
    assert outcome.message == (
        f"user:{ADA} was not written: the directory takes neither PATCH nor PUT for Users, so nothing can be changed "
        "in it"
    )


def test_a_change_is_split_into_as_many_operations_as_one_patch_may_carry(between: Interpose) -> None:
    made = between(pass_on, seed=INTERN)
    yaml = f"users: [{{userName: {ADA}, title: Engineer, nickName: A, locale: en, displayName: Ada}}]"
    assert applied_as(made, yaml, max_operations_per_patch=3).complete
    assert [len(request.json["Operations"]) for request in made.sent("PATCH")] == [3, 1]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_body_that_the_directory_would_not_take_is_not_sent(between: Interpose, method: str) -> None:
    made = between(pass_on, seed=INTERN if method == "PATCH" else None)
    yaml = f"users: [{{userName: {ADA}, title: {'x' * 400}}}]"
    (outcome,) = applied_as(made, yaml, max_body_bytes=300).outcomes
    assert outcome.status is Status.FAILED
    assert "bytes, and the directory takes 300 (capability max_body_bytes)" in outcome.message
    assert outcome.requests == len(made.sent(method)) == 0


def deletes_softly(request: Request, forward: Forward) -> Reply:
    """A deleted user stays, inactive."""
    if request.method != "DELETE":
        return forward(request)
    operation = {"op": "replace", "path": "active", "value": False}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    forward(with_body(replace(request, method="PATCH"), body))
    return Reply(204)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UserDelete.SOFT, Status.APPLIED),
        (UserDelete.HARD, Status.DIFFERS),
        (UserDelete.UNLINK, Status.DIFFERS),
        (UserDelete.IRREVERSIBLE, Status.DIFFERS),
    ],
)
def test_a_user_who_stays_inactive_is_deleted_where_deletion_is_soft(
    between: Interpose, kind: UserDelete, status: Status
) -> None:
    made = between(deletes_softly, seed=INTERN)
    made.scenario.unlisted = ("delete", "ignore")
    (outcome,) = applied_as(made, "", planned_as={"user_delete": UserDelete.HARD}, user_delete=kind).outcomes
    assert outcome.status is status
    assert outcome.requests == 1


def observed(outcome: Outcome) -> list[tuple[str, Any, Any]]:
    return [(seen.path, seen.wrote, seen.stored) for seen in outcome.differences]


def lowering_titles(request: Request, forward: Forward) -> Reply:
    """A directory that keeps titles in small letters and no nicknames."""
    if request.method not in ("POST", "PATCH"):
        return forward(request)
    body = request.json
    if request.method == "POST":
        body["title"] = body["title"].lower()
        del body["nickName"]
    else:
        operations = [one for one in body["Operations"] if one["path"] != "nickName"]
        lowered = [one | {"value": one["value"].lower()} if one["path"] == "title" else one for one in operations]
        body["Operations"] = lowered
    return forward(with_body(request, body))


@pytest.mark.parametrize("seed", [None, INTERN], ids=["created", "updated"])
def test_what_a_directory_makes_of_a_value_is_observed(between: Interpose, seed: dict[str, Any] | None) -> None:
    made = between(lowering_titles, seed=seed)
    attributes = made.direct.live().schemas.user.attributes
    exact = {**attributes, "title": replace(attributes["title"], case_exact=True)}
    live = made.direct.live()
    schemas = replace(live.schemas, user=replace(live.schemas.user, attributes=exact))
    live = replace(live, schemas=schemas)
    made.scenario.write(f"users: [{{userName: {ADA}, emails: [{ADA}], title: Engineer, nickName: Al, locale: en}}]")
    planned = plan(load(made.scenario.workspace).desired, live, as_of=made.scenario.as_of)
    (outcome,) = made.scenario.apply_to(planned, live).outcomes
    assert outcome.status is Status.DIFFERS
    assert sorted(observed(outcome)) == [("nickName", "Al", None), ("title", "Engineer", "engineer")]
    assert {(seen.kind, seen.id) for seen in outcome.differences} == {(Kind.USER, made.id_of(ADA))}
    assert all(isinstance(seen, Observation) for seen in outcome.differences)


def test_a_deactivation_that_a_directory_ignores_is_no_observation_to_get_used_to(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return forward(replace(request, method="GET", body=b"")) if request.method == "PATCH" else forward(request)

    made = between(meddle, seed=INTERN)
    (outcome,) = made.scenario.write("").apply().outcomes
    assert outcome.status is Status.DIFFERS
    assert outcome.differences == ()


def test_an_attribute_that_cannot_be_asked_for_is_not_asked_for(between: Interpose) -> None:
    made = between(lambda request, forward: forward(request) if request.method != "POST" else Reply(409))
    yaml = f"users: [{{userName: {ADA}, externalId: '7'}}]"
    applied_as(made, yaml, user_filters=("userName",))
    asked = {request.query["filter"].partition(" ")[0] for request in made.sent("GET") if "filter" in request.query}
    assert asked == {"userName"}


TEAM = {
    "users": [user(name) for name in "abcd"],
    "groups": [{"displayName": "team", "members": ["a@example.com", "b@example.com"]}],
}
LISTED = "users:\n" + "".join(f"  - {{userName: {letter}@example.com}}\n" for letter in "abcd")


def answering_probes(made: list[Between]) -> Any:
    """A directory that holds members and tells them only to a filter that names group and member."""

    def meddle(request: Request, forward: Forward) -> Reply:
        text = request.query.get("filter", "")
        if "members eq" in text:
            group_id, member_id = text.split('"')[1::2]
            live = made[0].direct.live()
            there = member_id in (live.groups_by_id[group_id].members or ())
            return list_response([{"id": group_id, "displayName": "team"}] if there else [], total=int(there))
        reply = forward(request)
        if request.method == "GET" and "/Groups" in request.path:
            document = json.loads(reply.content)
            for row in document.get("Resources", [document]):
                row.pop("members", None)
            return Reply(body=document)
        return reply

    return meddle


def test_where_members_are_only_told_one_by_one_they_are_read_back_one_by_one(between: Interpose) -> None:
    made: list[Between] = []
    made.append(between(answering_probes(made), seed=TEAM))
    result = applied_as(
        made[0],
        LISTED + "groups: [{displayName: team, members: [b@example.com, c@example.com, d@example.com]}]",
        members_read=MembersRead.PROBE,
    )
    assert result.complete
    assert made[0].direct.members("team") == {"b@example.com", "c@example.com", "d@example.com"}


def test_an_addition_that_a_probe_does_not_find_is_told(between: Interpose) -> None:
    made: list[Between] = []
    inner = answering_probes(made)

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method in ("PATCH", "PUT") and "/Groups/" in request.path:
            return Reply(204)
        reply: Reply = inner(request, forward)
        return reply

    made.append(between(meddle, seed=TEAM))
    result = applied_as(
        made[0],
        LISTED + "groups: [{displayName: team, members: [a@example.com, b@example.com, c@example.com]}]",
        members_read=MembersRead.PROBE,
    )
    outcome = outcome_of(result, "add_members group:team")
    assert outcome.status is Status.FAILED
    assert "value-array: was accepted and changed nothing" in outcome.message

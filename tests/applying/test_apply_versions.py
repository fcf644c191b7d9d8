"""Writes that state the version that they are meant for (RFC 7644 §3.14), and what a refusal of it means."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Meddle, Once, outcome_of, user
from reconciler.applying import Status
from reconciler.model import Kind

ENGINEER = "users: [{userName: ada@example.com, title: Engineer}]"
UPDATE = "update user:ada@example.com"
INTERN = {"users": [user("ada", title="Intern"), user("grace")], "groups": [{"displayName": "team", "members": []}]}
TEAM = "users: [{userName: ada@example.com}, {userName: grace@example.com}]\ngroups: [{displayName: team, members: "


def changed_just_before(made: Callable[[], Between], kind: Kind, name: str, change: dict[str, str]) -> Meddle:
    """Somebody else changes a resource between our look at it and our write."""
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        resource_id = request.path.rpartition("/")[2]
        if request.method in ("PATCH", "PUT", "DELETE") and once(resource_id == made().id_of(name)):
            directory = made().sandbox.directory
            operation = {"op": "replace", "value": change}
            with directory.lock:
                directory.patch(kind, resource_id, {"schemas": [PATCH_OP], "Operations": [operation]})
        return forward(request)

    return meddle


PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def stated(made: Between) -> list[bool]:
    """Of each write, whether it states a version."""
    return ["if-match" in request.headers for method in ("PATCH", "PUT", "DELETE") for request in made.sent(method)]


def test_a_change_of_something_else_does_not_void_a_step(between: Interpose) -> None:
    made = between(changed_just_before(lambda: made, Kind.USER, "ada@example.com", {"nickName": "A"}), seed=INTERN)
    made.scenario.unlisted = ("ignore", "ignore")
    outcome = outcome_of(made.scenario.write(ENGINEER).apply(), UPDATE)
    assert (outcome.status, outcome.requests) == (Status.APPLIED, 2)
    assert stated(made) == [True, True]


def test_a_change_of_what_the_step_was_planned_from_makes_it_stale(between: Interpose) -> None:
    made = between(changed_just_before(lambda: made, Kind.USER, "ada@example.com", {"title": "Director"}), seed=INTERN)
    made.scenario.unlisted = ("ignore", "ignore")
    outcome = outcome_of(made.scenario.write(ENGINEER).apply(), UPDATE)
    assert outcome.status is Status.STALE
    assert outcome.message == "user:ada@example.com changed since it was planned (one of: title)"
    assert outcome.requests == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"title": "Director"}, Status.APPLIED, id="of something else"),
        pytest.param({"userName": "eve@example.com"}, Status.STALE, id="of who it is"),
    ],
)
def test_a_deletion_looks_again_after_a_change(between: Interpose, change: dict[str, str], status: Status) -> None:
    made = between(changed_just_before(lambda: made, Kind.USER, "ada@example.com", change), seed=INTERN)
    made.scenario.unlisted = ("delete", "ignore")
    made.scenario.write("users: [{userName: grace@example.com}]")
    assert outcome_of(made.apply(), "delete user:ada@example.com").status is status
    assert len(made.direct.live().users) == (1 if status is Status.APPLIED else 2)


def test_a_membership_is_written_whatever_else_changed(between: Interpose) -> None:
    made = between(changed_just_before(lambda: made, Kind.GROUP, "team", {"externalId": "x"}), seed=INTERN)
    made.scenario.unlisted = ("ignore", "ignore")
    assert made.scenario.write(TEAM + "[ada@example.com, grace@example.com]}]").apply().complete
    assert stated(made) == [True, True]
    assert made.direct.members("team") == {"ada@example.com", "grace@example.com"}


@pytest.mark.parametrize("yaml", [ENGINEER, TEAM + "[ada@example.com]}]"], ids=["an attribute", "a membership"])
def test_a_server_that_refuses_the_very_version_that_it_shows_is_not_asked_with_one(
    between: Interpose, yaml: str
) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(412, "no such version") if "if-match" in request.headers else forward(request)

    made = between(meddle, seed=INTERN)
    made.scenario.unlisted = ("ignore", "ignore")
    assert made.scenario.write(yaml).apply().complete
    assert stated(made) == [True, False]


def test_a_resource_that_changes_each_time_is_left_to_the_next_plan(between: Interpose) -> None:
    versions = iter(range(100))

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            return error(412, "changed")
        reply = forward(request)
        if request.method == "GET" and "/Users/" in request.path:
            row = json.loads(reply.content)
            return Reply(body={**row, "meta": {**row["meta"], "version": f'W/"{next(versions)}"'}})
        return reply

    made = between(meddle, seed=INTERN)
    made.scenario.unlisted = ("ignore", "ignore")
    outcome = outcome_of(made.scenario.write(ENGINEER).apply(), UPDATE)
    assert outcome.status is Status.STALE
    assert outcome.message == "user:ada@example.com got a new version each time that it was to be written"


def test_where_resources_have_no_versions_none_is_stated(between: Interpose) -> None:
    made = between(lambda request, forward: forward(request), dialect="atlassian", seed=INTERN)
    made.scenario.unlisted = ("ignore", "ignore")
    assert made.scenario.write(ENGINEER).apply().complete
    assert stated(made) == [False]

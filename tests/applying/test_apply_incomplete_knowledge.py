"""Reads that do not tell all: members that are hidden, replicas that lag behind. Nobody comes to harm by them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Meddle, Once, look, outcome_of, statuses, team, user
from misreading import PATCH_OP
from reconciler.applying import RunResult, Status
from reconciler.capabilities import MemberAdd
from reconciler.model import Kind

TEAM = {"users": [user("ada"), user("grace")], "groups": [{"displayName": "team", "externalId": "1"}]}


def apply_one_by_one(made: Between, yaml: str, **capabilities: Any) -> RunResult:
    """Apply with one membership in a step, and one step in a chunk."""
    made.scenario.chunk_size = 1
    live = made.scenario.write(yaml).live()
    live = replace(live, capabilities=replace(live.capabilities, max_members_per_patch=1, **capabilities))
    return made.scenario.apply_to(made.scenario.plan_for(live), live)


def lagging_replica() -> Meddle:
    """Each write of a group is read back once, and then a replica that lags behind answers the next read."""
    before: dict[str, Reply] = {}
    reads: dict[str, int] = {}

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method in ("PATCH", "PUT"):
            before[request.path] = look(request, forward)
            reads[request.path] = 0
        elif request.method == "GET" and request.path in before:
            reads[request.path] += 1
            if reads[request.path] == 2:
                return before[request.path]
        return forward(request)

    return meddle


def test_who_was_removed_is_not_put_back_for_a_replica_that_still_shows_them(between: Interpose) -> None:
    members = ["ada@example.com", "grace@example.com", "lin@example.com"]
    seed = {
        "users": [user(name.partition("@")[0]) for name in members],
        "groups": [{"displayName": "team", "members": members}],
    }
    made = between(lagging_replica(), seed=seed)
    made.scenario.unlisted = ("ignore", "ignore")
    result = apply_one_by_one(made, team("lin"), etag=False)
    assert [(outcome.status, outcome.message) for outcome in result.outcomes] == [(Status.APPLIED, "")] * 2
    assert made.direct.members("team") == {"lin@example.com"}


def test_a_put_keeps_who_was_added_although_a_replica_does_not_show_them_any_more(between: Interpose) -> None:
    made = between(lagging_replica(), seed=TEAM)
    made.scenario.unlisted = ("ignore", "ignore")
    result = apply_one_by_one(made, team("ada", "grace"), member_add=MemberAdd.PUT, etag=False)
    assert result.complete
    assert len(made.sent("PUT")) == 2
    assert made.direct.members("team") == {"ada@example.com", "grace@example.com"}


def hiding_members(meddle: Meddle) -> Meddle:
    """A directory that shows every group as empty."""

    def hide(request: Request, forward: Forward) -> Reply:
        reply = meddle(request, forward)
        if not reply.content or "/Groups" not in request.path:
            return reply
        body = json.loads(reply.content)
        for row in [body, *body.get("Resources", [])]:
            row.pop("members", None)
        return replace(reply, body=body)

    return hide


def test_a_group_that_somebody_else_made_meanwhile_is_no_new_group(between: Interpose) -> None:
    def ignores_patch(request: Request, forward: Forward) -> Reply:
        return look(request, forward) if request.method == "PATCH" else forward(request)

    made = between(hiding_members(ignores_patch), seed={"users": TEAM["users"]})
    made.scenario.unlisted = ("ignore", "ignore")
    planned = made.scenario.write(team("ada")).plan()
    grace = made.id_of("grace@example.com")
    with made.sandbox.directory.lock:
        body = {"schemas": [Kind.GROUP.schema], "displayName": "team", "members": [{"value": grace}]}
        made.sandbox.directory.create(Kind.GROUP, body)
    result = made.scenario.apply(planned)
    assert statuses(result)["add_members group:team"] is Status.FAILED
    assert not made.sent("PUT")
    assert made.direct.members("team") == {"grace@example.com"}


def test_a_group_is_not_put_where_the_directory_has_shown_no_member_of_any(between: Interpose) -> None:
    def without_patch_of_names(request: Request, forward: Forward) -> Reply:
        refused = request.method == "PATCH" and b"displayName" in request.body
        return error(501, "PATCH of this is not implemented") if refused else forward(request)

    seed = {**TEAM, "groups": [{"displayName": "team", "externalId": "1", "members": ["ada@example.com"]}]}
    made = between(hiding_members(without_patch_of_names), seed=seed)
    made.scenario.unlisted = ("ignore", "ignore")
    result = made.scenario.write("groups: [{displayName: crew, externalId: '1'}]").apply()
    (outcome,) = result.outcomes
    assert outcome.status is Status.FAILED
    assert "in this run the directory has shown of no group who is in them" in outcome.message
    assert not made.sent("PUT")


@pytest.mark.parametrize("kind", [Kind.USER, Kind.GROUP])
def test_versions_are_stated_further_although_a_lagging_read_shows_the_old_one(between: Interpose, kind: Kind) -> None:
    changed, stale = Once(), Once()
    old: list[Reply] = []
    endpoint = f"/{kind}s/"

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH" and endpoint in request.path and changed(True):
            old.append(look(request, forward))
            with made.sandbox.directory.lock:
                operation = {"op": "replace", "path": "externalId", "value": "x"}
                body = {"schemas": PATCH_OP, "Operations": [operation]}
                made.sandbox.directory.patch(kind, request.path.rpartition("/")[2], body)
        elif request.method == "GET" and endpoint in request.path and old and stale(True):
            return old[0]
        return forward(request)

    made = between(meddle, seed={**TEAM, "groups": [{"displayName": "team"}]})
    made.scenario.unlisted = ("ignore", "ignore")
    made.scenario.write(
        "users: [{userName: ada@example.com, title: Boss}]\ngroups: [{displayName: team, members: [ada@example.com]}]"
    )
    result = made.apply()
    assert result.complete
    assert outcome_of(result, "update user:ada@example.com").requests + len(made.sent("PATCH", "/Groups/")) == 3
    assert all("if-match" in request.headers for request in made.sent("PATCH"))

"""Writes that go out together where the directory takes bulks, and what becomes of those that a bulk does not do."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Meddle, Once, outcome_of, pass_on, statuses, team, user, with_body
from reconciler.applying import RunResult, Status
from reconciler.desired import load
from reconciler.model import Kind
from reconciler.planning import plan
from scenario import Scenario, Start

COUNT = 12
NAMES = [f"user{number:02}" for number in range(COUNT)]
LOST = Reply(reset=True)
Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def users(names: list[str] = NAMES, **attributes: str) -> str:
    stated = "".join(f", {name}: {value}" for name, value in attributes.items())
    return "users:\n" + "".join(f"  - {{userName: {name}@example.com{stated}}}\n" for name in names)


def seed(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"users": [user(name, title="Intern") for name in NAMES], "groups": list(groups)}


def is_bulk(request: Request) -> bool:
    return request.path.endswith("/Bulk")


def operations(made: Between) -> list[list[dict[str, Any]]]:
    """The operations of the bulk requests that came so far."""
    return [request.json["Operations"] for request in made.sent("POST", "/Bulk")]


def plainly(made: Between) -> list[Request]:
    """The writes that came by themselves."""
    return [request for request in made.meddler.requests if request.method != "GET" and not is_bulk(request)]


def answering(reply: Reply, *, only: Callable[[bool], bool] = bool) -> Meddle:
    return lambda request, forward: reply if only(is_bulk(request)) else forward(request)


def results(
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], *, only: Callable[[bool], bool] = bool
) -> Meddle:
    """Change the results that bulk answers hold."""

    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if not only(is_bulk(request)):
            return reply
        document = json.loads(reply.content)
        return Reply(200, {**document, "Operations": change(document["Operations"])})

    return meddle


def each(change: Change, *, only: Callable[[bool], bool] = bool) -> Meddle:
    """Change each result, or leave it out."""
    return results(lambda told: [one for one in map(change, told) if one is not None], only=only)


@pytest.fixture
def bulk(between: Interpose) -> Interpose:
    """As ``between``, with bulks."""

    def make(meddle: Meddle, **fields: Any) -> Between:
        made = between(meddle, **fields)
        # Most of this is about how many writes go into one request: no canary.
        return replace(made, scenario=at_once(made.scenario), direct=at_once(made.direct))

    def at_once(scenario: Scenario) -> Scenario:
        return replace(scenario, bulk=True, canary=scenario.chunk_size)

    return make


def applied(made: Between, yaml: str) -> RunResult:
    result = made.scenario.write(yaml).apply()
    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert made.direct.plan().steps == ()
    names = Counter(found.name for found in (*made.direct.live().users, *made.direct.live().groups))
    assert max(names.values()) == 1
    return result


# What it costs


@pytest.mark.parametrize(
    ("before", "yaml", "unlisted", "requests"),
    [
        pytest.param(None, users(), "ignore", {"POST": 1, "GET": COUNT}, id="creations"),
        pytest.param(seed(), users(title="Engineer"), "ignore", {"POST": 1, "GET": 2 * COUNT}, id="updates"),
        pytest.param(seed(), "", "deactivate", {"POST": 1, "GET": 2 * COUNT}, id="deactivations"),
        pytest.param(seed(), "", "delete", {"POST": 1, "GET": 2 * COUNT}, id="deletions"),
    ],
)
def test_the_writes_of_a_chunk_are_one_request(
    start: Start, before: dict[str, Any] | None, yaml: str, unlisted: str, requests: dict[str, int]
) -> None:
    scenario, sandbox = start(seed=before, unlisted=(unlisted, "ignore"), bulk=True, canary=COUNT)
    planned, live = scenario.write(yaml).plan(), scenario.live()
    before_apply = len(sandbox.requests)
    assert scenario.apply_to(planned, live).complete
    assert Counter(request.method for request in sandbox.requests[before_apply:]) == requests


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [
        ({"bulk_operations": 5}, [5, 5, 2]),
        ({"bulk_operations": 6}, [6, 6]),
        ({"bulk_operations": 11}, [11]),  # and one by itself
        ({"bulk_operations": 1}, []),
        ({"bulk_bytes": 1200}, None),
        ({"max_body_bytes": 1200}, None),
    ],
)
def test_no_bulk_is_larger_than_the_directory_takes(
    bulk: Interpose, limits: dict[str, Any], sizes: list[int] | None
) -> None:
    made = bulk(pass_on)
    live = made.scenario.write(users()).live()
    live = replace(live, capabilities=replace(live.capabilities, **limits))
    planned = made.scenario.plan_for(live)
    assert made.scenario.apply_to(planned, live).complete
    if sizes is not None:
        assert [len(one) for one in operations(made)] == sizes
    else:
        assert len(operations(made)) > 1
        assert max(len(request.body) for request in made.sent("POST", "/Bulk")) <= 1200


def test_a_write_that_nothing_goes_with_goes_by_itself(bulk: Interpose) -> None:
    made = bulk(pass_on)
    applied(made, users(NAMES[:1]))
    assert operations(made) == []


@pytest.mark.parametrize("concurrency", [1, 3])
def test_reads_stay_bounded_however_many_writes_wait(bulk: Interpose, concurrency: int) -> None:
    lock, reading, most = threading.Lock(), [0], [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method != "GET" or "/Users/" not in request.path:
            return forward(request)
        with lock:
            reading[0] += 1
            most[0] = max(most[0], reading[0])
        try:
            return forward(request)
        finally:
            with lock:
                reading[0] -= 1

    made = bulk(meddle, seed=seed())
    made.scenario.concurrency = concurrency
    applied(made, users(title="Engineer"))
    assert most[0] <= concurrency
    assert [len(one) for one in operations(made)] == [COUNT]


# Bulks that fail as a whole


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(error(404, "no such endpoint"), id="404"),
        pytest.param(Reply(405), id="405"),
        pytest.param(Reply(501), id="501"),
        pytest.param(error(400, "what is this?", "invalidSyntax"), id="400 invalidSyntax"),
        pytest.param(error(403, "not for you"), id="403"),
        pytest.param(Reply(302, headers={"Location": "https://example.com/"}), id="a redirect"),
    ],
)
def test_where_bulks_are_refused_everything_goes_plainly_for_the_rest_of_the_run(
    bulk: Interpose, refusal: Reply
) -> None:
    made = bulk(answering(refusal))
    made.scenario.chunk_size = 5
    applied(made, users())
    assert len(operations(made)) == 1
    assert len(plainly(made)) == COUNT


@pytest.mark.parametrize("how", [{"status": 413}, {"status": 400, "scim_type": "tooMany"}])
def test_a_bulk_that_is_too_large_is_halved_and_the_size_remembered(bulk: Interpose, how: dict[str, Any]) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if is_bulk(request) and len(request.json["Operations"]) > 3:
            return error(detail="too large", **how)
        return forward(request)

    made = bulk(meddle)
    made.scenario.chunk_size = 8
    applied(made, users())
    assert [len(one) for one in operations(made)] == [8, 4, 2, 2, 2, 2, 2, 2]
    assert plainly(made) == []


@pytest.mark.parametrize("took_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", [Kind.USER, Kind.GROUP])
def test_a_bulk_whose_answer_is_lost_creates_nothing_twice(bulk: Interpose, kind: Kind, took_effect: bool) -> None:
    first = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if first(is_bulk(request)):
            if took_effect:
                forward(request)
            return LOST
        return forward(request)

    made = bulk(meddle)
    groups = "groups:\n" + "".join(f"  - {{displayName: {name}}}\n" for name in NAMES)
    yaml = users() if kind is Kind.USER else groups
    result = made.scenario.write(yaml).apply()
    # A group may exist twice, so one that cannot be seen is left for the next run.
    assert result.complete is (took_effect or kind is Kind.USER)
    made.direct.converge()
    assert max(Counter(found.name for found in made.direct.live().of_kind(kind)).values()) == 1
    assert len(plainly(made)) == (COUNT if kind is Kind.USER and not took_effect else 0)


@pytest.mark.parametrize("reply", [Reply(500), Reply(200, b"<html>"), Reply(200, {}), LOST])
def test_a_directory_whose_bulks_never_work_is_written_plainly(bulk: Interpose, reply: Reply) -> None:
    made = bulk(answering(reply))
    made.scenario.chunk_size = 4
    applied(made, users())
    assert [len(one) for one in operations(made)] == [4, 2, 2]
    assert len(plainly(made)) == COUNT


def test_a_bulk_that_is_turned_away_for_now_is_sent_again(bulk: Interpose) -> None:
    made = bulk(answering(error(429, "slow down", Retry_After="0"), only=Once()))
    applied(made, users())
    assert [len(one) for one in operations(made)] == [COUNT, COUNT]
    assert plainly(made) == []


def test_a_token_that_is_not_accepted_ends_the_run(bulk: Interpose) -> None:
    made = bulk(answering(error(401, "expired")))
    made.scenario.chunk_size = 5
    result = made.scenario.write(users()).apply()
    assert "the token was not accepted" in (result.stopped or "")
    assert len(operations(made)) == 1
    assert plainly(made) == []


def test_a_run_that_ended_sends_nothing_more_of_a_bulk_that_was_refused(bulk: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(403, "read only") if request.method == "POST" else forward(request)

    made = bulk(meddle)
    made.scenario.concurrency = 1
    result = made.scenario.write(users()).apply()
    assert result.counts[Status.FAILED] == 10
    assert result.counts[Status.NOT_TRIED] == COUNT - 10
    assert len(plainly(made)) == 10


# Operations that fail inside a bulk


def first_result(change: Change) -> Meddle:
    """Change what the first bulk answer says of user00."""
    once = Once()

    def of_one(told: dict[str, Any]) -> dict[str, Any] | None:
        return change(told) if once(True) else told

    return each(of_one)


def refused(status: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    body = {"status": status, "detail": "no"}
    return lambda told: {**told, "status": status, "response": body}


@pytest.mark.parametrize("status", ["500", "503", "429", "424", "412"])
def test_an_operation_that_only_the_bulk_fails_at_is_done_plainly(bulk: Interpose, status: str) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if not is_bulk(request):
            return forward(request)
        wanted = request.json["Operations"]
        reply = json.loads(forward(with_body(request, {**request.json, "Operations": wanted[1:]})).content)
        told = refused(status)({name: wanted[0][name] for name in ("method", "bulkId")})
        return Reply(200, {**reply, "Operations": [told, *reply["Operations"]]})

    made = bulk(meddle)
    applied(made, users())
    assert [request.json["userName"] for request in plainly(made)] == ["user00@example.com"]


@pytest.mark.parametrize(
    "change", [lambda _: None, lambda told: {**told, "status": None}, refused("500")], ids=["missing", "mute", "500"]
)
def test_an_operation_of_unknown_outcome_is_looked_for_before_anything_else(bulk: Interpose, change: Change) -> None:
    made = bulk(first_result(change))
    applied(made, users())
    assert plainly(made) == []


def test_an_ordinary_refusal_stays_one(bulk: Interpose) -> None:
    made = bulk(pass_on)
    planned = made.scenario.write(users()).plan()
    with made.sandbox.directory.lock:
        body = {"schemas": [Kind.USER.schema], **user("user03", title="Somebody else's")}
        made.sandbox.directory.create(Kind.USER, body)
    result = made.scenario.apply(planned)
    assert result.counts == Counter({Status.APPLIED: COUNT}) | {
        status: 0 for status in Status if status is not Status.APPLIED
    }
    assert plainly(made) == []
    assert outcome_of(result, "create user:user03@example.com").http_status == 409


def test_a_kind_of_operation_that_bulks_never_do_is_done_plainly(bulk: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if not is_bulk(request):
            return forward(request)
        told = [
            {"method": one["method"], "location": one["path"], "status": "501", "response": {"detail": "only POST"}}
            for one in request.json["Operations"]
        ]
        return Reply(200, {"Operations": told})

    made = bulk(meddle, seed=seed())
    made.scenario.chunk_size = 6
    applied(made, users(title="Engineer"))
    assert [len(one) for one in operations(made)] == [6]
    assert Counter(request.method for request in plainly(made)) == {"PATCH": COUNT}


def test_a_refusal_inside_a_bulk_names_the_request_and_the_reason(bulk: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if not is_bulk(request):
            return reply
        document = json.loads(reply.content)
        document["Operations"][0] |= {
            "status": 400,
            "response": {"scimType": "invalidValue", "detail": "no such title"},
        }
        return Reply(200, document)

    made = bulk(meddle, seed=seed())
    result = made.scenario.write(users(title="Engineer")).apply()
    (failed,) = [outcome for outcome in result.outcomes if outcome.message]
    assert "PATCH /Users/" in failed.message
    assert "the server refused (400 invalidValue: no such title)" in failed.message


def test_versions_are_stated_and_one_that_is_outdated_is_met(bulk: Interpose) -> None:
    first = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if first(is_bulk(request)):
            with made.sandbox.directory.lock:
                patch = {"op": "replace", "path": "nickName", "value": "Amazing"}
                body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [patch]}
                made.sandbox.directory.patch(Kind.USER, request.json["Operations"][0]["path"][7:], body, None)
        return forward(request)

    made = bulk(meddle, seed=seed())
    assert made.scenario.live().capabilities.etag
    applied(made, users(title="Engineer"))
    assert all(one["version"] for one in operations(made)[0])
    assert [request.method for request in plainly(made)] == ["PATCH"]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        pytest.param(seed(), lambda told: told[::-1], id="updates, in another order"),
        pytest.param(None, lambda told: [{"status": one["status"]} for one in told], id="creations, by position alone"),
    ],
)
def test_results_are_understood_however_they_are_told(
    bulk: Interpose, before: dict[str, Any] | None, change: Callable[[list[Any]], list[Any]]
) -> None:
    made = bulk(results(change), seed=before)
    applied(made, users(title="Engineer"))
    assert [len(one) for one in operations(made)] == [COUNT]
    assert plainly(made) == []


# Members by reference


EMPTY = {"groups": [{"displayName": "team", "members": []}]}
NEW = [f"new{number}" for number in range(4)]


def references(value: Any) -> list[str]:
    """The references in what was sent."""
    if isinstance(value, str):
        return [value] if value.startswith("bulkId:") else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in references(item)]


def patches(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in sent if one["method"] == "PATCH"]


def following_no_reference(instead: Callable[[dict[str, Any]], dict[str, Any]]) -> Meddle:
    """Answer operations that refer to others without doing them."""

    def meddle(request: Request, forward: Forward) -> Reply:
        if not is_bulk(request):
            return forward(request)
        sent = request.json["Operations"]
        done = [one for one in sent if not references(one.get("data"))]
        document = json.loads(forward(with_body(request, {**request.json, "Operations": done})).content)
        others = [{"method": one["method"], "location": one["path"]} for one in sent if one not in done]
        return Reply(200, {**document, "Operations": [*document["Operations"], *map(instead, others)]})

    return meddle


def test_who_is_created_becomes_a_member_in_the_same_request(bulk: Interpose) -> None:
    made = bulk(pass_on, seed=EMPTY)
    applied(made, team(*NEW))
    (sent,) = operations(made)
    assert [one["path"].split("/")[1] for one in sent] == ["Users", "Users", "Users", "Users", "Groups"]
    assert {f"bulkId:{one['bulkId']}" for one in sent[:4]} == set(references(sent[4]["data"]))
    assert plainly(made) == []
    assert made.direct.members("team") == {f"{name}@example.com" for name in NEW}


def test_where_others_are_in_the_group_the_first_reference_goes_alone(bulk: Interpose) -> None:
    made = bulk(pass_on, seed=seed({"displayName": "team", "members": ["user00@example.com"]}))
    made.scenario.write(users(NAMES[1:]) + team("user00", *NEW))
    yaml = users(NAMES[1:]) + team("user00", *NEW).removeprefix("users:\n")
    applied(made, yaml)
    (sent,) = operations(made)
    assert len(references(patches(sent)[0])) == 1
    # The others, whose ids are known by then.
    (rest,) = plainly(made)
    assert len(rest.json["Operations"][0]["value"]) == 3


def test_a_new_group_and_its_new_members_are_in_one_chunk(bulk: Interpose) -> None:
    made = bulk(pass_on)
    planned = made.scenario.write(team(*NEW)).plan()
    assert {step.chunk for step in planned.steps} == {1}
    assert made.scenario.apply(planned).complete
    (sent,) = operations(made)
    assert [one["path"] for one in sent] == ["/Users"] * 4 + ["/Groups"]
    assert made.direct.members("team") == {f"{name}@example.com" for name in NEW}


@pytest.mark.parametrize("status", ["400", "409", "412", "500", "501"])
def test_a_directory_that_follows_no_references_is_told_the_ids(bulk: Interpose, status: str) -> None:
    made = bulk(following_no_reference(refused(status)), seed=EMPTY)
    applied(made, team(*NEW))
    (rest,) = plainly(made)
    assert not references(rest.json)
    assert len(rest.json["Operations"][0]["value"]) == 4


def test_a_directory_that_ignores_references_is_told_the_ids_and_the_form_is_not_blamed(bulk: Interpose) -> None:
    made = bulk(following_no_reference(lambda told: {**told, "status": "200"}), seed=EMPTY)
    result = applied(made, team(*NEW))
    assert [request.method for request in plainly(made)] == ["PATCH"]
    assert outcome_of(result, "add_members group:team").message == ""


def test_a_reference_that_is_taken_for_an_id_is_taken_out_again(bulk: Interpose) -> None:
    strays: list[str] = []

    def meddle(request: Request, forward: Forward) -> Reply:
        if is_bulk(request):
            strays.extend(references(request.json["Operations"][-1]["data"]))
            return following_no_reference(lambda told: {**told, "status": "200"})(request, forward)
        if request.method == "PATCH":
            for one in list(strays):
                if one in request.body.decode():
                    strays.remove(one)
        reply = forward(request)
        if "/Groups" not in request.path or not strays or reply.status != 200:
            return reply
        document = json.loads(reply.content)
        for group in document.get("Resources", [document]):
            group["members"] = [*group.get("members", []), *({"value": stray} for stray in strays)]
        return Reply(200, document)

    made = bulk(meddle, seed=EMPTY)
    result = applied(made, team(*NEW))
    assert strays == []
    message = outcome_of(result, "add_members group:team").message
    assert "takes references to what a bulk request creates for ids of members: 4 such members were removed" in message


def test_a_member_whose_creation_fails_keeps_no_other_out(bulk: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if not is_bulk(request):
            return forward(request)
        sent = request.json["Operations"]
        for one in sent:
            if one["data"].get("userName") == "new1@example.com":
                one["data"]["active"] = "perhaps"
        return forward(with_body(request, {**request.json, "Operations": sent}))

    made = bulk(meddle, seed=EMPTY)
    result = made.scenario.write(team(*NEW)).apply()
    assert outcome_of(result, "create user:new1@example.com").status is Status.FAILED
    added = outcome_of(result, "add_members group:team")
    assert added.status is Status.FAILED
    assert "new1@example.com: needs “create user:new1@example.com”, which did not succeed" in added.message
    assert made.direct.members("team") == {f"{name}@example.com" for name in NEW if name != "new1"}


def test_a_group_that_cannot_be_created_skips_its_members(bulk: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if not is_bulk(request):
            return error(400, "no groups") if request.path.endswith("/Groups") and request.body else forward(request)
        sent = [one for one in request.json["Operations"] if one["path"] != "/Groups"]
        return forward(with_body(request, {**request.json, "Operations": sent}))

    made = bulk(meddle)
    ended = statuses(made.scenario.write(team(*NEW)).apply())
    assert ended["create group:team"] is Status.FAILED
    assert ended["add_members group:team"] is Status.SKIPPED
    assert ended["create user:new0@example.com"] is Status.APPLIED


@pytest.mark.parametrize("took_effect", [False, True], ids=["before", "after"])
def test_a_lost_answer_leaves_no_member_out_and_none_twice(bulk: Interpose, took_effect: bool) -> None:
    first = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if first(is_bulk(request)):
            if took_effect:
                forward(request)
            return LOST
        return forward(request)

    made = bulk(meddle, seed=EMPTY)
    applied(made, team(*NEW))
    assert made.direct.members("team") == {f"{name}@example.com" for name in NEW}


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("seeded", [None, EMPTY], ids=["a new group", "a group of before"])
def test_a_chunk_of_creations_and_members_comes_about_without_bulks_too(
    bulk: Interpose, concurrency: int, seeded: dict[str, Any] | None
) -> None:
    made = bulk(pass_on, seed=seeded)
    made.scenario.concurrency = concurrency
    planned = made.scenario.write(team(*NEW)).plan()
    assert {step.chunk for step in planned.steps} == {1}
    made.scenario.bulk = False
    assert made.scenario.apply(planned).complete
    assert operations(made) == []
    assert made.direct.members("team") == {f"{name}@example.com" for name in NEW}


def test_a_group_is_a_member_of_another_as_soon_as_it_is_created(bulk: Interpose) -> None:
    made = bulk(pass_on, seed={"groups": [{"displayName": "all", "members": []}]})
    live = made.scenario.live()
    live = replace(live, capabilities=replace(live.capabilities, nested_groups=True))
    made.scenario.write("groups:\n  - {displayName: all, members: [{group: team}]}\n  - {displayName: team}\n")
    planned = plan(load(made.scenario.workspace).desired, live, as_of=made.scenario.as_of)
    assert made.scenario.apply_to(planned, live).complete
    (sent,) = operations(made)
    assert [one["method"] for one in sent] == ["POST", "PATCH"]
    assert references(sent[1]) == [f"bulkId:{sent[0]['bulkId']}"]

"""Changes and deletions of resources that move, vanish, lag behind or come back differently."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import NamedTuple

import msgspec
import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, Once, look, outcome_of, pass_on, statuses, user, with_body
from reconciler.applying import Status
from reconciler.model import Kind
from reconciler.planning.document import seal

ENGINEER = "users: [{userName: ada@example.com, title: Engineer}]"
UPDATE = "update user:ada@example.com"
DEACTIVATE = "deactivate user:ada@example.com"
DELETE = "delete user:ada@example.com"
INTERN = {"users": [user("ada", title="Intern")]}


class Case(NamedTuple):
    yaml: str
    unlisted: str
    step: str
    status: Status


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(ENGINEER, "ignore", UPDATE, Status.STALE), id="an update has nothing to change"),
        # An account that is gone does not work: that is what a deactivation is for.
        pytest.param(Case("", "deactivate", DEACTIVATE, Status.APPLIED), id="a deactivation is done"),
        pytest.param(Case("", "delete", DELETE, Status.APPLIED), id="a deletion is done"),
    ],
)
@pytest.mark.parametrize("when", ["before the run", "before the write"])
def test_a_user_who_is_deleted_since_the_plan(between: Interpose, case: Case, when: str) -> None:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(when == "before the write" and request.method in ("PATCH", "DELETE")):
            made.delete(Kind.USER, request.path.rpartition("/")[2])
        return forward(request)

    made = between(meddle, seed=INTERN)
    made.scenario.unlisted = (case.unlisted, "ignore")
    planned = made.scenario.write(case.yaml).plan()
    if when == "before the run":
        made.delete(Kind.USER, made.id_of("ada@example.com"))
    outcome = outcome_of(made.scenario.apply(planned), case.step)
    assert outcome.status is case.status
    assert outcome.requests == (1 if when == "before the write" else 0)
    if case.step is not DELETE:
        assert outcome.message.startswith("user:ada@example.com is not in the directory any more")


def test_a_404_for_a_user_who_is_there_is_a_failure(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(404, "no route") if request.method == "PATCH" else forward(request)

    made = between(meddle, seed=INTERN)
    outcome = outcome_of(made.scenario.write(ENGINEER).apply(), UPDATE)
    assert outcome.status is Status.FAILED
    assert "no route" in outcome.message


def test_a_deletion_that_the_directory_ignores_is_told(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return Reply(204) if request.method == "DELETE" else forward(request)

    made = between(meddle, seed=INTERN)
    made.scenario.unlisted = ("delete", "ignore")
    outcome = outcome_of(made.scenario.write("").apply(), DELETE)
    assert outcome.status is Status.DIFFERS
    assert outcome.message == "the directory still has it"


def test_a_lost_change_is_not_repeated_over_what_somebody_else_wrote_meanwhile(between: Interpose) -> None:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(request.method == "PATCH"):
            body = request.json
            body["Operations"][0]["value"] = "Director"
            forward(with_body(request, body))
            return Reply(500)
        return forward(request)

    made = between(meddle, seed=INTERN)
    outcome = outcome_of(made.scenario.write(ENGINEER).apply(), UPDATE)
    assert outcome.status is Status.DIFFERS
    assert outcome.message == "title is 'Director', not 'Engineer'"
    assert len(made.sent("PATCH")) == 1


def test_a_change_that_never_takes_effect_is_tried_twice(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return Reply(500) if request.method == "PATCH" else forward(request)

    made = between(meddle, seed=INTERN)
    outcome = outcome_of(made.scenario.write(ENGINEER).apply(), UPDATE)
    assert (outcome.status, outcome.requests, outcome.http_status) == (Status.FAILED, 2, 500)


def test_reads_that_lag_behind_are_waited_for(between: Interpose) -> None:
    before: list[Reply] = []
    lagging = [2]

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            before.append(look(request, forward))
        elif before and request.method == "GET" and "/Users/" in request.path and lagging[0]:
            lagging[0] -= 1
            return before[0]
        return forward(request)

    made = between(meddle, seed=INTERN)
    assert made.scenario.write(ENGINEER).apply().complete


def test_what_a_directory_always_stores_differently_is_waited_for_a_few_times_only(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method != "PATCH":
            return forward(request)
        return look(request, forward)

    count = 30
    names = [f"u{number:02}" for number in range(count)]
    made = between(meddle, seed={"users": [user(name, title="Intern") for name in names]})
    scenario = replace(made.scenario, concurrency=1, settling=(0.001, 0.001))
    yaml = "users:\n" + "".join(f"  - {{userName: {name}@example.com, title: Engineer}}\n" for name in names)
    result = scenario.write(yaml).apply()
    assert result.counts[Status.DIFFERS] == count
    # One read before each write and one after; three resources were waited for, twice each.
    assert len(made.sent("GET", "/Users/")) == 2 * count + 3 * 2


def test_a_rename_that_did_not_happen_keeps_the_next_from_taking_the_name(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH" and b"third" in request.body:
            return look(request, forward)
        return forward(request)

    groups = [{"displayName": name, "externalId": name} for name in ("first", "second")]
    made = between(meddle, seed={"groups": groups})
    made.scenario.write(
        "groups:\n  - {displayName: second, externalId: first}\n  - {displayName: third, externalId: second}\n"
    )
    planned = made.scenario.plan()
    by_name = {step.name: step for step in planned.steps}
    # The planner lets renames wait for each other where names are unique; here they are made to.
    waiting = msgspec.structs.replace(by_name["first"], needs=(by_name["second"].id,), chunk=2)
    planned = seal(msgspec.structs.replace(planned, steps=(by_name["second"], waiting)))
    result = made.scenario.apply(planned)
    assert statuses(result) == {"update group:second": Status.DIFFERS, "update group:first": Status.SKIPPED}
    assert sorted(group.name for group in made.direct.live().groups) == ["first", "second"]


def test_a_step_that_needs_something_the_plan_does_not_hold_is_skipped(between: Interpose) -> None:
    made = between(pass_on, seed=INTERN)
    planned = made.scenario.write(ENGINEER).plan()
    step = msgspec.structs.replace(planned.steps[0], needs=("create user:nobody@example.com",))
    result = made.scenario.apply(seal(msgspec.structs.replace(planned, steps=(step,))))
    (outcome,) = result.outcomes
    assert outcome.status is Status.SKIPPED
    assert outcome.message == "needs “create user:nobody@example.com”, which was not tried before it"
    assert made.sent("PATCH") == []


def test_a_message_names_a_few_differences_and_quotes_no_hostile_value_whole(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            written.set()
        reply = forward(request)
        if not written.is_set() or request.method != "GET" or "/Users/" not in request.path:
            return reply
        row = json.loads(reply.content)
        return Reply(body={**row, **dict.fromkeys(attributes, "\x1b[31m" + "x" * 5000)})

    written = threading.Event()
    attributes = ("title", "nickName", "displayName", "locale", "preferredLanguage", "userType", "timezone")
    made = between(meddle, seed={"users": [user("ada")]})
    stated = ", ".join(f"{name}: en" for name in attributes)
    (outcome,) = made.scenario.write(f"users: [{{userName: ada@example.com, {stated}}}]").apply().outcomes
    assert outcome.status is Status.DIFFERS
    assert outcome.message.endswith("; 2 more")
    assert len(outcome.message) < 2000
    assert "\x1b" not in outcome.message


def test_an_account_that_a_directory_shows_without_active_works(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if request.method == "GET" and "/Users/" in request.path:
            return Reply(body={name: value for name, value in json.loads(reply.content).items() if name != "active"})
        return reply

    made = between(meddle)
    assert made.scenario.write("users: [{userName: ada@example.com}]").apply().complete

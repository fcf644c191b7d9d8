"""Going on with an earlier run: what it did is not done again, and what it may have done is looked at first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meddler import Between, Interpose, pass_on, user
from memory_journal import MemoryJournal
from reconciler.applying import Outcome, RunResult, Status
from reconciler.planning import Action, Plan
from scenario import Scenario, Start

NAMES = [f"user{number:02}@example.com" for number in range(6)]
TEAM = (
    "users:\n"
    + "".join(f"  - {{userName: {name}, title: Engineer}}\n" for name in NAMES)
    + f"groups:\n  - {{displayName: team, members: [{', '.join(NAMES)}]}}\n"
)


def outcomes_of(result: RunResult, *actions: Action) -> dict[str, Outcome]:
    """The outcomes of these steps, as the next run gets them."""
    return {
        outcome.step.id: Outcome(step=outcome.step, status=outcome.status, resource_id=outcome.resource_id)
        for outcome in result.outcomes
        if outcome.step.action in actions
    }


def go_on(scenario: Scenario, planned: Plan, **earlier: Any) -> RunResult:
    return scenario.apply_to(planned, scenario.live(), **earlier)


def test_what_is_settled_costs_no_request_and_is_built_on(start: Start) -> None:
    scenario, sandbox = start()
    planned = scenario.write(TEAM).plan()
    created = {step.id for step in planned.steps if step.action is Action.CREATE}
    first = scenario.apply(planned)
    settled = outcomes_of(first, Action.CREATE)
    live, before = scenario.live(), sandbox.request_count
    journal = MemoryJournal()
    result = scenario.apply_to(planned, live, settled=settled, journal=journal)
    assert result.complete
    # One read of the group: it has all members already.
    assert sandbox.request_count == before + 1
    assert set(journal.calls[0][1:]) == created
    assert {outcome.step.id for outcome in result.outcomes} == {step.id for step in planned.steps}
    assert journal.outcomes.keys() == {step.id for step in planned.steps}


def test_members_are_added_who_were_created_by_the_run_before(between: Interpose) -> None:
    made = between(pass_on)
    planned = made.scenario.write(TEAM).plan()
    users_and_group = TEAM.replace(f"members: [{', '.join(NAMES)}]", "members: []")
    first = made.direct.write(users_and_group).apply()
    settled = outcomes_of(first, Action.CREATE)
    result = go_on(made.scenario, planned, settled=settled)
    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert made.direct.members("team") == set(NAMES)
    assert made.sent("POST") == []


def creations_in_doubt(made: Between, unique: bool) -> RunResult:
    """Go on with a plan of which every creation was carried out, and nobody knows."""
    live = made.direct.live()
    if not unique:
        live = replace(live, capabilities=replace(live.capabilities, unique_keys=()))
    planned = made.scenario.write(TEAM).plan_for(live)
    made.direct.apply_to(planned, live)
    doubtful = [step.id for step in planned.steps]
    return made.scenario.apply_to(planned, live, doubtful=doubtful)


@pytest.mark.parametrize("unique", [True, False])
def test_a_creation_in_doubt_is_looked_for_before_it_is_sent(between: Interpose, unique: bool) -> None:
    made = between(pass_on)
    result = creations_in_doubt(made, unique)
    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert [request.method for request in made.meddler.requests if request.method != "GET"] == []
    assert len(made.direct.live().users) == len(NAMES)


def test_a_creation_in_doubt_that_never_happened_is_made(between: Interpose) -> None:
    made = between(pass_on)
    planned = made.scenario.write(TEAM).plan()
    result = go_on(made.scenario, planned, doubtful=[step.id for step in planned.steps])
    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert len(made.sent("POST")) == len(NAMES) + 1


SEED = {"users": [user("user00", title="Intern", nickName="U", locale="en")]}
CHANGED = "users: [{userName: user00@example.com, title: Engineer, nickName: User, locale: de}]"


def half_done(between: Interpose, by_hand: str) -> tuple[Between, Plan]:
    made = between(pass_on, seed=SEED)
    planned = made.scenario.write(CHANGED).plan()
    made.direct.write(f"users: [{{userName: user00@example.com, {by_hand}}}]").apply()
    return made, planned


def test_a_change_in_doubt_that_is_half_done_is_completed(between: Interpose) -> None:
    made, planned = half_done(between, "title: Engineer")
    (outcome,) = go_on(made.scenario, planned, doubtful=[planned.steps[0].id]).outcomes
    assert outcome.status is Status.APPLIED
    (written,) = made.sent("PATCH")
    assert {one["path"] for one in written.json["Operations"]} == {"nickName", "locale"}


def test_a_change_in_doubt_is_stale_where_somebody_else_was_there(between: Interpose) -> None:
    made, planned = half_done(between, "title: Engineer, nickName: Somebody")
    (outcome,) = go_on(made.scenario, planned, doubtful=[planned.steps[0].id]).outcomes
    assert outcome.status is Status.STALE
    assert made.sent("PATCH") == []


def test_a_change_that_nobody_tried_is_stale_when_it_is_half_done(between: Interpose) -> None:
    made, planned = half_done(between, "title: Engineer")
    (outcome,) = go_on(made.scenario, planned).outcomes
    assert outcome.status is Status.STALE


@pytest.mark.parametrize("happened", [True, False])
def test_a_deletion_in_doubt_is_settled_by_reading(between: Interpose, happened: bool) -> None:
    made = between(pass_on, seed=SEED)
    made.scenario.unlisted = made.direct.unlisted = ("delete", "ignore")
    planned = made.scenario.write("users: []").plan()
    if happened:
        made.direct.apply(planned)
    (outcome,) = go_on(made.scenario, planned, doubtful=[planned.steps[0].id]).outcomes
    assert outcome.status is Status.APPLIED
    assert len(made.sent("DELETE")) == (0 if happened else 1)
    assert made.direct.live().users == ()


@pytest.mark.parametrize("added", [[], NAMES[:2], NAMES])
def test_memberships_in_doubt_are_settled_by_reading(between: Interpose, added: list[str]) -> None:
    made = between(
        pass_on,
        seed={"users": [user(f"user{n:02}", title="Engineer") for n in range(6)], "groups": [{"displayName": "team"}]},
    )
    planned = made.scenario.write(TEAM).plan()
    (step,) = planned.steps
    made.direct.write(TEAM.replace(", ".join(NAMES), ", ".join(added))).apply()
    result = go_on(made.scenario, planned, doubtful=[step.id])
    assert result.complete
    assert made.direct.members("team") == set(NAMES)
    named = [one["value"] for request in made.sent("PATCH") for one in request.json["Operations"][0]["value"]]
    assert len(named) == len(NAMES) - len(added)

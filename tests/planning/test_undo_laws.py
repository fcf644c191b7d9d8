"""What holds for every undo, whatever the run did.

What equal means is told in :mod:`past_runs`.
"""

from __future__ import annotations

from copy import deepcopy

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from past_runs import facts, past_run, with_old_ids
from random_states import States, states
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Live
from reconciler.planning import Action, Plan, encode, plan
from reconciler.planning.undo import PastRun, plan_undo
from simulated_directory import SimulatedDirectory
from thoroughness import cases

law = settings(max_examples=cases(25, thorough=200), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run_of(given_states: States) -> tuple[Plan, Live] | None:
    """A plan for these states and the directory after it, or ``None`` where planning refuses."""
    try:
        made = plan(given_states.desired, given_states.live, as_of=AS_OF)
    except DiagnosticsError:
        event("refused")
        return None
    found = given_states.live
    nested = any(member in found.groups_by_id for group in found.groups for member in group.members or ())
    # Where groups are said not to nest, nobody looks for the ones that held a deleted one.
    assume(made.steps and (found.capabilities.nested_groups or not nested))
    return made, SimulatedDirectory(given_states.live).apply(made)


def told(undo: Plan) -> list[str]:
    return [note.message for note in undo.notes if note.code in ("cannot-undo", "not-as-left")]


def undone(past: PastRun, given_states: States, found: Live) -> Plan:
    return plan_undo(past, given_states.desired, found, as_of=AS_OF)


@given(states())
@law
def test_an_undo_restores_all_that_it_does_not_name(given_states: States) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, after = run
    back = undone(past_run(made, given_states.live, after), given_states, after)
    restored = SimulatedDirectory(after).apply(back)
    if told(back):
        event("told: " + told(back)[0].partition(" ")[0])
        return
    event("restored")
    before = given_states.live
    assert facts(restored, with_old_ids(before, restored)) == facts(before, {})


@given(states())
@law
def test_undoing_twice_changes_nothing_more(given_states: States) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, after = run
    past = past_run(made, given_states.live, after)
    restored = SimulatedDirectory(after).apply(undone(past, given_states, after))
    again = undone(past, given_states, restored)
    assert [step.id for step in again.steps] == []


@given(states())
@law
def test_an_undo_of_an_undo_is_the_run_again(given_states: States) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, after = run
    first = undone(past_run(made, given_states.live, after), given_states, after)
    restored = SimulatedDirectory(after).apply(first)
    second = undone(past_run(first, after, restored), given_states, restored)
    again = SimulatedDirectory(restored).apply(second)
    if not told(first) and not told(second):
        assert facts(again, with_old_ids(after, again)) == facts(after, {})


@given(states(), st.data())
@law
def test_a_run_that_stopped_anywhere_is_undone(given_states: States, data: st.DataObject) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, _ = run
    before = given_states.live
    number = data.draw(st.integers(0, len(made.steps)))
    half_way = SimulatedDirectory(before).apply(made, first=number)
    done = {step.id for step in made.steps[:number]}
    past = past_run(made, before, half_way, status=lambda step: "applied" if step.id in done else "not_tried")
    back = undone(past, given_states, half_way)
    restored = SimulatedDirectory(half_way).apply(back)
    if not told(back):
        assert facts(restored, with_old_ids(before, restored)) == facts(before, {})


@given(states(), st.data())
@law
def test_steps_of_unknown_outcome_are_judged_by_the_directory(given_states: States, data: st.DataObject) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, _ = run
    before = given_states.live
    number = data.draw(st.integers(0, len(made.steps)))
    half_way = SimulatedDirectory(before).apply(made, first=number)
    back = undone(past_run(made, before, half_way, status=lambda _: "trying"), given_states, half_way)
    restored = SimulatedDirectory(half_way).apply(back)
    if not told(back):
        assert facts(restored, with_old_ids(before, restored)) == facts(before, {})


@given(states())
@law
def test_the_same_inputs_give_the_same_bytes_and_stay_as_they_are(given_states: States) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, after = run
    past = past_run(made, given_states.live, after)
    inputs = deepcopy((past, given_states, after))
    first, second = undone(past, given_states, after), undone(past, given_states, after)
    assert encode(first) == encode(second)
    assert (past, given_states, after) == inputs


@given(states())
@law
def test_nothing_is_touched_that_the_run_did_not_touch(given_states: States) -> None:
    run = run_of(given_states)
    if run is None:
        return
    made, after = run
    past = past_run(made, given_states.live, after)
    touched = {one.resource_id for one in past.steps}
    for step in undone(past, given_states, after).steps:
        joins = step.action in (Action.ADD_MEMBERS, Action.REMOVE_MEMBERS)
        assert step.action is Action.CREATE or step.resource_id in touched or joins

"""What holds for every undo, whatever the run did.

Two states of a directory are equal here when every user and group that the run touched has the same attributes, by the
equality of SCIM, and the same members. Those that were deleted and are created again are told by their name, because
they have new ids; the memberships of others in them, and theirs in others, count all the same. What a directory itself
rewrites whenever it deactivates a user is not compared for inactive ones.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from past_runs import past_run
from random_states import States, states
from reconciler.attributes import canonical, fold
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Kind, Live, LiveResource, LiveUser
from reconciler.planning import Action, Plan, encode, plan
from reconciler.planning.undo import PastRun, plan_undo
from simulated_directory import SimulatedDirectory

law = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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


def facts(found: Live, ids: dict[str, str]) -> dict[str, tuple[Any, Any]]:
    """By what they are called, the attributes and members of all resources."""
    told: dict[str, tuple[Any, Any]] = {}
    for one in (*found.users, *found.groups):
        members = getattr(one, "members", None)
        known = None if members is None else frozenset(ids.get(member, member) for member in members)
        told[ids.get(one.id, one.id)] = (_attributes(found, one), known)
    return told


def _attributes(found: Live, one: LiveResource) -> Any:
    schema = found.schemas.user if one.kind is Kind.USER else found.schemas.group
    attributes = dict(one.attributes)
    if isinstance(one, LiveUser):
        attributes["active"] = one.active
    forms = []
    for name, value in attributes.items():
        if attributes.get("active") is False and name in found.capabilities.deactivation_mutates:
            continue
        definition = schema.find(name)
        form = canonical(value, definition)
        if isinstance(form, str):
            form = fold(form)
        if form is not None:
            forms.append((fold(name), form))
    return sorted(forms, key=repr)


def with_old_ids(before: Live, after: Live) -> dict[str, str]:
    """Return, by its id, what a resource is called: a recreated one by the id that it had before."""
    there = {one.id for one in (*before.users, *before.groups)}
    gone = {
        (one.kind, fold(one.name)): one.id
        for one in (*before.users, *before.groups)
        if one.id not in {other.id for other in after.of_kind(one.kind)}
    }
    return {
        one.id: one.id if one.id in there else gone.get((one.kind, fold(one.name)), one.id)
        for one in (*after.users, *after.groups)
    }


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

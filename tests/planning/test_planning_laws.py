"""What holds for every plan, whatever the files state and whatever the directory holds."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import States, shuffled, states
from reconciler.attributes import fold
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import DesiredGroup, DesiredUser, History, Kind, Live, Observation, Validity
from reconciler.planning import Action, Plan, PlanFileError, Reason, Step, decode, encode, plan
from reconciler.planning.ordering import phase
from simulated_directory import SimulatedDirectory
from thoroughness import cases

law = settings(max_examples=cases(35, thorough=200), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made_for(given_states: States) -> Plan | None:
    """The plan for these states, or ``None`` where they are in doubt and planning says so."""
    try:
        made = plan(given_states.desired, given_states.live, as_of=AS_OF)
    except DiagnosticsError as error:
        event("refused: " + ", ".join(sorted({diagnostic.code for diagnostic in error.diagnostics})))
        return None
    event("planned")
    return made


def unknown_members(found: Live) -> set[str]:
    return {group.id for group in found.groups if group.members is None}


def left_over(again: Plan, after: Live) -> list[str]:
    """The steps of a second plan that a first one should have made needless.

    Where the directory does not tell who is in a group, its additions can only be repeated.
    """
    unknown = unknown_members(after)
    return [step.id for step in again.steps if not (step.action is Action.ADD_MEMBERS and step.resource_id in unknown)]


@given(states())
@law
def test_after_a_plan_is_applied_there_is_nothing_left_to_plan(given_states: States) -> None:
    made = made_for(given_states)
    if made is None:
        return
    after = SimulatedDirectory(given_states.live).apply(made)
    again = plan(given_states.desired, after, as_of=AS_OF)
    assert left_over(again, after) == []


def fickle(path: str, before: Any, value: Any) -> Any:
    """Drop, shorten, rewrite and ignore, as servers do that answer 200 all the same."""
    match path:
        case "nickName":
            return None
        case "title":
            return value and f"{value}."
        case "emails" | "roles" if value:
            return [{"value": element.get("value"), "display": "made up"} for element in value[:1]]
        case "x-custom" | "name.givenName":
            return before
    return value


@given(states())
@law
def test_what_the_directory_does_not_keep_is_not_planned_for_ever(given_states: States) -> None:
    found, learned = given_states.live, list[Observation]()
    if made_for(given_states) is None:
        return
    for _ in range(3):
        directory = SimulatedDirectory(found, fickle)
        found = directory.apply(
            plan(given_states.desired, found, as_of=AS_OF, history=History(observations=tuple(learned)))
        )
        learned += directory.observations
    again = plan(given_states.desired, found, as_of=AS_OF, history=History(observations=tuple(learned)))
    assert left_over(again, found) == []


@given(states(), st.data())
@law
def test_a_run_that_stops_anywhere_is_finished_by_the_next_one(given_states: States, data: st.DataObject) -> None:
    made = made_for(given_states)
    if made is None or not made.steps:
        return
    stopped_after = data.draw(st.integers(0, len(made.steps) - 1))
    half_way = SimulatedDirectory(given_states.live).apply(made, first=stopped_after)
    rest = plan(given_states.desired, half_way, as_of=AS_OF)
    after = SimulatedDirectory(half_way).apply(rest)
    again = plan(given_states.desired, after, as_of=AS_OF)
    assert left_over(again, after) == []
    ids = [step.id for step in rest.steps if step.action is Action.CREATE]
    assert not {step.id for step in made.steps[:stopped_after]} & set(ids)


@given(states(), st.randoms())
@law
def test_the_same_states_in_any_order_give_the_same_bytes(given_states: States, chance: Random) -> None:
    made = made_for(given_states)
    if made is None:
        return
    other = shuffled(given_states.live, chance)
    assert encode(plan(given_states.desired, given_states.live, as_of=AS_OF)) == encode(made)
    assert encode(plan(given_states.desired, other, as_of=AS_OF)) == encode(made)


@given(states())
@law
def test_planning_changes_nothing_that_it_is_given(given_states: States) -> None:
    before = deepcopy(given_states)
    made_for(given_states)
    assert given_states == before


@given(states())
@law
def test_no_step_touches_what_is_out_of_scope_or_reserved(given_states: States) -> None:
    made = made_for(given_states)
    if made is None:
        return
    found, rules = given_states.live, given_states.desired.config.policy
    foreign = {
        *(one.id for one in found.users if rules.scope_users and not fold(one.name).endswith("@example.com")),
        *(one.id for one in found.groups if rules.scope_groups and not fold(one.name).startswith(("team-", "all-"))),
    }
    keeps_groups = bool(found.capabilities.reserved_groups)
    reserved = {one.id for one in found.groups if keeps_groups and fold(one.name).startswith("all-")}
    # A name that the directory made up when it deactivated somebody says nothing of who speaks for that account.
    made_up = {
        one.id for one in found.users if not one.active and "userName" in found.capabilities.deactivation_mutates
    }
    for step in made.steps:
        listed = step.correlated_by in ("id", "externalId")
        assert step.resource_id not in (foreign - made_up if listed else foreign) | reserved
        if step.action is Action.REMOVE_MEMBERS:
            assert not (foreign - made_up) & {edge.id for edge in step.members}


@given(states())
@law
def test_nothing_is_taken_away_without_a_line_or_a_policy_that_says_so(given_states: States) -> None:
    made = made_for(given_states)
    if made is None:
        return
    wanted, rules = given_states.desired, given_states.desired.config.policy
    users = {fold(one.name): one for one in wanted.users}
    groups = {fold(one.name): one for one in wanted.groups}
    live_ids = {one.id for one in given_states.live.users}
    for step in made.steps:
        match step.action, step.reason:
            case Action.DEACTIVATE, Reason.UNLISTED:
                assert rules.unlisted_users is Unlisted.DEACTIVATE
                assert fold(step.name) not in users or _renamed(made, step.name)
            case Action.DEACTIVATE, Reason.EXPIRED:
                assert any(one.lifecycle.expired(AS_OF) for one in wanted.users if _states(one, step))
            case Action.DEACTIVATE, Reason.STATED_INACTIVE:
                assert any(one.attributes["active"] is False for one in wanted.users if _states(one, step))
            case Action.DELETE, Reason.UNLISTED:
                policy_says = rules.unlisted_users if step.kind is Kind.USER else rules.unlisted_groups
                assert policy_says is Unlisted.DELETE
            case Action.DELETE, Reason.REPLACED:
                assert not given_states.live.capabilities.group_rename
                assert fold(step.replaces or "") in groups
                assert step.needs or _exists(given_states.live, step.replaces or "")
            case Action.DEACTIVATE | Action.DELETE, reason:
                raise AssertionError(f"{step.id} for {reason}")
            case Action.REMOVE_MEMBERS, _:
                assert any(one.manages_members for one in wanted.groups if step.origin == str(one.source.locate()))
                assert step.resource_id not in unknown_members(given_states.live)
                assert all(edge.id in live_ids for edge in step.members if edge.kind is Kind.USER)


@given(states())
@law
def test_nobody_goes_for_being_in_no_file_where_the_directory_has_no_listing(given_states: States) -> None:
    made = made_for(given_states)
    unlisted = [step.kind for step in made.steps if step.reason is Reason.UNLISTED] if made else []
    assert given_states.live.partial.isdisjoint(unlisted)


def _states(one: DesiredUser, step: Step) -> bool:
    """Whether the place that a step names as its origin is in this user's lines."""
    return (step.origin or "").startswith(str(one.source))


def _renamed(made: Plan, name: str) -> bool:
    """Whether a plan gives somebody this name, whose holder it takes it from."""
    return any(fold(name) == fold(str(change.before)) for step in made.steps for change in step.changes)


def _exists(found: Live, name: str) -> bool:
    return any(fold(one.name) == fold(name) for one in found.groups)


@given(states())
@law
def test_the_directory_ends_up_as_the_files_state(given_states: States) -> None:
    made = made_for(given_states)
    if made is None:
        return
    after = SimulatedDirectory(given_states.live).apply(made)
    found = {fold(one.name): one for one in after.users}
    for one in given_states.desired.users:
        if one.lifecycle.not_started(AS_OF):
            continue
        if one.lifecycle.expired(AS_OF):
            assert not any(other.active for name, other in found.items() if name == fold(one.name))
            continue
        user = found[fold(one.name)]
        assert user.active is one.attributes["active"]
        rewritten = not user.active and given_states.live.capabilities.deactivation_mutates
        if "title" in one.attributes and not rewritten:
            assert fold(user.attributes.get("title") or "") == fold(one.attributes["title"] or "")
        assert "externalId" not in one.attributes or user.external_id == one.external_id
    _assert_members(given_states, after)


def _assert_members(given_states: States, after: Live) -> None:
    """Compare memberships with those of a naive reading of the files, for users that are listed."""
    wanted = given_states.desired
    users = {fold(one.name): one for one in wanted.users}
    groups = {fold(one.name): one for one in wanted.groups}
    if any(not one.manages_members for one in wanted.groups):
        return
    names = {one.id: fold(one.name) for one in after.users}
    for name, one in groups.items():
        bearers = [group for group in after.groups if fold(group.name) == name]
        if len(bearers) > 1 or bearers[0].members is None:
            continue
        [found] = bearers
        counted = _counted(one, users, groups, flat=not after.capabilities.nested_groups)
        listed_here = {names[member] for member in found.members or () if names.get(member) in users}
        assert listed_here == counted


def _counts(entry: Validity) -> bool:
    return not (entry.not_started(AS_OF) or entry.expired(AS_OF))


def _counted(
    one: DesiredGroup, users: dict[str, DesiredUser], groups: dict[str, DesiredGroup], *, flat: bool
) -> set[str]:
    names: set[str] = set()
    for member in one.members or ():
        if not _counts(member):
            continue
        if member.kind is Kind.USER:
            names.add(fold(member.name))
        elif flat:
            names |= _counted(groups[fold(member.name)], users, groups, flat=True)
    for name, listed in users.items():
        title = listed.attributes.get("title")
        match one.match:
            case 'title eq "A" and active eq true':
                names |= {name} if fold(title or "") == "a" and listed.attributes["active"] else set()
            case "not (title pr)":
                names |= set() if title else {name}
    return {name for name in names if _counts(users[name].lifecycle)}


@given(states())
@law
def test_phases_chunks_and_ids_are_in_order(given_states: States) -> None:
    made = made_for(given_states)
    if made is None:
        return
    ids = [step.id for step in made.steps]
    assert len(set(ids)) == len(ids)
    assert [phase(step) for step in made.steps] == sorted(phase(step) for step in made.steps)
    numbers = [number for number, _ in made.chunks()]
    assert numbers == list(range(1, len(numbers) + 1))
    done: set[str] = set()
    for _, steps in made.chunks():
        assert len(steps) <= given_states.desired.config.policy.chunk_size
        assert len({phase(step) for step in steps}) == 1
        assert all(done.issuperset(step.needs) for step in steps)
        done |= {step.id for step in steps}


@given(states(), st.data())
@law
def test_a_plan_file_reads_back_and_a_changed_byte_is_found(given_states: States, data: st.DataObject) -> None:
    made = made_for(given_states)
    if made is None:
        return
    file = encode(made)
    assert decode(file) == made
    position = data.draw(st.integers(0, len(file) - 1))
    changed = bytes([*file[:position], data.draw(st.integers(0, 255)), *file[position + 1 :]])
    if changed != file:
        with pytest.raises(PlanFileError):
            decode(changed)

"""The effect of every plan is what one finds who goes through all groups before and after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF, planned
from naive_access import NaiveAccess, naive_access
from past_runs import past_run
from random_changes import random_changes
from random_states import GROUP_NAMES, OTHER_GROUP_NAMES, USER_NAMES, states
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Kind, Live
from reconciler.planning import Action, Plan, Step, plan
from reconciler.planning.access import effect_on
from reconciler.planning.effect import AccessChange, GroupEffect, UserEffect
from reconciler.planning.undo import plan_undo
from simulated_directory import RefusedError, SimulatedDirectory
from thoroughness import cases

law = settings(max_examples=cases(40, thorough=600), deadline=None, suppress_health_check=list(HealthCheck))

ADDRESSES = (
    *(f"user:{name}" for name in USER_NAMES),
    *(f"group:{name}" for name in (*GROUP_NAMES, *OTHER_GROUP_NAMES)),
)


@dataclass(frozen=True)
class Planned:
    """A plan, the directory that it is for, and what really happens to access there."""

    live: Live
    made: Plan
    naive: NaiveAccess

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Show a counterexample without the schemas, which never vary. The name is hypothesis's."""
        found = [f"{one.id}: {one.attributes}" for one in self.live.users]
        found += [f"{one.id}: {one.attributes} {one.members}" for one in self.live.groups]
        steps = [f"{step.id}: {step.changes} {step.members}" for step in self.made.steps]
        printer.text("\n".join(["", *found, repr(self.live.partial), *steps, repr(self.made.effect)]))

    def person(self, effect: UserEffect) -> str:
        return effect.id or Kind.USER.address(effect.name)

    def group(self, effect: GroupEffect) -> str:
        return effect.id or Kind.GROUP.address(effect.name)

    def names(self, people: Iterable[str]) -> Counter[str]:
        return Counter(map(self.naive.name, people))


@st.composite
def plans_of_files(draw: st.DrawFn) -> Planned:
    """Plans of everything or of a part, and undos of them."""
    given_states = draw(states())
    some = st.lists(st.sampled_from(ADDRESSES), max_size=2, unique=True)
    wanted, live = given_states.desired, given_states.live
    rules = wanted.config.policy
    if draw(st.booleans()):
        rules = replace(rules, only=tuple(draw(some)), exclude=tuple(draw(some)))
    try:
        made = plan(wanted, live, as_of=AS_OF, policy=rules)
        if made.steps and draw(st.integers(0, 3)) == 0:
            after = SimulatedDirectory(live).apply(made)
            live, made = after, plan_undo(past_run(made, live, after), wanted, after, as_of=AS_OF)
            event("an undo")
    except DiagnosticsError:
        assume(False)
    return Planned(live, made, naive_access(live, made))


@st.composite
def plans_of_steps(draw: st.DrawFn, all_read: bool | None = None) -> Planned:
    """Plans of steps that no files gave."""
    drawn = draw(random_changes(all_read=all_read))
    made = msgspec.structs.replace(
        planned([], drawn.live), steps=drawn.steps, effect=effect_on(drawn.live, drawn.steps)
    )
    return Planned(drawn.live, made, carried_out(drawn.live, made))


def carried_out(live: Live, made: Plan) -> NaiveAccess:
    try:
        return naive_access(live, made)
    except RefusedError:  # A group would be in itself.
        assume(False)
        raise


plans = plans_of_files() | plans_of_steps()


def people(changes: Iterable[AccessChange]) -> Counter[str]:
    return Counter(name for change in changes for name in change.users)


@given(plans)
@law
def test_nobody_gains_or_loses_access_untold_and_nobody_is_told_who_does_not(case: Planned) -> None:
    naive, told = case.naive, {case.group(one): one for one in case.made.effect.groups}
    assert set(told) <= naive.groups
    for group in naive.groups:
        had, has = naive.had(group), naive.has(group)
        effect = told.get(group)
        assert (effect is not None) is (had != has)
        if effect is not None:
            assert effect.name == naive.name(group)
            assert people(effect.gained) == case.names(has - had)
            assert people(effect.lost) == case.names(had - has)
            assert Counter(effect.kept) == case.names(had & has)
            event(f"through other groups: {any(one.via for one in (*effect.gained, *effect.lost))}")


@given(plans)
@law
def test_people_are_counted_where_everybody_is_known_and_nowhere_else(case: Planned) -> None:
    naive = case.naive
    for effect in case.made.effect.groups:
        group = case.group(effect)
        assert effect.before == (None if group in naive.before.in_doubt else len(naive.had(group)))
        assert effect.after == (None if group in naive.after.in_doubt else len(naive.has(group)))


@given(plans)
@law
def test_everybody_whose_access_changes_is_told_with_the_groups_that_stay(case: Planned) -> None:
    naive, told = case.naive, {case.person(one): one for one in case.made.effect.users}
    changed = {one for group in naive.groups for one in naive.had(group) ^ naive.has(group)}
    assert set(told) == changed
    unread = Kind.GROUP in case.live.partial
    for person, effect in told.items():
        had, has = naive.before.groups_of(person), naive.after.groups_of(person)
        assert effect.name == naive.name(person)
        assert Counter(effect.kept) == case.names(had & has)
        assert effect.before in (None, len(had))
        assert effect.after in (None, len(has))
        if not unread and naive.before.silent <= had and naive.after.silent <= has:
            assert None not in (effect.before, effect.after)
        off = (not had and effect.before == 0, not has and effect.after == 0)
        if unread or not naive.before.silent <= had:
            assert effect.before is None or off[0]
        if (unread or not naive.after.silent <= has) and effect.id is not None:
            assert effect.after is None or off[1]


@given(plans)
@law
def test_every_cause_is_a_step_that_changes_the_way_between_the_group_and_the_people(case: Planned) -> None:
    naive, steps = case.naive, {step.id: step for step in case.made.steps}
    granting = {Action.ADD_MEMBERS, Action.CREATE, Action.REACTIVATE, Action.UPDATE}
    taking = {Action.REMOVE_MEMBERS, Action.DELETE, Action.DEACTIVATE, Action.UPDATE}
    for effect in case.made.effect.groups:
        for changes, actions in ((effect.gained, granting), (effect.lost, taking)):
            for change in changes:
                assert steps[change.step].action in actions
                assert _is_about(naive, steps[change.step], change, effect)


def _is_about(naive: NaiveAccess, step: Step, change: AccessChange, effect: GroupEffect) -> bool:
    """Tell whether a step is about the people, about a group of the way to them, or about a membership of the way."""
    name = naive.name(step.resource_id or step.address)
    way = (effect.name, *change.via)
    if step.kind is Kind.USER:
        return set(change.users) == {name}
    if not step.members:
        return name in way
    moved = {naive.name(edge.id or edge.address) for edge in step.members}
    next_on_the_way = {*way[way.index(name) + 1 :][:1]} or {*change.users}
    return moved >= next_on_the_way


@given(plans_of_steps(all_read=False), st.data())
@law
def test_whoever_really_is_in_groups_that_do_not_tell_nothing_is_wrong_that_is_not_said_to_be_unknown(
    case: Planned, data: st.DataObject
) -> None:
    ids = [user.id for user in case.live.users]
    real = carried_out(_revealed(case, lambda: data.draw(st.sets(st.sampled_from(ids)))), case.made)
    told, unknown = {case.group(one): one for one in case.made.effect.groups}, set(case.made.effect.unknown)
    for group in real.groups:
        had, has, effect = real.had(group), real.has(group), told.get(group)
        if real.name(group) not in unknown:
            assert people(effect.gained if effect else ()) == case.names(has - had)
            assert people(effect.lost if effect else ()) == case.names(had - has)
        if effect is not None:
            assert effect.before in (None, len(had))
            assert effect.after in (None, len(has))
    for one in case.made.effect.users:
        person = case.person(one)
        assert one.before in (None, len(real.before.groups_of(person)))
        assert one.after in (None, len(real.after.groups_of(person)))


def _revealed(case: Planned, members: Callable[[], set[str]]) -> Live:
    """The directory with somebody in every group that does not tell: those whom the plan takes out, and others."""
    out = {
        group: {edge.id for step in case.made.steps if _takes_out(step, group) for edge in step.members if edge.id}
        for group in case.naive.before.silent
    }
    groups = (
        replace(one, members=tuple({*out[one.id], *members()})) if one.members is None else one
        for one in case.live.groups
    )
    return replace(case.live, groups=tuple(groups))


def _takes_out(step: Step, group: str) -> bool:
    return step.action is Action.REMOVE_MEMBERS and step.resource_id == group


@given(plans)
@law
def test_nothing_is_unknown_where_everything_was_read(case: Planned) -> None:
    if not case.naive.before.silent and not case.live.partial:
        assert case.made.effect.unknown == ()
        assert all(None not in (one.before, one.after) for one in case.made.effect.groups)
        assert all(None not in (one.before, one.after) for one in case.made.effect.users)

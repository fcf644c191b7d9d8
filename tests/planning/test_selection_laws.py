"""What holds for every plan of which a part is taken, whatever that part is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import States, states
from reconciler.config import Policy
from reconciler.diagnostics import DiagnosticsError
from reconciler.planning import Action, Plan, Reason, encode, plan
from reconciler.planning.document import digest
from reconciler.planning.selection import select_kinds
from reconciler.planning.vocabulary import CHANGE_KINDS
from simulated_directory import SimulatedDirectory
from thoroughness import cases

law = settings(max_examples=cases(25, thorough=200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
FILTERS = (
    'users[userName sw "a" or userName sw "b"]',
    'users[title eq "a"]',
    "users[active eq true]",
    'groups[displayName sw "team-" and not (displayName eq "team-a")]',
)
EVERYTHING = ("users[userName pr]", "groups[displayName pr]")


@dataclass
class Parts:
    """A plan, and a part of it."""

    given: States
    rules: Policy
    whole: Plan
    part: Plan


def made_for(given_states: States, rules: Policy) -> Plan | None:
    try:
        return plan(given_states.desired, given_states.live, as_of=AS_OF, policy=rules)
    except DiagnosticsError:
        return None


@st.composite
def selections(draw: st.DrawFn) -> Parts | None:
    """A plan and what a random choice leaves of it, or ``None`` where the states are in doubt."""
    found = draw(states())
    rules = replace(found.desired.config.policy, canary=draw(st.integers(1, 3)))
    whole = made_for(found, rules)
    if whole is None:
        return None
    addresses = {one.address for one in (*found.live.users, *found.live.groups)}
    addresses |= {one.address for one in (*found.desired.users, *found.desired.groups)}
    choices = st.lists(st.sampled_from([*FILTERS, *sorted(addresses)]), max_size=3)
    rules = replace(rules, only=tuple(draw(choices)), exclude=tuple(draw(choices)))
    part = made_for(found, rules)
    assert part is not None
    return Parts(found, rules, whole, part)


@st.composite
def approvals(draw: st.DrawFn) -> Parts | None:
    """A plan and what may go unattended of it, or ``None`` where the states are in doubt."""
    found = draw(states())
    rules = replace(found.desired.config.policy, canary=draw(st.integers(1, 3)))
    whole = made_for(found, rules)
    if whole is None:
        return None
    kinds = draw(st.sets(st.sampled_from(CHANGE_KINDS)))
    return Parts(found, rules, whole, select_kinds(whole, kinds, live=found.live, canary=rules.canary))


parts = selections() | approvals()


@given(parts)
@law
def test_a_part_holds_nothing_that_the_whole_does_not(one: Parts | None) -> None:
    if one is None:
        return
    event(f"part of the steps: {0 < len(one.part.steps) < len(one.whole.steps)}")
    position = {step.id: (number, step) for number, step in enumerate(one.whole.steps)}
    for step in one.part.steps:
        _, original = position[step.id]
        assert set(step.members) <= set(original.members)
        assert bool(step.members) is bool(original.members)
        assert msgspec.structs.replace(step, chunk=0, members=()) == msgspec.structs.replace(
            original, chunk=0, members=()
        )
    order = [position[step.id][0] for step in one.part.steps]
    assert order == sorted(set(order))


@given(parts)
@law
def test_every_step_and_every_membership_stays_or_is_counted_as_left_out(one: Parts | None) -> None:
    if one is None:
        return
    kept = {step.id: len(step.members) or 1 for step in one.part.steps}
    for step in one.whole.steps:
        told = [entry for entry in one.part.left_out if entry.step == step.id]
        gone = sum(entry.members or len(step.members) or 1 for entry in told)
        assert kept.get(step.id, 0) + gone == (len(step.members) or 1)
        assert len({entry.why for entry in told}) == len(told)
    assert {entry.step for entry in one.part.left_out} <= {step.id for step in one.whole.steps}


@given(parts)
@law
def test_a_part_has_all_that_it_needs(one: Parts | None) -> None:
    if one is None:
        return
    original = {step.id: step for step in one.whole.steps}
    kept = {step.id: step for step in one.part.steps}
    for step in one.part.steps:
        for need in step.needs:
            assert kept[need].members == original[need].members
    # It raises where a step names somebody who is not there.
    SimulatedDirectory(one.given.live).apply(one.part)


@given(parts)
@law
def test_a_replacement_is_kept_whole_or_left_out_whole(one: Parts | None) -> None:
    if one is None:
        return
    kept = {step.id: step.members for step in one.part.steps}
    for deletion in one.whole.steps:
        if deletion.action is Action.DELETE and deletion.reason is Reason.REPLACED:
            members = {step.id: step.members for step in one.whole.steps}
            together = (*deletion.needs, deletion.id)
            event("a replacement")
            assert [kept.get(step) for step in together] in (
                [members[step] for step in together],
                [None for _ in together],
            )


@given(parts)
@law
def test_chunks_are_numbered_from_one_and_begin_with_the_canary(one: Parts | None) -> None:
    if one is None:
        return
    numbers, chunks = zip(*one.part.chunks(), strict=True) if one.part.steps else ((), ())
    assert numbers == tuple(range(1, len(numbers) + 1))
    assert all(len(chunk) <= one.rules.chunk_size for chunk in chunks)
    assert all(len(chunk) <= one.rules.canary for chunk in chunks[:1])
    done: set[str] = set()
    for chunk in chunks:
        assert all(done.issuperset(step.needs) for step in chunk)
        done |= {step.id for step in chunk}


@given(parts)
@law
def test_the_rest_can_be_done_another_day(one: Parts | None) -> None:
    """A part leaves nothing that a whole plan would not put right."""
    if one is None:
        return
    after_part = SimulatedDirectory(one.given.live).apply(one.part)
    rules = one.given.desired.config.policy
    rest = plan(one.given.desired, after_part, as_of=AS_OF, policy=rules)
    after = SimulatedDirectory(after_part).apply(rest)
    unknown = {group.id for group in after.groups if group.members is None}
    again = plan(one.given.desired, after, as_of=AS_OF, policy=rules)
    assert [step.id for step in again.steps if step.resource_id not in unknown] == []


@given(selections())
@law
def test_the_same_selection_gives_the_same_bytes(one: Parts | None) -> None:
    if one is not None:
        assert encode(plan(one.given.desired, one.given.live, as_of=AS_OF, policy=one.rules)) == encode(one.part)


@given(states())
@law
def test_a_selection_of_everything_changes_nothing(given_states: States) -> None:
    rules = given_states.desired.config.policy
    whole, part = made_for(given_states, rules), made_for(given_states, replace(rules, only=EVERYTHING))
    if whole is not None and part is not None:
        notes = tuple(note for note in part.notes if note.code != "selects-nothing")
        assert msgspec.structs.replace(part, only=(), notes=notes, digest=whole.digest) == whole


@given(states(), st.sets(st.sampled_from(CHANGE_KINDS)))
@law
def test_only_what_is_approved_goes_unattended(given_states: States, kinds: set[str]) -> None:
    whole = made_for(given_states, given_states.desired.config.policy)
    if whole is None:
        return
    part = select_kinds(whole, kinds, live=given_states.live)
    assert all(kinds.issuperset(step.change_kinds) for step in part.steps)
    assert part.digest == digest(part)
    assert part.guards == whole.guards
    assert select_kinds(part, kinds, live=given_states.live) == part
    assert select_kinds(whole, CHANGE_KINDS, live=given_states.live) is whole
    assert select_kinds(whole, (), live=given_states.live).steps == ()

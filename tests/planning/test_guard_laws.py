"""What guards promise holds for every plan, and at every moment while it is carried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import GROUP_NAMES, USER_NAMES, States, shuffled, states
from reconciler.attributes import fold
from reconciler.config import Allowance, Guards, Limit, Protection
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Kind, Live, LiveGroup
from reconciler.planning import Action, Plan, plan
from reconciler.planning.guarding import LIFTABLE, Liftable
from simulated_directory import SimulatedDirectory
from thoroughness import cases

law = settings(max_examples=cases(25, thorough=200), deadline=None, suppress_health_check=[HealthCheck.too_slow])

_USERS = st.sampled_from(USER_NAMES)
_GROUPS = st.sampled_from(GROUP_NAMES)
protections = st.builds(
    Protection,
    users=st.lists(st.sampled_from([*USER_NAMES, "*N@*", "?ob@example.com"]), max_size=2).map(tuple),
    groups=st.lists(st.sampled_from([*GROUP_NAMES, "TEAM-?"]), max_size=2).map(tuple),
    break_glass=st.lists(_USERS, max_size=2).map(tuple),
    privileged=st.lists(_GROUPS, max_size=1).map(tuple),
    min_members=st.dictionaries(_GROUPS, st.integers(0, 3), max_size=2),
    required_members=st.dictionaries(_GROUPS, st.lists(_USERS, max_size=2).map(tuple), max_size=2),
)

allowances = st.builds(
    Allowance,
    guard=st.sampled_from([guard for guard, liftable in LIFTABLE.items() if liftable != Liftable(whole=True)]),
    count=st.none() | st.integers(0, 3),
    subject=st.none() | _GROUPS.map(Kind.GROUP.address),
)


def made_for(given_states: States, protection: Protection) -> Plan | None:
    """The plan for these states, or ``None`` where they are in doubt and planning says so."""
    policy = replace(given_states.desired.config.policy, protection=protection)
    try:
        return plan(given_states.desired, given_states.live, as_of=AS_OF, policy=policy)
    except DiagnosticsError:
        return None


def moments(found: Live, made: Plan) -> Iterator[Live]:
    """What the directory holds before the first step, and after each."""
    directory = SimulatedDirectory(found)
    yield found
    for number in range(len(made.steps)):
        yield directory.apply(only(made, number))


def only(made: Plan, number: int) -> Plan:
    """A plan of one step of another. It is not sealed; the directory does not look."""
    return msgspec.structs.replace(made, steps=made.steps[number : number + 1])


def successors(made: Plan) -> dict[str, str]:
    """The names of the groups that take the place of deleted ones, by the id of these."""
    return {
        step.resource_id: step.replaces
        for step in made.steps
        if step.kind is Kind.GROUP and step.action is Action.DELETE and step.replaces and step.resource_id
    }


def named(live: Live, name: str) -> LiveGroup:
    return next(group for group in live.groups if fold(group.name) == fold(name))


@given(states(), protections)
@law
def test_a_plan_that_is_not_refused_takes_nothing_that_is_protected(
    given_states: States, protection: Protection
) -> None:
    made = made_for(given_states, protection)
    if made is None or made.refusals:
        return
    before = given_states.live
    heirs = successors(made)
    break_glass = {user.id for user in before.users if fold(user.name) in map(fold, protection.break_glass)}
    minima = {fold(name): number for name, number in protection.min_members.items()}
    privileged = {*map(fold, protection.privileged)}
    patterns = {Kind.USER: protection.users, Kind.GROUP: protection.groups}
    for step in made.steps:
        if step.action in (Action.DEACTIVATE, Action.DELETE):
            assert not any(fnmatchcase(fold(step.name), fold(one)) for one in patterns[step.kind])
    for live in moments(before, made):
        for user_id in break_glass:
            assert live.users_by_id[user_id].active or not before.users_by_id[user_id].active
        for group in before.groups:
            now = live.groups_by_id.get(group.id)
            members = set(group.members or ())
            if fold(group.name) in privileged:
                assert now is not None
                assert set(now.members or ()) == members
            if now is None:
                # Only unprotected groups go, and break-glass users are in what takes their place.
                held = set(named(live, heirs[group.id]).members or ()) if group.id in heirs else set()
                assert members & break_glass <= held
                continue
            assert members & break_glass <= set(now.members or ())
            minimum = minima.get(fold(group.name), 0)
            if group.members is not None and len(members) >= minimum and group.id not in heirs:
                assert len(set(now.members or ())) >= minimum


@given(states(), st.dictionaries(_GROUPS, st.integers(1, 3), min_size=1, max_size=2), st.data())
@law
def test_a_group_keeps_its_minimum_whatever_additions_fail(
    given_states: States, minimums: dict[str, int], data: st.DataObject
) -> None:
    """Applying skips what needs a failed step, and counts before each removal, as is done here."""
    made = made_for(given_states, Protection(min_members=minimums))
    if made is None or made.refusals:
        return
    minima = {fold(name): number for name, number in minimums.items()}
    before = given_states.live
    had = {group.id for group in before.groups if len(set(group.members or ())) >= minima.get(fold(group.name), 0)}
    heirs = successors(made)
    directory, now, done = SimulatedDirectory(before), before, set[str]()
    for number, step in enumerate(made.steps):
        if not done.issuperset(step.needs):
            continue
        if step.action is Action.ADD_MEMBERS and data.draw(st.booleans()):
            continue
        if step.action is Action.REMOVE_MEMBERS and step.min_members is not None and step.resource_id is not None:
            members = set(now.groups_by_id[step.resource_id].members or ())
            if len(members - {edge.id for edge in step.members}) < step.min_members:
                continue
        now = directory.apply(only(made, number))
        done.add(step.id)
        for group in now.groups:
            if group.id in had and group.members is not None and group.id not in heirs:
                assert len(set(group.members)) >= minima.get(fold(before.groups_by_id[group.id].name), 0)


@given(states(), protections, st.randoms())
@law
def test_the_verdicts_do_not_depend_on_the_order_of_a_listing(
    given_states: States, protection: Protection, chance: Random
) -> None:
    made = made_for(given_states, protection)
    other = made_for(replace(given_states, live=shuffled(given_states.live, chance)), protection)
    assert (made and made.guards) == (other and other.guards)


@given(states())
@law
def test_the_numbers_are_those_of_what_is_otherwise_afterwards(given_states: States) -> None:
    made = made_for(given_states, Protection())
    if made is None:
        return
    before, after = given_states.live, SimulatedDirectory(given_states.live).apply(made)
    told = {one.guard: one.number for one in made.guards if one.subject is None}
    for kind, guard in ((Kind.USER, "users"), (Kind.GROUP, "groups")):
        had, has = ({one.id for one in live.of_kind(kind)} for live in (before, after))
        assert (told[f"{guard}.create"], told[f"{guard}.delete"]) == (len(has - had), len(had - has))
    off = [one for one in before.users if one.active and one.id in after.users_by_id]
    assert told["users.deactivate"] == sum(not after.users_by_id[one.id].active for one in off)


@given(states(), st.lists(allowances, max_size=4).map(tuple))
@law
def test_only_an_allowance_of_a_guard_and_a_resource_lifts_it(
    given_states: States, allowed: tuple[Allowance, ...]
) -> None:
    """With limits that let nothing pass, so that every change is refused unless it is lifted."""
    rules = replace(
        given_states.desired.config.policy,
        guards=Guards(**dict.fromkeys(Guards.__slots__, Limit(count=0))),
        protection=Protection(privileged=("team-a", "team-b")),
        allowances=allowed,
        reason="OPS-1234",
    )
    try:
        made = plan(given_states.desired, given_states.live, as_of=AS_OF, policy=rules)
    except DiagnosticsError:
        return
    for verdict in made.guards:
        lifted = any(
            one.guard == verdict.guard
            and (one.count is None or verdict.number <= one.count)
            and (fold(one.subject) == fold(verdict.subject or "") if one.subject else verdict.guard != "privileged")
            for one in allowed
        )
        # Where nothing changes, nothing has to be lifted.
        assert verdict.passed == (lifted or not verdict.number)


@given(states())
@law
def test_the_memberships_that_end_are_those_that_are_gone_afterwards(given_states: States) -> None:
    made = made_for(given_states, Protection())
    if made is None:
        return
    before, after = given_states.live, SimulatedDirectory(given_states.live).apply(made)
    heirs = successors(made)
    ended = 0
    for group in before.groups:
        now = after.groups_by_id.get(group.id)
        if now is None and group.id in heirs:
            now = named(after, heirs[group.id])
        kept = set(now.members or ()) if now is not None else set()
        # A replaced group is still there as the one that took its place.
        kept |= {old for old, name in heirs.items() if named(after, name).id in kept} if group.id in heirs else set()
        ended += len(set(group.members or ()) - kept)
    [verdict] = [one for one in made.guards if one.guard == "memberships.remove"]
    assert verdict.number == ended

"""A saved plan is held to what ``protect`` says when it is applied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import GROUP_NAMES, USER_NAMES, States, states
from reconciler.config import Protection
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Kind
from reconciler.planning import Action, Change, Plan, Reason, Step, plan
from reconciler.planning.guarding import forbidden_by_now
from reconciler.planning.plan import Edge, Verdict
from stores import plan_of
from thoroughness import cases

law = settings(max_examples=cases(25, thorough=200), deadline=None, suppress_health_check=[HealthCheck.too_slow])

_USERS = st.sampled_from(USER_NAMES)
_GROUPS = st.sampled_from(GROUP_NAMES)
protections = st.builds(
    Protection,
    users=st.lists(st.sampled_from([*USER_NAMES, "*N@*"]), max_size=2).map(tuple),
    groups=st.lists(st.sampled_from([*GROUP_NAMES, "TEAM-?"]), max_size=2).map(tuple),
    break_glass=st.lists(_USERS, max_size=2).map(tuple),
    privileged=st.lists(_GROUPS, max_size=1).map(tuple),
    min_members=st.dictionaries(_GROUPS, st.integers(0, 3), max_size=2),
    required_members=st.dictionaries(_GROUPS, st.lists(_USERS, max_size=2).map(tuple), max_size=2),
)


def made_for(given_states: States, protection: Protection) -> Plan | None:
    policy = replace(given_states.desired.config.policy, protection=protection)
    try:
        return plan(given_states.desired, given_states.live, as_of=AS_OF, policy=policy)
    except DiagnosticsError:
        return None


def step(action: Action, kind: Kind, name: str, **fields: Any) -> Step:
    return Step(
        id=f"{action} {kind.address(name)}",
        action=action,
        kind=kind,
        name=name,
        reason=Reason.DIFFERS,
        resource_id=f"id of {name}",
        **fields,
    )


def renaming(kind: Kind, name: str, after: str) -> Step:
    change = Change(path=kind.naming_attribute, before=name, after=after, identity=True)
    return step(Action.UPDATE, kind, name, changes=(change,))


def members(action: Action, *names: str, **fields: Any) -> Step:
    edges = tuple(Edge(kind=Kind.USER, name=name, id=f"id of {name}", reason=Reason.LISTED) for name in names)
    return step(action, Kind.GROUP, "Team", members=edges, **fields)


ADA, TEAM = "ada@example.com", "Team"
TAKEN = [
    (step(Action.DEACTIVATE, Kind.USER, ADA), {"users": ("ADA@*",)}, "protected"),
    (step(Action.DELETE, Kind.GROUP, TEAM), {"groups": ("te?m",)}, "protected"),
    (step(Action.DELETE, Kind.GROUP, TEAM, replaces="Crew"), {"groups": ("crew",)}, "protected"),
    (step(Action.DEACTIVATE, Kind.USER, ADA), {"break_glass": ("Ada@example.com",)}, "break_glass"),
    (renaming(Kind.USER, ADA, "eve@example.com"), {"break_glass": (ADA,)}, "break_glass"),
    (members(Action.REMOVE_MEMBERS, "bob@example.com", ADA), {"break_glass": (ADA,)}, "break_glass"),
    (members(Action.REMOVE_MEMBERS, ADA), {"required_members": {"team": (ADA,)}}, "required_members"),
    (members(Action.REMOVE_MEMBERS, ADA), {"min_members": {"team": 2}}, "min_members"),
    (members(Action.REMOVE_MEMBERS, ADA, min_members=1), {"min_members": {"team": 2}}, "min_members"),
    (members(Action.ADD_MEMBERS, ADA), {"privileged": ("T*",)}, "privileged"),
    (renaming(Kind.GROUP, "Crew", TEAM), {"privileged": ("team",)}, "privileged"),
]
LEFT = [
    (step(Action.REACTIVATE, Kind.USER, ADA), {"users": ("ada@*",), "break_glass": (ADA,)}),
    (renaming(Kind.USER, ADA, "Ada@example.com"), {"break_glass": (ADA,)}),
    (members(Action.ADD_MEMBERS, ADA), {"break_glass": (ADA,), "min_members": {"team": 2}}),
    (members(Action.REMOVE_MEMBERS, "bob@example.com"), {"required_members": {"team": (ADA,)}}),
    (members(Action.REMOVE_MEMBERS, ADA), {"required_members": {"crew": (ADA,)}}),
    (members(Action.REMOVE_MEMBERS, ADA, min_members=2), {"min_members": {"team": 2}}),
    (step(Action.DELETE, Kind.GROUP, "[T]eam"), {"groups": ("team",)}),
]


@pytest.mark.parametrize(("taken", "protect", "guard"), TAKEN)
def test_what_is_protected_by_now_is_refused(taken: Step, protect: dict[str, Any], guard: str) -> None:
    (verdict,) = forbidden_by_now(plan_of(taken), Protection(**protect))
    assert (verdict.guard, verdict.subject, verdict.passed) == (guard, taken.address, False)


@pytest.mark.parametrize(("left", "protect"), LEFT)
def test_what_takes_nothing_away_is_left(left: Step, protect: dict[str, Any]) -> None:
    assert forbidden_by_now(plan_of(left), Protection(**protect)) == ()


def test_an_allowance_that_was_reviewed_stays_one() -> None:
    lifted = Verdict(guard="privileged", passed=True, number=1, limit="0", subject="group:Team", allowed_by="OPS-1")
    made = plan_of(members(Action.ADD_MEMBERS, ADA), guards=(lifted,))
    assert forbidden_by_now(made, Protection(privileged=("team",))) == ()


@law
@given(states(), protections)
def test_what_guards_have_accepted_is_accepted_as_long_as_nothing_is_changed(
    given_states: States, protection: Protection
) -> None:
    made = made_for(given_states, protection)
    refused = {verdict.guard for verdict in made.refusals} if made else set()
    forbidden = {verdict.guard for verdict in forbidden_by_now(made, protection)} if made else set()
    assert forbidden <= refused


@law
@given(states(), protections)
def test_what_is_protected_since_a_plan_was_made_is_found_in_it(given_states: States, protection: Protection) -> None:
    before, after = made_for(given_states, Protection()), made_for(given_states, protection)
    if before is None or after is None:
        return
    found = {verdict.guard for verdict in forbidden_by_now(before, protection)}
    refused = {verdict.guard for verdict in after.refusals if verdict not in before.refusals}
    # In no plan is which groups somebody leaves with the account, and what is inside a privileged group.
    groups = given_states.live.groups_by_id
    nested = any(not groups.keys().isdisjoint(group.members or ()) for group in groups.values())
    deleted = any(step.action is Action.DELETE for step in before.steps)
    wanted = {"protected"} if nested or deleted else {"protected", "privileged"}
    assert refused & wanted <= found

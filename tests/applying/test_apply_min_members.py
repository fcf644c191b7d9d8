"""A group with a minimum of members has them at every moment of an apply, also when other steps fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Meddle, pass_on, user
from misreading import empties, ignores, misreading, writing
from reconciler.applying import RunResult, Status
from reconciler.capabilities import MemberRemove, MembersRead
from reconciler.model import Kind
from reconciler.planning import Action, Plan

LETTERS = "abcdefgh"


def addresses(letters: str) -> list[str]:
    return [f"{letter}@example.com" for letter in letters]


def seed(**groups: str) -> dict[str, Any]:
    teams = [{"displayName": name, "members": addresses(members)} for name, members in groups.items()]
    return {"users": [user(letter) for letter in LETTERS], "groups": teams}


def files(**groups: str) -> str:
    users = "".join(f"  - {{userName: {name}}}\n" for name in addresses(LETTERS))
    teams = "".join(
        f"  - {{displayName: {name}, members: [{', '.join(addresses(members))}]}}\n" for name, members in groups.items()
    )
    return f"users:\n{users}groups:\n{teams}"


def guarded(plan: Plan, least: Mapping[str, int]) -> Plan:
    """State how many members groups always have to have, as planning does."""
    steps = tuple(
        msgspec.structs.replace(step, min_members=least[step.name])
        if step.action is Action.REMOVE_MEMBERS and step.name in least
        else step
        for step in plan.steps
    )
    return msgspec.structs.replace(plan, steps=steps)


def apply(made: Between, yaml: str, least: Mapping[str, int], **capabilities: Any) -> RunResult:
    live = made.direct.live()
    live = replace(live, capabilities=replace(live.capabilities, **capabilities))
    planned = made.scenario.write(yaml).plan_for(live)
    return made.scenario.apply_to(guarded(planned, least), live)


def removals(made: Between) -> int:
    return sum(
        found is not None and found.form.startswith(("remove", "put")) for found in map(writing, made.meddler.requests)
    )


FORMS = [MemberRemove.PATH_FILTER, MemberRemove.VALUE_ARRAY, MemberRemove.PUT]


@pytest.mark.parametrize("form", FORMS)
def test_members_are_removed_down_to_the_minimum(between: Interpose, form: MemberRemove) -> None:
    made = between(misreading(), seed=seed(team="abcde"))
    assert apply(made, files(team="ab"), {"team": 2}, member_remove=form).complete
    assert made.direct.members("team") == {*addresses("ab")}


@pytest.mark.parametrize("form", FORMS)
def test_nobody_is_removed_where_fewer_would_be_left(between: Interpose, form: MemberRemove) -> None:
    made = between(misreading(), seed=seed(team="abcde"))
    result = apply(made, files(team="ab"), {"team": 3}, member_remove=form)
    (outcome,) = result.outcomes
    assert outcome.status is Status.FAILED
    assert outcome.message == (
        "group:team always has to have 3 members (min_members), and would have 2: the removal was not sent. "
        "Plan again to see who is in it"
    )
    assert outcome.requests == removals(made) == 0
    assert made.direct.members("team") == {*addresses("abcde")}


def test_removals_wait_in_vain_for_additions_that_failed(between: Interpose) -> None:
    """A whole team is exchanged; the new people cannot be added, so the old ones stay."""

    def adding_nobody(request: Request, forward: Forward) -> Reply:
        found = writing(request)
        return error(400, "no") if found is not None and found.form.startswith("add") else forward(request)

    made = between(adding_nobody, seed=seed(team="abc"))
    result = apply(made, files(team="def"), {"team": 2}, put_groups=False)
    assert {outcome.status for outcome in result.outcomes} == {Status.FAILED}
    assert removals(made) == 0
    assert made.direct.members("team") == {*addresses("abc")}


def test_who_left_since_the_plan_was_made_counts(between: Interpose) -> None:
    made = between(pass_on, seed=seed(team="abcd"))
    live = made.direct.live()
    planned = guarded(made.scenario.write(files(team="abc")).plan_for(live), {"team": 3})
    made.direct.write(files(team="abd")).apply()
    (outcome,) = made.scenario.apply_to(planned, live).outcomes
    assert outcome.status is Status.FAILED
    assert "would have 2" in outcome.message
    assert made.direct.members("team") == {*addresses("abd")}


def test_who_is_gone_already_needs_no_removal(between: Interpose) -> None:
    made = between(pass_on, seed=seed(team="abcd"))
    live = made.direct.live()
    planned = guarded(made.scenario.write(files(team="abc")).plan_for(live), {"team": 4})
    made.direct.apply(planned=made.direct.plan_for(live))
    assert made.scenario.apply_to(planned, live).complete


def test_what_earlier_steps_removed_counts(between: Interpose) -> None:
    made = between(pass_on, seed=seed(team="abcdefgh"))
    live = made.direct.live()
    by_three = replace(live, capabilities=replace(live.capabilities, max_members_per_patch=3))
    planned = guarded(made.scenario.write(files(team="ab")).plan_for(by_three), {"team": 4})
    first, second = made.scenario.apply_to(planned, by_three).outcomes
    assert first.status is Status.APPLIED
    assert second.status is Status.FAILED
    assert "would have 2" in second.message
    assert len(made.direct.members("team")) == 5


def test_a_group_whose_members_nobody_tells_loses_none(between: Interpose) -> None:
    made = between(pass_on, seed=seed(team="abcde"))
    live = made.direct.live()
    planned = guarded(made.scenario.write(files(team="ab")).plan_for(live), {"team": 1})
    mute = replace(live, capabilities=replace(live.capabilities, members_read=MembersRead.PROBE))
    (outcome,) = made.scenario.apply_to(planned, mute).outcomes
    assert outcome.status is Status.FAILED
    assert "does not tell how many it has" in outcome.message
    assert removals(made) == 0


@pytest.mark.parametrize("effect", [empties, ignores])
def test_a_form_that_is_not_proven_is_tried_on_a_group_without_a_minimum_first(between: Interpose, effect: Any) -> None:
    """The server empties the first group that a member is removed from; a guarded one is never that."""
    shrunk: list[int] = []
    meddle: Meddle = misreading(remove_path_filter=effect)

    def watching(request: Request, forward: Forward) -> Reply:
        answer = meddle(request, forward)
        if writing(request) is not None:
            shrunk.extend(len(made.sandbox.directory.read(Kind.GROUP, one).members) for one in guarded_ids)
        return answer

    guarded_ids: list[str] = []
    groups = {f"team-{number}": "abcdef" for number in range(4)}
    made = between(watching, seed=seed(**groups))
    guarded_ids += [made.id_of(f"team-{number}") for number in range(3)]
    least = {f"team-{number}": 4 for number in range(3)}
    result = apply(made, files(**dict.fromkeys(groups, "abcd")), least)
    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert min(shrunk) >= 4
    assert all(made.direct.members(name) == {*addresses("abcd")} for name in groups)


def test_guarded_groups_alone_try_the_form_themselves(between: Interpose) -> None:
    made = between(misreading(remove_path_filter=ignores), seed=seed(one="abcdef", two="abcdef"))
    assert apply(made, files(one="abcd", two="abcd"), {"one": 4, "two": 4}).complete

"""What access a plan really changes, in words."""

from __future__ import annotations

import pytest

from access_plans import effect
from reconciler.planning import Action, Edge, Plan, Reason, Step
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.rendering import render_text
from reconciler.rendering.access import access_headline, access_numbers, left_without_group
from sample_plans import SAMPLES, group_step, listed, make_plan, user_step


def told(plan: Plan, *, full: bool = False) -> list[str]:
    """The lines of the section."""
    lines = render_text(plan, color=False, full=full).splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("Access:")]
    return lines[starts[0] : lines.index("", starts[0])] if starts else []


def joining(*names: str, step: str = "add_members group:team-x", via: tuple[str, ...] = ()) -> GroupEffect:
    return GroupEffect(
        name="team-x",
        id="id-team-x",
        before=1,
        after=1 + len(names),
        gained=(AccessChange(step=step, users=names, via=via),),
    )


def test_a_plan_that_changes_no_access_says_nothing_of_it() -> None:
    assert told(SAMPLES["remarks"]()) == []


def test_memberships_that_say_it_all_are_not_said_again() -> None:
    assert told(SAMPLES["since"]()) == ["Access: 2 people change: 2 gain"]


def test_a_deleted_group_is_told_with_who_is_left_without_any() -> None:
    lines = told(SAMPLES["nested_access"]())
    assert lines[0] == (
        "Access: 219 people change: 5 gain, 214 lose (1 with the account); 4 keep a working account and are "
        "left without any group"
    )
    assert lines[1] == "  - team-x: 212 lose it (deleted), 3 of them are left without any group; 212 → 0 people"
    assert lines[2].startswith("      - p000@example.com, p001@example.com, p002@example.com, ")
    assert lines[2].endswith(" and 207 more")


def test_full_names_everybody() -> None:
    text = "\n".join(told(SAMPLES["nested_access"](), full=True))
    assert all(f"p{number:03}@example.com" in text for number in range(212))
    assert "more" not in text


def test_the_largest_loss_comes_first() -> None:
    rows = [line for line in told(SAMPLES["nested_access"]()) if line[:2] == "  " and line[2] in "-~+…"]
    assert [row.partition(":")[0].strip() for row in rows[:-1]] == ["- team-x", "~ team-platform", "~ team-engineering"]
    assert rows[-1] == "  … 1 more group, as the memberships above say (--full shows all)"


def test_what_is_not_known_is_said() -> None:
    assert told(SAMPLES["unknown_access"]())[-1] == "  ? not everybody is known who is in team-closed, team-secret"
    lost = AccessChange(step="remove_members group:team-x", users=("ada@example.com",))
    unknown = Effect(groups=(GroupEffect(name="team-x", lost=(lost,)),), users=(UserEffect(name="ada@example.com"),))
    assert access_headline(make_plan(effect=unknown)) == (
        "1 person changes: 1 loses; whether 1 of them is left without any group is not known"
    )


def test_numbers_that_are_not_known_in_full_are_the_least_that_they_can_be() -> None:
    lost = AccessChange(step="remove_members group:team-x", users=("ada@example.com",))
    effect = Effect(
        groups=(GroupEffect(name="team-x", lost=(lost,)),),
        users=(UserEffect(name="ada@example.com", before=2, after=1),),
        unknown=("team-x",),
    )
    headline, group, *_ = told(make_plan(effect=effect))
    assert headline == "Access: at least 1 person changes: 1 loses"
    assert group.startswith("  - team-x: at least 1 loses it")


def test_everybody_who_is_counted_is_named_or_counted_as_one_more() -> None:
    lines = told(SAMPLES["nested_access"]())
    (at,) = [number for number, line in enumerate(lines) if line.startswith("  ~ team-platform")]
    assert "4 gain it (3 through team-core, 1 added)" in lines[at]
    assert lines[at + 2] == "      + dan@example.com, eve@example.com, fay@example.com, new@example.com"


@pytest.mark.parametrize("action", [Action.DEACTIVATE, Action.DELETE])
def test_whoever_goes_with_the_account_is_not_counted_among_those_left_without_any_group(action: Action) -> None:
    """Known or not: of a leaver, nothing is left in doubt."""
    leaves = user_step(action, "ada@example.com", Reason.UNLISTED)
    lost = AccessChange(step=leaves.id, users=("ada@example.com",))
    for before, after in ((1, 0), (None, None)):
        user = UserEffect(name="ada@example.com", id="id-ada@example.com", before=before, after=after)
        plan = make_plan(leaves, effect=Effect(groups=(GroupEffect(name="team-x", lost=(lost,)),), users=(user,)))
        assert access_headline(plan) == "1 person changes: 1 loses (1 with the account)"
        assert left_without_group(plan) == ()
        assert "left without" not in "\n".join(told(plan, full=True))


def test_all_of_those_who_lose_a_group_are_told_in_other_words_than_some() -> None:
    taken = group_step(Action.DELETE, "team-x", Reason.UNLISTED)
    for names, words in (
        (("ada",), "1 loses it (deleted) and is left without any group"),
        (("ada", "bob"), "2 lose it (deleted) and are left without any group"),
        (("ada", "bob", "kay"), "3 lose it (deleted), 2 of them are left without any group"),
    ):
        change = AccessChange(step=taken.id, users=names)
        gone = GroupEffect(name="team-x", id="id-team-x", lost=(change,))
        plan = make_plan(taken, effect=effect(gone, kept={"kay": ("team-all",)}))
        assert words in "\n".join(told(plan))


def test_whoever_gains_and_loses_is_counted_once() -> None:
    gained, lost = (AccessChange(step="x", users=users) for users in (("a", "b"), ("b", "c")))
    both = Effect(groups=(GroupEffect(name="x", gained=(gained,)), GroupEffect(name="y", lost=(lost,))))
    numbers = access_numbers(make_plan(effect=both))
    assert (numbers.people, numbers.gain, numbers.lose, numbers.both) == (3, 1, 1, 1)


def test_many_groups_are_folded_and_the_rest_is_counted() -> None:
    steps = [group_step(Action.DELETE, f"team-{number:02}", Reason.UNLISTED) for number in range(30)]
    groups = [
        GroupEffect(
            name=step.name,
            id=step.resource_id,
            before=1,
            after=0,
            lost=(AccessChange(step=step.id, users=(f"{step.name}@example.com",)),),
        )
        for step in steps
    ]
    lines = told(make_plan(*steps, effect=effect(*groups)))
    assert lines[-1] == "  … 10 more groups (--full shows all)"
    assert sum(line.startswith("  - ") for line in lines) == 20


@pytest.mark.parametrize(
    ("step", "via", "words"),
    [
        (group_step(Action.ADD_MEMBERS, "team-x", members=(listed("team-core"),)), ("team-core",), "through team-core"),
        (group_step(Action.ADD_MEMBERS, "team-core", members=(listed("ada"),)), ("team-core",), "added to team-core"),
        (
            group_step(Action.ADD_MEMBERS, "team-b", members=(listed("ada"),)),
            ("team-a", "team-b"),
            "added to team-b, through team-a → team-b",
        ),
        (user_step(Action.REACTIVATE, "ada", Reason.INACTIVE), (), "account reactivated"),
        (user_step(Action.CREATE, "ada", Reason.NOT_IN_DIRECTORY), (), "account created"),
        (group_step(Action.DELETE, "team-core", Reason.UNLISTED), ("team-core",), "team-core deleted"),
    ],
)
def test_the_cause_is_told(step: Step, via: tuple[str, ...], words: str) -> None:
    plan = make_plan(step, effect=effect(joining("ada", step=step.id, via=via)))
    assert f"1 gains it ({words})" in "\n".join(told(plan))


def test_by_more_causes_each_is_counted_and_nobody_twice() -> None:
    """Whoever comes in by two ways is counted at the first."""
    ways = (
        AccessChange(step="add_members group:team-x", users=("ada", "bob")),
        AccessChange(step="reactivate user:bob", users=("bob",)),
        AccessChange(step="reactivate user:kay", users=("kay",)),
    )
    gained = GroupEffect(name="team-x", id="id-team-x", before=0, after=3, gained=ways)
    plan = make_plan(
        group_step(Action.ADD_MEMBERS, "team-x", members=(Edge(name="ada", reason=Reason.LISTED),)),
        user_step(Action.REACTIVATE, "kay", Reason.INACTIVE),
        user_step(Action.REACTIVATE, "bob", Reason.INACTIVE),
        effect=effect(gained),
    )
    assert "3 gain it (2 added, 1 account reactivated)" in "\n".join(told(plan))

"""Everything that a plan changes for one person."""

from __future__ import annotations

import pytest

from access_plans import RULE, effect
from golden_files import assert_golden
from reconciler.planning import Action, Change, Note, Plan, Reason
from reconciler.planning.effect import AccessChange, GroupEffect
from reconciler.planning.plan import Edge
from reconciler.rendering.people import people
from reconciler.rendering.person import render_person
from sample_plans import SAMPLES, group_step, make_plan, user_step


def shown(plan: Plan | str, name: str) -> str:
    return render_person(SAMPLES[plan]() if isinstance(plan, str) else plan, name, color=False)


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        ("nested_access", "eve@example.com"),
        ("nested_access", "bob.mover@example.com"),
        ("nested_access", "kay@example.com"),
        ("every_kind", "grace@example.com"),
        ("refused", "p01@example.com"),
        ("waiting_and_left_out", "due@example.com"),
    ],
)
def test_a_person_reads_as_it_did_when_it_was_last_looked_at(plan: str, name: str) -> None:
    assert_golden(f"person.{name.partition('@')[0]}.txt", shown(plan, name))


@pytest.mark.parametrize(
    "asked",
    [
        "grace.old@example.com",
        "grace@example.com",
        "GRACE@example.COM",
        "id-grace.old@example.com",
        "user:grace@example.com",
    ],
)
def test_a_person_is_found_by_either_name_in_any_case_by_id_and_by_address(asked: str) -> None:
    assert shown("every_kind", asked) == shown("every_kind", "grace.old@example.com")


def test_the_rule_that_gives_a_place_is_told() -> None:
    text = shown("nested_access", "bob@example.com")
    assert "+ team-engineering  (matches the filter, groups/platform.yaml:20)" in text
    assert f"match: {RULE}" in text


def test_what_comes_through_a_nested_group_is_told_with_the_line_that_puts_it_in() -> None:
    text = shown("nested_access", "dan@example.com")
    assert "+ team-platform  (through team-core: listed, groups/platform.yaml:6)  # on call together, OPS-12" in text


@pytest.mark.parametrize(
    ("asked", "guess"),
    [
        ("aad@example.com", "Did you mean ada@example.com"),
        ("purged", "Did you mean purged@example.com?"),
        ("zzz", None),
    ],
)
def test_whom_the_plan_does_not_name_it_says_so_and_guesses(asked: str, guess: str | None) -> None:
    lines = shown("every_kind", asked).splitlines()
    assert lines[0] == f"The plan names no user {asked}: it changes nothing for anybody of that name or id."
    assert len(lines) == (1 if guess is None else 2)
    assert guess is None or lines[1].startswith(guess)


def test_of_somebody_who_may_be_in_a_group_that_is_not_known_nothing_is_promised() -> None:
    assert shown("unknown_access", "zzz").splitlines() == [
        "The plan names no user zzz. Whether it changes nothing for anybody of that name or id is not known:",
        "not everybody is known who is in team-closed, team-secret.",
    ]


def test_a_plan_of_one_change_says_that_it_is_silent_about_the_rest() -> None:
    assert "says nothing of the rest of the directory" in shown("since", "zzz")


def swapped() -> Plan:
    """One person takes the name that another gives up, and a new one comes."""
    return make_plan(
        user_step(
            Action.UPDATE,
            "a@example.com",
            Reason.RENAMED,
            changes=(Change(path="userName", before="a@example.com", after="b@example.com", identity=True),),
        ),
        user_step(Action.CREATE, "a@example.com", Reason.NOT_IN_DIRECTORY),
        group_step(
            Action.ADD_MEMBERS,
            "team-x",
            members=(
                Edge(name="a@example.com", reason=Reason.LISTED),
                Edge(name="b@example.com", reason=Reason.LISTED, id="id-a@example.com"),
            ),
        ),
        effect=effect(
            GroupEffect(
                name="team-x",
                id="id-team-x",
                gained=(AccessChange(step="add_members group:team-x", users=("a@example.com", "b@example.com")),),
            ),
            created=("a@example.com", "b@example.com"),
        ),
    )


def test_two_people_who_share_a_name_are_never_one() -> None:
    plan = swapped()
    old, new = people(plan)[:2]
    assert (old.id, list(old.names)) == ("id-a@example.com", ["a@example.com", "b@example.com"])
    assert (new.id, list(new.names)) == (None, ["a@example.com"])
    assert [len(one.memberships) for one in (old, new)] == [1, 1]
    assert shown(plan, "A@example.com").count("User:  ") == 2


def test_notes_that_name_the_person_are_shown_and_those_of_others_are_not() -> None:
    notes = [
        Note(severity="warning", code="x", message=f"not kept (user:{name}, and so for 2 other users)")
        for name in ("ada@example.com", "ada@example.com.au", "bada@example.com")
    ]
    plan = make_plan(user_step(Action.DELETE, "ada@example.com", Reason.UNLISTED), notes=tuple(notes))
    assert shown(plan, "ada@example.com").count("not kept") == 1


def test_values_are_whole() -> None:
    assert "a" * 300 in shown("long_values", "ada@example.com")

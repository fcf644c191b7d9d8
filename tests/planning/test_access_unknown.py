"""What the directory does not tell of access is unknown, and never nobody."""

from __future__ import annotations

from access_words import ADA, BOB, CYD, DELETING, PEOPLE, edge_step, gained, lost, nests, of_group, of_user
from desired_and_live import group, live, live_group, nested, planned, policy, user
from reconciler.config import Unlisted
from reconciler.model import Kind
from reconciler.planning import Action
from reconciler.planning.access import effect_on
from reconciler.planning.effect import Effect, GroupEffect, UserEffect

SILENT = live_group("g1", "silent", None)


def test_an_addition_to_a_group_that_does_not_tell_is_told_without_numbers() -> None:
    made = planned([*PEOPLE, group("silent", ["ada@example.com"])], live(ADA, BOB, CYD, SILENT))
    assert made.effect == Effect(
        groups=(
            GroupEffect(name="silent", id="g1", gained=gained("add_members group:silent", "ada@example.com"), kept=()),
        ),
        users=(UserEffect(name="ada@example.com", id="u-ada", before=None, after=1),),
        unknown=("silent",),
    )


def test_the_numbers_of_a_group_around_it_are_unknown_too() -> None:
    around = live_group("g2", "around", ["g1", "u-bob"])
    made = planned(
        [*PEOPLE, group("silent"), group("around", [nested("silent"), "ada@example.com"])],
        nests(SILENT, around),
    )
    effect = of_group(made, "around")
    assert (effect.before, effect.after) == (None, None)
    assert made.effect.unknown == ("around",)


def test_it_may_be_that_who_is_deactivated_was_in_it() -> None:
    known = live_group("g2", "known", ["u-ada"])
    made = planned(PEOPLE[1:], live(ADA, BOB, CYD, SILENT, known), policy(Unlisted.DEACTIVATE))
    assert of_user(made, "ada@example.com") == UserEffect(name="ada@example.com", id="u-ada", before=None, after=0)
    assert (of_group(made, "known").before, of_group(made, "known").after) == (1, 0)
    assert made.effect.unknown == ("silent",)


def test_whoever_loses_it_when_it_is_deleted_is_unknown() -> None:
    around = live_group("g2", "around", ["g1", "u-bob"])
    made = planned([*PEOPLE, group("around")], nests(SILENT, around), DELETING)
    assert made.effect == Effect(unknown=("around", "silent"))


def test_a_group_that_nothing_touches_is_not_told() -> None:
    made = planned([*PEOPLE, group("team", ["ada@example.com"])], live(ADA, BOB, CYD, SILENT, live_group("g2", "team")))
    assert made.effect.unknown == ()
    assert (of_group(made, "team").before, of_group(made, "team").after) == (0, 1)
    assert (of_user(made, "ada@example.com").before, of_user(made, "ada@example.com").after) == (None, None)


def test_nobody_new_is_in_a_group_that_does_not_tell() -> None:
    listed = [user("new@example.com"), group("team", ["new@example.com"])]
    made = planned(listed, live(SILENT, live_group("g2", "team")))
    assert of_user(made, "new@example.com") == UserEffect(name="new@example.com", before=0, after=1)
    nesting = planned(listed, live(SILENT, live_group("g2", "team"), nested_groups=True))
    assert of_user(nesting, "new@example.com") == UserEffect(name="new@example.com", before=0, after=None)


def test_of_a_part_of_the_directory_only_what_was_read_is_counted() -> None:
    found = live(ADA, live_group("g1", "team", ["u-somebody"]), partial=Kind)
    made = planned([PEOPLE[0], group("team", ["ada@example.com"])], found)
    assert made.effect == Effect(
        groups=(GroupEffect(name="team", id="g1", gained=gained("add_members group:team", "ada@example.com")),),
        users=(UserEffect(name="ada@example.com", id="u-ada"),),
    )


def test_of_a_group_that_changes_as_a_whole_it_is_said_that_not_everybody_in_it_was_read() -> None:
    groups = [live_group("g1", "core", ["u-ada", "u-somebody"]), live_group("g2", "around", [])]
    found = live(ADA, *groups, partial=Kind, nested_groups=True)
    made = planned([PEOPLE[0], group("core"), group("around", [nested("core")])], found)
    assert of_group(made, "around").gained == gained("add_members group:around", "ada@example.com", via=("core",))
    assert made.effect.unknown == ("around", "core")


def test_nobody_has_access_to_a_group_that_is_gone_whoever_had() -> None:
    found = live(ADA, live_group("g1", "gone", ["u-ada", "u-somebody"]), partial=[Kind.USER])
    effect = of_group(planned([PEOPLE[0]], found, policy(groups=Unlisted.DELETE)), "gone")
    assert (effect.before, effect.after) == (None, 0)


def test_whom_a_step_takes_out_of_a_group_that_does_not_tell_loses_it() -> None:
    found = nests(SILENT, live_group("g2", "core", ["u-bob"]))
    removal = edge_step(Action.REMOVE_MEMBERS, "g1", (Kind.USER, "u-ada", "ada"), (Kind.GROUP, "g2", "core"))
    [effect] = effect_on(found, [removal]).groups
    assert effect.lost == (
        *lost("remove_members", "ada@example.com"),
        *lost("remove_members", "bob@example.com", via=("core",)),
    )
    assert (effect.before, effect.after) == (None, None)


def test_of_a_member_who_was_not_read_it_is_not_known_whether_he_loses_anything() -> None:
    found = live(ADA, live_group("g1", "team", ["u-ada", "u-somebody"]), partial=[Kind.USER])
    removal = edge_step(Action.REMOVE_MEMBERS, "g1", (Kind.USER, "u-somebody", "somebody"))
    assert effect_on(found, [removal]) == Effect(unknown=("team",))

"""The effect of a plan says who gains and loses access to which groups, and by what."""

from __future__ import annotations

import pytest

from access_words import ADA, BOB, CYD, DELETING, PEOPLE, edge_step, gained, lost, nests, of_group, of_user
from desired_and_live import (
    AS_OF,
    desired,
    group,
    live,
    live_group,
    live_user,
    nested,
    planned,
    policy,
    user,
)
from past_runs import past_run
from reconciler.config import Unlisted
from reconciler.model import Kind
from reconciler.planning import Action, decode, encode, plan
from reconciler.planning.access import effect_on
from reconciler.planning.effect import NO_EFFECT, Effect, GroupEffect, UserEffect
from reconciler.planning.selection import select_kinds
from reconciler.planning.undo import plan_undo
from simulated_directory import SimulatedDirectory


def test_who_is_added_and_removed_gains_and_loses_the_group() -> None:
    made = planned(
        [*PEOPLE, group("team", ["ada@example.com", "bob@example.com"])],
        live(ADA, BOB, CYD, live_group("g1", "team", ["u-ada", "u-cyd"])),
    )
    assert made.effect == Effect(
        groups=(
            GroupEffect(
                name="team",
                id="g1",
                before=2,
                after=2,
                gained=gained("add_members group:team", "bob@example.com"),
                lost=lost("remove_members group:team", "cyd@example.com"),
                kept=("ada@example.com",),
            ),
        ),
        users=(
            UserEffect(name="bob@example.com", id="u-bob", before=0, after=1),
            UserEffect(name="cyd@example.com", id="u-cyd", before=1, after=0),
        ),
    )
    assert (made.effect.users[0].gains_first_group, made.effect.users[1].loses_last_group) == (True, True)


def test_a_plan_that_changes_nobodys_access_has_no_effect() -> None:
    listed = [user("ada@example.com", title="Boss"), user("new@example.com"), group("team"), group("empty", [])]
    made = planned(listed, live(ADA, live_group("g1", "team", ["u-ada"])))
    assert made.steps
    assert made.effect == planned([]).effect == NO_EFFECT
    assert b'"effect"' not in encode(made)


def test_the_plan_document_carries_the_effect() -> None:
    made = planned([*PEOPLE, group("team", ["ada@example.com"])], live(ADA, BOB, CYD, live_group("g1", "team")))
    assert decode(encode(made)).effect == made.effect != NO_EFFECT


class TestAccounts:
    """An account that does not work has no access, whatever groups it is in."""

    def test_who_is_deactivated_loses_everything_and_stays_a_member(self) -> None:
        teams = [live_group("g1", "team-a", ["u-ada", "u-bob"]), live_group("g2", "team-b", ["g1"])]
        made = planned([PEOPLE[1], PEOPLE[2]], nests(*teams), policy(Unlisted.DEACTIVATE))
        cause = "deactivate user:ada@example.com"
        assert [(one.name, one.lost) for one in made.effect.groups] == [
            ("team-a", lost(cause, "ada@example.com")),
            ("team-b", lost(cause, "ada@example.com", via=("team-a",))),
        ]
        assert made.effect.users == (UserEffect(name="ada@example.com", id="u-ada", before=2, after=0),)

    def test_who_is_reactivated_gains_what_the_account_is_in(self) -> None:
        off = live_user("u-ada", "ada@example.com", active="False")
        made = planned([PEOPLE[0]], live(off, live_group("g1", "team", ["u-ada"])))
        assert of_group(made, "team").gained == gained("reactivate user:ada@example.com", "ada@example.com")
        assert (of_group(made, "team").before, of_group(made, "team").after) == (0, 1)

    def test_who_is_inactive_neither_gains_nor_loses(self) -> None:
        off = live_user("u-ada", "ada@example.com", active=False)
        listed = [user("ada@example.com", active=False), PEOPLE[1]]
        in_and_out = [group("in", ["ada@example.com", "bob@example.com"]), group("out", ["bob@example.com"])]
        groups = [live_group("g1", "in", ["u-bob"]), live_group("g2", "out", ["u-ada", "u-bob"])]
        made = planned([*listed, *in_and_out], live(off, BOB, *groups))
        assert len(made.steps) == 2
        assert made.effect == NO_EFFECT

    def test_who_is_removed_and_deactivated_loses_the_group_by_the_removal(self) -> None:
        listed = [*PEOPLE[1:], group("team", ["bob@example.com"])]
        groups = [live_group("g1", "team", ["u-ada", "u-bob"]), live_group("g2", "other", ["u-ada"])]
        made = planned(listed, live(ADA, BOB, CYD, *groups), policy(Unlisted.DEACTIVATE))
        assert {one.name: one.lost[0].step for one in made.effect.groups} == {
            "team": "remove_members group:team",
            "other": "deactivate user:ada@example.com",
        }

    def test_who_is_deleted_loses_everything_by_the_deletion(self) -> None:
        made = planned(PEOPLE[1:], live(ADA, BOB, CYD, live_group("g1", "team", ["u-ada"])), policy(Unlisted.DELETE))
        assert of_group(made, "team").lost == lost("delete user:ada@example.com", "ada@example.com")

    def test_who_is_created_gains_by_the_additions_and_is_in_no_group_before(self) -> None:
        made = planned([user("new@example.com"), group("team", ["new@example.com"])], live())
        assert of_group(made, "team") == GroupEffect(
            name="team", before=0, after=1, gained=gained("add_members group:team", "new@example.com")
        )
        assert made.effect.users == (UserEffect(name="new@example.com", before=0, after=1),)

    def test_who_is_created_inactive_gains_nothing(self) -> None:
        listed = [user("new@example.com", active=False), group("team", ["new@example.com"])]
        assert planned(listed, live()).effect == NO_EFFECT


class TestNesting:
    """Access comes through groups, by whatever way there is."""

    def test_who_joins_an_inner_group_gains_the_outer_ones(self) -> None:
        groups = [live_group("g1", "core", []), live_group("g2", "platform", ["g1"]), live_group("g3", "all", ["g2"])]
        made = planned([*PEOPLE, group("core", ["ada@example.com"])], nests(*groups))
        assert {one.name: one.gained[0].via for one in made.effect.groups} == {
            "core": (),
            "platform": ("core",),
            "all": ("platform", "core"),
        }
        assert {one.gained[0].step for one in made.effect.groups} == {"add_members group:core"}

    def test_a_group_that_is_put_into_another_brings_everybody_who_is_in_it(self) -> None:
        groups = [live_group("g1", "core", ["u-ada", "u-bob"]), live_group("g2", "platform", ["u-bob"])]
        listed = [group("core"), group("platform", [nested("core"), "bob@example.com"])]
        made = planned([*PEOPLE, *listed], nests(*groups))
        assert made.effect.groups == (
            GroupEffect(
                name="platform",
                id="g2",
                before=1,
                after=2,
                gained=gained("add_members group:platform", "ada@example.com", via=("core",)),
                kept=("bob@example.com",),
            ),
        )
        assert made.effect.users == (UserEffect(name="ada@example.com", id="u-ada", before=1, after=2, kept=("core",)),)

    def test_who_reaches_a_group_by_another_way_does_not_lose_it(self) -> None:
        groups = [live_group("g1", "core", ["u-ada", "u-bob"]), live_group("g2", "platform", ["g1", "u-bob"])]
        listed = [group("core", ["ada@example.com"]), group("platform", ["bob@example.com"])]
        made = planned([*PEOPLE, *listed], nests(*groups))
        assert [(one.name, one.lost) for one in made.effect.groups] == [
            ("core", lost("remove_members group:core", "bob@example.com")),
            ("platform", lost("remove_members group:platform", "ada@example.com", via=("core",))),
        ]

    def test_a_deleted_group_takes_the_groups_that_held_it_with_it(self) -> None:
        groups = [live_group("g1", "core", ["u-ada", "u-bob"]), live_group("g2", "platform", ["g1", "u-bob"])]
        made = planned([*PEOPLE, group("platform")], nests(*groups), DELETING)
        assert [(one.name, one.before, one.after, one.lost) for one in made.effect.groups] == [
            ("core", 2, 0, lost("delete group:core", "ada@example.com", "bob@example.com")),
            ("platform", 2, 1, lost("delete group:core", "ada@example.com", via=("core",))),
        ]
        assert of_user(made, "ada@example.com").loses_last_group
        assert of_user(made, "bob@example.com").kept == ("platform",)

    def test_the_shortest_way_is_told_and_of_equal_ones_the_first_by_name(self) -> None:
        groups = [
            live_group("g1", "b-team", ["u-ada"]),
            live_group("g2", "a-team", ["u-ada"]),
            live_group("g3", "far", ["g2"]),
            live_group("g4", "top", ["g1", "g2", "g3"]),
        ]
        made = planned([PEOPLE[1], PEOPLE[2]], nests(*groups), policy(Unlisted.DEACTIVATE))
        assert of_group(made, "top").lost[0].via == ("a-team",)

    def test_groups_that_hold_each_other_are_gone_through_once(self) -> None:
        groups = [live_group("g1", "a", ["g2", "u-ada"]), live_group("g2", "b", ["g1"])]
        made = planned([PEOPLE[1], PEOPLE[2]], nests(*groups), policy(Unlisted.DEACTIVATE))
        assert [(one.name, one.before, one.after) for one in made.effect.groups] == [("a", 1, 0), ("b", 1, 0)]

    def test_nesting_counts_that_the_directory_has_against_its_own_word(self) -> None:
        groups = [live_group("g1", "core", ["u-ada"]), live_group("g2", "platform", ["g1"])]
        made = planned(PEOPLE, live(ADA, BOB, CYD, *groups), DELETING)
        assert [one.name for one in made.effect.groups] == ["core", "platform"]


class TestNames:
    """Names are for people; what is meant goes by ids."""

    def test_everything_is_called_as_it_is_after_the_plan_and_what_goes_as_it_was(self) -> None:
        listed = [
            user("ada.new@example.com", previously=("ada@example.com",)),
            PEOPLE[1],
            group("team-new", ["ada.new@example.com"], previously=("team-old",)),
        ]
        groups = [live_group("g1", "team-old", ["u-bob"]), live_group("g2", "gone", ["u-ada"])]
        made = planned(listed, live(ADA, BOB, *groups, group_rename=True), DELETING)
        assert [(one.name, one.gained, one.lost) for one in made.effect.groups] == [
            ("gone", (), lost("delete group:gone", "ada.new@example.com")),
            (
                "team-new",
                gained("add_members group:team-old", "ada.new@example.com"),
                lost("remove_members group:team-old", "bob@example.com"),
            ),
        ]

    def test_a_replaced_group_is_two_groups(self) -> None:
        listed = [*PEOPLE, group("team-new", ["ada@example.com"], previously=("team-old",))]
        made = planned(listed, live(ADA, BOB, CYD, live_group("g1", "team-old", ["u-ada"]), group_rename=False))
        assert [(one.name, one.id, one.before, one.after) for one in made.effect.groups] == [
            ("team-new", None, 0, 1),
            ("team-old", "g1", 1, 0),
        ]
        assert of_user(made, "ada@example.com") == UserEffect(name="ada@example.com", id="u-ada", before=1, after=1)

    def test_two_groups_of_one_name_stay_two(self) -> None:
        groups = [live_group("g1", "team", ["u-ada"]), live_group("g2", "team", ["u-bob"])]
        made = planned(PEOPLE, live(ADA, BOB, CYD, *groups, unique_keys=()), DELETING)
        assert [(one.id, one.lost[0].users) for one in made.effect.groups] == [
            ("g1", ("ada@example.com",)),
            ("g2", ("bob@example.com",)),
        ]

    def test_an_id_may_look_like_the_address_of_somebody_new(self) -> None:
        odd = live_user("user:new@example.com", "odd@example.com")
        [creation, _] = planned([user("new@example.com"), group("x", ["new@example.com"])], live()).steps[:2]
        addition = edge_step(Action.ADD_MEMBERS, "g1", (Kind.USER, None, "new@example.com"))
        removal = edge_step(Action.REMOVE_MEMBERS, "g1", (Kind.USER, odd.id, "odd@example.com"))
        [effect] = effect_on(live(odd, live_group("g1", "x", [odd.id])), [creation, addition, removal]).groups
        assert (effect.gained, effect.lost) == (
            gained("add_members", "new@example.com"),
            lost("remove_members", "odd@example.com"),
        )

    def test_a_member_whose_id_a_user_and_a_group_share_is_the_user(self) -> None:
        same = live_user("1", "same@example.com")
        groups = [live_group("1", "inner", ["u-ada"]), live_group("2", "team", ["1"])]
        made = planned([user("same@example.com"), PEOPLE[0], group("team", [])], live(same, ADA, *groups))
        assert of_group(made, "team") == GroupEffect(
            name="team", id="2", before=1, after=0, lost=lost("remove_members group:team", "same@example.com")
        )

    def test_people_are_in_order_whatever_the_letter_case(self) -> None:
        listed = [user(name) for name in ("Zoe@example.com", "ann@example.com", "Bea@example.com")]
        made = planned([*listed, group("team", [one.name for one in listed])], live())
        assert of_group(made, "team").gained[0].users == ("ann@example.com", "Bea@example.com", "Zoe@example.com")

    def test_of_those_who_stay_in_a_group_the_first_200_are_named(self) -> None:
        found = [live_user(f"u{number}", f"p{number:03}@example.com") for number in range(250)]
        listed = [user(one.name) for one in found]
        team = group("team", [one.name for one in listed[1:]])
        made = planned([*listed, team], live(*found, live_group("g1", "team", [one.id for one in reversed(found)])))
        effect = of_group(made, "team")
        assert (effect.before, effect.after) == (250, 249)
        assert effect.kept == tuple(f"p{number:03}@example.com" for number in range(1, 201))


class TestParts:
    """Only what is really done counts."""

    FOUND = live(ADA, BOB, CYD, live_group("g1", "team", ["u-ada"]), live_group("g2", "other", ["u-ada"]))
    LISTED = (*PEOPLE[1:], group("team", ["bob@example.com"]), group("other", ["cyd@example.com"]))

    def test_what_is_excluded_changes_nobodys_access(self) -> None:
        rules = policy(Unlisted.DEACTIVATE, exclude=("group:other", "user:ada@example.com"))
        made = planned(self.LISTED, self.FOUND, rules)
        assert [one.name for one in made.effect.groups] == ["team"]
        assert made.effect.groups[0].lost == ()

    def test_what_goes_without_a_person_has_an_effect_of_its_own(self) -> None:
        whole = planned(self.LISTED, self.FOUND, policy(Unlisted.DEACTIVATE))
        assert of_group(whole, "team").lost[0].step == "remove_members group:team"
        part = select_kinds(whole, ["users.deactivate"], live=self.FOUND)
        cause = "deactivate user:ada@example.com"
        assert [(one.name, one.lost) for one in part.effect.groups] == [
            ("other", lost(cause, "ada@example.com")),
            ("team", lost(cause, "ada@example.com")),
        ]

    def test_an_undo_has_the_opposite_effect(self) -> None:
        listed = desired(*PEOPLE, group("team", ["ada@example.com"]))
        found = live(ADA, BOB, CYD, live_group("g1", "team", ["u-bob"]))
        made = plan(listed, found, as_of=AS_OF)
        after = SimulatedDirectory(found).apply(made)
        undo = plan_undo(past_run(made, found, after), listed, after, as_of=AS_OF)
        there, back = of_group(made, "team"), of_group(undo, "team")
        assert [one.users for one in there.gained] == [one.users for one in back.lost] == [("ada@example.com",)]
        assert [one.users for one in there.lost] == [one.users for one in back.gained] == [("bob@example.com",)]


@pytest.mark.parametrize("number", [2, 40])
def test_causes_are_in_the_order_of_the_steps(number: int) -> None:
    listed = [user(f"n{one:02}@example.com") for one in range(number)]
    made = planned(
        [*listed, group("team", [one.name for one in listed])],
        live(live_group("g1", "team"), max_members_per_patch=3),
    )
    causes = [one.step for one in of_group(made, "team").gained]
    assert causes == [step.id for step in made.steps if step.members]

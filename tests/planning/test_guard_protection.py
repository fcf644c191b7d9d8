"""What `protect` in directory.yaml and `lifecycle` keep, no flag takes away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desired_and_live import PAST, group, live, live_group, live_user, member, nested, planned, policy, user
from reconciler.config import Allowance, Policy, Protection, Unlisted
from reconciler.model import Live
from reconciler.planning import Action, Plan
from reconciler.planning.selection import select_kinds

ADA, BOB, EVE = (live_user(f"u-{name}", f"{name}@example.com") for name in ("ada", "bob", "eve"))
LISTED = [user("ada@example.com"), user("bob@example.com"), user("eve@example.com")]
EVERYTHING = tuple(
    Allowance(guard=guard, subject=subject)
    for guard in ("protected", "break_glass", "required_members", "min_members")
    for subject in (None, "user:ada@example.com", "group:team")
)


def keeping(**protection: Any) -> Policy:
    """A policy that deletes what is unlisted, and lifts for this run whatever can be lifted."""
    return policy(
        Unlisted.DELETE, Unlisted.DELETE, protection=Protection(**protection), allowances=EVERYTHING, reason="all of it"
    )


def refusals(made: Plan) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(one.guard, one.subject, one.resources) for one in made.refusals]


class TestPatterns:
    """Names of users and groups that are never lost."""

    @pytest.mark.parametrize(
        ("pattern", "name", "kept"),
        [
            ("ada@example.com", "ada@example.com", True),
            ("ADA@Example.com", "Ada@example.COM", True),
            ("*@example.com", "ada@example.com", True),
            ("ad?@*", "ada@example.com", True),
            ("ad?", "ada@example.com", False),
            ("ada", "ada@example.com", False),
            ("[ab]da@example.com", "ada@example.com", False),
            ("[ab]da@example.com", "[ab]da@example.com", True),
            ("*\u00c9*", "rene\u0301e@example.com", True),
            ("*", "line\nbreak", True),
        ],
    )
    def test_only_asterisk_and_question_mark_are_special(self, pattern: str, name: str, kept: bool) -> None:
        made = planned([LISTED[1]], [live_user("u1", name), BOB], keeping(users=(pattern,)))
        assert [one.guard for one in made.refusals] == (["protected"] if kept else [])

    def test_the_line_that_listed_a_user_may_be_gone(self) -> None:
        made = planned([LISTED[1]], [ADA, BOB], keeping(users=("ada@*",)))
        [refused] = made.refusals
        assert refused.subject == "user:ada@example.com"
        assert refused.how_to_allow == 'take "ada@*" out of `protect.users` in directory.yaml'

    @pytest.mark.parametrize("pattern", ["old@example.com", "new@example.com"])
    def test_the_name_that_a_user_has_counts_and_the_one_that_it_gets(self, pattern: str) -> None:
        listed = [user("new@example.com", externalId="1", active=False)]
        found = [live_user("u1", "old@example.com", externalId="1")]
        assert refusals(planned(listed, found, keeping(users=(pattern,)))) == [
            ("protected", "user:old@example.com", ("user:old@example.com",))
        ]

    @pytest.mark.parametrize("pattern", ["team-*", "grp-*"])
    def test_a_group_is_not_replaced_either(self, pattern: str) -> None:
        made = planned(
            [group("team-a", previously=("grp-a",))],
            live(live_group("g1", "grp-a"), group_rename=False),
            keeping(groups=(pattern,)),
        )
        assert refusals(made) == [("protected", "group:grp-a", ("group:grp-a",))]

    def test_patterns_of_users_say_nothing_of_groups(self) -> None:
        made = planned([group("x")], [live_group("g0", "x"), live_group("g1", "y")], keeping(users=("*",)))
        assert made.refusals == ()


class TestBreakGlass:
    """Users for the day when all else fails."""

    RULES = keeping(break_glass=("ADA@example.com",))

    @pytest.mark.parametrize(
        ("listed", "resources"),
        [
            ([*LISTED[1:], group("team", None)], ("user:ada@example.com",)),
            ([user("ada@example.com", active=False), *LISTED[1:], group("team")], ("user:ada@example.com",)),
            ([user("ada@example.com", until=PAST), *LISTED[1:], group("team")], ("user:ada@example.com",)),
            ([user("a@example.com", externalId="1"), *LISTED[1:], group("team")], ("user:ada@example.com",)),
            ([*LISTED, group("team", ["bob@example.com"])], ("group:team",)),
            ([*LISTED, group("team", [member("ada@example.com", until=PAST)])], ("group:team",)),
            ([*LISTED, group("another")], ("group:team",)),
            ([*LISTED, group("team", ["ada@example.com"]), user("f@example.com")], ()),
            ([user("ada@example.com", externalId="1", title="x"), *LISTED[1:], group("team")], ()),
        ],
        ids=[
            "deleted",
            "deactivated",
            "expired",
            "renamed",
            "removed from a group",
            "membership over",
            "group deleted",
            "others removed",
            "other changes",
        ],
    )
    def test_keep_account_name_and_groups(self, listed: Any, resources: tuple[str, ...]) -> None:
        ada = live_user("u-ada", "ada@example.com", externalId="1")
        made = planned(listed, [ada, BOB, EVE, live_group("g1", "team", ["u-ada", "u-bob"])], self.RULES)
        expected = [("break_glass", "user:ada@example.com", resources)] if resources else []
        assert refusals(made) == expected

    def test_lose_no_group_by_its_replacement(self) -> None:
        found = live(ADA, BOB, EVE, live_group("g1", "old", ["u-ada", "u-bob"]), group_rename=False)
        lost = planned([*LISTED, group("new", ["bob@example.com"], previously=("old",))], found, self.RULES)
        assert [(one.guard, one.resources) for one in lost.refusals] == [("break_glass", ("group:old",))]
        kept = planned([*LISTED, group("new", ["ada@example.com"], previously=("old",))], found, self.RULES)
        assert kept.refusals == ()

    @pytest.mark.parametrize(
        ("groups", "lost"),
        [
            (
                [group("ops", ["ada@example.com"]), group("all", [nested("ops")]), group("admins", [])],
                ("group:admins",),
            ),
            ([group("ops", ["ada@example.com"]), group("all", []), group("admins")], ("group:all", "group:admins")),
            ([group("ops", ["ada@example.com"]), group("admins")], ("group:all", "group:admins")),
            (
                [group("ops", ["ada@example.com"]), group("all", []), group("admins", ["ada@example.com"])],
                ("group:all",),
            ),
            ([group("ops", ["ada@example.com"]), group("all", []), group("admins", [nested("ops")])], ("group:all",)),
            ([group("ops", ["ada@example.com"]), group("all", [nested("ops")]), group("admins")], ()),
        ],
        ids=["taken out of the outermost", "taken out between", "deleted between", "let in", "moved", "kept"],
    )
    def test_lose_no_group_that_they_have_by_way_of_another(self, groups: Any, lost: tuple[str, ...]) -> None:
        found = live(
            *(ADA, BOB, EVE),
            live_group("g1", "ops", ["u-ada"]),
            live_group("g2", "all", ["g1"]),
            live_group("g3", "admins", ["g2"]),
            nested_groups=True,
        )
        made = planned([*LISTED, *groups], found, self.RULES)
        assert refusals(made) == ([("break_glass", "user:ada@example.com", lost)] if lost else [])

    @pytest.mark.parametrize(
        ("address", "domains", "kept"),
        [
            ("ada@example.org", ("example.com",), True),
            ("ada@example.org", (), True),
            ("ada@example.org", ("example.com", "example.org"), False),
            ("a.ada@example.com", (), False),
        ],
    )
    def test_keep_the_domain_that_links_their_account(self, address: str, domains: tuple[str, ...], kept: bool) -> None:
        def found(*, unlinks: bool) -> Live:
            ada = live_user("u-ada", "ada@example.com", emails=[{"value": "ada@example.com", "primary": True}])
            return live(ada, BOB, EVE, email_domain_unlinks=unlinks)

        rules = replace(self.RULES, domains=domains)
        listed = [user("ada@example.com", emails=[{"value": address, "primary": True}]), *LISTED[1:]]
        refused = planned(listed, found(unlinks=True), rules)
        assert [one.guard for one in refused.refusals] == (["break_glass"] if kept else [])
        assert planned(listed, found(unlinks=False), rules).refusals == ()

    def test_who_was_renamed_by_hand_still_counts_and_gets_the_name_back(self) -> None:
        found = [live_user("u1", "x@example.com", externalId="1"), BOB, EVE]
        back = planned([user("ada@example.com", externalId="1"), *LISTED[1:]], found, self.RULES)
        assert (back.refusals, len(back.steps)) == ((), 1)
        off = planned([user("ada@example.com", externalId="1", active=False), *LISTED[1:]], found, self.RULES)
        assert [one.guard for one in off.refusals] == ["break_glass"]

    def test_all_losses_of_one_user_are_told_together(self) -> None:
        found = [ADA, BOB, EVE, live_group("g1", "a", ["u-ada"]), live_group("g2", "b", ["u-ada"])]
        [refused] = planned([*LISTED, group("a", []), group("b", [])], found, self.RULES).refusals
        assert (refused.number, refused.resources) == (2, ("group:a", "group:b"))
        assert refused.how_to_allow == "take the user out of `protect.break_glass` in directory.yaml"


class TestRequiredMembers:
    """Users who are always in a group."""

    RULES = keeping(required_members={"Team": ("ADA@example.com", "bob@example.com")})
    FOUND = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada", "u-bob", "u-eve"]))

    @pytest.mark.parametrize(
        ("listed", "missing"),
        [
            ([*LISTED, group("team", ["ada@example.com", "bob@example.com"])], ()),
            ([*LISTED, group("team", ["ada@example.com"])], ("user:bob@example.com",)),
            ([*LISTED, group("team", [])], ("user:ADA@example.com", "user:bob@example.com")),
            ([*LISTED, group("team")], ()),
            ([*LISTED[1:], group("team")], ("user:ADA@example.com",)),
            ([user("ada@example.com", active=False), *LISTED[1:], group("team")], ("user:ADA@example.com",)),
            ([*LISTED, group("another")], ("user:ADA@example.com", "user:bob@example.com")),
        ],
        ids=["kept", "removed", "all removed", "not managed", "deleted", "deactivated", "group deleted"],
    )
    def test_are_not_lost_in_any_way(self, listed: Any, missing: tuple[str, ...]) -> None:
        made = planned(listed, self.FOUND, self.RULES)
        assert [(one.guard, one.resources) for one in made.refusals] == (
            [("required_members", missing)] if missing else []
        )

    def test_a_group_that_is_made_has_them(self) -> None:
        rules = keeping(required_members={"team": ("new@example.com",)})
        listed = [*LISTED, user("new@example.com")]
        without = planned([*listed, group("team", ["ada@example.com"])], self.FOUND[:3], rules)
        assert [one.guard for one in without.refusals] == ["required_members"]
        assert planned([*listed, group("team", ["new@example.com"])], self.FOUND[:3], rules).refusals == ()

    def test_the_group_itself_may_require_them(self) -> None:
        team = group("team", ["ada@example.com"], required_members=("bob@example.com",))
        [refused] = planned([*LISTED, team], self.FOUND, keeping()).refusals
        assert refused.how_to_allow == "take them out of `required_members` at team/lifecycle/required_members:1"

    def test_what_a_person_did_to_a_group_that_no_file_manages_stops_no_plan(self) -> None:
        found = (*self.FOUND[:3], live_group("g1", "team", ["u-eve"]))
        assert planned([*LISTED, group("team")], found, self.RULES).refusals == ()


class TestMinimum:
    """How many members a group always has."""

    FOUND = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada", "u-bob", "u-eve"]))

    @pytest.mark.parametrize(
        ("listed", "number"),
        [
            ([*LISTED, group("team", ["ada@example.com", "bob@example.com"])], None),
            ([*LISTED, group("team", ["ada@example.com"])], 1),
            ([*LISTED, group("team")], None),
            ([*LISTED[2:], group("team")], 1),
            ([*LISTED, group("another")], 0),
            ([*LISTED, group("renamed", ["ada@example.com"], previously=("team",))], 1),
        ],
        ids=["enough", "too few", "not managed", "users deleted", "group deleted", "renamed"],
    )
    def test_holds_by_name_however_the_members_go(self, listed: Any, number: int | None) -> None:
        made = planned(listed, self.FOUND, keeping(min_members={"TEAM": 2}))
        assert [(one.guard, one.number, one.limit) for one in made.refusals] == (
            [] if number is None else [("min_members", number, "at least 2")]
        )

    @pytest.mark.parametrize(("others", "number"), [([], 1), (["eve@example.com"], None)])
    def test_who_is_deactivated_does_not_count(self, others: list[str], number: int | None) -> None:
        found = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada", "u-bob"]))
        members = ["ada@example.com", "bob@example.com", *others]
        listed = [LISTED[0], user("bob@example.com", active=False), LISTED[2], group("team", members)]
        made = planned(listed, found, keeping(min_members={"team": 2}))
        assert [(one.guard, one.number) for one in made.refusals] == ([("min_members", number)] if number else [])
        if not number:
            assert made.steps[-1].id == "deactivate user:bob@example.com"
            assert made.steps[-1].needs == ("add_members group:team",)

    def test_who_comes_and_is_deactivated_does_not_count_either(self) -> None:
        found = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada", "u-eve"]))
        listed = [LISTED[0], user("bob@example.com", active=False), LISTED[2]]
        members = group("team", ["ada@example.com", "bob@example.com"])
        made = planned([*listed, members], found, keeping(min_members={"team": 2}))
        assert [(one.guard, one.number) for one in made.refusals] == [("min_members", 1)]

    def test_the_higher_of_two_holds(self) -> None:
        listed = [*LISTED, group("team", ["ada@example.com"], min_members=3)]
        [refused] = planned(listed, self.FOUND, keeping(min_members={"team": 2})).refusals
        assert (refused.limit, refused.how_to_allow) == (
            "at least 3",
            "lower `min_members` at team/lifecycle/min_members:1",
        )

    def test_a_replacement_answers_for_the_old_name_too(self) -> None:
        found = live(*self.FOUND, group_rename=False)
        listed = [*LISTED, group("new", ["ada@example.com"], previously=("team",))]
        [refused] = planned(listed, found, keeping(min_members={"team": 2})).refusals
        assert (refused.subject, refused.number) == ("group:new", 1)

    def test_who_comes_only_after_a_removal_does_not_count_before_it(self) -> None:
        found = live(ADA, live_group("g1", "a", ["u-ada", "g2"]), live_group("g2", "b", []), nested_groups=True)
        listed = [*LISTED[:1], group("a", ["ada@example.com"]), group("b", [nested("a")])]
        made = planned(listed, found, keeping(min_members={"b": 1}))
        assert [(one.subject, one.number) for one in made.refusals] == [("group:b", 0)]

    def test_every_removal_carries_it_for_the_moments_of_the_apply(self) -> None:
        found = live(*self.FOUND, live_group("g2", "free", ["u-ada"]), max_operations_per_patch=1)
        listed = [*LISTED, group("team", ["ada@example.com"]), group("free", [])]
        made = planned(listed, found, keeping(min_members={"team": 1}))
        removals = {step.id: step.min_members for step in made.steps if step.action is Action.REMOVE_MEMBERS}
        assert removals == {
            "remove_members group:free": None,
            "remove_members group:team 1/2": 1,
            "remove_members group:team 2/2": 1,
        }

    def test_a_deletion_waits_for_the_additions_without_which_too_few_would_be_left(self) -> None:
        found = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada", "u-bob"]), live_group("g2", "free", ["u-ada"]))
        listed = [
            *LISTED[1:],
            group("team", ["bob@example.com", "eve@example.com"]),
            group("free", ["bob@example.com"]),
        ]
        needs = {
            number: {
                step.id: step.needs for step in planned(listed, found, keeping(min_members={"team": number})).steps
            }
            for number in (1, 2)
        }
        assert needs[2]["delete user:ada@example.com"] == ("add_members group:team",)
        assert needs[1]["delete user:ada@example.com"] == ()

    def test_a_deletion_is_left_out_with_the_additions_that_it_needs(self) -> None:
        found = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada", "u-bob"]))
        listed = [*LISTED[1:], group("team", ["bob@example.com", "eve@example.com"])]
        made = select_kinds(
            planned(listed, found, keeping(min_members={"team": 2})), {"users.delete"}, live=live(*found)
        )
        assert made.steps == ()
        assert ("delete user:ada@example.com", "needs “add_members group:team”") in [
            (one.step, one.why) for one in made.left_out
        ]

    def test_a_run_that_is_confined_to_others_is_not_stopped_by_it(self) -> None:
        found = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada"]))
        listed = [*LISTED[:2], user("eve@example.com", title="x"), group("team", ["ada@example.com"])]
        rules = keeping(min_members={"team": 2})
        assert len(planned(listed, found, rules).refusals) == 1
        confined = policy(protection=rules.protection, only=("user:eve@example.com",))
        assert planned(listed, found, confined).refusals == ()


def test_no_allowance_lifts_any_of_it() -> None:
    found = (ADA, BOB, EVE, live_group("g1", "team", ["u-ada"]))
    rules = keeping(
        users=("ada@*",),
        break_glass=("ada@example.com",),
        min_members={"team": 1},
        required_members={"team": ("ada@example.com",)},
    )
    made = planned([*LISTED[1:], group("team", [])], found, rules)
    assert {one.guard for one in made.refusals} == {"protected", "break_glass", "required_members", "min_members"}
    assert all("--allow" not in one.how_to_allow for one in made.refusals)

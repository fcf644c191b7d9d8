"""What a change of the files touches, and what of a plan belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from changed_files import read_for, touched_by
from desired_and_live import (
    AS_OF,
    FUTURE,
    PAST,
    desired,
    group,
    live,
    live_group,
    live_user,
    member,
    nested,
    policy,
    step_ids,
    user,
    warnings,
)
from reconciler.config import DirectoryConfig, Limit, Protection, Unlisted
from reconciler.model import Desired, DesiredResource, History, Kind, Live, Timer, TimerName
from reconciler.planning import Plan, plan
from reconciler.planning.touched import EverythingTouchedError

ADA, BOB, CYD = user("ada"), user("bob"), user("cyd")
TAKES = policy(Unlisted.DEACTIVATE, Unlisted.DELETE)
Resources = Sequence[DesiredResource]


def since(before: Desired, now: Desired, found: Live, **given: Any) -> Plan:
    change = touched_by(before, now, found)
    return plan(now, read_for(change, now, found), as_of=AS_OF, since=change, **given)


def members_touched(before: Resources, now: Resources, **capabilities: Any) -> dict[str, set[str]]:
    change = touched_by(desired(*before), desired(*now), live(**capabilities))
    return {name: {member for _, member in members} for name, members in change.members.items()}


SALES = user("ada", title="Seller")
PLATFORM = user("ada", title="Engineer")
MATCHED = group("matched", match='title eq "Engineer"')


@pytest.mark.parametrize(
    ("before", "now", "touched"),
    [
        ([ADA, group("a", ["ada"])], [ADA, group("a", ["ADA"])], {}),
        ([ADA, BOB, group("a", ["ada", "bob"])], [ADA, BOB, group("a", ["bob", "ada"])], {}),
        ([ADA, BOB, group("a", ["ada"])], [ADA, BOB, group("a", ["bob"])], {"a": {"ada", "bob"}}),
        ([ADA, group("a", ["ada"])], [ADA, group("a", [member("ada", until=FUTURE)])], {"a": {"ada"}}),
        ([ADA, group("a", [member("ada", until=PAST)])], [ADA, group("a", [])], {"a": {"ada"}}),
        ([ADA, group("a", ["ada"])], [user("ada", until=PAST), group("a", ["ada"])], {"a": {"ada"}}),
        ([SALES, BOB, MATCHED], [PLATFORM, BOB, MATCHED], {"matched": {"ada"}}),
        ([PLATFORM, MATCHED], [PLATFORM, replace(MATCHED, match="not (title pr)")], {"matched": {"ada"}}),
        (
            [ADA, group("in", []), group("out", [nested("in")])],
            [ADA, group("in", ["ada"]), group("out", [nested("in")])],
            {"in": {"ada"}, "out": {"ada"}},
        ),
        (
            [ADA, group("in", ["ada"]), group("out", ["ada", nested("in")])],
            [ADA, group("in", ["ada"]), group("out", ["ada"])],
            {},
        ),
        ([ADA, group("a", ["ada"])], [ADA, group("a")], {}),
        ([ADA, group("a", ["ada"])], [ADA, group("b", ["ada"], previously=("a",))], {}),
    ],
    ids=[
        "another case of a name",
        "another order",
        "one for another",
        "a date",
        "a line that had lapsed",
        "somebody whose time is over",
        "somebody who matches now",
        "another filter",
        "one in a group that is in another",
        "another way in",
        "members that are stated no more",
        "a group with another name",
    ],
)
def test_the_memberships_that_change_are_touched(before: Resources, now: Resources, touched: Any) -> None:
    assert members_touched(before, now) == touched


def test_where_groups_nest_the_group_is_the_member() -> None:
    before = [ADA, group("in", []), group("out", [])]
    now = [ADA, group("in", ["ada"]), group("out", [nested("in")])]
    assert members_touched(before, now, nested_groups=True) == {"in": {"ada"}, "out": {"in"}}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "other"}, "name"),
        ({"base_url": "https://other.example.com"}, "base_url"),
        ({"dialect": "atlassian"}, "dialect"),
        ({"members_may_be_unlisted": True}, "members_may_be_unlisted"),
        ({"policy": policy(scope_users="active eq true")}, "scope.users"),
        ({"policy": policy(scope_groups="displayName pr")}, "scope.groups"),
        ({"policy": policy(Unlisted.DELETE)}, "unlisted.users"),
        ({"policy": policy(Unlisted.IGNORE, Unlisted.DELETE)}, "unlisted.groups"),
        ({"policy": policy(domains=("example.com",))}, "domains"),
    ],
)
def test_what_is_about_everybody_touches_everything(changes: dict[str, Any], named: str) -> None:
    before = desired(ADA)
    now = replace(before, config=replace(before.config, **changes))
    with pytest.raises(EverythingTouchedError) as refused:
        touched_by(before, now, live())
    assert refused.value.settings == (named,)
    assert str(refused.value) == (
        f"directory.yaml says something else of {named} than at main: that is about every user and group, so that only "
        "a plan of everything tells what changes. Plan without --since"
    )


def test_how_careful_to_be_touches_nothing() -> None:
    before = desired(ADA)
    rules = replace(before.config.policy, protection=Protection(users=("*",)), chunk_size=7)
    config: DirectoryConfig = replace(before.config, policy=rules)
    change = touched_by(before, replace(before, config=config), live())
    assert (change.users, change.groups, change.members) == (frozenset(), frozenset(), {})


def test_lines_keep_their_places_and_the_rules_that_give_a_membership_are_told() -> None:
    before = [ADA, BOB, SALES, group("a", ["bob", "ada"]), MATCHED][1:]
    now = [BOB, PLATFORM, CYD, group("a", ["bob", "ada", "cyd"]), MATCHED]
    found = live(
        live_user("1", "ada", title="Seller"),
        live_user("2", "bob"),
        live_group("10", "a", ["1", "2"]),
        live_group("11", "matched", []),
    )
    made = since(desired(*before), desired(*now), found)
    edges = {step.name: [(edge.name, edge.origin, edge.rule) for edge in step.members] for step in made.steps}
    assert edges["a"] == [("cyd", "a/members/2:1", None)]
    assert edges["matched"] == [("ada", "matched/match:1", 'title eq "Engineer"')]


def test_what_a_membership_cannot_do_without_is_made_as_well() -> None:
    before = desired(ADA, BOB, group("a", []))
    now = desired(ADA, BOB, group("a", ["ada"]))
    assert step_ids(since(before, now, live())) == ["create user:ada", "create group:a", "add_members group:a"]


def test_that_a_group_is_made_without_members_whom_the_change_does_not_touch_is_told() -> None:
    before, now = desired(ADA, BOB, group("a", ["ada"])), desired(ADA, BOB, group("a", ["ada", "bob"]))
    made = since(before, now, live(live_user("1", "ada"), live_user("2", "bob")))
    assert [edge.name for step in made.steps for edge in step.members] == ["bob"]
    assert warnings(made)["members-later"] == [
        "group:a is not the group of the directory that its lines meant before, or not there at all: of its members, "
        "this plan adds those alone whom the change touches, and a plan of everything the others"
    ]


def test_a_membership_that_ends_makes_nobody() -> None:
    before, now = desired(ADA, group("a", ["ada"])), desired(ADA, group("a", []))
    assert step_ids(since(before, now, live())) == []


def test_what_differs_beside_the_change_is_left_to_a_plan_of_everything() -> None:
    before = desired(ADA, BOB, CYD, group("a", ["ada", "bob"]))
    now = desired(ADA, BOB, CYD, group("a", ["ada", "bob", "cyd"]))
    found = live(
        live_user("1", "ada", active=False), live_user("3", "cyd"), live_user("4", "dan"), live_group("10", "a", ["4"])
    )
    assert step_ids(since(before, now, found)) == ["add_members group:a"]


def test_whom_another_line_means_does_not_go() -> None:
    before = desired(user("ada", externalId="1"), rules=TAKES)
    now = desired(user("ada.l", externalId="1"), rules=TAKES)
    found = live(live_user("u", "ada", externalId="1"))
    assert step_ids(since(before, now, found)) == ["update user:ada"]


def test_a_newcomer_does_not_get_the_account_of_somebody_who_has_that_name_still() -> None:
    robert = user("robert", externalId="7")
    found = live(live_user("u", "bob", externalId="7"))
    made = since(desired(robert), desired(robert, BOB), found)
    # Robert's rename is no part of the change, and yet the name is not free without it.
    assert step_ids(made) == ["update user:bob", "create user:bob"]
    assert made.steps[1].needs == (made.steps[0].id,)
    assert made.steps[0].resource_id == "u"


def test_somebody_whose_account_the_change_gives_to_another_is_made_anew() -> None:
    found = live(live_user("u", "bob", externalId="7"))
    made = since(desired(BOB), desired(BOB, user("ada", externalId="7")), found)
    assert step_ids(made) == ["update user:bob", "create user:bob"]
    assert made.steps[0].changes[0].after == "ada"
    assert len(warnings(made)["members-later"]) == 1


def test_who_leaves_is_looked_up_and_nobody_else_goes() -> None:
    before, now = desired(ADA, BOB, rules=TAKES), desired(ADA, rules=TAKES)
    found = live(live_user("1", "ada"), live_user("2", "bob"), live_user("3", "stranger"))
    assert step_ids(since(before, now, found)) == ["deactivate user:bob"]


def test_what_is_ambiguous_among_those_listed_before_is_left_alone() -> None:
    before, now = desired(group("a"), rules=TAKES), desired(rules=TAKES)
    found = live(live_group("1", "a"), live_group("2", "a"))
    assert step_ids(since(before, now, found)) == []


def test_the_members_of_a_group_that_waits_for_its_replacement_are_left_to_a_plan_of_everything() -> None:
    before = desired(ADA, BOB, group("new", ["ada"], previously=("old",)))
    now = desired(ADA, BOB, group("new", ["ada", "bob"], previously=("old",)))
    found = live(live_user("1", "ada"), live_user("2", "bob"), live_group("9", "old", ["1"]), group_rename=False)
    made = since(before, now, found)
    assert step_ids(made) == []
    assert warnings(made)["replacement-first"] == [
        "group:new takes the place of group:old, and that is no part of this change: memberships that the change gives "
        "or takes there are left to a plan of everything"
    ]


def test_a_group_that_waits_for_its_replacement_is_put_into_no_other() -> None:
    """The old group is not the one that the files put there, and a plan of everything would not."""
    inner = group("new", previously=("old",))
    before, now = desired(inner, group("outer")), desired(inner, group("outer", [nested("new")]))
    found = live(live_group("9", "old", []), live_group("8", "outer"), group_rename=False, nested_groups=True)
    made = since(before, now, found)
    assert step_ids(made) == []
    assert "replacement-first" in warnings(made)


def test_a_replacement_by_the_change_carries_everybody_over() -> None:
    before, now = desired(ADA, group("old")), desired(ADA, group("new", previously=("old",)))
    found = live(
        live_user("1", "ada"), live_user("2", "stranger"), live_group("9", "old", ["1", "2"]), group_rename=False
    )
    made = since(before, now, found)
    added = [edge.name for step in made.steps for edge in step.members]
    assert added == ["ada", "stranger"]


def test_members_that_the_files_begin_to_state_are_all_compared() -> None:
    before, now = desired(ADA, BOB, group("a")), desired(ADA, BOB, group("a", ["ada"]))
    found = live(live_user("1", "ada"), live_user("2", "bob"), live_user("3", "x"), live_group("9", "a", ["2", "3"]))
    made = since(before, now, found)
    edges = {step.action: [edge.name for edge in step.members] for step in made.steps}
    assert edges == {"add_members": ["ada"], "remove_members": ["bob", "x"]}


def test_members_of_a_group_that_no_file_fills_come_with_it() -> None:
    before = desired(ADA, BOB, group("in"), group("out", []))
    now = desired(ADA, BOB, group("in"), group("out", [nested("in")]))
    found = live(
        live_user("1", "ada"), live_user("2", "bob"), live_group("8", "in", ["1", "2"]), live_group("9", "out")
    )
    made = since(before, now, found)
    assert [edge.name for step in made.steps for edge in step.members] == ["ada", "bob"]


def test_who_stays_in_by_a_group_that_no_file_fills_is_not_taken_out() -> None:
    before = desired(ADA, group("in"), group("out", ["ada", nested("in")]))
    now = desired(ADA, group("in"), group("out", [nested("in")]))
    found = live(live_user("1", "ada"), live_group("8", "in", ["1"]), live_group("9", "out", ["1"]))
    assert step_ids(since(before, now, found)) == []


def test_the_plan_says_what_it_is_about() -> None:
    before = desired(ADA, user("bob", externalId="2"), group("a", ["ada"]))
    now = desired(ADA, user("bob.b", externalId="2"), group("a", ["ada", "bob.b"]))
    found = live(live_user("1", "ada"), live_user("2", "bob", externalId="2"), live_group("9", "a", ["1"]))
    made = since(before, now, found)
    assert made.since is not None
    assert (made.since.ref, made.since.commit, made.since.users, made.since.groups) == ("main", "c0ffee", 1, 1)
    assert made.notes[0].code == "since"
    assert (made.live.users, made.live.groups, made.live.memberships) == (1, 1, 1)
    assert (made.desired.users, made.desired.groups) == (2, 1)


def test_whose_grace_period_ends_because_files_list_them_again_is_told() -> None:
    before, now = desired(ADA, rules=TAKES), desired(ADA, BOB, rules=TAKES)
    found = live(live_user("1", "ada"), live_user("2", "bob"), live_user("3", "x"))
    timers = tuple(Timer(kind=Kind.USER, id=one, name=TimerName.UNLISTED, since=PAST) for one in ("2", "3"))
    made = since(before, now, found, history=History(timers=timers))
    assert made.since is not None
    assert made.since.listed_again == ("2",)


def test_percentages_are_strict_where_the_directory_tells_no_number() -> None:
    guards = replace(TAKES.guards, users_deactivate=Limit(percent=50), memberships_remove=Limit(percent=50))
    rules = replace(TAKES, guards=guards)
    before, now = desired(ADA, BOB, CYD, rules=rules), desired(ADA, BOB, rules=rules)
    found = live(*(live_user(name, name) for name in ("ada", "bob", "cyd")))
    change = touched_by(before, now, found)
    read = read_for(change, now, found)
    assert plan(now, read, as_of=AS_OF, since=change).refusals == ()
    untold = plan(now, replace(read, sizes={}), as_of=AS_OF, since=change)
    assert [one.limit for one in untold.refusals] == ["50 % of 1 known = 0"]

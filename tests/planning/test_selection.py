"""Runs that are confined to some resources: what stays, what goes with what is left out, and what is a mistake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from desired_and_live import (
    UNGUARDED,
    edges,
    group,
    live,
    live_group,
    live_user,
    nested,
    only_step,
    planned,
    policy,
    step_ids,
    user,
    warnings,
)
from reconciler.attributes import ENTERPRISE_USER
from reconciler.config import Limit, Unlisted
from reconciler.diagnostics import Diagnostic, DiagnosticsError
from reconciler.filters import FilterError
from reconciler.model import DesiredResource, Kind, Live, LiveResource, Replace
from reconciler.planning import Action, Plan
from reconciler.planning.selection import SelectorError, parse_selector

ADA, BOB, CYD = (user(f"{name}@example.com", title="Engineer") for name in ("ada", "bob", "cyd"))
LIVE_ADA, LIVE_BOB, LIVE_CYD = (live_user(f"u{n}", one.name) for n, one in enumerate((ADA, BOB, CYD), 1))
EVERYBODY = [ADA.name, BOB.name, CYD.name]


def confined(listed: Iterable[DesiredResource], found: Iterable[LiveResource] | Live = (), **settings: Any) -> Plan:
    """A plan for listed resources and a directory, with a policy of these settings."""
    return planned(listed, found, policy(Unlisted.DEACTIVATE, Unlisted.DELETE, **settings))


def left_out(made: Plan) -> list[tuple[str, str, int]]:
    return [(one.step, one.why, one.members) for one in made.left_out]


def problems(*arguments: Any, **settings: Any) -> list[Diagnostic]:
    with pytest.raises(DiagnosticsError) as refusal:
        confined(*arguments, **settings)
    return list(refusal.value.diagnostics)


# How resources are selected


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("user:ada@example.com", Kind.USER, "ada@example.com"),
        ("  group:Team A ", Kind.GROUP, "Team A"),
        ("group:a:b[c]", Kind.GROUP, "a:b[c]"),
        ("user:users[x]", Kind.USER, "users[x]"),
    ],
)
def test_an_address_names_one_resource(text: str, kind: Kind, name: str) -> None:
    selector = parse_selector(text)
    assert (selector.kind, selector.name, selector.filter, str(selector)) == (kind, name, None, text)


@pytest.mark.parametrize(
    ("text", "kind", "filter_text"),
    [
        ('users[department eq "Platform"]', Kind.USER, 'department eq "Platform"'),
        ('groups[displayName sw "team-"]', Kind.GROUP, 'displayName sw "team-"'),
        ('users[emails[type eq "work"]]', Kind.USER, 'emails[type eq "work"]'),
    ],
)
def test_a_filter_stands_in_brackets(text: str, kind: Kind, filter_text: str) -> None:
    selector = parse_selector(text)
    assert (selector.kind, selector.name, str(selector.filter)) == (kind, None, filter_text)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("ada@example.com", "is not what resources are selected by: user:NAME, group:NAME, users[FILTER] or"),
        ("", "is not what resources are selected by"),
        ("users:ada", "is not what resources are selected by"),
        ("User:ada", "is not what resources are selected by"),
        ("user:", "names nobody"),
        ("user:  ", "names nobody"),
        ("users[active eq true", "does not end"),
        ("users[]", "holds not a usable SCIM filter"),
        ("groups[displayName equals 1]", "holds not a usable SCIM filter"),
    ],
)
def test_anything_else_is_an_error_that_says_what_is_wrong(text: str, detail: str) -> None:
    with pytest.raises(SelectorError) as error:
        parse_selector(text)
    assert error.value.text == text
    assert detail in error.value.detail
    assert isinstance(error.value.__cause__, FilterError | None)


@pytest.mark.parametrize(
    "only",
    [
        "user:ada@example.com",
        "user:ADA@Example.COM",
        'users[userName eq "ada@example.com"]',
        'users[title eq "new"]',
        'users[department eq "Old"]',
        f'users[{ENTERPRISE_USER}:department eq "old"]',
        'users[title eq "new" and department eq "Old" and not (userName sw "b")]',
    ],
)
def test_a_listed_user_is_selected_by_what_it_will_be(only: str) -> None:
    kept_as_it_is = {ENTERPRISE_USER: {"department": "Old"}}
    found = [live_user("u1", "ada@example.com", title="old", **kept_as_it_is), LIVE_BOB]
    made = confined([user("ada@example.com", title="new"), BOB], found, only=(only,))
    assert step_ids(made) == ["update user:ada@example.com"]
    assert left_out(made) == [("update user:bob@example.com", "only", 0)]
    assert (made.only, made.exclude) == ((only,), ())


@pytest.mark.parametrize(
    "only", ["user:bob@example.com", 'users[title eq "old"]', 'users[title eq "old" and active eq true]']
)
def test_an_unlisted_user_is_selected_by_what_it_is(only: str) -> None:
    made = confined([ADA], [live_user("u2", "bob@example.com", title="Old")], only=(only,))
    assert step_ids(made) == ["deactivate user:bob@example.com"]


@pytest.mark.parametrize("name", ["old@example.com", "new@example.com"])
def test_a_renamed_user_is_known_by_both_names(name: str) -> None:
    listed = [user("new@example.com", externalId="1"), ADA]
    made = confined(listed, [live_user("u1", "old@example.com", externalId="1")], only=(f"user:{name}",))
    assert step_ids(made) == ["update user:old@example.com"]


def test_selectors_add_up_and_exclusions_outweigh_them() -> None:
    made = confined([ADA, BOB, CYD], (), only=("user:ada@example.com", 'users[userName sw "b"]'))
    assert step_ids(made) == ["create user:ada@example.com", "create user:bob@example.com"]
    made = confined([ADA, BOB, CYD], (), only=('users[title eq "engineer"]',), exclude=("user:bob@example.com",))
    assert step_ids(made) == ["create user:ada@example.com", "create user:cyd@example.com"]
    assert left_out(made) == [("create user:bob@example.com", "exclude", 0)]


def test_a_user_and_a_group_of_one_name_are_two() -> None:
    made = confined([user("x"), group("x")], (), only=("group:x",))
    assert step_ids(made) == ["create group:x"]


# Mistakes


@pytest.mark.parametrize("name", ["adda@example.com", "ada@exmaple.com", "ADA"])
def test_a_name_that_nobody_has_is_an_error_that_guesses_what_was_meant(name: str) -> None:
    [problem] = problems([ADA, BOB], (), only=(f"user:{name}",))
    assert problem.code == "selects-nothing"
    assert f"--only user:{name}" in problem.message
    assert problem.hint == "did you mean user:ada@example.com?"


def test_a_name_like_no_other_gets_no_guess() -> None:
    [problem] = problems([ADA], (), exclude=("user:zoe@example.com",))
    assert "--exclude user:zoe@example.com" in problem.message
    assert problem.hint is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ada", "--only 'ada' is not what resources are selected by"),
        ('users[shoeSize eq "1"]', "the filter of --only users[shoeSize eq"),
        ('users[active gt "1"]', "the filter of --only users[active gt"),
    ],
)
def test_what_cannot_be_understood_is_an_error(text: str, said: str) -> None:
    assert any(said in problem.message for problem in problems([ADA], (), only=(text,)))


def test_every_mistake_is_told_at_once() -> None:
    assert len(problems([ADA], (), only=("user:a", "b"), exclude=("group:c", "users[d eq 1]"))) == 4


def test_a_filter_that_finds_nobody_is_no_mistake_and_is_told() -> None:
    made = confined([ADA], (), only=('users[userName sw "x"]',))
    assert made.steps == ()
    assert warnings(made) == {"selects-nothing": ['--only users[userName sw "x"] selects no user']}


def test_who_is_excluded_by_what_the_directory_holds_is_left_alone_though_the_files_change_it() -> None:
    chief = live_user("u1", ADA.name, title="Chief")
    made = confined([ADA], [chief], exclude=('users[title eq "Chief"]',))
    assert (made.steps, left_out(made)) == ((), [("update user:ada@example.com", "exclude", 0)])
    assert step_ids(confined([ADA], [chief], only=('users[title eq "Chief"]',))) == []


def test_what_is_wrong_elsewhere_in_the_files_stops_a_plan_for_some_of_them() -> None:
    swapped = [user("a@example.com", externalId="2"), user("b@example.com", externalId="1")]
    found = [live_user("u1", "a@example.com", externalId="1"), live_user("u2", "b@example.com", externalId="2")]
    [problem] = problems([ADA, *swapped], found, only=("user:ada@example.com",))
    assert problem.code == "name-cycle"


# Memberships


def test_memberships_stay_where_the_group_or_the_member_is_selected() -> None:
    listed = [ADA, BOB, group("one", [ADA.name, BOB.name]), group("two", [ADA.name, BOB.name])]
    found = [LIVE_ADA, LIVE_BOB, live_group("g1", "one"), live_group("g2", "two")]
    made = confined(listed, found, only=("group:one", "user:bob@example.com"))
    assert edges(made, Action.ADD_MEMBERS) == {
        "one": {ADA.name: "listed", BOB.name: "listed"},
        "two": {BOB.name: "listed"},
    }
    assert ("add_members group:two", "only", 1) in left_out(made)


def test_memberships_go_where_the_group_or_the_member_is_excluded() -> None:
    listed = [ADA, BOB, group("one", [ADA.name, BOB.name]), group("two", [ADA.name, BOB.name])]
    found = [LIVE_ADA, LIVE_BOB, live_group("g1", "one"), live_group("g2", "two")]
    made = confined(listed, found, exclude=("group:one", "user:bob@example.com"))
    assert edges(made, Action.ADD_MEMBERS) == {"two": {ADA.name: "listed"}}
    assert ("add_members group:one", "exclude", 0) in left_out(made)
    assert ("add_members group:two", "exclude", 1) in left_out(made)


def test_removals_are_selected_as_additions_are() -> None:
    found = [LIVE_ADA, LIVE_BOB, live_group("g1", "one", ["u1", "u2"])]
    made = confined([ADA, BOB, group("one", [])], found, only=("user:ada@example.com",))
    assert edges(made, Action.REMOVE_MEMBERS) == {"one": {ADA.name: "not_listed"}}


def test_a_membership_needs_the_creation_of_its_group() -> None:
    made = confined([ADA, group("new", [ADA.name])], [LIVE_ADA], only=("user:ada@example.com",))
    assert step_ids(made) == ["update user:ada@example.com"]
    assert left_out(made) == [
        ("create group:new", "only", 0),
        ("add_members group:new", "needs “create group:new”", 0),
    ]


def test_a_membership_needs_the_creation_of_its_member() -> None:
    found = [LIVE_ADA, live_group("g1", "one")]
    made = confined([ADA, BOB, group("one", [ADA.name, BOB.name])], found, only=("group:one",))
    assert edges(made, Action.ADD_MEMBERS) == {"one": {ADA.name: "listed"}}
    assert ("add_members group:one", "needs “create user:bob@example.com”", 1) in left_out(made)


# What needs something that is left out


def test_who_takes_a_name_needs_who_gives_it_up_and_so_on() -> None:
    listed = [user(f"n{number + 1}@example.com", externalId=str(number)) for number in range(3)]
    found = [live_user(f"u{number}", f"n{number}@example.com", externalId=str(number)) for number in range(3)]
    made = confined([*listed, ADA], found, exclude=("user:n3@example.com",))
    assert step_ids(made) == ["create user:ada@example.com"]
    assert left_out(made) == [
        ("update user:n2@example.com", "exclude", 0),
        # n2 is also the name that n1 takes; who is known by it is excluded as well.
        ("update user:n1@example.com", "needs “update user:n2@example.com”", 0),
        ("update user:n0@example.com", "needs “update user:n1@example.com”", 0),
    ]


def test_a_newcomer_with_the_name_of_somebody_who_is_left_out_waits() -> None:
    listed = [user("ada.new@example.com", externalId="1"), user("ada@example.com", externalId="2")]
    made = confined(listed, [live_user("u1", "ada@example.com", externalId="1")], exclude=("user:ada.new@example.com",))
    assert made.steps == ()
    assert left_out(made)[1] == ("create user:ada@example.com", "needs “update user:ada@example.com”", 0)


REPLACED = group("team-new", EVERYBODY, previously=("team-old",))
OLD_TEAM = live_group("g1", "team-old", ["u1", "u2", "u3"])
OF_A_REPLACEMENT = ["create group:team-new", "add_members group:team-new", "delete group:team-old"]


def replacing(*more: Any, listed: tuple[Any, ...] = (), **settings: Any) -> Plan:
    found = live(LIVE_ADA, LIVE_BOB, LIVE_CYD, OLD_TEAM, *more, group_rename=False, nested_groups=True)
    steady = [user(name) for name in EVERYBODY]
    return confined([*steady, REPLACED, *listed], found, **settings)


@pytest.mark.parametrize("name", ["team-new", "team-old"])
def test_a_group_that_is_replaced_is_selected_by_both_names_and_whole(name: str) -> None:
    assert step_ids(replacing(only=(f"group:{name}",))) == OF_A_REPLACEMENT
    made = replacing(exclude=(f"group:{name}",))
    assert made.steps == ()
    assert left_out(made) == [(step, "exclude", 0) for step in OF_A_REPLACEMENT]


def test_a_replacement_that_one_member_may_not_go_along_with_does_not_take_place() -> None:
    """Half of it would delete the old group, and with it the access of who is left out."""
    made = replacing(exclude=("user:bob@example.com",))
    assert made.steps == ()
    assert left_out(made) == [
        ("create group:team-new", "needs “add_members group:team-new”", 0),
        ("add_members group:team-new", "exclude", 0),
        ("delete group:team-old", "needs “add_members group:team-new”", 0),
    ]


def test_a_member_alone_brings_no_replacement_about() -> None:
    assert replacing(only=("user:bob@example.com",)).steps == ()


def test_a_replacement_waits_where_the_group_around_it_would_lose_it() -> None:
    around = group("all", [nested("team-new")])
    found_around = live_group("g2", "all", ["g1"])
    assert {*OF_A_REPLACEMENT, "add_members group:all"} < {*step_ids(replacing(found_around, listed=(around,)))}
    made = replacing(found_around, listed=(around,), exclude=("group:all",))
    assert made.steps == ()
    assert ("delete group:team-old", "needs “add_members group:all”", 0) in left_out(made)


def test_a_replacement_that_stopped_half_way_goes_on_whole_or_not_at_all() -> None:
    half = live_group("g2", "team-new", ["u1"])
    assert step_ids(replacing(half)) == ["add_members group:team-new", "delete group:team-old"]
    made = replacing(half, exclude=("user:cyd@example.com",))
    assert made.steps == ()


def test_a_replacement_that_waits_for_a_person_may_begin_in_part() -> None:
    """The old group stays, and with it everybody's access."""
    waiting = replace(REPLACED, lifecycle=replace(REPLACED.lifecycle, replace=Replace.MANUAL_REGRANT))
    found = live(LIVE_ADA, LIVE_BOB, LIVE_CYD, OLD_TEAM, group_rename=False)
    made = confined([*map(user, EVERYBODY), waiting], found, exclude=("user:bob@example.com",))
    assert edges(made, Action.ADD_MEMBERS) == {"team-new": {ADA.name: "listed", CYD.name: "listed"}}


# What the rest of a plan makes of it


def test_guards_see_what_is_selected() -> None:
    strict = replace(UNGUARDED, users_deactivate=Limit(count=1))
    found = [LIVE_ADA, LIVE_BOB, LIVE_CYD]
    assert confined([user("new")], found, guards=strict).refusals
    assert not confined([user("new")], found, guards=strict, only=("user:ada@example.com",)).refusals


def test_a_plan_of_which_everything_is_left_out_does_not_say_that_the_directory_matches() -> None:
    made = planned([user("ada@example.com")], rules=policy(exclude=("user:ada@example.com",)))
    assert (made.steps, len(made.left_out)) == ((), 1)
    assert str(made.summary) == (
        "Plan: 0 to create, 0 to update, 0 to deactivate, 0 to delete; 0 memberships to add, 0 to remove."
    )


def test_nobody_is_warned_of_what_is_left_out() -> None:
    def mail(domain: str) -> list[dict[str, object]]:
        return [{"value": f"ada@{domain}", "primary": True}]

    found = live(
        live_user("u1", "ada@example.com", emails=mail("example.com")),
        live_user("u2", "bob@example.com"),
        live_group("g1", "old", ["u2", "gone"]),
        group_rename=False,
    )
    listed = [
        user("ada@example.com", emails=mail("example.org")),
        user("bob@example.com", title="x"),
        group("new", ["bob@example.com"], previously=("old",)),
    ]

    def told(*only: str) -> set[str]:
        return {*warnings(planned(listed, found, policy(domains=("example.com",), only=only)))}

    assert told() == {"e-mail-domain", "replaced-group", "members-lost"}
    assert told("user:ada@example.com") == {"e-mail-domain"}
    assert told("user:bob@example.com") == set()
    assert told("groups[displayName pr]") == {"replaced-group", "members-lost"}


def test_chunks_are_counted_among_what_is_selected() -> None:
    listed = [user(f"{sign}{number:02}@example.com") for sign in "ab" for number in range(30)]
    made = confined(listed, (), only=('users[userName sw "b"]',), canary=4, chunk_size=20)
    assert [(number, len(steps)) for number, steps in made.chunks()] == [(1, 4), (2, 20), (3, 6)]


def test_what_waits_goes_on_waiting_whatever_a_run_is_confined_to() -> None:
    settings = {"unlisted_users_after": timedelta(days=7)}
    whole = confined([ADA], [LIVE_ADA, LIVE_BOB], **settings)
    assert [one.address for one in whole.pending] == ["user:bob@example.com"]
    for choice in ({"only": ("user:ada@example.com",)}, {"exclude": ("user:bob@example.com",)}):
        assert confined([ADA], [LIVE_ADA, LIVE_BOB], **settings, **choice).pending == whole.pending


def test_without_a_selection_nothing_is_left_out() -> None:
    made = confined([ADA], ())
    assert only_step(made).name == ADA.name
    assert (made.left_out, made.only, made.exclude) == ((), (), ())

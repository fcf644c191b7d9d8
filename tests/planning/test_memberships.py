"""Who is in which group, by whose word, and whose memberships are left alone."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import (
    FUTURE,
    PAST,
    edges,
    group,
    live,
    live_group,
    live_user,
    member,
    nested,
    notes,
    planned,
    policy,
    step_ids,
    user,
)
from reconciler.attributes import CORE_USER, ENTERPRISE_USER, Schemas, rfc7643_documents
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import DesiredGroup, LiveResource
from reconciler.planning import Action

NAMES = [f"{name}@example.com" for name in ("ada", "bob", "cyd")]
ADA, BOB, CYD = NAMES
LISTED = [user(name) for name in NAMES]
FOUND = [live_user(f"u{number}", name) for number, name in enumerate(NAMES, 1)]


def added_and_removed(
    groups: list[DesiredGroup], found: list[LiveResource], **settings: Any
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """The edges to add and to remove where three users are listed and live."""
    rules = settings.pop("rules", None)
    may_be_unlisted = settings.pop("members_may_be_unlisted", False)
    made = planned([*LISTED, *groups], live(*FOUND, *found, **settings), rules, members_may_be_unlisted=may_be_unlisted)
    return edges(made, Action.ADD_MEMBERS), edges(made, Action.REMOVE_MEMBERS)


def refusals(*arguments: Any, **settings: Any) -> list[str]:
    """What planning refuses, in words."""
    with pytest.raises(DiagnosticsError) as refused:
        added_and_removed(*arguments, **settings)
    return [str(diagnostic) for diagnostic in refused.value.diagnostics]


@pytest.mark.parametrize("found", [["u1", "u2"], [], None])
def test_a_group_that_states_no_members_keeps_the_ones_it_has(found: list[str] | None) -> None:
    assert added_and_removed([group("team")], [live_group("g1", "team", found)]) == ({}, {})


def test_an_empty_list_of_members_empties_the_group() -> None:
    added, removed = added_and_removed([group("team", [])], [live_group("g1", "team", ["u1", "u2"])])
    assert (added, removed) == ({}, {"team": {ADA: "not_listed", BOB: "not_listed"}})


def test_the_list_of_members_is_complete() -> None:
    added, removed = added_and_removed([group("team", [ADA.upper(), BOB])], [live_group("g1", "team", ["u2", "u3"])])
    assert (added, removed) == ({"team": {ADA: "listed"}}, {"team": {CYD: "not_listed"}})


def test_a_member_that_the_directory_lists_twice_is_one() -> None:
    assert added_and_removed([group("team", [ADA])], [live_group("g1", "team", ["u1", "u1"])]) == ({}, {})


def test_edges_say_where_and_why() -> None:
    listed = group("team", [member(ADA, reason="OPS-1")])
    made = planned([*LISTED, listed], live(*FOUND, live_group("g1", "team", ["u2"])))
    [[added], [removed]] = [step.members for step in made.steps]
    assert (added.origin, added.note, added.id) == ("team/members/0:1", "OPS-1", "u1")
    assert (removed.origin, removed.note, removed.id) == ("team/members:1", None, "u2")


@pytest.mark.parametrize(
    ("entry", "there", "change"),
    [
        (member(ADA, until=PAST), True, "expired"),
        (member(ADA, until=PAST), False, None),
        (member(ADA, from_=FUTURE), True, "not_started"),
        (member(ADA, from_=FUTURE), False, None),
        (member(ADA, from_=PAST, until=FUTURE), True, None),
    ],
)
def test_a_membership_counts_only_between_its_dates(entry: Any, there: bool, change: str | None) -> None:
    added, removed = added_and_removed([group("team", [entry])], [live_group("g1", "team", ["u1"] if there else [])])
    assert (added, removed) == ({}, {"team": {ADA: change}} if change else {})


@pytest.mark.parametrize(("dates", "reason"), [({"until": PAST}, "expired"), ({"from_": FUTURE}, "not_started")])
@pytest.mark.parametrize("stated", [{"match": f'userName eq "{ADA}"'}, {}], ids=["match", "members"])
def test_no_membership_of_a_user_counts_outside_the_dates_of_that_user(
    dates: dict[str, Any], reason: str, stated: dict[str, Any]
) -> None:
    listed = [user(ADA, **dates), group("team", None if stated else [ADA], **stated)]
    made = planned(listed, live(*FOUND, live_group("g1", "team", ["u1"])))
    assert edges(made, Action.REMOVE_MEMBERS) == {"team": {ADA: reason}}
    new = planned(listed, live(live_group("g1", "team")))
    assert step_ids(new) == []


def test_a_user_who_is_inactive_and_listed_stays_a_member() -> None:
    made = planned([user(ADA, active=False), group("team", [ADA])], live(FOUND[0], live_group("g1", "team", ["u1"])))
    assert step_ids(made) == [f"deactivate user:{ADA}"]


class TestMatch:
    """Groups whose members a filter gives."""

    LISTED = (
        user(ADA, title="Boss", **{ENTERPRISE_USER: {"department": "Platform"}}),
        user(BOB, active=False, **{ENTERPRISE_USER: {"department": "platform"}}),
        user(CYD),
    )

    @pytest.mark.parametrize(
        ("match", "names"),
        [
            ('department eq "Platform"', {ADA, BOB}),
            ('department eq "PLATFORM" and active eq true', {ADA}),
            (f'active eq true and (userName eq "{CYD}" or title pr)', {ADA, CYD}),
            ("not (title pr)", {BOB, CYD}),
            ("title eq null", {BOB, CYD}),
            ('name.familyName eq "x" and active eq true', set()),
            ('emails.value eq "x" and active eq true', set()),
        ],
    )
    def test_its_members_are_the_listed_users_that_match(self, match: str, names: set[str]) -> None:
        made = planned([*self.LISTED, group("team", match=match)], live(live_group("g1", "team")))
        assert set(edges(made, Action.ADD_MEMBERS).get("team", {})) == names

    def test_who_does_not_match_any_more_goes(self) -> None:
        made = planned(
            [*self.LISTED, group("team", match="title pr")], live(*FOUND, live_group("g1", "team", ["u1", "u3"]))
        )
        assert edges(made, Action.REMOVE_MEMBERS) == {"team": {CYD: "not_matched"}}

    def test_members_are_added_to_the_matching_ones(self) -> None:
        made = planned([*self.LISTED, group("team", [CYD], match="title pr")], live(live_group("g1", "team")))
        assert edges(made, Action.ADD_MEMBERS) == {"team": {ADA: "matched", CYD: "listed"}}
        assert {edge.name: edge.origin for edge in made.steps[-1].members} == {
            ADA: "team/match:1",
            CYD: "team/members/0:1",
        }

    @pytest.mark.parametrize("match", ['shoeSize eq "44"', 'not (shoeSize eq "44")', "active gt true", "title eq"])
    def test_a_filter_that_means_nothing_is_an_error_and_does_not_empty_the_group(self, match: str) -> None:
        with pytest.raises(DiagnosticsError, match="the match of group:team"):
            planned([group("team", match=match)], live(*FOUND, live_group("g1", "team", ["u1"])))

    def test_an_attribute_that_the_directory_forgot_to_declare_is_read_as_rfc_7643_does(self) -> None:
        bare = Schemas.parse(document for urn, document in rfc7643_documents().items() if urn != ENTERPRISE_USER)
        listed = [*self.LISTED, group("team", match='department eq "platform"')]
        made = planned(listed, live(live_group("g1", "team"), schemas=bare))
        assert set(edges(made, Action.ADD_MEMBERS)["team"]) == {ADA, BOB}

    @pytest.mark.parametrize("declared", [True, False])
    def test_department_is_the_enterprise_one_also_where_the_server_has_another(self, declared: bool) -> None:
        documents = {
            urn: document for urn, document in rfc7643_documents().items() if declared or urn != ENTERPRISE_USER
        }
        core = documents[CORE_USER]
        vendors = {**core, "attributes": [*core["attributes"], {"name": "department", "type": "string"}]}
        listed = [*self.LISTED, group("team", match='department eq "platform"')]
        schemas = Schemas.parse([*documents.values(), vendors])
        made = planned(listed, live(live_group("g1", "team"), schemas=schemas))
        assert set(edges(made, Action.ADD_MEMBERS)["team"]) == {ADA, BOB}

    def test_a_stated_department_also_decides_the_scope_where_the_server_has_another(self) -> None:
        core = rfc7643_documents()[CORE_USER]
        vendors = {**core, "attributes": [*core["attributes"], {"name": "department", "type": "string"}]}
        schemas = Schemas.parse([*rfc7643_documents().values(), vendors])
        ours = live_user("u1", ADA, department="Platform", **{ENTERPRISE_USER: {"department": "Platform"}})
        other = live_user("u2", BOB, department="Sales", **{ENTERPRISE_USER: {"department": "Sales"}})
        rules = policy(scope_users='department eq "Platform"', users=Unlisted.DEACTIVATE)
        stated = user(ADA, **{ENTERPRISE_USER: {"department": "Platform"}})
        new = user(CYD, **{ENTERPRISE_USER: {"department": "Platform"}})
        assert step_ids(planned([stated, new], live(ours, other, schemas=schemas), rules)) == [f"create user:{CYD}"]


class TestNotOurs:
    """Memberships that the files do not speak for."""

    def test_users_outside_the_scope_stay_and_are_counted(self) -> None:
        found = live(live_user("u9", "eve@example.org"), live_group("g1", "team", ["u9"]))
        made = planned([group("team", [])], found, policy(scope_users='userName ew "@example.com"'))
        assert step_ids(made) == []
        assert "left alone: 1 membership of users outside the scope" in notes(made)

    def test_unknown_members_and_groups_in_a_flat_directory_stay_and_are_counted(self) -> None:
        found = live(live_group("g1", "team", ["ghost", "g2"]), live_group("g2", "other"))
        made = planned([group("team", [])], found)
        assert step_ids(made) == []
        assert "left alone: 2 memberships of groups and of unknown members" in notes(made)

    def test_unlisted_users_in_scope_are_ours(self) -> None:
        made = planned([group("team", [])], [FOUND[0], live_group("g1", "team", ["u1"])])
        assert step_ids(made) == ["remove_members group:team"]

    def test_groups_outside_the_scope_stay_in_a_nesting_directory(self) -> None:
        found = live(
            live_group("g1", "team", ["g2", "g3"]),
            live_group("g2", "team-b"),
            live_group("g3", "x"),
            nested_groups=True,
        )
        made = planned([group("team", [])], found, policy(scope_groups='displayName sw "team"'))
        assert edges(made, Action.REMOVE_MEMBERS) == {"team": {"team-b": "not_listed"}}


def test_unknown_members_are_added_to_and_never_removed_from() -> None:
    made = planned([*LISTED, group("team", [ADA])], live(*FOUND, live_group("g1", "team", None)))
    assert step_ids(made) == ["add_members group:team"]
    assert {note.code for note in made.notes} == {"members-unknown"}


class TestUnlistedMembers:
    """Members that no file lists, where directory.yaml allows it."""

    EVE = live_user("u9", "Eve@example.com")

    def test_they_are_found_in_the_directory(self) -> None:
        found: list[LiveResource] = [self.EVE, live_group("g1", "team"), live_group("g2", "Core")]
        listed = [group("team", ["eve@example.com", nested("core")])]
        added, _ = added_and_removed(listed, found, members_may_be_unlisted=True, nested_groups=True)
        assert added == {"team": {"Core": "listed", "Eve@example.com": "listed"}}

    @pytest.mark.parametrize(
        ("found", "settings", "told"),
        [
            ([EVE], {}, "which no file lists"),
            ([], {"members_may_be_unlisted": True}, "the directory does not have"),
            ([EVE, live_user("u8", "eve@example.com")], {"members_may_be_unlisted": True}, "has 2 times"),
            (
                [EVE],
                {"members_may_be_unlisted": True, "rules": policy(scope_users='not (userName sw "eve")')},
                "outside scope.users",
            ),
        ],
        ids=["not allowed", "missing", "ambiguous", "outside the scope"],
    )
    def test_any_doubt_is_an_error_at_every_place(self, found: Any, settings: dict[str, Any], told: str) -> None:
        entry = member("eve@example.com")
        told_of = refusals([group("a", [entry]), group("b", [entry], min_members=1)], found, **settings)
        assert [message.partition(":")[0] for message in told_of] == ["a/members/0", "b/members/0"]
        assert all(told in message for message in told_of)


class TestNesting:
    """Groups as members."""

    def test_a_nesting_directory_is_given_the_group(self) -> None:
        made = planned([group("inner", []), group("outer", [nested("inner")])], live(nested_groups=True))
        [edge] = made.steps[-1].members
        assert (edge.kind, edge.name, edge.id) == ("Group", "inner", None)

    def test_elsewhere_it_is_flattened_and_the_way_is_kept(self) -> None:
        listed = [
            *LISTED,
            group("outer", [nested("middle")]),
            group("middle", [nested("inner"), BOB]),
            group("inner", [ADA, BOB]),
        ]
        made = planned(listed, live(*FOUND))
        [outer] = [step for step in made.steps if step.id == "add_members group:outer"]
        assert [(edge.name, edge.via, edge.reason, edge.origin) for edge in outer.members] == [
            (ADA, ("middle", "inner"), "nested", "inner/members/0:1"),
            (BOB, ("middle",), "nested", "middle/members/1:1"),
        ]

    def test_the_more_direct_statement_counts(self) -> None:
        listed = [group("outer", [nested("inner"), ADA]), group("inner", [ADA])]
        added, _ = added_and_removed(listed, [])
        assert added["outer"] == {ADA: "listed"}

    @pytest.mark.parametrize(
        ("entry", "inner", "reason"),
        [
            (nested("inner", until=PAST), [ADA], "expired"),
            (nested("inner", from_=FUTURE), [ADA], "not_started"),
            (nested("inner"), [member(ADA, until=PAST)], "expired"),
            (nested("inner"), [], "not_listed"),
        ],
    )
    def test_a_place_lapses_with_any_link_of_its_way(self, entry: Any, inner: Any, reason: str) -> None:
        listed = [group("outer", [entry]), group("inner", inner)]
        _, removed = added_and_removed(listed, [live_group("g1", "outer", ["u1"])])
        assert removed == {"outer": {ADA: reason}}

    def test_a_place_that_lapsed_one_way_is_kept_by_another(self) -> None:
        listed = [group("outer", [nested("inner", until=PAST), ADA]), group("inner", [ADA])]
        _, removed = added_and_removed(listed, [live_group("g1", "outer", ["u1"])])
        assert removed == {}

    def test_a_group_without_stated_members_gives_the_ones_it_has_and_does_not_count_as_empty(self) -> None:
        found: list[LiveResource] = [
            live_group("g1", "outer", ["u1"]),
            live_group("g2", "inner", ["u1", "u2", "u9", "ghost"]),
            live_user("u9", "eve@example.org"),
        ]
        listed = [group("outer", [nested("inner")]), group("inner")]
        rules = policy(scope_users='userName ew "@example.com"')
        assert added_and_removed(listed, found, rules=rules) == ({"outer": {BOB: "nested"}}, {})

    def test_a_new_group_without_stated_members_gives_none(self) -> None:
        added, _ = added_and_removed([group("outer", [nested("inner")]), group("inner")], [])
        assert added == {}

    def test_a_group_of_which_nobody_knows_the_members_cannot_be_flattened(self) -> None:
        found: list[LiveResource] = [live_group("g1", "outer", ["u1"]), live_group("g2", "inner", None)]
        [message] = refusals([group("outer", [nested("inner")]), group("inner")], found)
        assert "tell who is in it" in message

    def test_a_group_that_no_file_lists_cannot_be_flattened(self) -> None:
        found: list[LiveResource] = [live_group("g1", "outer", ["u1"]), live_group("g2", "inner", ["u1"])]
        [message] = refusals([group("outer", [nested("inner")])], found, members_may_be_unlisted=True)
        assert message.startswith("outer/members/0:1:1: error:")

    def test_groups_that_hold_each_other_are_an_error(self) -> None:
        messages = refusals([group("a", [nested("b")]), group("b", [nested("a")])], [])
        assert any("a → b → a" in message or "b → a → b" in message for message in messages)

    def test_a_thousand_groups_inside_each_other_are_flattened(self) -> None:
        chain = [group(f"n{number}", [nested(f"n{number + 1}")]) for number in range(1000)]
        added, _ = added_and_removed([*chain, group("n1000", [ADA])], [])
        assert added["n0"] == {ADA: "nested"}


class TestBatches:
    """As many edges as one request may carry."""

    USERS = tuple(live_user(f"u{number}", f"{number:02}@example.com") for number in range(25))

    def test_additions_come_in_requests_of_the_size_that_the_directory_takes(self) -> None:
        listed = [*(user(one.name) for one in self.USERS), group("team", [one.name for one in self.USERS])]
        made = planned(listed, live(*self.USERS, live_group("g1", "team"), max_members_per_patch=2))
        assert step_ids(made) == [f"add_members group:team {number}/13" for number in range(1, 14)]
        assert [edge.id for step in made.steps for edge in step.members] == [one.id for one in self.USERS]

    def test_each_removal_is_an_operation_of_its_own(self) -> None:
        found = live(*self.USERS, live_group("g1", "team", [one.id for one in self.USERS]), max_operations_per_patch=20)
        made = planned([group("team", [])], found)
        assert [len(step.members) for step in made.steps] == [20, 5]

    def test_names_that_look_like_numbers_of_batches_do_not_mix_up_steps(self) -> None:
        people = [one.name for one in self.USERS[:2]]
        listed = [*(user(name) for name in people), group("team", people), group("team 1/2", people[:1])]
        made = planned(listed, live(*self.USERS, max_members_per_patch=1))
        assert step_ids(made)[2:] == [
            "add_members group:team 1/2",
            "add_members group:team 2/2",
            'add_members group:"team 1/2"',
        ]

    def test_a_new_group_and_a_live_one_of_its_name_are_told_apart(self) -> None:
        listed = [*LISTED, group("b", [ADA], externalId="1"), group("a", [ADA])]
        made = planned(listed, live(*FOUND, live_group("g1", "a", externalId="1")))
        assert set(step_ids(made)) == {
            "update group:a",
            "create group:a",
            "add_members group:a",
            "add_members group:a (new)",
        }
        assert {step.id: step.resource_id for step in made.steps}["add_members group:a"] == "g1"


def test_removal_waits_for_addition() -> None:
    listed = [*LISTED, group("b", [ADA]), group("a", [])]
    made = planned(listed, live(*FOUND, live_group("g1", "a", ["u1"]), live_group("g2", "b")))
    assert step_ids(made) == ["add_members group:b", "remove_members group:a"]

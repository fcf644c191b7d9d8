"""Who is in which group, by each way in which servers tell it: unknown is never empty, and each way has its price."""

from __future__ import annotations

from typing import Any

import pytest

from loopback import Reply, Request, error, list_response
from played_directory import Respond, Row, directory, members_of, people, read, stating, teams
from reconciler.capabilities import MembersRead
from reconciler.live import Wanted, WantedResource
from reconciler.reading.memberships import MOST_PROBES

MEMBERS = {0: ["u00", "u01"], 1: ["u01"]}
READ = {"g0": ("u00", "u01"), "g1": ("u01",), "g2": ()}
UNKNOWN = {"g0": None, "g1": None, "g2": None}


def says(user: Row, *entries: Any) -> Row:
    return {**user, "groups": list(entries)}


def wanted(*numbers: int, filled: bool = False) -> Wanted:
    """Return a wish to know the members of these teams."""
    groups = tuple(WantedResource(names=(f"TEAM-{number}",), members=True, filled=filled) for number in numbers)
    return Wanted(groups=groups)


def paths(requests: list[Request]) -> list[str]:
    return sorted(request.path for request in requests)


def test_a_listing_that_holds_the_members_costs_no_request_more() -> None:
    live, requests, told = read(directory(people(3), teams(3, MEMBERS)), stating())

    assert members_of(live) == READ
    assert paths(requests) == ["/Groups", "/Users"]
    assert told == []


@pytest.mark.parametrize("excludes", [True, False])
def test_groups_that_alone_hold_their_members_are_listed_and_then_read_one_by_one(excludes: bool) -> None:
    dialect = stating(members_read=MembersRead.GROUP, exclude_members=excludes)

    live, requests, _ = read(directory(people(3), teams(3, MEMBERS), members_in="group"), dialect)

    assert members_of(live) == READ
    assert paths(requests) == ["/Groups", "/Groups/g0", "/Groups/g1", "/Groups/g2", "/Users"]
    (listing,) = (request for request in requests if request.path == "/Groups")
    assert listing.query.get("excludedAttributes") == ("members" if excludes else None)


def test_only_the_groups_whose_members_are_needed_are_read_one_by_one() -> None:
    live, requests, _ = read(
        directory(people(3), teams(3, MEMBERS), members_in="group"),
        stating(members_read=MembersRead.GROUP),
        wanted(1),
    )

    assert members_of(live) == {"g0": None, "g1": ("u01",), "g2": None}
    assert paths(requests) == ["/Groups", "/Groups/g1", "/Users"]


def test_a_group_that_may_be_replaced_needs_its_members_although_they_are_not_stated() -> None:
    unstated = Wanted(groups=(WantedResource(names=("team-new", "team-0")),))
    respond = directory(people(3), teams(3, MEMBERS), members_in="group")

    for group_rename, known in ((False, ("u00", "u01")), (True, None)):
        dialect = stating(members_read=MembersRead.GROUP, group_rename=group_rename)
        assert members_of(read(respond, dialect, unstated)[0])["g0"] == known


def test_a_group_that_is_gone_before_it_is_read_has_members_that_nobody_knows() -> None:
    def respond(request: Request) -> Reply:
        if request.path == "/Groups/g1":
            return error(404, "gone")
        return directory(people(3), teams(3, MEMBERS))(request)

    live, _, _ = read(respond, stating(members_read=MembersRead.GROUP))

    assert members_of(live) == {**READ, "g1": None}


def test_members_are_taken_from_what_every_user_says() -> None:
    users = [
        says(people(3)[0], {"value": "g0", "type": "direct"}, {"value": "g2", "type": "indirect"}),
        says(people(3)[1], {"value": "g0"}, {"$ref": "https://example.com/scim/Groups/g1"}),
        says(people(3)[2], {"value": "g2", "type": "Indirect"}, {"value": "elsewhere"}),
    ]

    live, requests, told = read(directory(users, teams(3)), stating(members_read=MembersRead.USER_GROUPS))

    assert members_of(live) == READ
    assert paths(requests) == ["/Groups", "/Users"]
    assert told == []


@pytest.mark.parametrize(
    ("users", "why"),
    [
        pytest.param(people(3), "no user tells its groups", id="nobody tells"),
        pytest.param([says(people(1)[0], {"display": "team-0"})], "name one that has no id", id="by name alone"),
        pytest.param([says(people(1)[0]) | {"groups": "team-0"}], "name one that has no id", id="as a text"),
    ],
)
def test_members_are_unknown_where_users_do_not_tell_enough(users: list[Row], why: str) -> None:
    live, _, told = read(directory(users, teams(3)), stating(members_read=MembersRead.USER_GROUPS))

    assert members_of(live) == UNKNOWN
    assert [(one.code, one.severity) for one in told] == [("members-unknown", "warning")]
    assert why in told[0].message


def test_members_are_asked_for_one_by_one_where_only_a_filter_tells() -> None:
    live, requests, told = read(
        directory(people(3), teams(3, MEMBERS), members_in="everywhere"),
        stating(members_read=MembersRead.PROBE),
        wanted(0, 1),
    )

    assert members_of(live) == {**READ, "g2": None}
    assert told == []
    asked = [request.query["filter"] for request in requests if "filter" in request.query]
    assert len(asked) == 1 + 2 * 3
    assert 'id eq "g0" and members eq "u02"' in asked


def test_where_groups_can_be_nested_groups_are_asked_about_as_members_too() -> None:
    dialect = stating(members_read=MembersRead.PROBE, nested_groups=True)

    live, _, _ = read(directory(people(2), teams(3, {0: ["u00", "g1"]})), dialect, wanted(0))

    assert members_of(live)["g0"] == ("g1", "u00")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(lambda: list_response(teams(3), total=3), "ignores the filter", id="everything"),
        pytest.param(lambda: list_response(teams(1), total=1), "ignores the filter", id="always the group"),
        pytest.param(lambda: error(400, "no members here", "invalidFilter"), "is refused", id="refused"),
    ],
)
def test_members_are_unknown_where_the_filter_is_not_honoured(answer: Any, why: str) -> None:
    def respond(request: Request) -> Reply:
        if "members" in request.query.get("filter", ""):
            reply: Reply = answer()
            return reply
        return directory(people(3), teams(3, MEMBERS), members_in="nowhere")(request)

    live, requests, told = read(respond, stating(members_read=MembersRead.PROBE))

    assert members_of(live) == UNKNOWN
    assert why in told[0].message
    assert len(requests) == 3


def test_one_answer_that_holds_something_else_leaves_that_group_unknown() -> None:
    def respond(request: Request) -> Reply:
        if request.query.get("filter") == 'id eq "g1" and members eq "u02"':
            return list_response(teams(3), total=3)
        return directory(people(3), teams(3, MEMBERS))(request)

    live, _, _ = read(respond, stating(members_read=MembersRead.PROBE))

    assert members_of(live) == {**READ, "g1": None}


def test_more_groups_than_a_read_may_ask_about_stay_unknown_and_a_warning_says_what_to_state() -> None:
    groups = MOST_PROBES // 3 + 2
    users = people(3)

    def respond(request: Request) -> Reply:
        if "filter" in request.query:
            return error(400, "not today")
        return directory(users, teams(groups))(request)

    live, requests, told = read(respond, stating(members_read=MembersRead.PROBE, group_page_size=groups))

    assert set(members_of(live).values()) == {None}
    assert told[0].message.startswith("the members of 2 groups are unknown")
    assert told[0].hint == (
        "state `members_read: users-by-group` or `members_read: user-groups` or `members_read: group` under "
        "`capabilities` in directory.yaml"
    )
    assert sum("filter" in request.query for request in requests) == 1


def test_members_that_nobody_can_read_are_unknown_and_cost_nothing() -> None:
    live, requests, _ = read(directory(people(3), teams(3, MEMBERS)), stating(members_read=MembersRead.NONE))

    assert members_of(live) == UNKNOWN
    assert paths(requests) == ["/Groups", "/Users"]


def silent(users: list[Row], *, members_in: str) -> Respond:
    return directory(users, teams(3, MEMBERS), members_in=members_in)


MEMBER_OF_G1 = [says(people(3)[0], {"value": "g1"}), *people(3)[1:]]


@pytest.mark.parametrize(
    ("respond", "wish", "state"),
    [
        pytest.param(silent(MEMBER_OF_G1, members_in="nowhere"), None, "user-groups", id="a user names a group"),
        pytest.param(silent(MEMBER_OF_G1, members_in="group"), wanted(2), "group", id="and the group has members"),
        pytest.param(silent(people(3), members_in="group"), None, "group", id="a group alone has members"),
        pytest.param(silent(people(3), members_in="group"), wanted(1, filled=True), "group", id="a listed one has"),
    ],
)
def test_a_listing_in_which_every_group_seems_empty_is_doubted(
    respond: Respond, wish: Wanted | None, state: str
) -> None:
    live, requests, told = read(respond, stating(), wish)

    assert members_of(live) == UNKNOWN
    assert [(one.code, one.severity) for one in told] == [("members-unknown", "warning")]
    assert told[0].hint == f"state `members_read: {state}` under `capabilities` in directory.yaml"
    assert len(requests) == 3


@pytest.mark.parametrize(
    ("users", "groups", "wish", "requests"),
    [
        pytest.param(people(3), teams(3), wanted(0, 1, 2), 2, id="nobody is meant to be in them"),
        pytest.param(people(3), teams(3), Wanted(), 2, id="no file lists them"),
        pytest.param([], teams(3), None, 2, id="there are no users"),
        pytest.param(people(3), [], None, 2, id="there are no groups"),
        pytest.param(people(3), teams(3, {2: ["u00"]}), None, 2, id="one has a member"),
        pytest.param(people(3), teams(3), wanted(0, filled=True), 3, id="one is meant to be filled"),
        pytest.param(people(3), teams(3), None, 3, id="nobody says what is meant"),
    ],
)
def test_groups_that_are_really_empty_are_empty_and_cost_one_request_at_most(
    users: list[Row], groups: list[Row], wish: Wanted | None, requests: int
) -> None:
    live, sent, told = read(directory(users, groups), stating(), wish)

    assert None not in members_of(live).values()
    assert told == []
    assert len(sent) == requests

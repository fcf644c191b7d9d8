"""Directories without a listing: what files name is asked for, and nothing is concluded about the rest."""

from __future__ import annotations

import pytest

from desired_and_live import desired, group, user
from loopback import Reply, Request, error
from played_directory import directory, members_of, people, read, stating, teams
from reconciler.capabilities import MembersRead, Paging
from reconciler.live import CannotAskError, Wanted, WantedResource
from reconciler.model import Kind, Member
from reconciler.scim.errors import NoListing, RequestRefused

ONLY_FILTERS = stating(paging=Paging.FILTER_ONLY)
USERS = [{**row, "externalId": f"100{number}"} for number, row in enumerate(people(5))]
GROUPS = teams(3, {0: ["u00", "u01"], 1: ["u01"]})


def wanted(*users: WantedResource, groups: tuple[str, ...] = ()) -> Wanted:
    return Wanted(users=users, groups=tuple(WantedResource(names=(name,), members=True) for name in groups))


def no_listing(request: Request) -> Reply:
    """Answer filters and ids, and with one made-up resource where a listing is asked for."""
    if request.path in ("/Users", "/Groups") and "filter" not in request.query:
        return Reply(body={"totalResults": 1, "Resources": [{"id": "fake", "userName": "fake", "displayName": "fake"}]})
    return directory(USERS, GROUPS)(request)


def test_what_is_wanted_is_found_by_filters_alone_and_the_state_says_that_it_is_partial() -> None:
    wish = wanted(
        WantedResource(names=("USER1@example.com",)),
        WantedResource(names=("user3@example.com",), external_id="1003"),
        WantedResource(names=("nobody@example.com",), external_id="9999"),
    )

    live, requests, _ = read(no_listing, ONLY_FILTERS, wish)

    assert [one.id for one in live.users] == ["u01", "u03"]
    assert live.groups == ()
    assert live.partial == set(Kind)
    assert sorted(request.query["filter"] for request in requests) == [
        'externalId eq "1003"',
        'externalId eq "9999"',
        'userName eq "USER1@example.com"',
        'userName eq "nobody@example.com"',
    ]
    assert {tuple(request.query) for request in requests} == {("filter",)}


def test_a_resource_of_another_name_does_not_hide_the_one_of_the_stated_name() -> None:
    wish = wanted(WantedResource(names=("user1@example.com", "user2@example.com"), external_id="1003"))

    live, _, _ = read(no_listing, ONLY_FILTERS, wish)

    assert [one.id for one in live.users] == ["u01", "u02", "u03"]


def test_a_stated_id_is_read_as_such() -> None:
    wish = wanted(WantedResource(names=("user1@example.com",), id="u01"), WantedResource(names=("x",), id="no such id"))

    live, requests, _ = read(no_listing, ONLY_FILTERS, wish)

    assert [one.id for one in live.users] == ["u01"]
    assert sorted(request.path for request in requests) == ["/Users", "/Users/no%20such%20id", "/Users/u01"]


@pytest.mark.parametrize("way", [MembersRead.LISTING, MembersRead.GROUP])
def test_the_members_of_wanted_groups_are_read_by_id(way: MembersRead) -> None:
    dialect = stating(paging=Paging.FILTER_ONLY, members_read=way)

    live, _, _ = read(no_listing, dialect, wanted(groups=("team-0", "team-2")))

    assert members_of(live) == {"g0": ("u00", "u01"), "g2": ()}


@pytest.mark.parametrize("way", [MembersRead.USER_GROUPS, MembersRead.PROBE])
def test_members_are_unknown_where_only_all_users_could_tell_them(way: MembersRead) -> None:
    dialect = stating(paging=Paging.FILTER_ONLY, members_read=way)

    live, _, told = read(no_listing, dialect, wanted(groups=("team-0",)))

    assert members_of(live) == {"g0": None}
    assert "only the users that files name are known" in told[0].message


def test_filters_that_the_directory_does_not_take_are_not_sent() -> None:
    dialect = stating(paging=Paging.FILTER_ONLY, user_filters=("userName",))

    live, requests, _ = read(
        no_listing, dialect, wanted(WantedResource(names=("user1@example.com",), external_id="1001"))
    )

    assert [one.id for one in live.users] == ["u01"]
    assert [request.query["filter"] for request in requests] == ['userName eq "user1@example.com"']


def test_what_no_filter_can_name_is_an_error_that_says_so() -> None:
    dialect = stating(paging=Paging.FILTER_ONLY, user_filters=("externalId",))

    with pytest.raises(CannotAskError, match="cannot be asked for") as caught:
        read(no_listing, dialect, wanted(WantedResource(names=("user1@example.com",))))

    assert caught.value.address == "user:user1@example.com"


def test_a_filter_that_is_refused_is_an_error_and_nobody_is_gone() -> None:
    with pytest.raises(RequestRefused):
        read(
            lambda request: error(404, "what?") if request.path == "/Users" else no_listing(request),
            ONLY_FILTERS,
            wanted(WantedResource(names=("user1@example.com",))),
        )


def test_without_a_wish_there_is_nothing_to_ask_for() -> None:
    with pytest.raises(NoListing, match="it cannot be imported"):
        read(no_listing, ONLY_FILTERS)


def test_where_there_are_no_groups_only_users_are_partial() -> None:
    dialect = stating(paging=Paging.FILTER_ONLY, groups=False)

    live, requests, told = read(no_listing, dialect, wanted(WantedResource(names=("user1@example.com",))))

    assert live.partial == {Kind.USER}
    assert [one.code for one in told] == ["no-groups"]
    assert "dialect says so (a test)" in told[0].message
    assert [request.path for request in requests] == ["/Users"]


def test_a_directory_with_a_listing_is_read_whole_whatever_is_wanted() -> None:
    live, _, _ = read(directory(USERS, GROUPS), stating(), wanted(WantedResource(names=("user1@example.com",))))

    assert (len(live.users), len(live.groups), live.partial) == (5, 3, frozenset())


def test_a_plan_wants_what_its_files_list_under_all_names_and_whom_groups_name() -> None:
    stated = desired(
        user("ada@example.com", externalId="1", previously=("ada.old@example.com",)),
        user("bob@example.com", id="u7"),
        group("team", ["ADA@example.com", "guest@example.com", Member(kind=Kind.GROUP, name="core")]),
        group("all", match="active eq true"),
        group("empty", []),
        group("unmanaged"),
        group("never empty", min_members=1),
    )

    assert Wanted.of(stated) == Wanted(
        users=(
            WantedResource(names=("ada@example.com", "ada.old@example.com"), external_id="1"),
            WantedResource(names=("bob@example.com",), id="u7"),
            WantedResource(names=("guest@example.com",)),
        ),
        groups=(
            WantedResource(names=("team",), members=True, filled=True),
            WantedResource(names=("all",), members=True, filled=True),
            WantedResource(names=("empty",), members=True),
            WantedResource(names=("unmanaged",)),
            WantedResource(names=("never empty",), members=True),
            WantedResource(names=("core",)),
        ),
    )

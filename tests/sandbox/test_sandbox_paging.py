"""Pages by cursor (RFC 9865), and listings that are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.behaviour.definition import Listing
from scim_api import Api, refusal, serving

GENERIC = behaviour("generic")


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(replace(GENERIC, page_limit=2, cursor_limit=2)) as api:
        yield api


def ids(page: dict[str, Any]) -> list[str]:
    return [resource["id"] for resource in page["Resources"]]


def test_an_empty_cursor_begins_a_walk_that_ends_without_a_next_one(api: Api) -> None:
    users = api.users("user", 5)

    first = api.get("/Users", cursor="")
    second = api.get("/Users", cursor=first["nextCursor"])
    third = api.get("/Users", cursor=second["nextCursor"])

    assert [ids(page) for page in (first, second, third)] == [users[:2], users[2:4], users[4:]]
    assert [page["totalResults"] for page in (first, second, third)] == [5, 5, 5]
    assert "nextCursor" not in third
    assert "startIndex" not in first


def test_a_full_last_page_has_no_next_cursor(api: Api) -> None:
    api.users("user", 2)

    assert "nextCursor" not in api.get("/Users", cursor="")


def test_what_comes_and_goes_shifts_no_page_by_cursor(api: Api) -> None:
    users = api.users("user", 5)
    first = api.get("/Users", cursor="")
    api.http.delete(f"/Users/{users[0]}")
    api.http.delete(f"/Users/{users[1]}")
    late = api.user("late")

    second = api.get("/Users", cursor=first["nextCursor"])
    third = api.get("/Users", cursor=second["nextCursor"])

    assert ids(second) + ids(third) == [*users[2:], late]


def test_a_cursor_can_be_used_again(api: Api) -> None:
    api.users("user", 5)
    cursor = api.get("/Users", cursor="")["nextCursor"]

    assert ids(api.get("/Users", cursor=cursor)) == ids(api.get("/Users", cursor=cursor))


def test_a_cursor_walks_what_a_filter_finds(api: Api) -> None:
    users = api.users("user", 5)
    query = {"filter": 'userName sw "user"', "attributes": "userName"}

    first = api.get("/Users", cursor="", **query)

    assert ids(api.get("/Users", cursor=first["nextCursor"], **query)) == users[2:4]


def test_a_user_who_is_renamed_keeps_the_place_in_a_walk(api: Api) -> None:
    users = [api.user(f"user{number}", externalId="same") for number in range(3)]
    api.patch(f"/Users/{users[0]}", {"op": "replace", "path": "externalId", "value": "other"})
    api.patch(f"/Users/{users[0]}", {"op": "replace", "path": "externalId", "value": "same"})

    assert ids(api.get("/Users", cursor="", filter='externalId eq "same"')) == users[:2]


@pytest.mark.parametrize("cursor", ["x", "!!!", "AAAA", "ä", "a" * 5000])
def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    assert refusal(api.http.get("/Users", params={"cursor": cursor})) == (400, "invalidCursor")


@pytest.mark.parametrize("other", [("/Groups", ""), ("/Users", "userName pr")])
def test_a_cursor_of_another_listing_is_refused(api: Api, other: tuple[str, str]) -> None:
    api.users("user", 3)
    cursor = api.get("/Users", cursor="")["nextCursor"]

    answer = api.http.get(other[0], params={"cursor": cursor, "filter": other[1]})

    assert refusal(answer) == (400, "invalidCursor")


def test_an_expired_cursor_is_refused() -> None:
    with serving(replace(GENERIC, cursor_limit=1, cursor_seconds=0)) as api:
        api.users("user", 2)
        cursor = api.get("/Users", cursor="")["nextCursor"]

        assert refusal(api.http.get("/Users", params={"cursor": cursor})) == (400, "expiredCursor")


def test_a_count_that_is_no_number_is_refused_by_cursor(api: Api) -> None:
    assert refusal(api.http.get("/Users", params={"cursor": "", "count": "many"})) == (400, "invalidCount")


def test_the_index_works_beside_the_cursor(api: Api) -> None:
    users = api.users("user", 3)

    page = api.get("/Users", startIndex=3)

    assert (ids(page), page["startIndex"]) == (users[2:], 3)
    assert "nextCursor" not in page


def test_a_server_may_have_cursors_only() -> None:
    with serving(replace(GENERIC, index_paging=False, cursor_limit=2)) as api:
        users = api.users("user", 3)
        pagination = api.get("/ServiceProviderConfig")["pagination"]

        page = api.get("/Users", startIndex=3)

        assert ids(page) == users[:2]
        assert ids(api.get("/Users", cursor=page["nextCursor"])) == users[2:]
        assert (pagination["index"], pagination["defaultPaginationMethod"]) == (False, "cursor")


def test_a_server_without_cursors_ignores_them_and_does_not_speak_of_paging() -> None:
    with serving(replace(GENERIC, cursor_limit=0)) as api:
        assert api.get("/Users", cursor="x")["startIndex"] == 1
        assert "pagination" not in api.get("/ServiceProviderConfig")


@pytest.mark.parametrize(
    ("listing", "without_filter", "with_filter"),
    [
        (Listing.PAGES, (3, ["user0", "user1"]), (1, ["user1"])),
        (Listing.WHOLE, (3, ["user0", "user1", "user2"]), (1, ["user1"])),
        (Listing.FIRST, (1, ["user0"]), (1, ["user1"])),
        (Listing.MADE_UP, (1, ["placeholder"]), (1, ["user1"])),
    ],
)
def test_a_listing_can_be_something_else(
    listing: Listing, without_filter: tuple[int, list[str]], with_filter: tuple[int, list[str]]
) -> None:
    with serving(replace(GENERIC, listing=listing, page_limit=2)) as api:
        api.users("user", 3)

        def listed(**query: str) -> tuple[int, list[str]]:
            page = api.get("/Users", count=2, startIndex=1, **query)
            return page["totalResults"], [user["userName"] for user in page["Resources"]]

        assert listed() == without_filter
        assert listed(filter='userName eq "user1"') == with_filter


def test_a_page_by_index_shifts_when_a_resource_goes() -> None:
    with serving(replace(behaviour("keycloak"), page_limit=2)) as api:
        users = api.users("user", 4)
        api.get("/Users")
        api.http.delete(f"/Users/{users[0]}")

        assert ids(api.get("/Users", startIndex=3)) == users[3:]
        assert api.sandbox.directory.count(Kind.USER) == 3

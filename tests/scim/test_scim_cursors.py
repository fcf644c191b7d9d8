"""Listings that are walked by cursor (RFC 9865), that come in one answer, and that do not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback import Loopback, Reply, Request, error, serving
from reconciler.capabilities import Paging
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import IncompleteListing, NoListing, RequestRefused, Unauthorized
from reconciler.scim.listing import list_resources
from reconciler.scim.retry import RetryPolicy

Row = dict[str, Any]


def people(count: int) -> list[Row]:
    return [{"id": f"{number:05}"} for number in range(count)]


def listing(server: Loopback, paging: Paging, *, page_size: int = 10, scim_filter: str | None = None) -> list[Row]:
    async def run() -> list[Row]:
        async with ScimClient(server.url, "token", retry=RetryPolicy(attempts=1)) as client:
            return await list_resources(
                client, "Users", page_size=page_size, convert=dict, paging=paging, scim_filter=scim_filter
            )

    return asyncio.run(run())


def refused(respond: Callable[[Request], Reply], paging: Paging) -> str:
    with serving(respond) as server, pytest.raises(IncompleteListing) as caught:
        listing(server, paging)
    return str(caught.value)


def walk(rows: list[Row], *, total: object = "left out", cap: int = 10) -> Callable[[Request], Reply]:
    """Return a server that pages by cursor; a cursor is the position of the next row."""

    def respond(request: Request) -> Reply:
        start = int(request.query.get("cursor") or 0)
        end = start + min(cap, int(request.query["count"]))
        body: dict[str, Any] = {"Resources": rows[start:end]}
        if end < len(rows):
            body["nextCursor"] = f"{end}"
        if total != "left out":
            body["totalResults"] = total
        return Reply(body=body)

    return respond


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (10, 1), (11, 2), (20, 2), (35, 4)])
@pytest.mark.parametrize("total", ["left out", None, "as it is"])
def test_cursors_are_followed_until_there_is_none_and_every_page_costs_a_request(
    count: int, requests: int, total: object
) -> None:
    with serving(walk(people(count), total=count if total == "as it is" else total)) as server:
        assert listing(server, Paging.CURSOR) == people(count)

    assert len(server.requests) == requests


def test_the_first_page_is_asked_for_with_an_empty_cursor_and_all_other_parameters_stay() -> None:
    with serving(walk(people(25))) as server:
        listing(server, Paging.CURSOR, scim_filter='active eq "true"')

    queries = [request.target.partition("?")[2].split("&") for request in server.requests]
    assert [query[0] for query in queries] == ["cursor=", "cursor=10", "cursor=20"]
    assert len({tuple(query[1:]) for query in queries}) == 1
    assert "startIndex" not in server.requests[0].query


@pytest.mark.parametrize("scim_type", ["expiredCursor", "invalidCursor", None])
def test_a_cursor_that_is_not_known_any_more_starts_the_walk_again(scim_type: str | None) -> None:
    expired: list[str] = []

    def respond(request: Request) -> Reply:
        if request.query.get("cursor") == "20" and not expired:
            expired.append("once")
            return error(400, "too late", scim_type)
        return walk(people(35))(request)

    with serving(respond) as server:
        assert listing(server, Paging.CURSOR) == people(35)

    assert len(server.requests) == 3 + 4


def test_cursors_that_never_last_are_an_error_after_three_walks() -> None:
    def respond(request: Request) -> Reply:
        return error(400, "too late", "expiredCursor") if request.query.get("cursor") else walk(people(35))(request)

    with serving(respond) as server, pytest.raises(IncompleteListing, match="does not know its cursor any more"):
        listing(server, Paging.CURSOR)

    assert len(server.requests) == 6


def test_a_first_page_that_is_refused_is_that_refusal() -> None:
    with serving(lambda _request: error(501, "no cursors here")) as server, pytest.raises(RequestRefused):
        listing(server, Paging.CURSOR)


def test_a_token_that_dies_on_the_way_is_said_as_such() -> None:
    def respond(request: Request) -> Reply:
        return error(401, "who?") if request.query.get("cursor") else walk(people(35))(request)

    with serving(respond) as server, pytest.raises(Unauthorized):
        listing(server, Paging.CURSOR)


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        pytest.param(
            lambda _request: Reply(body={"Resources": people(2), "nextCursor": "again"}), "in circles", id="a loop"
        ),
        pytest.param(walk(people(25), total=40), "there are 40, and sent 25", id="too few"),
        pytest.param(
            lambda _request: Reply(body={"Resources": people(10), "totalResults": 25}),
            "there are 25, and sent 10",
            id="cursors ignored",
        ),
        pytest.param(walk([*people(12), *people(3)]), "more than once", id="the same resource twice"),
        pytest.param(lambda _request: Reply(body={}), "neither Resources nor totalResults", id="nothing at all"),
    ],
)
def test_what_contradicts_the_end_of_the_cursors_is_an_error(respond: Callable[[Request], Reply], reason: str) -> None:
    assert reason in refused(respond, Paging.CURSOR)


def test_pages_without_rows_are_no_end_while_there_is_a_next_cursor() -> None:
    def respond(request: Request) -> Reply:
        start = int(request.query.get("cursor") or 0)
        rows = people(30)[start : start + 10] if start % 20 == 0 else []
        return Reply(body={"Resources": rows, **({"nextCursor": start + 10} if start < 30 else {})})

    with serving(respond) as server:
        assert [row["id"] for row in listing(server, Paging.CURSOR)] == [
            row["id"] for row in people(30) if not 10 <= int(row["id"]) < 20
        ]


def test_new_cursors_without_a_row_for_ever_are_an_error() -> None:
    def respond(request: Request) -> Reply:
        return Reply(body={"Resources": [], "nextCursor": int(request.query.get("cursor") or 0) + 1})

    assert "in circles" in refused(respond, Paging.CURSOR)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 60), page_size=st.integers(1, 20), cap=st.integers(1, 20))
def test_however_long_the_pages_are_every_resource_is_listed_once(count: int, page_size: int, cap: int) -> None:
    with serving(walk(people(count), cap=cap)) as server:
        assert listing(server, Paging.CURSOR, page_size=page_size) == people(count)


@pytest.mark.parametrize("total", [{}, {"totalResults": 3}, {"totalResults": "3"}])
def test_without_paging_one_answer_is_everything_and_no_parameter_is_sent(total: Row) -> None:
    with serving(lambda _request: Reply(body={"Resources": people(3), **total})) as server:
        assert listing(server, Paging.NONE) == people(3)

    assert [request.target for request in server.requests] == ["/Users"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"Resources": people(3), "totalResults": 5}, "there are 5, and sent 3"),
        ({"Resources": people(3), "totalResults": 2}, "there are 2, and sent 3"),
        ({"Resources": [*people(3), *people(1)]}, "more than once"),
        ({"Resources": people(3), "nextCursor": "x"}, "names a next page"),
        ({}, "neither Resources nor totalResults"),
    ],
)
def test_one_answer_that_contradicts_itself_is_an_error(body: Row, reason: str) -> None:
    assert reason in refused(lambda _request: Reply(body=body), Paging.NONE)


def test_where_there_is_no_listing_only_filters_are_sent() -> None:
    with serving(lambda _request: Reply(body={"Resources": people(1), "totalResults": 1})) as server:
        assert listing(server, Paging.FILTER_ONLY, scim_filter='userName eq "a"') == people(1)
        with pytest.raises(NoListing, match="no listing of Users"):
            listing(server, Paging.FILTER_ONLY)

    assert [request.query for request in server.requests] == [{"filter": 'userName eq "a"'}]

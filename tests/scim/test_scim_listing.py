"""A listing is complete or an error: honest servers, moving directories, and servers that lie about paging."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback import Loopback, Reply, Request, error, list_response, serving
from reconciler.diagnostics import Diagnostic
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import IncompleteListing, RequestRefused, ServerError, Unauthorized
from reconciler.scim.listing import list_resources
from reconciler.scim.retry import RetryPolicy

Row = dict[str, Any]


def people(count: int) -> list[Row]:
    return [{"id": f"{number:05}", "userName": f"user{number}@example.com"} for number in range(count)]


def window(request: Request, *, cap: int = 100) -> slice:
    start = int(request.query["startIndex"]) - 1
    return slice(start, start + min(int(request.query["count"]), cap))


def honest(rows: list[Row], *, cap: int = 100) -> Callable[[Request], Reply]:
    return lambda request: list_response(rows[window(request, cap=cap)], total=len(rows))


def listing(
    server: Loopback,
    *,
    page_size: int = 100,
    concurrency: int = 4,
    scim_filter: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
) -> list[Row]:
    async def run() -> list[Row]:
        async with ScimClient(server.url, "token", concurrency=concurrency, retry=RetryPolicy(attempts=1)) as client:
            return await list_resources(
                client,
                "Users",
                page_size=page_size,
                convert=dict,
                scim_filter=scim_filter,
                on_progress=on_progress,
                on_note=on_note,
            )

    return asyncio.run(run())


def refused(respond: Callable[[Request], Reply], *, page_size: int = 100) -> tuple[IncompleteListing, int]:
    """Return the error that the listing ends in, and how many requests that took."""
    with serving(respond) as server, pytest.raises(IncompleteListing) as caught:
        listing(server, page_size=page_size)
    return caught.value, len(server.requests)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 250, 1000])
@pytest.mark.parametrize("cap", [100, 37])
def test_all_resources_are_listed_once_whatever_the_server_sends_per_page(count: int, cap: int) -> None:
    with serving(honest(people(count), cap=cap)) as server:
        assert listing(server) == people(count)


def test_the_pages_after_the_first_are_asked_for_together() -> None:
    together = threading.Barrier(3)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] != "1":
            together.wait(timeout=30)
        return honest(people(40))(request)

    with serving(respond) as server:
        assert listing(server, page_size=10, concurrency=3) == people(40)

    assert len(server.requests) == 4


def test_pages_that_get_shorter_leave_no_gap() -> None:
    def respond(request: Request) -> Reply:
        start = int(request.query["startIndex"])
        return honest(people(50), cap=10 if start == 1 else 3)(request)

    with serving(respond) as server:
        assert listing(server) == people(50)


def test_pages_that_get_longer_do_no_harm() -> None:
    def respond(request: Request) -> Reply:
        start = int(request.query["startIndex"]) - 1
        return list_response(people(50)[start : start + (5 if start == 0 else 20)], total=50)

    with serving(respond) as server:
        assert listing(server) == people(50)


def test_a_server_that_ignores_count_and_sends_everything_is_understood() -> None:
    def respond(request: Request) -> Reply:
        return list_response(people(70)[int(request.query["startIndex"]) - 1 :], total=70)

    with serving(respond) as server:
        assert listing(server, page_size=10) == people(70)


@pytest.mark.parametrize("total", ["3", 3.0, " 3 "])
def test_a_total_in_another_form_is_understood(total: object) -> None:
    with serving(lambda request: list_response(people(3)[window(request)], total=total)) as server:
        assert listing(server) == people(3)


def test_other_spellings_of_the_protocol_are_understood() -> None:
    def respond(request: Request) -> Reply:
        return Reply(body={"totalresults": 2, "resources": people(2)[window(request)]})

    with serving(respond) as server:
        assert listing(server) == people(2)


def test_ids_that_are_numbers_count() -> None:
    with serving(lambda request: list_response([{"id": 7}, {"ID": 8}][window(request)], total=2)) as server:
        assert listing(server) == [{"id": 7}, {"ID": 8}]


@pytest.mark.parametrize(
    ("count", "requests"),
    [(0, 1), (1, 1), (3, 1), (5, 1), (17, 1), (99, 1), (101, 2), (199, 2), (200, 2), (201, 3), (250, 3)],
)
def test_a_listing_costs_a_request_per_page_and_an_empty_one_costs_one(count: int, requests: int) -> None:
    with serving(honest(people(count))) as server:
        listing(server)

    assert len(server.requests) == requests


@pytest.mark.parametrize("count", [10, 16, 20, 25, 32, 50, 64, 75, 90, 100])
def test_a_single_page_of_the_length_of_a_limit_costs_one_row_more(count: int) -> None:
    with serving(honest(people(count))) as server:
        assert listing(server) == people(count)

    asked = [(request.query["startIndex"], request.query["count"]) for request in server.requests]
    assert asked == [("1", "100"), (str(count + 1), "1")]


@pytest.mark.parametrize(("count", "page_size"), [(7, 7), (37, 37), (41, 37)])
def test_a_single_page_as_long_as_asked_for_or_longer_costs_one_row_more(count: int, page_size: int) -> None:
    def respond(request: Request) -> Reply:
        return list_response(people(count)[int(request.query["startIndex"]) - 1 :], total=count)

    with serving(respond) as server:
        assert listing(server, page_size=page_size) == people(count)

    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "beyond",
    [
        pytest.param(list_response([], total=10), id="nothing"),
        pytest.param(list_response([], total=0), id="nothing, and a total of 0"),
        pytest.param(list_response(people(10), total=10), id="the first page again"),
        pytest.param(list_response(people(1), total=10), id="a known row"),
        pytest.param(Reply(body={"Resources": people(1)}), id="a known row and no total"),
        pytest.param(error(400, "startIndex out of range"), id="refused"),
        pytest.param(error(404, "no such page"), id="not found"),
    ],
)
def test_whatever_comes_behind_the_end_a_single_page_is_complete_when_nothing_new_is_there(beyond: Reply) -> None:
    def respond(request: Request) -> Reply:
        return list_response(people(10), total=10) if request.query["startIndex"] == "1" else beyond

    with serving(respond) as server:
        assert listing(server) == people(10)


def test_a_filtered_listing_that_fits_one_page_costs_one_request() -> None:
    with serving(honest(people(1))) as server:
        assert listing(server, scim_filter='userName eq "user0@example.com"') == people(1)

    assert [request.query["filter"] for request in server.requests] == ['userName eq "user0@example.com"']


@pytest.mark.parametrize("cap", [10, 25, 50, 64, 100, 128, 200, 256])
@pytest.mark.parametrize("page_size", [100, 1000])
def test_where_the_total_is_the_length_of_the_page_the_listing_is_read_to_its_end_twice(
    cap: int, page_size: int
) -> None:
    notes: list[Diagnostic] = []

    def respond(request: Request) -> Reply:
        rows = people(515)[window(request, cap=cap)]
        return list_response(rows, total=len(rows))

    with serving(respond) as server:
        assert listing(server, page_size=page_size, on_note=notes.append) == people(515)

    pages = -(-515 // min(cap, page_size))
    assert len(server.requests) == 2 * 2 + 2 * (pages + 1)
    assert [note.code for note in notes] == ["untrusted-total"]
    assert "totalResults cannot be trusted" in notes[0].message


def test_a_total_that_is_as_high_as_count_is_found_out_where_it_is_so_for_filters_alone() -> None:
    def respond(request: Request) -> Reply:
        return list_response(people(150)[window(request)], total=min(150, int(request.query["count"])))

    with serving(respond) as server:
        assert listing(server, scim_filter='title eq "Engineer"') == people(150)


def test_a_total_that_follows_count_is_found_out_even_where_the_first_row_comes_again() -> None:
    def respond(request: Request) -> Reply:
        rows = people(150)[: min(100, int(request.query["count"]))]
        return list_response(rows, total=len(rows))

    failure, _requests = refused(respond)

    assert "totalResults cannot be trusted" in failure.reasons[0]
    assert "repeats the first, and no totalResults says whether that is all" in str(failure)


@pytest.mark.parametrize("total", [0, 1, 29, 41])
def test_where_the_total_is_too_low_the_listing_is_read_to_its_end_twice(total: int) -> None:
    with serving(lambda request: list_response(people(42)[window(request, cap=10)], total=total)) as server:
        assert listing(server) == people(42)


@pytest.mark.parametrize("total", [None, -1, "many"])
def test_where_there_is_no_total_the_listing_is_read_to_its_end_twice(total: object) -> None:
    with serving(lambda request: list_response(people(42)[window(request)], total=total)) as server:
        assert listing(server, page_size=10) == people(42)

    assert len(server.requests) == 2 + 2 * 6


def test_a_page_past_the_end_that_repeats_the_first_is_an_end() -> None:
    def respond(request: Request) -> Reply:
        rows = people(42)[window(request)] or people(42)[:10]
        return list_response(rows, total=len(rows))

    with serving(respond) as server:
        assert listing(server, page_size=10) == people(42)


def test_a_listing_without_a_total_that_is_refused_on_the_way_is_not_complete() -> None:
    def respond(request: Request) -> Reply:
        rows = people(42)[window(request)]
        return (
            error(400, "the window is too large")
            if request.query["startIndex"] == "31"
            else list_response(rows, total=None)
        )

    failure, _requests = refused(respond, page_size=10)

    assert "the page at 31 is refused" in str(failure)


def test_a_resource_that_is_created_before_the_look_past_the_end_costs_one_reading_more() -> None:
    rows = people(10)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] != "1" and len(rows) == 10:
            rows.append({"id": "new"})
        return honest(rows)(request)

    with serving(respond) as server:
        assert len(listing(server)) == 11

    assert len(server.requests) == 2 + 1


def test_a_listing_without_a_total_that_grows_with_every_look_comes_to_an_end() -> None:
    rows = people(10)

    def respond(_request: Request) -> Reply:
        rows.append({"id": f"new{len(rows)}"})
        return list_response(list(rows), total=None)

    failure, requests = refused(respond)

    assert "repeats the first" in str(failure)
    assert requests == 2 + 3 * 2


def test_two_readings_that_differ_prove_nothing() -> None:
    rows = people(30)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] == "1":
            rows[0] = {"id": f"new{len(server.requests)}"}
        return list_response(rows[window(request)], total=None)

    with serving(respond) as server, pytest.raises(IncompleteListing) as caught:
        listing(server, page_size=10)

    assert "two readings to its end hold different resources" in str(caught.value)


def test_a_total_that_is_what_is_left_is_found_out() -> None:
    def respond(request: Request) -> Reply:
        return list_response(people(150)[window(request)], total=151 - int(request.query["startIndex"]))

    failure, _requests = refused(respond)

    assert "totalResults changed from 150 to 50" in str(failure)


def test_a_server_that_ignores_start_index_is_an_error_not_a_loop() -> None:
    failure, requests = refused(lambda _request: list_response(people(10), total=1_000_000))

    assert "ignores startIndex" in str(failure)
    assert requests <= 3 * (1 + 4)


def test_a_server_that_ends_early_is_an_error() -> None:
    failure, _requests = refused(lambda request: list_response(people(120)[window(request)], total=500))

    assert "of 500 is empty" in str(failure)


def test_a_first_page_without_rows_is_an_error_where_there_should_be_some() -> None:
    failure, requests = refused(lambda _request: list_response([], total=5))

    assert "says that there are 5 and sends none" in str(failure)
    assert requests == 3


def test_an_answer_without_resources_is_no_empty_directory() -> None:
    failure, _requests = refused(lambda _request: Reply(body={"totalResults": 5}))

    assert "sends none" in str(failure)


@pytest.mark.parametrize("body", [{}, {"totalResults": None}, {"totalResults": -1}, {"Resources": []}])
def test_an_answer_that_tells_nothing_is_no_empty_directory(body: object) -> None:
    failure, requests = refused(lambda _request: Reply(body=body))

    assert "does not tell totalResults" in str(failure)
    assert requests == 3


@pytest.mark.parametrize("body", [{"Resources": people(1)}, people(3)])
def test_the_same_rows_again_and_again_and_no_total_prove_nothing(body: object) -> None:
    failure, _requests = refused(lambda _request: Reply(body=body))

    assert "repeats the first" in str(failure)
    assert "state `paging: none` under `capabilities`" in str(failure)


@pytest.mark.parametrize("overlap", [1, 3, 9])
def test_pages_that_overlap_are_read_until_everybody_has_come(overlap: int) -> None:
    def respond(request: Request) -> Reply:
        start = max(0, int(request.query["startIndex"]) - 1 - overlap)
        return list_response(people(57)[start : start + 10], total=57)

    with serving(respond) as server:
        assert listing(server, page_size=10) == people(57)


@pytest.mark.parametrize("status", [500, 400])
def test_a_server_that_cannot_take_a_count_is_asked_without(status: int) -> None:
    def respond(request: Request) -> Reply:
        if "count" in request.query:
            return error(status, "cannot parse count")
        start = int(request.query.get("startIndex", "1")) - 1
        return list_response(people(25)[start : start + 10], total=25)

    with serving(respond) as server:
        assert listing(server) == people(25)

    assert len(server.requests) == 4


def test_a_server_that_fails_with_and_without_a_count_fails_with_its_first_words() -> None:
    def respond(request: Request) -> Reply:
        return error(500, "first" if "count" in request.query else "second")

    with serving(respond) as server, pytest.raises(ServerError, match="first"):
        listing(server)

    assert len(server.requests) == 2


def test_a_filter_that_is_refused_is_not_asked_again_without_a_count() -> None:
    with serving(lambda _request: error(400, "no such filter")) as server, pytest.raises(RequestRefused):
        listing(server, scim_filter='title eq "x"')

    assert len(server.requests) == 1


@pytest.mark.parametrize("row", [{"userName": "ada"}, {"id": ""}, {"id": None}, {"id": True}, "ada", None])
def test_a_resource_without_an_id_is_an_error(row: object) -> None:
    failure, _requests = refused(lambda _request: Reply(body={"totalResults": 1, "Resources": [row]}))

    assert "without an id" in str(failure)


def test_rows_sent_twice_in_place_of_others_are_an_error() -> None:
    rows = people(20)
    rows[15] = rows[5]
    failure, _requests = refused(honest(rows), page_size=10)

    assert "sent 19 with distinct ids" in str(failure)


def test_a_directory_that_moves_once_is_read_again() -> None:
    passes = itertools.count()
    received: list[tuple[int, int]] = []
    rows = people(30)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] == "1":
            next(passes)
        elif request.query["startIndex"] == "11" and len(rows) == 30:
            rows.insert(0, {"id": "new"})
        return honest(rows)(request)

    with serving(respond) as server:
        found = listing(server, page_size=10, concurrency=1, on_progress=lambda *now: received.append(now))

    assert sorted(row["id"] for row in found) == sorted(row["id"] for row in rows)
    assert next(passes) == 2
    assert received[-1] == (31, 31)


def test_a_directory_that_has_become_smaller_than_the_next_page_is_read_again() -> None:
    rows = people(30)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] == "21" and len(rows) == 30:
            del rows[15:]
            return error(400, "startIndex out of range")
        return honest(rows)(request)

    with serving(respond) as server:
        assert listing(server, page_size=10, concurrency=1) == people(15)


def test_a_page_that_is_always_refused_is_an_incomplete_listing_that_says_why() -> None:
    def respond(request: Request) -> Reply:
        return honest(people(30))(request) if request.query["startIndex"] == "1" else error(404, "no such page")

    failure, _requests = refused(respond, page_size=10)

    assert "of 30 is refused: GET /Users: not found (404: no such page)" in str(failure)


@pytest.mark.parametrize("start", ["1", "11"])
def test_a_token_that_is_refused_is_never_an_incomplete_listing(start: str) -> None:
    def respond(request: Request) -> Reply:
        return error(401, "expired") if request.query["startIndex"] == start else honest(people(30))(request)

    with serving(respond) as server, pytest.raises(Unauthorized):
        listing(server, page_size=10)


def test_a_directory_that_never_rests_is_an_error_after_three_attempts() -> None:
    rows = people(30)

    def respond(request: Request) -> Reply:
        rows.append({"id": f"new{len(rows)}"})
        return honest(rows)(request)

    failure, _requests = refused(respond, page_size=10)

    assert len(failure.reasons) == 3
    assert "totalResults changed" in str(failure)


def test_progress_only_grows_within_an_attempt_and_ends_at_the_total() -> None:
    seen: list[tuple[int, int]] = []
    with serving(honest(people(95))) as server:
        listing(server, page_size=10, on_progress=lambda *now: seen.append(now))

    assert seen == sorted(seen)
    assert seen[-1] == (95, 95)


def test_a_page_that_fails_is_that_error_and_not_a_shorter_listing() -> None:
    def respond(request: Request) -> Reply:
        return error(500, "oops") if request.query["startIndex"] == "21" else honest(people(50))(request)

    with serving(respond) as server, pytest.raises(ServerError, match="oops"):
        listing(server, page_size=10)


def test_a_token_that_dies_between_two_pages_is_not_the_end_of_the_listing() -> None:
    def respond(request: Request) -> Reply:
        return list_response(people(10), total=10) if request.query["startIndex"] == "1" else error(401, "expired")

    with serving(respond) as server, pytest.raises(Unauthorized):
        listing(server)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(0, 60),
    page_size=st.integers(1, 20),
    caps=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    concurrency=st.integers(1, 5),
)
def test_however_long_the_pages_are_every_resource_is_listed_once(
    count: int, page_size: int, caps: list[int], concurrency: int
) -> None:
    turn = itertools.cycle(caps)
    rows = people(count)
    with serving(lambda request: list_response(rows[window(request, cap=next(turn))], total=count)) as server:
        assert listing(server, page_size=page_size, concurrency=concurrency) == rows

"""Looking resources up on servers that ignore filters: a hundred look-ups do not cost a hundred listings."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopback import Reply, Request, list_response
from played_directory import Respond, Row, directory, matching, people, teams, with_client
from reconciler.attributes import rfc7643
from reconciler.capabilities import Capabilities, Paging
from reconciler.live import FilterMemory, find
from reconciler.model import Kind
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import NoListing


def deaf(users: list[Row], groups: list[Row] | None = None) -> Respond:
    """Return a directory that ignores filters."""
    rows = {"/Users": users, "/Groups": groups or []}
    return lambda request: list_response(rows[request.path], total=len(rows[request.path]))


def name(number: int) -> str:
    return f"user{number}@example.com"


def look_up(
    respond: Respond, numbers: range, *, together: bool = False, **options: Any
) -> tuple[list[list[str]], list[Request]]:
    """Look users up by name with one memory; return the ids found for each, and the requests."""
    memory = FilterMemory()

    async def one(client: ScimClient, number: int) -> list[str]:
        found = await find(client, Kind.USER, "userName", name(number), rfc7643(), memory=memory, **options)
        return [user.id for user in found]

    async def use(client: ScimClient) -> list[list[str]]:
        if together:
            return list(await asyncio.gather(*(one(client, number) for number in numbers)))
        return [await one(client, number) for number in numbers]

    return with_client(respond, use)


EXPECTED = [[f"u{number:02}"] if number < 31 else [] for number in range(100)]


@pytest.mark.parametrize("together", [True, False])
def test_a_server_that_ignores_filters_is_listed_twice_for_a_hundred_look_ups(together: bool) -> None:
    found, requests = look_up(deaf(people(31)), range(100), together=together)

    assert found == EXPECTED
    assert len(requests) == 2


@pytest.mark.parametrize("together", [True, False])
def test_a_server_that_honours_filters_is_asked_each_time(together: bool) -> None:
    found, requests = look_up(directory(people(31), []), range(100), together=together)

    assert found == EXPECTED
    assert len(requests) == 100


def test_a_server_that_takes_no_filters_is_listed_once() -> None:
    found, requests = look_up(deaf(people(31)), range(100), capabilities=Capabilities(user_filters=()))

    assert found == EXPECTED
    assert [request.query.get("filter") for request in requests] == [None]


def test_a_fresh_look_up_is_answered_from_no_older_listing() -> None:
    users = people(31)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] == "1":
            users.append({"id": f"u{len(users)}", "userName": name(len(users))})
        return deaf(list(users))(request)

    found, _requests = look_up(respond, range(31, 51), fresh=True)

    assert found == [[f"u{number}"] for number in range(31, 51)]


def test_fresh_look_ups_at_the_same_time_share_a_listing() -> None:
    _found, requests = look_up(deaf(people(31)), range(100), together=True, fresh=True)

    assert len(requests) <= 3


def test_a_directory_that_grows_meanwhile_is_still_found_to_ignore_filters() -> None:
    users = people(31)

    def respond(request: Request) -> Reply:
        if request.query["startIndex"] == "1":
            users.append({"id": f"new{len(users)}", "userName": f"new{len(users)}@example.com"})
        return deaf(list(users))(request)

    found, requests = look_up(respond, range(31))

    assert found == EXPECTED[:31]
    assert len(requests) == 2 + 1  # 32 is the length of a page limit


def test_answers_that_hold_more_than_was_asked_for_are_not_taken_for_everything() -> None:
    def respond(request: Request) -> Reply:
        wanted = request.query["filter"].split('"')[1]
        rows = [row for row in people(31) if row["userName"] in (wanted, "x" + wanted, name((len(wanted) * 7) % 31))]
        rows += [{"id": f"like-{wanted}", "userName": f"like-{wanted}"}]
        return list_response(rows, total=len(rows))

    found, requests = look_up(respond, range(100))

    assert found == EXPECTED
    assert len(requests) == 100


def test_a_server_that_begins_to_honour_filters_is_believed() -> None:
    answered: list[str] = []

    def respond(request: Request) -> Reply:
        answered.append(request.target)
        rows = people(31) if len(answered) < 3 else matching(people(31), request.query["filter"])
        return list_response(rows, total=len(rows))

    found, requests = look_up(respond, range(31), fresh=True)

    assert found == EXPECTED[:31]
    assert len(requests) == 31


def test_attributes_and_kinds_are_learned_apart() -> None:
    users = [{**row, "externalId": str(number)} for number, row in enumerate(people(5))]
    memory = FilterMemory()

    async def use(client: ScimClient) -> list[list[str]]:
        found = []
        for number in range(4):
            by_id = await find(client, Kind.USER, "externalId", str(number), rfc7643(), memory=memory)
            team = await find(client, Kind.GROUP, "displayName", f"TEAM-{number}", rfc7643(), memory=memory)
            mail = await find(client, Kind.USER, "emails.value", name(number), rfc7643(), memory=memory)
            found.append([*(user.id for user in by_id), *(group.id for group in team), *(user.id for user in mail)])
        return found

    for row in users:
        row["emails"] = [{"value": row["userName"].upper()}, {"value": "info@example.com"}]
    found, requests = with_client(deaf(users, teams(5)), use)

    assert found == [[f"u0{number}", f"g{number}", f"u0{number}"] for number in range(4)]
    assert len(requests) == 2 + 2 + 2


def test_where_there_is_neither_a_listing_nor_a_filter_nothing_can_be_found() -> None:
    with pytest.raises(NoListing):
        look_up(deaf([]), range(1), capabilities=Capabilities(paging=Paging.FILTER_ONLY, user_filters=()))

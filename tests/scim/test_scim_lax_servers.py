"""What lax servers send instead of SCIM, and how listings are read that count in their own way."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from typing import Any

import pytest

from loopback import Reply, Request, error, list_response, serving
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import load_dialect
from reconciler.scim.discovery import Discovery, discover
from reconciler.scim.errors import IncompleteListing, RequestRefused
from reconciler.scim.listing import list_resources
from reconciler.scim.retry import RetryPolicy

HASTY = RetryPolicy(attempts=2, base_delay=0.001)


def discovered(reply: Reply) -> Discovery:
    async def run(url: str) -> Discovery:
        async with ScimClient(url, "token", retry=HASTY) as client:
            return await discover(client, load_dialect("generic"))

    with serving(lambda _request: reply) as server:
        return asyncio.run(run(server.url))


def listed(rows: list[dict[str, Any]], *, first: int, refuses_below: int = 0) -> list[str]:
    """The userNames that are read from a server that counts its rows from ``first``."""

    def respond(request: Request) -> Reply:
        start = int(request.query["startIndex"])
        if start < refuses_below:
            return error(400, "startIndex is too low")
        skipped = max(start - first, 0)
        return list_response(rows[skipped : skipped + int(request.query["count"])], total=len(rows))

    async def run(url: str) -> list[dict[str, Any]]:
        async with ScimClient(url, "token", retry=HASTY) as client:
            return await list_resources(client, "Users", page_size=10, convert=dict)

    with serving(respond) as server:
        return [row["userName"] for row in asyncio.run(run(server.url))]


def people(count: int) -> list[dict[str, Any]]:
    return [{"id": f"{number:05}", "userName": f"user{number}@example.com"} for number in range(count)]


def test_a_byte_order_mark_is_read_past() -> None:
    found = discovered(Reply(200, BOM_UTF8 + b'{"patch": {"supported": false}, "Resources": []}'))
    assert not found.capabilities.patch_users


def test_the_words_of_a_refusal_are_read_past_a_byte_order_mark() -> None:
    async def run(url: str) -> None:
        async with ScimClient(url, "token", retry=HASTY) as client:
            await client.post("/Users", {})

    with (
        serving(lambda _request: Reply(400, BOM_UTF8 + b'{"detail": "no userName"}')) as server,
        pytest.raises(RequestRefused, match="no userName"),
    ):
        asyncio.run(run(server.url))


def test_a_web_page_in_place_of_what_a_server_says_of_itself_is_as_good_as_nothing() -> None:
    found = discovered(Reply(200, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"}))
    assert {note.code for note in found.notes} == {"no-service-provider-config", "no-schemas", "no-resource-types"}


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 20, 35])
@pytest.mark.parametrize("first", [0, 1])
def test_a_listing_is_whole_whether_rows_are_counted_from_0_or_from_1(first: int, count: int) -> None:
    assert listed(people(count), first=first) == [row["userName"] for row in people(count)]


@pytest.mark.parametrize("count", [1, 3, 15])
def test_a_row_that_cannot_be_had_is_missed(count: int) -> None:
    with pytest.raises(IncompleteListing):
        listed(people(count), first=0, refuses_below=1)

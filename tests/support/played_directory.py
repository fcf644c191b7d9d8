"""A client against a directory that a test plays, for what only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from loopback import Reply, Request, error, list_response, serving
from reconciler.attributes import CORE_GROUP, CORE_USER, rfc7643_documents
from reconciler.capabilities import Authority, Statement
from reconciler.diagnostics import Diagnostic
from reconciler.live import Wanted, read_live
from reconciler.model import Live
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect
from reconciler.scim.retry import RetryPolicy

Row = dict[str, Any]
Respond = Callable[[Request], Reply]
T = TypeVar("T")

_DISCOVERY = {
    "/Schemas": Reply(body=list(rfc7643_documents().values())),
    "/ResourceTypes": Reply(
        body=[{"endpoint": "/Users", "schema": CORE_USER}, {"endpoint": "/Groups", "schema": CORE_GROUP}]
    ),
    "/ServiceProviderConfig": Reply(body={}),
}


def people(count: int) -> list[Row]:
    return [{"id": f"u{number:02}", "userName": f"user{number}@example.com"} for number in range(count)]


def teams(count: int, members: Mapping[int, list[str]] | None = None) -> list[Row]:
    known = members or {}
    return [
        {
            "id": f"g{number}",
            "displayName": f"team-{number}",
            **({"members": [{"value": one} for one in known[number]]} if number in known else {}),
        }
        for number in range(count)
    ]


def matching(rows: list[Row], text: str | None) -> list[Row]:
    """Return the rows that ``attribute eq "value"`` means, terms joined by ``and``; all without a filter."""
    for term in (text or "").split(" and ") if text else ():
        attribute, _, value = term.partition(" eq ")
        wanted = value.strip('"').replace('\\"', '"')
        if attribute == "members":
            rows = [row for row in rows if wanted in [member["value"] for member in row.get("members", ())]]
        else:
            rows = [row for row in rows if str(row.get(attribute, "")).lower() == wanted.lower()]
    return rows


def directory(users: list[Row], groups: list[Row], *, members_in: str = "everywhere") -> Respond:
    """Return a directory with discovery, honest listings, filters, and resources by id.

    ``members_in`` is where groups show their members: ``everywhere``, ``group``, by id alone, or ``nowhere``.
    """
    rows = {"Users": users, "Groups": groups}

    def shown(row: Row, where: str, excluded: str) -> Row:
        hidden = members_in == "nowhere" or (members_in == "group" and where == "listing") or excluded == "members"
        return {name: value for name, value in row.items() if not (hidden and name == "members")}

    def respond(request: Request) -> Reply:
        if request.path in _DISCOVERY:
            return _DISCOVERY[request.path]
        _, endpoint, *rest = request.path.split("/")
        if endpoint not in rows:
            return error(404, "no such endpoint")
        excluded = request.query.get("excludedAttributes", "")
        if rest:
            found = (row for row in rows[endpoint] if row["id"] == rest[0])
            return next((Reply(body=shown(row, "id", excluded)) for row in found), error(404, "not found"))
        found_rows = [shown(row, "listing", excluded) for row in matching(rows[endpoint], request.query.get("filter"))]
        start = int(request.query.get("startIndex", "1")) - 1
        page = found_rows[start : start + int(request.query.get("count", "1000"))]
        return list_response(page, total=len(found_rows), start=start + 1)

    return respond


def stating(**capabilities: Any) -> Dialect:
    """Return a dialect that states capabilities."""
    statements = {
        name: Statement(value=value, authority=Authority.DIALECT, source="a test")
        for name, value in capabilities.items()
    }
    return Dialect(name="own", description="States what a test needs.", capabilities=statements)


def with_client(respond: Respond, use: Callable[[ScimClient], Awaitable[T]]) -> tuple[T, list[Request]]:
    """Return what came of using a client, and the requests that the server got."""
    with serving(respond) as server:

        async def run() -> T:
            async with ScimClient(server.url, "token", retry=RetryPolicy(attempts=1)) as client:
                return await use(client)

        return asyncio.run(run()), server.requests


def read(
    respond: Respond, dialect: Dialect, wanted: Wanted | None = None
) -> tuple[Live, list[Request], list[Diagnostic]]:
    """Read a directory; return what it holds, the requests that are not discovery, and what was told."""
    told: list[Diagnostic] = []
    live, requests = with_client(respond, lambda c: read_live(c, dialect, wanted=wanted, on_note=told.append))
    return live, [request for request in requests if request.path not in _DISCOVERY], told


def members_of(live: Live) -> dict[str, tuple[str, ...] | None]:
    """Return the members of all groups, sorted, by the group's id."""
    return {group.id: None if group.members is None else tuple(sorted(group.members)) for group in live.groups}

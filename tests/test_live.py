"""Reading the live state over real HTTP: whole, or an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from loopback import Reply, Request, error, list_response, serving
from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, Schemas, rfc7643, rfc7643_documents
from reconciler.capabilities import Authority, Capabilities, MembersRead, Statement
from reconciler.diagnostics import Diagnostic
from reconciler.filters import FilterError
from reconciler.live import ReadProgress, find, read_group, read_live, read_user
from reconciler.model import Kind, Live, LiveUser
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect, load_dialect
from reconciler.scim.errors import IncompleteListing, MalformedAnswer, NotFound, RequestRefused, Unauthorized
from reconciler.scim.retry import RetryPolicy

Row = dict[str, Any]
Respond = Callable[[Request], Reply]
T = TypeVar("T")

USERS: list[Row] = [
    {"id": f"u{number:03}", "userName": f"user{number}@example.com", "meta": {"version": f'W/"{number}"'}}
    for number in range(23)
]
GROUPS: list[Row] = [
    {"id": "g1", "displayName": "Team One", "members": [{"value": "u001"}, {"value": "u002"}]},
    {"id": "g2", "displayName": "team two"},
]


RESOURCE_TYPES: list[Row] = [
    {"endpoint": "/Users", "schema": CORE_USER, "schemaExtensions": [{"schema": ENTERPRISE_USER, "required": False}]},
    {"endpoint": "/Groups", "schema": CORE_GROUP},
]


def directory(users: list[Row] = USERS, groups: list[Row] = GROUPS) -> Respond:
    """Return a small directory that ignores filters, as real ones do, and has pages of at most 10."""
    listings = {"/Users": users, "/Groups": groups}

    def respond(request: Request) -> Reply:
        if request.path in listings:
            start = int(request.query["startIndex"]) - 1
            rows = listings[request.path]
            return list_response(rows[start : start + min(10, int(request.query["count"]))], total=len(rows))
        if request.path == "/Schemas":
            return Reply(body=list(rfc7643_documents().values()))
        if request.path == "/ResourceTypes":
            return Reply(body=RESOURCE_TYPES)
        if request.path == "/ServiceProviderConfig":
            return Reply(body={"patch": {"supported": True}, "filter": {"maxResults": 10}})
        endpoint, _, resource_id = request.path.rpartition("/")
        found = (row for row in listings.get(endpoint, []) if row["id"] == resource_id)
        return next((Reply(body=row) for row in found), error(404, "not found"))

    return respond


def with_client(respond: Respond, use: Callable[[ScimClient], Awaitable[T]]) -> tuple[T, list[Request]]:
    with serving(respond) as server:

        async def run() -> T:
            async with ScimClient(server.url, "token", retry=RetryPolicy(attempts=1)) as client:
                return await use(client)

        return asyncio.run(run()), server.requests


def live(respond: Respond, dialect: Dialect | None = None) -> Live:
    return with_client(respond, lambda client: read_live(client, dialect or load_dialect("generic")))[0]


def test_the_whole_directory_is_read() -> None:
    state, requests = with_client(directory(), lambda client: read_live(client, load_dialect("generic")))

    assert [user.id for user in state.users] == [row["id"] for row in USERS]
    assert state.users_by_id["u007"].version == 'W/"7"'
    assert [(group.id, group.members) for group in state.groups] == [("g1", ("u001", "u002")), ("g2", ())]
    assert state.schemas == rfc7643()
    assert state.capabilities.page_size == 10
    assert state.base_url.startswith("http://127.0.0.1:")
    assert state.statistics.requests == len(requests)
    assert state.statistics.bytes > 0


def test_reading_only_reads() -> None:
    _state, requests = with_client(directory(), lambda client: read_live(client, load_dialect("generic")))

    assert {request.method for request in requests} == {"GET"}


def test_an_empty_directory_is_empty() -> None:
    state = live(directory([], []))

    assert (state.users, state.groups) == ((), ())


def test_members_are_unknown_where_the_dialect_says_that_the_server_does_not_tell() -> None:
    unknown = Statement(value=MembersRead.NONE, authority=Authority.DIALECT)
    silent = Dialect(name="silent", description="Returns no members.", capabilities={"members_read": unknown})

    assert [group.members for group in live(directory(), silent).groups] == [None, None]


def test_one_incomplete_listing_is_an_error_for_the_whole() -> None:
    def respond(request: Request) -> Reply:
        return list_response([], total=5) if request.path == "/Groups" else directory()(request)

    with pytest.raises(IncompleteListing) as caught:
        live(respond)

    assert caught.value.endpoint == "Groups"


def without_groups(status: int, types: Reply) -> Respond:
    """Return a directory with users alone: what it answers for groups, and what it says about its resource types."""

    def respond(request: Request) -> Reply:
        if request.path == "/ResourceTypes":
            return types
        return error(status, "no such endpoint") if request.path == "/Groups" else directory()(request)

    return respond


@pytest.mark.parametrize("status", [404, 501])
def test_a_server_that_says_it_has_no_groups_and_has_no_endpoint_for_them_has_none(status: int) -> None:
    notes: list[Diagnostic] = []

    state, _ = with_client(
        without_groups(status, Reply(body=RESOURCE_TYPES[:1])),
        lambda client: read_live(client, load_dialect("generic"), on_note=notes.append),
    )

    assert (len(state.users), state.groups) == (23, ())
    assert [note.code for note in notes] == ["no-groups"]


@pytest.mark.parametrize(
    ("status", "types"),
    [
        pytest.param(404, Reply(body=RESOURCE_TYPES), id="it says that it has groups"),
        pytest.param(404, error(404, "none"), id="it does not say"),
        pytest.param(400, Reply(body=RESOURCE_TYPES[:1]), id="it has no groups, and another complaint"),
        pytest.param(403, Reply(body=RESOURCE_TYPES[:1]), id="it has no groups, and does not let us see"),
    ],
)
def test_groups_that_cannot_be_read_are_otherwise_an_error_and_never_none(status: int, types: Reply) -> None:
    with pytest.raises(RequestRefused) as caught:
        live(without_groups(status, types))

    assert (caught.value.status, caught.value.path) == (status, "/Groups")


def test_groups_that_the_resource_types_forget_are_read() -> None:
    def respond(request: Request) -> Reply:
        return Reply(body=RESOURCE_TYPES[:1]) if request.path == "/ResourceTypes" else directory()(request)

    assert [group.id for group in live(respond).groups] == ["g1", "g2"]


def test_no_users_endpoint_is_always_an_error() -> None:
    def respond(request: Request) -> Reply:
        return error(404, "none") if request.path == "/Users" else directory()(request)

    with pytest.raises(NotFound):
        live(respond)


def test_a_refused_token_is_said_as_such() -> None:
    with pytest.raises(Unauthorized):
        live(lambda _request: error(401, "who are you?"))


def test_progress_and_notes_reach_the_caller() -> None:
    seen: list[ReadProgress] = []
    notes: list[Diagnostic] = []

    def respond(request: Request) -> Reply:
        return error(404, "none") if request.path == "/ServiceProviderConfig" else directory()(request)

    with_client(
        respond,
        lambda client: read_live(client, load_dialect("generic"), on_progress=seen.append, on_note=notes.append),
    )

    assert ReadProgress(kind=Kind.USER, received=23, total=23) in seen
    assert ReadProgress(kind=Kind.GROUP, received=2, total=2) in seen
    assert [note.code for note in notes] == ["no-service-provider-config"]


def test_one_resource_is_read_back() -> None:
    user, _ = with_client(directory(), lambda client: read_user(client, "u003"))
    group, _ = with_client(directory(), lambda client: read_group(client, "g1", capabilities=Capabilities()))

    assert user is not None
    assert (user.name, user.version) == ("user3@example.com", 'W/"3"')
    assert group is not None
    assert group.members == ("u001", "u002")


def test_the_members_of_one_group_can_be_unknown_too() -> None:
    silent = Capabilities(members_read=MembersRead.NONE)

    group, _ = with_client(directory(), lambda client: read_group(client, "g1", capabilities=silent))

    assert group is not None
    assert group.members is None


def test_a_resource_that_is_not_there_is_none() -> None:
    assert with_client(directory(), lambda client: read_user(client, "nosuch"))[0] is None
    assert with_client(directory(), lambda client: read_group(client, "nosuch", capabilities=Capabilities()))[0] is None


@pytest.mark.parametrize("body", [{"id": "u004"}, {}, {"totalResults": 0}])
def test_another_resource_than_the_one_asked_for_is_an_error(body: Row) -> None:
    with pytest.raises(MalformedAnswer, match="another resource"):
        with_client(lambda _request: Reply(body=body), lambda client: read_user(client, "u003"))


def found(kind: Kind, attribute: str, value: str, respond: Respond) -> list[str]:
    async def use(client: ScimClient) -> list[str]:
        if kind is Kind.USER:
            return [user.id for user in await find(client, Kind.USER, attribute, value, rfc7643())]
        return [group.id for group in await find(client, Kind.GROUP, attribute, value, rfc7643())]

    return with_client(respond, use)[0]


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "ids"),
    [
        (Kind.USER, "userName", "USER17@example.com", ["u017"]),
        (Kind.USER, "userName", "user", []),
        (Kind.USER, "userName", 'a"b\\c', []),
        (Kind.GROUP, "displayName", "TEAM TWO", ["g2"]),
    ],
)
def test_finding_checks_what_a_server_that_ignores_filters_answers(
    kind: Kind, attribute: str, value: str, ids: list[str]
) -> None:
    assert found(kind, attribute, value, directory()) == ids


@pytest.mark.parametrize(
    ("attribute", "value", "ids"),
    [
        ("externalId", "a1", ["1"]),
        ("externalId", "A1", ["2"]),
        ("emails.value", "ADA@example.com", ["1"]),
        ("department", "platform", ["2"]),
    ],
)
def test_finding_compares_as_the_attribute_is_defined(attribute: str, value: str, ids: list[str]) -> None:
    users: list[Row] = [
        {"id": "1", "externalId": "a1", "emails": [{"value": "ada@example.com"}]},
        {"id": "2", "externalId": "A1", ENTERPRISE_USER: {"department": "Platform"}},
    ]

    assert found(Kind.USER, attribute, value, directory(users)) == ids


def test_finding_does_not_take_an_attribute_that_the_servers_schema_leaves_out_for_no_match() -> None:
    lax = Schemas.parse([{"id": CORE_USER, "attributes": [{"name": "displayName"}]}])

    async def use(client: ScimClient) -> list[LiveUser]:
        return await find(client, Kind.USER, "userName", "user3@example.com", lax)

    assert [user.id for user in with_client(directory(), use)[0]] == ["u003"]


def test_finding_by_an_attribute_that_nobody_knows_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(FilterError, match="no schema knows usrName"):
        found(Kind.USER, "usrName", "ada", directory())


def test_finding_asks_with_a_filter_and_once() -> None:
    def respond(_request: Request) -> Reply:
        return list_response([USERS[3]], total=1)

    users, requests = with_client(
        respond, lambda client: find(client, Kind.USER, "userName", "user3@example.com", rfc7643())
    )

    assert [user.id for user in users] == ["u003"]
    assert [request.query["filter"] for request in requests] == ['userName eq "user3@example.com"']


def test_a_filter_that_the_server_refuses_is_an_error() -> None:
    with pytest.raises(RequestRefused) as caught:
        found(Kind.USER, "title", "x", lambda _request: error(400, "unsupported", "invalidFilter"))

    assert caught.value.scim_type == "invalidFilter"

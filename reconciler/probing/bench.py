"""The work bench of a probe: it makes throw-away resources, and writes and reads nothing but them and listings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from reconciler.applying import StopSignal
from reconciler.applying.forms import Form
from reconciler.applying.requests import Request, created_id, deletion, membership, updates
from reconciler.attributes import fold
from reconciler.capabilities import Capabilities, MembersRead, Paging
from reconciler.filters import eq
from reconciler.model import Kind, LiveGroup, LiveUser
from reconciler.planning.plan import Change
from reconciler.probing.errors import Stopped, Undetermined
from reconciler.probing.stock import Made, Stock
from reconciler.reading.finding import endpoint_of
from reconciler.reading.single import members_among
from reconciler.scim.answers import ListPage, list_page, member
from reconciler.scim.client import ScimClient, ScimResponse, resource_path
from reconciler.scim.discovery import Discovery
from reconciler.scim.errors import (
    MalformedAnswer,
    NotFound,
    OutcomeUnknown,
    RequestRefused,
    ScimError,
    ServerError,
    Unauthorized,
)
from reconciler.scim.resources import ResourceReader

_Read = TypeVar("_Read")
_Result = TypeVar("_Result")
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_MOST_FOUND = 100
"""Resources that an answer to a filter may hold: an ignored filter need not cost the whole directory."""
_IN_VAIN = 3
"""How often a server is waited for that never was late before it is waited for no more."""


@dataclass(slots=True)
class Facts:
    """What earlier experiments found out, as far as later ones build on it.

    Attributes:
        users: throw-away users, three of them, that stay until the end.
        shape: the attributes that a new user is made with, beside its name.
        group: the throw-away group that members come and go in.
        first_members: who was in it from the beginning, because no group can be made without members.
        rich: a user with every attribute that the server takes.
        capabilities: what discovery and the experiments know so far.
        way: how it shows who is in a group; ``None`` where nothing does, or nobody has looked yet.
        add: the form of adding members that works.
        remove: the form of removing members that works.
    """

    capabilities: Capabilities
    users: list[Made] = field(default_factory=list)
    shape: tuple[str, ...] = ()
    group: Made | None = None
    first_members: tuple[str, ...] = ()
    rich: Made | None = None
    way: MembersRead | None = None
    add: Form | None = None
    remove: Form | None = None


class Bench:
    """Everything that experiments do to a server goes through here.

    Only resources that this bench made are written to. Each is written down before the request that makes it.

    Args:
        client: an entered client.
        discovery: what the server says of itself.
        stock: keeps what is made.
        stop: ends the probe before the next request.
        waits: seconds before each further look at something that may come late.

    Attributes:
        client: as given.
        discovery: as given.
        stock: as given.
        facts: what is known so far.
    """

    def __init__(
        self, client: ScimClient, discovery: Discovery, stock: Stock, stop: StopSignal, waits: Sequence[float]
    ) -> None:
        self.client = client
        self.discovery = discovery
        self.stock = stock
        self.facts = Facts(capabilities=discovery.capabilities)
        self._stop = stop
        self._waits = tuple(waits)
        self._counts = True
        self._in_vain = 0

    def check_stop(self) -> None:
        """Raise Stopped where the user asked for the end."""
        if self._stop.requested:
            raise Stopped

    def assume(self, **capabilities: Any) -> Capabilities:
        """Return what is known of the server, with other values of some capabilities."""
        return replace(self.facts.capabilities, **capabilities)

    async def attempt(self, work: Awaitable[_Result]) -> _Result | ScimError:
        """Return what a request returned, or how the server said no or failed at it.

        Raises:
            ScimError: there is no use in going on: no connection, the token is not accepted, no end of throttling.
        """
        try:
            return await work
        except (RequestRefused, ServerError, OutcomeUnknown, MalformedAnswer) as error:
            if isinstance(error, Unauthorized) and error.status == 401:
                raise
            return error

    @property
    def group(self) -> Made:
        """The throw-away group. Raises Undetermined where none could be made."""
        if self.facts.group is None:
            raise Undetermined("no group could be made")
        return self.facts.group

    async def create(self, kind: Kind, body: Mapping[str, Any]) -> Made:
        """Make a throw-away resource, and read it back.

        Raises:
            ScimError: the server refused; or its answer was lost, and what it may have made is found when cleaning up.
        """
        made = self.note(kind, str(body[kind.naming_attribute]))
        try:
            answer = await self.send(Request(method="POST", endpoint=endpoint_of(kind), body=body))
        except (RequestRefused, Stopped):
            self.forget(made)
            raise
        made.id = created_id(answer, kind)
        if made.id is None:
            raise OutcomeUnknown("the answer does not tell the id of what was created", method="POST")
        made.row = await self.settle(lambda: self.read(made), bool) or answer.body or {}
        return made

    def note(self, kind: Kind, name: str) -> Made:
        """Write down a resource that is about to be made."""
        made = Made(kind=kind, name=name)
        self.stock.made.append(made)
        return made

    def forget(self, made: Made) -> None:
        """Strike off a resource that was not made, or is known to be gone."""
        if made in self.stock.made:
            self.stock.made.remove(made)

    async def send(self, request: Request) -> ScimResponse:
        """Send a write about a throw-away resource. Raises ScimError, and Stopped."""
        self.check_stop()
        path = f"/{request.endpoint}"
        if request.resource_id is not None:
            path = resource_path(request.endpoint, request.resource_id)
        body = request.body or {}
        match request.method:
            case "POST":
                return await self.client.post(path, body)
            case "PUT":
                return await self.client.put(path, body, if_match=request.if_match)
            case "PATCH":
                return await self.client.patch(path, body, if_match=request.if_match)
            case "DELETE":
                return await self.client.delete(path, if_match=request.if_match)

    async def read(self, made: Made, **params: str) -> dict[str, Any]:
        """Return a throw-away resource as it is now; empty where there is none any more. Raises ScimError."""
        self.check_stop()
        try:
            return (await self.client.get(resource_path(endpoint_of(made.kind), made.known_id), params)).body or {}
        except NotFound:
            return {}

    async def page(self, kind: Kind, **params: str | int) -> ListPage:
        """Return one page of a listing, of which nothing but the ids is looked at. Raises ScimError."""
        self.check_stop()
        answer = await self.client.get(f"/{endpoint_of(kind)}", params)
        return list_page(answer.body or {})

    async def filtered(self, kind: Kind, text: str) -> list[str]:
        """Return the ids of what a filter finds. Raises ScimError."""
        if self._counts and self.facts.capabilities.paging is not Paging.NONE:
            try:
                return ids_of(await self.page(kind, filter=text, count=_MOST_FOUND))
            except ServerError:
                # Some servers cannot take a count at all.
                found = ids_of(await self.page(kind, filter=text))
                self._counts = False
                return found
        return ids_of(await self.page(kind, filter=text))

    async def look_up(self, made: Made) -> list[str]:
        """Return the ids of what a filter on the name of a throw-away resource finds. Raises ScimError."""
        return await self.filtered(made.kind, eq(made.kind.naming_attribute, made.name))

    async def settle(
        self, read: Callable[[], Awaitable[_Read]], expected: Callable[[_Read], bool], *, after: object = None
    ) -> _Read:
        """Read until what was expected is there, or has had time enough to come. Raises ScimError.

        Args:
            read: reads.
            expected: tells whether it is there.
            after: what the write was answered with. Where it was refused, nothing is to come.
        """
        found = await read()
        if isinstance(after, RequestRefused):
            return found
        for seconds in self._waits if self._in_vain < _IN_VAIN else ():
            if expected(found):
                return found
            await asyncio.sleep(seconds)
            self.check_stop()
            found = await read()
        if not expected(found):
            self._in_vain += 1
        return found

    async def put(self, made: Made, body: Mapping[str, Any]) -> ScimResponse:
        """Write a throw-away resource whole. Raises ScimError."""
        endpoint = endpoint_of(made.kind)
        return await self.send(Request(method="PUT", endpoint=endpoint, resource_id=made.known_id, body=body))

    async def bulk(self, operations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Send operations on throw-away resources as one request, and return the answer. Raises ScimError."""
        self.check_stop()
        body = {"schemas": [BULK_REQUEST], "failOnErrors": 1, "Operations": list(operations)}
        return (await self.client.post("/Bulk", body)).body or {}

    async def update(
        self,
        made: Made,
        changes: Mapping[str, Any],
        capabilities: Capabilities | None = None,
        version: str | None = None,
    ) -> None:
        """Write attributes of a throw-away user or group as a plan would. Raises ScimError.

        Args:
            made: the user or group; a PUT repeats the rest of what it holds.
            changes: the new values by their paths.
            capabilities: what decides how it is written; what is known, if left out.
            version: the version that it must still have.
        """
        known = capabilities or self.facts.capabilities
        written = [Change(path=path, after=value) for path, value in changes.items()]
        live, schema = self.live(made), self.schema(made.kind)
        for request in updates(live, written, capabilities=known, schema=schema, version=version):
            await self.send(request)

    async def refresh(self, made: Made) -> None:
        """Read a throw-away resource anew, because what follows builds on what it holds. Raises ScimError."""
        made.row = await self.read(made) or made.row

    async def remove(self, made: Made) -> None:
        """Delete a throw-away resource that is not needed any more. Raises ScimError."""
        await self.send(deletion(made.kind, made.known_id))
        if not await self.read(made):
            self.forget(made)

    async def change_members(self, group: Made, form: Form, before: Iterable[str], ids: Iterable[str]) -> None:
        """Add members to a throw-away group, or remove them, in one form. Raises ScimError.

        Args:
            group: the group.
            form: how.
            before: who is in it.
            ids: who is to come or to go.
        """
        live = self.live(group)
        if not isinstance(live, LiveGroup):
            raise TypeError("only groups have members")
        request = membership(replace(live, members=tuple(before)), form, ids, schema=self.schema(Kind.GROUP))
        await self.send(request)

    async def members(self, group: Made, among: Iterable[Made]) -> frozenset[str] | None:
        """Return which throw-away resources are in a group, by the way that is known to tell. Raises ScimError."""
        return None if self.facts.way is None else await self.members_by(self.facts.way, group, among)

    async def members_by(self, way: MembersRead, group: Made, among: Iterable[Made]) -> frozenset[str] | None:
        """Return the same by one way, or ``None`` where it does not tell. Raises ScimError."""
        self.check_stop()
        ids = [made.known_id for made in among]
        return await members_among(self.client, self.assume(members_read=way), group.known_id, ids)

    def live(self, made: Made) -> LiveUser | LiveGroup:
        """Return a throw-away resource as planning and applying see it."""
        row = {**made.row, "id": made.known_id}
        if made.kind is Kind.USER:
            return ResourceReader().user(row)
        return ResourceReader().group(row, members_returned=True)

    def schema(self, kind: Kind) -> Any:
        """Return the attribute definitions of a kind."""
        return self.discovery.schemas.user if kind is Kind.USER else self.discovery.schemas.group


def ids_of(page: ListPage) -> list[str]:
    """Return the ids on a page, in order; rows without one are left out."""
    rows = (member(row, "id") for row in page.resources if isinstance(row, Mapping))
    return [str(found) for found in rows if found is not None]


def same(name: str, other: object) -> bool:
    """Tell whether two names are the same in any letter case."""
    return isinstance(other, str) and fold(name) == fold(other)

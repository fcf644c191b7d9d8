"""What the steps of one run share: the connection, the ids of what was created, and whether to go on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from reconciler.applying.outcome import Outcome, Status
from reconciler.applying.requests import Request
from reconciler.applying.stop import StopSignal
from reconciler.attributes import ResourceSchema, Schemas, fold
from reconciler.capabilities import Capabilities
from reconciler.live import find, read_group, read_user
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.plan import Action, Edge, Step
from reconciler.scim.client import ScimClient, ScimResponse, resource_path
from reconciler.scim.errors import RequestRefused, Unauthorized
from reconciler.scim.listing import list_resources
from reconciler.scim.resources import ResourceReader

_MEMBERSHIP = frozenset({Action.ADD_MEMBERS, Action.REMOVE_MEMBERS})


@dataclass(slots=True, kw_only=True)
class Session:
    """One run against one directory.

    Attributes:
        client: an entered client.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
        stop: asked before every step.
        outcomes: of the steps that are finished, by step id.
        created: ids of the resources that this run created or found made, by address.
        halted: why no further step may start, once something says so.
    """

    client: ScimClient
    schemas: Schemas
    capabilities: Capabilities
    stop: StopSignal
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    halted: str | None = None

    @property
    def ended(self) -> bool:
        """Whether no further step may start."""
        return self.halted is not None or self.stop.requested

    def schema(self, kind: Kind) -> ResourceSchema:
        """Return the attribute definitions of a kind."""
        return self.schemas.user if kind is Kind.USER else self.schemas.group

    def unmet(self, step: Step) -> str | None:
        """Return why a step cannot be tried, or ``None``: something that it needs did not succeed.

        An attribute that reads back differently does no harm to what depends on the resource; a membership that is
        missing does, because a group is deleted only when its successor has all members.
        """
        for need in step.needs:
            outcome = self.outcomes.get(need)
            if outcome is None or outcome.status is Status.APPLIED:
                continue
            if outcome.status is Status.DIFFERS and outcome.step.action not in _MEMBERSHIP:
                continue
            return f"needs “{need}”, which is {outcome.status.replace('_', ' ')}"
        return None

    def member_ids(self, edges: Iterable[Edge]) -> tuple[dict[str, Edge], list[Edge]]:
        """Return the edges by the member's id, and those whose member does not exist because its creation failed."""
        known: dict[str, Edge] = {}
        missing: list[Edge] = []
        for edge in edges:
            member_id = edge.id or self.created.get(edge.address)
            if member_id is None:
                missing.append(edge)
            else:
                known[member_id] = edge
        return known, missing

    async def read(self, kind: Kind, resource_id: str) -> LiveUser | LiveGroup | None:
        """Return a resource as it is now."""
        if kind is Kind.USER:
            return await read_user(self.client, resource_id)
        return await read_group(self.client, resource_id, members_returned=self.capabilities.members_returned)

    async def look_up(self, step: Step) -> LiveResource | None:
        """Return the live resource that a creation would make again: by externalId, then by name.

        A server that refuses both filters is read whole, because a second creation could be a second account.
        """
        values = {change.path: change.after for change in step.changes}
        searched = False
        for attribute in ("externalId", step.kind.naming_attribute):
            value = values.get(attribute)
            if not isinstance(value, str):
                continue
            try:
                found = await self._find(step.kind, attribute, value)
            except Unauthorized:
                raise
            except RequestRefused:
                continue
            searched = True
            if len(found) == 1:
                return await self.read(step.kind, found[0].id)
        return None if searched else await self._search_whole(step)

    async def _find(self, kind: Kind, attribute: str, value: str) -> list[LiveUser] | list[LiveGroup]:
        if kind is Kind.USER:
            return await find(self.client, Kind.USER, attribute, value, self.schemas)
        return await find(self.client, Kind.GROUP, attribute, value, self.schemas)

    async def _search_whole(self, step: Step) -> LiveResource | None:
        page_size = self.capabilities.page_size
        reader = ResourceReader()
        everybody: list[LiveUser] | list[LiveGroup]
        if step.kind is Kind.USER:
            everybody = await list_resources(self.client, "Users", page_size=page_size, convert=reader.user)
        else:
            group = partial(reader.group, members_returned=self.capabilities.members_returned)
            everybody = await list_resources(self.client, "Groups", page_size=page_size, convert=group)
        found = [resource for resource in everybody if fold(resource.name) == fold(step.name)]
        return found[0] if len(found) == 1 else None

    async def send(self, request: Request) -> ScimResponse:
        """Send a write."""
        body = request.body or {}
        if request.method == "POST":
            return await self.client.post(f"/{request.endpoint}", body)
        path = resource_path(request.endpoint, request.resource_id or "")
        match request.method:
            case "PUT":
                return await self.client.put(path, body)
            case "PATCH":
                return await self.client.patch(path, body)
            case "DELETE":
                return await self.client.delete(path)

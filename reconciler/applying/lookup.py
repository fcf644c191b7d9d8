"""Finding a resource that a creation would make again: after a lost answer, a conflict, or an earlier run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial

from reconciler.attributes import Schemas, fold
from reconciler.capabilities import Capabilities
from reconciler.diagnostics import ReconcilerError
from reconciler.live import endpoint_of, find
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.plan import Step
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import RequestRefused, Unauthorized
from reconciler.scim.listing import list_resources
from reconciler.scim.resources import ResourceReader

EXTERNAL_ID = "externalId"


class AmbiguousCreationError(ReconcilerError):
    """Several live resources are what a creation would make, so nobody can tell which one is meant.

    Attributes:
        address: of the resource to create.
        attribute: what they have in common: ``externalId``, ``userName`` or ``displayName``.
        value: its value.
        ids: the resources that have it.
    """

    def __init__(self, address: str, attribute: str, value: str, ids: list[str]) -> None:
        self.address = address
        self.attribute = attribute
        self.value = value
        self.ids = tuple(ids)
        super().__init__(
            f"{address} was not created: {len(ids)} resources with {attribute} {value!r} are in the directory since it "
            f"was planned (ids {', '.join(ids)})"
        )


class Lookup:
    """Looks resources up by externalId, then by name.

    The server is asked with a filter. One that refuses filters is read whole, because a second creation could be a
    second account: once per run for what was there before, and again for what became of a lost answer.

    Args:
        client: an entered client.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
    """

    def __init__(self, client: ScimClient, schemas: Schemas, capabilities: Capabilities) -> None:
        self._client = client
        self._schemas = schemas
        self._capabilities = capabilities
        self._listed: dict[Kind, dict[tuple[str, str], list[str]]] = {}
        self._listing = asyncio.Lock()

    async def find(self, step: Step, *, fresh: bool = False) -> str | None:
        """Return the id of the live resource that a creation would make again, or ``None``.

        Args:
            step: the creation.
            fresh: do not look in a listing that this run read before.

        Raises:
            AmbiguousCreationError: there are several.
            ScimError: the directory could not be asked.
        """
        stated = {change.path: change.after for change in step.changes}
        wanted = {
            attribute: value
            for attribute in (EXTERNAL_ID, step.kind.naming_attribute)
            if isinstance(value := stated.get(attribute), str) and value
        }
        answered = False
        for attribute, value in wanted.items():
            try:
                found = await self._ask(step.kind, attribute, value)
            except Unauthorized:
                raise
            except RequestRefused:
                continue
            answered = True
            if found:
                return _only(step, attribute, value, found)
        if answered:
            return None
        listed = await self._list(step.kind, fresh=fresh)
        for attribute, value in wanted.items():
            if same := listed.get((attribute, _key(attribute, value))):
                return _only(step, attribute, value, same)
        return None

    async def _ask(self, kind: Kind, attribute: str, value: str) -> list[str]:
        if kind is Kind.USER:
            return [user.id for user in await find(self._client, Kind.USER, attribute, value, self._schemas)]
        return [group.id for group in await find(self._client, Kind.GROUP, attribute, value, self._schemas)]

    async def _list(self, kind: Kind, *, fresh: bool) -> dict[tuple[str, str], list[str]]:
        """Return the ids of all resources by externalId and by name."""
        async with self._listing:
            if fresh or kind not in self._listed:
                self._listed[kind] = await self._read_whole(kind)
            return self._listed[kind]

    async def _read_whole(self, kind: Kind) -> dict[tuple[str, str], list[str]]:
        reader = ResourceReader()
        convert: partial[LiveUser] | partial[LiveGroup] = (
            partial(reader.user) if kind is Kind.USER else partial(reader.group, members_returned=False)
        )
        page_size = self._capabilities.page_size if kind is Kind.USER else self._capabilities.group_page_size
        everything: list[LiveResource] = await list_resources(
            self._client, endpoint_of(kind), page_size=page_size, convert=convert
        )
        found = defaultdict[tuple[str, str], list[str]](list)
        for resource in everything:
            found[kind.naming_attribute, fold(resource.name)].append(resource.id)
            if resource.external_id is not None:
                found[EXTERNAL_ID, resource.external_id].append(resource.id)
        return dict(found)


def _key(attribute: str, value: str) -> str:
    return value if attribute == EXTERNAL_ID else fold(value)


def _only(step: Step, attribute: str, value: str, ids: list[str]) -> str:
    if len(ids) > 1:
        raise AmbiguousCreationError(step.address, attribute, value, ids)
    return ids[0]

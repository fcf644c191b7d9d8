"""Reading a directory that has no listing: each wanted resource is asked for by a filter that names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from reconciler.attributes import Schemas, fold
from reconciler.capabilities import Capabilities, MembersRead
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.reading.finding import FilterMemory, find
from reconciler.reading.single import read_group, read_user
from reconciler.reading.wanted import WantedResource
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import ScimError
from reconciler.scim.tasks import for_each


class CannotAskError(ScimError):
    """A resource that can be found in no way: there is no listing, and no filter that could name it.

    Attributes:
        address: of the resource.
    """

    def __init__(self, kind: Kind, name: str) -> None:
        self.address = kind.address(name)
        capability = "user_filters" if kind is Kind.USER else "group_filters"
        super().__init__(
            f"{self.address} cannot be asked for: the directory has no listing (capability paging: filter-only), and "
            f"it takes no filter on {kind.naming_attribute}, or on an externalId that is stated (capability "
            f"{capability})"
        )


async def read_by_name(
    client: ScimClient,
    kind: Kind,
    wanted: tuple[WantedResource, ...],
    *,
    schemas: Schemas,
    capabilities: Capabilities,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Any]:
    """Return those of the wanted resources that there are, each once, ordered by id; of groups without members.

    Each is asked for by its id, by its externalId, and by those of its names that the answers before did not show. It
    is one request for most.

    Args:
        client: an entered client; its concurrency bounds the requests in flight.
        kind: users or groups.
        wanted: what is asked for.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
        on_progress: called with how many have been asked for, and how many there are to ask for.

    Raises:
        CannotAskError: there is no filter that could name one of them.
        ScimError: of any other kind, where a request failed.
    """
    memory, done = FilterMemory(), count(1)

    async def look(one: WantedResource) -> dict[str, LiveResource]:
        found: dict[str, LiveResource] = {}
        if one.id is not None:
            stated = await _read(client, kind, one.id)
            found |= {stated.id: stated} if stated is not None else {}
        questions = _questions(kind, one, capabilities)
        if not questions and one.id is None:
            raise CannotAskError(kind, one.names[0])
        for attribute, value in questions:
            if attribute != kind.naming_attribute or not _named(value, found):
                answer = await find(client, kind, attribute, value, schemas, capabilities=capabilities, memory=memory)
                found |= {resource.id: resource for resource in answer}
        if on_progress is not None:
            on_progress(next(done), len(wanted))
        return found

    everything: dict[str, LiveResource] = {}
    for found in await for_each(wanted, look, client.concurrency):
        everything |= found
    return [everything[resource_id] for resource_id in sorted(everything)]


def _questions(kind: Kind, one: WantedResource, capabilities: Capabilities) -> list[tuple[str, str]]:
    questions = [("externalId", one.external_id)] if one.external_id is not None else []
    questions += [(kind.naming_attribute, name) for name in one.names]
    return [(attribute, value) for attribute, value in questions if capabilities.filters(kind, attribute)]


def _named(name: str, found: Mapping[str, LiveResource]) -> bool:
    return any(fold(resource.name) == fold(name) for resource in found.values())


async def _read(client: ScimClient, kind: Kind, resource_id: str) -> LiveUser | LiveGroup | None:
    if kind is Kind.USER:
        return await read_user(client, resource_id)
    return await read_group(client, resource_id, capabilities=Capabilities(members_read=MembersRead.NONE))

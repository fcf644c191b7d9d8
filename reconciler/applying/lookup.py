"""Finding a resource that a write would make again, or that is in its way: after a lost answer, a conflict, a run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from reconciler.attributes import Path, Schemas, fold
from reconciler.capabilities import Capabilities, Paging
from reconciler.diagnostics import ReconcilerError
from reconciler.filters import FilterError
from reconciler.live import FilterMemory, endpoint_of, find
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.plan import Step
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import RequestRefused, ScimError, ServerError, Unauthorized, printable
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


class _Known(NamedTuple):
    """A resource, as far as messages speak of it."""

    id: str
    name: str


class Lookup:
    """Looks resources up by externalId, then by name; and by what else no two of them may share.

    The server is asked with a filter where it knows one. One that knows or takes none is read whole, because a second
    creation could be a second account: once per run for what was there before, and again for what became of a lost
    answer.

    Args:
        client: an entered client.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
    """

    def __init__(self, client: ScimClient, schemas: Schemas, capabilities: Capabilities) -> None:
        self._client = client
        self._schemas = schemas
        self._capabilities = capabilities
        self._listed: dict[Kind, dict[tuple[str, str], list[_Known]]] = {}
        self._listing = asyncio.Lock()
        self._memory = FilterMemory()
        self._unanswered: set[tuple[Kind, str]] = set()

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
            if not self._answers(step.kind, attribute):
                continue
            try:
                found = await self._ask(step.kind, attribute, value, fresh=fresh)
            except Unauthorized:
                raise
            except (RequestRefused, ServerError):
                # It knows no such filter, or fails at it. One that fails at everything fails at the listing, too.
                self._unanswered.add((step.kind, attribute))
                continue
            answered = True
            if found:
                return _only(step, attribute, value, found)
        if answered or self._capabilities.paging is Paging.FILTER_ONLY:
            return None
        listed = await self._list(step.kind, fresh=fresh)
        for attribute, value in wanted.items():
            if same := listed.get((attribute, _key(attribute, value))):
                return _only(step, attribute, value, same)
        return None

    async def owner(self, step: Step) -> str | None:
        """Return who has what a step wants for its resource alone, for a person, or ``None`` where nobody is found.

        Asked after a conflict, whose answer rarely says which resource it is with. A listing that this run has read
        before is good enough.
        """
        for attribute, value in self._unique_values(step):
            try:
                found = await self._holders(step.kind, attribute, value)
            except Unauthorized:
                raise
            except (ScimError, FilterError):
                continue
            for other in found:
                if other.id != step.resource_id:
                    return f"{attribute} {printable(value)} belongs to {step.kind.address(other.name)} (id {other.id})"
        return None

    def _answers(self, kind: Kind, attribute: str) -> bool:
        return self._capabilities.filters(kind, attribute) and (kind, attribute) not in self._unanswered

    def _unique_values(self, step: Step) -> Iterator[tuple[str, str]]:
        """Yield the values that a step writes and that no two resources may share, by attribute."""
        for key in self._capabilities.unique_keys:
            kind, _, attribute = key.partition(".")
            if fold(kind) == fold(step.kind):
                for change in step.changes:
                    if fold(change.path) == fold(attribute):
                        yield from ((attribute, value) for value in _texts(change.after))

    async def _holders(self, kind: Kind, attribute: str, value: str) -> list[_Known]:
        if self._answers(kind, attribute):
            return await self._ask(kind, attribute, value, fresh=False)
        if self._capabilities.paging is Paging.FILTER_ONLY:
            return []
        listed = await self._list(kind, fresh=False)
        return listed.get((attribute, _key(attribute, value)), [])

    async def _ask(self, kind: Kind, attribute: str, value: str, *, fresh: bool) -> list[_Known]:
        ask = partial(find, capabilities=self._capabilities, memory=self._memory, fresh=fresh)
        found = await ask(self._client, kind, attribute, value, self._schemas)
        return [_Known(one.id, one.name) for one in found]

    async def _list(self, kind: Kind, *, fresh: bool) -> dict[tuple[str, str], list[_Known]]:
        """Return all resources by externalId, by name, and by what else no two may share."""
        async with self._listing:
            if fresh or kind not in self._listed:
                self._listed[kind] = await self._read_whole(kind)
            return self._listed[kind]

    async def _read_whole(self, kind: Kind) -> dict[tuple[str, str], list[_Known]]:
        reader = ResourceReader()
        convert: partial[LiveUser] | partial[LiveGroup] = (
            partial(reader.user) if kind is Kind.USER else partial(reader.group, members_returned=False)
        )
        page_size = self._capabilities.page_size if kind is Kind.USER else self._capabilities.group_page_size
        everything: list[LiveResource] = await list_resources(
            self._client,
            endpoint_of(kind),
            page_size=page_size,
            paging=self._capabilities.paging,
            convert=convert,
        )
        unique = {key.partition(".")[2] for key in self._capabilities.unique_keys if fold(key).startswith(fold(kind))}
        found = defaultdict[tuple[str, str], list[_Known]](list)
        for resource in everything:
            known = _Known(resource.id, resource.name)
            for attribute in {EXTERNAL_ID, kind.naming_attribute, *unique}:
                for value in _texts(Path.parse(attribute).get(resource.attributes)):
                    found[attribute, _key(attribute, value)].append(known)
        return dict(found)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a value: its own, or those of its elements."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element.get("value") if isinstance(element, Mapping) else element)


def _key(attribute: str, value: str) -> str:
    return value if attribute == EXTERNAL_ID else fold(value)


def _only(step: Step, attribute: str, value: str, found: list[_Known]) -> str:
    if len(found) > 1:
        raise AmbiguousCreationError(step.address, attribute, value, [one.id for one in found])
    return found[0].id

"""Finding resources by the value of an attribute, whatever a server makes of filters."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, overload

from reconciler.attributes import Path, ResourceSchema, Schemas, canonical, rfc7643
from reconciler.capabilities import Capabilities
from reconciler.filters import Filter, FilterError, Predicate, eq
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.scim.client import ScimClient
from reconciler.scim.listing import Endpoint, list_resources
from reconciler.scim.resources import ResourceReader


def endpoint_of(kind: Kind) -> Endpoint:
    """Return the endpoint of a kind (RFC 7644 §3.2)."""
    return "Users" if kind is Kind.USER else "Groups"


class FilterMemory:
    """What one run has learned of a server that ignores filters, so that not each look-up costs a listing.

    A server that answers filters for two values with the same resources, some of which fit neither, is taken to ignore
    filters on that attribute: what it sent is kept, and later look-ups are answered from it. Look-ups of one attribute
    wait for each other until it is clear that filters are honoured. Owned by the caller, for one run against one
    directory.
    """

    def __init__(self) -> None:
        self._topics: dict[tuple[Kind, str], _Topic] = {}

    async def answer(self, question: _Question, *, fresh: bool) -> list[Any]:
        """Return what fits a question, asking the server only where it has to be asked."""
        return await self._topics.setdefault((question.kind, question.attribute), _Topic()).answer(
            question, fresh=fresh
        )


class _Question:
    """One look-up: how it is asked, and how an answer is checked."""

    def __init__(
        self,
        kind: Kind,
        attribute: str,
        value: str,
        schemas: Sequence[ResourceSchema],
        ask: Callable[[], Awaitable[list[Any]]],
        *,
        filtered: bool,
    ) -> None:
        self.kind = kind
        self.attribute = attribute
        self.value = value
        self.ask = ask
        self.filtered = filtered
        self._fits, schema = _predicate(eq(attribute, value), schemas)
        self._path = Path.parse(attribute)
        self._definition = self._path.definition(schema)

    def fits(self, resource: LiveResource) -> bool:
        """Tell whether a resource is what is looked for."""
        return self._fits(resource.attributes)

    @property
    def key(self) -> Any:
        """What equal values have in common, and ``None`` where a resource may have several values."""
        return canonical(self.value, self._definition) if self._single else None

    def key_of(self, resource: LiveResource) -> Any:
        """Return the same of a resource."""
        return canonical(self._path.get(resource.attributes), self._definition) if self._single else None

    @property
    def _single(self) -> bool:
        return self._definition is not None and self._path.sub is None and not self._definition.multi_valued


class _Topic:
    """What is known of filters on one attribute."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._honoured = False
        self._doubt: tuple[str, frozenset[str]] | None = None
        self._everything: Mapping[Any, list[LiveResource]] | None = None
        self._begun = 0

    async def answer(self, question: _Question, *, fresh: bool) -> list[LiveResource]:
        if self._honoured and question.filtered:
            return self._learn(question, await question.ask())
        begun = self._begun
        async with self._lock:
            if self._everything is None or (fresh and self._begun == begun):
                self._begun += 1
                return self._learn(question, await question.ask())
            return [resource for resource in self._everything.get(question.key, ()) if question.fits(resource)]

    def _learn(self, question: _Question, answer: list[LiveResource]) -> list[LiveResource]:
        found = [resource for resource in answer if question.fits(resource)]
        self._honoured = question.filtered and len(found) == len(answer)
        if self._honoured:
            self._doubt = self._everything = None
            return found
        ids = frozenset(resource.id for resource in answer)
        # The directory may have grown in between: this run creates resources.
        again = self._doubt is not None and self._doubt[0] != question.value and self._doubt[1] <= ids
        if again or self._everything is not None or not question.filtered:
            everything = defaultdict(list)
            for resource in answer:
                everything[question.key_of(resource)].append(resource)
            self._everything = everything
        self._doubt = question.value, ids
        return found


@overload
async def find(
    client: ScimClient,
    kind: Literal[Kind.USER],
    attribute: str,
    value: str,
    schemas: Schemas,
    *,
    capabilities: Capabilities | None = None,
    memory: FilterMemory | None = None,
    fresh: bool = False,
) -> list[LiveUser]: ...


@overload
async def find(
    client: ScimClient,
    kind: Literal[Kind.GROUP],
    attribute: str,
    value: str,
    schemas: Schemas,
    *,
    capabilities: Capabilities | None = None,
    memory: FilterMemory | None = None,
    fresh: bool = False,
) -> list[LiveGroup]: ...


@overload
async def find(
    client: ScimClient,
    kind: Kind,
    attribute: str,
    value: str,
    schemas: Schemas,
    *,
    capabilities: Capabilities | None = None,
    memory: FilterMemory | None = None,
    fresh: bool = False,
) -> list[LiveUser] | list[LiveGroup]: ...


async def find(
    client: ScimClient,
    kind: Kind,
    attribute: str,
    value: str,
    schemas: Schemas,
    *,
    capabilities: Capabilities | None = None,
    memory: FilterMemory | None = None,
    fresh: bool = False,
) -> list[Any]:
    """Return the resources whose attribute has a value, ordered by id.

    The server is asked with a filter and its answer checked again here, because servers return supersets of what was
    asked for, or ignore filters and return everything. The members of groups are not part of the answer, because
    some servers leave them out of filtered lists: they are ``None``, unknown.

    Args:
        client: an entered client.
        kind: users or groups.
        attribute: its path, ``externalId`` or ``userName``; servers may refuse others.
        value: compared as the attribute's definition says.
        schemas: the server's attribute definitions.
        capabilities: what it can do: how its answers are paged, and whether it takes this filter. Where it does not,
            the whole listing is read.
        memory: what this run knows of its filters already; without one, an ignored filter costs a listing each time.
        fresh: do not answer from a listing that began before this call, although the server ignores filters. Several
            such calls at the same time share one.

    Raises:
        FilterError: neither the server's schemas nor RFC 7643 know the attribute.
        ScimError: ``RequestRefused`` among others, where the server does not know the filter.
    """
    known, reader = capabilities or Capabilities(), ResourceReader()
    filtered = known.filters(kind, attribute)
    convert: Callable[[dict[str, Any]], LiveUser] | Callable[[dict[str, Any]], LiveGroup]
    convert = reader.user if kind is Kind.USER else partial(reader.group, members_returned=False)
    question = _Question(
        kind,
        attribute,
        value,
        (schemas.user, rfc7643().user) if kind is Kind.USER else (schemas.group, rfc7643().group),
        lambda: list_resources(
            client,
            endpoint_of(kind),
            page_size=known.page_size if kind is Kind.USER else known.group_page_size,
            convert=convert,
            paging=known.paging,
            scim_filter=eq(attribute, value) if filtered else None,
        ),
        filtered=filtered,
    )
    return await (memory or FilterMemory()).answer(question, fresh=fresh)


def _predicate(text: str, schemas: Sequence[ResourceSchema]) -> tuple[Predicate, ResourceSchema]:
    """Compile a filter by the first schema that knows its attribute: a /Schemas with gaps must not hide a match."""
    parsed = Filter.parse(text)
    for schema in schemas:
        if not parsed.unknown_attributes(schema):
            return parsed.compile(schema), schema
    raise FilterError(text, f"no schema knows {', '.join(sorted(parsed.attributes))}")

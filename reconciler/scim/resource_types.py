"""Which resource types a service provider has, and whose extension a schema is (RFC 7643 §6, RFC 7644 §4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.attributes import CORE_GROUP, CORE_USER, fold
from reconciler.model import Kind
from reconciler.scim.answers import list_page, member

_KINDS = {fold(CORE_USER): Kind.USER, fold(CORE_GROUP): Kind.GROUP}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One resource type, as far as this tool has a use for it.

    Attributes:
        endpoint: where its resources are, as the server wrote it; ``""`` where it did not.
        schema: the URN of its core schema.
        extensions: the URNs of its ``schemaExtensions``, as the server spells them.
    """

    endpoint: str
    schema: str
    extensions: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind | None:
        """The kind of its resources, by the core schema; ``None`` for what is neither a user nor a group."""
        return _KINDS.get(fold(self.schema))

    @property
    def segment(self) -> str:
        """The last part of its endpoint: ``Users`` for ``/Users``, ``Users`` and ``https://example.com/scim/Users``.

        RFC 7643 §6 wants it relative to the base URL, and servers write it in all three ways.
        """
        return self.endpoint.rstrip("/").rpartition("/")[2]


def resource_types(body: Mapping[str, Any]) -> tuple[ResourceType, ...]:
    """Read ``/ResourceTypes``. A type without a schema tells nothing and is left out."""
    return tuple(
        ResourceType(
            endpoint=endpoint if isinstance(endpoint := member(document, "endpoint"), str) else "",
            schema=schema,
            extensions=tuple(_extensions(member(document, "schemaExtensions"))),
        )
        for document in list_page(body).resources
        if isinstance(document, Mapping) and isinstance(schema := member(document, "schema"), str) and schema
    )


def _extensions(entries: object) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else ():
        # RFC 7643 §6 has objects; a lax server's plain URNs mean the same.
        urn = member(entry, "schema") if isinstance(entry, Mapping) else entry
        if isinstance(urn, str) and urn:
            yield urn


def extended_schemas(types: tuple[ResourceType, ...]) -> dict[str, frozenset[str]]:
    """Return, by folded URN, which of the core schemas of users and groups a schema extends.

    The extensions and core schemas of other resource types are in it with none; what no type names is not in it,
    because nobody said anything about it.
    """
    extended: dict[str, frozenset[str]] = {}
    for one in types:
        own = frozenset({one.kind.schema} if one.kind else ())
        for urn in one.extensions:
            extended[fold(urn)] = extended.get(fold(urn), frozenset()) | own
        if one.kind is None:
            extended.setdefault(fold(one.schema), frozenset())
    return extended


def without_groups(types: tuple[ResourceType, ...]) -> bool:
    """Tell whether the server names its resource types, users among them, and has none for groups.

    Without users it is not believed: a list that leaves them out leaves out other types as well.
    """
    kinds = {one.kind for one in types}
    return Kind.USER in kinds and Kind.GROUP not in kinds and all(one.segment != "Groups" for one in types)

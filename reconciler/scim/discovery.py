"""What a service provider says about itself (RFC 7644 §4), and what holds where it says nothing.

In order of authority: the dialect, because servers are wrong about themselves; ``/ServiceProviderConfig`` and
``/Schemas``; RFC 7643's schemas and the safe defaults of :class:`~reconciler.capabilities.Capabilities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.attributes import CORE_GROUP, CORE_USER, Schemas, fold, rfc7643
from reconciler.capabilities import Capabilities
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.scim.answers import count, flag, list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect
from reconciler.scim.errors import RequestRefused, Unauthorized
from reconciler.scim.tasks import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What is known of a service provider.

    Attributes:
        schemas: its attribute definitions.
        capabilities: what it can do.
        notes: what it did not tell, and what was taken instead.
    """

    schemas: Schemas
    capabilities: Capabilities
    notes: tuple[Diagnostic, ...] = ()


async def discover(client: ScimClient, dialect: Dialect) -> Discovery:
    """Ask a service provider what it is and can do.

    Either document may be missing (404, 501 or another refusal): a default takes its place and a note says so.

    Raises:
        ScimError: the token is not accepted, the server cannot be reached, or it answers something that is not SCIM.
    """
    async with together() as group:
        config_task = group.create_task(_read(client, "/ServiceProviderConfig"))
        schemas_task = group.create_task(_read(client, "/Schemas"))
    config, documents = config_task.result(), schemas_task.result()
    notes: list[Diagnostic] = []
    if config is None:
        notes.append(_note("no-service-provider-config", "the server has no /ServiceProviderConfig; defaults are used"))
    stated = {**_stated(config or {}), **dialect.capabilities}
    capabilities = replace(Capabilities(), **stated)
    limit = _page_limit(config or {})
    if limit is not None and limit < capabilities.page_size:
        capabilities = replace(capabilities, page_size=limit)
    return Discovery(schemas=_schemas(documents, notes), capabilities=capabilities, notes=tuple(notes))


async def _read(client: ScimClient, path: str) -> dict[str, Any] | None:
    try:
        return (await client.get(path)).body
    except Unauthorized:
        raise
    except RequestRefused:
        return None


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = member(config, name)
    return section if isinstance(section, Mapping) else {}


def _stated(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the capabilities that ``/ServiceProviderConfig`` speaks of (RFC 7643 §5)."""
    patch = flag(member(_section(config, "patch"), "supported"))
    return {} if patch is None else {"patch_users": patch, "patch_groups": patch}


def _page_limit(config: Mapping[str, Any]) -> int | None:
    """Return the most resources per answer: ``filter.maxResults`` (RFC 7643 §5), ``maxPageSize`` (RFC 9865 §4)."""
    limits = (
        count(member(_section(config, "filter"), "maxResults")),
        count(member(_section(config, "pagination"), "maxPageSize")),
    )
    return min((limit for limit in limits if limit), default=None)


def _schemas(body: Mapping[str, Any] | None, notes: list[Diagnostic]) -> Schemas:
    if body is None:
        notes.append(_note("no-schemas", "the server has no /Schemas; those of RFC 7643 are used"))
        return rfc7643()
    documents = [
        {"id": urn, "attributes": _attributes(member(document, "attributes"))}
        for document in list_page(body).resources
        if isinstance(document, Mapping) and isinstance(urn := member(document, "id"), str) and urn
    ]
    usable = [document for document in documents if document["attributes"]]
    served = {fold(str(document["id"])) for document in usable}
    if not usable:
        notes.append(_note("no-schemas", "/Schemas defines no attributes; those of RFC 7643 are used"))
        return rfc7643()
    notes += [
        _note("no-core-schema", f"/Schemas does not define {urn}; RFC 7643's definition is used")
        for urn in (CORE_USER, CORE_GROUP)
        if fold(urn) not in served
    ]
    return Schemas.parse(usable)


def _attributes(documents: object) -> list[dict[str, Any]]:
    """Return the definitions that have a name; a lax server's others say nothing about any attribute."""
    return [
        {**document, "subAttributes": _attributes(document.get("subAttributes"))}
        for document in (documents if isinstance(documents, list) else ())
        if isinstance(document, dict) and isinstance(document.get("name"), str)
    ]


def _note(code: str, message: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, severity=Severity.NOTE)

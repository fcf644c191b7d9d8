"""What a service provider says about itself (RFC 7644 §4), and what holds where it says nothing.

In order of authority: the user's word and the dialect, because servers are wrong about themselves;
``/ServiceProviderConfig``, ``/Schemas`` and ``/ResourceTypes``; RFC 7643's schemas and the safe defaults of
:class:`~reconciler.capabilities.Capabilities`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, Schemas, fold, rfc7643, rfc7643_documents
from reconciler.capabilities import Authority, Capabilities, Paging, Statement, resolve
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.scim.answers import count, flag, list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect
from reconciler.scim.errors import MalformedAnswer, RequestRefused, Unauthorized, WebPage, printable
from reconciler.scim.resource_types import ResourceType, extended_schemas, resource_types, without_groups
from reconciler.scim.tasks import together

_MOST_USERS_PER_PAGE = 1000
_MOST_GROUPS_PER_PAGE = 100
_OWNED = frozenset(
    map(
        fold,
        (
            CORE_USER,
            CORE_GROUP,
            ENTERPRISE_USER,
            "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
            "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
            "urn:ietf:params:scim:schemas:core:2.0:Schema",
        ),
    )
)
"""The schemas of which RFC 7643 §8.7 says what they describe."""
_DEEPEST_DEFINITION = 8  # RFC 7643 §2.3.8 allows two: an attribute and its sub-attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What is known of a service provider.

    Attributes:
        schemas: its attribute definitions.
        capabilities: what it can do.
        statements: where each value of the capabilities comes from, by its name.
        without_groups: whether it says that it has users and no groups at all.
        notes: what it did not tell, and what was taken instead.
        told: what it says of itself, by the name of the capability, also where somebody with more authority says else.
    """

    schemas: Schemas
    capabilities: Capabilities
    statements: Mapping[str, Statement] = field(default_factory=dict)
    without_groups: bool = False
    notes: tuple[Diagnostic, ...] = ()
    told: Mapping[str, Statement] = field(default_factory=dict)


async def discover(client: ScimClient, dialect: Dialect, *, sparing: bool = False) -> Discovery:
    """Ask a service provider what it is and can do, with three requests.

    Any of the three documents may be missing (404, 501, another refusal, or a web page): a default takes its place and
    a note says so. ``/ResourceTypes`` may also be unreadable: nothing but the owners of extensions depends on it.

    Args:
        client: an entered client.
        dialect: the service provider's ways.
        sparing: ask for ``/ResourceTypes`` only where ``/Schemas`` leaves open whose an extension is.

    Raises:
        ScimError: the token is not accepted, the server cannot be reached, or it answers something that is not SCIM.
    """
    async with together() as group:
        config_task = group.create_task(_read_document(client, "/ServiceProviderConfig"))
        schemas_task = group.create_task(_read_document(client, "/Schemas"))
        types_task = None if sparing else group.create_task(read_resource_types(client))
    config, documents = config_task.result(), schemas_task.result()
    asked = types_task is not None or _owners_unclear(documents)
    types = types_task.result() if types_task else await read_resource_types(client) if asked else ()
    notes: list[Diagnostic] = []
    if config is None:
        notes.append(_note("no-service-provider-config", "the server has no /ServiceProviderConfig; defaults are used"))
    if asked and not types:
        notes.append(
            _note("no-resource-types", "the server tells no /ResourceTypes; whose an extension is, its URN decides")
        )
    notes += _other_endpoints(types)
    told = _told(config or {}, types, dialect)
    capabilities, statements = resolve(dialect.capabilities, told)
    schemas = _schemas(documents, types, notes)
    notes += _unknown_rules(schemas, capabilities)
    return Discovery(
        schemas=schemas.with_rules(capabilities.attributes),
        capabilities=capabilities,
        statements=statements,
        without_groups=without_groups(types),
        notes=tuple(notes),
        told=told,
    )


async def _read(client: ScimClient, path: str) -> dict[str, Any] | None:
    try:
        return (await client.get(path)).body
    except Unauthorized:
        raise
    except RequestRefused:
        return None


async def _read_document(client: ScimClient, path: str) -> dict[str, Any] | None:
    """Return a document, or ``None`` where there is none.

    A web page in its place is how a server with a web application beside it says 404; the client has asked twice. Where
    ``base_url`` is wrong and everything is a web page, reading users says so.
    """
    try:
        return await _read(client, path)
    except WebPage:
        return None


async def read_resource_types(client: ScimClient) -> tuple[ResourceType, ...]:
    """Return what ``/ResourceTypes`` tells; nothing where there is none, or none that can be read.

    Raises:
        ScimError: the token is not accepted, or the server cannot be reached.
    """
    try:
        return resource_types(await _read(client, "/ResourceTypes") or {})
    except MalformedAnswer:
        return ()


def _owners_unclear(body: Mapping[str, Any] | None) -> bool:
    """Tell whether ``/Schemas`` leaves open whose attributes are in an extension, as far as a file could state them."""
    documents = [document for document in list_page(body or {}).resources if isinstance(document, Mapping)]
    served = {fold(str(member(document, "id"))): document for document in documents}
    return fold(ENTERPRISE_USER) not in served or any(
        member(attribute, "mutability") != "readOnly"
        for urn, document in served.items()
        if urn not in _OWNED
        for attribute in _attributes(member(document, "attributes"))
    )


def _told(config: Mapping[str, Any], types: tuple[ResourceType, ...], dialect: Dialect) -> dict[str, Statement]:
    """Return what the server says, and the size of the pages of groups that follows from it and the dialect.

    Where nobody states the size of a page, as many users are asked for as the server offers, because every page less is
    a request less, and never more than that: some servers refuse a larger ``count`` instead of sending fewer. 1,000
    bounds offers that nobody has thought about (2,147,483,647), and with them the time that a server takes for one
    page. Groups stay at 100: a page holds all their members, so a hundred groups can be larger than thousands of users.
    """
    server = _stated(config)
    if without_groups(types):
        server["groups"] = Statement(value=False, authority=Authority.SERVER, source="/ResourceTypes has none")
    limit = _page_limit(config)
    if limit is not None:
        server["page_size"] = _said(min(limit, _MOST_USERS_PER_PAGE), "filter.maxResults, pagination.maxPageSize")
    pages = dialect.capabilities.get("page_size") or server.get("page_size")
    if pages is not None:
        groups = min(pages.value, _MOST_GROUPS_PER_PAGE)
        server["group_page_size"] = Statement(value=groups, authority=pages.authority, source="as page_size")
    return server


def _said(value: Any, where: str) -> Statement:
    return Statement(value=value, authority=Authority.SERVER, source=f"/ServiceProviderConfig {where}")


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = member(config, name)
    return section if isinstance(section, Mapping) else {}


def _stated(config: Mapping[str, Any]) -> dict[str, Statement]:
    """Return the capabilities that ``/ServiceProviderConfig`` speaks of (RFC 7643 §5, RFC 9865 §4)."""

    def supported(section: str) -> bool | None:
        return flag(member(_section(config, section), "supported"))

    stated: dict[str, Statement] = {}
    patch, etag = supported("patch"), supported("etag")
    if patch is not None:
        stated |= dict.fromkeys(("patch_users", "patch_groups"), _said(patch, "patch.supported"))
    if etag is not None:
        stated["etag"] = _said(etag, "etag.supported")
    if supported("filter") is False:
        stated |= dict.fromkeys(("user_filters", "group_filters"), _said((), "filter.supported"))
    return (
        stated | _bulk(_section(config, "bulk"), supported=supported("bulk")) | _paging(_section(config, "pagination"))
    )


def _bulk(bulk: Mapping[str, Any], *, supported: bool | None) -> dict[str, Statement]:
    """Return what holds of ``/Bulk``. Without the number of operations that RFC 7643 §5 requires, it is not used."""
    if supported is False:
        return {"bulk_operations": _said(0, "bulk.supported")}
    operations, size = count(member(bulk, "maxOperations")), count(member(bulk, "maxPayloadSize"))
    if not supported or not operations:
        return {}
    stated = {"bulk_operations": _said(operations, "bulk.maxOperations")}
    if size:
        stated["bulk_bytes"] = _said(size, "bulk.maxPayloadSize")
    return stated


def _paging(pagination: Mapping[str, Any]) -> dict[str, Statement]:
    """Return how listings are walked, by RFC 9865 §4.

    A server that offers both is taken at its own default, and is walked by index where it has none (RFC 9865 §2.4).
    Both are safe: a walk by index that rows shift under fails its proof and is repeated, a cursor stays where it is.
    Pages by index can be read together, though, and those of cursors only one after the other.
    """
    cursor, index = flag(member(pagination, "cursor")), flag(member(pagination, "index"))
    default = member(pagination, "defaultPaginationMethod")
    if cursor and (not index or (isinstance(default, str) and fold(default) == Paging.CURSOR)):
        return {"paging": _said(Paging.CURSOR, "pagination.defaultPaginationMethod" if index else "pagination.cursor")}
    if index:
        return {"paging": _said(Paging.INDEX, "pagination.index")}
    if cursor is False and index is False:
        return {"paging": _said(Paging.NONE, "pagination: neither cursor nor index")}
    return {}


def _unknown_rules(schemas: Schemas, capabilities: Capabilities) -> Iterator[Diagnostic]:
    for path in schemas.unknown_rules(capabilities.attributes):
        yield _note(
            "unknown-attribute-rule",
            f"the capability attributes has a rule for {printable(path, 100)}, which the server's schemas do not know",
        )


def _page_limit(config: Mapping[str, Any]) -> int | None:
    """Return the most resources per answer: ``filter.maxResults`` (RFC 7643 §5), ``maxPageSize`` (RFC 9865 §4)."""
    limits = (
        count(member(_section(config, "filter"), "maxResults")),
        count(member(_section(config, "pagination"), "maxPageSize")),
    )
    return min((limit for limit in limits if limit), default=None)


def _schemas(body: Mapping[str, Any] | None, types: tuple[ResourceType, ...], notes: list[Diagnostic]) -> Schemas:
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
    extended = extended_schemas(types)
    if CORE_USER in extended.get(fold(ENTERPRISE_USER), ()) and fold(ENTERPRISE_USER) not in served:
        notes.append(
            _note(
                "no-extension-schema",
                f"users have {ENTERPRISE_USER}, which /Schemas does not define; RFC 7643's definition is used",
            )
        )
        usable.append(rfc7643_documents()[ENTERPRISE_USER])
    return Schemas.parse(usable, extended)


def _attributes(documents: object, depth: int = 1) -> list[dict[str, Any]]:
    """Return the definitions that have a name; a lax server's others say nothing about any attribute."""
    if not isinstance(documents, list) or depth > _DEEPEST_DEFINITION:
        return []
    return [
        {**document, "subAttributes": _attributes(document.get("subAttributes"), depth + 1)}
        for document in documents
        if isinstance(document, dict) and isinstance(document.get("name"), str)
    ]


def _note(code: str, message: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, severity=Severity.NOTE)


def _other_endpoints(types: tuple[ResourceType, ...]) -> Iterator[Diagnostic]:
    for one in types:
        if one.kind is not None and one.segment != f"{one.kind}s":
            where = printable(one.endpoint, 100) or "an endpoint that it does not name"
            yield _note(
                "other-endpoint",
                f"/ResourceTypes has a type of {one.kind.lower()}s at {where}; only /{one.kind}s is read",
            )

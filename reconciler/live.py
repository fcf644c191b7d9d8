"""What the directory holds now: read whole and proven complete, or an error.

Also the small reads that applying needs: one resource back after a write, and resources by the value of an attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, overload

from reconciler.attributes import ResourceSchema, Schemas, rfc7643
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.filters import Filter, FilterError, Predicate, eq
from reconciler.model import Kind, Live, LiveGroup, LiveUser, ReadStatistics
from reconciler.reading.single import members_among, read_group, read_user
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect
from reconciler.scim.discovery import discover
from reconciler.scim.errors import RequestRefused
from reconciler.scim.listing import Endpoint, list_resources
from reconciler.scim.resources import ResourceReader
from reconciler.scim.tasks import together

__all__ = [
    "ReadProgress",
    "endpoint_of",
    "find",
    "members_among",
    "read_group",
    "read_live",
    "read_user",
]

_LOOKUP_PAGE_SIZE = 100
_NO_SUCH_ENDPOINT = (404, 501)
_NO_GROUPS = Diagnostic(
    code="no-groups",
    message="the server has no /Groups, and its /ResourceTypes has none either: there are no groups",
    severity=Severity.NOTE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProgress:
    """How far a listing has come. A listing that is read again starts at 0 again.

    Attributes:
        kind: users or groups.
        received: distinct resources received so far.
        total: how many the server says there are.
    """

    kind: Kind
    received: int
    total: int


def endpoint_of(kind: Kind) -> Endpoint:
    """Return the endpoint of a kind (RFC 7644 §3.2)."""
    return "Users" if kind is Kind.USER else "Groups"


async def read_live(
    client: ScimClient,
    dialect: Dialect,
    *,
    on_progress: Callable[[ReadProgress], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
) -> Live:
    """Read the whole directory: discovery first, then users and groups at the same time.

    It costs three requests, and one for every page of users and of groups; one more for a listing that fills a single
    page (:func:`~reconciler.scim.listing.could_be_a_page_limit`), and what has to be read again or tried again.

    A server without ``/Groups`` has no groups where its ``/ResourceTypes`` says so too. Where it does not, this is an
    error: a wrong ``base_url`` answers the same, and must not look like a directory whose groups are gone.

    Args:
        client: an entered client.
        dialect: the service provider's ways.
        on_progress: called for every page.
        on_note: called for everything that the server did not tell about itself.

    Returns:
        All users and groups, ordered by id.

    Raises:
        IncompleteListing: a listing could not be proven complete.
        ScimError: of any other kind, where a request failed.
    """
    before = client.statistics
    tell: Callable[[Diagnostic], None] = on_note or (lambda _note: None)
    discovery = await discover(client, dialect)
    for note in discovery.notes:
        tell(note)
    capabilities, reader = discovery.capabilities, ResourceReader()

    def progress(kind: Kind) -> Callable[[int, int], None] | None:
        if on_progress is None:
            return None
        return lambda received, total: on_progress(ReadProgress(kind=kind, received=received, total=total))

    async def groups_or_none() -> list[LiveGroup]:
        try:
            return await list_resources(
                client,
                "Groups",
                page_size=capabilities.group_page_size,
                convert=lambda row: reader.group(row, members_returned=capabilities.groups_hold_members),
                on_progress=progress(Kind.GROUP),
            )
        except RequestRefused as refusal:
            if not discovery.without_groups or refusal.status not in _NO_SUCH_ENDPOINT:
                raise
            tell(_NO_GROUPS)
            return []

    async with together() as tasks:
        users = tasks.create_task(
            list_resources(
                client,
                "Users",
                page_size=capabilities.page_size,
                convert=reader.user,
                on_progress=progress(Kind.USER),
            )
        )
        groups = tasks.create_task(groups_or_none())
    after = client.statistics
    return Live(
        base_url=client.base_url,
        schemas=discovery.schemas,
        capabilities=capabilities,
        users=tuple(users.result()),
        groups=tuple(groups.result()),
        statistics=ReadStatistics(requests=after.requests - before.requests, bytes=after.bytes - before.bytes),
    )


@overload
async def find(
    client: ScimClient, kind: Literal[Kind.USER], attribute: str, value: str, schemas: Schemas
) -> list[LiveUser]: ...


@overload
async def find(
    client: ScimClient, kind: Literal[Kind.GROUP], attribute: str, value: str, schemas: Schemas
) -> list[LiveGroup]: ...


async def find(
    client: ScimClient, kind: Kind, attribute: str, value: str, schemas: Schemas
) -> list[LiveUser] | list[LiveGroup]:
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

    Raises:
        FilterError: neither the server's schemas nor RFC 7643 know the attribute.
        ScimError: ``RequestRefused`` among others, where the server does not know the filter.
    """
    text = eq(attribute, value)
    reader = ResourceReader()
    if kind is Kind.USER:
        matches = _predicate(text, schemas.user, rfc7643().user)
        users = await list_resources(
            client, "Users", page_size=_LOOKUP_PAGE_SIZE, convert=reader.user, scim_filter=text
        )
        return [user for user in users if matches(user.attributes)]
    matches = _predicate(text, schemas.group, rfc7643().group)
    groups = await list_resources(
        client,
        "Groups",
        page_size=_LOOKUP_PAGE_SIZE,
        convert=lambda row: reader.group(row, members_returned=False),
        scim_filter=text,
    )
    return [group for group in groups if matches(group.attributes)]


def _predicate(text: str, *schemas: ResourceSchema) -> Predicate:
    """Compile a filter by the first schema that knows its attribute: a /Schemas with gaps must not hide a match."""
    parsed = Filter.parse(text)
    for schema in schemas:
        if not parsed.unknown_attributes(schema):
            return parsed.compile(schema)
    raise FilterError(text, f"no schema knows {', '.join(sorted(parsed.attributes))}")

"""Reading a directory: whole and proven complete, or what is wanted of it by name, or an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.capabilities import Authority, Capabilities, MembersRead, Paging
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Kind, Live, LiveGroup, LiveUser, ReadStatistics
from reconciler.reading.anonymous import another_way
from reconciler.reading.by_name import read_by_name
from reconciler.reading.finding import endpoint_of
from reconciler.reading.memberships import Memberships
from reconciler.reading.wanted import Wanted
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect
from reconciler.scim.discovery import Discovery, discover, read_resource_types
from reconciler.scim.errors import NoListing, RequestRefused
from reconciler.scim.listing import list_resources
from reconciler.scim.page_lengths import PageLengths
from reconciler.scim.resource_types import without_groups
from reconciler.scim.resources import ResourceReader
from reconciler.scim.tasks import together

_NO_SUCH_ENDPOINT = (404, 501)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProgress:
    """How far a listing has come. A listing that is read again starts at 0 again.

    Attributes:
        kind: users or groups.
        received: distinct resources received so far; groups whose members are read one by one start again for that.
        total: how many the server says there are.
    """

    kind: Kind
    received: int
    total: int


async def read_live(
    client: ScimClient,
    dialect: Dialect,
    *,
    wanted: Wanted | None = None,
    on_progress: Callable[[ReadProgress], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
) -> Live:
    """Read the directory: discovery first, then users and groups at the same time, then members where that is apart.

    It costs two requests, and one for every page of users and of groups. A third goes to ``/ResourceTypes`` where
    ``/Schemas`` does not tell whose an extension is. One more looks behind a single page that may have been cut off
    (:mod:`reconciler.scim.page_lengths`), one is spent where all groups seem to be empty and should not be; and there
    is what has to be read again or tried again. Where groups are listed without their members, it also costs what
    the capability ``members_read`` takes for those that are wanted.

    A server without ``/Groups`` has no groups where its ``/ResourceTypes`` says so too. Where it does not, this is an
    error: a wrong ``base_url`` answers the same, and must not look like a directory whose groups are gone.

    Args:
        client: an entered client.
        dialect: the service provider's ways.
        wanted: what has to be found: all that is read of a directory without a listing, and whose members are read
            where each group costs requests; everything if left out.
        on_progress: called for every page.
        on_note: called for everything that the server did not tell, and with warnings where members stay unknown.

    Returns:
        All users and groups, ordered by id; or those that are wanted, with ``partial`` saying so.

    Raises:
        NoListing: the directory has none, and nothing is wanted.
        IncompleteListing: a listing could not be proven complete.
        ScimError: of any other kind, where a request failed.
    """
    before = client.statistics
    discovery = await discover(client, dialect, sparing=True)
    reading = Reading(
        client=client,
        discovery=discovery,
        wanted=wanted,
        tell=on_note or (lambda _note: None),
        on_progress=on_progress or (lambda _progress: None),
    )
    for note in discovery.notes:
        reading.tell(note)
    if reading.by_name and wanted is None:
        raise NoListing("Users")
    async with together() as tasks:
        users_task = tasks.create_task(reading.users())
        groups_task = tasks.create_task(reading.groups())
    users, listed = users_task.result(), groups_task.result()
    capabilities = replace(reading.telling(listed or [], users), groups=listed is not None)
    groups = await reading.complete(listed or [], users, capabilities)
    after = client.statistics
    return Live(
        base_url=client.base_url,
        schemas=discovery.schemas,
        capabilities=capabilities,
        users=tuple(users),
        groups=tuple(groups),
        partial=frozenset(kind for kind in Kind if reading.by_name and (kind is Kind.USER or listed is not None)),
        statistics=ReadStatistics(requests=after.requests - before.requests, bytes=after.bytes - before.bytes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One read of one directory.

    Attributes:
        client: an entered client.
        discovery: what the service provider is and can do.
        wanted: what has to be found; everything where ``None``.
        tell: told everything that the server did not tell.
        on_progress: called for every page.
    """

    client: ScimClient
    discovery: Discovery
    wanted: Wanted | None
    tell: Callable[[Diagnostic], None]
    on_progress: Callable[[ReadProgress], None]
    reader: ResourceReader = field(default_factory=ResourceReader)
    lengths: PageLengths = field(default_factory=lambda: PageLengths(map(endpoint_of, Kind)))

    @property
    def capabilities(self) -> Capabilities:
        """What the service provider can do."""
        return self.discovery.capabilities

    @property
    def by_name(self) -> bool:
        """Whether there is no listing."""
        return self.capabilities.paging is Paging.FILTER_ONLY

    def progress(self, kind: Kind) -> Callable[[int, int], None]:
        """Return what tells how far the reading of a kind has come."""
        return lambda received, total: self.on_progress(ReadProgress(kind=kind, received=received, total=total))

    async def users(self) -> list[LiveUser]:
        """Return all users, or those that are wanted where there is no listing. Raises ScimError."""
        if self.by_name:
            return await self._by_name(Kind.USER)
        try:
            return await list_resources(
                self.client,
                endpoint_of(Kind.USER),
                page_size=self.capabilities.page_size,
                convert=self.reader.user,
                paging=self.capabilities.paging,
                lengths=self.lengths,
                on_progress=self.progress(Kind.USER),
                on_note=self.tell,
            )
        finally:
            self.lengths.over(endpoint_of(Kind.USER))

    async def groups(self) -> list[LiveGroup] | None:
        """Return the groups, with members where the listing holds them; ``None`` where there is no ``/Groups``."""
        stated = self.discovery.statements["groups"]
        try:
            if not stated.value and stated.authority is not Authority.SERVER:
                self.tell(_no_groups(f"{stated.authority} says so ({stated.source})"))
                return None
            return await self._listed_groups()
        except RequestRefused as refusal:
            if refusal.status not in _NO_SUCH_ENDPOINT or stated.authority in (Authority.OVERRIDE, Authority.DIALECT):
                raise
            if not self.discovery.without_groups and not without_groups(await read_resource_types(self.client)):
                raise
            self.tell(_no_groups("its /ResourceTypes has none either"))
            return None
        finally:
            self.lengths.over(endpoint_of(Kind.GROUP))

    async def _listed_groups(self) -> list[LiveGroup]:
        if self.by_name:
            return await self._by_name(Kind.GROUP)
        in_listing = self.capabilities.members_read is MembersRead.LISTING
        return await list_resources(
            self.client,
            endpoint_of(Kind.GROUP),
            page_size=self.capabilities.group_page_size,
            convert=lambda row: self.reader.group(row, members_returned=in_listing),
            paging=self.capabilities.paging,
            excluded="members" if self.capabilities.exclude_members and not in_listing else None,
            lengths=self.lengths,
            on_progress=self.progress(Kind.GROUP),
            on_note=self.tell,
        )

    async def _by_name(self, kind: Kind) -> list[Any]:
        return await read_by_name(
            self.client,
            kind,
            self.wanted.of_kind(kind) if self.wanted is not None else (),
            schemas=self.discovery.schemas,
            capabilities=self.capabilities,
            on_progress=self.progress(kind),
        )

    def telling(self, groups: Sequence[LiveGroup], users: Sequence[LiveUser]) -> Capabilities:
        """Return the capabilities, with a way of reading members that tells who they are, as far as there is one."""
        if self.by_name or self.capabilities.members_read is not MembersRead.LISTING:
            return self.capabilities
        other = another_way(groups, users)
        if other is None:
            return self.capabilities
        members_read, why = other
        self.tell(why)
        return replace(self.capabilities, members_read=members_read)

    async def complete(
        self, groups: Sequence[LiveGroup], users: list[LiveUser], capabilities: Capabilities
    ) -> list[LiveGroup]:
        """Return the groups with their members, as far as the server tells them."""
        if capabilities.members_read is not self.capabilities.members_read:
            groups = [replace(group, members=None) for group in groups]
        memberships = Memberships(
            client=self.client,
            capabilities=capabilities,
            wanted=self.wanted,
            users=users,
            by_name=self.by_name,
            tell=self.tell,
            on_progress=self.progress(Kind.GROUP),
        )
        return await memberships.complete(list(groups))


def _no_groups(why: str) -> Diagnostic:
    return Diagnostic(
        code="no-groups", message=f"the server has no /Groups, and {why}: there are no groups", severity=Severity.NOTE
    )

"""The words everyone shares: users, groups, memberships, desired and live. No I/O.

Attribute values are held in SCIM's own JSON form and under SCIM's own names (RFC 7643): ``emails`` is a list of
objects, enterprise attributes sit below the extension's URN. In desired resources **a missing key is unmanaged,
``None`` is managed and unset, ``[]`` is managed and empty**.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

from reconciler.attributes import CORE_GROUP, CORE_USER, Schemas
from reconciler.capabilities import Capabilities
from reconciler.config import DirectoryConfig


class Kind(StrEnum):
    """A SCIM resource type, by the name that ``meta.resourceType`` uses."""

    USER = "User"
    GROUP = "Group"

    @property
    def naming_attribute(self) -> str:
        """The attribute that names a resource of this kind to people: ``userName`` or ``displayName``."""
        return "userName" if self is Kind.USER else "displayName"

    @property
    def schema(self) -> str:
        """The URN of the core schema of this kind (RFC 7643 §4)."""
        return CORE_USER if self is Kind.USER else CORE_GROUP

    def address(self, name: str) -> str:
        """Return the address of a resource, as plans and messages write it: ``user:ada@example.com``."""
        return f"{self.value.lower()}:{name}"


class Origin(NamedTuple):
    """A place in a file of the workspace. ``file`` is relative to it; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Source(Protocol):
    """Where a desired resource was written. Positions are looked up when asked for, not held for every value."""

    def locate(self, *path: str | int) -> Origin:
        """Return the place of the value at ``path`` inside the resource, or of its nearest enclosing one.

        The path uses SCIM names as in ``attributes`` (an attribute below an extension's URN may have been written
        short), plus the tool's own ``members``, ``match`` and ``lifecycle``. Without a path: the resource itself.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """When an entry counts: from ``starts`` (inclusive) until ``until`` (exclusive), both in UTC; ``None`` is open."""

    starts: datetime | None = None
    until: datetime | None = None

    def not_started(self, as_of: datetime) -> bool:
        """Tell whether the entry counts only later than ``as_of``."""
        return self.starts is not None and as_of < self.starts

    def expired(self, as_of: datetime) -> bool:
        """Tell whether the entry stopped counting at or before ``as_of``."""
        return self.until is not None and as_of >= self.until


class Replace(StrEnum):
    """How a group gets another name where the directory cannot rename groups."""

    AUTOMATIC = "automatic"
    """The successor is made and filled, and the old group deleted in the same run."""
    MANUAL_REGRANT = "manual-regrant"
    """The old group stays until a run with ``--confirm-replace``, so that a person can grant product access again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle(Validity):
    """What a resource says to the tool and not to SCIM: the ``lifecycle`` key."""

    replace: Replace = Replace.AUTOMATIC
    protected: bool = False
    previously: tuple[str, ...] = ()
    reason: str | None = None
    min_members: int | None = None
    required_members: tuple[str, ...] = ()
    privileged: bool = False


NO_LIFECYCLE = Lifecycle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Validity):
    """One stated membership: the user or group named, and for how long. Equal members may be one shared object.

    ``name`` is the naming attribute of the member as written.
    """

    kind: Kind
    name: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredResource:
    """What a listed user and a listed group have in common.

    Attributes:
        attributes: the managed attributes in SCIM's JSON form. Always holds the naming attribute; for users always
            ``active``, because a listed user is active unless stated otherwise.
        source: where it was written.
        id: the service provider's id, where the file states one to correlate by.
    """

    kind: ClassVar[Kind]
    attributes: dict[str, Any]
    source: Source
    id: str | None = None
    lifecycle: Lifecycle = NO_LIFECYCLE

    @property
    def name(self) -> str:
        """The value of the naming attribute: ``userName`` or ``displayName``."""
        name: str = self.attributes[self.kind.naming_attribute]
        return name

    @property
    def external_id(self) -> str | None:
        """The managed ``externalId``, or ``None`` where it is unmanaged or unset."""
        return self.attributes.get("externalId")

    @property
    def address(self) -> str:
        """How plans and messages name this resource: ``user:ada@example.com``."""
        return self.kind.address(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredUser(DesiredResource):
    """A listed user."""

    kind: ClassVar[Kind] = Kind.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredGroup(DesiredResource):
    """A listed group.

    Attributes:
        members: the complete list of memberships as written, or ``None`` where they are not stated.
            ``source.locate("members", i)`` is the place of ``members[i]``.
        match: a SCIM filter over the desired users, whose matches are members too, or ``None``.
            With neither, membership is unmanaged.
    """

    kind: ClassVar[Kind] = Kind.GROUP
    members: tuple[Member, ...] | None = None
    match: str | None = None

    @property
    def manages_members(self) -> bool:
        """Tell whether this group's membership is stated at all."""
        return self.members is not None or self.match is not None


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What the YAML states, whole and checked: the result of loading a workspace.

    Attributes:
        config: what ``directory.yaml`` says.
        users: the listed users, in the order of files and lines. No two share a name under case folding.
        groups: the listed groups, likewise.
        digest: ``sha256:…`` over the content of all files of the workspace that were read.
        commit: the Git commit of the workspace, with ``+dirty`` appended when files differ from it; ``None`` outside
            a repository.
        files: how many files were read.
    """

    config: DirectoryConfig
    users: tuple[DesiredUser, ...]
    groups: tuple[DesiredGroup, ...]
    digest: str
    commit: str | None = None
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResource:
    """A user as the service provider returned it; ``attributes`` is its JSON without ``schemas`` and ``meta``."""

    kind: ClassVar[Kind] = Kind.USER
    id: str
    attributes: dict[str, Any]
    version: str | None = None

    @property
    def name(self) -> str:
        """The value of the naming attribute, or the id where the service provider returned none."""
        name = self.attributes.get(self.kind.naming_attribute)
        return name if isinstance(name, str) and name else self.id

    @property
    def external_id(self) -> str | None:
        """The ``externalId``, or ``None`` where there is none."""
        external_id = self.attributes.get("externalId")
        return external_id if isinstance(external_id, str) and external_id else None

    @property
    def address(self) -> str:
        """How plans and messages name this resource."""
        return self.kind.address(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUser(LiveResource):
    """A user as the service provider returned it."""

    kind: ClassVar[Kind] = Kind.USER

    @property
    def active(self) -> bool:
        """Whether the account works. RFC 7643 leaves the default to the server; every known one means true."""
        active = self.attributes.get("active")
        return active.lower() != "false" if isinstance(active, str) else active is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGroup(LiveResource):
    """A group as the service provider returned it; ``attributes`` holds no ``members``.

    ``members`` are the ids of its members, or ``None`` where the server would not tell: unknown is not empty.
    """

    kind: ClassVar[Kind] = Kind.GROUP
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStatistics:
    """What a read cost: HTTP requests sent (retries too), and bytes of response bodies after decompression."""

    requests: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a directory made of a value that was written to it.

    Learned by reading back after a write, and remembered so that the same change is not planned for ever.

    Attributes:
        kind: of the resource.
        id: of the resource.
        path: the SCIM path of the attribute; ``""`` is the resource itself, which stayed although it was deleted.
        wrote: the value that was written; ``None`` unset it.
        stored: what was there afterwards, the same where the value was kept; ``None`` is nothing.
        unchanged: whether that is what was there before as well. Then the directory may have ignored the write by
            accident, and only a second time tells that it always does.
    """

    kind: Kind
    id: str
    path: str
    wrote: Any
    stored: Any
    unchanged: bool = False


class TimerName(StrEnum):
    """What a grace timer counts from."""

    UNLISTED = "unlisted"
    """No file lists the resource any more."""
    DEACTIVATED = "deactivated"
    """The account, which no file lists, was found or made inactive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Since when something has been so, as an earlier run saw it.

    Attributes:
        kind: of the resource.
        id: of the resource.
        name: what is timed.
        since: when a run first saw it, in UTC.
    """

    kind: Kind
    id: str
    name: TimerName
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """What the last recorded run found and left.

    Attributes:
        run_id: its name.
        at: when it ended, in UTC.
        users: how many users the directory had after it.
        groups: how many groups.
        memberships: how many memberships.
        desired_users: how many users the files listed.
        desired_groups: how many groups.
    """

    run_id: str
    at: datetime
    users: int
    groups: int
    memberships: int
    desired_users: int
    desired_groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What earlier runs against a directory left for planning; empty where there was none.

    Attributes:
        observations: what the directory made of earlier writes, the oldest first.
        timers: the grace timers that run.
        last_run: what the last recorded run found; ``None`` where there was none.
    """

    observations: tuple[Observation, ...] = ()
    timers: tuple[Timer, ...] = ()
    last_run: LastRun | None = None


NO_HISTORY = History()


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the directory holds now, proven complete.

    Attributes:
        base_url: the SCIM endpoint that was read.
        schemas: the attribute definitions of the service provider.
        capabilities: what the service provider can do.
        users: all its users, by id, each once.
        groups: all its groups, likewise.
        partial: the kinds of which only what was asked for by name was read, because the server has no listing of
            them, or because no more was asked for: what is not here is unknown then, and nothing follows from its
            absence.
        sizes: how many there are of such a kind, where the server told that.
        statistics: what the read cost.
    """

    base_url: str
    schemas: Schemas
    capabilities: Capabilities
    users: tuple[LiveUser, ...]
    groups: tuple[LiveGroup, ...]
    partial: frozenset[Kind] = frozenset()
    sizes: Mapping[Kind, int] = field(default_factory=dict)
    statistics: ReadStatistics = field(default_factory=ReadStatistics, compare=False)

    @cached_property
    def users_by_id(self) -> dict[str, LiveUser]:
        """The users by the service provider's id."""
        return {user.id: user for user in self.users}

    @cached_property
    def groups_by_id(self) -> dict[str, LiveGroup]:
        """The groups by the service provider's id."""
        return {group.id: group for group in self.groups}

    def of_kind(self, kind: Kind) -> Sequence[LiveUser] | Sequence[LiveGroup]:
        """Return all resources of one kind."""
        return self.users if kind is Kind.USER else self.groups


def utc(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC with whole seconds, the one form that plans and ledgers use."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")

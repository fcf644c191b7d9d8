"""What a service provider can do, as one value that planning and applying read, and who says so.

Every capability has a value and a :class:`Statement` that tells where it comes from. In order of authority:
``directory.yaml``, the dialect, the server's own ``/ServiceProviderConfig`` and ``/Schemas``, and a default, which is
always the safe one. :func:`resolve` puts the layers together; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, get_type_hints

import msgspec

from reconciler.attributes import fold


class Paging(StrEnum):
    """How a listing is walked."""

    INDEX = "index"
    """``startIndex`` and ``count`` (RFC 7644 §3.4.2.4)."""
    CURSOR = "cursor"
    """``cursor`` and ``count`` (RFC 9865)."""
    NONE = "none"
    """One answer holds everything; no paging parameter is sent."""
    FILTER_ONLY = "filter-only"
    """There is no listing: a resource can only be asked for by a filter that names it."""


class MembersRead(StrEnum):
    """How the members of groups are read."""

    LISTING = "listing"
    """A listing of groups holds the members of each."""
    GROUP = "group"
    """Only ``GET /Groups/{id}`` holds them: groups are listed without, and then read one by one."""
    USER_GROUPS = "user-groups"
    """Groups never tell; every user's ``groups`` does."""
    USERS_BY_GROUP = "users-by-group"
    """Who is in a group is asked of ``/Users`` by the filter ``groups.value eq "ID"`` (AWS)."""
    PROBE = "probe"
    """Only asked one by one: ``GET /Groups?filter=id eq "G" and members eq "U"`` (AWS)."""
    NONE = "none"
    """Not at all: membership is unknown, which is never taken for empty."""


class MemberRemove(StrEnum):
    """How one member is removed from a group."""

    PATH_FILTER = "path-filter"
    """``{"op": "remove", "path": "members[value eq \\"ID\\"]"}`` (RFC 7644 §3.5.2.2)."""
    VALUE_ARRAY = "value-array"
    """``{"op": "remove", "path": "members", "value": [{"value": "ID"}]}``, as Entra sends it."""
    NESTED_VALUE = "nested-value"
    """``{"op": "remove", "path": "members", "value": {"members": [{"value": "ID"}]}}`` (Salesforce)."""
    PUT = "put"
    """The whole group is written again without the member."""


class MemberAdd(StrEnum):
    """How members are added to a group."""

    VALUE_ARRAY = "value-array"
    """``{"op": "add", "path": "members", "value": [{"value": "ID"}]}`` (RFC 7644 §3.5.2.1)."""
    NESTED_VALUE = "nested-value"
    """``{"op": "add", "path": "members", "value": {"members": [{"value": "ID"}]}}`` (Salesforce)."""
    PUT = "put"
    """The whole group is written again with the member."""


class UserDelete(StrEnum):
    """What ``DELETE /Users/{id}`` really does."""

    HARD = "hard"
    """The user is gone, and can be created again."""
    SOFT = "soft"
    """The user is deactivated, and stays in the directory or comes back as the same one."""
    UNLINK = "unlink"
    """The SCIM record goes and the account is deactivated; a new record gets a new id (Atlassian)."""
    IRREVERSIBLE = "irreversible"
    """The account is gone for good: the same person cannot be provisioned again (GitHub EMU)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A pace that the service provider asks for.

    Attributes:
        requests: how many requests.
        seconds: in how many seconds.
        burst: how many may go at once before the pace holds; ``requests`` unless stated.
        methods: the HTTP methods that share it; empty is all.
        endpoints: the endpoints that share it, ``Users``, ``Groups``; empty is all.
    """

    requests: int
    seconds: float
    burst: int | None = None
    methods: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """What holds of an attribute in spite of ``/Schemas``. A field that is ``None`` leaves the schema as it is.

    Attributes:
        path: kind and SCIM path: ``User.userName``, ``User.emails.value``, ``Group.displayName``.
        case_exact: whether letter case counts (RFC 7643 §7, caseExact).
        mutability: ``readOnly``, ``readWrite``, ``immutable`` or ``writeOnly``.
        returned: ``always``, ``never``, ``default`` or ``request``.
    """

    path: str
    case_exact: bool | None = None
    mutability: str | None = None
    returned: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a service provider can do.

    Attributes:
        paging: how listings are walked.
        page_size: users asked for per page of a listing.
        group_page_size: groups asked for per page of a listing. Groups may come with all their members.
        groups: whether there is ``/Groups`` at all.
        user_filters: attributes of users that a filter may name; ``None`` is any, empty is no filter at all.
        group_filters: likewise of groups.
        filter_operators: what a filter may be made of, ``and`` and ``or`` included; ``None`` is all of RFC 7644.
        patch_users: whether ``PATCH /Users/{id}`` works; PUT is used where it does not.
        patch_groups: whether ``PATCH /Groups/{id}`` works.
        put_users: whether ``PUT /Users/{id}`` works.
        put_groups: whether ``PUT /Groups/{id}`` works.
        max_members_per_patch: membership edges in one request, at most.
        max_operations_per_patch: operations in one PATCH. By a path filter, each removed member is an operation.
        max_body_bytes: bytes of a request's body, at most.
        member_add: how members are added.
        member_remove: how a member is removed.
        members_read: how the members of groups are read.
        exclude_members: whether ``excludedAttributes=members`` leaves them out of answers.
        group_rename: whether a group's ``displayName`` can change. Where not, a rename is planned as a replacement.
        nested_groups: whether a group can be a member of a group. Where not, nesting is flattened.
        user_delete: what DELETE of a user does.
        deactivation_mutates: attributes of a user that the server itself rewrites when the user is deactivated.
        email_domain_unlinks: whether a primary e-mail that leaves the verified domains costs the user the account that
            the record stands for, and all memberships with it.
        unique_keys: attributes that no two resources may share, as ``User.userName``, ``Group.displayName``.
        attributes: what holds of attributes in spite of ``/Schemas``.
        reserved_groups: patterns (``*`` and ``?``, case folded) of groups that the server keeps itself: never touched.
        etag: whether resources have versions and ``If-Match`` is honoured (RFC 7644 §3.14).
        bulk_operations: operations in one ``POST /Bulk``, at most (RFC 7644 §3.7); 0 is no bulk.
        bulk_bytes: bytes of its body, at most.
        throttle_statuses: statuses that say that nothing was done, and that it may be done later.
        throttle_markers: texts in the body of a 5xx answer that say the same.
        rates: the paces that the service provider asks for.
        max_concurrency: requests that it wants in flight at once, at most; ``None`` is not stated.
        max_users: users that it holds, at most; ``None`` is not stated.
        max_groups: groups that it holds, at most; likewise.
        max_group_members: members of one group, at most; likewise.
        max_memberships: memberships of all groups together, at most; likewise.
    """

    paging: Paging = Paging.INDEX
    page_size: int = 100
    group_page_size: int = 100
    groups: bool = True
    user_filters: tuple[str, ...] | None = None
    group_filters: tuple[str, ...] | None = None
    filter_operators: tuple[str, ...] | None = None
    patch_users: bool = True
    patch_groups: bool = True
    put_users: bool = True
    put_groups: bool = True
    max_members_per_patch: int = 1000
    max_operations_per_patch: int = 100
    max_body_bytes: int = 1_000_000
    member_add: MemberAdd = MemberAdd.VALUE_ARRAY
    member_remove: MemberRemove = MemberRemove.PATH_FILTER
    members_read: MembersRead = MembersRead.LISTING
    exclude_members: bool = False
    group_rename: bool = True
    nested_groups: bool = False
    user_delete: UserDelete = UserDelete.HARD
    deactivation_mutates: tuple[str, ...] = ()
    email_domain_unlinks: bool = False
    unique_keys: tuple[str, ...] = ("User.userName",)
    attributes: tuple[AttributeRule, ...] = ()
    reserved_groups: tuple[str, ...] = ()
    etag: bool = False
    bulk_operations: int = 0
    bulk_bytes: int = 1_000_000
    throttle_statuses: tuple[int, ...] = (429, 503)
    throttle_markers: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()
    max_concurrency: int | None = None
    max_users: int | None = None
    max_groups: int | None = None
    max_group_members: int | None = None
    max_memberships: int | None = None

    @property
    def groups_hold_members(self) -> bool:
        """Whether ``GET /Groups/{id}`` tells who is in the group."""
        return self.members_read in (MembersRead.LISTING, MembersRead.GROUP)

    def reserves(self, display_name: str) -> bool:
        """Tell whether a group of this name is kept by the server itself."""
        name = fold(display_name)
        # A bracket is a letter of a name and begins no set of letters.
        return any(fnmatchcase(name, fold(pattern).replace("[", "[[]")) for pattern in self.reserved_groups)

    def rewrites(self, path: str) -> bool:
        """Tell whether deactivating a user rewrites the attribute at a path: ``emails.value`` where ``emails`` is."""
        rewritten = {fold(name.removeprefix("User.")) for name in self.deactivation_mutates}
        return not rewritten.isdisjoint((fold(path), fold(path).partition(".")[0]))

    def unique(self, kind: str, attribute: str) -> bool:
        """Tell whether the server refuses a second ``kind`` with the same value of an attribute."""
        return fold(f"{kind}.{attribute}") in map(fold, self.unique_keys)

    def filters(self, kind: str, attribute: str) -> bool:
        """Tell whether resources of a ``kind`` can be asked for by ``attribute eq "…"``."""
        if self.filter_operators is not None and "eq" not in self.filter_operators:
            return False
        attributes = self.user_filters if kind == "User" else self.group_filters
        return attributes is None or fold(attribute) in map(fold, attributes)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form that plans carry."""
        values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return dict(sorted(values.items()))


class Authority(StrEnum):
    """Who says what a service provider can do, the most authoritative first."""

    OVERRIDE = "override"
    """``directory.yaml``."""
    DIALECT = "dialect"
    SERVER = "server"
    """``/ServiceProviderConfig``, ``/Schemas`` or ``/ResourceTypes``."""
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One capability's value, and who says so.

    Attributes:
        value: as the field of :class:`Capabilities` has it.
        authority: who says so.
        source: where: ``directory.yaml:7``, the page that documents it, ``/ServiceProviderConfig patch.supported``.
    """

    value: Any
    authority: Authority
    source: str = ""


def capability_names() -> tuple[str, ...]:
    """Return the names of all capabilities, in the order in which they are told."""
    return tuple(one.name for one in fields(Capabilities))


@cache
def _types() -> dict[str, Any]:
    return get_type_hints(Capabilities)


def read_value(name: str, value: Any) -> Any:
    """Return the value of a capability from its JSON form.

    Raises:
        ValueError: there is no such capability, or it cannot have this value.
    """
    if name not in _types():
        raise ValueError(f"there is no capability {name!r}")
    # msgspec's own error is a ValueError, and names the place inside the value.
    return msgspec.convert(value, _types()[name])


def resolve(*layers: Mapping[str, Statement]) -> tuple[Capabilities, dict[str, Statement]]:
    """Return what holds, and where each value of it comes from. An earlier layer outranks a later one."""
    default = Capabilities()
    known: dict[str, Statement] = {}
    for name in capability_names():
        stated = (layer[name] for layer in layers if name in layer)
        known[name] = next(stated, Statement(value=getattr(default, name), authority=Authority.DEFAULT))
    return Capabilities(**{name: statement.value for name, statement in known.items()}), known

"""The words in which the rules of a dialect are written down: :class:`Behaviour` and the choices it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from reconciler.attributes import Schemas, fold
from reconciler.model import Kind

PRIMARY_EMAIL = "primary e-mail"
"""Stands for the value of the primary e-mail where the names of attributes are listed."""


class Listing(StrEnum):
    """What ``GET`` on all resources of a kind answers where no filter is stated. With one, pages are answered."""

    PAGES = "pages"
    """Page by page."""
    WHOLE = "whole"
    """Everything at once, whatever ``startIndex`` and ``count`` say. So is the answer to a filter."""
    REFUSED = "refused"
    """400: there is no listing."""
    FIRST = "first"
    """One resource, and ``totalResults`` 1, as if there were no others."""
    MADE_UP = "made-up"
    """One resource that does not exist."""


class UnknownFilter(StrEnum):
    """What happens to a filter that the dialect does not answer."""

    REFUSED = "refused"
    """400 ``invalidFilter``."""
    NOTHING = "nothing"
    """200 with no results."""
    EVERYTHING = "everything"
    """200 with all resources: the filter is ignored."""


class MembersShown(StrEnum):
    """Where a group tells its members."""

    ALWAYS = "always"
    READ = "read"
    """In answers that hold the one group; not in listings."""
    EMPTY = "empty"
    """Nowhere: ``members`` is always there, and always ``[]``."""
    NEVER = "never"
    """Nowhere: there is no ``members``."""


class MemberForm(StrEnum):
    """How an operation of a PATCH names the members that it adds or removes."""

    PATH_FILTER = "path-filter"
    """``{"op": "remove", "path": "members[value eq \\"ID\\"]"}`` (RFC 7644 §3.5.2.2)."""
    VALUE_ARRAY = "value-array"
    """``{"path": "members", "value": [{"value": "ID"}]}``: RFC 7644's form of add, and Entra's of remove."""
    NESTED_VALUE = "nested-value"
    """``{"path": "members", "value": {"members": [{"value": "ID"}]}}`` (Salesforce)."""
    ALL = "all"
    """``{"op": "remove", "path": "members"}``: every member (RFC 7644 §3.5.2.2)."""


class UnknownRemoval(StrEnum):
    """What a removal of members does in a form that the dialect does not know. All of it was seen on real servers."""

    REFUSED = "refused"
    """400 ``invalidSyntax``."""
    NOT_IMPLEMENTED = "not-implemented"
    """501."""
    IGNORED = "ignored"
    """Answered as done; nobody was removed."""
    EMPTIES = "empties"
    """Answered as done; everybody was removed."""


class MembersReplaced(StrEnum):
    """What ``{"op": "replace", "path": "members", "value": […]}`` does."""

    REPLACED = "replaced"
    """What RFC 7644 §3.5.2.3 says."""
    REFUSED = "refused"
    """400."""
    MERGED = "merged"
    """The members named are added, and those before stay."""
    IGNORED = "ignored"


class MembersPut(StrEnum):
    """What PUT of a group does to its members."""

    REPLACED = "replaced"
    """Those named are the members afterwards; none named, none left (RFC 7644 §3.5.1)."""
    KEPT_UNLESS_STATED = "kept-unless-stated"
    """Those named are the members afterwards; none named, all stay. ``[]`` names none (RFC 7643 §2.5)."""
    IGNORED = "ignored"
    """200, and the members are who they were."""
    REFUSED = "refused"
    """501 where ``members`` is stated; where not, they stay."""


class UserDelete(StrEnum):
    """What ``DELETE`` of a user does."""

    HARD = "hard"
    """The user is gone, and can be created again."""
    SOFT = "soft"
    """The user is deactivated, and still listed."""
    UNLINK = "unlink"
    """The record is gone and the account behind it is deactivated; a new record is linked to the same account."""
    IRREVERSIBLE = "irreversible"
    """The user is gone, and nobody with the same unique values can be created again: 409."""


class Conflict(StrEnum):
    """How the clash of a unique value is answered. The status is 409 in each case."""

    FULL = "full"
    """With ``scimType`` ``uniqueness`` (RFC 7644 §3.12)."""
    UNTYPED = "untyped"
    """Without ``scimType``."""
    BODILESS = "bodiless"
    """Without a body."""


_DISCOVERY = ("ServiceProviderConfig", "ResourceTypes", "Schemas")


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """The rules of one dialect. The defaults are RFC 7643 and RFC 7644; :func:`dataclasses.replace` switches one.

    Where attributes of users and groups are listed, they are named by their SCIM path, as ``emails.value``.

    Attributes:
        name: the dialect.
        base_path: where the SCIM endpoints begin.
        schema_documents: what ``/Schemas`` serves.
        discovery: the discovery endpoints that there are (RFC 7644 §4).
        groups: whether there is ``/Groups``.
        absent: requests on one resource that there are none of: method and kind, as ``("PUT", Kind.GROUP)``.
        absent_status: the status that they are answered with.
        user_agent_required: whether a request without ``User-Agent`` is refused with 403.
        max_body_bytes: bytes of a request's body, at most; more is 413.
        versions: whether resources have a ``meta.version`` and ``If-Match`` is honoured.

        listing: what a listing without a filter answers.
        page_limit: resources in a page of a listing, at most.
        page_default: likewise where no ``count`` is stated; ``None`` is the limit.
        index_paging: whether ``startIndex`` leads to other pages. Where not, all paging is by cursor.
        cursor_limit: resources in a page by cursor (RFC 9865), at most and by default; 0 is no such paging.
        cursor_totals: whether pages by cursor tell ``totalResults``.
        cursor_seconds: how long a cursor lives.
        cursor_count_checked: whether a ``count`` beyond the limit is refused as ``invalidCount``, by cursor.
        filters: per kind, the attributes that a filter may compare, each entry the names that one filter may combine:
            ``"userName"``, ``"id members"``. ``None`` allows every filter of RFC 7644.
        filter_operators: the operators that a filter may have, ``and``, ``or`` and ``not`` included; ``None`` is all.
        unknown_filter: what happens to other filters.
        projections: the kinds of which answers honour ``attributes`` and ``excludedAttributes``.

        members_shown: where a group tells its members.
        user_groups: whether users have the read-only ``groups``.
        member_additions: the forms in which members can be added by PATCH.
        member_removals: the forms in which members can be removed by PATCH.
        unknown_removal: what other forms of removal do. Other forms of adding are refused with 400.
        members_replaced: what a replacement of all members by PATCH does.
        members_put: what PUT does to the members.
        max_members: members named in one request, at most.
        max_members_status: the status of more.
        max_group_members: members of a group, at most; more is 400.
        unknown_member_status: the status of a PATCH that names a member who does not exist.
        present_member_status: the status of a PATCH that adds who is a member already; ``None`` is success.
        nested_groups: whether a group can be a member of a group.
        group_patch_returns_group: whether PATCH of a group answers 200 with all of the group, or 204.
        user_patch_returns_user: likewise of a user.

        group_rename: whether a group's ``displayName`` can change.
        user_rename: whether a user's ``userName`` can change.
        primary_email_required: whether a user needs exactly one primary e-mail.
        required: attributes that a user needs beside those that the schema requires.
        single_valued: attributes of a user that may have one value at most, although the schema says otherwise.
        unremovable: attributes of a user of which PATCH refuses the removal.
        patchable: per kind, the only attributes that PATCH may touch; a kind that is missing has no such limit.
        pathless_limit: attributes that one operation without a path may write, at most; ``None`` is any number.
        exact_paths: whether a PATCH path must be spelled as in the schema.
        boolean_strings_read: whether ``"True"`` is understood where a boolean is due.
        boolean_strings_sent: whether ``"True"`` is answered where a boolean is due.

        unique: per kind, the attributes of which no two resources may have the same value.
        conflict: how a clash is answered.
        conflict_detail: its detail; ``None`` names the attribute and its value.
        errors_have_schema: whether errors carry ``schema`` beside ``schemas``.
        reserved_names: patterns (:mod:`fnmatch`, case folded) of groups that cannot be created.
        group_of_all: the name of the group that the server itself keeps and that every user is in.

        mirrored: attributes that exist at the top level and in the enterprise extension, and are always equal.
        account_ids: whether users have the read-only ``atlassianAccountId``.
        lower_cased: attributes of which the server stores the value in lower case.
        dropped: attributes that the server accepts, lists in ``/Schemas``, and does not store.
        truncated: per attribute, the number of characters that are stored.
        name_follows_display_name: whether a new ``displayName`` overwrites ``name``, and a new ``name`` the former.
        deactivation_rewrites: attributes that hold something made up as long as a user is inactive.
        user_delete: what DELETE of a user does.

        bulk_operations: operations in one ``POST /Bulk``, at most (RFC 7644 §3.7); 0 is no such endpoint.
        bulk_bytes: bytes of its body, at most.
    """

    name: str
    base_path: str
    schema_documents: tuple[Mapping[str, Any], ...]
    discovery: tuple[str, ...] = _DISCOVERY
    groups: bool = True
    absent: frozenset[tuple[str, Kind]] = frozenset()
    absent_status: int = 501
    user_agent_required: bool = False
    max_body_bytes: int = 16 * 1024 * 1024
    versions: bool = True

    listing: Listing = Listing.PAGES
    page_limit: int
    page_default: int | None = None
    index_paging: bool = True
    cursor_limit: int = 0
    cursor_totals: bool = True
    cursor_seconds: float = 3600
    cursor_count_checked: bool = False
    filters: Mapping[Kind, tuple[str, ...]] | None = None
    filter_operators: tuple[str, ...] | None = None
    unknown_filter: UnknownFilter = UnknownFilter.REFUSED
    projections: frozenset[Kind] = frozenset(Kind)

    members_shown: MembersShown = MembersShown.ALWAYS
    user_groups: bool = True
    member_additions: frozenset[MemberForm] = frozenset({MemberForm.VALUE_ARRAY})
    member_removals: frozenset[MemberForm] = frozenset({MemberForm.PATH_FILTER, MemberForm.ALL})
    unknown_removal: UnknownRemoval = UnknownRemoval.REFUSED
    members_replaced: MembersReplaced = MembersReplaced.REPLACED
    members_put: MembersPut = MembersPut.REPLACED
    max_members: int | None = None
    max_members_status: int = 400
    max_group_members: int | None = None
    unknown_member_status: int = 400
    present_member_status: int | None = None
    nested_groups: bool = True
    group_patch_returns_group: bool = False
    user_patch_returns_user: bool = True

    group_rename: bool = True
    user_rename: bool = True
    primary_email_required: bool = False
    required: tuple[str, ...] = ()
    single_valued: tuple[str, ...] = ()
    unremovable: tuple[str, ...] = ()
    patchable: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    pathless_limit: int | None = None
    exact_paths: bool = False
    boolean_strings_read: bool = False
    boolean_strings_sent: bool = False

    unique: Mapping[Kind, tuple[str, ...]] = field(default_factory=lambda: {Kind.USER: ("userName",), Kind.GROUP: ()})
    conflict: Conflict = Conflict.FULL
    conflict_detail: str | None = None
    errors_have_schema: bool = False
    reserved_names: tuple[str, ...] = ()
    group_of_all: str | None = None

    mirrored: tuple[str, ...] = ()
    account_ids: bool = False
    lower_cased: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    truncated: Mapping[str, int] = field(default_factory=dict)
    name_follows_display_name: bool = False
    deactivation_rewrites: tuple[str, ...] = ()
    user_delete: UserDelete = UserDelete.HARD

    bulk_operations: int = 0
    bulk_bytes: int = 1024 * 1024

    @cached_property
    def schemas(self) -> Schemas:
        """The attribute definitions of ``schema_documents``."""
        return Schemas.parse(self.schema_documents)

    @cached_property
    def filter_combinations(self) -> Mapping[Kind, frozenset[frozenset[str]]] | None:
        """``filters`` as sets of folded names."""
        if self.filters is None:
            return None
        return {
            kind: frozenset(frozenset(fold(name) for name in entry.split()) for entry in entries)
            for kind, entries in self.filters.items()
        }

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of resources that there are."""
        return tuple(Kind) if self.groups else (Kind.USER,)

    def reserves(self, display_name: str) -> bool:
        """Tell whether a group of this name cannot be created."""
        return any(fnmatchcase(fold(display_name), pattern) for pattern in self.reserved_names)

    def has(self, method: str, kind: Kind) -> bool:
        """Tell whether there is a method on one resource of a kind."""
        return (method, kind) not in self.absent

    def patch_returns(self, kind: Kind) -> bool:
        """Tell whether PATCH of a kind answers 200 with the resource, or 204."""
        return self.user_patch_returns_user if kind is Kind.USER else self.group_patch_returns_group

"""What one dialect of the embedded directory does differently from another, as data.

Sources: A1 is Atlassian's published OpenAPI document of the user provisioning API; "KB" are Atlassian's
knowledge-base articles. Where neither says anything, the comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, Schemas, fold, rfc7643_documents
from reconciler.model import Kind
from reconciler.sandbox.errors import SandboxError

ATLASSIAN_EXTERNAL = "urn:scim:schemas:extension:atlassian-external:1.0"
PRIMARY_EMAIL = "primary e-mail"
"""Stands for the value of the primary e-mail where the names of attributes are listed."""

_DIRECTORY_ID = str(uuid5(NAMESPACE_URL, "reconciler:sandbox:directory"))


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """The rules of one dialect.

    Attributes:
        name: the dialect.
        base_path: where the SCIM endpoints begin.
        schema_documents: what ``/Schemas`` serves.
        page_limit: resources in a page of a listing, at most and by default.
        equality_filters: per kind, the attributes that a filter may compare with one ``eq``; ``None`` allows every
            filter of RFC 7644.
        unique: per kind, the attributes of which no two resources may have the same value.
        group_rename: whether a group's ``displayName`` can change.
        nested_groups: whether a group can be a member of a group.
        primary_email_required: whether a user needs exactly one primary e-mail.
        group_patch_returns_group: whether PATCH of a group answers 200 with all of the group, or 204.
        unknown_member_status: the status of a PATCH that names a member who does not exist.
        reserved_names: patterns (:mod:`fnmatch`, case folded) of groups that cannot be created.
        group_of_all: the name of the group that the server itself keeps and that every user is in.
        mirrored: attributes that exist at the top level and in the enterprise extension, and are always equal.
        account_ids: whether users have the read-only ``atlassianAccountId``.
        versions: whether resources have a ``meta.version`` and ``If-Match`` is honoured.
        max_body_bytes: bytes of a request's body, at most.
    """

    name: str
    base_path: str
    schema_documents: tuple[Mapping[str, Any], ...]
    page_limit: int
    equality_filters: Mapping[Kind, tuple[str, ...]] | None = None
    unique: Mapping[Kind, tuple[str, ...]] = field(default_factory=lambda: {Kind.USER: ("userName",), Kind.GROUP: ()})
    group_rename: bool = True
    nested_groups: bool = True
    primary_email_required: bool = False
    group_patch_returns_group: bool = False
    unknown_member_status: int = 400
    reserved_names: tuple[str, ...] = ()
    group_of_all: str | None = None
    mirrored: tuple[str, ...] = ()
    account_ids: bool = False
    versions: bool = True
    max_body_bytes: int = 16 * 1024 * 1024

    @cached_property
    def schemas(self) -> Schemas:
        """The attribute definitions of ``schema_documents``."""
        return Schemas.parse(self.schema_documents)

    def reserves(self, display_name: str) -> bool:
        """Tell whether a group of this name cannot be created."""
        return any(fnmatchcase(fold(display_name), pattern) for pattern in self.reserved_names)


def behaviour(dialect: str) -> Behaviour:
    """Return the rules of a dialect.

    Raises:
        SandboxError: there is no such dialect.
    """
    builders = {"generic": _generic, "atlassian": _atlassian}
    if dialect not in builders:
        raise SandboxError(f"there is no dialect {dialect!r}; the sandbox knows: {', '.join(sorted(builders))}")
    return builders[dialect]()


@cache
def _generic() -> Behaviour:
    """RFC 7643 and RFC 7644 as written. RFC 7644 leaves the answer to PATCH open: users get 200, groups 204."""
    return Behaviour(
        name="generic",
        base_path="/scim/v2",
        schema_documents=tuple(rfc7643_documents().values()),
        page_limit=200,
    )


@cache
def _atlassian() -> Behaviour:
    return Behaviour(
        name="atlassian",
        # A1: no /scim/v2 prefix.
        base_path=f"/scim/directory/{_DIRECTORY_ID}",
        schema_documents=_atlassian_documents(),
        # KB "How to fetch all users via the user provisioning SCIM API": 100, and asking for more does not raise it.
        # A1 says nothing of groups; the same limit is assumed.
        page_limit=100,
        # A1, parameter "filter" of the two listings: one exact eq, nothing else.
        equality_filters={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName",)},
        # KB "Failed to update when attempting to provision a user" names all three keys of users;
        # the conflict of group names is quoted in an Okta article on group push to existing Atlassian groups.
        unique={Kind.USER: ("userName", PRIMARY_EMAIL, "externalId"), Kind.GROUP: ("displayName",)},
        # A1: displayName is "immutable, required, and read-only"; rename by replacement.
        group_rename=False,
        # Documentation on group sizes in the enterprise guides: nested groups are not supported.
        nested_groups=False,
        # A1, emails: "This field is required … One value must be marked as primary."
        primary_email_required=True,
        # A1, PATCH /Groups/{id}: 200 with the group and all its members.
        group_patch_returns_group=True,
        # A1, PATCH /Groups/{id}: 404 when the "directory, group, or user does not exist". PUT says 400.
        unknown_member_status=404,
        # Documentation of default access groups: they cannot be synced. The other products' groups follow the example.
        reserved_names=("jira-*-users", "confluence-users", "jira-users", "site-admins"),
        # The name as the administration shows it; that it takes no changes is what its page advises to rely on.
        group_of_all=f"All members for directory - {_DIRECTORY_ID}",
        # A1: both attributes exist at the top level and in the enterprise extension.
        mirrored=("department", "organization"),
        # A1: the read-only extension with the account that the record is linked to.
        account_ids=True,
        # A1: meta has no version, and no If-Match is documented.
        versions=False,
    )


def _atlassian_documents() -> tuple[Mapping[str, Any], ...]:
    """The attributes that A1 lists for ScimUser and ScimGroup, in the form of RFC 7643 §7."""
    rfc = rfc7643_documents()
    kept = ("userName", "name", "displayName", "nickName", "title", "preferredLanguage", "timezone", "active", "groups")
    attributes = _select(rfc[CORE_USER], kept)
    for name in ("emails", "phoneNumbers"):
        (attribute,) = _select(rfc[CORE_USER], (name,))
        subs = [sub for sub in attribute["subAttributes"] if sub["name"] in ("value", "type", "primary")]
        attributes.append(attribute | {"subAttributes": subs, "required": name == "emails"})
    enterprise = _select(rfc[ENTERPRISE_USER], ("organization", "department"))
    attributes += enterprise
    account_id = {
        "name": "atlassianAccountId",
        "type": "string",
        "multiValued": False,
        "description": "The account that the record is linked to.",
        "required": False,
        "caseExact": True,
        "mutability": "readOnly",
        "returned": "default",
        "uniqueness": "none",
    }
    external = {
        "id": ATLASSIAN_EXTERNAL,
        "name": "Atlassian external",
        "description": "What Atlassian adds to a user",
        "attributes": [account_id],
    }
    return (
        rfc[CORE_USER] | {"attributes": attributes},
        rfc[CORE_GROUP],
        rfc[ENTERPRISE_USER] | {"attributes": enterprise},
        {key: value for key, value in rfc[CORE_USER].items() if key not in external} | external,
    )


def _select(document: Mapping[str, Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [attribute for attribute in document["attributes"] if attribute["name"] in names]

"""Atlassian's user provisioning API.

A1 is Atlassian's published OpenAPI document of it; "KB" are Atlassian's knowledge-base articles. Where neither says
anything, the comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, rfc7643_documents
from reconciler.model import Kind
from reconciler.sandbox.behaviour.definition import PRIMARY_EMAIL, Behaviour, UserDelete

ATLASSIAN_EXTERNAL = "urn:scim:schemas:extension:atlassian-external:1.0"

_DIRECTORY_ID = str(uuid5(NAMESPACE_URL, "reconciler:sandbox:directory"))


@cache
def atlassian() -> Behaviour:
    """Return the rules that A1 and the knowledge base state.

    KB "Email address change via user provisioning" adds that displayName and name overwrite each other, without saying
    in which of the many ways names are split; ``name_follows_display_name`` switches that on.
    """
    return Behaviour(
        name="atlassian",
        # A1: no /scim/v2 prefix.
        base_path=f"/scim/directory/{_DIRECTORY_ID}",
        schema_documents=_atlassian_documents(),
        # KB "How to fetch all users via the user provisioning SCIM API": 100, and asking for more does not raise it.
        # A1 says nothing of groups; the same limit is assumed.
        page_limit=100,
        # A1, parameter "filter" of the two listings: one exact eq, nothing else.
        filters={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName",)},
        filter_operators=("eq",),
        # A1: /Users takes attributes and excludedAttributes, /Groups takes neither. That they are ignored is assumed.
        projections=frozenset({Kind.USER}),
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
        # Newer wording of A1: the user is unlinked and deactivated, the SCIM record is deleted.
        user_delete=UserDelete.UNLINK,
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

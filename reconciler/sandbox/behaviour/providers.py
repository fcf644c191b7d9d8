"""Service providers other than Atlassian, each as its documentation and its users describe it.

Attributes, paging and answers that a provider's documentation does not mention are RFC 7643's and RFC 7644's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from reconciler.attributes import CORE_USER, rfc7643_documents
from reconciler.model import Kind
from reconciler.sandbox.behaviour.definition import (
    PRIMARY_EMAIL,
    Behaviour,
    Conflict,
    Listing,
    MemberForm,
    MembersPut,
    MembersReplaced,
    MembersShown,
    UnknownFilter,
    UserDelete,
)


def _rfc7643() -> tuple[Mapping[str, Any], ...]:
    return tuple(rfc7643_documents().values())


@cache
def aws_identity_center() -> Behaviour:
    """AWS IAM Identity Center: https://docs.aws.amazon.com/singlesignon/latest/developerguide/what-is-scim.html."""
    return Behaviour(
        name="aws-identity-center",
        base_path="/acme/scim/v2",
        schema_documents=_without(_rfc7643(), CORE_USER, "password", "ims", "photos", "entitlements", "groups"),
        # ListUsers, ListGroups: 50 by index; with the parameter cursor 1 to 100, and then neither totalResults nor
        # startIndex. That a count beyond the range is refused follows the word "valid range".
        page_limit=50,
        cursor_limit=100,
        cursor_totals=False,
        cursor_count_checked=True,
        # Limitations: eq and and only. ListGroups and ListUsers name the combinations.
        filters={
            Kind.USER: ("userName", "externalId", "id", "groups.value", "manager", "id manager"),
            Kind.GROUP: ("displayName", "externalId", "id", "id members"),
        },
        filter_operators=("eq", "and"),
        # ListGroups, GetGroup: "return an empty member list".
        members_shown=MembersShown.EMPTY,
        # Limitations: the attribute groups of users is not supported.
        user_groups=False,
        # PatchGroup: "If you attempt to replace or remove all group memberships as part of a single request the result
        # will be a ValidationException". Clients in use send the removal with a value, too (idp-scim-sync).
        member_removals=frozenset({MemberForm.PATH_FILTER, MemberForm.VALUE_ARRAY}),
        members_replaced=MembersReplaced.REFUSED,
        # PatchGroup, CreateGroup: "A maximum of 100 membership changes are allowed in a single request."
        max_members=100,
        # PatchGroup allows these attributes in the request, and only these.
        patchable={Kind.GROUP: ("displayName", "members", "externalId")},
        # PatchGroup, PatchUser: a path may be missing only where one attribute is added or replaced.
        pathless_limit=1,
        # PatchUser does not support the removal of either.
        unremovable=("userName", "active"),
        # Supported operations: there is no PutGroup. The status is assumed: there is no such method.
        absent=frozenset({("PUT", Kind.GROUP)}),
        absent_status=405,
        # CreateUser: these are required beside userName.
        required=("name.givenName", "name.familyName", "displayName"),
        # Limitations: one value each.
        single_valued=("emails", "phoneNumbers", "addresses"),
        # Limitations: the sub-attribute display is not supported. That it is dropped is assumed.
        dropped=("emails.display", "phoneNumbers.display"),
        # CreateUser and CreateGroup answer 409 for these; that of group names is reported by clients (idp-scim-sync).
        unique={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName",)},
        conflict=Conflict.UNTYPED,
        # As reported by idp-scim-sync, issues 45 and 57.
        conflict_detail="Refused to create a new, duplicate resource.",
        errors_have_schema=True,
        nested_groups=False,
        # Limitations: the sub-attribute version of meta is not supported.
        versions=False,
    )


@cache
def github_emu() -> Behaviour:
    """GitHub Enterprise Managed Users: https://docs.github.com/en/enterprise-cloud@latest/rest/enterprise-admin/scim."""
    return Behaviour(
        name="github-emu",
        base_path="/scim/v2/enterprises/acme",
        schema_documents=_rfc7643(),
        # startIndex and count; the limit is assumed.
        page_limit=100,
        # "You can only filter by one attribute": parameter filter of the two listings.
        filters={
            Kind.USER: ("userName", "externalId", "id", "displayName"),
            Kind.GROUP: ("externalId", "id", "displayName"),
        },
        filter_operators=("eq",),
        group_patch_returns_group=True,
        # REST: requests without a User-Agent are refused.
        user_agent_required=True,
        # Notes on PATCH: the path is case-sensitive.
        exact_paths=True,
        # Groups hold users only.
        nested_groups=False,
        # "Configuring SCIM provisioning": a deactivated account keeps its record, its name becomes a hash with the
        # enterprise's short code and its e-mail is hidden; reactivated, the name is restored.
        deactivation_rewrites=("userName", "emails"),
        # "Deprovisioning and reinstating users": a hard deprovisioned user cannot come back. That the same names are
        # refused afterwards is the strict reading.
        user_delete=UserDelete.IRREVERSIBLE,
        # 409 "Duplicate record detected". Which attributes: assumed.
        unique={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName",)},
        versions=False,
    )


@cache
def slack() -> Behaviour:
    """Slack: https://docs.slack.dev/reference/scim-api/scim-api-2."""
    return Behaviour(
        name="slack",
        base_path="/scim/v2",
        schema_documents=_rfc7643(),
        # Paging: 10 unless count says otherwise, 1,000 at most.
        page_limit=1000,
        page_default=10,
        # Filters are eq; on which attributes is assumed.
        filters={Kind.USER: ("userName", "externalId", "id", "emails.value"), Kind.GROUP: ("displayName", "id")},
        filter_operators=("eq",),
        # DELETE /Users/<id>: "Sets a Slack user to deactivated". DELETE /Groups/<id>: "Permanently removes a group".
        user_delete=UserDelete.SOFT,
        # An e-mail address belongs to one account. Of group names it is assumed.
        unique={Kind.USER: ("userName", PRIMARY_EMAIL), Kind.GROUP: ("displayName",)},
        nested_groups=False,
        versions=False,
    )


@cache
def databricks() -> Behaviour:
    """Databricks: https://docs.databricks.com/api/account/accountusers, and its Terraform provider's issues."""
    return Behaviour(
        name="databricks",
        base_path="/api/2.1/accounts/acme/scim/v2",
        schema_documents=_rfc7643(),
        # Assumed; the documentation of listings names no maximum.
        page_limit=100,
        # Issue 3299: a remove with a value is answered with 'Unrecognized field "value"'.
        member_removals=frozenset({MemberForm.PATH_FILTER, MemberForm.ALL}),
        # Issues 3096 and 5156: a deleted user may only become inactive, and creating it again clashes.
        user_delete=UserDelete.SOFT,
        # Issue 3096 quotes the conflict of users. Of group names it is assumed.
        unique={Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        # PR 2786: the name is answered in lower case.
        lower_cased=("userName",),
        versions=False,
    )


@cache
def snowflake() -> Behaviour:
    """Snowflake: https://docs.snowflake.com/en/user-guide/scim-intro, with behaviour change bundle 2026_03.

    Before the bundle, a listing without a filter was one made-up resource and an unknown filter was answered with
    nothing: ``listing`` and ``unknown_filter`` switch that on.
    """
    return Behaviour(
        name="snowflake",
        base_path="/scim/v2",
        schema_documents=_rfc7643(),
        # Assumed.
        page_limit=100,
        # Behaviour change 2276: eq and sw; others are now 400 invalidFilter. On which attributes is assumed.
        filters={Kind.USER: ("userName", "externalId", "id"), Kind.GROUP: ("displayName", "externalId", "id")},
        filter_operators=("eq", "sw"),
        # A group becomes a role, and the name of a role is unique. Nesting is not in the documentation of groups.
        unique={Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        nested_groups=False,
        versions=False,
    )


@cache
def keycloak() -> Behaviour:
    """Keycloak 26.8 with its own SCIM service.

    Sources: the filtering tutorial at phasetwo.io, and Keycloak's issue 46216. Walking by index while users go skips
    others there, as by every index.
    """
    return Behaviour(
        name="keycloak",
        base_path="/realms/acme/scim/v2",
        schema_documents=_rfc7643(),
        page_limit=100,
        # Tutorial: a filter on an attribute that is not mapped is answered with 200 and nothing. Which attributes are
        # mapped is configuration; this is the list that users of the tutorial have.
        filters={
            Kind.USER: ("userName", "emails", "emails.value", "name.givenName", "name.familyName", "active", "id"),
            Kind.GROUP: ("displayName", "id"),
        },
        unknown_filter=UnknownFilter.NOTHING,
        # Issue 46216: PUT of members is answered with 501.
        members_put=MembersPut.REFUSED,
        # Server administration guide: a realm has one user of a name, e-mail addresses are unique unless configured,
        # and so are the names of groups on one level.
        unique={Kind.USER: ("userName", PRIMARY_EMAIL), Kind.GROUP: ("displayName",)},
        # Keycloak stores names of users and e-mail addresses in lower case (server administration guide).
        lower_cased=("userName", "emails.value"),
        nested_groups=False,
        versions=False,
    )


@cache
def gitlab() -> Behaviour:
    """GitLab's SCIM for groups: https://docs.gitlab.com/development/internal_api/#group-scim-api. It has users only.

    ``listing`` can be :attr:`Listing.FIRST`, too: "it only returns a single user".
    """
    return Behaviour(
        name="gitlab",
        base_path="/api/scim/v2/groups/acme",
        schema_documents=_without(_rfc7643(), CORE_USER, "groups"),
        # No discovery endpoint is documented.
        discovery=(),
        groups=False,
        user_groups=False,
        # itemsPerPage in the documented example.
        page_limit=20,
        # "This endpoint … only returns a single user based on a unique ID". That the filter is needed is how older
        # versions of the page have it.
        listing=Listing.REFUSED,
        # Available filters: id, externalId with eq. userName is seen in the logs of identity providers.
        filters={Kind.USER: ("id", "externalId", "userName")},
        filter_operators=("eq",),
        # Update: PATCH with 204. No PUT is documented; its status is assumed.
        user_patch_returns_user=False,
        absent=frozenset({("PUT", Kind.USER)}),
        absent_status=405,
        # Remove: the user leaves the group, the account stays.
        user_delete=UserDelete.UNLINK,
        # Names and e-mail addresses of GitLab accounts are unique; externalId is the key of the record.
        unique={Kind.USER: ("userName", "externalId", PRIMARY_EMAIL)},
        versions=False,
    )


@cache
def salesforce() -> Behaviour:
    """Salesforce: https://help.salesforce.com/s/articleView?id=xcloud.identity_scim_overview.htm."""
    return Behaviour(
        name="salesforce",
        base_path="/services/scim/v2",
        schema_documents=_rfc7643(),
        # Assumed.
        page_limit=100,
        # "Examples: Manage Group Members with SCIM": members inside value, for add and remove, answered with the group.
        # That the other forms are refused is assumed.
        member_additions=frozenset({MemberForm.NESTED_VALUE}),
        member_removals=frozenset({MemberForm.NESTED_VALUE}),
        group_patch_returns_group=True,
        # "In Salesforce, you deactivate user objects rather than deleting them." That DELETE does so is assumed.
        user_delete=UserDelete.SOFT,
        # A username is unique over all of Salesforce. Of group names it is assumed.
        unique={Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        nested_groups=False,
    )


@cache
def miro() -> Behaviour:
    """Miro: https://developers.miro.com/docs/scim-api-overview and the reference of its groups."""
    return Behaviour(
        name="miro",
        base_path="/api/v1/scim",
        schema_documents=_rfc7643(),
        # Assumed.
        page_limit=100,
        # Reference of PATCH group: 413 beyond 8,000 members or 800,000 bytes.
        max_members=8000,
        max_members_status=413,
        max_body_bytes=800_000,
        # Assumed: eq, as in the examples.
        filters={Kind.USER: ("userName", "externalId", "id"), Kind.GROUP: ("displayName", "externalId", "id")},
        filter_operators=("eq",),
        group_patch_returns_group=True,
        # A user's name is the e-mail address. Of group names it is assumed.
        unique={Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        nested_groups=False,
        versions=False,
    )


@cache
def hcp_terraform() -> Behaviour:
    """HCP Terraform and Terraform Enterprise: https://developer.hashicorp.com/terraform/cloud-docs/api-docs/scim."""
    return Behaviour(
        name="hcp-terraform",
        base_path="/scim/v2/acme",
        schema_documents=_rfc7643(),
        # List SCIM groups: count is 100 unless stated, capped at 200, and 0 returns only totalResults.
        page_limit=200,
        page_default=100,
        # List SCIM groups: displayName eq (case-insensitive) and externalId eq (exact). Users: the same page.
        filters={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName", "externalId")},
        filter_operators=("eq",),
        # Limits: 5,000 members in a group.
        max_group_members=5000,
        # Create and update SCIM group: 409 where the name is taken, in any case.
        unique={Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        # Delete SCIM user: the user is suspended.
        user_delete=UserDelete.SOFT,
        nested_groups=False,
        versions=False,
    )


def _without(documents: tuple[Mapping[str, Any], ...], urn: str, *names: str) -> tuple[Mapping[str, Any], ...]:
    """Return schema documents without some attributes of one of them."""
    return tuple(
        {**one, "attributes": [attribute for attribute in one["attributes"] if attribute["name"] not in names]}
        if one["id"] == urn
        else one
        for one in documents
    )

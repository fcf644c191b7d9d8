"""The dialects that stand for no single service provider: the RFCs themselves, and servers built for one client."""

from __future__ import annotations

from functools import cache

from reconciler.attributes import rfc7643_documents
from reconciler.model import Kind
from reconciler.sandbox.behaviour.definition import Behaviour, MemberForm


@cache
def generic() -> Behaviour:
    """RFC 7643, RFC 7644 and RFC 9865 as written.

    RFC 7644 leaves the answer to PATCH open: users get 200, groups 204. The numbers are choices within the RFCs.
    """
    return Behaviour(
        name="generic",
        base_path="/scim/v2",
        schema_documents=tuple(rfc7643_documents().values()),
        page_limit=200,
        cursor_limit=200,
        bulk_operations=1000,
    )


@cache
def entra_style() -> Behaviour:
    """A server built for Microsoft Entra ID as it writes without the flag ``aadOptscim062020``.

    Sources: Entra's SCIM tutorial "Develop and plan provisioning for a SCIM endpoint" (filters, excludedAttributes) and
    its article on application provisioning compatibility (the form of PATCH with and without the flag).
    """
    return Behaviour(
        name="entra-style",
        base_path="/scim",
        schema_documents=tuple(rfc7643_documents().values()),
        # Tutorial: paging is optional, and Entra itself does not ask for a count. The limit is assumed.
        page_limit=100,
        # Tutorial: eq and and must be answered; these are the filters in its examples.
        filters={
            Kind.USER: ("userName", "externalId", "id", "id manager", "emails.value"),
            Kind.GROUP: ("displayName", "externalId", "id", "id members"),
        },
        filter_operators=("eq", "and"),
        # Compatibility: {"op": "Remove", "path": "members", "value": [{"value": …}]} without the flag. That the other
        # form is refused is assumed of a server that never met it.
        member_removals=frozenset({MemberForm.VALUE_ARRAY}),
        # Compatibility: "active": "False" without the flag.
        boolean_strings_read=True,
        # Tutorial: a group is a set of users; nested groups are neither read nor provisioned.
        nested_groups=False,
        # Tutorial: Entra matches by these, so that a server made for it keeps them unique. Assumed.
        unique={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName",)},
        versions=False,
    )


@cache
def okta_style() -> Behaviour:
    """A server built for Okta.

    Sources: Okta's SCIM 2.0 reference and its guide "Build your SCIM API service".
    """
    return Behaviour(
        name="okta-style",
        base_path="/scim/v2",
        schema_documents=tuple(rfc7643_documents().values()),
        # Reference: Okta walks by startIndex with count=100.
        page_limit=100,
        # Reference: users are looked up by userName eq, groups by displayName eq. externalId is assumed.
        filters={Kind.USER: ("userName", "externalId"), Kind.GROUP: ("displayName",)},
        filter_operators=("eq",),
        # Reference, "Update specific group membership": members[value eq "…"], and replace of all members.
        member_removals=frozenset({MemberForm.PATH_FILTER}),
        # Guide: Okta groups are flat.
        nested_groups=False,
        # Guide: a creation that clashes is to be answered with 409. Of group names it is assumed.
        unique={Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        versions=False,
    )

"""The discovery documents that the embedded directory serves (RFC 7643 §5, §6, §7; RFC 7644 §4)."""

from __future__ import annotations

from typing import Any

from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour

_CORE = "urn:ietf:params:scim:schemas:core:2.0"


def service_provider_config(behaviour: Behaviour, base_url: str) -> dict[str, Any]:
    """Return what ``/ServiceProviderConfig`` says: exactly what the dialect supports.

    One word says of PATCH that it is supported, so it is said where it works on all kinds of resources.
    """
    bulk = behaviour.bulk_operations
    document = {
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
        "patch": {"supported": all(behaviour.has("PATCH", kind) for kind in behaviour.kinds)},
        "bulk": {"supported": bulk > 0, "maxOperations": bulk, "maxPayloadSize": behaviour.bulk_bytes if bulk else 0},
        "filter": {"supported": True, "maxResults": behaviour.page_limit},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": behaviour.versions},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A token in the Authorization header (RFC 6750)",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_url}/ServiceProviderConfig"},
    }
    if behaviour.cursor_limit:
        document["pagination"] = _pagination(behaviour)
    return document


def _pagination(behaviour: Behaviour) -> dict[str, Any]:
    """Return what RFC 9865 §4 adds, so that a client knows of cursors before it lists."""
    by_index = behaviour.index_paging
    return {
        "cursor": True,
        "index": by_index,
        "defaultPaginationMethod": "index" if by_index else "cursor",
        "defaultPageSize": (behaviour.page_default or behaviour.page_limit) if by_index else behaviour.cursor_limit,
        "maxPageSize": max(behaviour.page_limit if by_index else 0, behaviour.cursor_limit),
        "cursorTimeout": int(behaviour.cursor_seconds),
    }


def resource_types(behaviour: Behaviour, base_url: str) -> dict[str, dict[str, Any]]:
    """Return the documents of ``/ResourceTypes``, by name."""
    extensions = {Kind.USER: behaviour.schemas.user.extensions, Kind.GROUP: behaviour.schemas.group.extensions}
    return {
        kind.value: {
            "schemas": [f"{_CORE}:ResourceType"],
            "id": kind.value,
            "name": kind.value,
            "endpoint": f"/{kind}s",
            "schema": kind.schema,
            "schemaExtensions": [{"schema": urn, "required": False} for urn in extensions[kind]],
            "meta": {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{kind}"},
        }
        for kind in behaviour.kinds
    }


def schemas(behaviour: Behaviour, base_url: str) -> dict[str, dict[str, Any]]:
    """Return the documents of ``/Schemas``, by URN."""
    return {
        document["id"]: {
            **document,
            "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{document['id']}"},
        }
        for document in behaviour.schema_documents
    }

"""A step as SCIM requests: the smallest PATCH, PUT where there is no PATCH. Pure.

A member is removed by ``members[value eq "<id>"]``; a bare ``remove members`` is never sent, because servers take it
for "remove everybody" (RFC 7644 §3.5.2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.attributes import Path, ResourceSchema, fold, unassigned
from reconciler.capabilities import Capabilities
from reconciler.filters import quote
from reconciler.model import Kind, LiveGroup, LiveResource
from reconciler.planning.plan import Action, Change

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request below the base URL. ``body`` is SCIM JSON; ``None`` for a deletion."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    endpoint: Literal["Users", "Groups"]
    resource_id: str | None = None
    body: Mapping[str, Any] | None = None


def endpoint(kind: Kind) -> Literal["Users", "Groups"]:
    """Return the endpoint of a kind of resource."""
    return "Users" if kind is Kind.USER else "Groups"


def creation(kind: Kind, changes: Iterable[Change]) -> Request:
    """Return the POST that makes a resource. ``schemas`` names the core schema and every extension that is used."""
    body: dict[str, Any] = {}
    for change in changes:
        _set(body, Path.parse(change.path), change.after)
    return Request(method="POST", endpoint=endpoint(kind), body={"schemas": _schemas(kind, body), **body})


def deletion(kind: Kind, resource_id: str) -> Request:
    """Return the DELETE of a resource."""
    return Request(method="DELETE", endpoint=endpoint(kind), resource_id=resource_id)


def update(
    current: LiveResource, changes: Iterable[Change], *, capabilities: Capabilities, schema: ResourceSchema
) -> Request:
    """Return the request that writes attributes of an existing resource."""
    kind = current.kind
    if capabilities.patch_users if kind is Kind.USER else capabilities.patch_groups:
        operations = [
            {"op": "remove", "path": change.path}
            if change.after is None
            else {"op": "replace", "path": change.path, "value": change.after}
            for change in changes
        ]
        return _patch(kind, current.id, operations)
    body = _writable(current, schema)
    for change in changes:
        _set(body, Path.parse(change.path), change.after)
    if isinstance(current, LiveGroup):
        body["members"] = _members(current.members or ())
    return _put(current, body)


def membership(
    current: LiveGroup,
    action: Action,
    member_ids: Iterable[str],
    *,
    capabilities: Capabilities,
    schema: ResourceSchema,
) -> Request:
    """Return the request that adds members to a group or removes them from it."""
    ids = list(member_ids)
    if capabilities.patch_groups:
        operations: list[dict[str, Any]]
        if action is Action.ADD_MEMBERS:
            operations = [{"op": "add", "path": "members", "value": _members(ids)}]
        else:
            operations = [{"op": "remove", "path": f"members[value eq {quote(member)}]"} for member in ids]
        return _patch(Kind.GROUP, current.id, operations)
    kept = dict.fromkeys(current.members or ())
    if action is Action.ADD_MEMBERS:
        kept |= dict.fromkeys(ids)
    else:
        kept = {member: None for member in kept if member not in set(ids)}
    return _put(current, {**_writable(current, schema), "members": _members(kept)})


def _patch(kind: Kind, resource_id: str, operations: list[dict[str, Any]]) -> Request:
    body = {"schemas": [PATCH_OP], "Operations": operations}
    return Request(method="PATCH", endpoint=endpoint(kind), resource_id=resource_id, body=body)


def _put(current: LiveResource, body: Mapping[str, Any]) -> Request:
    return Request(
        method="PUT",
        endpoint=endpoint(current.kind),
        resource_id=current.id,
        body={"schemas": _schemas(current.kind, body), **body},
    )


def _members(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"value": member} for member in ids]


def _schemas(kind: Kind, body: Mapping[str, Any]) -> list[str]:
    return [kind.schema, *(name for name in body if name.lower().startswith("urn:"))]


def _writable(current: LiveResource, schema: ResourceSchema) -> dict[str, Any]:
    """Return what a PUT has to repeat so that it changes nothing: everything that a client may write."""
    return deepcopy(dict(_written(current, schema)))


def _written(current: LiveResource, schema: ResourceSchema) -> Iterator[tuple[str, Any]]:
    for name, value in current.attributes.items():
        definition = schema.find(name)
        if definition is None or definition.mutability != "readOnly":
            yield name, value


def _set(body: dict[str, Any], path: Path, value: Any) -> None:
    """Put a value at a path of a resource's JSON, or take it away where the value is unassigned."""
    *outer, last = path.keys
    container = body
    for key in outer:
        name = _existing(container, key)
        if not isinstance(container.get(name), dict):
            container[name] = {}
        container = container[name]
    name = _existing(container, last)
    if unassigned(value):
        container.pop(name, None)
    else:
        container[name] = value


def _existing(container: Mapping[str, Any], key: str) -> str:
    """Return the spelling that the server used for a key, because SCIM names compare case-insensitively."""
    return next((name for name in container if fold(name) == fold(key)), key)

"""A step as SCIM requests: the smallest PATCH, PUT where there is no PATCH. Pure.

A member is removed by ``members[value eq "<id>"]``; a bare ``remove members`` is never sent, because servers take it
for "remove everybody" (RFC 7644 §3.5.2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from reconciler.attributes import Path, ResourceSchema, fold, unassigned
from reconciler.capabilities import Capabilities
from reconciler.diagnostics import ReconcilerError
from reconciler.filters import quote
from reconciler.live import endpoint_of
from reconciler.model import Kind, LiveGroup, LiveResource
from reconciler.planning.plan import Action, Change
from reconciler.scim.answers import member
from reconciler.scim.client import ScimResponse
from reconciler.scim.listing import Endpoint

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class UnsafeWriteError(ReconcilerError):
    """A write that would take away members, because a PUT replaces them all and the server does not tell who they are.

    Attributes:
        address: of the group.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(
            f"{address} was not written: the directory has no PATCH for groups and does not tell who is in them, so a "
            "PUT would remove everybody who is not named in it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request below the base URL. ``body`` is SCIM JSON; ``None`` for a deletion."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    endpoint: Endpoint
    resource_id: str | None = None
    body: Mapping[str, Any] | None = None


def creation(kind: Kind, changes: Iterable[Change]) -> Request:
    """Return the POST that makes a resource. ``schemas`` names the core schema and every extension that is used."""
    body: dict[str, Any] = {}
    for change in changes:
        _set(body, Path.parse(change.path), change.after)
    return Request(method="POST", endpoint=endpoint_of(kind), body={"schemas": _schemas(kind, body), **body})


def deletion(kind: Kind, resource_id: str) -> Request:
    """Return the DELETE of a resource."""
    return Request(method="DELETE", endpoint=endpoint_of(kind), resource_id=resource_id)


def update(
    current: LiveResource, changes: Iterable[Change], *, capabilities: Capabilities, schema: ResourceSchema
) -> Request:
    """Return the request that writes attributes of an existing resource.

    Raises:
        UnsafeWriteError: it would have to repeat members that are not known.
    """
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
        body["members"] = _members(_known_members(current))
    return _put(current, body)


def membership(
    current: LiveGroup,
    action: Action,
    member_ids: Iterable[str],
    *,
    capabilities: Capabilities,
    schema: ResourceSchema,
) -> Request:
    """Return the request that adds members to a group or removes them from it.

    Raises:
        UnsafeWriteError: it would have to repeat members that are not known.
    """
    ids = list(member_ids)
    if capabilities.patch_groups:
        operations: list[dict[str, Any]]
        if action is Action.ADD_MEMBERS:
            operations = [{"op": "add", "path": "members", "value": _members(ids)}]
        else:
            operations = [{"op": "remove", "path": f"members[value eq {quote(member_id)}]"} for member_id in ids]
        return _patch(Kind.GROUP, current.id, operations)
    kept, changed = dict.fromkeys(_known_members(current)), dict.fromkeys(ids)
    if action is Action.ADD_MEMBERS:
        kept |= changed
    else:
        kept = {member_id: None for member_id in kept if member_id not in changed}
    return _put(current, {**_writable(current, schema), "members": _members(kept)})


def created_id(answer: ScimResponse, kind: Kind) -> str | None:
    """Return the id of a new resource from the body, or from ``Location`` (RFC 7644 §3.3), or ``None``."""
    found = member(answer.body or {}, "id")
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if isinstance(found, str) and found:
        return found
    _, separator, last = (answer.location or "").rstrip("/").rpartition(f"/{endpoint_of(kind)}/")
    return unquote(last) if separator else None


def _patch(kind: Kind, resource_id: str, operations: list[dict[str, Any]]) -> Request:
    body = {"schemas": [PATCH_OP], "Operations": operations}
    return Request(method="PATCH", endpoint=endpoint_of(kind), resource_id=resource_id, body=body)


def _put(current: LiveResource, body: Mapping[str, Any]) -> Request:
    return Request(
        method="PUT",
        endpoint=endpoint_of(current.kind),
        resource_id=current.id,
        body={"schemas": _schemas(current.kind, body), **body},
    )


def _members(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"value": member_id} for member_id in ids]


def _known_members(group: LiveGroup) -> tuple[str, ...]:
    if group.members is None:
        raise UnsafeWriteError(group.address)
    return group.members


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

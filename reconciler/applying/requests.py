"""A step as SCIM requests: the smallest PATCH, PUT where there is no PATCH. Pure.

A member is removed as the service provider wants it; a ``remove members`` that names nobody is never sent, because it
means "remove everybody" (RFC 7644 §3.5.2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import unquote

import msgspec

from reconciler.applying.forms import Form, is_put
from reconciler.attributes import Path, ResourceSchema, fold, unassigned
from reconciler.capabilities import Capabilities, MemberAdd, MemberRemove
from reconciler.diagnostics import ReconcilerError
from reconciler.filters import quote
from reconciler.live import endpoint_of
from reconciler.model import Kind, LiveGroup, LiveResource
from reconciler.planning.plan import Change
from reconciler.scim.answers import member
from reconciler.scim.client import ScimResponse, resource_path
from reconciler.scim.listing import Endpoint

VERSION_REFUSED: Final = (
    "the directory refuses the very version that it shows, so a PUT could write over what it does not show yet; if it "
    "never honours versions, state etag: false in directory.yaml"
)
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class UnsafeWriteError(ReconcilerError):
    """A write that would take away members, because a PUT replaces them all and the server does not tell who they are.

    Attributes:
        address: of the group.
    """

    def __init__(self, address: str, why: str = "the directory has no PATCH for groups and does not tell") -> None:
        self.address = address
        super().__init__(
            f"{address} was not written: {why} who is in them, so a PUT would remove everybody who is not named in it"
        )


class NoVerbError(ReconcilerError):
    """A change of an existing resource for which the service provider has no method.

    Attributes:
        address: of the resource.
        kind: its kind.
    """

    def __init__(self, address: str, kind: Kind) -> None:
        self.address = address
        self.kind = kind
        super().__init__(
            f"{address} was not written: the directory takes neither PATCH nor PUT for {endpoint_of(kind)}, so nothing "
            "can be changed in it"
        )


class TooLargeError(ReconcilerError):
    """A request whose body is larger than the service provider takes, and that cannot be split.

    Attributes:
        size: bytes of the body.
        limit: bytes that the service provider takes.
    """

    def __init__(self, request: Request, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        what = f"/{request.endpoint}" + (f"/{request.resource_id}" if request.resource_id else "")
        super().__init__(
            f"{request.method} {what} was not sent: its body has {size} bytes, and the directory takes {limit} "
            "(capability max_body_bytes)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request below the base URL.

    Attributes:
        method: the HTTP method.
        endpoint: of the resource.
        resource_id: its id; ``None`` for a creation.
        body: SCIM JSON; ``None`` for a deletion.
        if_match: the version that the resource must still have (RFC 7644 §3.14).
        bulk_id: what others of the same bulk request call the resource that is to be created.
        refers_to: the ``bulk_id`` of others whose resources the body names. Only good in one bulk request with them.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    endpoint: Endpoint
    resource_id: str | None = None
    body: Mapping[str, Any] | None = None
    if_match: str | None = None
    bulk_id: str | None = None
    refers_to: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """The path below the base URL. Raises MalformedAnswer where the id of the resource cannot be one."""
        if self.method == "POST":
            return f"/{self.endpoint}"
        return resource_path(self.endpoint, self.resource_id or "")

    @property
    def size(self) -> int:
        """The length of the body in bytes."""
        return 0 if self.body is None else len(msgspec.json.encode(self.body))


def creation(kind: Kind, changes: Iterable[Change]) -> Request:
    """Return the POST that makes a resource. ``schemas`` names the core schema and every extension that is used."""
    body: dict[str, Any] = {}
    for change in changes:
        assign(body, Path.parse(change.path), change.after)
    return Request(method="POST", endpoint=endpoint_of(kind), body={"schemas": _schemas(kind, body), **body})


def deletion(kind: Kind, resource_id: str, *, version: str | None = None) -> Request:
    """Return the DELETE of a resource, on the condition that it still has that version."""
    return Request(method="DELETE", endpoint=endpoint_of(kind), resource_id=resource_id, if_match=version)


def updates(
    current: LiveResource,
    changes: Sequence[Change],
    *,
    capabilities: Capabilities,
    schema: ResourceSchema,
    version: str | None = None,
) -> list[Request]:
    """Return the requests that write attributes of an existing resource: one, unless PATCH takes fewer operations.

    Raises:
        UnsafeWriteError: it would have to repeat members that are not known.
        NoVerbError: the service provider has neither PATCH nor PUT for this kind.
    """
    kind = current.kind
    if capabilities.patch_users if kind is Kind.USER else capabilities.patch_groups:
        operations = [
            {"op": "remove", "path": change.path}
            if change.after is None
            else {"op": "replace", "path": change.path, "value": change.after}
            for change in changes
        ]
        at_once = max(1, capabilities.max_operations_per_patch)
        batches = [operations[start : start + at_once] for start in range(0, len(operations), at_once)]
        # Each write makes a new version, so the one that was read holds for the first alone.
        return [
            _patch(kind, current.id, batch, version if number == 0 else None) for number, batch in enumerate(batches)
        ]
    if not (capabilities.put_users if kind is Kind.USER else capabilities.put_groups):
        raise NoVerbError(current.address, kind)
    body = _writable(current, schema)
    for change in changes:
        assign(body, Path.parse(change.path), change.after)
    if isinstance(current, LiveGroup):
        # An empty list would also take out those whom the server does not show; left out, some servers keep them.
        body |= {"members": known} if (known := _members(_known_members(current))) else {}
    return [_put(current, body, version)]


def membership(
    current: LiveGroup, form: Form, member_ids: Iterable[str], *, schema: ResourceSchema, version: str | None = None
) -> Request:
    """Return the request that adds members to a group or removes them from it.

    Args:
        current: the group as it is.
        form: how; a :class:`MemberAdd` adds, a :class:`MemberRemove` removes.
        member_ids: at least one: without any, some forms would be a bare ``remove members``.
        schema: the attribute definitions of groups.
        version: the condition: the version that the group must still have.

    Raises:
        UnsafeWriteError: it would have to repeat members that are not known.
    """
    ids = list(dict.fromkeys(member_ids))
    if not ids:
        raise ValueError("a membership request without members would be about all of them")
    match form:
        case MemberAdd() if is_put(form):
            kept = dict.fromkeys(_known_members(current)) | dict.fromkeys(ids)
            return _put(current, {**_writable(current, schema), "members": _members(kept)}, version)
        case MemberRemove.PUT:
            gone = set(ids)
            left = [member_id for member_id in _known_members(current) if member_id not in gone]
            return _put(current, {**_writable(current, schema), "members": _members(left)}, version)
        case MemberRemove.PATH_FILTER:
            operations: list[dict[str, Any]] = [
                {"op": "remove", "path": f"members[value eq {quote(member_id)}]"} for member_id in ids
            ]
        case _:
            op = "add" if isinstance(form, MemberAdd) else "remove"
            nested = form.value == MemberAdd.NESTED_VALUE.value
            value: Any = {"members": _members(ids)} if nested else _members(ids)
            operations = [{"op": op, "path": "members", "value": value}]
    return _patch(Kind.GROUP, current.id, operations, version)


def created_id(answer: ScimResponse, kind: Kind) -> str | None:
    """Return the id of a new resource from the body, or from ``Location`` (RFC 7644 §3.3), or ``None``."""
    found = member(answer.body or {}, "id")
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if isinstance(found, str) and found:
        return found
    _, separator, last = (answer.location or "").rstrip("/").rpartition(f"/{endpoint_of(kind)}/")
    return unquote(last) if separator else None


def _patch(kind: Kind, resource_id: str, operations: list[dict[str, Any]], version: str | None) -> Request:
    body = {"schemas": [PATCH_OP], "Operations": operations}
    return Request(method="PATCH", endpoint=endpoint_of(kind), resource_id=resource_id, body=body, if_match=version)


def _put(current: LiveResource, body: Mapping[str, Any], version: str | None) -> Request:
    return Request(
        method="PUT",
        endpoint=endpoint_of(current.kind),
        resource_id=current.id,
        body={"schemas": _schemas(current.kind, body), **body},
        if_match=version,
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


def assign(body: dict[str, Any], path: Path, value: Any) -> None:
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

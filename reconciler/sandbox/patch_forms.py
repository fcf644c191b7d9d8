"""The bodies of PATCH as dialects take them: the forms that name members, and what a dialect refuses beyond the RFC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.attributes import CORE_GROUP, ResourceSchema, fold
from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.behaviour.definition import MemberForm, MembersReplaced, UnknownRemoval
from reconciler.sandbox.errors import RequestRefusedError, immutable, invalid_path, invalid_syntax
from reconciler.sandbox.memberships import is_membership
from reconciler.sandbox.patch import MAX_OPERATIONS, PATCH_URN, Op, Operation, parse_operations, resolve
from reconciler.sandbox.validation import normalise_value, require_schema

_BOOLEANS = ("active", "primary")
_DEEPEST = 8  # levels; the lowest boolean of a PATCH is in body, Operations, operation, value, emails, e-mail


def read_operations(kind: Kind, body: object, schema: ResourceSchema, behaviour: Behaviour) -> list[Operation]:
    """Read the body of a PATCH into operations by the rules of a dialect.

    Raises:
        RequestRefusedError: as :func:`~reconciler.sandbox.patch.parse_operations`, or because the dialect refuses it.
    """
    documents = _documents(body)
    if kind is Kind.GROUP and any(_unusual(one, behaviour) for one in documents):
        require_schema(body, PATCH_URN)
        operations = [operation for one in documents for operation in _in_its_form(one, schema, behaviour)]
    else:
        operations = parse_operations(body, schema)
    for document in documents:
        _check_document(document, behaviour)
    for operation in operations:
        _check_operation(kind, operation, behaviour)
    if kind is Kind.GROUP:
        operations = _replacements(operations, behaviour)
        check_member_count(sum(map(_named, operations)), behaviour)
    return operations


def read_booleans(value: Any, depth: int = _DEEPEST) -> Any:
    """Return a body with ``"True"`` and ``"False"`` read as booleans where ``active`` and ``primary`` stand."""
    if depth < 0:
        return value
    if isinstance(value, list):
        return [read_booleans(item, depth - 1) for item in value]
    if not isinstance(value, dict):
        return value
    named = {fold(name): item for name, item in value.items()}
    path = named.get("path")
    target = fold(path) if isinstance(path, str) else ""
    read = {}
    for name, item in value.items():
        due = fold(name) in _BOOLEANS or (fold(name) == "value" and target.endswith(_BOOLEANS))
        read[name] = _boolean(item) if due else read_booleans(item, depth - 1)
    return read


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(fold(value), value) if isinstance(value, str) else value


def _documents(body: object) -> list[Mapping[str, Any]]:
    """Return the operations of a body under folded names, or none where it is not well formed."""
    if not isinstance(body, dict):
        return []
    stated = next((value for name, value in body.items() if fold(name) == "operations"), None)
    if not isinstance(stated, list) or len(stated) > MAX_OPERATIONS or not all(isinstance(one, dict) for one in stated):
        return []
    return [{fold(name): value for name, value in one.items()} for one in stated]


def _op(document: Mapping[str, Any]) -> str:
    op = document.get("op")
    return fold(op) if isinstance(op, str) else ""


def _form(document: Mapping[str, Any]) -> MemberForm | None:
    """Return how an operation names members, or ``None`` where it adds and removes none."""
    op, path, value = _op(document), document.get("path"), document.get("value")
    if op not in (Op.ADD, Op.REMOVE) or not isinstance(path, str):
        return None
    place = fold(path).removeprefix(f"{fold(CORE_GROUP)}:")
    if place != "members":
        return MemberForm.PATH_FILTER if op == Op.REMOVE and place.startswith("members[") else None
    if isinstance(value, dict) and any(fold(name) == "members" for name in value):
        return MemberForm.NESTED_VALUE
    return MemberForm.ALL if op == Op.REMOVE and value is None else MemberForm.VALUE_ARRAY


def _unusual(document: Mapping[str, Any], behaviour: Behaviour) -> bool:
    """Tell whether an operation needs more than RFC 7644 to be read."""
    form = _form(document)
    if form is None:
        return False
    if _op(document) == Op.ADD:
        return form is not MemberForm.VALUE_ARRAY or form not in behaviour.member_additions
    return form not in behaviour.member_removals or form in (MemberForm.VALUE_ARRAY, MemberForm.NESTED_VALUE)


def _in_its_form(document: Mapping[str, Any], schema: ResourceSchema, behaviour: Behaviour) -> Iterator[Operation]:
    """Read one operation of a group, whatever the form in which it names members."""
    form = _form(document)
    if form is None or not _unusual(document, behaviour):
        yield from parse_operations({"schemas": [PATCH_URN], "Operations": [document]}, schema)
        return
    op = Op(_op(document))
    known = form in (behaviour.member_additions if op is Op.ADD else behaviour.member_removals)
    if known:
        value = document["value"]
        yield _on_members(op, _nested(value) if form is MemberForm.NESTED_VALUE else value, schema)
    elif op is Op.REMOVE:
        yield from _unknown_removal(form, schema, behaviour)
    else:
        raise invalid_syntax(f"members cannot be added in this form: {form}")


def _nested(value: Mapping[str, Any]) -> Any:
    return next(item for name, item in value.items() if fold(name) == "members")


def _on_members(op: Op, value: Any, schema: ResourceSchema) -> Operation:
    """Return an operation on the members that a value names. A removal with a value takes only those."""
    target = resolve("members", schema)
    if target is None or target.attribute is None:
        raise invalid_path("there are no members")
    listed = value if isinstance(value, list) else [value]
    return Operation(op=op, target=target, value=normalise_value(listed, target.attribute))


def _unknown_removal(form: MemberForm, schema: ResourceSchema, behaviour: Behaviour) -> Iterator[Operation]:
    match behaviour.unknown_removal:
        case UnknownRemoval.REFUSED:
            raise invalid_syntax(f"members cannot be removed in this form: {form}")
        case UnknownRemoval.NOT_IMPLEMENTED:
            raise RequestRefusedError(501, f"members cannot be removed in this form: {form}")
        case UnknownRemoval.EMPTIES:
            yield replace(_on_members(Op.REMOVE, [], schema), value=None)


def _check_document(document: Mapping[str, Any], behaviour: Behaviour) -> None:
    limit, value = behaviour.pathless_limit, document.get("value")
    if limit is None or document.get("path") or not isinstance(value, dict):
        return
    # The resource's own id may be among them, as in AWS's examples.
    written = [name for name in value if fold(name) != "id"]
    if len(written) > limit:
        raise invalid_path(f"an operation without a path can write {limit} attribute, not {len(written)}")


def _check_operation(kind: Kind, operation: Operation, behaviour: Behaviour) -> None:
    target = operation.target
    if target.attribute is None:
        return
    name = target.attribute.name
    allowed = behaviour.patchable.get(kind)
    if allowed is not None and name not in allowed:
        raise invalid_path(f"PATCH can change {', '.join(allowed)}, not {name}")
    if kind is Kind.USER and operation.op is Op.REMOVE and name in behaviour.unremovable:
        raise immutable(f"{name} cannot be removed")
    if behaviour.exact_paths and name not in target.text:
        raise invalid_path(f"{target.text!r} names no attribute; did you mean {name}?")


def _replacements(operations: Sequence[Operation], behaviour: Behaviour) -> list[Operation]:
    """Return the operations with every replacement of all members turned into what the dialect makes of it."""
    does = behaviour.members_replaced
    if does is MembersReplaced.REPLACED:
        return list(operations)
    kept = []
    for operation in operations:
        whole = operation.target.selection is None and operation.target.sub is None
        if not (is_membership(operation) and operation.op is Op.REPLACE and whole):
            kept.append(operation)
        elif does is MembersReplaced.REFUSED:
            raise invalid_syntax("the members of a group cannot be replaced as a whole")
        elif does is MembersReplaced.MERGED:
            kept.append(replace(operation, op=Op.ADD))
    return kept


def _named(operation: Operation) -> int:
    """Return how many members an operation names."""
    if not is_membership(operation):
        return 0
    return len(operation.value) if isinstance(operation.value, list) else 1


def check_member_count(named: int, behaviour: Behaviour) -> None:
    """Refuse a request that names more members than the dialect takes at once."""
    if behaviour.max_members is not None and named > behaviour.max_members:
        raise RequestRefusedError(
            behaviour.max_members_status, f"at most {behaviour.max_members} members in one request, not {named}"
        )

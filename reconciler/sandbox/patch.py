"""PATCH (RFC 7644 §3.5.2) on plain SCIM JSON: a body is read into operations, an operation makes new attributes.

Nothing here changes what it was given, so a request that fails half-way has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from scim2_models import Path as PathGrammar
from scim2_models import SCIMException
from scim2_models.path import AttrPath, ValuePath

from reconciler.attributes import Attribute, ResourceSchema, canonical, fold, unassigned
from reconciler.filters import Filter, FilterError, Predicate
from reconciler.sandbox.errors import (
    RequestRefusedError,
    immutable,
    invalid_path,
    invalid_syntax,
    invalid_value,
    no_target,
)
from reconciler.sandbox.validation import normalise_item, normalise_value, require_one_primary, require_schema

PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 10_000


class Op(StrEnum):
    """What an operation does."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path leads to.

    Attributes:
        text: the path as written.
        extension: the URN of the extension that it is in, spelled as the schema does; ``None`` is the core schema.
        attribute: the attribute; ``None`` is the extension as a whole.
        selection: the filter between the brackets, which selects some of the attribute's values.
        sub: the sub-attribute.
    """

    text: str
    extension: str | None = None
    attribute: Attribute | None = None
    selection: Filter | None = None
    sub: Attribute | None = None

    @property
    def read_only(self) -> bool:
        """Whether no client may write there."""
        return any(part is not None and part.mutability == "readOnly" for part in (self.attribute, self.sub))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One change to one target. ``value`` has been checked against the target's definition; a remove has none."""

    op: Op
    target: Target
    value: Any = None


def resolve(path: str, schema: ResourceSchema) -> Target | None:
    """Return what a path leads to, or ``None`` where the schema does not know it.

    Raises:
        RequestRefusedError: ``invalidPath``, where it does not follow the grammar of RFC 7644 §3.5.2;
            ``invalidFilter``, where the filter in it cannot be used on that attribute.
    """
    whole = schema.extension(path)
    if whole is not None:
        return Target(text=path, extension=whole[0])
    try:
        node = PathGrammar(path).ast
    except (SCIMException, RecursionError) as error:
        raise invalid_path(f"{path[:200]!r} is not an attribute path") from error
    selection = None
    if isinstance(node, ValuePath):
        where, sub_name = node.attr_path, node.sub_attr
        selection = _selection(str(node.val_filter))
    elif isinstance(node, AttrPath):
        where, sub_name = node, node.sub_attr
    else:
        raise invalid_path(f"{path[:200]!r} is a filter, not an attribute path")
    attribute = schema.find(where.attr, urn=where.uri)
    if attribute is None or where.sub_attr not in (None, sub_name):
        return None
    if selection is not None and not (attribute.multi_valued and attribute.type == "complex"):
        raise invalid_path(f"{attribute.name} has no values to select from")
    sub = attribute.sub_attributes.get(fold(sub_name)) if sub_name else None
    if sub_name and sub is None:
        return None
    extension = schema.extension(where.uri) if where.uri else None
    return Target(
        text=path, extension=extension[0] if extension else None, attribute=attribute, selection=selection, sub=sub
    )


def _selection(text: str) -> Filter:
    try:
        return Filter.parse(text)
    except FilterError as error:
        raise RequestRefusedError(400, str(error), "invalidFilter") from error


def selects(selection: Filter, attribute: Attribute) -> Predicate:
    """Return the predicate that a filter in brackets means for single values of ``attribute``."""
    try:
        return selection.compile(ResourceSchema(urn=attribute.name, attributes=attribute.sub_attributes))
    except FilterError as error:
        raise RequestRefusedError(400, str(error), "invalidFilter") from error


def parse_operations(body: object, schema: ResourceSchema) -> list[Operation]:
    """Read the body of a PATCH into operations, in order, each on one attribute or one part of it.

    An operation without a path, or whose value is an object with several attributes, becomes one operation for each of
    them; there, attributes that are readOnly or unknown are ignored as in any other body.

    Raises:
        RequestRefusedError: as RFC 7644 §3.5.2 names them: ``invalidSyntax``, ``invalidPath``, ``noTarget``,
            ``mutability``, ``invalidValue``, ``invalidFilter``.
    """
    body = require_schema(body, PATCH_URN)
    stated = next((value for name, value in body.items() if fold(name) == "operations"), None)
    if not isinstance(stated, list) or not stated:
        raise invalid_syntax("Operations must be a list of at least one operation")
    if len(stated) > MAX_OPERATIONS:
        raise RequestRefusedError(413, f"at most {MAX_OPERATIONS} operations in one request")
    return [operation for document in stated for operation in _parse_one(document, schema)]


def _parse_one(document: object, schema: ResourceSchema) -> Iterator[Operation]:
    if not isinstance(document, dict):
        raise invalid_syntax("every operation must be an object")
    stated = {fold(name): value for name, value in document.items()}
    name, path = stated.get("op"), stated.get("path")
    try:
        op = Op(fold(name) if isinstance(name, str) else "")
    except ValueError:
        raise invalid_syntax("op must be add, remove or replace") from None
    if path is not None and not isinstance(path, str):
        raise invalid_syntax("path must be a string")
    if op is Op.REMOVE and not path:
        raise no_target("remove needs a path")
    if op is Op.REMOVE and stated.get("value") is not None:
        # RFC 7644 §3.5.2.2 gives remove no value. Ignoring it would empty the attribute that it names.
        raise invalid_syntax("remove takes no value; select what to remove in the path, as in members[value eq …]")
    if op is not Op.REMOVE and "value" not in stated:
        raise invalid_syntax(f"{op} needs a value")
    value = stated.get("value")
    if not path:
        yield from _without_path(op, value, schema)
        return
    target = resolve(path, schema)
    if target is None:
        raise invalid_path(f"{path[:200]!r} names no attribute of this resource type")
    if target.read_only:
        raise immutable(f"{path} is read-only")
    yield from _on_target(op, target, value, schema)


def _without_path(op: Op, value: object, schema: ResourceSchema) -> Iterator[Operation]:
    if not isinstance(value, dict):
        raise invalid_value(f"{op} without a path needs an object of attributes as its value")
    for name, inner in value.items():
        try:
            target = resolve(name, schema)
        except RequestRefusedError:
            target = None  # A name that is no path is an unknown attribute, which a body may hold.
        if target is not None and not target.read_only:
            yield from _on_target(op, target, inner, schema)


def _on_target(op: Op, target: Target, value: Any, schema: ResourceSchema) -> Iterator[Operation]:
    attribute = target.attribute
    if attribute is None:
        yield from _on_extension(op, target, value, schema)
    elif op is Op.REMOVE:
        yield Operation(op=op, target=target)
    elif target.sub is not None:
        if attribute.multi_valued and target.sub.mutability == "immutable":
            raise immutable(f"{target.text} cannot change; remove the value and add another")
        yield Operation(op=op, target=target, value=normalise_value(value, target.sub, target.text))
    elif attribute.multi_valued:
        if target.selection is not None:
            normal = normalise_item(value, attribute, target.text)
        else:
            normal = normalise_value(value if isinstance(value, list | None) else [value], attribute, target.text)
        yield Operation(op=op, target=target, value=normal)
    elif attribute.type == "complex" and not unassigned(value):
        yield from _on_parts(op, target, value, attribute)
    else:
        yield Operation(op=op, target=target, value=normalise_value(value, attribute, target.text))


def _on_extension(op: Op, target: Target, value: object, schema: ResourceSchema) -> Iterator[Operation]:
    """Give each attribute of an extension its own operation: those not stated stay as they are."""
    definitions = schema.extensions[target.extension or ""]
    writable = [definition for definition in definitions.values() if definition.mutability != "readOnly"]
    if not writable:
        raise immutable(f"{target.text} is read-only")
    if op is Op.REMOVE or (op is Op.REPLACE and unassigned(value)):
        yield from (Operation(op=Op.REMOVE, target=replace(target, attribute=attribute)) for attribute in writable)
        return
    if not isinstance(value, dict | None):
        raise invalid_value(f"{target.text} must be an object")
    for name, inner in (value or {}).items():
        attribute = definitions.get(fold(name))
        if attribute is not None and attribute.mutability != "readOnly":
            yield from _on_target(op, replace(target, attribute=attribute), inner, schema)


def _on_parts(op: Op, target: Target, value: object, attribute: Attribute) -> Iterator[Operation]:
    """Give each sub-attribute its own operation (RFC 7644 §3.5.2.3): those not stated SHALL be left unchanged."""
    if not isinstance(value, dict):
        raise invalid_value(f"{target.text} must be an object")
    for name, inner in value.items():
        sub = attribute.sub_attributes.get(fold(name))
        if sub is not None and sub.mutability != "readOnly":
            checked = normalise_value(inner, sub, f"{target.text}.{sub.name}")
            yield Operation(op=op, target=replace(target, sub=sub), value=checked)


def apply_operation(attributes: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
    """Return the attributes of a resource after one operation. ``attributes`` stays as it is.

    Raises:
        RequestRefusedError: ``noTarget``, where a replace or an add selects values of which there are none
            (RFC 7644 §3.5.2.3); ``invalidValue``, where it would leave two primary values.
    """
    extension, attribute = operation.target.extension, operation.target.attribute
    if attribute is None:
        raise invalid_path(f"{operation.target.text} is not an attribute")
    if attribute.returned == "never":
        return dict(attributes)  # A password was checked; nobody could see it again, so it is not kept.
    if extension is None:
        return _apply_in(attributes, operation, attribute)
    return _with(attributes, extension, _apply_in(attributes.get(extension, {}), operation, attribute))


def _apply_in(container: Mapping[str, Any], operation: Operation, attribute: Attribute) -> dict[str, Any]:
    before, sub = container.get(attribute.name), operation.target.sub
    if operation.op is Op.ADD and unassigned(operation.value):
        return dict(container)
    if attribute.multi_valued:
        after: Any = _multi_valued(before or [], operation, attribute)
    elif sub is not None:
        after = _with(before or {}, sub.name, operation.value)
    else:
        after = operation.value
    return _with(container, attribute.name, after)


def _with(container: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Return the object with one value set, or without it where the value is none."""
    changed = dict(container)
    if unassigned(value):
        changed.pop(name, None)
    else:
        changed[name] = value
    return changed


def _multi_valued(before: list[Any], operation: Operation, attribute: Attribute) -> list[Any]:
    target, value = operation.target, operation.value
    if target.selection is None and target.sub is None:
        match operation.op:
            case Op.ADD:
                present = {canonical(item, attribute) for item in before}
                added = [item for item in value if canonical(item, attribute) not in present]
                return _one_primary([*before, *added], set(range(len(before), len(before) + len(added))), target.text)
            case Op.REPLACE:
                return value or []
            case Op.REMOVE:
                return []
    matches = selects(target.selection, attribute) if target.selection else _every_value
    selected = {index for index, item in enumerate(before) if matches(item)}
    if not selected and operation.op is not Op.REMOVE:
        raise no_target(f"{target.text} selects no value")
    changed = [_changed(item, operation) if index in selected else item for index, item in enumerate(before)]
    settled = _one_primary(changed, selected, target.text)
    return [item for index, item in enumerate(settled) if not unassigned(item) and item not in settled[:index]]


def _every_value(_item: Mapping[str, Any]) -> bool:
    return True


def _changed(item: Mapping[str, Any], operation: Operation) -> dict[str, Any] | None:
    """Return one selected value after the operation."""
    if operation.target.sub is not None:
        return _with(item, operation.target.sub.name, operation.value)
    match operation.op:
        case Op.ADD:
            return {**item, **operation.value}
        case Op.REPLACE:
            return dict(operation.value or {})
    return None


def _one_primary(values: list[Any], touched: set[int], place: str) -> list[Any]:
    """Return the values with at most one primary: one set by this operation takes it from the others (§3.5.2)."""
    if not any(isinstance(values[index], dict) and values[index].get("primary") is True for index in touched):
        return values
    require_one_primary((values[index] for index in touched), place)
    return [
        item
        if index in touched or not isinstance(item, dict) or item.get("primary") is not True
        else item | {"primary": False}
        for index, item in enumerate(values)
    ]

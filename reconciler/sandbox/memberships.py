"""PATCH of ``members``: the same rules as :mod:`reconciler.sandbox.patch`, on ids instead of a list of objects.

A group can have tens of thousands of members, so that a change of one must not cost a walk over all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.attributes import fold
from reconciler.sandbox.errors import immutable, invalid_value, no_target
from reconciler.sandbox.patch import Op, Operation, selects


def is_membership(operation: Operation) -> bool:
    """Tell whether an operation changes ``members``."""
    attribute = operation.target.attribute
    return attribute is not None and attribute.name == "members"


def member_ids(members: list[Mapping[str, Any]]) -> dict[str, None]:
    """Return the ids that a list of members names, each once, in order.

    Raises:
        RequestRefusedError: ``invalidValue``, where one names nobody.
    """
    ids = {member.get("value", ""): None for member in members}
    if "" in ids:
        raise invalid_value("every one of members needs a value: the id of a user or group")
    return ids


def apply_to_members(
    members: dict[str, None], operation: Operation, describe: Callable[[str], Mapping[str, Any]]
) -> dict[str, None]:
    """Return a group's members after one operation on ``members``.

    Args:
        members: their ids before; stays as it is.
        operation: on ``members``, with or without a filter. A removal with a value takes those that it names.
        describe: gives the JSON of one member, for filters that look at more than its ``value``.

    Raises:
        RequestRefusedError: ``noTarget``, where a replace selects nobody; ``mutability``, for a change inside a member.
    """
    target = operation.target
    if target.sub is not None:
        raise immutable(f"{target.text} cannot change; remove the member and add another")
    if target.selection is None:
        match operation.op:
            case Op.ADD:
                return members | member_ids(operation.value or [])
            case Op.REPLACE:
                return member_ids(operation.value or [])
            case Op.REMOVE if operation.value is None:
                return {}
            case Op.REMOVE:
                gone = member_ids(operation.value)
                return {member: None for member in members if member not in gone}
    selected = _selected(members, operation, describe)
    if operation.op is Op.REMOVE:
        return {member: None for member in members if member not in selected} if selected else members
    if not selected:
        raise no_target(f"{target.text} selects no member")
    if operation.op is Op.ADD:
        raise immutable(f"{target.text} cannot change; add the member without a filter")
    kept = {member: None for member in members if member not in selected}
    return kept | member_ids([operation.value or {}])


def _selected(
    members: Mapping[str, None], operation: Operation, describe: Callable[[str], Mapping[str, Any]]
) -> set[str]:
    target = operation.target
    if target.selection is None or target.attribute is None:
        return set(members)
    equality = target.selection.equality
    if equality is not None and fold(equality[0]) == "value":
        # An id is compared exactly (RFC 7643 §3.1), and a member's value is one.
        return {equality[1]} & members.keys()
    matches = selects(target.selection, target.attribute)
    return {member for member in members if matches(describe(member))}

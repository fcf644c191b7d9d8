"""Runs as a store would hand them over, for tests of undo, and what it means that one was taken back.

Two states of a directory are equal when all users and groups have the same attributes, by the equality of SCIM, and the
same members. Those that were deleted and are created again are told by their name, because they have new ids; the
memberships of others in them, and theirs in others, count all the same. What a directory itself rewrites whenever it
deactivates a user is not compared for inactive ones, nor what only it fills in: ``id`` and ``groups``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.attributes import canonical, fold
from reconciler.model import Kind, Live, LiveGroup, LiveResource, LiveUser
from reconciler.planning import Action, Plan, Step
from reconciler.planning.undo import PastRun, PastStep


def past_run(made: Plan, before: Live, after: Live, *, status: Callable[[Step], str] = lambda _: "applied") -> PastRun:
    """The run of a plan, all of it applied unless told otherwise, between two states of a directory."""
    there = {one.id for one in (*before.users, *before.groups)}
    new = {(one.kind, fold(one.name)): one.id for one in (*after.users, *after.groups) if one.id not in there}
    steps = []
    for step in made.steps:
        resource_id = step.resource_id
        if step.action is Action.CREATE:
            resource_id = new.get((step.kind, fold(step.name)))
        steps.append(
            PastStep(
                step=step,
                status=status(step),
                resource_id=resource_id,
                before=recorded(before, step) if step.action is Action.DELETE else None,
            )
        )
    return PastRun(id="run-1", plan=made, steps=tuple(steps))


def recorded(before: Live, step: Step) -> Mapping[str, Any]:
    """What the ledger keeps of a resource that is about to be deleted."""
    found = next(one for one in before.of_kind(step.kind) if one.id == step.resource_id)
    if isinstance(found, LiveGroup):
        known = {} if found.members is None else {"members": list(found.members)}
        return {**found.attributes, **known}
    holders = [group for group in before.groups if found.id in (group.members or ())]
    return {**found.attributes, "groups": [{"value": group.id, "type": "direct"} for group in holders]}


def facts(found: Live, ids: dict[str, str]) -> dict[str, tuple[Any, Any]]:
    """By what they are called, the attributes and members of all resources."""
    told: dict[str, tuple[Any, Any]] = {}
    for one in (*found.users, *found.groups):
        members = getattr(one, "members", None)
        known = None if members is None else frozenset(ids.get(member, member) for member in members)
        told[ids.get(one.id, one.id)] = (_attributes(found, one), known)
    return told


def _attributes(found: Live, one: LiveResource) -> Any:
    schema = found.schemas.user if one.kind is Kind.USER else found.schemas.group
    attributes = dict(one.attributes)
    if isinstance(one, LiveUser):
        attributes["active"] = one.active
    forms = []
    for name, value in attributes.items():
        off = attributes.get("active") is False and name in found.capabilities.deactivation_mutates
        if off or name in ("id", "groups"):
            continue
        definition = schema.find(name)
        form = canonical(value, definition)
        if isinstance(form, str):
            form = fold(form)
        if form is not None:
            forms.append((fold(name), form))
    return sorted(forms, key=repr)


def with_old_ids(before: Live, after: Live) -> dict[str, str]:
    """Return, by its id, what a resource is called: a recreated one by the id that it had before."""
    there = {one.id for one in (*before.users, *before.groups)}
    gone = {
        (one.kind, fold(one.name)): one.id
        for one in (*before.users, *before.groups)
        if one.id not in {other.id for other in after.of_kind(one.kind)}
    }
    return {
        one.id: one.id if one.id in there else gone.get((one.kind, fold(one.name)), one.id)
        for one in (*after.users, *after.groups)
    }

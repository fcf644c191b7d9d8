"""Runs as a store would hand them over, for tests of undo: made from a plan and what it left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.attributes import fold
from reconciler.model import Kind, Live, LiveGroup
from reconciler.planning import Action, Plan, Step
from reconciler.planning.undo import PastRun, PastStep


def past_run(made: Plan, before: Live, after: Live, *, status: Callable[[Step], str] = lambda _: "applied") -> PastRun:
    """The run of a plan, all of it applied unless told otherwise, between two states of a directory."""
    steps = []
    for step in made.steps:
        resource_id = step.resource_id
        if step.action is Action.CREATE:
            new = [one.id for one in after.of_kind(step.kind) if one.id not in _ids(before, step.kind)]
            named = {fold(one.name): one.id for one in after.of_kind(step.kind) if one.id in new}
            resource_id = named.get(fold(step.name))
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


def _ids(live: Live, kind: Kind) -> set[str]:
    return {one.id for one in live.of_kind(kind)}

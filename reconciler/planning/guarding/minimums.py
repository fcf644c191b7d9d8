"""What keeps groups at their ``min_members`` at every moment of an apply, also when a step of it fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec

from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair
from reconciler.planning.guarding.forecast import Forecast, key
from reconciler.planning.guarding.protection import Protections
from reconciler.planning.plan import Action, Step

_TAKES_MEMBERS = frozenset({Action.REMOVE_MEMBERS, Action.DEACTIVATE, Action.DELETE})


def with_minimums(context: Context, steps: Iterable[Step], pairs: Collection[AnyPair] = ()) -> tuple[Step, ...]:
    """Return the steps with what keeps groups at their minimum of members.

    Steps that remove members say how many the group must have at every moment: applying counts by it before each
    removal. Nobody counts before a member is deactivated or deleted: that needs the additions without which a group
    would have too few, so that it is not tried where they failed, and left out where they are.

    Every plan needs this before it is sealed, wherever its steps come from.
    """
    steps = tuple(steps)
    if not any(step.action in _TAKES_MEMBERS for step in steps):
        return steps
    protections = Protections(context, steps, pairs)
    needs = _needs_of_losses(context, steps, protections)
    return tuple(_with_minimum(step, protections, needs) for step in steps)


def _with_minimum(step: Step, protections: Protections, needs: Mapping[str, Collection[str]]) -> Step:
    if step.id in needs:
        return msgspec.structs.replace(step, needs=tuple(dict.fromkeys((*step.needs, *needs[step.id]))))
    minimum = protections.minimum(key(step)) if step.action is Action.REMOVE_MEMBERS else None
    return step if minimum is None else msgspec.structs.replace(step, min_members=minimum.number)


def _needs_of_losses(
    context: Context, steps: Collection[Step], protections: Protections
) -> Mapping[str, Collection[str]]:
    """Return the additions by which groups stay at their minimum, by id of each step that costs them a member."""
    forecast = Forecast(context.live, steps)
    losses = {one: step.id for one, step in forecast.deactivated.items()}
    losses |= {one: step.id for kind in Kind for one, step in forecast.deleted[kind].items()}
    needs = defaultdict[str, list[str]](list)
    for group, additions in _additions(steps).items() if losses else ():
        before = forecast.before(group)
        going = before.intersection(losses)
        minimum = protections.minimum(group) if going else None
        if minimum is not None and len(before - forecast.lost(group) - going) < minimum.number:
            for member in sorted(going):
                needs[losses[member]].extend(additions)
    return needs


def _additions(steps: Iterable[Step]) -> Mapping[str, Collection[str]]:
    """Return by group the ids of the steps that add members to it."""
    additions = defaultdict[str, list[str]](list)
    for step in steps:
        if step.action is Action.ADD_MEMBERS:
            additions[key(step)].append(step.id)
    return additions

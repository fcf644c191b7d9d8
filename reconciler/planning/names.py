"""Names are released before they are taken: who takes the name of somebody else waits until that one is renamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import Kind, LiveResource
from reconciler.planning.context import Context
from reconciler.planning.plan import Step


def release_names(context: Context, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps, those that take a name needing those that rename its live holders away.

    A name that its holder keeps is a problem, also in a directory that allows equal names: nobody could tell the two
    apart afterwards.
    """
    takers = {step.id: name for step in steps if (name := _taken(step)) is not None}
    if not takers:
        return tuple(steps)
    wanted = {(step.kind, takers[step.id]) for step in steps if step.id in takers}
    holders = _holders(context, wanted)
    releases = {step.resource_id: step for step in steps if step.id in takers and fold(step.name) != takers[step.id]}
    return tuple(
        _waiting(context, step, holders[step.kind, takers[step.id]], releases) if step.id in takers else step
        for step in steps
    )


def _taken(step: Step) -> str | None:
    """Return the folded name that a resource has after a step and not before."""
    for change in step.changes:
        if change.path == step.kind.naming_attribute and isinstance(change.after, str):
            return fold(change.after)
    return None


def _holders(context: Context, wanted: Iterable[tuple[Kind, str]]) -> defaultdict[tuple[Kind, str], list[LiveResource]]:
    names = frozenset(wanted)
    holders = defaultdict[tuple[Kind, str], list[LiveResource]](list)
    for kind in Kind:
        for live in context.live.of_kind(kind):
            if (kind, fold(live.name)) in names:
                holders[kind, fold(live.name)].append(live)
    return holders


def _waiting(context: Context, step: Step, holders: Iterable[LiveResource], releases: dict[str | None, Step]) -> Step:
    needs: list[str] = []
    for holder in sorted(holders, key=lambda live: live.id):
        if holder.id == step.resource_id:
            continue
        release = releases.get(holder.id)
        if release is not None:
            needs.append(release.id)
        else:
            context.findings.problems.append(_kept(context, step, holder))
    return msgspec.structs.replace(step, needs=(*step.needs, *needs)) if needs else step


def _kept(context: Context, step: Step, holder: LiveResource) -> Diagnostic:
    name = next(change.after for change in step.changes if change.path == step.kind.naming_attribute)
    listed = context.desired.users if step.kind is Kind.USER else context.desired.groups
    taker = next(resource for resource in listed if resource.name == name)
    return Diagnostic(
        code="name-held",
        message=f"{taker.address} takes a name that the live {holder.kind} {holder.name!r} (id {holder.id}) has, and "
        "this plan does not rename that one away",
        origin=taker.source.locate(step.kind.naming_attribute),
        hint="free the name first, apply, and then take it",
    )

"""Names are released before they are taken: who takes the name of somebody else waits until that one is renamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredResource, Kind, LiveResource
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair
from reconciler.planning.plan import Step

_Name = tuple[Kind, str]


def release_names(
    context: Context,
    steps: Sequence[Step],
    pairs: Sequence[AnyPair],
) -> tuple[Step, ...]:
    """Return the steps, those that take a name needing those that rename its live holders away.

    A name that its holder keeps is a problem, also in a directory that allows equal names: nobody could tell the two
    apart afterwards. So it is when its bearer should have lost the account by now, and the one of that name counts as
    somebody else's.
    """
    taken = {step.id: name for step in steps if (name := _taken(step)) is not None}
    lapsed = [
        pair.desired
        for pair in pairs
        if context.plans(pair.desired)
        and pair.desired.lifecycle.expired(context.as_of)
        and (pair.live is None or fold(pair.live.name) != fold(pair.desired.name))
    ]
    if not taken and not lapsed:
        return tuple(steps)
    holders = _holders(context, {*taken.values(), *map(_name, lapsed)})
    releases = {
        step.resource_id: step for step in steps if step.id in taken and (step.kind, fold(step.name)) != taken[step.id]
    }
    for desired in lapsed:
        for holder in holders[_name(desired)]:
            if holder.id not in releases:
                _report(context, desired, holder)

    def needs(step: Step) -> Iterator[str]:
        for holder in holders[taken[step.id]] if step.id in taken else ():
            release = releases.get(holder.id)
            if release is not None and release is not step:
                yield release.id
            elif holder.id != step.resource_id:
                _report(context, _taker(context, taken[step.id]), holder)

    return tuple(
        msgspec.structs.replace(step, needs=(*step.needs, *found)) if (found := tuple(needs(step))) else step
        for step in steps
    )


def _name(resource: DesiredResource | LiveResource) -> _Name:
    return resource.kind, fold(resource.name)


def _taken(step: Step) -> _Name | None:
    """Return the name that a resource is given by a step."""
    for change in step.changes:
        if change.path == step.kind.naming_attribute and isinstance(change.after, str):
            return step.kind, fold(change.after)
    return None


def _holders(context: Context, names: set[_Name]) -> defaultdict[_Name, list[LiveResource]]:
    """Return the live resources that have one of these names, by id."""
    holders = defaultdict[_Name, list[LiveResource]](list)
    for live in sorted((*context.live.users, *context.live.groups), key=lambda live: live.id):
        if _name(live) in names:
            holders[_name(live)].append(live)
    return holders


def _taker(context: Context, name: _Name) -> DesiredResource:
    listed: Iterable[DesiredResource] = (*context.desired.users, *context.desired.groups)
    return next(resource for resource in listed if _name(resource) == name)


def _report(context: Context, desired: DesiredResource, holder: LiveResource) -> None:
    context.findings.problems.append(
        Diagnostic(
            code="name-held",
            message=f"the name of {desired.address} is that of the live {holder.kind} {holder.name!r} "
            f"(id {holder.id}), which the files mean by another name and this plan does not rename",
            origin=desired.source.locate(desired.kind.naming_attribute),
            hint="free the name first and apply, or correct the id or externalId of one of the two",
        )
    )

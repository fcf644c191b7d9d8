"""Memberships: what separates the roster of each listed group from its live members, in batches that fit a PATCH."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from reconciler.attributes import fold
from reconciler.capabilities import Capabilities, MemberRemove
from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.differ import diff
from reconciler.planning.groups import Target
from reconciler.planning.nesting import Nesting, nestings, waits
from reconciler.planning.plan import Action, Edge, Reason, Step
from reconciler.planning.roster import Roster, Rosters, Seat
from reconciler.planning.steps import step_id
from reconciler.planning.unverified import Unverified


class _Changes(NamedTuple):
    """What separates one group from its roster."""

    target: Target
    additions: list[Edge]
    removals: list[Edge]


def plan_memberships(context: Context, targets: Iterable[Target], rosters: Rosters) -> Iterator[Step]:
    """Yield the batches of edges to add and to remove, in no particular order."""
    unverified = Unverified(context)
    changed = [
        _changes(context, target, rosters.of(target), unverified)
        for target in targets
        if target.desired.manages_members or target.replaced is not None
    ]
    unverified.tell()
    added = [nesting for one in changed for nesting in nestings(one.target, one.additions)]
    removed = [nesting for one in changed for nesting in nestings(one.target, one.removals)]
    waiting = waits(context, added, removed)
    opened_by: dict[Nesting, str] = {}
    for target, _, removals in changed:
        for step in _batches(context, Action.REMOVE_MEMBERS, target, [removals]):
            opened_by.update(dict.fromkeys(nestings(target, step.members), step.id))
            yield step
    for target, additions, _ in changed:
        for step in _additions(context, target, additions, waiting):
            opening = (opened_by[one] for nesting in nestings(target, step.members) for one in waiting.get(nesting, ()))
            needs = dict.fromkeys((*step.needs, *opening))
            yield msgspec.structs.replace(step, needs=tuple(needs)) if len(needs) > len(step.needs) else step


def _changes(context: Context, target: Target, roster: Roster, unverified: Unverified) -> _Changes:
    live, confinement = target.live, context.confinement
    members: Iterable[str] = (live.members or ()) if live is not None else ()
    if confinement is not None:
        roster, members = confinement.roster(target, roster), confinement.current(target, members)
    if live is not None and live.members is None and (confinement is None or roster.seats or roster.vacated):
        unverified.add(target, live.address, roster)
    current = dict.fromkeys(members)
    if current.keys() == roster.seats.keys():
        return _Changes(target, [], [])
    difference = diff(current, roster.seats, lambda _, __: True)
    additions = [seat.edge() for seat in difference.add.values()]
    manages = live is not None and target.desired.manages_members
    return _Changes(target, additions, [*_removals(context, target, roster, difference.delete)] if manages else [])


def _additions(
    context: Context, target: Target, additions: list[Edge], waiting: Mapping[Nesting, Sequence[Nesting]]
) -> Iterator[Step]:
    """Yield the additions, those that have to wait for a removal in batches of their own."""
    late = {nesting.member for nesting in nestings(target, additions) if waiting.get(nesting)}
    if not late:
        return _batches(context, Action.ADD_MEMBERS, target, [additions])
    prompt = [edge for edge in additions if (edge.id or edge.address) not in late]
    waits_for_removals = [edge for edge in additions if (edge.id or edge.address) in late]
    return _batches(context, Action.ADD_MEMBERS, target, [prompt, waits_for_removals])


def _removals(context: Context, target: Target, roster: Roster, surplus: Iterable[str]) -> Iterator[Edge]:
    """Yield the edges that are ours to remove; the ones that are not are counted."""
    users = context.live.users_by_id
    left_alone = context.findings.left_alone
    default = Reason.NOT_MATCHED if target.desired.members is None else Reason.NOT_LISTED
    for member in surplus:
        user = users.get(member)
        vacated: Seat | None = roster.vacated.get(member)
        if vacated is not None:
            yield vacated.edge()
        elif user is None:
            known = context.live.groups_by_id.get(member)
            if known is not None and context.capabilities.nested_groups and context.in_scope(known):
                yield _surplus(target, Kind.GROUP, known.name, member, default)
            else:
                left_alone["memberships of groups and of unknown members"] += 1
        elif not context.in_scope(user):
            left_alone["memberships of users outside the scope"] += 1
        else:
            yield _surplus(target, Kind.USER, user.name, member, default)


def _surplus(target: Target, kind: Kind, name: str, member: str, reason: Reason) -> Edge:
    desired, by_rule = target.desired, reason is Reason.NOT_MATCHED
    return Edge(
        kind=kind,
        name=name,
        id=member,
        reason=reason,
        origin=str(desired.source.locate("match" if by_rule else "members")),
        rule=desired.match if by_rule else None,
    )


def _batches(context: Context, action: Action, target: Target, parts: Iterable[Sequence[Edge]]) -> Iterator[Step]:
    """Yield steps of as many edges as one request may carry; edges of different parts never share one."""
    batches = [batch for edges in parts for batch in batched(edges, context.capabilities, action)]
    desired = target.desired
    name = target.live.name if target.live else desired.name
    resource_id = target.live.id if target.live else None
    for number, batch in enumerate(batches, 1):
        part = f"{number}/{len(batches)}" if len(batches) > 1 else ""
        yield Step(
            id=step_id(context, action, Kind.GROUP, name, resource_id, part=part),
            action=action,
            kind=Kind.GROUP,
            name=name,
            reason=Reason.DIFFERS,
            resource_id=resource_id,
            members=tuple(batch),
            needs=(target.created_by,) if target.created_by else (),
            origin=str(desired.source.locate()),
            note=desired.lifecycle.reason,
        )


def batched(edges: Iterable[Edge], capabilities: Capabilities, action: Action) -> Iterator[list[Edge]]:
    """Yield edges in the order of their names, as many together as one request may carry."""
    size = capabilities.max_members_per_patch
    if action is Action.REMOVE_MEMBERS and capabilities.member_remove is MemberRemove.PATH_FILTER:
        # Only a path filter takes an operation for each removed member.
        size = min(size, capabilities.max_operations_per_patch)
    ordered = sorted(edges, key=lambda edge: (fold(edge.name), edge.name, edge.id or ""))
    for first in range(0, len(ordered), size):
        yield ordered[first : first + size]

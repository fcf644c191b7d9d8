"""Memberships: what separates the roster of each listed group from its live members, in batches that fit a PATCH."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.differ import diff
from reconciler.planning.groups import Target
from reconciler.planning.plan import Action, Edge, Reason, Step
from reconciler.planning.roster import Roster, Rosters, Seat
from reconciler.planning.steps import step_id


def plan_memberships(context: Context, targets: Iterable[Target], rosters: Rosters) -> Iterator[Step]:
    """Yield the batches of edges to add and to remove, in no particular order."""
    for target in targets:
        if target.desired.manages_members or target.replaced is not None:
            yield from _group(context, target, rosters.of(target))


def _group(context: Context, target: Target, roster: Roster) -> Iterator[Step]:
    live = target.live
    if live is not None and live.members is None:
        context.findings.warn(
            "members-unknown",
            f"the directory does not tell who is in {live.address}: memberships are added, and none can be removed",
            target.desired.source.locate("members"),
        )
    current = dict.fromkeys(live.members or ()) if live is not None else {}
    if current.keys() == roster.seats.keys():
        return
    difference = diff(current, roster.seats, lambda _, __: True)
    additions = [seat.edge() for seat in difference.add.values()]
    yield from _batches(context, Action.ADD_MEMBERS, target, additions)
    if live is not None and target.desired.manages_members:
        removals = list(_removals(context, target, roster, difference.delete))
        yield from _batches(context, Action.REMOVE_MEMBERS, target, removals)


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
    stating = "match" if reason is Reason.NOT_MATCHED else "members"
    return Edge(kind=kind, name=name, id=member, reason=reason, origin=str(target.desired.source.locate(stating)))


def _batches(context: Context, action: Action, target: Target, edges: Sequence[Edge]) -> Iterator[Step]:
    """Yield steps of as many edges as one request may carry."""
    if not edges:
        return
    capabilities = context.capabilities
    size = capabilities.max_members_per_patch
    if action is Action.REMOVE_MEMBERS:
        size = min(size, capabilities.max_operations_per_patch)
    ordered = sorted(edges, key=lambda edge: (fold(edge.name), edge.name, edge.id or ""))
    count = -(-len(ordered) // size)
    desired = target.desired
    name = target.live.name if target.live else desired.name
    resource_id = target.live.id if target.live else None
    for number in range(count):
        part = f"{number + 1}/{count}" if count > 1 else ""
        yield Step(
            id=step_id(context, action, Kind.GROUP, name, resource_id, part=part),
            action=action,
            kind=Kind.GROUP,
            name=name,
            reason=Reason.DIFFERS,
            resource_id=resource_id,
            members=tuple(ordered[number * size : (number + 1) * size]),
            needs=(target.created_by,) if target.created_by else (),
            origin=str(desired.source.locate()),
            note=desired.lifecycle.reason,
        )

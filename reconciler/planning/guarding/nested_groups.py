"""Groups that somebody loses because a group that holds him loses them: access comes through every group around."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from reconciler.model import Kind, Live
from reconciler.planning.guarding.forecast import Forecast
from reconciler.planning.nesting import reached


def lost_with_others(live: Live, forecast: Forecast, users: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield users with each group that they are in now, by way of others too, and by no way after the plan.

    Memberships that come only after a removal do not count: until then the group is lost. Whoever is in the group that
    takes the place of another has not lost that one.

    Args:
        live: the directory.
        forecast: what the plan does.
        users: the ids of live users.
    """
    if not _takes_groups(live, forecast):
        return
    before, after = _holders(live, forecast, users), _holders_after(live, forecast, users)
    for user in sorted(users):
        kept = reached(user, after)
        for group in sorted(reached(user, before) - {user}):
            deletion = forecast.deleted[Kind.GROUP].get(group)
            heir = forecast.successor(deletion) if deletion is not None else group
            if heir is None or heir not in kept:
                yield user, group


def _takes_groups(live: Live, forecast: Forecast) -> bool:
    """Tell whether a group loses a group at all; mostly none does, and nothing has to be looked up."""
    if any(edge.kind is Kind.GROUP for edges in forecast.removed.values() for edge in edges):
        return True
    gone = forecast.deleted[Kind.GROUP]
    return any(
        not gone.keys().isdisjoint(group.members or ())
        or (group.id in gone and any(member in live.groups_by_id for member in group.members or ()))
        for group in (live.groups if gone else ())
    )


def _holders(live: Live, forecast: Forecast, users: Collection[str]) -> Mapping[str, Collection[str]]:
    """Return by id of a group, or of one of the users, the groups that it is a member of now."""
    holders = defaultdict[str, set[str]](set)
    for group in live.groups:
        for member in _of_interest(live, forecast.before(group.id), users):
            holders[member].add(group.id)
    return holders


def _holders_after(live: Live, forecast: Forecast, users: Collection[str]) -> Mapping[str, Collection[str]]:
    """Return the same as it is after the plan; groups that the plan creates go by their address."""
    holders = defaultdict[str, set[str]](set)
    for group in live.groups:
        for member in _of_interest(live, forecast.before(group.id) - forecast.lost(group.id), users):
            holders[member].add(group.id)
    for holder, edges in forecast.added.items():
        late = {edge.address for edge in forecast.late.get(holder, ())}
        for edge in edges:
            if edge.address not in late:
                holders[edge.id or edge.address].add(holder)
    return holders


def _of_interest(live: Live, members: Collection[str], users: Collection[str]) -> Iterator[str]:
    return (member for member in members if member in live.groups_by_id or member in users)

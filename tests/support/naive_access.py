"""Who has access to which groups, worked out the slow and obvious way: down every group, before a plan and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.model import Live, LiveGroup, LiveUser
from reconciler.planning import Action, Plan
from simulated_directory import SimulatedDirectory

Place: TypeAlias = str
"""A resource by its id; one that the plan creates, by its address."""


@dataclass(frozen=True)
class Moment:
    """A directory at one moment.

    Attributes:
        people: the groups, each with the people who have access to it as far as the directory tells.
        names: what everybody is called.
        in_doubt: the groups of which somebody may be a member of whom nothing is known.
        silent: the groups of which the directory does not tell who is in them.
    """

    people: Mapping[Place, frozenset[Place]]
    names: Mapping[Place, str]
    in_doubt: frozenset[Place]
    silent: frozenset[Place]

    def groups_of(self, person: Place) -> frozenset[Place]:
        """The groups to which somebody has access."""
        return frozenset(group for group, people in self.people.items() if person in people)


@dataclass(frozen=True)
class NaiveAccess:
    """The directory before a plan and after it."""

    before: Moment
    after: Moment

    @property
    def groups(self) -> frozenset[Place]:
        """All groups that there are at either moment."""
        return frozenset((*self.before.people, *self.after.people))

    def had(self, group: Place) -> frozenset[Place]:
        """Who has access before."""
        return self.before.people.get(group, frozenset())

    def has(self, group: Place) -> frozenset[Place]:
        """Who has access after."""
        return self.after.people.get(group, frozenset())

    def name(self, place: Place) -> str:
        """What something is called after the plan; what is deleted, before."""
        return self.after.names.get(place) or self.before.names[place]


def naive_access(found: Live, made: Plan) -> NaiveAccess:
    """Carry out a plan, and look before and after.

    Where the directory does not tell who is in a group, those whom the plan takes out are in it before, and those whom
    it puts in, after.
    """
    applied = SimulatedDirectory(found).apply(made)
    known = {one.id for one in (*found.users, *found.groups)}
    places = {one.id: one.id if one.id in known else one.address for one in (*applied.users, *applied.groups)}
    ids = {place: one for one, place in places.items()}
    taken_out, put_in = _told(made, Action.REMOVE_MEMBERS), _told(made, Action.ADD_MEMBERS)
    put_in_ids = {group: tuple(ids[one] for one in members if one in ids) for group, members in put_in.items()}
    return NaiveAccess(
        before=_moment(found, taken_out, {one: one for one in known}),
        after=_moment(applied, put_in_ids, places),
    )


def _told(made: Plan, action: Action) -> dict[str, tuple[Place, ...]]:
    told: dict[str, tuple[Place, ...]] = {}
    for step in made.steps:
        if step.action is action and step.resource_id is not None:
            told[step.resource_id] = (
                *told.get(step.resource_id, ()),
                *(edge.id or edge.address for edge in step.members),
            )
    return told


def _moment(found: Live, told: Mapping[str, tuple[str, ...]], places: Mapping[str, Place]) -> Moment:
    filled = replace(
        found,
        groups=tuple(
            one if one.members is not None else replace(one, members=told.get(one.id, ())) for one in found.groups
        ),
    )
    return Moment(
        people={
            places[group.id]: frozenset(
                places[one.id] for one in _inside(filled, group) if isinstance(one, LiveUser) and one.active
            )
            for group in filled.groups
        },
        names={places[one.id]: one.name for one in (*found.users, *found.groups)},
        in_doubt=frozenset(
            places[group.id]
            for group, raw in zip(filled.groups, found.groups, strict=True)
            if any(_doubtful(found, one) for one in (raw, *_inside(filled, group)))
        ),
        silent=frozenset(places[group.id] for group in found.groups if group.members is None),
    )


def _doubtful(found: Live, one: LiveUser | LiveGroup) -> bool:
    if isinstance(one, LiveUser):
        return False
    raw = found.groups_by_id[one.id]
    if raw.members is None:
        return True
    read = found.users_by_id.keys() | found.groups_by_id.keys()
    return bool(found.partial) and not read >= set(raw.members)


def _inside(found: Live, group: LiveGroup, above: frozenset[str] = frozenset()) -> Iterator[LiveUser | LiveGroup]:
    """Yield whoever and whatever is in a group, some more than once."""
    for member in group.members or ():
        if member in found.users_by_id:
            yield found.users_by_id[member]
        elif member in found.groups_by_id and member not in above:
            inner = found.groups_by_id[member]
            yield inner
            yield from _inside(found, inner, above | {group.id, member})

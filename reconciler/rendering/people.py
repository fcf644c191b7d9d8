"""Everything that a plan says of each person, gathered from its steps, its effect and what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, GroupEffect, UserEffect
from reconciler.planning.plan import Action, Edge, Pending, Plan, Step


@dataclass(slots=True)
class Person:
    """One person and what a plan says of her or him.

    Attributes:
        id: the user's id; ``None`` for one that the plan creates.
        names: every ``userName`` by which the plan calls the person, the first one first: before a rename, and after.
        steps: what is done to the account, in plan order.
        memberships: the steps that add the person to a group or take her from one, and the edge of each.
        gained: the groups that she gains access to, and how.
        lost: the groups that she loses access to, and how.
        effect: in how many groups she is before and after, where that changes.
        pending: what waits for her.
    """

    id: str | None
    names: dict[str, None] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    memberships: list[tuple[Step, Edge]] = field(default_factory=list)
    gained: list[tuple[GroupEffect, AccessChange]] = field(default_factory=list)
    lost: list[tuple[GroupEffect, AccessChange]] = field(default_factory=list)
    effect: UserEffect | None = None
    pending: list[Pending] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The ``userName`` before the plan, or as it will be where the plan creates the person."""
        return next(iter(self.names))

    @property
    def changes(self) -> bool:
        """Whether the plan changes anything for the person, now."""
        return bool(self.steps or self.memberships or self.gained or self.lost)


def people(plan: Plan) -> tuple[Person, ...]:
    """Return everybody whom a plan changes something for, or has something waiting for, in the order of the plan."""
    gathering = _Gathering(plan)
    for step in plan.steps:
        gathering.step(step)
    for user in plan.effect.users:
        gathering.person(user.id, user.name).effect = user
    for group in plan.effect.groups:
        for change in group.gained:
            for one in gathering.affected(change.users):
                one.gained.append((group, change))
        for change in group.lost:
            for one in gathering.affected(change.users):
                one.lost.append((group, change))
    for pending in plan.pending:
        if pending.kind is Kind.USER:
            gathering.person(pending.id, pending.name).pending.append(pending)
    return gathering.everybody()


class _Gathering:
    """Finds the person that a part of the plan means: by id, and by name where there is no id.

    A name without an id is the one of somebody whom the plan creates (see :class:`Edge`). Where it creates nobody of
    that name, it is whoever else the plan calls so, if that is one person.
    """

    def __init__(self, plan: Plan) -> None:
        self._found: dict[tuple[bool, str], Person] = {}
        self._created = {
            fold(step.name) for step in plan.steps if step.kind is Kind.USER and step.action is Action.CREATE
        }
        self._ids: dict[str, set[str]] = defaultdict(set)
        for id_, name in _mentions(plan):
            self._ids[fold(name)].add(id_)
        # The effect calls people as they are called after the plan, and knows their ids.
        self._ids_after = {user.name: user.id for user in plan.effect.users}

    def step(self, step: Step) -> None:
        if step.kind is Kind.USER:
            person = self.person(step.resource_id, step.name)
            person.steps.append(step)
            for change in step.changes:
                if change.path == "userName" and isinstance(change.after, str):
                    person.names.setdefault(change.after)
            return
        for edge in step.members:
            if edge.kind is Kind.USER:
                self.person(edge.id, edge.name).memberships.append((step, edge))

    def affected(self, names: Iterable[str]) -> Iterable[Person]:
        """Return the people of those names in the effect, each of them once."""
        return {id(one): one for one in (self.person(self._ids_after.get(name), name) for name in names)}.values()

    def person(self, user_id: str | None, name: str) -> Person:
        key = (True, user_id) if user_id is not None else self._by_name(name)
        person = self._found.get(key)
        if person is None:
            person = self._found[key] = Person(id=key[1] if key[0] else None)
        person.names.setdefault(name)
        return person

    def _by_name(self, name: str) -> tuple[bool, str]:
        folded = fold(name)
        ids: Sequence[str] = () if folded in self._created else tuple(self._ids.get(folded, ()))
        return (True, ids[0]) if len(ids) == 1 else (False, folded)

    def everybody(self) -> tuple[Person, ...]:
        return tuple(self._found.values())


def _mentions(plan: Plan) -> Iterable[tuple[str, str]]:
    """Yield every id of a user with a name that goes with it."""
    for step in plan.steps:
        if step.kind is Kind.USER and step.resource_id is not None:
            yield step.resource_id, step.name
            yield from (
                (step.resource_id, change.after)
                for change in step.changes
                if change.path == "userName" and isinstance(change.after, str)
            )
        yield from ((edge.id, edge.name) for edge in step.members if edge.kind is Kind.USER and edge.id is not None)
    yield from ((user.id, user.name) for user in plan.effect.users if user.id is not None)

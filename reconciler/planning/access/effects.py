"""``(Live, steps) -> Effect``: people by what they had access to before, and what they have access to after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from heapq import nsmallest
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

from reconciler.attributes import fold
from reconciler.model import Kind, Live
from reconciler.planning.access.deeds import Deeds, Key, Link, New
from reconciler.planning.access.holding import Holding
from reconciler.planning.context import Context
from reconciler.planning.effect import NO_EFFECT, AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.step import Step

KEPT_SHOWN: Final = 200
"""People that are named of those who keep their access to a group."""

_Order: TypeAlias = tuple[str, str, str]
_Causes: TypeAlias = dict[tuple[int, tuple[Key, ...]], list[Key]]
"""Users by the position of the step that concerns them, and by the groups on their way; in order."""


def effect_of(context: Context, steps: Collection[Step]) -> Effect:
    """Return who gains and loses access to which groups by the steps of a plan, as :mod:`~reconciler.planning.effect`.

    The cause of each is the first of these that there is: the step on the membership itself, or the group's own
    deletion; the outermost step on the shortest way by which the person comes or came in, which puts a group into
    another, takes it out, or deletes it; the step on the account.

    Args:
        context: the inputs of the planning.
        steps: what will be done: what ``--only`` and ``--exclude`` have left.
    """
    return effect_on(context.live, steps)


def effect_on(live: Live, steps: Collection[Step]) -> Effect:
    """Return who gains and loses access to which groups when steps are carried out in a directory.

    Args:
        live: the directory as it is before.
        steps: what will be done, in the order of a plan.
    """
    if not steps:
        return NO_EFFECT
    deeds = Deeds(live, steps)
    return NO_EFFECT if deeds.idle else _Reckoning(live, deeds).effect()


class _Person(NamedTuple):
    """The groups that somebody is in, by the account or not, each with the next group on the way to him."""

    before: Mapping[Key, Key | None]
    after: Mapping[Key, Key | None]
    worked: bool
    works: bool

    @property
    def had(self) -> frozenset[Key]:
        return frozenset(self.before) if self.worked else frozenset()

    @property
    def has(self) -> frozenset[Key]:
        return frozenset(self.after) if self.works else frozenset()


class _Reckoning:
    def __init__(self, live: Live, deeds: Deeds) -> None:
        self._live = live
        self._deeds = deeds
        self._holding = Holding(live, deeds)
        self._orders_of_users: dict[Key, _Order] = {}
        self._orders_of_groups: dict[Key, _Order] = {}
        self._direct = self._holding.direct(self._concerned())
        self._gained = defaultdict[Key, _Causes](dict)
        self._lost = defaultdict[Key, _Causes](dict)

    def effect(self) -> Effect:
        concerned = sorted(self._direct, key=self._user_order)
        users = [effect for user in concerned if (effect := self._user(user)) is not None]
        groups = sorted({*self._gained, *self._lost}, key=self._group_order)
        unknown = sorted(self._holding.unknown(self._direct), key=self._group_order)
        if not groups and not unknown:
            return NO_EFFECT
        return Effect(
            groups=tuple(map(self._group, groups)),
            users=tuple(users),
            unknown=tuple(map(self._group_name, unknown)),
        )

    def _concerned(self) -> set[Key]:
        """Return the users whose access may change: named by a step, or in a group that changes as a whole."""
        deeds, known = self._deeds, self._live.users_by_id.keys()
        named: set[Key] = {*deeds.joined, *deeds.left, *deeds.switched()}
        named = {user for user in named if user in known or user in deeds.accounts}
        return named.union(*(known & members for members in self._holding.members(self._holding.moved())))

    # People.

    def _user(self, user: Key) -> UserEffect | None:
        """Return the effect on one user, and put it down with the groups; ``None`` where nothing changes."""
        person = self._person(user)
        had, has = person.had, person.has
        if had == has:
            return None
        for group in has - had:
            self._gained[group].setdefault(self._why_gained(user, person, group), []).append(user)
        for group in had - has:
            self._lost[group].setdefault(self._why_lost(user, person, group), []).append(user)
        return UserEffect(
            name=self._user_name(user),
            id=_id(user),
            before=len(had) if self._sure_before(person) else None,
            after=len(has) if self._sure_after(user, person) else None,
            kept=tuple(map(self._group_name, sorted(had & has, key=self._group_order))),
        )

    def _person(self, user: Key) -> _Person:
        deeds = self._deeds
        before = self._direct.get(user, ())
        left, joined = deeds.left.get(user, {}), deeds.joined.get(user, {})
        after = [
            group for group in dict.fromkeys((*before, *joined)) if group not in left and group not in deeds.deleted
        ]
        worked = user in self._active
        account = deeds.accounts.get(user)
        return _Person(
            before=self._holding.before.ways(before, self._group_order),
            after=self._holding.after.ways(after, self._group_order),
            worked=worked,
            works=account.works if account else worked,
        )

    @cached_property
    def _active(self) -> frozenset[Key]:
        return frozenset(user.id for user in self._live.users if user.active)

    def _sure_before(self, person: _Person) -> bool:
        """Tell whether no group but the known ones can have held a user before."""
        return not person.worked or (not self._unread and self._holding.opaque <= person.before.keys())

    def _sure_after(self, user: Key, person: _Person) -> bool:
        if not person.works:
            return True
        nests = self._live.capabilities.nested_groups
        if isinstance(user, New) and not (nests and any(isinstance(group, str) for group in person.after)):
            return True  # Nobody else knows of him yet.
        return not self._unread and self._holding.opaque_after <= person.after.keys()

    @property
    def _unread(self) -> bool:
        """Whether there may be groups of which nothing at all is known."""
        return Kind.GROUP in self._live.partial

    # Causes.

    def _why_gained(self, user: Key, person: _Person, group: Key) -> tuple[int, tuple[Key, ...]]:
        deeds = self._deeds
        if person.after[group] is None and group not in person.before:
            return deeds.joined[user][group], ()
        way = _way(person.after, group)
        if group in person.before:
            return deeds.accounts[user].step, way[1:]
        return next(self._made(user, way)), way[1:]

    def _why_lost(self, user: Key, person: _Person, group: Key) -> tuple[int, tuple[Key, ...]]:
        deeds, way = self._deeds, _way(person.before, group)
        if group in person.after:
            return deeds.accounts[user].step, way[1:]
        return next(self._broken(user, way)), way[1:]

    def _made(self, user: Key, way: tuple[Key, ...]) -> Iterator[int]:
        """Yield the steps that make the way from a group to a user, the outermost first."""
        for link in _links(way):
            if link in self._deeds.linked:
                yield self._deeds.linked[link]
        yield self._deeds.joined[user][way[-1]]

    def _broken(self, user: Key, way: tuple[Key, ...]) -> Iterator[int]:
        """Yield the steps that break the way from a group to a user, the outermost first."""
        deeds = self._deeds
        innermost = way[-1]
        left = deeds.left.get(user, {})
        for link in _links(way):
            if link.outer in deeds.deleted:
                yield deeds.deleted[link.outer]
            if link in deeds.unlinked:
                yield deeds.unlinked[link]
        if innermost in left:
            yield left[innermost]
        if innermost in deeds.deleted:
            yield deeds.deleted[innermost]

    def _changes(self, causes: _Causes) -> tuple[AccessChange, ...]:
        def place(cause: tuple[int, tuple[Key, ...]]) -> tuple[int, list[_Order]]:
            return cause[0], list(map(self._group_order, cause[1]))

        return tuple(
            AccessChange(
                step=self._deeds.steps[step].id,
                users=tuple(map(self._user_name, causes[step, way])),
                via=tuple(map(self._group_name, way)),
            )
            for step, way in sorted(causes, key=place)
        )

    # Groups.

    def _group(self, group: Key) -> GroupEffect:
        holding = self._holding
        gained, lost = self._gained.get(group, {}), self._lost.get(group, {})
        before, after = holding.before.inside((group,)), holding.after.inside((group,))
        had = self._active.intersection(chain.from_iterable(holding.members(before)))
        gone = frozenset(chain.from_iterable(lost.values()))
        number = len(had | gone)
        remaining = number - len(gone) + sum(map(len, gained.values()))
        is_known = holding.sees(before)
        will_be_known = group in self._deeds.deleted or holding.sees(after)
        return GroupEffect(
            name=self._group_name(group),
            id=_id(group),
            before=number if is_known else None,
            after=remaining if will_be_known else None,
            gained=self._changes(gained),
            lost=self._changes(lost),
            kept=tuple(map(self._user_name, nsmallest(KEPT_SHOWN, had - gone, key=self._user_order))),
        )

    # Names.

    def _user_name(self, user: Key) -> str:
        return self._user_order(user)[1]

    def _group_name(self, group: Key) -> str:
        return self._group_order(group)[1]

    def _user_order(self, user: Key) -> _Order:
        found = self._orders_of_users.get(user)
        if found is None:
            found = self._orders_of_users[user] = self._order(Kind.USER, user)
        return found

    def _group_order(self, group: Key) -> _Order:
        found = self._orders_of_groups.get(group)
        if found is None:
            found = self._orders_of_groups[group] = self._order(Kind.GROUP, group)
        return found

    def _order(self, kind: Kind, key: Key) -> _Order:
        name = self._deeds.name(kind, key)
        return fold(name), name, _id(key) or ""


def _id(key: Key) -> str | None:
    return key if isinstance(key, str) else None


def _way(ways: Mapping[Key, Key | None], group: Key) -> tuple[Key, ...]:
    """Return the groups from one to the innermost in which somebody is directly, both included."""
    way: list[Key] = []
    inner: Key | None = group
    while inner is not None:
        way.append(inner)
        inner = ways[inner]
    return tuple(way)


def _links(way: tuple[Key, ...]) -> Iterator[Link]:
    return map(Link, way, way[1:])

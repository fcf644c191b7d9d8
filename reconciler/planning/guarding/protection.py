"""What must not be taken away, by the files' ``lifecycle`` and by ``protect`` in ``directory.yaml``.

Names are compared under case folding, and a resource goes by every name that it has or gets: the live one, the one
that the files list it by, the one that the plan gives it, and that of the group that it replaces or is replaced by.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from reconciler.attributes import fold
from reconciler.model import NO_LIFECYCLE, DesiredGroup, DesiredResource, Kind
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair
from reconciler.planning.guarding.forecast import key
from reconciler.planning.plan import Step

WHERE = "directory.yaml"


class Minimum(NamedTuple):
    """How many members a group must always have, and what to change if it is to have fewer."""

    number: int
    remedy: str


class Protections:
    """Answers for users and groups, by kind and key (:func:`~reconciler.planning.guarding.forecast.key`).

    Args:
        context: the inputs of the planning.
        steps: the plan's, which tell new names and what replaces what.
        pairs: which live resource each listed one means. Without them a listed resource means the one of its name.
    """

    def __init__(self, context: Context, steps: Iterable[Step], pairs: Collection[AnyPair] = ()) -> None:
        self._context = context
        self._names: defaultdict[tuple[Kind, str], set[str]] = defaultdict(set)
        self._stated: dict[tuple[Kind, str], DesiredResource] = {}
        self._stated_by_name: dict[tuple[Kind, str], DesiredResource] = {}
        self._pairs = pairs
        protection = context.policy.protection
        self._protection = protection
        self._protected = {Kind.USER: Patterns(protection.users), Kind.GROUP: Patterns(protection.groups)}
        self._privileged = Patterns(protection.privileged)
        for step in steps:
            self._learn_names(step)
        if pairs:
            self._learn_pairs(pairs)
        else:
            for resource in (*context.desired.users, *context.desired.groups):
                self._learn_listed(resource)

    def _learn_pairs(self, pairs: Iterable[AnyPair]) -> None:
        touched = frozenset(resource for _, resource in self._names)
        for pair in pairs:
            if pair.live is None:
                self._learn_listed(pair.desired)
                continue
            # Nearly all of a large directory has nothing to say here, so that it must not cost anything.
            if pair.desired.lifecycle is NO_LIFECYCLE and pair.live.id not in touched and pair.predecessor is None:
                continue
            for live in (pair.live, pair.predecessor):
                if live is None:
                    continue
                if (live.kind, live.id) in self._names:
                    self._names[live.kind, live.id].add(fold(pair.desired.name))
                self._stated[live.kind, live.id] = pair.desired

    def _learn_listed(self, resource: DesiredResource) -> None:
        if resource.lifecycle is not NO_LIFECYCLE:
            self._stated_by_name[resource.kind, fold(resource.name)] = resource

    def _learn_names(self, step: Step) -> None:
        names = self._names[step.kind, key(step)]
        names.add(fold(step.name))
        if step.replaces is not None:
            names.add(fold(step.replaces))
        for change in step.changes:
            if change.path == step.kind.naming_attribute and isinstance(change.after, str):
                names.add(fold(change.after))

    def names(self, kind: Kind, resource: str) -> frozenset[str]:
        """Return the folded names of a resource: those that it has and those that it gets."""
        names = set(self._names.get((kind, resource), ()))
        live = self._context.live
        known = live.users_by_id.get(resource) if kind is Kind.USER else live.groups_by_id.get(resource)
        if known is not None:
            names.add(fold(known.name))
        return frozenset(names)

    def stated(self, kind: Kind, resource: str) -> DesiredResource | None:
        """Return the listed resource that states something under ``lifecycle`` and means this one."""
        found = self._stated.get((kind, resource))
        if found is not None:
            return found
        by_name = (self._stated_by_name.get((kind, name)) for name in sorted(self.names(kind, resource)))
        namesake = next((one for one in by_name if one is not None), None)
        # A live resource that is meant by another name is not this one. Of those that might be meant, each is.
        return None if namesake is None or (kind, resource) in self._meant else namesake

    @cached_property
    def _meant(self) -> frozenset[tuple[Kind, str]]:
        """The live resources of which it is certain which listed ones mean them."""
        return frozenset((pair.live.kind, pair.live.id) for pair in self._pairs if pair.live is not None)

    def protected(self, kind: Kind, resource: str) -> str | None:
        """Return what to change if a resource is to be taken away; ``None`` where nothing protects it."""
        stated = self.stated(kind, resource)
        if stated is not None and stated.lifecycle.protected:
            return f"remove `protected: true` at {stated.source.locate('lifecycle', 'protected')}"
        pattern = self._protected[kind].first(self.names(kind, resource))
        return None if pattern is None else f'take "{pattern}" out of `protect.{kind.lower()}s` in {WHERE}'

    def privileged(self, group: str) -> bool:
        """Tell whether every change of a group needs an allowance of its own."""
        stated = self.stated(Kind.GROUP, group)
        if stated is not None and stated.lifecycle.privileged:
            return True
        return self._privileged.first(self.names(Kind.GROUP, group)) is not None

    @property
    def names_privileged(self) -> bool:
        """Whether anything is privileged at all."""
        stated = (*self._stated.values(), *self._stated_by_name.values())
        return bool(self._privileged) or any(one.lifecycle.privileged for one in stated)

    @cached_property
    def break_glass(self) -> frozenset[str]:
        """The ids of the live users that are never to lose their account or a group."""
        return frozenset(one for ids in self.users_named(self._protection.break_glass).values() for one in ids)

    def users_named(self, names: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the ids of the live users that have one of these names, or are listed by it, by folded name."""
        found: dict[str, set[str]] = {fold(name): set() for name in names}
        if found:
            for user in self._context.live.users:
                found.get(fold(user.name), set()).add(user.id)
            for pair in self._pairs:
                if pair.live is not None and pair.live.kind is Kind.USER:
                    found.get(fold(pair.desired.name), set()).add(pair.live.id)
        return {name: frozenset(ids) for name, ids in found.items()}

    def minimum(self, group: str) -> Minimum | None:
        """Return how many members a group must have at least, or ``None`` where nothing says so."""
        return max(self._minima(group), default=None, key=lambda one: one.number)

    def _minima(self, group: str) -> Iterator[Minimum]:
        stated = self.stated(Kind.GROUP, group)
        if stated is not None and stated.lifecycle.min_members is not None:
            place = stated.source.locate("lifecycle", "min_members")
            yield Minimum(stated.lifecycle.min_members, f"lower `min_members` at {place}")
        names = self.names(Kind.GROUP, group)
        for name, number in self._protection.min_members.items():
            if fold(name) in names:
                yield Minimum(number, f'lower `protect.min_members` of "{name}" in {WHERE}')

    def required(self, group: str) -> dict[str, str]:
        """Return the userNames of who must be in a group, with what to change if one need not be there."""
        required: dict[str, str] = {}
        names = self.names(Kind.GROUP, group)
        for name, members in self._protection.required_members.items():
            if fold(name) in names:
                required |= dict.fromkeys(members, f'`protect.required_members` of "{name}" in {WHERE}')
        stated = self.stated(Kind.GROUP, group)
        if stated is not None and stated.lifecycle.required_members:
            place = stated.source.locate("lifecycle", "required_members")
            required |= dict.fromkeys(stated.lifecycle.required_members, f"`required_members` at {place}")
        return {member: f"take them out of {place}" for member, place in required.items()}

    def ruled_groups(self) -> Iterator[str]:
        """Yield the groups of which something says whom or how many they must have, live ones and created ones."""
        rules = {*map(fold, self._protection.min_members), *map(fold, self._protection.required_members)}
        known = self._context.live.groups_by_id
        created = [one for kind, one in self._names if kind is Kind.GROUP and one not in known]
        if not rules and not self._stated and not self._stated_by_name:
            return
        for group in (*known, *created):
            if self._states_rules(group) or (rules and not rules.isdisjoint(self.names(Kind.GROUP, group))):
                yield group

    def _states_rules(self, group: str) -> bool:
        stated = self.stated(Kind.GROUP, group)
        if stated is None:
            return False
        return stated.lifecycle.min_members is not None or bool(stated.lifecycle.required_members)

    def manages_members(self, group: str) -> bool:
        """Tell whether the files state who is in a group."""
        listed = self._listed_groups.get(group)
        if listed is None:
            by_name = (self._listed_by_name.get(name) for name in sorted(self.names(Kind.GROUP, group)))
            listed = next((one for one in by_name if one is not None), None)
        return listed is not None and listed.manages_members

    @cached_property
    def _listed_groups(self) -> dict[str, DesiredGroup]:
        """The listed groups by the id of the live ones that they mean."""
        return {
            pair.live.id: pair.desired
            for pair in self._pairs
            if pair.live is not None and isinstance(pair.desired, DesiredGroup)
        }

    @cached_property
    def _listed_by_name(self) -> dict[str, DesiredGroup]:
        return {fold(group.name): group for group in self._context.desired.groups}


class Patterns:
    """Patterns of names in which ``*`` and ``?`` alone are special: brackets are letters of names."""

    def __init__(self, patterns: Iterable[str]) -> None:
        letters = {"*": ".*", "?": "."}
        self._compiled = [
            (one, re.compile("".join(letters.get(letter) or re.escape(letter) for letter in fold(one)), re.DOTALL))
            for one in patterns
        ]

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def first(self, names: Collection[str]) -> str | None:
        """Return the first pattern, as written, that one of some folded names fits."""
        return next((one for one, compiled in self._compiled if any(map(compiled.fullmatch, names))), None)

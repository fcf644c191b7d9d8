"""Which live resource a listed one means: by id, externalId, name, previous name, in this order. Never by e-mail.

Every doubt is an error that names both sides: a wrong guess gives one person another person's account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias, TypeVar

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredGroup, DesiredResource, DesiredUser, LiveGroup, LiveResource, LiveUser

DesiredT = TypeVar("DesiredT", bound=DesiredResource)
LiveT = TypeVar("LiveT", bound=LiveResource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Generic[DesiredT, LiveT]):
    """A listed resource and the live one that it means, if there is one, and how that was found.

    ``predecessor`` is the live group of a previous name that a replacement has not deleted yet.
    """

    desired: DesiredT
    live: LiveT | None = None
    by: str | None = None
    predecessor: LiveT | None = None


AnyPair: TypeAlias = Pair[DesiredUser, LiveUser] | Pair[DesiredGroup, LiveGroup]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation(Generic[DesiredT, LiveT]):
    """Every listed resource with its live one, and the live ones that nobody listed.

    Attributes:
        pairs: in the order of the desired state.
        unlisted: live resources that no listed one means, in the order of the directory.
        problems: every ambiguity; a plan must not be made while there is one.
    """

    pairs: tuple[Pair[DesiredT, LiveT], ...]
    unlisted: tuple[LiveT, ...]
    problems: tuple[Diagnostic, ...]


@dataclass(slots=True)
class _Index(Generic[LiveT]):
    """Live resources by everything that may identify them."""

    by_id: dict[str, LiveT] = field(default_factory=dict)
    by_external_id: defaultdict[str, list[LiveT]] = field(default_factory=lambda: defaultdict(list))
    by_name: defaultdict[str, list[LiveT]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, live: Iterable[LiveT]) -> _Index[LiveT]:
        index = cls()
        for resource in live:
            index.by_id[resource.id] = resource
            index.by_name[fold(resource.name)].append(resource)
            if resource.external_id is not None:
                index.by_external_id[resource.external_id].append(resource)
        return index


class _Search(Generic[DesiredT, LiveT]):
    """Finds the live resource of each listed one, rule by rule: what a stronger rule found, no weaker one can claim.

    So a newcomer may take the name of somebody who is renamed in the same plan, and known by externalId.
    """

    def __init__(self, desired: Sequence[DesiredT], live: Iterable[LiveT], *, renamable: bool) -> None:
        self.index = _Index.of(live)
        self.claimed: dict[str, DesiredT] = {}
        self.problems: list[Diagnostic] = []
        self._desired = desired
        self._renamable = renamable
        self._pairs: list[Pair[DesiredT, LiveT] | None] = [None] * len(desired)

    def run(self) -> list[Pair[DesiredT, LiveT]]:
        """Return a pair for every listed resource, in their order."""
        for rule in (self._by_id, self._by_external_id, self._by_name, self._by_previous_name):
            # Claims of one rule count only for the next one, so that the order of the files decides nothing.
            stronger = frozenset(self.claimed)
            for position, resource in enumerate(self._desired):
                if self._pairs[position] is None:
                    self._pairs[position] = rule(resource, stronger)
        return [pair or Pair(desired=resource) for pair, resource in zip(self._pairs, self._desired, strict=True)]

    def _by_id(self, desired: DesiredT, _stronger: frozenset[str]) -> Pair[DesiredT, LiveT] | None:
        if desired.id is None:
            return None
        found = self.index.by_id.get(desired.id)
        if found is not None:
            return self._claim(desired, found, "id")
        self.problems.append(
            Diagnostic(
                code="unknown-id",
                message=f"{desired.address} states id {desired.id!r}, and the directory has no such {desired.kind}",
                origin=desired.source.locate("id"),
                hint="remove the id to find the resource by externalId or name, or to create it",
            )
        )
        return Pair(desired=desired)

    def _by_external_id(self, desired: DesiredT, _stronger: frozenset[str]) -> Pair[DesiredT, LiveT] | None:
        if desired.external_id is None:
            return None
        found = self.index.by_external_id.get(desired.external_id, [])
        if len(found) == 2 and not self._renamable:
            # A replacement that stopped half-way: old and new carry the same externalId.
            successors = [live for live in found if fold(live.name) == fold(desired.name)]
            if len(successors) == 1:
                pair = self._claim(desired, successors[0], "externalId")
                predecessor = next(live for live in found if live is not successors[0])
                self._claim(desired, predecessor, "externalId")
                return replace(pair, predecessor=predecessor)
        return self._only(desired, found, "externalId")

    def _by_name(self, desired: DesiredT, stronger: frozenset[str]) -> Pair[DesiredT, LiveT] | None:
        found = [live for live in self.index.by_name.get(fold(desired.name), []) if live.id not in stronger]
        return self._only(desired, found, desired.kind.naming_attribute)

    def _by_previous_name(self, desired: DesiredT, _stronger: frozenset[str]) -> Pair[DesiredT, LiveT] | None:
        for previous in desired.lifecycle.previously:
            pair = self._only(desired, self.index.by_name.get(fold(previous), []), "previously")
            if pair is not None:
                return pair
        return None

    def _only(self, desired: DesiredT, found: Sequence[LiveT], by: str) -> Pair[DesiredT, LiveT] | None:
        if len(found) > 1:
            self.problems.append(_several(desired, by, found))
            return Pair(desired=desired)
        return self._claim(desired, found[0], by) if found else None

    def _claim(self, desired: DesiredT, live: LiveT, by: str) -> Pair[DesiredT, LiveT]:
        rival = self.claimed.setdefault(live.id, desired)
        if rival is not desired:
            self.problems.append(_claimed_twice(live, rival, desired))
        return Pair(desired=desired, live=live, by=by)


def correlate(
    desired: Sequence[DesiredT], live: Sequence[LiveT], *, renamable: bool = True
) -> Correlation[DesiredT, LiveT]:
    """Find the live resource that each listed one means. Pure; a listed resource without one is to be created.

    Args:
        desired: the listed resources of one kind.
        live: the live ones of the same kind.
        renamable: whether the directory can rename them. Where not, old and new stand side by side during a
            replacement, so a previous name that is live too is no contradiction.
    """
    search = _Search(desired, live, renamable=renamable)
    pairs = search.run()
    index, claimed = search.index, search.claimed
    if not renamable:
        pairs = [_with_predecessor(pair, index, claimed, search.problems) for pair in pairs]
    problems = (*search.problems, *_names_taken(pairs, index, claimed))
    unlisted = tuple(resource for resource in live if resource.id not in claimed)
    return Correlation(pairs=tuple(pairs), unlisted=unlisted, problems=problems)


def _with_predecessor(
    pair: Pair[DesiredT, LiveT], index: _Index[LiveT], claimed: dict[str, DesiredT], problems: list[Diagnostic]
) -> Pair[DesiredT, LiveT]:
    """Find the old group of a replacement that stopped half-way; one that has not begun has none yet."""
    desired, live = pair.desired, pair.live
    if live is None or pair.predecessor is not None or fold(live.name) != fold(desired.name):
        return pair
    named = (holder for previous in desired.lifecycle.previously for holder in index.by_name.get(fold(previous), []))
    holders = {holder.id: holder for holder in named if claimed.get(holder.id, desired) is desired}
    holders.pop(live.id, None)
    if not holders:
        return pair
    if len(holders) > 1 and pair.by == "id":
        # Found by anything but its id, the others are told by _names_taken.
        problems.append(_several_predecessors(desired, tuple(holders.values())))
    predecessor = next(iter(holders.values()))
    claimed[predecessor.id] = desired
    return replace(pair, predecessor=predecessor)


def _names_taken(
    pairs: Iterable[Pair[DesiredT, LiveT]], index: _Index[LiveT], claimed: dict[str, DesiredT]
) -> Iterable[Diagnostic]:
    """Find listed resources whose name or previous name belongs, in the directory, to somebody else.

    A name whose live holder is listed too is no error here: the holder is renamed away first, or
    :mod:`reconciler.planning.names` says that it is not. An id tells apart those who share a name already.
    """
    for pair in pairs:
        if pair.live is None:
            continue
        for name in _names_in_doubt(pair):
            for holder in index.by_name.get(fold(name), []):
                if holder.id != pair.live.id and holder.id not in claimed:
                    yield _conflict(pair.desired, pair.live, pair.by, holder)


def _names_in_doubt(pair: Pair[DesiredT, LiveT]) -> tuple[str, ...]:
    desired, live = pair.desired, pair.live
    if pair.by != "id":
        return (desired.name, *desired.lifecycle.previously)
    return (desired.name,) if live is not None and fold(live.name) != fold(desired.name) else ()


def _describe(live: LiveResource) -> str:
    external_id = f", externalId {live.external_id!r}" if live.external_id else ""
    return f"{live.name!r} (id {live.id}{external_id})"


def _several(desired: DesiredResource, by: str, found: Sequence[LiveResource]) -> Diagnostic:
    return Diagnostic(
        code="ambiguous",
        message=f"{desired.address} may mean {len(found)} live resources, found by {by}: "
        + " and ".join(_describe(live) for live in sorted(found, key=lambda live: live.id)[:3]),
        origin=desired.source.locate(),
        hint="state the id of the one that is meant",
    )


def _several_predecessors(desired: DesiredResource, found: Sequence[LiveResource]) -> Diagnostic:
    return Diagnostic(
        code="ambiguous",
        message=f"{desired.address} may replace {len(found)} live resources, found by previously: "
        + " and ".join(_describe(live) for live in sorted(found, key=lambda live: live.id)[:3]),
        origin=desired.source.locate("lifecycle", "previously"),
        hint="take names out of previously until only the one that it replaces is left, or rename the others",
    )


def _claimed_twice(live: LiveResource, first: DesiredResource, second: DesiredResource) -> Diagnostic:
    return Diagnostic(
        code="claimed-twice",
        message=f"{first.address} ({first.source.locate()}) and {second.address} mean the same live resource "
        f"{_describe(live)}",
        origin=second.source.locate(),
        hint="remove one of the two, or state ids",
    )


def _conflict(desired: DesiredResource, live: LiveResource, by: str | None, holder: LiveResource) -> Diagnostic:
    return Diagnostic(
        code="name-taken",
        message=f"{desired.address} means {_describe(live)} by {by}, and one of its names belongs to another live "
        f"resource, {_describe(holder)}",
        origin=desired.source.locate(),
        hint="state the id of the one that is meant, or list the other one too",
    )

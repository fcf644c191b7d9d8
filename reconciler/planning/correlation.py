"""Which live resource a listed one means: by id, externalId, name, previous name, in this order. Never by e-mail.

Every doubt is an error that names both sides: a wrong guess gives one person another person's account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredResource, LiveResource

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

    def candidates(self, desired: DesiredResource) -> Iterable[tuple[str, Sequence[LiveT]]]:
        """Yield how and what each rule finds, strongest rule first."""
        if desired.id is not None:
            yield "id", [self.by_id[desired.id]] if desired.id in self.by_id else []
            return
        if desired.external_id is not None:
            yield "externalId", self.by_external_id.get(desired.external_id, [])
        yield desired.kind.naming_attribute, self.by_name.get(fold(desired.name), [])
        for previous in desired.lifecycle.previously:
            yield "previously", self.by_name.get(fold(previous), [])


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
    index = _Index.of(live)
    problems: list[Diagnostic] = []
    pairs: list[Pair[DesiredT, LiveT]] = []
    claimed: dict[str, DesiredT] = {}
    for resource in desired:
        pair = _find(resource, index, problems)
        if pair.live is not None:
            rival = claimed.setdefault(pair.live.id, resource)
            if rival is not resource:
                problems.append(_claimed_twice(pair.live, rival, resource))
        pairs.append(pair)
    if not renamable:
        pairs = [_with_predecessor(pair, index, claimed) for pair in pairs]
    problems.extend(_names_taken(pairs, index, claimed))
    unlisted = tuple(resource for resource in live if resource.id not in claimed)
    return Correlation(pairs=tuple(pairs), unlisted=unlisted, problems=tuple(problems))


def _find(desired: DesiredT, index: _Index[LiveT], problems: list[Diagnostic]) -> Pair[DesiredT, LiveT]:
    for by, found in index.candidates(desired):
        if len(found) > 1:
            problems.append(_several(desired, by, found))
            return Pair(desired=desired)
        if found:
            return Pair(desired=desired, live=found[0], by=by)
    if desired.id is not None:
        problems.append(
            Diagnostic(
                code="unknown-id",
                message=f"{desired.address} states id {desired.id!r}, and the directory has no such {desired.kind}",
                origin=desired.source.locate("id"),
                hint="remove the id to find the resource by externalId or name, or to create it",
            )
        )
    return Pair(desired=desired)


def _with_predecessor(
    pair: Pair[DesiredT, LiveT], index: _Index[LiveT], claimed: dict[str, DesiredT]
) -> Pair[DesiredT, LiveT]:
    if pair.live is None:
        return pair
    for previous in pair.desired.lifecycle.previously:
        for holder in index.by_name.get(fold(previous), []):
            if claimed.setdefault(holder.id, pair.desired) is pair.desired and holder.id != pair.live.id:
                return replace(pair, predecessor=holder)
    return pair


def _names_taken(
    pairs: Iterable[Pair[DesiredT, LiveT]], index: _Index[LiveT], claimed: dict[str, DesiredT]
) -> Iterable[Diagnostic]:
    """Find listed resources whose name or previous name belongs, in the directory, to somebody else.

    A name whose live holder is listed under another name is no error: the holder is renamed away first.
    """
    for pair in pairs:
        if pair.live is None:
            continue
        names = (pair.desired.name, *pair.desired.lifecycle.previously)
        for name in names:
            for holder in index.by_name.get(fold(name), []):
                if holder.id != pair.live.id and holder.id not in claimed:
                    yield _conflict(pair.desired, pair.live, pair.by, holder)


def _describe(live: LiveResource) -> str:
    external_id = f", externalId {live.external_id!r}" if live.external_id else ""
    return f"{live.name!r} (id {live.id}{external_id})"


def _several(desired: DesiredResource, by: str, found: Sequence[LiveResource]) -> Diagnostic:
    return Diagnostic(
        code="ambiguous",
        message=f"{desired.address} may mean {len(found)} live resources, found by {by}: "
        + " and ".join(_describe(live) for live in found[:3]),
        origin=desired.source.locate(),
        hint="state the id of the one that is meant",
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

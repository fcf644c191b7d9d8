"""Groups inside groups: no group may come to hold itself, neither by the files nor for a moment during an apply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import Kind, LiveGroup
from reconciler.planning.context import Context
from reconciler.planning.groups import Target
from reconciler.planning.plan import Edge


def innermost_first(context: Context, targets: Iterable[Target]) -> tuple[str, ...]:
    """Return the folded names of groups that hold groups or are held by them, each behind the ones that it holds.

    Where the directory nests groups itself, what no file states counts too: the members that it has for groups that
    nobody lists or fills. Empty where a line of the files would make groups hold each other, which is reported.
    """
    listed = {fold(target.desired.name): target for target in targets}
    members = {name: {*_stated(target)} for name, target in listed.items()}
    found = _Found(context, listed) if context.capabilities.nested_groups else None
    if found is not None:
        for name, held in found.members():
            members.setdefault(name, set()).update(held)
    while True:
        try:
            return tuple(TopologicalSorter(members).static_order())
        except CycleError as error:
            cycle = list(reversed(error.args[1]))
            stated = [edge for edge in pairwise(cycle) if edge[0] in listed and edge[1] in _stated(listed[edge[0]])]
            if any(found is None or not found.holds(*edge) for edge in stated):
                _report(context, listed, cycle)
                return ()
            # A circle that the directory has already, and that no line of the files closes, is not ours.
            members[cycle[0]].discard(cycle[1])


def _stated(target: Target) -> Iterator[str]:
    return (fold(member.name) for member in target.desired.members or () if member.kind is Kind.GROUP)


def _report(context: Context, listed: Mapping[str, Target], cycle: Sequence[str]) -> None:
    names = [listed[name].desired.name if name in listed else name for name in cycle]
    stating = next(listed[name] for name in cycle if name in listed)
    context.findings.problems.append(
        Diagnostic(
            code="group-cycle",
            message=f"groups are members of themselves: {' → '.join(names)}",
            origin=stating.desired.source.locate("members"),
        )
    )


class _Found:
    """The nesting that the directory has and that a plan leaves as it is."""

    def __init__(self, context: Context, listed: Mapping[str, Target]) -> None:
        self._context = context
        self._listed = listed
        self._groups = context.live.groups_by_id
        self._names = {target.live.id: name for name, target in listed.items() if target.live is not None}

    def members(self) -> Iterator[tuple[str, set[str]]]:
        """Yield by name of a group the names of the groups that it goes on holding."""
        for live in self._context.live.groups:
            if live.id not in self._names:
                yield self._name(live.id), {self._name(member) for member in self._held(live)}
        for name, target in self._listed.items():
            held = (
                member for live in (target.live, target.replaced) if live is not None for member in self._held(live)
            )
            manages = target.desired.manages_members
            yield name, {self._name(one) for one in held if not (manages and self._context.in_scope(self._groups[one]))}

    def holds(self, name: str, inner: str) -> bool:
        """Tell whether a listed group already has another group as a member."""
        live = self._listed[name].live
        return live is not None and inner in map(self._name, self._held(live))

    def _held(self, live: LiveGroup) -> Iterator[str]:
        return (member for member in live.members or () if member in self._groups)

    def _name(self, group_id: str) -> str:
        name = fold(self._groups[group_id].name)
        shared = name in self._listed or self._context.bearers(Kind.GROUP, self._groups[group_id].name) > 1
        return self._names.get(group_id) or (f"{name} (id {group_id})" if shared else name)


class Nesting(NamedTuple):
    """One group as a member of another, each by its id, or by its address where the plan creates it."""

    group: str
    member: str


def nestings(target: Target, edges: Iterable[Edge]) -> Iterator[Nesting]:
    """Yield the groups among the members of a group."""
    group = target.live.id if target.live else target.desired.address
    return (Nesting(group, edge.id or edge.address) for edge in edges if edge.kind is Kind.GROUP)


def waits(context: Context, added: Collection[Nesting], removed: Collection[Nesting]) -> dict[Nesting, list[Nesting]]:
    """Return the nestings that would close a circle while the plan is applied, with the removals that open it.

    Access is granted before it is taken, but a group that holds another one cannot be put into it: that has to wait.
    """
    if not added or not removed:
        return {}
    holds = defaultdict[str, set[str]](set)
    held_by = defaultdict[str, set[str]](set)
    groups = context.live.groups_by_id
    live = (
        Nesting(group.id, member) for group in groups.values() for member in group.members or () if member in groups
    )
    for nesting in (*live, *added):
        holds[nesting.group].add(nesting.member)
        held_by[nesting.member].add(nesting.group)
    waiting: dict[Nesting, list[Nesting]] = {}
    for nesting in added:
        below = reached(nesting.member, holds)
        if nesting.group in below:
            above = reached(nesting.group, held_by)
            waiting[nesting] = [one for one in removed if one.group in below and one.member in above]
    return waiting


def live_holders(context: Context) -> Mapping[str, Collection[str]]:
    """Return by id of a live group the ids of the groups that it is a member of."""
    held_by = defaultdict[str, set[str]](set)
    for nesting in _live(context):
        held_by[nesting.member].add(nesting.group)
    return held_by


def _live(context: Context) -> Iterator[Nesting]:
    groups = context.live.groups_by_id
    return (
        Nesting(group.id, member) for group in groups.values() for member in group.members or () if member in groups
    )


def reached(start: str, ways: Mapping[str, Collection[str]]) -> set[str]:
    """Return where one comes from a start by any number of ways, itself included."""
    found, pending = {start}, [start]
    while pending:
        further = set(ways.get(pending.pop(), ())) - found
        found |= further
        pending.extend(further)
    return found

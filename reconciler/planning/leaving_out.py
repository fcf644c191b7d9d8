"""Leaving steps out of a plan without breaking what is left: what needs a step that is left out is left out too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.planning.plan import Action, Edge, LeftOut, Reason, Step

Key: TypeAlias = tuple[Kind, str, str]
"""What a resource is known by inside one plan: its id, or its folded name where the plan creates it."""
WhyStep: TypeAlias = Callable[[Step], str | None]
WhyEdge: TypeAlias = Callable[[Step, Edge], str | None]


def key(kind: Kind, resource_id: str | None, name: str) -> Key:
    """Return what a resource is known by: of a step, of a member, or of a listed or live one."""
    return (kind, resource_id, "") if resource_id is not None else (kind, "", fold(name))


def key_of(one: Step) -> Key:
    """Return the key of the resource that a step changes."""
    return key(one.kind, one.resource_id, one.name)


class Parted(NamedTuple):
    """A plan's steps in two parts.

    Attributes:
        kept: the steps that stay, in their order, some with fewer memberships. Each stands with all that it needs.
        dropped: the steps of which nothing stays, as they were.
        left_out: what to tell of everything that does not stay, in the order of the steps.
    """

    kept: tuple[Step, ...]
    dropped: tuple[Step, ...]
    left_out: tuple[LeftOut, ...]


def leave_out(steps: Sequence[Step], why_step: WhyStep, why_edge: WhyEdge) -> Parted:
    """Take steps and memberships out of a plan.

    The replacement of a group stays whole or goes whole: half of it would cost members their access.

    Args:
        steps: in the order of a plan: each comes behind what it needs.
        why_step: returns why a step that is not about memberships has to go, or ``None`` where it may stay.
        why_edge: the same for one membership of a step.
    """
    sieve = _Sieve(steps)
    for step in steps:
        if step.members:
            for position, edge in enumerate(step.members):
                sieve.take(step, why_edge(step, edge), position)
        else:
            sieve.take(step, why_step(step))
    sieve.settle()
    return sieve.parted()


class _Sieve:
    """Knows of every step, membership by membership, why it has to go. A step without memberships is one part."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._whys: dict[str, list[str | None]] = {step.id: [None] * (len(step.members) or 1) for step in steps}
        self._incomplete: set[str] = set()
        """Ids of the steps that stay in part or not at all: nothing that needs one of them can stay."""
        created = {key_of(step): step.id for step in steps if step.action is Action.CREATE}
        self._new_members = [
            (step, position, created[member])
            for step in steps
            for position, edge in enumerate(step.members)
            if edge.id is None and (member := key(edge.kind, None, edge.name)) in created
        ]
        self._replacements = [*_replacements(steps)]

    def take(self, step: Step, why: str | None, position: int | None = None) -> bool:
        """Take a step out, or one of its memberships; tell whether it was still there."""
        if why is None:
            return False
        whys = self._whys[step.id]
        taken = False
        for part in range(len(whys)) if position is None else (position,):
            if whys[part] is None:
                whys[part], taken = why, True
        if taken:
            self._incomplete.add(step.id)
        return taken

    def settle(self) -> None:
        """Take out everything that cannot stay without what is out already."""
        going = bool(self._incomplete)
        while going:
            # Each pass ends with as much as the one before or with more, and no part comes back.
            going = any([*self._without_need(), *self._without_member(), *self._broken_replacements()])

    def _without_need(self) -> Iterator[bool]:
        for step in self._steps:
            missing = next((need for need in step.needs if need in self._incomplete), None)
            if missing is not None:
                yield self.take(step, _needs(missing))

    def _without_member(self) -> Iterator[bool]:
        for step, position, creation in self._new_members:
            if creation in self._incomplete:
                yield self.take(step, _needs(creation), position)

    def _broken_replacements(self) -> Iterator[bool]:
        for replacement in self._replacements:
            missing = next((step.id for step in replacement.steps if step.id in self._incomplete), None)
            if missing is None:
                missing = next(
                    (step.id for step, position in replacement.places if self._whys[step.id][position] is not None),
                    None,
                )
            if missing is not None:
                for step in replacement.steps:
                    # What is left of a step that lost some of its memberships goes for the same reason as those.
                    own = next(filter(None, self._whys[step.id]), None) if step.id == missing else None
                    yield self.take(step, own or _needs(missing))

    def parted(self) -> Parted:
        """Return what stays and what goes."""
        kept: list[Step] = []
        dropped: list[Step] = []
        left_out: list[LeftOut] = []
        for step in self._steps:
            whys = self._whys[step.id]
            gone = Counter(why for why in whys if why is not None)
            if gone.total() == len(whys):
                dropped.append(step)
            elif gone:
                staying = (edge for edge, why in zip(step.members, whys, strict=True) if why is None)
                kept.append(msgspec.structs.replace(step, members=tuple(staying)))
            else:
                kept.append(step)
            for why, number in gone.items():
                left_out.append(LeftOut(step=step.id, why=why, members=number if number < len(whys) else 0))
        return Parted(tuple(kept), tuple(dropped), tuple(left_out))


class _Replacement(NamedTuple):
    """What belongs together where a group is replaced under another name.

    Attributes:
        steps: all that is done to the old group and to the new one.
        places: where the new group becomes a member of others: those lose it with the old one.
    """

    steps: tuple[Step, ...]
    places: tuple[tuple[Step, int], ...]


def _replacements(steps: Iterable[Step]) -> Iterator[_Replacement]:
    deletions = [step for step in steps if step.action is Action.DELETE and step.reason is Reason.REPLACED]
    if not deletions:
        return
    by_id = {step.id: step for step in steps}
    of_resource = defaultdict[Key, list[Step]](list)
    places = defaultdict[str, list[tuple[Step, int]]](list)
    for step in steps:
        of_resource[key_of(step)].append(step)
        if step.action is Action.ADD_MEMBERS:
            for position, edge in enumerate(step.members):
                if edge.kind is Kind.GROUP:
                    places[fold(edge.name)].append((step, position))
    for deletion in deletions:
        successors = {key_of(by_id[need]) for need in deletion.needs if need in by_id}
        made = [step for successor in sorted(successors) for step in of_resource[successor]]
        yield _Replacement((*made, deletion), tuple(places[fold(deletion.replaces or "")]))


def _needs(step_id: str) -> str:
    return f"needs “{step_id}”"

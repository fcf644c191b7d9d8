"""The order of a plan and its chunks: access is granted before it is taken, and nothing runs before what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from typing import Final

import msgspec

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import Kind
from reconciler.planning.plan import Action, Step

_PHASES: Final = (
    (Kind.USER, (Action.CREATE, Action.UPDATE, Action.REACTIVATE)),
    (Kind.GROUP, (Action.CREATE, Action.UPDATE)),
    (Kind.GROUP, (Action.ADD_MEMBERS,)),
    (Kind.GROUP, (Action.REMOVE_MEMBERS,)),
    (Kind.USER, (Action.DEACTIVATE,)),
    (Kind.GROUP, (Action.DELETE,)),
    (Kind.USER, (Action.DELETE,)),
)
_PHASE_OF: Final = {(kind, action): number for number, (kind, actions) in enumerate(_PHASES) for action in actions}
_AFTER_REMOVALS: Final = _PHASE_OF[Kind.GROUP, Action.REMOVE_MEMBERS] + 0.5
_GRANTING: Final = _PHASE_OF[Kind.USER, Action.CREATE]
_GRANTED: Final = frozenset(range(_PHASE_OF[Kind.GROUP, Action.ADD_MEMBERS] + 1))
"""The phases that give access. None of them takes anything away, so that they may be in one chunk."""
_AFTER_DELETIONS: Final = len(_PHASES)
_CHANGES: Final = frozenset({Action.UPDATE, Action.REACTIVATE, Action.DEACTIVATE})
_POSITIONS: Final = {action: position for position, action in enumerate(Action)}


CANARY: Final = 10
"""Steps of the first chunk at most, where nobody says otherwise."""


def phase(step: Step) -> float:
    """Return the position of a step's phase in the order of a plan, from 0.

    Additions that have to wait for a removal have one of their own, behind all removals. So have changes that wait for
    a deletion, at the end: who gets back the name of a resource that goes.
    """
    if step.action in _CHANGES and any(need.startswith(f"{Action.DELETE} ") for need in step.needs):
        return _AFTER_DELETIONS
    if step.action is Action.ADD_MEMBERS and any(need.startswith(f"{Action.REMOVE_MEMBERS} ") for need in step.needs):
        return _AFTER_REMOVALS
    return _PHASE_OF[step.kind, step.action]


def place(kind: Kind, action: Action, name: str, resource_id: str | None) -> tuple[float, int, str, str, str]:
    """Return what things that are done to resources are sorted by, in the order of a plan."""
    return _PHASE_OF[kind, action], _POSITIONS[action], fold(name), name, resource_id or ""


def arrange(
    steps: Iterable[Step], *, chunk_size: int, canary: int = CANARY, problems: list[Diagnostic], bulk: bool = False
) -> tuple[Step, ...]:
    """Return the steps in the order of a plan, with the numbers of their chunks.

    A chunk holds consecutive steps of one phase that do not need each other. Steps of the same resource stay in
    order inside a chunk: they are carried out one after the other. The batches of one group stay as they come.

    Args:
        steps: in any order; their chunks are not looked at.
        chunk_size: steps in one chunk, at most.
        canary: steps in the first chunk, at most: what would go wrong with all of them goes wrong with few.
        problems: told of renames that wait for each other.
        bulk: whether creations and the additions that need them may be in one chunk, because one bulk request can
            hold both (RFC 7644 §3.7.2). The order of the steps is the same.
    """
    ordered = sorted(steps, key=lambda step: (phase(step), *place(step.kind, step.action, step.name, step.resource_id)))
    # A step only ever needs steps of an earlier phase or of its own.
    settled = [
        step for _, of_one_phase in groupby(ordered, phase) for step in _after_needs(list(of_one_phase), problems)
    ]
    return chunked(settled, chunk_size=chunk_size, canary=canary, bulk=bulk)


def _after_needs(steps: Sequence[Step], problems: list[Diagnostic]) -> Iterator[Step]:
    """Move steps of one phase behind what they need: first all that need nothing here, then what needs only those.

    In such layers, and not each step as late as it must be, so that a thousand renames make two chunks and not many.
    """
    by_id = {step.id: step for step in steps}
    needs = {step.id: [need for need in step.needs if need in by_id] for step in steps}
    if not any(needs.values()):
        yield from steps
        return
    position = {step.id: number for number, step in enumerate(steps)}
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = ", ".join(sorted({by_id[step_id].address for step_id in error.args[1]}))
        problems.append(
            Diagnostic(
                code="name-cycle",
                message=f"these renames wait for each other: {cycle}",
                hint="rename one of them to a free name first, apply, and then do the rest",
            )
        )
        return
    while sorter.is_active():
        layer = sorted(sorter.get_ready(), key=position.__getitem__)
        yield from (by_id[step_id] for step_id in layer)
        sorter.done(*layer)


def chunked(steps: Iterable[Step], *, chunk_size: int, canary: int = CANARY, bulk: bool = False) -> tuple[Step, ...]:
    """Return steps that are in order with the numbers of their chunks; for the arguments see :func:`arrange`."""
    return tuple(_chunked(steps, chunk_size, min(canary, chunk_size), bulk=bulk))


def renumbered(steps: Iterable[Step], *, canary: int = CANARY) -> tuple[Step, ...]:
    """Return some of a plan's steps with chunks that are numbered from 1, the first no larger than ``canary``.

    What was apart stays apart: a step may need one of an earlier chunk.
    """
    number, counted, before = 0, 0, 0
    found = []
    for step in steps:
        if step.chunk != before or (number == 1 and counted >= canary):
            number, counted = number + 1, 0
        before, counted = step.chunk, counted + 1
        found.append(msgspec.structs.replace(step, chunk=number))
    return tuple(found)


def _chunked(steps: Iterable[Step], chunk_size: int, canary: int, *, bulk: bool) -> Iterator[Step]:
    number = 0
    current: set[str] = set()
    created: set[str] = set()
    current_phase = -1.0
    for step in steps:
        its_phase = _GRANTING if bulk and phase(step) in _GRANTED else phase(step)
        waits_for = current.intersection(step.needs)
        if bulk and step.action is Action.ADD_MEMBERS:
            # The creation of a group and its first members are carried out one after the other, as it is one resource.
            waits_for -= created
        full = len(current) >= (canary if number == 1 else chunk_size)
        if its_phase != current_phase or full or waits_for:
            number += 1
            current, created = set(), set()
            current_phase = its_phase
        current.add(step.id)
        if step.action is Action.CREATE:
            created.add(step.id)
        yield msgspec.structs.replace(step, chunk=number)

"""The order of a plan and its chunks: access is granted before it is taken, and nothing runs before what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import Kind
from reconciler.planning.plan import Action, Step

_PHASES: tuple[tuple[Kind, frozenset[Action]], ...] = (
    (Kind.USER, frozenset({Action.CREATE, Action.UPDATE, Action.REACTIVATE})),
    (Kind.GROUP, frozenset({Action.CREATE, Action.UPDATE})),
    (Kind.GROUP, frozenset({Action.ADD_MEMBERS})),
    (Kind.GROUP, frozenset({Action.REMOVE_MEMBERS})),
    (Kind.USER, frozenset({Action.DEACTIVATE})),
    (Kind.GROUP, frozenset({Action.DELETE})),
    (Kind.USER, frozenset({Action.DELETE})),
)


def phase(step: Step) -> int:
    """Return the position of a step's phase in the order of a plan, from 0."""
    return next(
        number for number, (kind, actions) in enumerate(_PHASES) if step.kind is kind and step.action in actions
    )


def arrange(steps: Iterable[Step], *, chunk_size: int, problems: list[Diagnostic]) -> tuple[Step, ...]:
    """Return the steps in the order of a plan, with unique ids and the numbers of their chunks.

    A chunk holds consecutive steps of one phase that do not need each other. Steps of the same resource stay in
    order inside a chunk: they are carried out one after the other.
    """
    actions = list(Action)
    ordered = sorted(
        _with_name_releases(_with_unique_ids(steps)),
        key=lambda step: (phase(step), actions.index(step.action), fold(step.name), step.name, _part(step)),
    )
    return tuple(_chunked(_after_needs(ordered, problems), chunk_size))


def _part(step: Step) -> tuple[int, str]:
    """Order the batches of one group by number: ``… 2/12`` comes before ``… 10/12``."""
    last = step.id.rpartition(" ")[2]
    number = last.partition("/")[0]
    return (int(number) if number.isdecimal() and "/" in last else 0, step.id)


def _with_unique_ids(steps: Iterable[Step]) -> Iterator[Step]:
    """Two live resources may share a name where the directory allows it: their steps are told apart by id."""
    seen: set[str] = set()
    for step in steps:
        unique = step if step.id not in seen else msgspec.structs.replace(step, id=f"{step.id} ({step.resource_id})")
        seen.add(unique.id)
        yield unique


def _with_name_releases(steps: Iterable[Step]) -> Sequence[Step]:
    """Make a step that takes a name wait for the step that renames the live holder of that name away."""
    listed = list(steps)
    releases: dict[tuple[Kind, str], Step] = {}
    takes: dict[str, tuple[Kind, str]] = {}
    for step in listed:
        for change in step.changes:
            if change.path == step.kind.naming_attribute and isinstance(change.after, str):
                takes[step.id] = (step.kind, fold(change.after))
                if isinstance(change.before, str):
                    releases[(step.kind, fold(change.before))] = step
    return [_waiting_for(step, releases.get(takes[step.id])) if step.id in takes else step for step in listed]


def _waiting_for(step: Step, release: Step | None) -> Step:
    if release is None or release.id == step.id:
        return step
    return msgspec.structs.replace(step, needs=(*step.needs, release.id))


def _after_needs(ordered: Sequence[Step], problems: list[Diagnostic]) -> Iterator[Step]:
    """Move steps behind what they need, leaving everything else where it is."""
    present = {step.id for step in ordered}
    placed: set[str] = set()
    waiting = list(ordered)
    while waiting:
        held_back: list[Step] = []
        for step in waiting:
            if all(need in placed or need not in present for need in step.needs):
                placed.add(step.id)
                yield step
            else:
                held_back.append(step)
        if len(held_back) == len(waiting):
            problems.append(
                Diagnostic(
                    code="name-cycle",
                    message="these renames wait for each other: " + ", ".join(step.address for step in held_back),
                    hint="rename one of them to a free name first, apply, and then do the rest",
                )
            )
            return
        waiting = held_back


def _chunked(steps: Iterable[Step], chunk_size: int) -> Iterator[Step]:
    number = 0
    current: set[str] = set()
    current_phase = -1
    for step in steps:
        if phase(step) != current_phase or len(current) >= chunk_size or not current.isdisjoint(step.needs):
            number += 1
            current = set()
            current_phase = phase(step)
        current.add(step.id)
        yield msgspec.structs.replace(step, chunk=number)

"""Names that an undo gives back: freed before they are taken, or left where somebody else has them now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.attributes import fold
from reconciler.model import LiveResource
from reconciler.planning.plan import Change, Step
from reconciler.planning.undo.attributes import Draft
from reconciler.planning.undo.today import Today


def settle_names(today: Today, drafted: Iterable[Draft], deletions: Mapping[str, Step]) -> list[Draft]:
    """Return the drafts that can be written, each with the steps that free the name that it takes.

    Args:
        today: the directory.
        drafted: what is to be written.
        deletions: the steps that delete what the run created, by the id of that. Mostly access is given before it is
            taken; a resource that gets back the name of one that the run made has to wait until that one is gone.
    """
    drafts = {draft.live.id: draft for draft in drafted}
    while held := _held(today, drafts, deletions):
        for draft, holder in held:
            change = _naming(draft)
            today.remarks.cannot_undo(f"{draft.live.address} keeps its name: its old one is that of {holder.address}")
            others = [other for other in draft.changes if other is not change]
            drafts[draft.live.id] = replace(draft, changes=others)
    waits = {draft.live.id: _frees(today, draft, drafts, deletions) for draft in drafts.values()}
    return [
        replace(draft, needs=tuple(_needs(today, draft.live.id, waits, drafts, deletions)))
        for draft in drafts.values()
        if draft.changes
    ]


def _naming(draft: Draft) -> Change | None:
    return next((change for change in draft.changes if change.path == draft.live.kind.naming_attribute), None)


def _holders(today: Today, draft: Draft) -> Iterator[LiveResource]:
    """Yield who has the name now that a draft gives back, where two cannot have the same."""
    change = _naming(draft)
    kind = draft.live.kind
    if change is None or not isinstance(change.after, str) or not today.context.capabilities.unique(kind, change.path):
        return
    yield from (live for live in today.named(kind, change.after) if live.id != draft.live.id)


def _held(today: Today, drafts: Mapping[str, Draft], deletions: Mapping[str, Step]) -> list[tuple[Draft, LiveResource]]:
    """Return the drafts that take a name whose holder keeps it."""
    freed = {*deletions, *(resource_id for resource_id, draft in drafts.items() if _gives_up(draft))}
    return [
        (draft, holder)
        for draft in drafts.values()
        for holder in [next((one for one in _holders(today, draft) if one.id not in freed), None)]
        if holder is not None
    ]


def _gives_up(draft: Draft) -> bool:
    change = _naming(draft)
    return change is not None and fold(str(change.after)) != fold(draft.live.name)


def _frees(today: Today, draft: Draft, drafts: Mapping[str, Draft], deletions: Mapping[str, Step]) -> Sequence[str]:
    """Return the ids of the resources that have to give up the name first."""
    return [one.id for one in _holders(today, draft) if one.id in drafts or one.id in deletions]


def _needs(
    today: Today,
    resource_id: str,
    waits: Mapping[str, Sequence[str]],
    drafts: Mapping[str, Draft],
    deletions: Mapping[str, Step],
) -> Iterator[str]:
    """Yield the steps that a draft waits for, and the deletions that those wait for: they are all late then."""
    for holder in waits[resource_id]:
        if holder in drafts:
            yield drafts[holder].id(today)
    pending, seen = list(waits[resource_id]), {resource_id}
    while pending:
        holder = pending.pop()
        if holder in deletions:
            yield deletions[holder].id
        if holder not in seen:
            seen.add(holder)
            pending.extend(waits.get(holder, ()))

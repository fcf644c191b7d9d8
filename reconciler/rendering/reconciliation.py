"""What became of a run without a person, for people and for programs. The plan itself is shown before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from reconciler.applying.outcome import Status
from reconciler.planning import Plan
from reconciler.rendering.escape import safe
from reconciler.rendering.results import render_result
from reconciler.rendering.style import ANSI, PLAIN
from reconciler.rendering.words import counted

if TYPE_CHECKING:
    from reconciler.api.reconciling import Reconciliation


def render_approval(plan: Plan, approved: Plan, kinds: Collection[str]) -> str:
    """Return how much of a plan goes without a person, in a line that ends in a newline; nothing where it is empty.

    Args:
        plan: all of it.
        approved: the part that is approved.
        kinds: what ``auto_approve`` lists.
    """
    if not plan.steps or plan.refusals:
        return ""
    told = ", ".join(kinds) if kinds else "nothing"
    return f"\nApproved: {len(approved.steps):,} of {counted(len(plan.steps), 'step')} (auto_approve: {told}).\n\n"


def render_reconciliation(found: Reconciliation, *, color: bool, full: bool = False) -> str:
    """Return what became of a run: its outcomes, what waits for a person, and the numbers in the last line.

    Args:
        found: the run.
        color: whether to use ANSI sequences.
        full: name every step.

    Returns:
        Lines that end in a newline. The last one has a fixed form: ``Reconciled: N applied, N not applied, N waiting.``
        or ``Reconciled: refused, nothing was written.``
    """
    palette = ANSI if color else PLAIN
    text = ""
    if found.result is not None and found.approved.steps:
        text = f"{render_result(found.result, color=color, full=full)}\n"
    lines = [*_waiting(found)]
    told = [f"{palette.paint(palette.strong, 'Waiting for a person:')} {line}" for line in lines[:1]]
    told += [f"  {line}" for line in lines[1:]]
    told += [f"{palette.paint(palette.change, '!')} {safe(warning)}" for warning in found.warnings]
    return text + "\n".join([*told, *([""] if told else []), reconciliation_line(found)]) + "\n"


def reconciliation_document(found: Reconciliation) -> dict[str, Any]:
    """Return what became of a run as a JSON object, beside what was planned and the outcomes of its steps."""
    pending = found.pending
    return {
        "refused": found.refused,
        "approved": {"steps": len(found.approved.steps), "summary": _numbers(found.approved)},
        "pending": None
        if pending is None
        else {
            "file": None if found.saved is None else str(found.saved),
            "digest": pending.digest,
            "steps": len(pending.steps),
            "summary": _numbers(pending),
            "refused": bool(pending.refusals),
        },
        "removed": None if found.removed is None else str(found.removed),
        "warnings": list(found.warnings),
    }


def _waiting(found: Reconciliation) -> Iterator[str]:
    pending = found.pending
    if pending is None:
        if found.removed is not None:
            yield f"nothing any more; {safe(str(found.removed))} was deleted."
        return
    if found.refused:
        yield "the plan that the guards refuse."
    else:
        yield f"{_in_words(pending)}."
        if pending.refusals:
            names = ", ".join(dict.fromkeys(verdict.guard for verdict in pending.refusals))
            yield f"By itself it is refused by {safe(names)}: make it again with `reconciler plan`."


def reconciliation_line(found: Reconciliation) -> str:
    """Return what became of a run in numbers: the last line of :func:`render_reconciliation`."""
    if found.result is None:
        return "Reconciled: refused, nothing was written."
    counts = found.result.counts
    applied = counts[Status.APPLIED]
    waiting = 0 if found.pending is None else len(found.pending.steps)
    return f"Reconciled: {applied} applied, {sum(counts.values()) - applied} not applied, {waiting} waiting."


def _in_words(plan: Plan) -> str:
    """Return what a plan does, without what it does not."""
    words = {"add_members": "memberships to add", "remove_members": "memberships to remove"}
    counts = _numbers(plan).items()
    return ", ".join(f"{count:,} {words.get(name, f'to {name}')}" for name, count in counts if count)


def _numbers(plan: Plan) -> dict[str, int]:
    return {name: getattr(plan.summary, name) for name in plan.summary.__struct_fields__}

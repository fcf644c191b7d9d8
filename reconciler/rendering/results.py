"""What became of a plan, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from reconciler.applying.outcome import Outcome, RunResult, Status
from reconciler.rendering.escape import label, safe, shorten
from reconciler.rendering.style import ANSI, PLAIN, Palette
from reconciler.rendering.words import counted

_SHOWN = 20
_LONGEST_MESSAGE = 500

_TITLES: Mapping[Status, str] = MappingProxyType(
    {
        Status.FAILED: "Failed",
        Status.DIFFERS: "Accepted, and not what was written",
        Status.STALE: "Stale: the directory is not any more what was planned from",
        Status.SKIPPED: "Skipped",
        Status.NOT_TRIED: "Not tried",
    }
)
"""What is listed by name, in this order."""


def render_result(result: RunResult, *, color: bool, full: bool = False) -> str:
    """Return what became of a plan: steps that were not applied by name, why the run stopped, and the numbers.

    Args:
        result: what apply returned.
        color: whether to use ANSI sequences.
        full: name every step. Otherwise at most 20 of each status are named, and applied ones only counted.

    Returns:
        Lines that end in a newline. The last one has a fixed form: ``Applied: N applied, N differ, N failed, N stale,
        N skipped, N not tried.``
    """
    palette = ANSI if color else PLAIN
    titles = {Status.APPLIED: "Applied", **_TITLES} if full else _TITLES
    lines: list[str] = []
    for status, title in titles.items():
        outcomes = [outcome for outcome in result.outcomes if outcome.status is status]
        if outcomes:
            lines += [palette.paint(palette.strong, f"{title} ({counted(len(outcomes), 'step')}):")]
            lines += [*_named(outcomes if full else outcomes[:_SHOWN], palette)]
            lines += [f"  … and {len(outcomes) - _SHOWN:,} more"] if len(outcomes) > _SHOWN and not full else []
            lines += [""]
    if result.stopped is not None:
        lines += [f"{palette.paint(palette.change, 'Stopped:')} {safe(result.stopped)}", ""]
    lines.append(result_line(result))
    return "\n".join(lines) + "\n"


def _named(outcomes: list[Outcome], palette: Palette) -> Iterator[str]:
    for outcome in outcomes:
        applied = outcome.status is Status.APPLIED
        sign = palette.paint(palette.create if applied else palette.remove, "✓" if applied else "✗")
        step = outcome.step
        what = f"{step.action.value.replace('_', ' ')} {step.kind.value.lower()} {label(step.name)}"
        members = f" ({counted(len(step.members), 'membership')})" if step.members else ""
        message = f": {safe(shorten(outcome.message, _LONGEST_MESSAGE))}" if outcome.message else ""
        yield f"  {sign} {what}{members}{message}"


def result_line(result: RunResult) -> str:
    """Return what became of a plan in numbers: the last line of :func:`render_result`."""
    counts = result.counts
    return (
        f"Applied: {counts[Status.APPLIED]} applied, {counts[Status.DIFFERS]} differ, {counts[Status.FAILED]} failed, "
        f"{counts[Status.STALE]} stale, {counts[Status.SKIPPED]} skipped, {counts[Status.NOT_TRIED]} not tried."
    )


def result_document(result: RunResult) -> dict[str, Any]:
    """Return what became of a plan as a JSON object: the run, the numbers by status, and each step's outcome."""
    return {
        "run": result.run_id,
        "stopped": result.stopped,
        "counts": {status.value: count for status, count in result.counts.items()},
        "outcomes": [_outcome(outcome) for outcome in result.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    facts = {
        "message": outcome.message,
        "resource_id": outcome.resource_id,
        "http_status": outcome.http_status,
        "requests": outcome.requests,
    }
    return {"step": outcome.step.id, "status": outcome.status.value} | {
        name: value for name, value in facts.items() if value not in ("", None)
    }

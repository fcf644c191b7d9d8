"""Recorded runs, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.model import utc
from reconciler.planning import Plan, Step
from reconciler.rendering.escape import columns, label, pad, safe, shorten
from reconciler.rendering.style import Palette, Style
from reconciler.rendering.waiting import left_out_amounts
from reconciler.rendering.words import counted
from reconciler.store.records import Actor, RunRecord, RunStatus, StepRecord

if TYPE_CHECKING:
    from reconciler.api.history import RunDetails, RunOverview

_SHOWN = 20
_LONGEST = 300
"""Characters of a message, of a reason and of a step's id."""
_HEADINGS = ("RUN", "STARTED", "DIRECTORY", "COMMAND", "BY", "STATUS", "STEPS")

_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "trying": "Tried, and nobody knows yet whether it was applied",
        "failed": "Failed",
        "differs": "Accepted, and not what was written",
        "stale": "Stale: the directory was not any more what was planned from",
        "skipped": "Skipped",
        "not_tried": "Not tried",
        "applied": "Applied",
    }
)
"""The states of steps, in the order in which a person wants to know of them."""

_COUNTED = ("applied", "differs", "failed", "stale", "skipped", "trying", "not_tried")
"""The same in the order in which they are counted, which is that of the last line of an apply."""


def render_runs(found: Sequence[RunOverview], *, color: bool, limit: int) -> str:
    """Return runs as a table, and how many there are in the last line.

    Args:
        found: the runs, the newest first.
        color: whether to use ANSI sequences.
        limit: how many were asked for: there may be more.
    """
    if not found:
        return "No runs.\n"
    palette = Style.fitting(color=color, full=False, width=None).palette
    rows = [_HEADINGS, *(_row(one) for one in found)]
    # Most stores serve one directory.
    shown = [
        column
        for column, heading in enumerate(_HEADINGS)
        if heading != "DIRECTORY" or len({one.run.directory for one in found}) > 1
    ]
    widths = {column: max(columns(row[column]) for row in rows) for column in shown}
    lines = ["  ".join(pad(_HEADINGS[column], widths[column]) for column in shown).rstrip()]
    lines[0] = palette.paint(palette.strong, lines[0])
    for row, one in zip(rows[1:], found, strict=True):
        cells = [
            _painted(pad(row[column], widths[column]), one.run, palette, dead=one.dead)
            if _HEADINGS[column] == "STATUS"
            else pad(row[column], widths[column])
            for column in shown
        ]
        lines.append("  ".join(cells).rstrip())
    more = " There may be more (--limit)." if len(found) == limit else ""
    return "\n".join([*lines, "", f"{counted(len(found), 'run')}.{more}"]) + "\n"


def render_run(found: RunDetails, *, color: bool, full: bool = False) -> str:
    """Return one run as text: who, when, why, what it was to do, and the steps that it did not do.

    Args:
        found: all that is known of it.
        color: whether to use ANSI sequences.
        full: name all steps, applied ones too. Otherwise at most 20 of each state are named, and applied ones only
            counted.

    Returns:
        Lines that end in a newline. The last one has the number of steps in each state.
    """
    style = Style.fitting(color=color, full=full, width=None)
    palette = style.palette
    lines = [
        f"{palette.paint(palette.strong, f'{name}:')}{' ' * (11 - len(name))}{fact}"
        for name, fact in _facts(found, palette)
    ]
    lines.append("")
    known = {step.id: step for step in found.plan.steps} if found.plan else {}
    for state, title in _TITLES.items():
        chosen = [line for line in found.steps if line.state == state]
        if chosen and (full or state != "applied"):
            lines += [palette.paint(palette.strong, f"{title} ({counted(len(chosen), 'step')}):")]
            lines += [_step(line, known.get(line.step), palette) for line in (chosen if full else chosen[:_SHOWN])]
            if len(chosen) > _SHOWN and not full:
                lines += [palette.paint(palette.dim, f"  … {len(chosen) - _SHOWN:,} more (--full shows all)")]
            lines += [""]
    return "\n".join([*lines, f"Steps: {_tally(_states(found.steps)) or 'none'}."]) + "\n"


def runs_document(found: Sequence[RunOverview]) -> dict[str, Any]:
    """Return runs as a JSON object."""
    return {"runs": [run_facts(one.run, dead=one.dead) for one in found]}


def run_document(found: RunDetails) -> dict[str, Any]:
    """Return one run as a JSON object, with its whole ledger."""
    plan = found.plan
    return {
        **run_facts(found.run, dead=found.dead),
        "resumed_by": list(found.resumed_by),
        "undone_by": list(found.undone_by),
        "resumable": found.resumable,
        "undoable": found.undoable,
        "plan": None if plan is None else _plan_facts(plan),
        "damage": found.damage,
        "ledger": [_line(line) for line in found.steps],
    }


def run_facts(run: RunRecord, *, dead: bool) -> dict[str, Any]:
    """Return what was recorded of a run as a JSON object."""
    return {
        "id": run.id,
        "directory": run.directory,
        "name": run.name,
        "command": run.command,
        "status": run.status.value,
        "dead": dead,
        "started": utc(run.started),
        "ended": None if run.ended is None else utc(run.ended),
        "actor": {name: value for name, value in asdict(run.actor).items() if value not in (None, "", 0)},
        "reason": run.reason,
        "resumes": run.resumes,
        "undoes": run.undoes,
        "plan_digest": run.plan_digest,
        "steps": run.steps,
        "counts": dict(run.counts),
        "stopped": run.stopped,
    }


def _plan_facts(plan: Plan) -> dict[str, Any]:
    return {
        "as_of": plan.as_of,
        "commit": plan.desired.commit,
        "summary": str(plan.summary),
        "only": list(plan.only),
        "exclude": list(plan.exclude),
        "allowances": [{"allowance": one.allowance, "reason": one.reason} for one in plan.allowances],
        "left_out": len(plan.left_out),
    }


def _line(line: StepRecord) -> dict[str, Any]:
    facts = {
        "message": line.message,
        "resource_id": line.resource_id,
        "http_status": line.http_status,
        "request_id": line.request_id,
        "tried": _moment(line.tried),
        "finished": _moment(line.finished),
    }
    told = {name: value for name, value in facts.items() if value not in (None, "")}
    return {"number": line.number, "step": line.step, "state": line.state, "requests": line.requests} | told


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else utc(moment)


def _row(one: RunOverview) -> tuple[str, ...]:
    run = one.run
    counts = _tally(run.counts) or ("none" if not run.steps else f"{run.steps:,} planned")
    by = _by(run.actor)
    return safe(run.id), utc(run.started), label(run.name), safe(run.command), by, _status(run, dead=one.dead), counts


def _status(run: RunRecord, *, dead: bool) -> str:
    return "dead" if dead else run.status.value


def _painted(text: str, run: RunRecord, palette: Palette, *, dead: bool) -> str:
    if dead or run.status in (RunStatus.INTERRUPTED, RunStatus.PARTLY, RunStatus.STOPPED):
        return palette.paint(palette.change, text)
    return palette.paint(palette.create, text) if run.status is RunStatus.COMPLETE else text


def _by(actor: Actor) -> str:
    name = actor.ci_actor or actor.user
    place = f" on {label(shorten(actor.host, 40))}" if actor.host else ""
    return f"{label(shorten(name, 40)) if name else 'somebody'}{place}"


def _states(steps: Sequence[StepRecord]) -> Mapping[str, int]:
    counts = Counter(line.state for line in steps)
    return {state: counts[state] for state in _TITLES if counts[state]}


def _tally(counts: Mapping[str, int]) -> str:
    words = {"trying": "unknown", "differs": "differ"}
    known = [state for state in _COUNTED if counts.get(state)]
    return ", ".join(f"{counts[state]:,} {words.get(state, state.replace('_', ' '))}" for state in known)


def _facts(found: RunDetails, palette: Palette) -> Iterator[tuple[str, str]]:
    run, actor = found.run, found.run.actor
    yield "Run", safe(run.id)
    yield "Directory", f"{label(run.name)} at {safe(run.directory)}"
    yield "Command", safe(run.command)
    yield "Status", _painted(_status(run, dead=found.dead), run, palette, dead=found.dead) + _why_so(found)
    yield "Started", utc(run.started)
    if run.ended is not None:
        yield "Ended", utc(run.ended)
    yield "By", _by(actor) + (f", process {actor.pid}" if actor.pid else "")
    if actor.ci:
        yield "Job", safe(f"{actor.ci} {actor.ci_job or ''}".strip())
    yield from _why(found)
    for name, runs in (
        ("Resumes", (run.resumes,) if run.resumes else ()),
        ("Resumed by", found.resumed_by),
        ("Undoes", (run.undoes,) if run.undoes else ()),
        ("Undone by", found.undone_by),
    ):
        if runs:
            yield name, safe(", ".join(runs))
    yield from _planned(found)


def _why_so(found: RunDetails) -> str:
    if found.dead:
        return ": its process died, and the next run will record so"
    if found.holder is not None:
        return f": process {found.holder.pid} on {safe(found.holder.host or 'an unknown machine')} holds the lock"
    return f": {safe(shorten(found.run.stopped, _LONGEST))}" if found.run.stopped else ""


def _why(found: RunDetails) -> Iterator[tuple[str, str]]:
    run, actor = found.run, found.run.actor
    commit = actor.commit or (found.plan.desired.commit if found.plan else None)
    if commit:
        yield "Commit", safe(commit) + (f" by {safe(actor.author)}" if actor.author else "")
    if run.reason:
        ticket = f" ({safe(actor.ticket)})" if actor.ticket and actor.ticket not in run.reason else ""
        yield "Reason", f"{safe(shorten(run.reason, _LONGEST))}{ticket}"


def _planned(found: RunDetails) -> Iterator[tuple[str, str]]:
    plan = found.plan
    if plan is None:
        yield "Plan", f"not intact: {safe(found.damage or '')}"
        return
    yield "As of", safe(plan.as_of)
    for name, texts in (("Only", plan.only), ("Exclude", plan.exclude)):
        if texts:
            yield name, safe(", ".join(texts))
    for allowed in plan.allowances:
        yield "Allowed", safe(f"{allowed.allowance}: {shorten(allowed.reason, _LONGEST)}")
    if plan.left_out:
        yield "Left out", left_out_amounts(plan.left_out)
    yield "Plan", safe(str(plan.summary).removeprefix("Plan: "))


def _step(line: StepRecord, step: Step | None, palette: Palette) -> str:
    applied = line.state == "applied"
    sign = palette.paint(palette.create if applied else palette.remove, "✓" if applied else "✗")
    unknown = line.state in ("trying", "not_tried")
    sign = palette.paint(palette.change, "?") if line.state == "trying" else "·" if unknown else sign
    members = f" ({counted(len(step.members), 'membership')})" if step is not None and step.members else ""
    message = f": {safe(shorten(line.message, _LONGEST))}" if line.message else ""
    return f"  {sign} {safe(shorten(line.step, _LONGEST))}{members}{message}"

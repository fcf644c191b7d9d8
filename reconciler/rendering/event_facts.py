"""From what happened to the event that tells it, with a sentence for a person. Nothing here prints or asks the time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler._version import TOOL
from reconciler.applying.outcome import ApplyEvent, Outcome, Status
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Kind, Live
from reconciler.planning.plan import Note, Plan, Step, Verdict
from reconciler.rendering.escape import label, safe, shorten
from reconciler.rendering.events import (
    FORMAT,
    ChunkComplete,
    DiagnosticEvent,
    Event,
    GuardEvent,
    PlanFacts,
    PlannedStep,
    ReadComplete,
    ReadStart,
    StepApplied,
    StepFailed,
    StepSkipped,
    StepStarted,
    Throttled,
    Version,
)
from reconciler.rendering.refusals import refusal
from reconciler.rendering.words import counted, reason_of_step
from reconciler.scim.retry import ThrottleEvent

_LONGEST_NAME = 200
_LONGEST_WHY = 500


def version(command: str | None, *, time: str) -> Version:
    """Return the first line."""
    message = f"{TOOL} {safe(command or '')}".rstrip()
    return Version(time=time, message=message, format=FORMAT, tool=TOOL, command=command)


def read_start(directory: str, *, time: str) -> ReadStart:
    """Return that the directory of this name is going to be read."""
    return ReadStart(time=time, message=f"Reading {_named(directory)}.", directory=directory)


def read_complete(directory: str, live: Live, seconds: float, *, time: str) -> ReadComplete:
    """Return what was read of a directory, and what that cost."""
    cost = live.statistics
    sizes = f"{counted(len(live.users), 'user')} and {counted(len(live.groups), 'group')}"
    return ReadComplete(
        time=time,
        message=f"Read {sizes} of {_named(directory)} in {counted(cost.requests, 'request')}.",
        directory=directory,
        users=len(live.users),
        groups=len(live.groups),
        memberships=sum(len(group.members or ()) for group in live.groups),
        requests=cost.requests,
        bytes=cost.bytes,
        seconds=round(seconds, 3),
        partial=tuple(kind for kind in Kind if kind in live.partial),
    )


def diagnostic(found: Diagnostic, *, time: str) -> DiagnosticEvent:
    """Return a problem of the files, of the directory or of the run."""
    origin = found.origin
    return DiagnosticEvent(
        time=time,
        message=safe(" ".join(found.message.split("\n"))),
        severity=found.severity,
        code=found.code,
        file=origin.file if origin else None,
        line=origin.line if origin else None,
        column=origin.column if origin else None,
        hint=found.hint,
        text=found.text,
    )


def note(found: Note, *, time: str) -> DiagnosticEvent:
    """Return what a plan notes for its reviewers."""
    file, _, line = (found.origin or "").rpartition(":")
    placed = bool(file) and line.isascii() and line.isdecimal()
    return DiagnosticEvent(
        time=time,
        message=safe(" ".join(found.message.split("\n"))),
        severity=Severity(found.severity),
        code=found.code,
        file=file if placed else found.origin,
        line=int(line) if placed else None,
    )


def planned_step(step: Step, *, waiting: int = 0, time: str) -> PlannedStep:
    """Return a step of a plan.

    Args:
        step: the step.
        waiting: how much of it waits for a person.
        time: when.
    """
    return PlannedStep(
        time=time,
        message=f"{_what(step)} ({reason_of_step(step)})",
        step=step.id,
        action=step.action,
        kind=step.kind,
        name=step.name,
        chunk=step.chunk,
        change_kinds=step.change_kinds,
        waiting=waiting,
        planned=step,
    )


def guard(verdict: Verdict, *, time: str) -> GuardEvent:
    """Return what a guard says of a plan."""
    if not verdict.passed:
        message = f"{safe(verdict.guard)} refuses the plan: {refusal(verdict)}"
    elif verdict.allowed_by is not None:
        message = f"{safe(verdict.guard)} is allowed for this plan ({_cut(verdict.allowed_by)}): {refusal(verdict)}"
    else:
        message = f"{safe(verdict.guard)} passes: {verdict.number:,} counted; the limit is {safe(verdict.limit)}"
    return GuardEvent(time=time, message=message, guard=verdict.guard, passed=verdict.passed, verdict=verdict)


def waits(step: Step, *, time: str) -> StepSkipped:
    """Return the end of a step that waits for a person, all of it."""
    return StepSkipped(
        time=time,
        message=f"{_what(step)}: waits for a person",
        step=step.id,
        action=step.action,
        kind=step.kind,
        name=step.name,
        chunk=step.chunk,
        status="waiting",
    )


def of_apply(event: ApplyEvent, *, time: str) -> Event | None:
    """Return what tells something that happened during an apply; ``None`` for the start of a chunk, which none does.

    Args:
        event: what ``on_event`` of :func:`reconciler.apply` is given.
        time: when it happened: RFC 3339, in UTC, with milliseconds.
    """
    if event.type == "chunk_completed":
        done = f"{event.done:,} of {counted(event.total, 'step')} done"
        return ChunkComplete(
            time=time,
            message=f"Chunk {event.chunk:,} of {event.chunks:,} is complete, {done}.",
            run=event.run_id,
            chunk=event.chunk,
            chunks=event.chunks,
            done=event.done,
            total=event.total,
        )
    if event.outcome is not None:
        return _ended(event.outcome, event.run_id, recorded=event.recorded, time=time)
    if event.step is not None:
        return _started(event.step, event.run_id, time=time)
    return None


def throttled(event: ThrottleEvent, *, time: str) -> Throttled:
    """Return that a request has to wait."""
    why = "cannot be reached" if event.status is None else f"answered {event.status}"
    request = f"{safe(event.method)} {_cut(event.path)}"
    return Throttled(
        time=time,
        message=f"{request}: the server {why}; trying again in {event.wait:.1f} s.",
        method=event.method,
        path=event.path,
        status=event.status,
        attempt=event.attempt,
        seconds=round(event.wait, 3),
    )


def plan_facts(plan: Plan) -> PlanFacts:
    """Return what the last line says of a plan."""
    return PlanFacts(
        digest=plan.digest,
        directory=plan.directory.name,
        steps=len(plan.steps),
        summary=plan.summary,
        refusals=len(plan.refusals),
        left_out=len(plan.left_out),
        pending=len(plan.pending),
        since=plan.since,
    )


def refused_by(verdicts: Iterable[Verdict]) -> str:
    """Return who refuses a plan, as a sentence."""
    names = ", ".join(dict.fromkeys(safe(verdict.guard) for verdict in verdicts))
    return f"The plan is refused by {names}. Nothing was written."


def _started(step: Step, run: str, *, time: str) -> StepStarted:
    return StepStarted(
        time=time,
        message=f"{_what(step)}: started",
        step=step.id,
        action=step.action,
        kind=step.kind,
        name=step.name,
        chunk=step.chunk,
        run=run,
    )


def _ended(outcome: Outcome, run: str, *, recorded: bool, time: str) -> StepApplied | StepFailed | StepSkipped:
    step, status = outcome.step, outcome.status
    why = f" ({_cut(outcome.message)})" if outcome.message else ""
    message = f"{_what(step)}: {status.replace('_', ' ')}{why}"
    facts: dict[str, Any] = {
        "time": time,
        "message": message,
        "step": step.id,
        "action": step.action,
        "kind": step.kind,
        "name": step.name,
        "chunk": step.chunk,
        "run": run,
        "why": outcome.message,
        "resource_id": outcome.resource_id,
        "http_status": outcome.http_status,
        "requests": outcome.requests,
        "request_id": outcome.request_id,
        "differing": tuple(dict.fromkeys(difference.path for difference in outcome.differences)),
        "recorded": recorded,
    }
    match status:
        case Status.APPLIED | Status.DIFFERS:
            return StepApplied(status="applied" if status is Status.APPLIED else "differs", **facts)
        case Status.FAILED | Status.STALE:
            return StepFailed(status="failed" if status is Status.FAILED else "stale", **facts)
        case Status.SKIPPED | Status.NOT_TRIED:
            return StepSkipped(status="skipped" if status is Status.SKIPPED else "not_tried", **facts)


def _what(step: Step) -> str:
    action = step.action.replace("_", " ")
    members = f" ({counted(len(step.members), 'membership')})" if step.members else ""
    return f"{action} {step.kind.lower()} {_named(step.name)}{members}"


def _named(name: str) -> str:
    return label(shorten(name, _LONGEST_NAME))


def _cut(text: str) -> str:
    return safe(shorten(text, _LONGEST_WHY))

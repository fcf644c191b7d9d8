"""What commands that write to a directory have in common: the lock, progress, how it ended, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import click

from reconciler import api
from reconciler.applying import ApplyEvent, RunResult, Status, StopSignal
from reconciler.cli.durations import DurationType
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.interrupts import giving_back, stopping_in_order
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import tell_throttle
from reconciler.config import DirectoryConfig
from reconciler.durations import format_duration
from reconciler.model import utc
from reconciler.planning import Plan
from reconciler.rendering import json_document, safe
from reconciler.rendering.escape import label
from reconciler.rendering.results import render_result, result_document, result_line
from reconciler.scim.retry import ThrottleEvent
from reconciler.store import LockHolder, Store, StoreError

_AT_ONCE = timedelta(0)

lock_timeout_option = click.option(
    "--lock-timeout",
    type=DurationType(),
    metavar="DURATION",
    help="Wait so long for another run on the same directory (30s, 15m) instead of ending at once.",
)
"""Gives ``lock_timeout``: the length of time, or ``None``."""


class Work(Protocol):
    """A call of :mod:`reconciler.api` that carries something out."""

    def __call__(
        self,
        *,
        on_event: Callable[[ApplyEvent], None] | None = None,
        on_throttle: Callable[[ThrottleEvent], None] | None = None,
        stop: StopSignal | None = None,
    ) -> RunResult:
        """Do it, and return what became of it."""


@contextmanager
def holding(terminal: Terminal, config: DirectoryConfig, lock_timeout: timedelta | None) -> Iterator[api.Hold]:
    """Open the store and hold the directory's lock. Whoever waits for it is told for whom."""
    wait = lock_timeout or _AT_ONCE

    def on_wait(holder: LockHolder) -> None:
        tell_waiting(terminal, holder, wait)

    with giving_back(), api.hold(config, terminal.workspace, lock_timeout=wait, on_wait=on_wait) as hold:
        yield hold


def tell_waiting(terminal: Terminal, holder: LockHolder, wait: timedelta) -> None:
    """Say for whom a command waits, and for how long it will at most."""
    locked = f"{holder.directory} is locked by {holder} since {utc(holder.since)}"
    waiting = f"; waiting for it, for up to {format_duration(wait)} …"
    terminal.tell(safe(locked) + waiting)
    if terminal.stream is not None:
        terminal.stream.remark("lock-wait", locked + waiting)


def show_plan(terminal: Terminal, planned: Plan, show: Callable[[Plan], str]) -> None:
    """Show a plan before anything is written; the one document of ``--json`` has it at the end."""
    if terminal.stream is not None:
        terminal.stream.plan(planned)
    elif not terminal.json:
        terminal.result(show(planned))


def carry_out(terminal: Terminal, planned: Plan, work: Work) -> RunResult:
    """Carry out a plan with progress; the first Ctrl-C ends it in order."""
    if not planned.steps:
        # It is recorded, and no request is sent.
        return work()
    stop = StopSignal()
    with Progress(terminal, f"Applying to {label(planned.directory.name)}") as progress, stopping_in_order(stop):

        def on_event(event: ApplyEvent) -> None:
            chunk = f"{event.done:,} of {event.total:,} steps, chunk {event.chunk} of {event.chunks}"
            progress.update(event.done, event.total, chunk)
            if terminal.stream is not None:
                terminal.stream.apply_event(event)

        return work(on_event=on_event, on_throttle=lambda event: tell_throttle(event, progress, terminal), stop=stop)


def approved(planned: Plan) -> bool:
    """Ask the person at the terminal whether a plan that was shown is to be applied."""
    question = f"\nApply this plan to {label(planned.directory.name)}? Only 'yes' is accepted"
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer == "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the store has of a run that has just ended.

    Attributes:
        resumes: the run that it went on with.
        audit_head: the hash of its last event in the audit.
    """

    resumes: str | None
    audit_head: str | None


def record_of(terminal: Terminal, result: RunResult, store: Store) -> Record | None:
    """Return what was recorded of a run; ``None``, and a warning, where the store cannot be read any more."""
    from reconciler.store.audit_trail import Question

    try:
        last = store.audit.latest(Question(run_id=result.run_id), limit=1)
        return Record(resumes=store.run(result.run_id).resumes, audit_head=last[-1].hash if last else None)
    except StoreError as error:
        terminal.complain(f"warning: {safe(str(error))}")
        if terminal.stream is not None:
            terminal.stream.warning("store", str(error))
        return None


def tell_record(terminal: Terminal, result: RunResult, record: Record | None) -> None:
    """Say where the run is recorded, and how to go on where it did not apply everything."""
    if record is not None:
        terminal.tell(f"The run is recorded: {terminal.command_line('runs', 'show', result.run_id)}")
        terminal.tell(f"Audit head: {record.audit_head}")
    ways = tuple(ways_on(terminal, result))
    for line in ways:
        terminal.tell(line)
    if not ways and result.counts[Status.APPLIED]:
        terminal.hint(f"To take it back: {terminal.command_line('undo', result.run_id)}")


def tell_end(
    terminal: Terminal, planned: Plan, result: RunResult, store: Store, *, full: bool, shown: bool = True
) -> ExitCode:
    """Tell how a run ended, and return its exit code.

    Args:
        terminal: where it is told.
        planned: what was carried out.
        result: what became of it.
        store: with the record of it.
        full: whether every step is named.
        shown: whether the plan was shown, with the line that says that it is empty.
    """
    if terminal.stream is not None:
        record = record_of(terminal, result, store)
        terminal.stream.result(result, record, result_line(result) if planned.steps else str(planned.summary))
    elif terminal.json:
        record = record_of(terminal, result, store)
        terminal.result(json_document({**plan_facts(planned), "result": outcome_document(result, record)}))
    else:
        if planned.steps:
            terminal.result(render_result(result, color=terminal.color, full=full))
        elif not shown:
            terminal.result(f"{planned.summary}\n")
        record = record_of(terminal, result, store)
    tell_record(terminal, result, record)
    return exit_code_of(result)


def plan_facts(planned: Plan) -> dict[str, Any]:
    """Return what a document says of the plan that a command was about, beside what became of it."""
    summary = planned.summary
    return {
        "plan": {
            "digest": planned.digest,
            "directory": planned.directory.name,
            "summary": {name: getattr(summary, name) for name in summary.__struct_fields__},
            "refusals": [
                {"guard": verdict.guard, "subject": verdict.subject, "number": verdict.number, "limit": verdict.limit}
                for verdict in planned.refusals
            ],
        }
    }


def ways_on(terminal: Terminal, result: RunResult) -> Iterator[str]:
    """Yield what somebody can do next where not everything was applied; nothing where it was."""
    counts, again = result.counts, terminal.command_line("plan")
    if any(counts[status] for status in (Status.FAILED, Status.SKIPPED, Status.NOT_TRIED)):
        when = "When what failed is put right, go on" if counts[Status.FAILED] else "Go on"
        yield f"{when} with what is left: {terminal.command_line('apply', '--resume', result.run_id)}"
        yield f"Or see what that is by now: {again}"
    elif counts[Status.STALE]:
        yield f"Somebody has changed what is stale since it was planned. Plan again: {again}"
    elif counts[Status.DIFFERS]:
        yield f"What differs is remembered, and not written in vain again. To see where it stands: {again}"


def outcome_document(result: RunResult, record: Record | None) -> dict[str, Any]:
    """Return a run, what became of each step, and what is recorded of it, as a JSON object."""
    return result_document(result) | {
        "breaker": result.breaker,
        "resumes": record.resumes if record else None,
        "audit_head": record.audit_head if record else None,
    }


def exit_code_of(result: RunResult) -> ExitCode:
    """Return the exit code of a run: how it ended, at its worst."""
    if result.by_user:
        return ExitCode.STOPPED
    statuses = {status for status, count in result.counts.items() if count}
    if statuses <= {Status.APPLIED}:
        # Nothing was left to do when it stopped: what failed is the record of it.
        return ExitCode.DONE if result.stopped is None else ExitCode.ERROR
    # What needs a stale step is skipped: then nothing but staleness went wrong.
    if Status.STALE in statuses and statuses <= {Status.APPLIED, Status.STALE, Status.SKIPPED}:
        return ExitCode.STALE
    if result.breaker:
        return ExitCode.PARTLY
    nothing_written = statuses.isdisjoint({Status.APPLIED, Status.DIFFERS})
    return ExitCode.ERROR if nothing_written and result.stopped is not None else ExitCode.PARTLY

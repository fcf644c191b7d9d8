"""``reconciler reconcile``."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from reconciler import api
from reconciler.api.history import existing_store
from reconciler.api.reconciling import PENDING_PLAN, Reconciliation, reconcile
from reconciler.applying import ApplyEvent, StopSignal
from reconciler.cli.applying import (
    Record,
    exit_code_of,
    lock_timeout_option,
    outcome_document,
    plan_facts,
    record_of,
    tell_record,
    tell_waiting,
)
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.interrupts import giving_back, stopping_in_order
from reconciler.cli.options import PlanningOptions, full_option, left_out_option, some_planning_options
from reconciler.cli.parameters import PathType
from reconciler.cli.progress import Progress
from reconciler.cli.saving import require_folder
from reconciler.cli.stream_option import json_stream_option
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import load_workspace, read_directory, tell_throttle
from reconciler.desired import Loaded
from reconciler.live import Wanted
from reconciler.model import Desired, Live
from reconciler.planning import Plan
from reconciler.rendering import json_document
from reconciler.rendering.escape import label
from reconciler.rendering.reconciliation import (
    reconciliation_document,
    reconciliation_line,
    render_approval,
    render_reconciliation,
)
from reconciler.scim.retry import ThrottleEvent

if TYPE_CHECKING:
    from reconciler.cli.streaming import EventStream


@click.command(
    "reconcile",
    cls=Command,
    examples=(
        "reconciler reconcile                       # a nightly job",
        "reconciler reconcile --lock-timeout 15m    # after whoever writes now",
        "reconciler reconcile -o /var/acme.plan     # what waits for a person",
        "reconciler reconcile --exclude group:team-core",
    ),
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help=f"Where the plan of what waits for a person is saved; {PENDING_PLAN.as_posix()} of the workspace if left out.",
)
@lock_timeout_option
@some_planning_options("only", "exclude", "reason")
@left_out_option
@full_option
@json_stream_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    output: Path | None,
    lock_timeout: timedelta | None,
    options: PlanningOptions,
    left_out: bool,
    full: bool,
) -> ExitCode:
    """Plan and apply without a person, as far as the policy allows.

    Plans, lets the guards judge the whole plan, and applies those kinds of change that `reconcile.auto_approve` of
    directory.yaml lists: none, unless it says otherwise. What is left waits for a person in a saved plan. Asks nothing.

    The exit code is 0 where nothing waits, 2 where something does, 3 where a guard refused and nothing was written, 4
    where somebody else changed meanwhile what was approved, and 5 where it was applied in part.
    """
    require_folder(output)
    with giving_back(), _Watcher(terminal, full=full, left_out=left_out) as watcher:
        found = reconcile(
            terminal.workspace,
            only=options.only,
            exclude=options.exclude,
            reason=options.reason,
            output=output,
            lock_timeout=lock_timeout or timedelta(0),
            files=watcher.files,
            directory=watcher.directory,
            on_wait=lambda holder: tell_waiting(terminal, holder, lock_timeout or timedelta(0)),
            on_plan=watcher.on_plan,
            on_event=watcher.on_event,
            on_throttle=watcher.on_throttle,
            stop=watcher.stop,
        )
    _tell(terminal, found, watcher.loaded, full=full)
    if found.refused:
        return ExitCode.REFUSED
    code = ExitCode.DONE if found.result is None else exit_code_of(found.result)
    return ExitCode.CHANGES if code is ExitCode.DONE and found.pending is not None else code


class _Watcher:
    """Shows how a run goes on. From the plan to the end of the apply, a Ctrl-C ends it in order."""

    def __init__(self, terminal: Terminal, *, full: bool, left_out: bool) -> None:
        self.stop = StopSignal()
        self.loaded: Loaded | None = None
        self._terminal = terminal
        self._show = partial(api.render, color=terminal.color, full=full, width=terminal.width, left_out=left_out)
        self._progress: Progress | None = None
        self._applying = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._applying.close()

    def files(self) -> Loaded:
        """Read the files, and show their warnings."""
        self.loaded = load_workspace(self._terminal)
        return self.loaded

    def directory(self, desired: Desired) -> Live:
        """Read the directory, with progress."""
        # The second time, the apply is over.
        self._applying.close()
        return read_directory(self._terminal, desired.config, Wanted.of(desired))

    def on_plan(self, planned: Plan, approved: Plan) -> None:
        """Show the plan before anything is written."""
        terminal = self._terminal
        if terminal.stream is not None:
            terminal.stream.plan(planned, approved)
        elif not terminal.json:
            terminal.result(self._show(planned))
            kinds = self.loaded.desired.config.auto_approve if self.loaded else ()
            terminal.result(render_approval(planned, approved, kinds))
        if approved.steps and not planned.refusals:
            title = f"Applying to {label(planned.directory.name)}"
            self._progress = self._applying.enter_context(Progress(terminal, title))
            self._applying.enter_context(stopping_in_order(self.stop))

    def on_event(self, event: ApplyEvent) -> None:
        """Show how far the apply has come."""
        if self._progress is not None:
            chunk = f"{event.done:,} of {event.total:,} steps, chunk {event.chunk} of {event.chunks}"
            self._progress.update(event.done, event.total, chunk)
        if self._terminal.stream is not None:
            self._terminal.stream.apply_event(event)

    def on_throttle(self, event: ThrottleEvent) -> None:
        """Say why nothing happens."""
        if self._progress is not None:
            tell_throttle(event, self._progress, self._terminal)


def _stream(stream: EventStream, found: Reconciliation, record: Record | None) -> None:
    for warning in found.warnings:
        stream.warning("waiting-plan", warning)
    if found.saved is not None:
        stream.saved(found.saved)
    if found.result is not None:
        stream.result(found.result, record, reconciliation_line(found))


def _tell(terminal: Terminal, found: Reconciliation, loaded: Loaded | None, *, full: bool) -> None:
    record = None
    if found.result is not None and loaded is not None:
        with existing_store(loaded.desired.config, terminal.workspace) as store:
            record = record_of(terminal, found.result, store)
    if terminal.stream is not None:
        _stream(terminal.stream, found, record)
    elif terminal.json:
        result = None if found.result is None else outcome_document(found.result, record)
        terminal.result(json_document({**plan_facts(found.plan), **reconciliation_document(found), "result": result}))
    else:
        terminal.result(render_reconciliation(found, color=terminal.color, full=full))
    if found.result is not None:
        tell_record(terminal, found.result, record)
    if found.saved is not None:
        terminal.tell(f"To see what waits: {terminal.command_line('show', found.saved)}")
        if found.refused:
            again = terminal.command_line("plan", "-o", "FILE")
            terminal.tell(f"If it is meant: {again} with the --allow that the refusal names, and then `apply FILE`.")
        elif found.pending is not None and not found.pending.refusals:
            terminal.tell(f"To do it: {terminal.command_line('apply', found.saved)}")

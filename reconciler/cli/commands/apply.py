"""``reconciler apply [FILE]``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from reconciler import api
from reconciler.applying import ApplyEvent, RunResult, Status, StopSignal
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import exiting
from reconciler.cli.interrupts import stopping_in_order
from reconciler.cli.options import PlanningOptions, full_option, planning_options
from reconciler.cli.parameters import PathType
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import load_directory_file, make_plan, tell_throttle
from reconciler.config import DirectoryConfig
from reconciler.desired import files_digest
from reconciler.planning import Plan, PlanFileError, decode
from reconciler.rendering import json_document
from reconciler.rendering.escape import label
from reconciler.rendering.results import render_result, result_document


@click.command(
    "apply",
    cls=Command,
    examples=(
        "reconciler apply                  # plan, show, ask, apply",
        "reconciler apply --auto-approve   # without asking, in a pipeline",
        "reconciler apply acme.plan        # exactly the plan that was reviewed",
        "reconciler apply --confirm-replace  # product access is granted again",
    ),
)
@click.argument("file", type=PathType(), required=False)
@click.option("--auto-approve", is_flag=True, help="Do not ask. Needed where nobody can be asked.")
@planning_options
@full_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    file: Path | None,
    auto_approve: bool,
    options: PlanningOptions,
    full: bool,
) -> ExitCode:
    """Make the directory equal to the files.

    Without FILE: plans, shows the plan, asks, and applies it. With FILE: applies exactly the plan that `plan -o FILE`
    saved; what changed in the directory since then is refused step by step as stale.

    The first Ctrl-C finishes and records what is in flight, the second stops at once. Plan and apply again to go on.
    """
    if file is not None:
        if options.given:
            raise click.UsageError(
                "--as-of, --allow, --reason, --only, --exclude and --confirm-replace are for making a plan. "
                "Give them to `plan`."
            )
        config, planned = _saved(terminal, file)
    else:
        if not auto_approve and not terminal.can_ask:
            raise click.UsageError(
                "There is nobody to ask. Add --auto-approve to apply without asking, or apply a saved plan: "
                "reconciler plan -o FILE && reconciler apply FILE"
            )
        loaded, planned = make_plan(terminal, options)
        config = loaded.desired.config
        if not terminal.json:
            terminal.result(api.render(planned, color=terminal.color, full=full, width=terminal.width))
        if planned.refusals:
            _document(terminal, planned, None)
            return ExitCode.REFUSED
    if not planned.steps:
        if file is not None and not terminal.json:
            terminal.result(f"{planned.summary}\n")
        _document(terminal, planned, None)
        return ExitCode.DONE
    if file is None and not auto_approve and not _approved(config):
        terminal.complain("Nothing was applied.")
        return ExitCode.STOPPED
    result = _carry_out(terminal, planned, config, now=options.as_of)
    terminal.tell(f"The store has the ledger of this run, {result.run_id}.")
    if not terminal.json:
        terminal.result(render_result(result, color=terminal.color, full=full))
    _document(terminal, planned, result)
    return exit_code_of(result)


def _saved(terminal: Terminal, file: Path) -> tuple[DirectoryConfig, Plan]:
    with exiting(ExitCode.STALE, PlanFileError):
        planned = decode(file.read_bytes())
    config = load_directory_file(terminal)
    with (
        exiting(ExitCode.STALE, PlanFileError, api.WrongDirectoryError),
        exiting(ExitCode.REFUSED, api.PlanRefusedError),
    ):
        api.check_applicable(planned, config, os.environ)
    if planned.desired.digest != files_digest(terminal.workspace):
        terminal.tell("warning: the files have changed since this plan was made. It is applied as it is.")
    return config, planned


def _approved(config: DirectoryConfig) -> bool:
    question = f"\nApply this plan to {label(config.name)}? Only 'yes' is accepted"
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer == "yes"


def _carry_out(terminal: Terminal, planned: Plan, config: DirectoryConfig, *, now: datetime | None) -> RunResult:
    stop = StopSignal()
    with Progress(terminal, f"Applying to {label(config.name)}") as progress, stopping_in_order(stop):

        def on_event(event: ApplyEvent) -> None:
            chunk = f"{event.done:,} of {event.total:,} steps, chunk {event.chunk} of {event.chunks}"
            progress.update(event.done, event.total, chunk)

        return api.apply(
            planned,
            config,
            terminal.workspace,
            now=now,
            on_event=on_event,
            on_throttle=lambda event: tell_throttle(event, progress, terminal),
            stop=stop,
        )


def _document(terminal: Terminal, planned: Plan, result: RunResult | None) -> None:
    if not terminal.json:
        return
    summary = planned.summary
    document: dict[str, Any] = {
        "plan": {
            "digest": planned.digest,
            "directory": planned.directory.name,
            "summary": {name: getattr(summary, name) for name in summary.__struct_fields__},
            "refusals": [
                {"guard": verdict.guard, "subject": verdict.subject, "number": verdict.number, "limit": verdict.limit}
                for verdict in planned.refusals
            ],
        },
        "result": result_document(result) if result is not None else None,
    }
    terminal.result(json_document(document))


def exit_code_of(result: RunResult) -> ExitCode:
    """Return the exit code of a run: how it ended, at its worst."""
    if result.by_user:
        return ExitCode.STOPPED
    statuses = {status for status, count in result.counts.items() if count}
    if statuses <= {Status.APPLIED}:
        return ExitCode.DONE
    # What needs a stale step is skipped: then nothing but staleness went wrong.
    if Status.STALE in statuses and statuses <= {Status.APPLIED, Status.STALE, Status.SKIPPED}:
        return ExitCode.STALE
    if result.breaker:
        return ExitCode.PARTLY
    nothing_written = statuses.isdisjoint({Status.APPLIED, Status.DIFFERS})
    return ExitCode.ERROR if nothing_written and result.stopped is not None else ExitCode.PARTLY

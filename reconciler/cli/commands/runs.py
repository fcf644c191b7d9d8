"""``reconciler runs`` and ``reconciler runs show RUN``."""

from __future__ import annotations

import click

from reconciler import api
from reconciler.api.history import RunDetails, run_details, runs
from reconciler.cli import completing
from reconciler.cli.command import Command, CommandGroup
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import full_option
from reconciler.cli.parameters import TextType
from reconciler.cli.terminal import Terminal
from reconciler.rendering import json_document
from reconciler.rendering.runs import render_run, render_runs, run_document, runs_document


@click.group(
    "runs",
    cls=CommandGroup,
    invoke_without_command=True,
    no_args_is_help=False,
    examples=(
        "reconciler runs                               # the last 20 runs",
        "reconciler runs --limit 500 --json            # for a program",
        "reconciler runs show 20261122T012754Z-1c09cd  # all of one",
    ),
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="The last N of them.",
)
@click.pass_context
def command(context: click.Context, limit: int) -> ExitCode | None:
    """Show what was done before: the last runs, the newest first.

    Everything is read from the store: the directory is not asked, and no credentials are needed. A run that is "dead"
    began and never ended, and its process is gone.
    """
    if context.invoked_subcommand is not None:
        return None
    terminal = context.ensure_object(Terminal)
    found = runs(api.load_config(terminal.workspace), terminal.workspace, limit=limit)
    if terminal.json:
        terminal.result(json_document(runs_document(found)))
    else:
        terminal.page(render_runs(found, color=terminal.color, limit=limit))
        if found:
            terminal.hint(f"To see all of the last one: {terminal.command_line('runs', 'show', found[0].run.id)}")
    return ExitCode.DONE


@command.command(
    "show",
    cls=Command,
    examples=(
        "reconciler runs show 20261122T012754Z-1c09cd         # what it left undone",
        "reconciler runs show 20261122T012754Z-1c09cd --full  # every step",
    ),
)
@click.argument("run_id", metavar="RUN", type=TextType(), shell_complete=completing.runs)
@full_option
@click.pass_obj
def show(terminal: Terminal, *, run_id: str, full: bool) -> ExitCode:
    """Show one run: who, when, why, which of its steps were not applied, and what can be done about it."""
    found = run_details(run_id, api.load_config(terminal.workspace), terminal.workspace)
    if terminal.json:
        terminal.result(json_document(run_document(found)))
        return ExitCode.DONE
    terminal.page(render_run(found, color=terminal.color, full=full))
    _tell_ways_on(terminal, found)
    return ExitCode.DONE


def _tell_ways_on(terminal: Terminal, found: RunDetails) -> None:
    run_id = found.run.id
    if found.resumable:
        terminal.tell(f"To go on with what is left: {terminal.command_line('apply', '--resume', run_id)}")
    if found.undoable:
        terminal.tell(f"To take back what it did:   {terminal.command_line('undo', run_id)}")

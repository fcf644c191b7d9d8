"""``reconciler undo RUN``."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from reconciler import api
from reconciler.api.undoing import undo, wanted_for_undo
from reconciler.cli.applying import (
    approved,
    carry_out,
    holding,
    lock_timeout_option,
    plan_facts,
    show_plan,
    tell_end,
)
from reconciler.cli.command import Command
from reconciler.cli.completing import runs
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import exiting
from reconciler.cli.options import PlanningOptions, full_option, left_out_option, some_planning_options
from reconciler.cli.parameters import PathType, TextType
from reconciler.cli.saving import require_folder, save_plan
from reconciler.cli.stream_option import json_stream_option
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import load_workspace, read_directory
from reconciler.desired import Loaded
from reconciler.planning import Plan, PlanFileError
from reconciler.rendering import json_document, render_json, safe


@click.command(
    "undo",
    cls=Command,
    examples=(
        "reconciler undo 20261122T012754Z-1c09cd               # plan, show, ask, apply",
        "reconciler undo 20261122T012754Z-1c09cd -o undo.plan  # save it for review",
        'reconciler undo RUN --allow users.delete=3 --reason "OPS-1234"',
    ),
)
@click.argument("run_id", metavar="RUN", type=TextType(), shell_complete=runs)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Save the plan, to be reviewed with `show` and applied with `apply`, and apply nothing now.",
)
@click.option("--auto-approve", is_flag=True, help="Do not ask. Needed where nobody can be asked.")
@lock_timeout_option
@some_planning_options("allowances", "reason", "only", "exclude")
@left_out_option
@full_option
@json_stream_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    run_id: str,
    output: Path | None,
    auto_approve: bool,
    lock_timeout: timedelta | None,
    options: PlanningOptions,
    left_out: bool,
    full: bool,
) -> ExitCode:
    """Take a run back.

    Plans what returns the users and groups that the run touched to what they were before it, where they still are as
    the run left them. What is not, and what cannot be brought back, is left alone and said. Like every plan it is
    shown, judged by the guards, and applied after a "yes". The files stay as they are: change them too, or the next
    apply does the same again.
    """
    require_folder(output)
    if output is None and not auto_approve and not terminal.can_ask:
        raise click.UsageError(
            "There is nobody to ask. Add --auto-approve to apply without asking, or save the plan and apply it: "
            "reconciler undo RUN -o FILE && reconciler apply FILE"
        )
    loaded = load_workspace(terminal)
    planned = _plan(terminal, loaded, run_id, options)
    show = partial(api.render, color=terminal.color, full=full, width=terminal.width, left_out=left_out)
    show_plan(terminal, planned, show)
    if not planned.steps:
        terminal.tell("There is nothing to undo: the directory is as it was before the run, or not as the run left it.")
    if output is not None:
        return _saved(terminal, planned, output)
    if planned.refusals or not planned.steps:
        if terminal.json:
            terminal.result(json_document({**plan_facts(planned), "result": None}))
        return ExitCode.REFUSED if planned.refusals else ExitCode.DONE
    if not auto_approve and not approved(planned):
        terminal.complain("Nothing was applied.")
        return ExitCode.STOPPED
    config = loaded.desired.config
    # A question may stay open for longer than a plan is good for.
    with holding(terminal, config, lock_timeout) as hold, exiting(ExitCode.STALE, PlanFileError):
        work = partial(api.apply, planned, config, terminal.workspace, command="undo", store=hold.store, lock=hold.lock)
        code = tell_end(terminal, planned, carry_out(terminal, planned, work), hold.store, full=full)
    terminal.tell("The files are as they were: what they state and the directory has not, the next apply brings back.")
    return code


def _plan(terminal: Terminal, loaded: Loaded, run_id: str, options: PlanningOptions) -> Plan:
    desired = loaded.desired
    config = desired.config
    # A run that nobody knows is told before a large directory is read.
    wanted = wanted_for_undo(run_id, desired, terminal.workspace)
    live = read_directory(terminal, config, wanted)
    policy = options.policy(config.policy)
    return undo(run_id, desired, live, terminal.workspace, as_of=options.moment, policy=policy)


def _saved(terminal: Terminal, planned: Plan, output: Path) -> ExitCode:
    save_plan(output, planned)
    if terminal.stream is not None:
        terminal.stream.saved(output)
    elif terminal.json:
        terminal.result(render_json(planned))
    terminal.tell(f"Saved to {safe(str(output))}.{' It cannot be applied: see above.' if planned.refusals else ''}")
    if planned.steps and not planned.refusals:
        terminal.hint(f"To do exactly this: {terminal.command_line('apply', output)}")
    return ExitCode.REFUSED if planned.refusals else ExitCode.DONE

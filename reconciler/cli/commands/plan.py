"""``reconciler plan``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler import api
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import PlanningOptions, full_option, planning_options
from reconciler.cli.parameters import PathType
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import make_plan
from reconciler.planning import Plan, encode
from reconciler.rendering import safe
from reconciler.whole_file import write_whole


@click.command(
    "plan",
    cls=Command,
    examples=(
        "reconciler plan                      # what would change, and why",
        "reconciler plan -o acme.plan         # save it, for `apply acme.plan`",
        "reconciler plan --detailed-exitcode  # for a nightly job: 2 means changes",
        "reconciler plan --as-of 2027-01-01   # what will have expired by then",
        'reconciler plan --allow users.deactivate=40 --reason "OPS-1234: closed"',
    ),
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Save the plan, to be reviewed with `show` and applied with `apply`.",
)
@planning_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@full_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    output: Path | None,
    options: PlanningOptions,
    detailed_exitcode: bool,
    full: bool,
) -> ExitCode:
    """Show what would change, and change nothing.

    Reads the files and the whole directory. The last line is fixed, for programs: "Plan: N to create, …" or
    "No changes. …". Guards are checked here too: a plan that one refuses is shown, and the exit code is 3.
    """
    if output is not None and not output.parent.is_dir():
        # Said now, and not after a large directory has been read.
        raise click.BadParameter(f"there is no folder {str(output.parent)!r}", param_hint="-o")
    _, planned = make_plan(terminal, options)
    if output is not None:
        _save(output, planned)
    terminal.result(
        api.render(planned, "json" if terminal.json else "text", color=terminal.color, full=full, width=terminal.width)
    )
    if output is not None:
        terminal.tell(f"Saved to {safe(str(output))}. {_after_saving(terminal, planned, output)}")
    elif planned.steps and not planned.refusals and terminal.width is not None and not terminal.json:
        terminal.tell(_what_now(terminal, options))
    if planned.refusals:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if planned.steps and detailed_exitcode else ExitCode.DONE


def _after_saving(terminal: Terminal, planned: Plan, output: Path) -> str:
    if planned.refusals:
        return "It cannot be applied: see above."
    if not planned.steps:
        return "There is nothing to apply."
    return f"To do exactly this: {terminal.command_line('apply', output)}"


def _what_now(terminal: Terminal, options: PlanningOptions) -> str:
    if options.given:
        return "To apply exactly this, save it: the same with -o FILE, and then `reconciler apply FILE`."
    return f"To apply: {terminal.command_line('apply')}"


def _save(path: Path, plan: Plan) -> None:
    """Write a plan file, all of it or nothing. Only its owner may read it: it names people."""
    if path.exists() and not path.is_file():
        # A pipe or a device: it is written to, and must not be replaced by a file.
        path.write_bytes(encode(plan))
        return
    write_whole(path, encode(plan), private=True)

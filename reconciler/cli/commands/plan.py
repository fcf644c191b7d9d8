"""``reconciler plan``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler import api
from reconciler.cli.command import Command
from reconciler.cli.comparing import compare_option, compared, read_reviewed, require_comparable
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import PlanningOptions, planning_options
from reconciler.cli.parameters import PathType
from reconciler.cli.saving import require_folder, save_plan
from reconciler.cli.showing import Showing, showing_options, shown
from reconciler.cli.signing import private_key, sign_option
from reconciler.cli.stream_option import json_stream_option
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import make_plan
from reconciler.planning import Plan
from reconciler.planning.signing import signer
from reconciler.rendering import safe


@click.command(
    "plan",
    cls=Command,
    examples=(
        "reconciler plan                      # what would change, and why",
        "reconciler plan -o acme.plan         # save it, for `apply acme.plan`",
        "reconciler plan --detailed-exitcode  # for a nightly job: 2 means changes",
        "reconciler plan --as-of 2027-01-01   # what will have expired by then",
        'reconciler plan --allow users.deactivate=40 --reason "OPS-1234: closed"',
        "reconciler plan --only group:team-core      # a pilot, and nothing else",
        "reconciler plan -o acme.plan --sign ci.key  # so that `apply` can trust it",
        "reconciler plan --compare acme.plan         # has it changed since the review?",
        "reconciler plan --since origin/main...      # what a pull request changes",
        "reconciler plan --json-stream | jq .message # for programs, as it happens",
    ),
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Save the plan, to be reviewed with `show` and applied with `apply`.",
)
@sign_option
@compare_option
@planning_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@showing_options
@json_stream_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    output: Path | None,
    signing_key: str | None,
    reviewed: Path | None,
    options: PlanningOptions,
    showing: Showing,
    detailed_exitcode: bool,
) -> ExitCode:
    """Show what would change, and change nothing.

    Reads the files and the whole directory; with --since, what a change of the files touches. The last line is fixed,
    for programs: "Plan: N to create, …" or "No changes. …". Guards are checked here too: a plan that one refuses is
    shown, and the exit code is 3.
    """
    form = showing.form(terminal)
    _require_one_form(terminal, showing, comparing=reviewed is not None)
    require_folder(output)
    if signing_key is not None and output is None:
        raise click.UsageError("--sign signs a saved plan. Say with -o FILE where to save it.")
    key = None if signing_key is None else private_key(signing_key)
    older = None if reviewed is None else read_reviewed(reviewed)
    if older is not None and (older.since is None) != (options.since is None):
        raise click.UsageError(
            "--compare is for two plans of everything, or for two of a change (--since): one of each says nothing of "
            "what separates them."
        )
    _, planned = make_plan(terminal, options)
    if key is not None:
        planned = api.sign(planned, key)
    if output is not None:
        save_plan(output, planned)
    if terminal.stream is not None:
        terminal.stream.plan(planned)
    else:
        text = shown(terminal, planned, showing) if older is None else compared(terminal, planned, older, showing)
        show = terminal.page if output is None else terminal.result
        show(text)
    if output is not None:
        _tell_saved(terminal, planned, output)
    elif planned.steps and not planned.refusals and form == "text":
        terminal.hint(_what_now(terminal, options))
    if planned.refusals:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if planned.steps and detailed_exitcode else ExitCode.DONE


def _require_one_form(terminal: Terminal, showing: Showing, *, comparing: bool) -> None:
    """Refuse options of which one could not be obeyed."""
    if terminal.stream is not None and (comparing or showing != Showing(full=showing.full, left_out=showing.left_out)):
        raise click.UsageError(
            "--json-stream tells the whole plan in a form of its own, without --format, --compare, --redact, --user "
            "and --group-by."
        )
    if comparing:
        require_comparable(terminal, showing)


def _by_whom(planned: Plan) -> str:
    return "" if planned.signature is None else f", signed with the key {signer(planned.signature)}"


def _tell_saved(terminal: Terminal, planned: Plan, output: Path) -> None:
    if terminal.stream is not None:
        terminal.stream.saved(output)
    terminal.tell(f"Saved to {safe(str(output))}{_by_whom(planned)}.{_after_saving(planned)}")
    if planned.steps and not planned.refusals:
        terminal.hint(f"To do exactly this: {terminal.command_line('apply', output)}")


def _after_saving(planned: Plan) -> str:
    if planned.refusals:
        return " It cannot be applied: see above."
    return "" if planned.steps else " There is nothing to apply."


def _what_now(terminal: Terminal, options: PlanningOptions) -> str:
    if options.given:
        return "To apply exactly this, save it: the same with -o FILE, and then `reconciler apply FILE`."
    return f"To apply: {terminal.command_line('apply')}"

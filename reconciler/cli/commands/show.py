"""``reconciler show FILE``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command import Command
from reconciler.cli.comparing import compare_option, compared, read_reviewed, require_comparable
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import exiting
from reconciler.cli.parameters import PathType
from reconciler.cli.showing import Showing, showing_options, shown
from reconciler.cli.signing import public_key, verify_key_option
from reconciler.cli.terminal import Terminal
from reconciler.planning import PlanFileError, decode
from reconciler.planning.signing import verify


@click.command(
    "show",
    cls=Command,
    examples=(
        "reconciler show acme.plan                      # as `plan` showed it",
        "reconciler show acme.plan --group-by user      # everything, person by person",
        "reconciler show acme.plan --user ada@example.com  # one person, and why",
        "reconciler show acme.plan --verify-key ci.pub  # signed with this key?",
        "reconciler show acme.plan --compare old.plan   # what is new since the review",
        "reconciler show acme.plan --json               # the plan document",
    ),
)
@click.argument("file", type=PathType())
@verify_key_option
@compare_option
@showing_options
@click.pass_obj
def command(
    terminal: Terminal, *, file: Path, verify_key: str | None, reviewed: Path | None, showing: Showing
) -> ExitCode:
    """Show a saved plan.

    Needs no workspace, no network and no credentials. The exit code is 3 where a guard refuses the plan, and 4 where
    the file is not the plan that was saved, or not signed with the key that is asked for.
    """
    if reviewed is not None:
        require_comparable(terminal, showing)
    trusted = None if verify_key is None else public_key(verify_key)
    with exiting(ExitCode.STALE, PlanFileError):
        plan = decode(file.read_bytes())
        signer = verify(plan, trusted)
    if reviewed is None:
        terminal.page(shown(terminal, plan, showing, saved=True))
    else:
        terminal.page(compared(terminal, plan, read_reviewed(reviewed), showing, saved=True))
    if trusted is not None:
        terminal.tell(f"The plan is intact, and signed with the key that was asked for ({signer}).")
    elif signer is not None:
        terminal.tell(f"The plan is intact. Whose key {signer} is, only --verify-key tells.")
    if plan.steps and not plan.refusals:
        terminal.hint(f"To do exactly this: {terminal.command_line('apply', file)}")
    return ExitCode.REFUSED if plan.refusals else ExitCode.DONE

"""The entry point: every way in which a command can end becomes an exit code here."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

import click

from reconciler.cli.command import LazyGroup
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal


@click.group(
    cls=LazyGroup,
    lazy={
        "init": "Write a new workspace with comments that explain it.",
        "import": "Write what the directory holds now as a workspace.",
        "validate": "Check the files of the workspace.",
        "plan": "Show what would change, and change nothing.",
        "show": "Show a saved plan.",
        "apply": "Make the directory equal to the files.",
        "reconcile": "Plan and apply without a person, as far as the policy allows.",
        "drift": "Tell what changed in the directory from what the files have still to change.",
        "undo": "Take a run back.",
        "runs": "Show what was done before: the last runs, the newest first.",
        "ci": "Show a plan where a team looks: on pull requests, in an issue, on the page of a run.",
        "keygen": "Make a pair of keys for signed plans.",
        "audit": "Ask what was done, by whom and why, and prove that the record is whole.",
        "doctor": "Show what the directory can do, and who says so.",
        "schema": "Print the JSON Schema of the files, of plans, or of the event stream.",
        "demo": "Show the main job end to end: validate, plan, apply, and plan again.",
        "sandbox": "Serve an embedded SCIM directory for trying things out.",
        "completion": "Print the script that makes a shell complete command lines.",
        "help": "Show what a command does, its options, and examples.",
    },
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 error, 2 there are changes (--detailed-exitcode), 3 a guard refused, 4 the plan is "
    "stale or not intact, 5 applied in part, 64 wrong usage, 130 stopped by the user.",
)
@click.version_option(package_name="reconciler", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Keep a SCIM 2.0 directory equal to YAML files in Git: plan, review, apply."""
    if context.invoked_subcommand is None:
        raise click.UsageError("Which command? `reconciler --help` lists them.", context)


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    # Large states are millions of objects and hardly any cycle. Searching them for cycles as often as Python does out
    # of the box costs a quarter of the CPU time of reading 100,000 users.
    gc.set_threshold(100_000, 50, 100)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names come from all over the world; a terminal that cannot show one is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        # One that came while another was being told.
        sys.exit(ExitCode.STOPPED)


def _open_closed_streams() -> None:
    """Give the process the standard streams that it was started without (``>&-``): Python has ``None`` for them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It takes the number that is free, so that no file of ours gets that of a standard stream.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def run(arguments: Sequence[str]) -> ExitCode:
    """Run one command line and return its exit code. Nothing is raised."""
    # Where the command line itself is wrong, no option has been read yet.
    terminal = Terminal(json="--json" in arguments, verbose=not {"-v", "--verbose"}.isdisjoint(arguments))
    if "--json-stream" in arguments:
        # Imported now, as everything that few command lines need.
        from reconciler.cli.streaming import EventStream

        terminal.stream = EventStream(terminal)
    code = _run(arguments, terminal)
    return code if terminal.stream is None else terminal.stream.end(code)


def _run(arguments: Sequence[str], terminal: Terminal) -> ExitCode:
    if "_RECONCILER_COMPLETE" in os.environ:
        # A shell asks, which is not a person that waits for a message.
        from reconciler.cli.shells import register

        register()
    try:
        code = cli.main(list(arguments), prog_name="reconciler", standalone_mode=False, obj=terminal)
    except Exception as error:
        # Imported now, because most command lines are right and help must not wait for it.
        from reconciler.cli.failures import report

        return report(error, terminal)
    return code if isinstance(code, ExitCode) else ExitCode.DONE

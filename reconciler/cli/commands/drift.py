"""``reconciler drift``."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from reconciler.api.drifting import accept_drift, drift, forget_drift
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import PlanningOptions, full_option, some_planning_options
from reconciler.cli.parameters import TextType
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import load_directory_file, load_workspace, read_directory
from reconciler.live import Wanted
from reconciler.planning.drift import Drift, Item, Sort
from reconciler.rendering import json_document, safe
from reconciler.rendering.drift import drift_document, render_drift
from reconciler.rendering.words import counted
from reconciler.scim.endpoint import resolve_base_url

_BY_SOMEBODY = (Sort.DRIFT, Sort.BOTH, Sort.UNKNOWN)


@click.command(
    "drift",
    cls=Command,
    examples=(
        "reconciler drift                      # who changed what: directory or files",
        "reconciler drift --detailed-exitcode  # for a nightly job: 2 means drift",
        'reconciler drift --accept user:ada@example.com --reason "OPS-1234"',
        "reconciler drift --forget user:ada@example.com  # tell it again",
    ),
)
@click.option(
    "--accept",
    "accepting",
    is_flag=True,
    help="Accept the drift that KEY names, or all, until it changes. Needs --reason.",
)
@click.argument("keys", metavar="[KEY]...", nargs=-1, type=TextType())
@click.option(
    "--forget",
    "forgotten",
    type=TextType(),
    metavar="KEY",
    multiple=True,
    help="Take back that drift is accepted. May be repeated.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where the directory has changed.")
@some_planning_options("as_of", "only", "exclude", "reason")
@full_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    accepting: bool,
    keys: tuple[str, ...],
    forgotten: tuple[str, ...],
    detailed_exitcode: bool,
    options: PlanningOptions,
    full: bool,
) -> ExitCode:
    """Tell what changed in the directory from what the files have still to change.

    Compares the directory with the files as a run last applied them, and with the files as they are now. Nothing is
    written to the directory. --accept makes a baseline: what is accepted is not told again until it changes once more.
    KEY is the address of a user or group, or with it an attribute or a member, as --json has it under "key":
    "user:ada@example.com title", "group:team-core members user:ada@example.com".
    """
    if keys and not accepting:
        raise click.UsageError("What is to become of these differences? Add --accept before them.")
    if accepting and options.reason is None:
        raise click.UsageError("--accept needs --reason: accepted drift is recorded with its reason.")
    if options.reason is not None and not (accepting or forgotten):
        raise click.UsageError("--reason is for --accept and --forget.")
    if forgotten:
        if accepting:
            raise click.UsageError("--accept and --forget are two things. Do one after the other.")
        return _forget(terminal, forgotten, options.reason)
    loaded = load_workspace(terminal)
    desired, config = loaded.desired, loaded.desired.config
    live = read_directory(terminal, config, Wanted.of(desired))
    found = drift(desired, live, terminal.workspace, as_of=options.moment, policy=options.policy(config.policy))
    if found.last_run is None:
        terminal.tell(
            "warning: no run has recorded what it left of this directory, so that nobody can tell who changed what."
        )
    if accepting:
        chosen = accept_drift(found, keys, config, terminal.workspace, reason=options.reason or "")
        _tell_accepted(terminal, chosen)
        return ExitCode.DONE
    if terminal.json:
        terminal.result(json_document(drift_document(found)))
    else:
        terminal.page(render_drift(found, color=terminal.color, full=full, width=terminal.width))
    _tell_what_now(terminal, found)
    return ExitCode.CHANGES if detailed_exitcode and found.of(*_BY_SOMEBODY) else ExitCode.DONE


def _forget(terminal: Terminal, keys: Sequence[str], reason: str | None) -> ExitCode:
    config = load_directory_file(terminal)
    where = resolve_base_url(config.base_url, os.environ)
    found = forget_drift(keys, config, terminal.workspace, where, reason=reason)
    if terminal.json:
        terminal.result(json_document({"forgotten": [one.key for one in found]}))
        return ExitCode.DONE
    lines = [f"  {safe(one.key)}" for one in found]
    terminal.result("\n".join([*lines, f"Not accepted any more: {counted(len(found), 'difference')}."]) + "\n")
    return ExitCode.DONE


def _tell_accepted(terminal: Terminal, chosen: Sequence[Item]) -> None:
    if terminal.json:
        terminal.result(json_document({"accepted": [item.key for item in chosen]}))
        return
    lines = [f"  {safe(item.key)}" for item in chosen]
    terminal.result("\n".join([*lines, f"Accepted: {counted(len(chosen), 'difference')}."]) + "\n")
    if chosen:
        terminal.tell(
            "The files still state something else, and an apply brings it about: change them if this is to stay."
        )


def _tell_what_now(terminal: Terminal, found: Drift) -> None:
    """Say what can be done about drift, to a person at a terminal."""
    if found.of(Sort.DRIFT, Sort.BOTH):
        terminal.hint(f"To keep it: change the files. To set it back: {terminal.command_line('apply')}")
        accept = terminal.command_line("drift", "--accept", found.of(Sort.DRIFT, Sort.BOTH)[0].address)
        terminal.hint(f"To put up with it: {accept} --reason …")

"""``reconciler audit verify``, ``audit query`` and ``audit export``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from reconciler import api
from reconciler.cli import completing
from reconciler.cli.command import Command, CommandGroup
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.options import full_option
from reconciler.cli.parameters import PathType, TextType
from reconciler.cli.terminal import Terminal
from reconciler.desired.moments import parse_start
from reconciler.durations import DurationError, parse_duration
from reconciler.rendering import json_document
from reconciler.whole_file import write_parts

if TYPE_CHECKING:
    # Help and wrong usage must not wait for SQLAlchemy.
    from reconciler.store.audit_trail import Question

_FORMATS: Final = ("jsonl", "csv", "ecs", "ocsf")
_HASH: Final = re.compile("[0-9a-f]{64}")
_AT_ONCE: Final = 1000
"""Lines that are written together."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read a date, a time of RFC 3339, or how long ago."""
    if value is None:
        return None
    try:
        return datetime.now(UTC) - parse_duration(value)
    except (DurationError, OverflowError):
        pass
    try:
        return parse_start(value)
    except ValueError:
        message = f"{value!r} is neither a date such as 2026-11-01, nor a time, nor a length of time such as 7d"
        raise click.BadParameter(message, context, parameter) from None


def _hash(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _HASH.fullmatch(value.strip().lower()):
        raise click.BadParameter(f"{value!r} is no hash: 64 hexadecimal digits", context, parameter)
    return value.strip().lower() if value else None


def _question(command: _Command) -> _Command:
    """Add the options that say which events are asked for."""
    for names, metavar, completer, text in reversed(
        (
            (("--user",), "NAME", completing.users, "About this user, by userName, address or id; memberships too."),
            (("--group",), "NAME", completing.groups, "About this group, by displayName, address or id."),
            (("--actor",), "NAME", None, "Done by this user of a system, starter of a CI job, or author of a commit."),
            (("--action",), "ACTION", None, "Of this action: create, update, add_members, …; run_started, run_ended."),
            (("--run", "run_id"), "ID", completing.runs, "Of this run."),
            (("--directory",), "URL", None, "Of this SCIM endpoint, where a store is shared by several."),
        )
    ):
        command = click.option(*names, type=TextType(), metavar=metavar, shell_complete=completer, help=text)(command)
    text = "From this date or RFC 3339 time on (UTC unless stated), or this long ago: 7d."
    return click.option("--since", callback=_moment, metavar="TIME", help=text)(command)


@click.group(
    "audit",
    cls=CommandGroup,
    invoke_without_command=True,
    no_args_is_help=False,
    examples=(
        "reconciler audit verify                        # nothing was altered",
        "reconciler audit query --user ada@example.com  # what happened to Ada",
        "reconciler audit export --format csv -o audit.csv",
    ),
)
@click.pass_context
def command(context: click.Context) -> None:
    """Ask what was done, by whom and why, and prove that the record is whole.

    Everything is read from the store: the directory is not asked, and no credentials are needed. docs/audit.md tells
    what is recorded and how it is sealed.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError(f"Which one? There are: {', '.join(command.commands)}.", context)


@command.command(
    "verify",
    cls=Command,
    examples=(
        "reconciler audit verify              # all events in the store",
        "reconciler audit verify --head HASH  # and a hash that was kept elsewhere",
    ),
)
@click.option(
    "--head",
    callback=_hash,
    metavar="HASH",
    help="A head that an earlier `audit verify` printed, kept where nobody who can write to the store can change it.",
)
@click.pass_obj
def verify(terminal: Terminal, *, head: str | None) -> ExitCode:
    """Prove that no event of the audit was altered, taken out or put in.

    The exit code is 1 where something is wrong, with the first wrong event of each directory. Keep the printed heads
    elsewhere, in the log of a CI job for example: whoever can write to the store can make all of it anew, and only a
    head from outside gives that away.
    """
    found = api.verify_audit(api.load_config(terminal.workspace), terminal.workspace, head=head)
    from reconciler.rendering.audit import render_verification, verification_document

    if terminal.json:
        terminal.result(json_document(verification_document(found)))
    else:
        terminal.result(render_verification(found, color=terminal.color))
    return ExitCode.DONE if found.intact else ExitCode.ERROR


@command.command(
    "query",
    cls=Command,
    examples=(
        "reconciler audit query --user ada@example.com --since 30d",
        "reconciler audit query --group team-platform --action remove_members",
        "reconciler audit query --actor deploy-bot --since 2026-11-01 --limit 500",
    ),
)
@_question
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="The last N of them.",
)
@full_option
@click.pass_obj
def query(terminal: Terminal, /, *, limit: int, full: bool, **asked: Any) -> ExitCode:
    """Show the last events that fit, the latest at the end."""
    config = api.load_config(terminal.workspace)
    events = api.query_audit(config, terminal.workspace, _asked(asked), limit=limit)
    from reconciler.rendering.audit import events_document, render_events

    if terminal.json:
        terminal.result(json_document(events_document(events)))
    else:
        terminal.page(render_events(events, color=terminal.color, full=full, width=terminal.width))
    return ExitCode.DONE


@command.command(
    "export",
    cls=Command,
    examples=(
        "reconciler audit export --format csv -o audit.csv",
        "reconciler audit export --format ocsf --since 1d | upload-to-the-siem",
    ),
)
@click.option(
    "--format",
    "form",
    type=ChoiceType(_FORMATS),
    required=True,
    help="JSON Lines as the store has them, CSV, Elastic Common Schema, or Open Cybersecurity Schema Framework.",
)
@click.option("-o", "--output", type=PathType(dir_okay=False), metavar="FILE", help="A file instead of the output.")
@_question
@click.pass_obj
def export(terminal: Terminal, /, *, form: str, output: Path | None, **asked: Any) -> ExitCode:
    """Write all events that fit in another format, directory by directory and in their order.

    A file is put into place when it is whole, readable by its owner only.
    """
    if terminal.json and output is None:
        raise click.UsageError("--json and an export cannot both go to standard output. Add -o FILE.")
    from reconciler.store.exporting import Format

    config = api.load_config(terminal.workspace)
    lines = api.export_audit(config, terminal.workspace, _asked(asked), Format(form))
    if output is None:
        for block in _blocks(lines):
            terminal.result(block)
        return ExitCode.DONE
    write_parts(output, (block.encode() for block in _blocks(lines)), private=True)
    if terminal.json:
        terminal.result(json_document({"file": str(output), "format": form}))
    else:
        terminal.tell(f"Exported to {output}.")
    return ExitCode.DONE


def _asked(options: dict[str, Any]) -> Question:
    from reconciler.store.audit_trail import Question

    return Question(**options)


def _blocks(lines: Iterator[str]) -> Iterator[str]:
    while block := "".join(islice(lines, _AT_ONCE)):
        yield block

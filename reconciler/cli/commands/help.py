"""``reconciler help``."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal
from reconciler.rendering import json_document


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's signature
    root = context.find_root()
    names = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return [name for name in names if name.startswith(incomplete)]


@click.command(
    "help",
    cls=Command,
    examples=(
        "reconciler help            # all commands",
        "reconciler help plan       # the same as `reconciler plan --help`",
        "reconciler help runs show  # a command of a command",
    ),
)
@click.argument("words", metavar="[COMMAND]...", nargs=-1, shell_complete=_complete)
@click.pass_context
def command(context: click.Context, words: tuple[str, ...]) -> ExitCode:
    """Show what a command does, its options, and examples.

    At a terminal, page by page where it is longer than the screen.
    """
    at = context.find_root()
    for word in words:
        if not isinstance(at.command, click.Group):
            raise click.UsageError(f"`{at.command_path}` has no commands of its own.", context)
        _, found, _ = at.command.resolve_command(at, [word])
        if found is None:
            raise click.UsageError(f"No such command {word!r}.", context)
        at = click.Context(found, info_name=word, parent=at)
    terminal = context.ensure_object(Terminal)
    text = f"{at.get_help()}\n"
    if terminal.json:
        terminal.result(json_document({"command": at.command_path, "help": text}))
    else:
        terminal.page(text)
    return ExitCode.DONE

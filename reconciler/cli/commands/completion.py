"""``reconciler completion``."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.shells import SHELLS, VARIABLE
from reconciler.cli.terminal import Terminal
from reconciler.rendering import json_document


@click.command(
    "completion",
    cls=Command,
    examples=(
        "reconciler completion fish > ~/.config/fish/completions/reconciler.fish",
        'eval "$(reconciler completion bash)"  # in ~/.bashrc',
        'eval "$(reconciler completion zsh)"   # in ~/.zshrc, behind compinit',
    ),
)
@click.argument("shell", type=ChoiceType(tuple(SHELLS)))
@click.pass_context
def command(context: click.Context, shell: str) -> ExitCode:
    """Print the script that makes a shell complete command lines.

    Commands, options and choices are completed, and also runs, people, groups, guards and dialects: from the files and
    the store of this machine. No directory is asked.
    """
    terminal = context.ensure_object(Terminal)
    script = SHELLS[shell](context.find_root().command, {}, "reconciler", VARIABLE).source()
    terminal.result(json_document({"shell": shell, "script": script}) if terminal.json else f"{script.strip()}\n")
    return ExitCode.DONE

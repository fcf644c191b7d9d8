"""What all commands have in common: the common options, examples in their help, and loading only what is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

import click

from reconciler.cli.guessing import ChoiceType, guess_or_list
from reconciler.cli.parameters import PathType
from reconciler.cli.terminal import ColorWhen, Terminal

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def common_options() -> list[click.Option]:
    """Return the options that every command takes, and that may also stand before the command's name."""
    return [
        click.Option(
            ["-C", "workspace"],
            type=PathType(),
            metavar="DIR",
            expose_value=False,
            callback=_keep,
            shell_complete=_folders,
            help="The workspace: the folder with directory.yaml. This folder, if left out.",
        ),
        _flag(["--json"], "Print one JSON document on standard output, also for errors."),
        click.Option(
            ["--color", "color_when"],
            type=ChoiceType(get_args(ColorWhen)),
            expose_value=False,
            callback=_keep,
            help="Colours: where a person sees them (the default), everywhere, or nowhere.",
        ),
        click.Option(
            ["--no-color", "color_when"],
            flag_value="never",
            expose_value=False,
            callback=_keep,
            help="The same as --color never.",
        ),
        _flag(["--no-pager"], "Do not show long results page by page."),
        _flag(["-q", "--quiet"], "Show results and errors only."),
        _flag(["-v", "--verbose"], "Tell more, and show where an unexpected error happened."),
    ]


def _folders(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    # Imported now, because only a shell asks.
    from reconciler.cli.completing import folders

    return folders(context, parameter, incomplete)


def _flag(names: list[str], text: str) -> click.Option:
    return click.Option(names, is_flag=True, expose_value=False, callback=_keep, help=text)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    # An option that is not given must not undo one that stands before the command's name.
    if value and parameter.name:
        setattr(context.ensure_object(Terminal), parameter.name, value)


class Command(click.Command):
    """A command with the common options, whose help ends with examples, exit codes, and where more is told.

    Args:
        examples: command lines, each with what it does behind a ``#``.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.own_params = tuple(self.params)
        self.params.extend(common_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of this command before those that every command has."""
        own = self.own_params
        common = [parameter for parameter in self.get_params(ctx) if parameter not in own]
        for title, parameters in (("Options", own), ("Common options", common)):
            records = [record for one in parameters if (record := one.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are, without filling lines, then what the manual says."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        _write_manual(ctx, formatter)
        super().format_epilog(ctx, formatter)


def _write_manual(context: click.Context, formatter: click.HelpFormatter) -> None:
    # Imported now, because only help needs it.
    from reconciler.cli.manual import MANUALS

    manual = MANUALS.get(context.command_path.removeprefix("reconciler").strip())
    if manual is None:
        return
    if manual.exits:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in manual.exits.items()])
    formatter.write_paragraph()
    formatter.write_text(f"Read more: docs/{manual.page}")


class _GuessingGroup(click.Group):
    """A group that says which of its commands was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {name!r}. {guess_or_list(name, known)}", ctx)
        return super().resolve_command(ctx, args)


class CommandGroup(Command, _GuessingGroup):
    """A command that consists of several, with the common options and examples too."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names in the order in which they were added, not in that of the alphabet."""
        return list(self.commands)


class LazyGroup(_GuessingGroup):
    """A group that imports a command only when it is called: help and version must not wait for an HTTP client.

    Args:
        lazy: by name of the command, the first line of its help. The command is ``command`` in the module of that
            name in :mod:`reconciler.cli.commands`.

    Attributes:
        summaries: the same.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.summaries = dict(lazy)
        self.params.extend(common_options())

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names in the order in which a person needs them, not in that of the alphabet."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  likewise
        """Import and return a command, or ``None`` where there is none of that name."""
        if cmd_name not in self.summaries:
            return None
        # `import` is a word of the language and no name for a module.
        module = "import_" if cmd_name == "import" else cmd_name
        found: click.Command = import_module(f"reconciler.cli.commands.{module}").command
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands without importing them."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text) for name, text in self.summaries.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  likewise
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

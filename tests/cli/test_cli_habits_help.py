"""Every command explains itself: with examples that are right, its exit codes, and where more is told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from command_line import call, environment
from reconciler.cli.command import Command
from reconciler.cli.entry import cli
from reconciler.cli.manual import MANUALS


def every(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Context]]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert isinstance(found, Command)
        inner = click.Context(found, info_name=name, parent=context)
        yield inner.command_path.removeprefix("reconciler "), inner
        if isinstance(found, click.Group):
            yield from every(found, inner)


ROOT = click.Context(cli, info_name="reconciler", terminal_width=80, **cli.context_settings)
COMMANDS = dict(every(cli, ROOT))


def command_lines(example: str) -> Iterator[list[str]]:
    """The arguments of every call of the command in an example."""
    for match in re.finditer(r"\breconciler ([^|>&)#]*)", example.partition("  #")[0]):
        yield shlex.split(match[1], comments=True)


@pytest.mark.parametrize("words", COMMANDS)
def test_help_has_a_summary_examples_exit_codes_and_a_page(words: str) -> None:
    context = COMMANDS[words]
    shown = context.get_help()
    assert re.search(rf"^Examples:\n  .*reconciler {words}\b", shown, re.MULTILINE)
    assert f"Read more: docs/{MANUALS[words].page}" in shown
    assert ("Exit codes:" in shown) == bool(MANUALS[words].exits)
    assert (context.command.help or "").split("\n\n")[0].endswith(".")
    assert [line for line in shown.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_examples_name_commands_and_options_that_exist(words: str) -> None:
    command = COMMANDS[words].command
    assert isinstance(command, Command)
    for example in command.examples:
        for arguments in command_lines(example):
            context: click.Context = ROOT
            rest = iter(arguments)
            for word in rest:
                if word.startswith("-"):
                    name, equals, _ = word.partition("=")
                    (option,) = (one for one in context.command.get_params(context) if name in one.opts)
                    if isinstance(option, click.Option) and not option.is_flag and not equals:
                        next(rest)
                elif isinstance(context.command, click.Group):
                    found = context.command.get_command(context, word)
                    assert found is not None, example
                    context = click.Context(found, info_name=word, parent=context)


def test_help_of_a_command_can_be_asked_for_in_three_ways() -> None:
    env = environment(COLUMNS="80")
    by_option, by_letter, by_command = (
        call(words, env=env).stdout
        for words in (["runs", "show", "--help"], ["runs", "show", "-h"], ["help", "runs", "show"])
    )
    assert by_option == by_letter == by_command


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["help", "plam"], "Did you mean 'plan'?"),
        (["help", "plan", "show"], "`reconciler plan` has no commands of its own."),
        (["audit", "exprt"], "Did you mean 'export'?"),
        (["plan", "--format", "markdwn"], "Did you mean 'markdown'?"),
        (["plan", "--ful"], "--full"),
        (["completion", "basch"], "Did you mean 'bash'?"),
        (["validate", "--format", "Githb"], "Did you mean 'github'?"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_one_that_was_meant(arguments: list[str], told: str) -> None:
    done = call(arguments)
    assert (done.code, done.stdout) == (64, "")
    assert told in done.stderr

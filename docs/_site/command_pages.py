"""The reference page of every command, made from the commands themselves: it cannot say what they do not do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from reconciler.cli.command import Command
from reconciler.cli.entry import cli
from reconciler.cli.manual import FILES, MANUALS, USUAL_EXITS, VARIABLES, Manual

FOLDER: Final = "commands"

_DOCS: Final = Path(__file__).parents[1]
_NAMED_PAGE: Final = re.compile(r"docs/([a-z-]+\.md)")


def page_path(words: str) -> str:
    """Return where the page of a command is, from the root of the documentation."""
    return f"{FOLDER}/{words.replace(' ', '-')}.md"


def command_pages() -> dict[str, str]:
    """Return the Markdown of the page of every command and subcommand by its path."""
    root = click.Context(cli, info_name="reconciler", **cli.context_settings)
    return {page_path(words): _page(words, command, context) for words, command, context in _commands(cli, root)}


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, Command, click.Context]]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if not isinstance(found, Command):
            raise TypeError(f"{name}: not a command with a manual")
        inner = click.Context(found, info_name=name, parent=context)
        yield inner.command_path.removeprefix("reconciler "), found, inner
        if isinstance(found, click.Group):
            yield from _commands(found, inner)


def _page(words: str, command: Command, context: click.Context) -> str:
    manual = MANUALS[words]
    summary, _, description = (command.help or "").partition("\n\n")
    parts = [
        f"---\ntitle: {words}\n---\n\n# `reconciler {words}`",
        _escaped(summary),
        f"```\n{_synopsis(command, context)}\n```",
        *(_escaped(paragraph) for paragraph in description.split("\n\n") if paragraph),
        *_subcommands(words, command, context),
        *_section("Options", _options(command.own_params, context)),
        *_section("Common options", _options(_common(command, context), context)),
        *_section("Examples", "```sh\n" + "\n".join(command.examples) + "\n```"),
        *_section("Exit codes", _table(("code", "meaning"), _exits(manual))),
        *_section("Files", _table(("file", "holds"), [(f"`{name}`", _escaped(FILES[name])) for name in manual.files])),
        *_section("Environment", _environment(manual)),
        "## See also\n\n" + _see_also(manual),
    ]
    return "\n\n".join(parts) + "\n"


def _synopsis(command: Command, context: click.Context) -> str:
    return f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}".rstrip()


def _common(command: Command, context: click.Context) -> list[click.Parameter]:
    return [parameter for parameter in command.get_params(context) if parameter not in command.own_params]


def _options(parameters: Sequence[click.Parameter], context: click.Context) -> str:
    """Return options as a list of definitions, in the order and in the words of ``--help``."""
    records = [record for parameter in parameters if (record := parameter.get_help_record(context)) is not None]
    return _table(("option", "meaning"), [(f"`{_cell(names)}`", _escaped(text)) for names, text in records])


def _subcommands(words: str, command: Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        rows = []
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            summary = "" if found is None else (found.help or "").partition("\n\n")[0]
            rows.append((_link(f"{words} {name}"), _escaped(summary)))
        yield from _section("Commands", _table(("command", "what it does"), rows))


def _exits(manual: Manual) -> list[tuple[str, str]]:
    meant = dict(sorted({**USUAL_EXITS, **manual.exits}.items()))
    return [(str(code), _escaped(text)) for code, text in meant.items()]


def _environment(manual: Manual) -> str:
    rows = [(f"`{_cell(name)}`", _escaped(VARIABLES[name])) for name in manual.variables]
    more = "Every command looks at [the variables for colour](../environment.md#output)."
    return f"{_table(('variable', 'meaning'), rows)}\n\n{more}".lstrip()


def _see_also(manual: Manual) -> str:
    links = [_titled(manual.page), *map(_link, manual.see), _titled("exit-codes.md"), _titled("commands.md")]
    return "\n".join(f"- {link}" for link in dict.fromkeys(links))


def _titled(page: str) -> str:
    """Return a link to a page of the documentation, called by its own heading."""
    heading = (_DOCS / page.partition("#")[0]).read_text(encoding="utf-8").splitlines()[0]
    return f"[{heading.removeprefix('# ')}](../{page})"


def _link(words: str) -> str:
    return f"[`reconciler {words}`]({page_path(words).removeprefix(f'{FOLDER}/')})"


def _section(title: str, body: str) -> Iterator[str]:
    if body:
        yield f"## {title}\n\n{body}"


def _table(heads: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = [heads, ("---", "---"), *rows]
    return "\n".join(f"| {left} | {right} |" for left, right in lines)


def _escaped(text: str) -> str:
    """Return a text of the help as Markdown: what stands between backticks is code, nothing else means anything."""
    pieces = " ".join(text.split()).split("`")
    plain = [f"`{_cell(piece)}`" if index % 2 else _literal(piece) for index, piece in enumerate(pieces)]
    return _NAMED_PAGE.sub(lambda named: _titled(named[1]), "".join(plain))


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\*_{}[]<>#|" else character for character in text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

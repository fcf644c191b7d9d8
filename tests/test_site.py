"""The documentation as a site: complete, in one piece, and without anything from other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from command_pages import command_pages, page_path
from reconciler.cli.command import Command
from reconciler.cli.entry import cli
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.manual import FILES, MANUALS, USUAL_EXITS, VARIABLES

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=[\"']?(?:https?:)?//[^\s\"'>]+", re.DOTALL)


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, Command]]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert isinstance(found, Command)
        inner = click.Context(found, info_name=name, parent=context)
        yield inner.command_path.removeprefix("reconciler "), found
        if isinstance(found, click.Group):
            yield from commands(found, inner)


COMMANDS = dict(commands(cli, click.Context(cli, info_name="reconciler")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_is_whole_and_loads_nothing_from_other_hosts(site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert {f"commands/{page_path(words)[9:-3]}/index.html" for words in COMMANDS} <= pages.keys()
    assert (site / "schemas" / "plan.schema.json").is_file()
    canonical = {path for path, text in pages.items() if LOADED.search(text)}
    assert canonical == set()


def test_examples_are_files_of_the_site(site: Path) -> None:
    for file in (ROOT / "examples").rglob("*"):
        if file.is_file() and file.suffix != ".md":
            assert (site / file.relative_to(ROOT)).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("words", COMMANDS)
def test_the_page_of_a_command_has_all_that_its_help_has(words: str) -> None:
    page = command_pages()[page_path(words)]
    command = COMMANDS[words]
    for parameter in command.params:
        assert all(f"{option}" in page for option in parameter.opts if option.startswith("-"))
    for heading in ("Common options", "Examples", "Exit codes", "Environment", "See also"):
        assert f"\n## {heading}\n" in page
    assert all(example in page for example in command.examples)


def test_every_command_has_a_manual_and_every_manual_a_command() -> None:
    assert MANUALS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("words", MANUALS)
def test_what_a_manual_names_exists(words: str) -> None:
    manual = MANUALS[words]
    assert (ROOT / "docs" / manual.page.partition("#")[0]).is_file()
    assert set(manual.files) <= FILES.keys()
    assert set(manual.variables) <= VARIABLES.keys()
    assert set(manual.see) <= MANUALS.keys()
    assert manual.exits.keys() <= set(ExitCode)


def test_every_exit_code_is_explained_on_its_page() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(int(code)) for code in ExitCode]
    assert USUAL_EXITS.keys() <= set(ExitCode)

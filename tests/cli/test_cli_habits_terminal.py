"""What a person at a terminal gets that a program does not: colours, a pager, and hints of the next command."""

from __future__ import annotations

import os
import pty
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from command_line import Workspace, call, environment
from onlooker import at_terminal
from reconciler.cli.paging import pager
from reconciler.cli.terminal import ColorWhen, Terminal

ANSI = re.compile(r"\x1b\[[0-9;]*m")
LESS = shutil.which("less")
MANY = "users:\n" + "".join(f"  - userName: user{number:02}@example.com\n" for number in range(40))


@pytest.fixture(scope="module")
def streams() -> Iterator[tuple[TextIO, TextIO]]:
    """A terminal and a pipe to write to."""
    person, terminal = pty.openpty()
    reading, writing = os.pipe()
    with os.fdopen(terminal, "w", encoding="utf-8") as screen, os.fdopen(writing, "w", encoding="utf-8") as pipe:
        yield screen, pipe
    os.close(person)
    os.close(reading)


@pytest.mark.parametrize(
    ("when", "variables", "coloured"),
    [
        ("auto", {}, (True, False)),
        ("always", {}, (True, True)),
        ("never", {}, (False, False)),
        ("auto", {"NO_COLOR": "1"}, (False, False)),
        ("auto", {"NO_COLOR": ""}, (True, False)),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, (True, True)),
        ("never", {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, (False, False)),
        ("auto", {"FORCE_COLOR": "1"}, (True, True)),
        ("auto", {"FORCE_COLOR": "0"}, (True, False)),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, (False, False)),
        ("auto", {"CLICOLOR_FORCE": "1"}, (True, True)),
        ("auto", {"CLICOLOR_FORCE": "0"}, (True, False)),
        ("auto", {"CLICOLOR": "0"}, (False, False)),
        ("auto", {"CLICOLOR": "0", "FORCE_COLOR": "1"}, (True, True)),
        ("auto", {"TERM": "dumb"}, (False, False)),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, (True, True)),
    ],
)
def test_the_first_that_says_something_decides_about_colour(
    when: ColorWhen,
    variables: dict[str, str],
    coloured: tuple[bool, bool],
    streams: tuple[TextIO, TextIO],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(color_when=when)
    screen, pipe = streams
    assert (terminal.wants_color(screen), terminal.wants_color(pipe)) == coloured


@pytest.mark.parametrize(
    ("flags", "coloured"),
    [
        (["--color", "always"], True),
        (["--color=never"], False),
        (["--color", "always", "--no-color"], False),
        (["--no-color", "--color", "always"], True),
    ],
)
def test_the_last_option_about_colour_counts(workspace: Workspace, flags: list[str], coloured: bool) -> None:
    assert bool(ANSI.search(workspace.call("plan", *flags).stdout)) is coloured


def test_what_stands_behind_the_command_counts_more_than_what_stands_before_it(workspace: Workspace) -> None:
    done = call(["--color", "always", "plan", "--no-color", "-C", str(workspace.path)], env=workspace.env)
    assert done.code == 0
    assert not ANSI.search(done.stdout)


@pytest.mark.parametrize(
    ("variables", "command"),
    [
        ({}, ["less"]),
        ({"PAGER": "more"}, ["more"]),
        ({"PAGER": "more", "RECONCILER_PAGER": "less -S"}, ["less", "-S"]),
        ({"PAGER": "more", "RECONCILER_PAGER": ""}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": "  "}, None),
        ({"PAGER": "less 'half"}, None),
    ],
)
def test_the_pager_is_the_one_that_was_chosen(variables: dict[str, str], command: list[str] | None) -> None:
    assert pager(variables) == command


@pytest.fixture
def many(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace whose plan is longer than a screen, and a pager that leaves a trace."""
    workspace.state(MANY)
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\necho "$LESS" >"{tmp_path}/paged"\nexec cat\n', encoding="utf-8")
    script.chmod(0o755)
    workspace.variables = {"RECONCILER_PAGER": str(script)}
    return workspace


def plan(workspace: Workspace, *flags: str) -> list[str]:
    return [*flags, "plan", "-C", str(workspace.path)]


def test_a_long_plan_at_a_terminal_goes_through_the_pager_with_its_colours(many: Workspace, tmp_path: Path) -> None:
    seen = at_terminal(plan(many), many.env)
    assert seen.code == 0
    assert (tmp_path / "paged").read_text(encoding="utf-8") == "FRX\n"
    assert ANSI.search(seen.text)
    assert "Plan: 40 to create" in seen.text
    assert f"To apply: reconciler apply -C {many.path}" in seen.text


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        (["--no-pager"], {}),
        (["--json"], {}),
        ([], {"CI": "true"}),
        ([], {"TERM": "dumb"}),
        ([], {"RECONCILER_PAGER": "cat"}),
    ],
)
def test_there_is_no_pager_where_nobody_wants_one(
    many: Workspace, flags: list[str], variables: dict[str, str], tmp_path: Path
) -> None:
    seen = at_terminal(plan(many, *flags), many.env | variables)
    assert seen.code == 0
    assert "user39@example.com" in seen.text
    assert not (tmp_path / "paged").exists()


def test_a_plan_that_fits_or_is_saved_needs_no_pager(many: Workspace, tmp_path: Path) -> None:
    assert "Plan: 40 to create" in at_terminal(plan(many), many.env, lines=400).text
    saved = at_terminal([*plan(many), "-o", str(tmp_path / "a.plan")], many.env)
    assert "To do exactly this: reconciler apply" in saved.text
    assert not (tmp_path / "paged").exists()


def test_in_a_pipe_there_is_no_pager(many: Workspace, tmp_path: Path) -> None:
    done = many.call("plan")
    assert done.last_line.startswith("Plan: 40 to create")
    assert not (tmp_path / "paged").exists()


@pytest.mark.parametrize("command", ["no-such-pager", "sh -c 'exit 3'", "sh -c 'kill -9 $$'", "true"])
def test_a_pager_that_is_missing_or_fails_changes_nothing_about_the_end(many: Workspace, command: str) -> None:
    seen = at_terminal([*plan(many), "--detailed-exitcode"], many.env | {"RECONCILER_PAGER": command})
    assert seen.code == 2
    # Who leaves a pager has seen what he wanted to; what a pager has not shown is written.
    assert ("user39@example.com" in seen.text) == (command.startswith("no") or "exit" in command)
    assert "To apply:" in seen.text


@pytest.mark.skipif(LESS is None, reason="there is no less on this machine")
def test_leaving_less_early_ends_the_command_as_always(many: Workspace) -> None:
    seen = at_terminal(
        [*plan(many), "--detailed-exitcode"], many.env | {"RECONCILER_PAGER": "less"}, keys=[("\n:", "q")]
    )
    assert seen.code == 2
    assert "user01@example.com" in seen.text
    assert "user39@example.com" not in seen.text
    assert "To apply:" in seen.text


def test_ctrl_c_is_for_the_pager_alone(many: Workspace) -> None:
    waiting = "sh -c 'cat >/dev/null; echo waiting; exec sleep 60'"
    seen = at_terminal(
        [*plan(many), "--detailed-exitcode"], many.env | {"RECONCILER_PAGER": waiting}, keys=[("waiting", "\x03")]
    )
    assert seen.code == 2
    assert "To apply:" in seen.text


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["validate"], "To see what they would change: reconciler plan -C {path}"),
        (["runs"], None),
        (["validate", "-q"], None),
    ],
)
def test_hints_are_command_lines_that_can_be_copied(many: Workspace, arguments: list[str], hint: str | None) -> None:
    seen = at_terminal([*arguments, "-C", str(many.path)], many.env)
    assert seen.code == 0
    assert ("reconciler" in seen.text) == (hint is not None)
    if hint is not None:
        assert hint.format(path=many.path) in seen.text


@pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS", "GITLAB_CI"])
def test_a_pipeline_gets_no_hints(many: Workspace, variable: str) -> None:
    seen = at_terminal(["validate", "-C", str(many.path)], many.env | {variable: "true"})
    assert seen.text == "Valid: 2 files, 40 users, 0 groups.\r\n"


def test_a_new_workspace_comes_with_its_next_command(tmp_path: Path) -> None:
    seen = at_terminal(["init", "-C", "acme"], environment(), cwd=tmp_path)
    assert seen.code == 0
    assert "reconciler import -C acme" in seen.text
    assert call(["init", "-C", "other"], cwd=tmp_path).stderr == ""

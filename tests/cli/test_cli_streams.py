"""What goes to standard error while a command works, and when it fails for a reason that nobody foresaw."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

from command_line import environment
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import report
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal

if TYPE_CHECKING:
    import pytest


class Clock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress(Terminal(), "Reading acme", clock=clock) as progress:
        for second in range(25):
            clock.now = float(second)
            progress.update(second, 25)
    assert capsys.readouterr() == ("", "Reading acme …\nReading acme: 10 of 25\nReading acme: 20 of 25\n")


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress(Terminal(quiet=True), "Reading acme", clock=clock) as progress:
        clock.now = 60.0
        progress.update(1, 2)
        progress.interrupt("waiting")
    assert capsys.readouterr() == ("", "")


BAR = """
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal
ticks = iter(range(9))
with Progress(Terminal(), "Reading acme", clock=lambda: next(ticks)) as progress:
    progress.update(1, 2)
    progress.interrupt("waiting")
    progress.update(2, 2)
"""


def test_progress_is_a_bar_on_a_terminal_and_leaves_nothing_behind() -> None:
    person, terminal = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", BAR], stderr=terminal, env=environment(TERM="xterm", COLUMNS="80"), check=True
    )
    os.close(terminal)
    shown = os.read(person, 65536).decode()
    os.close(person)
    assert "Reading acme  ████████████░░░░░░░░░░░░  1 of 2" in shown
    assert "\x1b[2Kwaiting\r\n" in shown
    assert "Reading acme  ████████████████████████  2 of 2" in shown
    assert shown.endswith("\r\x1b[2K")


def an_error() -> ZeroDivisionError:
    try:
        raise ZeroDivisionError("\x1b[31m")
    except ZeroDivisionError as error:
        return error


def test_a_bug_is_told_in_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(an_error(), Terminal()) is ExitCode.ERROR
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert r"this is a bug in reconciler" in err
    assert r"(ZeroDivisionError: \x1b[31m)" in err


def test_verbose_shows_where_a_bug_is(capsys: pytest.CaptureFixture[str]) -> None:
    report(an_error(), Terminal(verbose=True))
    assert "Traceback (most recent call last):" in capsys.readouterr().err


def test_an_error_of_the_operating_system_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(PermissionError(13, "Permission denied", "acme.plan"), Terminal(json=True)) is ExitCode.ERROR
    out, err = capsys.readouterr()
    assert err == "error: acme.plan: Permission denied\n"
    assert '"type": "PermissionError"' in out

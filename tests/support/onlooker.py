"""A person who looks at a terminal, sees all that a command shows there, and presses keys."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from command_line import COMMAND
from fork_server import forks

_LONGEST = 30  # seconds


@dataclass(frozen=True)
class Seen:
    """A command that has ended, and what the person has seen of it."""

    code: int
    text: str


@dataclass
class _Eyes:
    """Reads what is shown, and presses each key when the text that it waits for is there."""

    person: int
    keys: list[tuple[str, str]]
    shown: bytearray = field(default_factory=bytearray)

    def look(self) -> None:
        looked = 0
        while True:
            try:
                part = os.read(self.person, 65536)
            except OSError:
                # Nobody has the terminal open any more.
                return
            self.shown += part
            while self.keys and (at := self.shown.find(self.keys[0][0].encode(), looked)) >= 0:
                awaited, key = self.keys.pop(0)
                looked = at + len(awaited.encode())
                os.write(self.person, key.encode())


def at_terminal(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    keys: Sequence[tuple[str, str]] = (),
    lines: int = 24,
    cwd: Path | None = None,
) -> Seen:
    """Run the command at a terminal of 80 columns.

    Args:
        arguments: what follows its name.
        env: its environment variables, without the size of the terminal.
        keys: texts that are waited for one after the other, and the keys that are pressed then.
        lines: how many lines the terminal has.
        cwd: where the command is run.
    """
    person, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (lines, 80))
    variables = {name: value for name, value in env.items() if name not in ("LINES", "COLUMNS")}
    variables.setdefault("TERM", "xterm-256color")
    eyes = _Eyes(person, list(keys))
    reader = threading.Thread(target=eyes.look)
    reader.start()
    try:
        code = (_with_keys if keys else _without)(arguments, variables, os.ttyname(terminal), cwd)
    finally:
        os.close(terminal)
        reader.join()
        os.close(person)
    return Seen(code, eyes.shown.decode())


def _without(arguments: Sequence[str], env: Mapping[str, str], terminal: str, cwd: Path | None) -> int:
    process = forks().start(arguments, env, Path(terminal), stdin=Path(terminal), cwd=cwd)
    watch = threading.Timer(_LONGEST, process.kill)
    watch.start()
    try:
        return process.wait()
    finally:
        watch.cancel()


def _with_keys(arguments: Sequence[str], env: Mapping[str, str], terminal: str, cwd: Path | None) -> int:
    # The first terminal that the leader of a session opens becomes its own, and a pager reads keys from that one.
    script = 'exec "$0" "$@" <>"$TERMINAL" >&0 2>&0'
    return subprocess.run(
        ["sh", "-c", script, *COMMAND, *arguments],
        env={**env, "TERMINAL": terminal},
        cwd=cwd,
        start_new_session=True,
        timeout=_LONGEST,
        check=False,
    ).returncode

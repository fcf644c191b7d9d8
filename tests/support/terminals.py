"""A person at a terminal, who is asked."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from command_line import COMMAND, Workspace


def read_until(stream: IO[str], text: str) -> None:
    """Read up to a text, and fail where the stream ends without it."""
    shown = ""
    while text not in shown:
        character = stream.read(1)
        assert character, shown
        shown += character


@contextmanager
def asked(workspace: Workspace) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start an apply at a terminal, and wait until it asks. Gives the process and the person's end of the terminal."""
    person, terminal = pty.openpty()
    # A test run in the background ignores SIGINT, and its children would inherit that; a person's shell does not.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with subprocess.Popen(
            [*COMMAND, "apply", "-C", str(workspace.path)],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=workspace.env,
        ) as process:
            os.close(terminal)
            assert process.stderr
            read_until(process.stderr, "Only 'yes' is accepted")
            yield process, person
    finally:
        signal.signal(signal.SIGINT, previous)
        os.close(person)

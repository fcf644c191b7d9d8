"""A person at a terminal, who is asked."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attending import Running, attended
from command_line import Workspace


def read_until(stream: IO[str], text: str) -> None:
    """Read up to a text, and fail where the stream ends without it."""
    shown = ""
    while text not in shown:
        character = stream.read(1)
        assert character, shown
        shown += character


@contextmanager
def asked(workspace: Workspace) -> Iterator[tuple[Running, int]]:
    """Start an apply at a terminal, and wait until it asks. Gives the process and the person's end of the terminal."""
    person, terminal = pty.openpty()
    try:
        arguments = ["apply", "-C", str(workspace.path)]
        with attended(arguments, workspace.env, stdin=Path(os.ttyname(terminal))) as process:
            read_until(process.stderr, "Only 'yes' is accepted")
            yield process, person
    finally:
        os.close(terminal)
        os.close(person)

"""Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing where quiet is asked for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Self

from reconciler.cli.terminal import Terminal

_REDRAW = 0.1  # seconds between two drawings of the bar
_REPEAT = 10.0  # seconds between two lines of a log, and between two remarks
_BAR = 24  # columns


class Progress:
    """One piece of work that takes a while. Use it as a context manager: the bar goes when the work ends.

    Args:
        terminal: where it is shown.
        title: what is being done, in a few words.
        clock: returns seconds; only differences count.
    """

    def __init__(self, terminal: Terminal, title: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._title = title
        self._clock = clock
        self._drawn = False
        self._last = clock()
        self._remarked: float | None = None
        if not terminal.shows_progress:
            terminal.tell(f"{title} …")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def update(self, done: int, total: int, detail: str = "") -> None:
        """Show how far the work has come."""
        now = self._clock()
        if now - self._last < (_REDRAW if self._terminal.shows_progress else _REPEAT):
            return
        self._last = now
        numbers = detail or f"{done:,} of {total:,}"
        if self._terminal.shows_progress:
            self._draw(min(1.0, done / total) if total else 0.0, numbers)
        else:
            self._terminal.tell(f"{self._title}: {numbers}")

    def interrupt(self, text: str) -> None:
        """Write a line between two drawings of the bar."""
        self._clear()
        self._terminal.tell(text)

    def remark(self, text: str) -> None:
        """Write a line, unless the last remark was made a moment ago."""
        now = self._clock()
        if self._remarked is None or now - self._remarked >= _REPEAT:
            self._remarked = now
            self.interrupt(text)

    def _draw(self, fraction: float, numbers: str) -> None:
        filled = round(fraction * _BAR)
        line = f"{self._title}  {'█' * filled}{'░' * (_BAR - filled)}  {numbers}"
        columns = shutil.get_terminal_size().columns
        self._terminal.draw(f"\r\x1b[2K{line[: columns - 1]}")
        self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._terminal.draw("\r\x1b[2K")
            self._drawn = False

"""Long results page by page, by the pager of the person at the terminal."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

_PAINT: Final = re.compile(r"\x1b\[[0-9;]*m")
_LESS: Final = "FRX"
"""Options of ``less``, as Git has them: end where all fits, keep colours, leave the text on the screen."""


def pager(environ: Mapping[str, str]) -> list[str] | None:
    """Return the command line of the pager, or ``None`` where the environment asks for none.

    The first of ``RECONCILER_PAGER`` and ``PAGER`` that is set says which, and empty or ``cat`` means none; ``less``
    is it where neither is set.
    """
    chosen = next((environ[name] for name in ("RECONCILER_PAGER", "PAGER") if name in environ), "less")
    try:
        words = shlex.split(chosen)
    except ValueError:
        return None
    return None if words in ([], ["cat"]) else words


def fits(text: str) -> bool:
    """Tell whether a text fits on the screen of the terminal, with a line left for the prompt."""
    size = shutil.get_terminal_size()
    columns = max(size.columns, 1)
    # A line that is wider than the screen takes several of it.
    lines = sum(max(-(-len(_PAINT.sub("", line)) // columns), 1) for line in text.splitlines())
    return lines < size.lines


def show(text: str, command: list[str], environ: Mapping[str, str]) -> bool:
    """Show a text in a pager, and return when the person has left it.

    Args:
        text: what is shown.
        command: the pager.
        environ: the environment variables.

    Returns:
        Whether the pager has shown it. Where not, it is missing or has failed, and the text has still to be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    variables = {"LESS": _LESS, "LV": "-c", **environ}
    with _undisturbed():
        try:
            # S603: which program it is, the person at the terminal has said.
            process = subprocess.Popen(command, stdin=subprocess.PIPE, env=variables)  # noqa: S603
        except OSError:
            return False
        with suppress(BrokenPipeError):
            # Whoever has seen enough leaves before the end.
            process.communicate(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
        # 0: left; negative: ended by a signal, Ctrl-C for example.
        return process.wait() <= 0


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave Ctrl-C to the pager: it is the terminal's whole foreground that gets the signal.

    A handler of ours and not SIG_IGN, which the pager would inherit.
    """
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)

"""Where output goes, and how: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    # Few command lines ask for it.
    from reconciler.cli.streaming import EventStream


@dataclass(slots=True)
class Terminal:
    """The common options of one invocation, and the two streams that they are about.

    Attributes:
        workspace: the folder with ``directory.yaml`` (``-C``).
        json: whether standard output is to hold exactly one JSON document.
        no_color: whether colours are refused.
        quiet: whether only results and errors are shown.
        verbose: whether more is told, tracebacks of bugs too.
        stream: what tells events on standard output (``--json-stream``), which then holds nothing else.
    """

    workspace: Path = Path()
    json: bool = False
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False
    stream: EventStream | None = None

    @property
    def color(self) -> bool:
        """Whether results are coloured."""
        return self.wants_color(sys.stdout)

    @property
    def width(self) -> int | None:
        """Columns of the terminal that shows results, or ``None`` where they go elsewhere."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def wants_color(self, stream: TextIO) -> bool:
        """Tell whether a stream is to be coloured: by option, then NO_COLOR, FORCE_COLOR, and what the stream is.

        An empty variable counts as not set (https://no-color.org, https://force-color.org).
        """
        if self.no_color or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def shows_progress(self) -> bool:
        """Whether standard error is a terminal on which a line can be drawn again and again."""
        return not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to answer a question. Nothing is ever asked otherwise."""
        return sys.stdin.isatty() and not self.json and self.stream is None

    def command_line(self, *words: str | Path) -> str:
        """Return a command line for the same workspace, fit to be shown and to be copied into a shell."""
        # Imported now, because help must not wait for it.
        from reconciler.rendering import safe

        workspace = () if self.workspace == Path() else ("-C", self.workspace)
        return safe(shlex.join(map(str, ("reconciler", *words, *workspace))))

    def result(self, text: str) -> None:
        """Write a result, lines that end in a newline. A reader that went away (``| head``) is no error."""
        try:
            click.echo(text, nl=False, color=True)
        except BrokenPipeError:
            # What follows, an apply perhaps, must not end because nobody reads on.
            _discard(sys.stdout)
        except OSError as error:
            # What is left in the buffer would fail once more at the end of the process.
            _discard(sys.stdout)
            raise OSError(error.errno, error.strerror, "standard output") from error

    def tell(self, text: str) -> None:
        """Write one line about what is going on, unless asked to be quiet."""
        if not self.quiet:
            self.complain(text)

    def detail(self, text: str) -> None:
        """Write one line that only somebody who asked for more wants to read."""
        if self.verbose:
            self.complain(text)

    def complain(self, text: str) -> None:
        """Write one line or several to standard error, whatever was asked."""
        self.draw(f"{text}\n")

    def draw(self, text: str) -> None:
        """Write to standard error as it is. An apply must not end because its progress cannot be written."""
        try:
            click.echo(text, nl=False, err=True, color=True)
        except OSError:
            _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Let everything that is written to a stream from now on disappear."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

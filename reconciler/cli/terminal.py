"""Where output goes, and how: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TextIO, TypeAlias

import click

if TYPE_CHECKING:
    # Few command lines ask for it.
    from reconciler.cli.streaming import EventStream

ColorWhen: TypeAlias = Literal["auto", "always", "never"]
"""When output is coloured: where a person sees it, everywhere, or nowhere."""

_PIPELINES: Final = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "BUILDKITE", "JENKINS_URL", "TEAMCITY_VERSION")
_NO: Final = ("", "0", "false", "no")


def in_pipeline(environ: Mapping[str, str]) -> bool:
    """Tell whether this is a job of a CI system. Some of them give it a terminal, at which nobody sits."""
    return any(environ.get(name, "").lower() not in _NO for name in _PIPELINES)


@dataclass(slots=True)
class Terminal:
    """The common options of one invocation, and the two streams that they are about.

    Attributes:
        workspace: the folder with ``directory.yaml`` (``-C``).
        json: whether standard output is to hold exactly one JSON document.
        color_when: what ``--color`` or ``--no-color`` says, the last of them.
        no_pager: whether long results are not to be shown in a pager.
        quiet: whether only results and errors are shown.
        verbose: whether more is told, tracebacks of bugs too.
        stream: what tells events on standard output (``--json-stream``), which then holds nothing else.
    """

    workspace: Path = Path()
    json: bool = False
    color_when: ColorWhen = "auto"
    no_pager: bool = False
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
        """Tell whether a stream is to be coloured: by option, then by what the environment says, then by what it is.

        An empty variable counts as not set (https://no-color.org, https://force-color.org, https://bixense.com/clicolors).
        """
        environ = os.environ
        if self.color_when != "auto":
            return self.color_when == "always"
        if environ.get("NO_COLOR"):
            return False
        if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
            return True
        return stream.isatty() and environ.get("CLICOLOR") != "0" and environ.get("TERM") != "dumb"

    @property
    def shows_hints(self) -> bool:
        """Whether somebody reads who might want to know the next command."""
        silent = self.quiet or self.json or self.stream is not None or in_pipeline(os.environ)
        return not silent and sys.stdout.isatty()

    @property
    def pages(self) -> bool:
        """Whether a long result is shown in a pager."""
        silent = self.no_pager or self.json or self.stream is not None or in_pipeline(os.environ)
        return not silent and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

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

    def page(self, text: str) -> None:
        """Write a result, page by page where it is longer than the screen and a person reads it."""
        if self.pages:
            # Imported now, because most results are short, or read by programs.
            from reconciler.cli import paging

            command = paging.pager(os.environ)
            if command is not None and not paging.fits(text) and paging.show(text, command, os.environ):
                return
        self.result(text)

    def hint(self, text: str) -> None:
        """Write one line about what could be done next, to a person."""
        if self.shows_hints:
            self.complain(text)

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

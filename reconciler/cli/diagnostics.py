"""Problems and warnings on standard error."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.terminal import Terminal
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.rendering import render_diagnostics


def tell_diagnostics(diagnostics: Sequence[Diagnostic], terminal: Terminal) -> None:
    """Write problems for a person: errors always, warnings and notes unless asked to be quiet."""
    if terminal.stream is not None:
        terminal.stream.diagnostics(diagnostics)
    shown = [found for found in diagnostics if not terminal.quiet or found.severity is Severity.ERROR]
    if shown:
        color = terminal.wants_color(sys.stderr)
        terminal.complain(render_diagnostics(shown, "text", color=color, base=base_of(terminal.workspace)).rstrip("\n"))


def base_of(workspace: Path) -> str:
    """Return the path from here to a workspace, with ``/``, so that a file name can be clicked on."""
    try:
        return Path(os.path.relpath(workspace)).as_posix()
    except ValueError:
        # On Windows there is no way from one drive to another.
        return workspace.as_posix()


def repository_base_of(workspace: Path) -> str:
    """Return the path to a workspace from the root of its Git repository, from where code hosts name files.

    Without a repository it is the path from here, where a job of theirs begins.
    """
    # Imported now: what reads files is not needed to tell an error.
    from reconciler.desired.workspace import git_prefix

    prefix = git_prefix(workspace)
    return base_of(workspace) if prefix is None else prefix


def tally(diagnostics: Sequence[Diagnostic]) -> str:
    """Return how many problems there are: ``2 errors, 1 warning``."""
    counts = Counter(found.severity for found in diagnostics)
    return ", ".join(
        f"{count} {severity}{'' if count == 1 else 's'}" for severity in Severity if (count := counts[severity])
    )

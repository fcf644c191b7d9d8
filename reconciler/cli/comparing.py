"""What separates a plan from one that was reviewed: what ``plan`` and ``show`` share of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reconciler import api
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import ExitError
from reconciler.cli.parameters import PathType
from reconciler.cli.showing import Showing, shown
from reconciler.cli.terminal import Terminal
from reconciler.planning import Plan, PlanFileError, decode
from reconciler.planning.document import as_json
from reconciler.rendering import json_document
from reconciler.rendering.comparison import comparison_document, render_comparison


def compare_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--compare`` to a command, which gets the file as ``reviewed``."""
    return click.option(
        "--compare",
        "reviewed",
        type=PathType(dir_okay=False),
        metavar="OLD",
        help="Also show what separates this plan from a saved one, one that was reviewed for instance.",
    )(command)


def require_comparable(terminal: Terminal, showing: Showing) -> None:
    """Refuse ``--compare`` with a form that has no place for it."""
    if showing.form(terminal) not in ("text", "json") or showing.redact:
        raise click.UsageError("--compare is written as text or JSON only, and with names: not with --redact.")


def read_reviewed(file: Path) -> Plan:
    """Read the plan that was reviewed."""
    try:
        return decode(file.read_bytes())
    except PlanFileError as error:
        # It is not the plan that the command is about: say which file it is.
        raise ExitError(ExitCode.STALE, PlanFileError(f"{file}: {error}")) from error


def compared(terminal: Terminal, plan: Plan, older: Plan, showing: Showing, *, saved: bool = False) -> str:
    """Return a plan as it is to be shown, and before its last line what separates it from an older one.

    Args:
        terminal: where it goes.
        plan: the plan.
        older: the one that was reviewed.
        showing: how.
        saved: whether the plan was read from a file, as for :func:`~reconciler.cli.showing.shown`.
    """
    comparison = api.compare(older, plan)
    if showing.form(terminal) == "json":
        return json_document({"plan": as_json(plan), "comparison": comparison_document(comparison)})
    last = f"{plan.summary}\n"
    text = shown(terminal, plan, showing, saved=saved).removesuffix(last)
    difference = render_comparison(comparison, color=terminal.color, full=showing.full, width=terminal.width)
    return f"{text}{difference}\n{last}"

"""How a plan is shown: the options that ``plan`` and ``show`` share, and what they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import click

from reconciler.cli.options import full_option, left_out_option
from reconciler.cli.terminal import Terminal
from reconciler.planning import Plan
from reconciler.rendering import render_json, render_text

Format: TypeAlias = Literal["text", "markdown", "html", "json"]
"""The renderings of a plan. ``--json`` is ``--format json``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """How a plan is to be shown.

    Attributes:
        fmt: which rendering, where one was asked for.
        full: show every membership and every value whole.
        left_out: list every step that was left out, in place of their number alone.
        redact: show ids or initials in place of people's names and addresses.
    """

    fmt: Format | None = None
    full: bool = False
    left_out: bool = False
    redact: bool = False

    def form(self, terminal: Terminal) -> Format:
        """Return which rendering is meant, with what ``--json`` says of it."""
        if terminal.json and self.fmt not in (None, "json"):
            raise click.UsageError(f"--json is --format json, and --format {self.fmt} is something else.")
        return self.fmt or ("json" if terminal.json else "text")


redact_option: Final = click.option(
    "--redact", is_flag=True, help="Show ids or initials instead of people's names and addresses."
)


def showing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :class:`Showing` to a command, which gets them together as ``showing``."""

    @functools.wraps(command)
    def with_options(
        *arguments: Any, fmt: Format | None, full: bool, left_out: bool, redact: bool, **given: Any
    ) -> Any:
        showing = Showing(fmt=fmt, full=full, left_out=left_out, redact=redact)
        return command(*arguments, showing=showing, **given)

    form = click.option("--format", "fmt", type=click.Choice(get_args(Format)), help="How to write the plan.")
    return form(redact_option(left_out_option(full_option(with_options))))


def shown(terminal: Terminal, plan: Plan, showing: Showing, *, saved: bool = False) -> str:
    """Return a plan as it is to be shown, fit for standard output.

    Args:
        terminal: where it goes.
        plan: the plan.
        showing: how.
        saved: whether it was read from a file: what proves that it is the one that was made is told, too.
    """
    form = showing.form(terminal)
    if showing.redact:
        from reconciler.rendering.redacting import redacted

        plan = redacted(plan)
    if form == "markdown":
        from reconciler.rendering.markdown import render_markdown

        return render_markdown(plan)
    if form == "json":
        return render_json(plan)
    if form == "html":
        from reconciler.rendering.report import render_html

        return render_html(plan)
    return render_text(
        plan, color=terminal.color, full=showing.full, width=terminal.width, saved=saved, left_out=showing.left_out
    )

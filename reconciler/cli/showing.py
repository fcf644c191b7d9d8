"""How a plan is shown: the options that ``plan`` and ``show`` share, and what they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeAlias, get_args

import click

from reconciler.cli.completing import users
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.options import full_option, left_out_option
from reconciler.cli.parameters import TextType
from reconciler.cli.terminal import Terminal
from reconciler.planning import Plan
from reconciler.rendering import render_json, render_text
from reconciler.rendering.grouping import GroupBy

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
        group_by: what stands together in the text.
        user: the one person whose changes alone are shown.
    """

    fmt: Format | None = None
    full: bool = False
    left_out: bool = False
    redact: bool = False
    group_by: GroupBy = "kind"
    user: str | None = None

    def form(self, terminal: Terminal) -> Format:
        """Return which rendering is meant, with what ``--json`` says of it."""
        if terminal.json and self.fmt not in (None, "json"):
            raise click.UsageError(f"--json is --format json, and --format {self.fmt} is something else.")
        form = self.fmt or ("json" if terminal.json else "text")
        for option, given in (("--user", self.user is not None), ("--group-by", self.group_by != "kind")):
            if given and form != "text":
                raise click.UsageError(f"{option} is for the text of a plan, and {form} has its own order.")
        if self.user == "":
            raise click.UsageError("--user is empty.")
        if self.redact and self.user is not None:
            raise click.UsageError("--redact hides whom --user asks for. Leave one of them out.")
        return form


_NAMES: Final = tuple(field.name for field in fields(Showing))

redact_option: Final = click.option(
    "--redact", is_flag=True, help="Show ids or initials instead of people's names and addresses."
)


group_by_option: Final = click.option(
    "--group-by",
    type=ChoiceType(get_args(GroupBy)),
    default="kind",
    help="What stands together: kinds of change (the default), all of a user, or all of a group.",
)
user_option: Final = click.option(
    "--user",
    type=TextType(),
    metavar="NAME",
    shell_complete=users,
    help="Show what changes for one person alone: userName or id.",
)


def showing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :class:`Showing` to a command, which gets them together as ``showing``."""

    @functools.wraps(command)
    def with_options(*arguments: Any, **given: Any) -> Any:
        showing = Showing(**{name: given.pop(name) for name in _NAMES})
        return command(*arguments, showing=showing, **given)

    form = click.option("--format", "fmt", type=ChoiceType(get_args(Format)), help="How to write the plan.")
    return form(group_by_option(user_option(redact_option(left_out_option(full_option(with_options))))))


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
    if showing.user is not None:
        from reconciler.rendering.person import render_person

        return render_person(plan, showing.user, color=terminal.color, width=terminal.width)
    return render_text(
        plan,
        color=terminal.color,
        full=showing.full,
        width=terminal.width,
        saved=saved,
        left_out=showing.left_out,
        group_by=showing.group_by,
    )

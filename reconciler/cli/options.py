"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from reconciler.cli.parameters import TextType
from reconciler.config import Allowance, Policy
from reconciler.desired.moments import parse_start

LIFTABLE = ("users.deactivate", "users.delete", "groups.delete", "members.remove")
"""The guards with a limit that can be lifted for one run. The others protect by what the files state."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read a date, which is its first moment, or a time of RFC 3339; in UTC unless stated otherwise."""
    if value is None:
        return None
    try:
        return parse_start(value)
    except ValueError:
        message = f"{value!r} is neither a date such as 2026-11-22 nor a time such as 2026-11-22T08:00:00Z"
        raise click.BadParameter(message, context, parameter) from None


def _allowances(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Allowance, ...]:
    """Read guards lifted for one run: ``users.deactivate=40``."""
    try:
        return tuple(map(_allowance, values))
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def _allowance(text: str) -> Allowance:
    guard, _, number = text.partition("=")
    if guard not in LIFTABLE:
        near = difflib.get_close_matches(guard, LIFTABLE, n=1)
        guess = f"did you mean {near[0]}?" if near else f"there are {', '.join(LIFTABLE)}"
        raise ValueError(f"there is no guard {guard!r} to lift; {guess}")
    if not number.isascii() or not number.isdecimal():
        raise ValueError(f"{text!r} must be GUARD=N with a whole number, as the refusal prints it")
    return Allowance(guard=guard, count=int(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningOptions:
    """How a plan is to be made.

    Attributes:
        as_of: the moment at which ``from`` and ``until`` are judged, or ``None`` for now.
        allowances: guards lifted.
        reason: why they are.
        confirm_replace: whether groups go that wait for a person, see ``lifecycle.replace``.
    """

    as_of: datetime | None
    allowances: tuple[Allowance, ...]
    reason: str | None
    confirm_replace: bool = False

    def __post_init__(self) -> None:
        if bool(self.allowances) != bool(self.reason and self.reason.strip()):
            raise click.UsageError("--allow and --reason go together: a lifted guard is recorded with its reason.")

    @property
    def given(self) -> bool:
        """Whether any of them was given."""
        return self.as_of is not None or bool(self.allowances) or self.confirm_replace

    @property
    def moment(self) -> datetime:
        """The moment to plan for."""
        return self.as_of or datetime.now(UTC)

    def policy(self, configured: Policy) -> Policy:
        """Return the rules of planning with the guards that are lifted and what was confirmed."""
        return replace(
            configured,
            allowances=self.allowances,
            reason=self.reason,
            confirm_replace=self.confirm_replace,
        )


def planning_options(command: _Command) -> _Command:
    """Add the options that :class:`PlanningOptions` holds: ``as_of``, ``allow``, ``reason``, ``confirm_replace``."""
    for option in (
        click.option(
            "--confirm-replace",
            is_flag=True,
            help="Delete replaced groups that wait until a person has granted product access to their successors "
            "(`lifecycle: {replace: manual-regrant}`).",
        ),
        click.option(
            "--reason",
            type=TextType(),
            metavar="TEXT",
            help="Why guards are lifted; kept in the plan.",
        ),
        click.option(
            "--allow",
            callback=_allowances,
            metavar="GUARD=N",
            multiple=True,
            help="Lift a guard for this run, as the refusal prints it: users.deactivate=40. Needs --reason.",
        ),
        click.option(
            "--as-of",
            callback=_moment,
            metavar="TIME",
            help="Judge `from` and `until` at this date or RFC 3339 time (UTC unless stated). Now, if left out.",
        ),
    ):
        command = option(command)
    return command


full_option = click.option("--full", is_flag=True, help="Show every membership, and long values whole.")

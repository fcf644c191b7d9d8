"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import click

from reconciler.cli.completing import guards, selectors
from reconciler.cli.parameters import TextType
from reconciler.config import Allowance, Policy
from reconciler.desired.moments import parse_start
from reconciler.desired.phrases import either
from reconciler.diagnostics import ReconcilerError
from reconciler.model import Kind
from reconciler.planning.guarding import LIFTABLE, Liftable
from reconciler.planning.selection import SelectorError, parse_selector

_KINDS: Final = tuple(kind.lower() for kind in Kind)
_MOST_DIGITS: Final = 9


class AllowanceError(ReconcilerError):
    """Text behind ``--allow`` that lifts nothing. ``text`` is what was written."""

    def __init__(self, text: str, message: str) -> None:
        self.text = text
        super().__init__(message)


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
    """Read guards lifted for one run, in any of the forms that :func:`parse_allowance` knows."""
    try:
        return tuple(map(parse_allowance, values))
    except AllowanceError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def parse_allowance(text: str) -> Allowance:
    """Return what ``--allow`` lifts.

    Args:
        text: ``GUARD=N``, ``GUARD``, ``ADDRESS/GUARD`` or ``ADDRESS/GUARD=N``. Which of them a guard may have,
            :data:`~reconciler.planning.guarding.LIFTABLE` tells. The name in an address may hold ``=`` and ``/``: the
            guard is what stands behind the last ``/``.

    Raises:
        AllowanceError: it is none of them.
    """
    subject, slash, rest = text.rpartition("/")
    guard, equals, number = rest.partition("=")
    problem = (
        _wrong_with_guard(guard, of_address=bool(slash))
        or (_wrong_with_address(subject) if slash else None)
        or _wrong_with_form(guard, by_address=bool(slash), number=number if equals else None)
    )
    if problem is not None:
        raise AllowanceError(text, f"{text!r}: {problem}")
    return Allowance(guard=guard, count=int(number) if equals else None, subject=subject if slash else None)


def _wrong_with_guard(guard: str, *, of_address: bool) -> str | None:
    if guard in LIFTABLE:
        return None
    if not of_address and guard.partition(":")[0] in _KINDS:
        return "no guard is named; write it behind the address, as in group:NAME/members.remove"
    return f"there is no guard {guard!r} to lift; {_guess(guard, LIFTABLE)}"


def _wrong_with_address(address: str) -> str | None:
    kind, colon, name = address.partition(":")
    if not colon or kind not in _KINDS:
        return f"{address!r} is no address; write user:NAME or group:NAME"
    return None if name else "nobody is named behind the colon"


def _wrong_with_form(guard: str, *, by_address: bool, number: str | None) -> str | None:
    forms = LIFTABLE[guard]
    known = forms.by_address if by_address else forms.whole or forms.with_number
    numbered = forms.with_number if number is not None else forms.whole or by_address
    if not known or not numbered:
        return f"write {_form(guard, forms)}, as the refusal prints it"
    if number is not None and not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        return f"{number!r} must be a whole number, as the refusal prints it"
    return None


def _form(guard: str, forms: Liftable) -> str:
    """Return in which forms a guard may be named."""
    texts = {guard: forms.whole, f"{guard}=N": forms.with_number, f"ADDRESS/{guard}": forms.by_address}
    return either([text for text, allowed in texts.items() if allowed])


def _guess(word: str, known: Iterable[str]) -> str:
    names = tuple(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


def _selectors(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Check what ``--only`` and ``--exclude`` select, as far as it can be told without the directory."""
    try:
        for value in values:
            parse_selector(value)
    except SelectorError as error:
        raise click.BadParameter(str(error), context, parameter) from None
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningOptions:
    """How a plan is to be made.

    Attributes:
        as_of: the moment at which ``from`` and ``until`` are judged, or ``None`` for now.
        allowances: guards lifted.
        reason: why the plan is made, and why guards are lifted.
        confirm_replace: whether groups go that wait for a person, see ``lifecycle.replace``.
        only: what the plan is about; everything where empty.
        exclude: what it leaves alone.
        since: the Git revision since which files must have changed for the plan to be about what they state.
    """

    as_of: datetime | None = None
    allowances: tuple[Allowance, ...] = ()
    reason: str | None = None
    confirm_replace: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    since: str | None = None

    def __post_init__(self) -> None:
        if self.since is not None and not self.since.strip():
            raise click.UsageError("--since is empty.")
        if self.reason is not None and not self.reason.strip():
            raise click.UsageError("--reason is empty.")
        if self.allowances and self.reason is None:
            raise click.UsageError("--allow needs --reason: a lifted guard is recorded with its reason.")

    @property
    def given(self) -> bool:
        """Whether any of them was given."""
        return self != PlanningOptions()

    @property
    def moment(self) -> datetime:
        """The moment to plan for."""
        return self.as_of or datetime.now(UTC)

    def policy(self, configured: Policy) -> Policy:
        """Return the rules of planning with what these options say of this one plan."""
        return replace(
            configured,
            allowances=self.allowances,
            reason=self.reason,
            confirm_replace=self.confirm_replace,
            only=self.only,
            exclude=self.exclude,
        )


_OPTIONS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "as_of": click.option(
            "--as-of",
            callback=_moment,
            metavar="TIME",
            help="Judge `from` and `until` at this date or RFC 3339 time (UTC unless stated). Now, if left out.",
        ),
        "allowances": click.option(
            "--allow",
            "allowances",
            type=TextType(),
            callback=_allowances,
            shell_complete=guards,
            metavar="GUARD",
            multiple=True,
            help="Lift a guard for this run, as the refusal prints it: users.deactivate=40, users.empty, "
            "group:NAME/members.remove. Needs --reason. May be repeated.",
        ),
        "reason": click.option(
            "--reason",
            type=TextType(),
            metavar="TEXT",
            help="Why this is done, a ticket for instance; it is recorded.",
        ),
        "only": click.option(
            "--only",
            type=TextType(),
            callback=_selectors,
            shell_complete=selectors,
            metavar="WHAT",
            multiple=True,
            help="Look at these resources alone: user:NAME, group:NAME, users[FILTER] or groups[FILTER], with SCIM "
            "filters. May be repeated.",
        ),
        "exclude": click.option(
            "--exclude",
            type=TextType(),
            callback=_selectors,
            shell_complete=selectors,
            metavar="WHAT",
            multiple=True,
            help="Leave these resources alone; the same forms as for --only.",
        ),
        "since": click.option(
            "--since",
            type=TextType(),
            metavar="REF",
            help="Plan what the files changed since a Git revision, and ask the directory for no more than that. "
            "`REF...` is where HEAD branched off from REF, as for a pull request: origin/main...",
        ),
        "confirm_replace": click.option(
            "--confirm-replace",
            is_flag=True,
            help="Delete replaced groups that wait until a person has granted product access to their successors "
            "(`lifecycle: {replace: manual-regrant}`).",
        ),
    }
)
"""By the field of :class:`PlanningOptions` that it fills, in the order of the help."""


def planning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :class:`PlanningOptions` to a command, which gets them together as ``options``."""
    return some_planning_options(*_OPTIONS)(command)


def some_planning_options(*fields: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds some of these options to a command, which gets all of them together as ``options``.

    Args:
        fields: those of :class:`PlanningOptions` that the command lets a person choose.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_options(*arguments: Any, **given: Any) -> Any:
            chosen = {name: given.pop(name) for name in fields}
            return command(*arguments, options=PlanningOptions(**chosen), **given)

        decorated: Callable[..., Any] = with_options
        for name in reversed([name for name in _OPTIONS if name in fields]):
            decorated = _OPTIONS[name](decorated)
        return decorated

    return add


full_option = click.option("--full", is_flag=True, help="Show every membership, and long values whole.")

left_out_option = click.option(
    "--left-out", is_flag=True, help="List what was left out of the plan, and why, in place of its number."
)

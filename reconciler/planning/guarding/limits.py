"""How much of one sort of change a plan may hold: a count, a percentage, or the lower of both.

There is no blind floor: 5 % of 10 people is nobody. Percentages are rounded down.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reconciler.config import Limit
from reconciler.planning.guarding.allowing import Allowances, flag
from reconciler.planning.plan import Verdict

SHOWN = 20
"""How many resources a verdict names."""


def most(limit: Limit, base: int) -> float:
    """Return the highest number that a limit lets pass: the lower of its count and its share of ``base``."""
    return min(
        float("inf") if limit.count is None else limit.count,
        float("inf") if limit.percent is None else _share(limit.percent, base),
    )


def in_words(limit: Limit, base: int, of: str | None = None) -> str:
    """Return a limit as people read it: ``20 and 5 % of 400 = 20``. ``of`` describes the base if a number does not."""
    words = []
    if limit.count is not None:
        words.append(str(limit.count))
    if limit.percent is not None:
        words.append(f"{limit.percent:g} % of {of or base} = {_share(limit.percent, base)}")
    return " and ".join(words) or "none"


def limited(
    allowances: Allowances,
    guard: str,
    limit: Limit,
    counted: Sequence[str],
    base: int,
    *,
    number: int | None = None,
    subject: str | None = None,
    of: str | None = None,
    how_to_allow: str | None = None,
) -> Verdict:
    """Return the verdict of a guard that limits a number.

    Args:
        allowances: what was lifted.
        guard: its name.
        limit: what it allows.
        counted: the addresses of what it counted.
        base: what percentages are of.
        number: how much it counted, where that is not the number of addresses.
        subject: the address of the one resource that it is about.
        of: the base in words, where that is not its number.
        how_to_allow: what lifts it; for the whole plan up to the number unless stated.
    """
    number = len(counted) if number is None else number
    within = number <= most(limit, base)
    allowance = None if within else allowances.find(guard, subject)
    lifted = allowance is not None and (allowance.count is None or number <= allowance.count)
    replaced = allowance is not None and allowance.count is not None
    return Verdict(
        guard=guard,
        passed=within or lifted,
        number=number,
        limit=str(allowance.count) if allowance is not None and replaced else in_words(limit, base, of),
        subject=subject,
        resources=tuple(counted[:SHOWN]),
        allowed_by=allowances.reason if lifted else None,
        how_to_allow="" if within else how_to_allow or flag(guard, count=number),
    )


def _share(percent: float, base: int) -> int:
    """Return the whole part of a percentage, reckoned with what was written: 0.29 % is not quite that in binary."""
    return int(Fraction(str(percent)) * base / 100)

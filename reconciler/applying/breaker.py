"""The circuit breaker: what goes wrong with many steps, or with the first, is not done to the others as well."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from reconciler.applying.outcome import Outcome, Status
from reconciler.config import Limit
from reconciler.model import Kind, Observation

_CANARY = 1
"""The number of the chunk whose failures say something of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """When a run is to start no further step.

    Attributes:
        limit: how many steps may fail, as a count, a percentage of the plan's steps, or the lower of both.
        stop_on_difference: whether it ends when something reads back differently from what was written.
        known: attributes that this directory was seen to store otherwise before: they end nothing.
    """

    limit: Limit
    stop_on_difference: bool = True
    known: Collection[tuple[Kind, str]] = frozenset()


def stored_otherwise(observations: Iterable[Observation]) -> frozenset[tuple[Kind, str]]:
    """Return the attributes that a directory was seen to store as something else than was written.

    The path ``""`` stands for users who stay, inactive, where they were deleted.
    """
    return frozenset((seen.kind, seen.path) for seen in observations if not seen.path or seen.wrote != seen.stored)


class Watch:
    """The breaker of one run.

    Args:
        breaker: when to trip.
        steps: how many steps the plan has.
    """

    def __init__(self, breaker: Breaker, steps: int) -> None:
        self._breaker = breaker
        self._steps = steps
        self._failed = 0
        self._failed_first = 0

    def notice(self, chunk: int, outcome: Outcome) -> str | None:
        """Take note of what became of a step, and return why no further one may start, or ``None``."""
        if outcome.status is Status.DIFFERS and not self._expected(outcome):
            return (
                f"the circuit breaker stopped the run, because a step reads back differently from what was written: "
                f"“{outcome.step.id}”: {outcome.message}"
            )
        if outcome.status is not Status.FAILED:
            return None
        self._failed += 1
        self._failed_first += chunk == _CANARY
        allowed, told = self._allowed()
        if allowed is None or self._failed <= allowed:
            return None
        return (
            f"the circuit breaker stopped the run, because {_steps(self._failed)} failed and max_failures is {told}; "
            f"the last one: “{outcome.step.id}”: {outcome.message}"
        )

    def chunk_ended(self, chunk: int) -> str | None:
        """Return why no further step may start after a chunk, or ``None``."""
        if chunk != _CANARY or not self._failed_first:
            return None
        return f"the circuit breaker stopped the run, because {_steps(self._failed_first)} of the first chunk failed"

    def _expected(self, outcome: Outcome) -> bool:
        if not self._breaker.stop_on_difference:
            return True
        return outcome.explained and all((seen.kind, seen.path) in self._breaker.known for seen in outcome.differences)

    def _allowed(self) -> tuple[int | None, str]:
        """Return how many steps may fail, and that in words; the integer part of a percentage, as guards count."""
        limit = self._breaker.limit
        by_percent = None if limit.percent is None else int(self._steps * limit.percent / 100)
        if by_percent is not None and (limit.count is None or by_percent < limit.count):
            return by_percent, f"{limit.percent:g} % of {self._steps} = {by_percent}"
        return limit.count, f"{limit.count}"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"

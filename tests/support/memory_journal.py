"""A journal that keeps in memory what a run tells it, and fails or loses its lock when a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reconciler.applying import Outcome, RunResult
from reconciler.diagnostics import ReconcilerError
from reconciler.planning.plan import Step


@dataclass
class MemoryJournal:
    """What a run told, in order: ``("intend", step)``, ``("settle", step)`` and the result that it ended with."""

    run_id: str = "20260601T000000Z-000000"
    told: list[tuple[Literal["intend", "settle"], str]] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    result: RunResult | None = None
    fails: Callable[[MemoryJournal], bool] = lambda _: False
    lost: Callable[[MemoryJournal], bool] = lambda _: False

    @property
    def held(self) -> bool:
        return not self.lost(self)

    async def intend(self, steps: Sequence[Step]) -> None:
        self._check()
        self.told += [("intend", step.id) for step in steps]
        self.calls.append(("intend", *(step.id for step in steps)))

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        self._check()
        self.told += [("settle", outcome.step.id) for outcome in outcomes]
        self.calls.append(("settle", *(outcome.step.id for outcome in outcomes)))
        self.outcomes |= {outcome.step.id: outcome for outcome in outcomes}

    async def complete(self, result: RunResult) -> None:
        self._check()
        self.result = result

    @property
    def trying(self) -> set[str]:
        """The steps of which nobody knows what became."""
        return {step for what, step in self.told if what == "intend"} - self.outcomes.keys()

    def _check(self) -> None:
        if self.fails(self):
            raise ReconcilerError("the store cannot be written: no space left")

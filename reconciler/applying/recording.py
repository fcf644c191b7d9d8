"""Writing to the journal of a run, and ending the run where that cannot be done any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from reconciler.applying.journal import Journal
from reconciler.applying.outcome import Outcome, RunResult
from reconciler.diagnostics import ReconcilerError
from reconciler.planning.plan import Step

_Facts = TypeVar("_Facts")


class Recorder:
    """A journal whose first failure is told, and after which nothing more is written to it.

    Args:
        journal: the ledger of the run.
        halt: ends the run.
    """

    def __init__(self, journal: Journal, halt: Callable[[str], None]) -> None:
        self._journal = journal
        self._halt = halt
        self._writable = True

    async def intend(self, steps: Sequence[Step]) -> bool:
        """Record that these steps are about to be tried, and tell whether they may be."""
        return await self._record(self._journal.intend, steps)

    async def settle(self, outcomes: Sequence[Outcome]) -> bool:
        """Record what became of steps, and tell whether that could be done."""
        return not outcomes or await self._record(self._journal.settle, outcomes)

    async def complete(self, result: RunResult) -> bool:
        """Record how the run ended, and tell whether that could be done."""
        return await self._record(self._journal.complete, result)

    async def _record(self, write: Callable[[_Facts], Awaitable[None]], facts: _Facts) -> bool:
        if not self._writable:
            return False
        try:
            await write(facts)
        except ReconcilerError as error:
            self._writable = False
            self._halt(
                f"{error}. Nothing further is recorded, and nothing further was written; what was in flight was "
                "finished, and the ledger may not tell what became of it"
            )
        return self._writable

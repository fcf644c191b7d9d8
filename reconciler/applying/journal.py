"""What an apply tells its ledger, and asks of its lock. The store keeps both; applying does not know how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.applying.outcome import Outcome, RunResult
from reconciler.planning.plan import Step


class Journal(Protocol):
    """The ledger of one run, and the lock that it holds.

    Every call returns when what it says is durable; calls may run side by side, and are then made durable together.
    All but ``held`` raise :class:`~reconciler.diagnostics.ReconcilerError` where the ledger cannot be written, or where
    the lock is lost: then nothing more may be written to the directory.
    """

    @property
    def run_id(self) -> str:
        """The name of the run."""

    @property
    def held(self) -> bool:
        """Whether this run may still write: its lock is held for long enough to send one request.

        Costs nothing and is asked before every write.
        """

    async def intend(self, steps: Sequence[Step]) -> None:
        """Record that these steps are about to be tried; called before the first request of any of them."""

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record what became of steps, in the ledger and in the audit; called once for each step of the plan."""

    async def complete(self, result: RunResult) -> None:
        """Record how the run ended."""

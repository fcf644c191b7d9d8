"""Carries out a plan: chunk by chunk, several resources at once inside a chunk, each chunk recorded before the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from reconciler.applying.lane import Lane
from reconciler.applying.ledger import Ledger
from reconciler.applying.outcome import ApplyEvent, Outcome, RunResult, Status
from reconciler.applying.session import Session
from reconciler.applying.stop import StopSignal
from reconciler.attributes import Schemas
from reconciler.capabilities import Capabilities
from reconciler.planning.plan import Plan, Step
from reconciler.scim.client import ScimClient
from reconciler.scim.tasks import together


async def apply_plan(
    plan: Plan,
    client: ScimClient,
    *,
    schemas: Schemas,
    capabilities: Capabilities,
    ledger: Ledger,
    stop: StopSignal | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
) -> RunResult:
    """Carry out exactly this plan. The caller has checked that it is intact, for this directory, and not refused.

    Every step is checked against the directory before its write and read back after it. A failed step stops nothing
    but what needs it; refused credentials, an unreachable server, or members lost that no step removes end the run.

    Args:
        plan: what to do.
        client: an entered client of the plan's directory; its concurrency bounds how many resources are in work.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
        ledger: an open ledger of this run.
        stop: ends the run early, after what is in flight.
        on_event: told of chunks and steps as they come.
    """
    session = Session(client=client, schemas=schemas, capabilities=capabilities, stop=stop or StopSignal())
    run = _Run(plan, session, ledger, on_event)
    for number, steps in plan.chunks():
        await run.chunk(number, steps)
    result = RunResult(
        run_id=ledger.run_id,
        outcomes=tuple(session.outcomes[step.id] for step in plan.steps),
        stopped=session.halted or ("stopped by the user" if session.stop.requested else None),
        by_user=session.halted is None and session.stop.requested,
    )
    ledger.run_completed(result)
    return result


class _Run:
    """The chunks of one plan, one after the other."""

    def __init__(
        self, plan: Plan, session: Session, ledger: Ledger, on_event: Callable[[ApplyEvent], None] | None
    ) -> None:
        self._session = session
        self._ledger = ledger
        self._on_event = on_event
        self._total = len(plan.steps)
        self._chunks = max((step.chunk for step in plan.steps), default=0)
        self._slots = asyncio.Semaphore(session.client.concurrency)

    async def chunk(self, number: int, steps: Sequence[Step]) -> None:
        """Carry out one chunk, or record that it was not tried."""
        if self._session.ended:
            for step in steps:
                self._finish(number, Outcome(step=step, status=Status.NOT_TRIED))
            return
        lanes: dict[str, list[Step]] = {}
        for step in steps:
            unmet = self._session.unmet(step)
            if unmet is None:
                lanes.setdefault(step.resource_id or step.address, []).append(step)
            else:
                self._finish(number, Outcome(step=step, status=Status.SKIPPED, message=unmet))
        self._ledger.chunk_started(number, [step for lane in lanes.values() for step in lane])
        self._tell("chunk_started", number)
        async with together() as tasks:
            for lane in lanes.values():
                tasks.create_task(self._lane(number, lane))
        self._ledger.chunk_completed(number)
        self._tell("chunk_completed", number)

    async def _lane(self, number: int, steps: Sequence[Step]) -> None:
        async with self._slots:
            for outcome in await Lane(self._session, steps).run():
                self._finish(number, outcome)

    def _finish(self, chunk: int, outcome: Outcome) -> None:
        self._session.outcomes[outcome.step.id] = outcome
        self._ledger.step_finished(outcome)
        self._tell("step_finished", chunk, outcome)

    def _tell(self, type_: str, chunk: int, outcome: Outcome | None = None) -> None:
        if self._on_event is not None:
            self._on_event(
                ApplyEvent(
                    type=type_,  # type: ignore[arg-type]
                    chunk=chunk,
                    chunks=self._chunks,
                    done=len(self._session.outcomes),
                    total=self._total,
                    outcome=outcome,
                )
            )

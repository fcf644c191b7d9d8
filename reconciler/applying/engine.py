"""Carries out a plan: chunk by chunk, several resources at once inside a chunk, each chunk recorded before the next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import ParamSpec

from reconciler.applying.lane import Lane
from reconciler.applying.ledger import Ledger
from reconciler.applying.membership import MembershipLane
from reconciler.applying.outcome import ApplyEvent, EventType, Outcome, RunResult, Status
from reconciler.applying.session import Session
from reconciler.applying.settling import SETTLING_SECONDS, Patience
from reconciler.applying.stop import StopSignal
from reconciler.attributes import Schemas
from reconciler.capabilities import Capabilities
from reconciler.planning.plan import Action, Plan, Step
from reconciler.scim.client import ScimClient
from reconciler.scim.tasks import together

_P = ParamSpec("_P")
_MEMBERSHIP = frozenset({Action.ADD_MEMBERS, Action.REMOVE_MEMBERS})


async def apply_plan(
    plan: Plan,
    client: ScimClient,
    *,
    schemas: Schemas,
    capabilities: Capabilities,
    ledger: Ledger,
    stop: StopSignal | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
    settling: Sequence[float] = SETTLING_SECONDS,
) -> RunResult:
    """Carry out exactly this plan. The caller has checked that it is intact, for this directory, and not refused.

    Every step is checked against the directory before its write and read back after it. A failed step stops nothing
    but what needs it. A token that is not accepted, a server that fails several times in a row, members lost that no
    step removes and that could not be put back, and a ledger that cannot be written end the run after what is in
    flight; the result says so.

    Args:
        plan: what to do.
        client: an entered client of the plan's directory; its concurrency bounds how many resources are in work.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
        ledger: an open ledger of this run.
        stop: ends the run early, after what is in flight.
        on_event: told of chunks and steps as they come.
        settling: seconds to wait between reads back of what does not read back as written, for servers whose reads
            lag behind their writes. Not every difference is waited for, see :class:`Patience`.
    """
    session = Session(
        client=client,
        schemas=schemas,
        capabilities=capabilities,
        stop=stop or StopSignal(),
        patience=Patience(settling),
    )
    for step in plan.steps:
        if step.action is Action.ADD_MEMBERS and step.resource_id is None:
            session.joining[step.address] = (*session.joining.get(step.address, ()), *step.members)
    run = _Run(plan, session, ledger, on_event)
    for number, steps in plan.chunks():
        await run.chunk(number, steps)
    return run.result()


class _Run:
    """The chunks of one plan, one after the other."""

    def __init__(
        self, plan: Plan, session: Session, ledger: Ledger, on_event: Callable[[ApplyEvent], None] | None
    ) -> None:
        self._plan = plan
        self._session = session
        self._ledger = ledger
        self._on_event = on_event
        self._chunks = max((step.chunk for step in plan.steps), default=0)
        self._recording = True

    async def chunk(self, number: int, steps: Sequence[Step]) -> None:
        """Carry out one chunk, or record that it was not tried."""
        if self._session.ended:
            self._leave(number, steps)
            return
        together_here = {step.id for step in steps}
        lanes: dict[str, list[Step]] = {}
        for step in self._met(number, steps, except_for=together_here):
            lanes.setdefault(step.resource_id or step.address, []).append(step)
        tried = [step for lane in lanes.values() for step in lane]
        self._record(self._ledger.chunk_started, number, tried)
        self._tell("chunk_started", number)
        # Groups of before this run come first: a form of writing memberships that proves itself there is safe, while
        # a group that this run made has nobody to lose, and proves less.
        in_order = sorted(lanes.values(), key=lambda lane: lane[0].resource_id is None)
        self._session.creations.expect(tried)
        async with together() as tasks:
            self._session.sender.attach(tasks)
            for lane in in_order:
                tasks.create_task(self._lane(number, lane))
        self._record(self._ledger.chunk_completed, number)
        self._tell("chunk_completed", number)

    def result(self) -> RunResult:
        """Return what became of the plan, and record how it ended."""
        session = self._session
        outcomes = tuple(session.outcomes[step.id] for step in self._plan.steps)
        by_user = session.halted is None and any(outcome.status is Status.NOT_TRIED for outcome in outcomes)
        result = RunResult(
            run_id=self._ledger.run_id,
            outcomes=outcomes,
            stopped="stopped by the user" if by_user else session.halted,
            by_user=by_user,
        )
        if self._record(self._ledger.run_completed, result):
            return result
        return replace(result, stopped=session.halted, by_user=False)

    async def _lane(self, number: int, steps: Sequence[Step]) -> None:
        session = self._session
        async with session.sender.lane():
            for action, part in groupby(steps, key=lambda step: step.action if step.action in _MEMBERSHIP else None):
                planned = list(part)
                ready = self._met(number, planned)
                lane = Lane if action is None else MembershipLane
                for outcome in await lane(session, ready).run() if ready else ():
                    self._finish(number, outcome)
                for step in planned:
                    session.creations.settle(step.address)

    def _met(self, number: int, steps: Iterable[Step], *, except_for: Collection[str] = ()) -> list[Step]:
        """Return the steps that can be tried, and record the others as skipped."""
        met = []
        for step in steps:
            unmet = self._session.unmet(step, except_for=except_for)
            if unmet is None:
                met.append(step)
            else:
                self._finish(number, Outcome(step=step, status=Status.SKIPPED, message=unmet))
        return met

    def _leave(self, number: int, steps: Sequence[Step]) -> None:
        for step in steps:
            self._finish(number, Outcome(step=step, status=Status.NOT_TRIED))

    def _finish(self, chunk: int, outcome: Outcome) -> None:
        self._session.outcomes[outcome.step.id] = outcome
        self._record(self._ledger.step_finished, outcome)
        self._tell("step_finished", chunk, outcome)

    def _record(self, write: Callable[_P, None], *facts: _P.args, **named: _P.kwargs) -> bool:
        """Write to the ledger, and tell whether it could be. Where not, the run ends: nothing is done unrecorded.

        What is in flight is finished and is in the result; the ledger keeps what was written to it before.
        """
        if self._recording:
            try:
                write(*facts, **named)
            except OSError as error:
                self._recording = False
                self._session.halt(
                    f"the ledger {self._ledger.path} cannot be written any more: {error.strerror or error}. What was "
                    "in flight was finished; plan again to see where the directory stands"
                )
        return self._recording

    def _tell(self, type_: EventType, chunk: int, outcome: Outcome | None = None) -> None:
        if self._on_event is not None:
            self._on_event(
                ApplyEvent(
                    type=type_,
                    chunk=chunk,
                    chunks=self._chunks,
                    done=len(self._session.outcomes),
                    total=len(self._plan.steps),
                    outcome=outcome,
                )
            )

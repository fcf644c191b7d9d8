"""Carries out a plan: chunk by chunk, several resources at once inside a chunk, all of it recorded as it happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from reconciler.applying.breaker import Breaker, Watch
from reconciler.applying.journal import Journal
from reconciler.applying.lane import Lane
from reconciler.applying.membership import MembershipLane
from reconciler.applying.outcome import ApplyEvent, EventType, Outcome, RunResult, Status
from reconciler.applying.recording import Recorder
from reconciler.applying.session import Session
from reconciler.applying.settling import SETTLING_SECONDS, Patience
from reconciler.applying.stop import StopSignal
from reconciler.attributes import Schemas
from reconciler.capabilities import Capabilities
from reconciler.planning.plan import Action, Plan, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS
from reconciler.scim.client import ScimClient
from reconciler.scim.tasks import together

_NOTHING: Mapping[str, Outcome] = {}


async def apply_plan(
    plan: Plan,
    client: ScimClient,
    *,
    schemas: Schemas,
    capabilities: Capabilities,
    journal: Journal,
    breaker: Breaker | None = None,
    settled: Mapping[str, Outcome] = _NOTHING,
    doubtful: Collection[str] = (),
    stop: StopSignal | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
    settling: Sequence[float] = SETTLING_SECONDS,
) -> RunResult:
    """Carry out exactly this plan. The caller has checked that it is intact, for this directory, and not refused.

    Every step is checked against the directory before its write and read back after it. A failed step stops nothing
    but what needs it. These end the run after what is in flight, and the result says so: a token that is not accepted,
    a server that fails several times in a row, members lost that no step removes and that could not be put back, a
    journal that cannot be written, a lock that is lost, and the breaker.

    Args:
        plan: what to do.
        client: an entered client of the plan's directory; its concurrency bounds how many resources are in work.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
        journal: of this run. What is about to be tried is durable in it before the first request, and what became of
            it as soon as it is known.
        breaker: when to start no further step, what is in work coming to its end; never if left out.
        settled: what an earlier run of this plan has done already, by the steps' ids. They are not tried again, and
            are recorded in the journal before anything else.
        doubtful: ids of steps that an earlier run may have carried out, in whole or in part. What they make is looked
            for before anything is written, and what they find half done is no reason to call them stale.
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
        held=lambda: journal.held,
        doubtful=frozenset(doubtful),
    )
    for step in plan.steps:
        if step.action is Action.ADD_MEMBERS and step.resource_id is None:
            session.joining[step.address] = (*session.joining.get(step.address, ()), *step.members)
    watch = Watch(breaker, len(plan.steps)) if breaker is not None else None
    run = _Run(plan, session, journal, watch, on_event)
    await run.go_on_from(settled)
    for number, steps in plan.chunks():
        left = [step for step in steps if step.id not in settled]
        if left:
            await run.chunk(number, left)
    return await run.end()


class _Run:
    """The chunks of one plan, one after the other."""

    def __init__(
        self,
        plan: Plan,
        session: Session,
        journal: Journal,
        watch: Watch | None,
        on_event: Callable[[ApplyEvent], None] | None,
    ) -> None:
        self._plan = plan
        self._session = session
        self._run_id = journal.run_id
        self._recorder = Recorder(journal, session.halt)
        self._watch = watch
        self._on_event = on_event
        self._chunks = max((step.chunk for step in plan.steps), default=0)
        self._done = 0

    async def go_on_from(self, settled: Mapping[str, Outcome]) -> None:
        """Take over what an earlier run has done."""
        known = [settled[step.id] for step in self._plan.steps if step.id in settled]
        for outcome in known:
            self._session.outcomes[outcome.step.id] = outcome
            if outcome.step.action is Action.CREATE and outcome.resource_id is not None:
                self._session.made(outcome.step, outcome.resource_id, new=False)
        recorded = await self._recorder.settle(known)
        for outcome in known:
            self._finished(outcome, recorded=recorded)

    async def chunk(self, number: int, steps: Sequence[Step]) -> None:
        """Carry out one chunk, or record that it was not tried."""
        session = self._session
        if session.ended:
            await self._finish(number, [Outcome(step=step, status=Status.NOT_TRIED) for step in steps])
            return
        tried, skipped = self._met(steps, except_for={step.id for step in steps})
        await self._finish(number, skipped)
        self._tell("chunk_started", number)
        session.creations.expect(tried)
        lanes = _lanes(tried)
        session.removing.expect(sum(map(_removes_freely, lanes)))
        async with together() as tasks:
            session.sender.attach(tasks)
            for lane in lanes:
                tasks.create_task(self._lane(number, lane))
        if self._watch is not None:
            self._heed(self._watch.chunk_ended(number))
        self._tell("chunk_completed", number)

    async def end(self) -> RunResult:
        """Return what became of the plan, and record how it ended."""
        session = self._session
        outcomes = tuple(session.outcomes[step.id] for step in self._plan.steps)
        unfinished = any(outcome.status is Status.NOT_TRIED for outcome in outcomes)
        tripped = session.tripped if unfinished else None
        by_user = unfinished and session.halted is None and tripped is None
        result = RunResult(
            run_id=self._run_id,
            outcomes=outcomes,
            stopped="stopped by the user" if by_user else session.halted or tripped,
            by_user=by_user,
            breaker=tripped is not None,
        )
        if await self._recorder.complete(result):
            return result
        return replace(result, stopped=session.halted, by_user=False)

    async def _lane(self, number: int, steps: Sequence[Step]) -> None:
        session = self._session
        outcomes: list[Outcome] = []
        async with session.sender.lane():
            for action, part in groupby(
                steps, key=lambda step: step.action if step.action in MEMBERSHIP_ACTIONS else None
            ):
                planned = list(part)
                ended = await self._part(planned, Lane if action is None else MembershipLane)
                self._note(number, ended)
                outcomes += ended
                for step in planned:
                    session.creations.settle(step.address)
        if _removes_freely(steps):
            session.removing.done()
        # Outside of the lane: the intent of the one that takes its place becomes durable in the same moment as this.
        await self._settle(outcomes)

    async def _part(self, planned: Sequence[Step], kind: type[Lane | MembershipLane]) -> list[Outcome]:
        """Carry out steps of one resource that are written and read back together."""
        ready, skipped = self._met(planned)
        if ready and not self._session.ended and await self._recorder.intend(ready):
            for step in ready:
                self._tell("step_started", step.chunk, step=step)
            return [*skipped, *await kind(self._session, ready).run()]
        return [*skipped, *(Outcome(step=step, status=Status.NOT_TRIED) for step in ready)]

    def _met(self, steps: Iterable[Step], *, except_for: Collection[str] = ()) -> tuple[list[Step], list[Outcome]]:
        """Return the steps that can be tried, and the others as skipped."""
        met: list[Step] = []
        skipped: list[Outcome] = []
        for step in steps:
            unmet = self._session.unmet(step, except_for=except_for)
            if unmet is None:
                met.append(step)
            else:
                skipped.append(Outcome(step=step, status=Status.SKIPPED, message=unmet))
        return met, skipped

    async def _finish(self, chunk: int, outcomes: Sequence[Outcome]) -> None:
        self._note(chunk, outcomes)
        await self._settle(outcomes)

    def _note(self, chunk: int, outcomes: Sequence[Outcome]) -> None:
        """Let the rest of the run know what became of steps."""
        for outcome in outcomes:
            self._session.outcomes[outcome.step.id] = outcome
            if self._watch is not None:
                self._heed(self._watch.notice(chunk, outcome))

    async def _settle(self, outcomes: Sequence[Outcome]) -> None:
        """Let the journal know, and whoever looks on once it is durable."""
        recorded = await self._recorder.settle(outcomes)
        for outcome in outcomes:
            self._finished(outcome, recorded=recorded)

    def _finished(self, outcome: Outcome, *, recorded: bool) -> None:
        self._done += 1
        self._tell("step_finished", outcome.step.chunk, step=outcome.step, outcome=outcome, recorded=recorded)

    def _heed(self, why: str | None) -> None:
        if why is not None:
            self._session.trip(why)

    def _tell(
        self,
        type_: EventType,
        chunk: int,
        *,
        step: Step | None = None,
        outcome: Outcome | None = None,
        recorded: bool = True,
    ) -> None:
        if self._on_event is not None:
            self._on_event(
                ApplyEvent(
                    type=type_,
                    run_id=self._run_id,
                    chunk=chunk,
                    chunks=self._chunks,
                    done=self._done,
                    total=len(self._plan.steps),
                    step=step,
                    outcome=outcome,
                    recorded=recorded,
                )
            )


def _lanes(steps: Iterable[Step]) -> list[list[Step]]:
    """Return the steps by the resource that they are about.

    Groups of before this run come first: a form of writing memberships that proves itself there is safe, while a group
    that this run made has nobody to lose, and proves less.
    """
    lanes: dict[str, list[Step]] = {}
    for step in steps:
        lanes.setdefault(step.resource_id or step.address, []).append(step)
    return sorted(lanes.values(), key=lambda lane: lane[0].resource_id is None)


def _removes_freely(steps: Iterable[Step]) -> bool:
    """Tell whether members are removed from a group that needs no minimum of them."""
    removals = [step for step in steps if step.action is Action.REMOVE_MEMBERS]
    return bool(removals) and all(step.min_members is None for step in removals)

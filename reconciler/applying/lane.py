"""The steps of one chunk that touch one resource: carried out one after the other, then read back together.

Two writes to one resource never run at once: many servers read, change and write back, and would lose one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.applying.membership import Refusals, send_members
from reconciler.applying.outcome import Outcome, Status
from reconciler.applying.pending import Pending, pending
from reconciler.applying.requests import creation, deletion, update
from reconciler.applying.session import Session
from reconciler.model import LiveGroup, LiveResource
from reconciler.planning.plan import Action, Edge, Step
from reconciler.planning.preconditions import digest
from reconciler.scim.client import ScimResponse
from reconciler.scim.errors import Conflict, ConnectionFailed, NotFound, OutcomeUnknown, ScimError, Unauthorized

_TRIES = 2
"""How often a write is sent whose answer was lost and whose effect is not there."""
_SETTLING_SECONDS = (0.2, 0.5, 1.0)
"""Waits between reads back, for servers whose reads lag behind their writes."""


@dataclass(slots=True)
class _Progress:
    """A step on its way: what was sent, and what is known so far."""

    step: Step
    resource_id: str | None = None
    requests: int = 0
    http_status: int | None = None
    members: dict[str, Edge] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)

    def outcome(self, status: Status, message: str = "") -> Outcome:
        return Outcome(
            step=self.step,
            status=status,
            message=message,
            resource_id=self.resource_id,
            http_status=self.http_status,
            requests=self.requests,
        )


class Lane:
    """Carries out the steps of one resource."""

    def __init__(self, session: Session, steps: Sequence[Step]) -> None:
        self._session = session
        self._steps = steps
        self._schema = session.schema(steps[0].kind)
        self._current: LiveResource | None = None
        self._members_before: frozenset[str] = frozenset()

    async def run(self) -> list[Outcome]:
        """Carry out all steps and return their outcomes, in order. Raises nothing that a server can cause."""
        session = self._session
        if session.ended:
            return [Outcome(step=step, status=Status.NOT_TRIED) for step in self._steps]
        try:
            self._current = await self._read_first()
        except ScimError as error:
            self._halt_if_hopeless(error)
            return [Outcome(step=step, status=Status.FAILED, message=str(error)) for step in self._steps]
        if isinstance(self._current, LiveGroup):
            self._members_before = frozenset(self._current.members or ())
        outcomes: list[Outcome | _Progress] = []
        for step in self._steps:
            if session.ended:
                outcomes.append(Outcome(step=step, status=Status.NOT_TRIED))
            else:
                outcomes.append(await self._try(step))
        return await self._read_back(outcomes)

    async def _read_first(self) -> LiveResource | None:
        step = self._steps[0]
        resource_id = step.resource_id or self._session.created.get(step.address)
        if resource_id is not None:
            return await self._session.read(step.kind, resource_id)
        if step.kind.value in self._session.capabilities.unique_names:
            # The server itself refuses a second one, so the extra look is saved.
            return None
        return await self._session.look_up(step)

    async def _try(self, step: Step) -> Outcome | _Progress:
        progress = _Progress(step, resource_id=self._current.id if self._current else step.resource_id)
        progress.members, missing = self._session.member_ids(step.members)
        for edge in missing:
            progress.refusals.add(edge, f"needs “create {edge.address}”, which did not succeed")
        try:
            if step.action is Action.CREATE:
                return await self._create(progress)
            return await self._change(progress)
        except ScimError as error:
            self._halt_if_hopeless(error)
            progress.http_status = error.status or progress.http_status
            return progress.outcome(Status.FAILED, str(error))

    def _pending(self, progress: _Progress) -> Pending:
        return pending(progress.step, self._current, self._schema, progress.members)

    async def _change(self, progress: _Progress) -> Outcome | _Progress:
        step = progress.step
        if not self._pending(progress) and not progress.refusals:
            return progress.outcome(Status.APPLIED)
        if self._current is None:
            return progress.outcome(Status.STALE, f"{step.address} is not in the directory any more")
        precondition = step.precondition
        if precondition is not None and digest(self._current, precondition.paths, self._schema) != precondition.digest:
            changed = ", ".join(precondition.paths)
            return progress.outcome(Status.STALE, f"{step.address} changed since it was planned (one of: {changed})")
        for attempt in range(1, _TRIES + 1):
            try:
                await self._send_change(progress, self._current)
            except OutcomeUnknown:
                self._current = await self._session.read(step.kind, self._current.id)
                if not self._pending(progress):
                    break
                if self._current is None or attempt == _TRIES:
                    raise
            else:
                break
        return progress

    async def _send_change(self, progress: _Progress, current: LiveResource) -> None:
        step, session = progress.step, self._session
        if isinstance(current, LiveGroup) and step.members:
            self._current = await send_members(session, current, step.action, self._pending(progress), progress)
            return
        progress.requests += 1
        if step.action is Action.DELETE:
            try:
                answer = await session.send(deletion(step.kind, current.id))
            except NotFound as error:
                # Gone already is what was wanted.
                progress.http_status = error.status
                return
        else:
            request = update(
                current, self._pending(progress).changes, capabilities=session.capabilities, schema=self._schema
            )
            answer = await session.send(request)
        progress.http_status = answer.status

    async def _create(self, progress: _Progress) -> Outcome | _Progress:
        step, session = progress.step, self._session
        maybe_ours = False
        while self._current is None and progress.resource_id is None:
            progress.requests += 1
            try:
                answer = await session.send(creation(step.kind, step.changes))
            except (Conflict, OutcomeUnknown) as error:
                maybe_ours = maybe_ours or isinstance(error, OutcomeUnknown)
                progress.http_status = error.status
                self._current = await session.look_up(step)
                if self._current is None and (isinstance(error, Conflict) or progress.requests == _TRIES):
                    raise
            else:
                maybe_ours = True
                progress.http_status = answer.status
                progress.resource_id = _created_id(answer)
                if progress.resource_id is None:
                    self._current = await session.look_up(step)
                    break
        if self._current is not None and not maybe_ours:
            return self._found_made(progress, self._current)
        progress.resource_id = self._current.id if self._current else progress.resource_id
        if progress.resource_id is None:
            return progress.outcome(Status.FAILED, "the directory accepted the creation and does not show the resource")
        session.created[step.address] = progress.resource_id
        return progress

    def _found_made(self, progress: _Progress, found: LiveResource) -> Outcome:
        """Settle a creation whose resource is there already: by an earlier run of this plan, or by somebody else."""
        progress.resource_id = found.id
        left = self._pending(progress)
        if left:
            return progress.outcome(
                Status.STALE,
                f"{progress.step.address} is in the directory since it was planned, with other values "
                f"({left.describe(found)}); plan again to take it over",
            )
        self._session.created[progress.step.address] = found.id
        return progress.outcome(Status.APPLIED)

    async def _read_back(self, outcomes: Sequence[Outcome | _Progress]) -> list[Outcome]:
        """Prove from the directory itself that what was written is there, and that nothing else is gone."""
        written = [item for item in outcomes if isinstance(item, _Progress)]
        if not written:
            return [item for item in outcomes if isinstance(item, Outcome)]
        resource_id = written[0].resource_id or ""
        try:
            for seconds in (*_SETTLING_SECONDS, None):
                self._current = await self._session.read(written[0].step.kind, resource_id)
                if not any(self._unproven(progress) for progress in written) or seconds is None:
                    break
                await asyncio.sleep(seconds)
        except ScimError as error:
            self._halt_if_hopeless(error)
            unproven = f"written, and could not be read back: {error}"
            return [
                item.outcome(Status.DIFFERS, unproven) if isinstance(item, _Progress) else item for item in outcomes
            ]
        return self._guard_bystanders([self._judge(item) if isinstance(item, _Progress) else item for item in outcomes])

    def _unproven(self, progress: _Progress) -> Pending:
        unknown = isinstance(self._current, LiveGroup) and self._current.members is None and progress.step.members
        if unknown:
            return Pending()
        left = self._pending(progress)
        members = {key: edge for key, edge in (left.members or {}).items() if key not in progress.refusals.ids}
        return replace(left, members=members)

    def _judge(self, progress: _Progress) -> Outcome:
        left = self._unproven(progress)
        if left:
            if self._current is None:
                return progress.outcome(
                    Status.DIFFERS, "the directory accepted the request and does not show the resource"
                )
            return progress.outcome(Status.DIFFERS, left.describe(self._current))
        if progress.refusals:
            return progress.outcome(Status.FAILED, progress.refusals.describe(len(progress.step.members)))
        return progress.outcome(Status.APPLIED)

    def _guard_bystanders(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Stop the run when a membership write took away members that no step removes.

        That is what servers do that misread a removal; it must not happen to a second group.
        """
        current = self._current
        removed = {
            key
            for step in self._steps
            if step.action is Action.REMOVE_MEMBERS
            for key in self._session.member_ids(step.members)[0]
        }
        if not isinstance(current, LiveGroup) or current.members is None:
            return outcomes
        lost = self._members_before - removed - set(current.members)
        if not lost:
            return outcomes
        message = f"{len(lost)} members left {current.address} that no step removes: {', '.join(sorted(lost)[:5])}"
        self._session.halted = f"{message}. Nothing further was written"
        return [replace(outcome, status=Status.DIFFERS, message=message) for outcome in outcomes]

    def _halt_if_hopeless(self, error: ScimError) -> None:
        if isinstance(error, (Unauthorized, ConnectionFailed)):
            self._session.halted = str(error)


def _created_id(answer: ScimResponse) -> str | None:
    """Return the id of a new resource from the body, or from the end of ``Location`` (RFC 7644 §3.3)."""
    found = (answer.body or {}).get("id")
    if isinstance(found, str) and found:
        return found
    return answer.location.rstrip("/").rpartition("/")[2] if answer.location else None

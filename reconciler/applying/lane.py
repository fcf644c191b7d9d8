"""The steps of one chunk that touch one resource: carried out one after the other, then read back together.

Two writes to one resource never run at once: many servers read, change and write back, and would lose one of them.
A lane is one step that writes attributes, makes or deletes a resource, or any number of membership batches of a group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from reconciler.applying.bystanders import check_bystanders
from reconciler.applying.lookup import AmbiguousCreationError
from reconciler.applying.membership import MembershipWriter
from reconciler.applying.outcome import Outcome, Status
from reconciler.applying.pending import Pending, pending
from reconciler.applying.progress import Progress
from reconciler.applying.requests import UnsafeWriteError, created_id, creation, deletion, update
from reconciler.applying.session import Session
from reconciler.applying.settling import Topic
from reconciler.model import LiveGroup, LiveResource
from reconciler.planning.plan import Action, Step
from reconciler.planning.preconditions import digest
from reconciler.scim.errors import Conflict, NotFound, OutcomeUnknown, ScimError

_TRIES = 2
"""How often a write is sent whose answer was lost and whose effect is not there."""


class Lane:
    """Carries out the steps of one resource."""

    def __init__(self, session: Session, steps: Sequence[Step]) -> None:
        self._session = session
        self._steps = steps
        self._kind = steps[0].kind
        self._schema = session.schema(self._kind)
        self._current: LiveResource | None = None

    async def run(self) -> list[Outcome]:
        """Carry out all steps and return their outcomes, in order. Raises nothing that a server can cause."""
        session = self._session
        if session.ended:
            return [Outcome(step=step, status=Status.NOT_TRIED) for step in self._steps]
        try:
            self._current = await self._read_first()
        except (ScimError, AmbiguousCreationError) as error:
            self._count(error)
            return [Outcome(step=step, status=Status.FAILED, message=str(error)) for step in self._steps]
        members_before = frozenset(self._members())
        items: list[Outcome | Progress] = []
        for step in self._steps:
            if session.ended:
                items.append(Outcome(step=step, status=Status.NOT_TRIED))
            else:
                items.append(await self._try(step))
        outcomes = await self._read_back(items)
        if any(outcome.requests for outcome in outcomes) and isinstance(self._current, LiveGroup):
            outcomes = await self._guard_bystanders(self._current, members_before, outcomes)
        if all(outcome.status is Status.APPLIED for outcome in outcomes):
            session.succeeded()
        return outcomes

    def _members(self) -> tuple[str, ...]:
        return (self._current.members or ()) if isinstance(self._current, LiveGroup) else ()

    async def _read_first(self) -> LiveResource | None:
        step = self._steps[0]
        resource_id = step.resource_id or self._session.created.get(step.address)
        if resource_id is not None:
            return await self._session.read(step.kind, resource_id)
        if self._session.capabilities.unique(step.kind, step.kind.naming_attribute):
            # The server itself refuses a second one, so the extra look is saved.
            return None
        return await self._session.look_up(step, fresh=False)

    async def _try(self, step: Step) -> Outcome | Progress:
        progress = Progress(step, resource_id=self._current.id if self._current else step.resource_id)
        progress.members, missing = self._session.member_ids(step.members)
        for edge in missing:
            progress.refusals.add(edge, f"needs “create {edge.address}”, which did not succeed")
        try:
            if step.action is Action.CREATE:
                return await self._create(progress)
            return await self._change(progress)
        except (ScimError, UnsafeWriteError, AmbiguousCreationError) as error:
            self._count(error)
            if isinstance(error, ScimError) and progress.requests:
                progress.http_status = error.status or progress.http_status
            if progress.accepted:
                progress.failure = str(error)
                return progress
            return progress.outcome(Status.FAILED, str(error))

    def _pending(self, progress: Progress) -> Pending:
        """Return what is left to do of a step, without the memberships that were refused."""
        left = pending(progress.step, self._current, self._schema, progress.members)
        if left.members is None or not progress.refusals.ids:
            return left
        refused = progress.refusals.ids
        return replace(left, members={key: edge for key, edge in left.members.items() if key not in refused})

    async def _change(self, progress: Progress) -> Outcome | Progress:
        step = progress.step
        if self._current is None:
            return self._gone(progress)
        if not self._pending(progress) and not progress.refusals:
            return progress.outcome(Status.APPLIED)
        if self._moved(step, self._current):
            changed = ", ".join(step.precondition.paths if step.precondition else ())
            return progress.outcome(Status.STALE, f"{step.address} changed since it was planned (one of: {changed})")
        for attempt in range(1, _TRIES + 1):
            try:
                await self._send_change(progress, self._current)
            except OutcomeUnknown:
                self._current = await self._session.read(step.kind, self._current.id)
                # What is neither as planned from nor as wanted is somebody else's, and not to be written over.
                if self._current is None or not self._pending(progress) or self._moved(step, self._current):
                    break
                if attempt == _TRIES:
                    raise
            else:
                break
        if self._current is None and step.action is not Action.DELETE:
            return self._gone(progress)
        return progress

    def _moved(self, step: Step, current: LiveResource) -> bool:
        precondition = step.precondition
        return precondition is not None and digest(current, precondition.paths, self._schema) != precondition.digest

    def _gone(self, progress: Progress) -> Outcome:
        """Settle a step whose resource is not in the directory any more.

        What takes something away has nothing left to take: an account that is gone does not work, a group that is gone
        has no members. To call that stale would end a nightly run red although everybody is out who should be.
        """
        step = progress.step
        missing = f"{step.address} is not in the directory any more"
        match step.action:
            case Action.DELETE:
                return progress.outcome(Status.APPLIED)
            case Action.DEACTIVATE | Action.REMOVE_MEMBERS:
                return progress.outcome(Status.APPLIED, f"{missing}, so nothing is left to do")
            case _:
                return progress.outcome(Status.STALE, missing)

    async def _send_change(self, progress: Progress, current: LiveResource) -> None:
        step, session = progress.step, self._session
        if isinstance(current, LiveGroup) and step.members:
            writer = MembershipWriter(session, progress, current)
            try:
                await writer.write(self._pending(progress).members or {})
            finally:
                # Also after a failure: the next request of a server without PATCH repeats what this one changed.
                self._current = writer.group
            return
        if step.action is Action.DELETE:
            request = deletion(step.kind, current.id)
        else:
            request = update(
                current, self._pending(progress).changes, capabilities=session.capabilities, schema=self._schema
            )
        progress.requests += 1
        try:
            answer = await session.send(request)
        except NotFound as error:
            self._current = await session.read(step.kind, current.id)
            if self._current is not None:
                raise
            progress.http_status = error.status
        else:
            progress.accept(answer.status)

    async def _create(self, progress: Progress) -> Outcome | Progress:
        step, session = progress.step, self._session
        if self._current is not None:
            return self._found_made(progress, self._current)
        ours = await self._post(progress)
        if self._current is not None and not ours:
            return self._found_made(progress, self._current)
        progress.resource_id = self._current.id if self._current else progress.resource_id
        if progress.resource_id is None:
            return progress.outcome(Status.FAILED, "the directory accepted the creation and does not show the resource")
        session.created[step.address] = progress.resource_id
        return progress

    async def _post(self, progress: Progress) -> bool:
        """Send a creation, and tell whether what is there now can be its work.

        An id that the answer told is in ``progress`` then, and a resource that was looked up in ``_current``.
        """
        step, session = progress.step, self._session
        ours = False
        while True:
            progress.requests += 1
            try:
                answer = await session.send(creation(step.kind, step.changes))
            except OutcomeUnknown as lost:
                ours = True
                progress.http_status = lost.status
                self._current = await self._look_for_lost(step, lost)
                if self._current is not None:
                    return True
                if progress.requests >= _TRIES:
                    raise
            except Conflict as conflict:
                progress.http_status = conflict.status
                self._current = await session.look_up(step)
                if self._current is None:
                    raise
                return ours
            else:
                progress.accept(answer.status)
                progress.resource_id = created_id(answer, step.kind)
                if progress.resource_id is None:
                    self._current = await session.look_up(step)
                return True

    async def _look_for_lost(self, step: Step, lost: OutcomeUnknown) -> LiveResource | None:
        """Return what a creation made whose answer was lost; only after all waits is it taken for not made."""
        try:
            for seconds in self._session.patience.waits:
                found = await self._session.look_up(step)
                if found is not None:
                    return found
                await asyncio.sleep(seconds)
            return await self._session.look_up(step)
        except ScimError as error:
            message = f"{lost}. Looking for it failed: {error}"
            raise OutcomeUnknown(message, status=error.status or lost.status) from error

    def _found_made(self, progress: Progress, found: LiveResource) -> Outcome:
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

    async def _read_back(self, items: Sequence[Outcome | Progress]) -> list[Outcome]:
        """Prove from the directory itself that what was written is there."""
        written = [item for item in items if isinstance(item, Progress)]
        resource_id = next((progress.resource_id for progress in written if progress.resource_id), None)
        failure: ScimError | None = None
        if resource_id is not None:

            async def read() -> frozenset[Topic]:
                self._current = await self._session.read(self._kind, resource_id)
                return frozenset(topic for progress in written for topic in self._unproven_topics(progress))

            try:
                await self._session.patience.until_proven(read)
            except ScimError as error:
                self._count(error)
                failure = error
        return [self._judge(item, failure) if isinstance(item, Progress) else item for item in items]

    def _unproven(self, progress: Progress) -> Pending:
        unknown = isinstance(self._current, LiveGroup) and self._current.members is None and progress.step.members
        return Pending() if unknown else self._pending(progress)

    def _unproven_topics(self, progress: Progress) -> set[Topic]:
        left = self._unproven(progress)
        if left and (self._current is None or left.exists):
            return {Topic(self._kind, "")}
        paths = {change.path for change in left.changes} | ({"members"} if left.members else set())
        return {Topic(self._kind, path) for path in paths}

    def _judge(self, progress: Progress, unreadable: ScimError | None) -> Outcome:
        if unreadable is not None:
            if progress.failure is not None:
                return progress.outcome(Status.FAILED, progress.failure)
            return progress.outcome(Status.DIFFERS, f"written, and could not be read back: {unreadable}")
        left = self._unproven(progress)
        if progress.failure is not None and left:
            total = len(progress.step.members)
            missing = len(left.members or ()) + len(progress.refusals.reasons)
            so_far = f" ({total - missing} of {total} memberships are as they should be)" if total else ""
            return progress.outcome(Status.FAILED, progress.failure + so_far)
        if left:
            not_shown = "the directory accepted the request and does not show the resource"
            return progress.outcome(Status.DIFFERS, left.describe(self._current) if self._current else not_shown)
        if progress.refusals:
            return progress.outcome(Status.FAILED, progress.refusals.describe(len(progress.step.members)))
        return progress.outcome(Status.APPLIED)

    async def _guard_bystanders(
        self, group: LiveGroup, before: frozenset[str], outcomes: list[Outcome]
    ) -> list[Outcome]:
        removed = {
            key
            for step in self._steps
            if step.action is Action.REMOVE_MEMBERS
            for key in self._session.member_ids(step.members)[0]
        }
        lost = await check_bystanders(self._session, group, before - removed)
        if lost is None:
            return outcomes
        return [
            replace(outcome, status=Status.DIFFERS, message=lost)
            if outcome.status is Status.APPLIED
            else replace(outcome, message=f"{outcome.message}; {lost}" if outcome.message else lost)
            for outcome in outcomes
        ]

    def _count(self, error: Exception) -> None:
        if isinstance(error, ScimError):
            self._session.failed(error)

"""The steps of one chunk that write, make or delete one resource: one after the other, then read back together.

Two writes to one resource never run at once: many servers read, change and write back, and would lose one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.applying.advice import advised
from reconciler.applying.creation import TakenError, create
from reconciler.applying.deleted import snapshot
from reconciler.applying.lookup import AmbiguousCreationError
from reconciler.applying.outcome import Outcome, Status
from reconciler.applying.pending import Pending, as_before, pending
from reconciler.applying.progress import Progress
from reconciler.applying.requests import (
    VERSION_REFUSED,
    NoVerbError,
    Request,
    TooLargeError,
    UnsafeWriteError,
    deletion,
    updates,
)
from reconciler.applying.sender import NotSent
from reconciler.applying.session import Session
from reconciler.applying.settling import VERSION, Topic
from reconciler.capabilities import UserDelete
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.plan import Action, Change, Step
from reconciler.planning.preconditions import digest
from reconciler.scim.errors import Conflict, NotFound, OutcomeUnknown, RequestRefused, ScimError

_TRIES = 2
"""How often a write is sent whose answer was lost and whose effect is not there, or whose version was outdated."""
_OUTDATED = 412
_NOT_IMPLEMENTED = (405, 501)


class Lane:
    """Carries out the steps of one resource, those about its attributes and its existence."""

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
        items: list[Outcome | Progress] = []
        for step in self._steps:
            if session.ended:
                items.append(Outcome(step=step, status=Status.NOT_TRIED))
            else:
                items.append(await self._try(step))
        outcomes = await self._read_back(items)
        if all(outcome.status is Status.APPLIED for outcome in outcomes):
            session.succeeded()
        return outcomes

    async def _read_first(self) -> LiveResource | None:
        step, session = self._steps[0], self._session
        if step.resource_id is not None or step.address in session.created:
            return await session.read_made(step)
        doubtful = step.id in session.doubtful
        if session.capabilities.unique(step.kind, step.kind.naming_attribute):
            # The server itself refuses a second one, so the extra look is saved.
            return await session.look_up(step) if doubtful else None
        return await (session.look_up_patiently(step) if doubtful else session.look_up(step, fresh=False))

    async def _try(self, step: Step) -> Outcome | Progress:
        progress = Progress(step, resource_id=self._current.id if self._current else step.resource_id)
        try:
            if step.action is Action.CREATE:
                return await self._create(progress)
            return await self._change(progress)
        except NotSent as error:
            progress.requests -= 1
            if not progress.accepted:
                tried = progress.requests > 0
                return progress.outcome(Status.FAILED, str(error)) if tried else progress.outcome(Status.NOT_TRIED)
            progress.failure = str(error)
            return progress
        except (
            ScimError,
            AmbiguousCreationError,
            NoVerbError,
            TakenError,
            TooLargeError,
            UnsafeWriteError,
        ) as error:
            self._count(error)
            if isinstance(error, ScimError) and progress.requests:
                progress.refuse(error)
            if not isinstance(error, OutcomeUnknown):
                progress.before = None
            if progress.accepted:
                progress.failure = advised(step, error)
                return progress
            return progress.outcome(Status.FAILED, advised(step, error))

    def _pending(self, progress: Progress) -> Pending:
        return pending(progress.step, self._current, self._schema)

    async def _change(self, progress: Progress) -> Outcome | Progress:
        step = progress.step
        if self._current is None:
            return self._gone(progress)
        if not self._pending(progress):
            return progress.outcome(Status.APPLIED)
        if self._moved(step, self._current):
            return self._stale(progress)
        for attempt in range(1, _TRIES + 1):
            settled = await self._attempt(progress, self._current, last=attempt == _TRIES)
            if settled is not None:
                return settled
            if self._current is None:
                return progress if step.action is Action.DELETE else self._gone(progress)
        return progress

    async def _attempt(self, progress: Progress, current: LiveResource, *, last: bool) -> Outcome | Progress | None:
        """Send the change once, and return how that ended, or ``None`` where it may be sent again."""
        step, session = progress.step, self._session
        try:
            await self._send_change(progress, current)
        except OutcomeUnknown:
            self._current = await session.read(step.kind, current.id)
            # What is neither as planned from nor as wanted is somebody else's, and not to be written over.
            if self._current is None:
                return None
            if not self._pending(progress) or self._moved(step, self._current):
                return progress
            if last:
                raise
            return None
        except Conflict as conflict:
            owner = await session.owner_of(step)
            if owner is None:
                raise
            raise TakenError(conflict, owner) from conflict
        except RequestRefused as refusal:
            if refusal.status != _OUTDATED or session.version(current, whole=refusal.method == "PUT") is None:
                raise
            return await self._meet_new_version(progress, current, refusal, last=last)
        return None if self._current is None else progress

    def _moved(self, step: Step, current: LiveResource) -> bool:
        precondition = step.precondition
        if precondition is None or digest(current, precondition.paths, self._schema) == precondition.digest:
            return False
        if step.id not in self._session.doubtful:
            return True
        # An earlier run may have written some of it.
        before = as_before(step, current, self._schema)
        return digest(before, precondition.paths, self._schema) != precondition.digest

    def _stale(self, progress: Progress) -> Outcome:
        step = progress.step
        changed = ", ".join(step.precondition.paths if step.precondition else ())
        return progress.outcome(Status.STALE, f"{step.address} changed since it was planned (one of: {changed})")

    async def _meet_new_version(
        self, progress: Progress, current: LiveResource, refusal: RequestRefused, *, last: bool
    ) -> Outcome | None:
        """Read again after 412, and return how the step ended where it may not be tried again (RFC 7644 §3.14).

        Another version alone says nothing: changes of what the step was not planned from do not void it.
        """
        progress.refuse(refusal)

        async def read() -> frozenset[Topic]:
            self._current = await self._session.read(self._kind, current.id)
            same = self._current is not None and self._current.version == current.version
            return frozenset({Topic(self._kind, VERSION)} if same else ())

        refuses_what_it_shows = bool(await self._session.patience.until_proven(read))
        if self._current is None:
            return self._gone(progress)
        if not self._pending(progress):
            return progress.outcome(Status.APPLIED)
        if self._moved(progress.step, self._current):
            return self._stale(progress)
        if refuses_what_it_shows:
            if refusal.method == "PUT":
                # Reads that lag far behind look the same, and then a PUT would write over what they do not show.
                return progress.outcome(Status.FAILED, f"{refusal}. {VERSION_REFUSED}")
            # It refuses the very version that it shows, for instance because it compares weak ones strongly.
            self._session.conditional = False
        if last:
            return progress.outcome(
                Status.STALE, f"{progress.step.address} got a new version each time that it was to be written"
            )
        return None

    def _gone(self, progress: Progress) -> Outcome:
        """Settle a step whose resource is not in the directory any more.

        What takes something away has nothing left to take: an account that is gone does not work. To call that stale
        would end a nightly run red although everybody is out who should be.
        """
        step = progress.step
        missing = f"{step.address} is not in the directory any more"
        match step.action:
            case Action.DELETE:
                return progress.outcome(Status.APPLIED)
            case Action.DEACTIVATE:
                return progress.outcome(Status.APPLIED, f"{missing}, so nothing is left to do")
            case _:
                return progress.outcome(Status.STALE, missing)

    async def _send_change(self, progress: Progress, current: LiveResource) -> None:
        step, session = progress.step, self._session
        if step.action is Action.DELETE:
            progress.before = snapshot(current, self._schema)
            await self._send(progress, current, [deletion(step.kind, current.id, version=session.version(current))])
            return
        changes = self._pending(progress).changes
        written = (step.kind, frozenset(change.path for change in changes))
        whole = written in session.unpatchable
        try:
            await self._send(progress, current, self._updates(current, changes, whole=whole))
        except RequestRefused as refusal:
            if whole or refusal.status not in _NOT_IMPLEMENTED or not self._can_replace(current):
                raise
            if isinstance(current, LiveGroup) and not session.shows_members(current):
                why = f"{refusal}, and in this run the directory has shown of no group"
                raise UnsafeWriteError(current.address, why) from refusal
            # PATCH of some attributes and not of others is common: django-scim2, for one, cannot rename a group by it.
            await self._send(progress, current, self._updates(current, changes, whole=True))
            session.unpatchable.add(written)

    def _updates(self, current: LiveResource, changes: Sequence[Change], *, whole: bool) -> list[Request]:
        """Return the requests that write these changes; ``whole`` writes the resource again (PUT)."""
        capabilities = self._session.capabilities
        if whole:
            capabilities = replace(capabilities, patch_users=False, patch_groups=False)
        patches = capabilities.patch_groups if self._kind is Kind.GROUP else capabilities.patch_users
        version = self._session.version(current, whole=not patches)
        known = self._session.intended(current) if isinstance(current, LiveGroup) else current
        return updates(known, changes, capabilities=capabilities, schema=self._schema, version=version)

    def _can_replace(self, current: LiveResource) -> bool:
        """Whether PUT is another way, and loses nobody."""
        capabilities = self._session.capabilities
        if isinstance(current, LiveGroup):
            return capabilities.patch_groups and capabilities.put_groups and current.members is not None
        return capabilities.patch_users and capabilities.put_users

    async def _send(self, progress: Progress, current: LiveResource, requests: Sequence[Request]) -> None:
        for request in [self._session.fitting(request) for request in requests]:
            progress.requests += 1
            try:
                answer = await self._session.send(request)
            except NotFound as error:
                self._current = await self._session.read(progress.step.kind, current.id)
                if self._current is not None:
                    raise
                progress.refuse(error)
                return
            progress.accept(answer)

    async def _create(self, progress: Progress) -> Outcome | Progress:
        step, session = progress.step, self._session
        if self._current is not None:
            return self._found_made(progress, self._current)
        made = await create(session, progress)
        self._current = made.found
        if made.found is not None:
            if not made.ours:
                return self._found_made(progress, made.found)
            progress.resource_id = made.found.id
        if progress.resource_id is None:
            return progress.outcome(Status.FAILED, "the directory accepted the creation and does not show the resource")
        session.made(step, progress.resource_id, new=progress.accepted > 0)
        return progress

    def _found_made(self, progress: Progress, found: LiveResource) -> Outcome:
        """Settle a creation whose resource is there already: by an earlier run of this plan, or by somebody else."""
        progress.resource_id = found.id
        left = self._unproven(progress)
        if left:
            return progress.outcome(
                Status.STALE,
                f"{progress.step.address} is in the directory since it was planned, with other values "
                f"({left.describe(found, self._schema)}); plan again to take it over",
            )
        self._session.made(progress.step, found.id, new=False)
        return progress.outcome(
            Status.APPLIED,
            "it is in the directory already. If every plan creates it again, the listing leaves it out: state "
            "`paging: filter-only` under `capabilities` in directory.yaml",
        )

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
        left, capabilities = self._pending(progress), self._session.capabilities
        if not isinstance(self._current, LiveUser) or self._current.active or progress.failure is not None:
            return left
        if left.exists:
            soft = capabilities.user_delete is UserDelete.SOFT
            return Pending() if soft and progress.accepted else left
        # What is written to an account that is off, or that a later step of this lane switches off, is known to change.
        kept = (one for one in left.changes if not capabilities.rewrites(one.path))
        return Pending(changes=tuple(kept))

    def _unproven_topics(self, progress: Progress) -> set[Topic]:
        left = self._unproven(progress)
        if left and (self._current is None or left.exists):
            return {Topic(self._kind, "")}
        return {Topic(self._kind, change.path) for change in left.changes}

    def _judge(self, progress: Progress, unreadable: ScimError | None) -> Outcome:
        if unreadable is not None:
            if progress.failure is not None:
                return progress.outcome(Status.FAILED, progress.failure)
            return progress.outcome(Status.DIFFERS, f"written, and could not be read back: {unreadable}")
        left = self._unproven(progress)
        if not left:
            return progress.outcome(Status.APPLIED)
        if progress.failure is not None:
            return progress.outcome(Status.FAILED, progress.failure)
        if self._current is None:
            return progress.outcome(Status.DIFFERS, "the directory accepted the request and does not show the resource")
        differs = progress.outcome(Status.DIFFERS, left.describe(self._current, self._schema))
        known = left.observations(self._current)
        return replace(differs, differences=known, explained=left.explained(self._current))

    def _count(self, error: Exception) -> None:
        if isinstance(error, ScimError):
            self._session.failed(error)

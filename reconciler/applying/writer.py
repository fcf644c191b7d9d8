"""Writing memberships: batch by batch, in a form that works, read back as often as its proof asks for.

A batch that is refused is halved, so that one bad member does not keep the others out: Atlassian, for one, answers 404
to a whole request for one unknown member. What was accepted is read back: at once while the form is not proven, and
before the next group is touched; at the end of the group's steps where it is. What does not read back as written is
sent again: in smaller batches where the server kept only so many, in the next form where it kept none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from reconciler.applying.batches import Attempt, Batch
from reconciler.applying.bystanders import answer_loss, confirm_loss
from reconciler.applying.forms import Form, Proof, Weight, is_put
from reconciler.applying.progress import Progress
from reconciler.applying.requests import VERSION_REFUSED, Request, TooLargeError, UnsafeWriteError, membership
from reconciler.applying.roster import Roster
from reconciler.applying.sender import NotSent
from reconciler.applying.session import Session
from reconciler.applying.settling import VERSION, Topic
from reconciler.applying.trial import Trial
from reconciler.model import Kind, LiveGroup
from reconciler.planning.plan import Action
from reconciler.scim.client import ScimResponse
from reconciler.scim.errors import NotFound, OutcomeUnknown, RequestRefused, ScimError, Unauthorized

_HOPELESS = 32
"""Requests of one step that came to nothing, without a single success, after which it is not about members any more."""
_TRIES = 2
"""How often a batch is sent whose answer was lost and whose effect is not there, or whose version was outdated."""
_ABOUT_THE_FORM = frozenset({400, 405, 415, 422, 501})
"""Statuses that can mean that the server does not know this form."""
_NOT_SUPPORTED = frozenset({405, 501})


class MembershipWriter:
    """Writes the additions, or the removals, of one group.

    Args:
        session: the run.
        roster: who is in the group.
        action: ``ADD_MEMBERS`` or ``REMOVE_MEMBERS``.

    Attributes:
        unreadable: why the group cannot be read back any more. Nothing further is written to it.
    """

    def __init__(self, session: Session, roster: Roster, action: Action) -> None:
        self.unreadable: ScimError | None = None
        self._session = session
        self._roster = roster
        self._action = action
        self._forms = session.forms(action)
        self._queue: deque[Batch] = deque()
        self._sent: list[Batch] = []
        self._due = False
        self._trial = Trial(session, self._forms, roster)

    async def write(self, progress: Progress, ids: Sequence[str]) -> None:
        """Write memberships of one step. What came of them is in ``progress``, the roster and the memory of forms."""
        self._queue.append(Batch(progress=progress, ids=tuple(ids)))
        await self._work()

    async def finish(self) -> None:
        """Read back what was not read back yet, and put right what came out wrong."""
        await self._work(until_proven=True)

    async def reserve(self, progress: Progress) -> tuple[Form, int] | None:
        """Return the form to write in now and how many members one request may name, or ``None`` where that is open.

        Where a form is not proven and another group is trying it, that is open.
        """
        form = next(iter(self._forms.usable), None)
        if form is None or is_put(form) or self._forms.verdict is not None:
            return None
        if not self._trial.trusted(form) and not self._trial.held:
            if self._forms.gate.locked():
                return None
            await self._trial.begin(form, guarded=False)
        return form, self._size(Batch(progress=progress, ids=()), form)

    def sent_ahead(
        self,
        progress: Progress,
        ids: tuple[str, ...],
        form: Form,
        answer: ScimResponse | None,
        lost: OutcomeUnknown | None,
    ) -> None:
        """Take over members that were sent by reference: ``answer`` is what came back, ``lost`` why nothing did."""
        batch = Batch(progress=progress, ids=ids, form=form, lost=lost, ahead=True)
        if answer is None:
            self._roster.sent(self._action, ids)
            self._sent.append(batch)
            self._due = True
        else:
            progress.accept(answer)
            self._accepted(batch, form, answer)

    def release(self) -> None:
        """Let other groups use forms that are not proven. To be called however the steps of the group ended."""
        self._trial.end()

    async def _work(self, *, until_proven: bool = False) -> None:
        while self._queue or (self._sent and (self._due or until_proven)):
            if self.unreadable is not None or self._roster.group is None:
                self._sent.clear()
                self._abandon()
            elif self._session.halted is not None and self._queue:
                self._end()
            elif self._sent and (self._due or not self._queue):
                await self._read_back()
            else:
                await self._write_next()

    def _abandon(self) -> None:
        """Send nothing further to a group that is gone, or cannot be read any more."""
        for batch in self._queue:
            if self.unreadable is not None:
                batch.progress.failure = batch.progress.failure or str(self.unreadable)
        self._queue.clear()

    def _end(self) -> None:
        """Send nothing further, because the run has ended. A step of which nothing was sent was not tried."""
        for batch in self._queue:
            if batch.progress.requests:
                batch.progress.failure = batch.progress.failure or "the run ended before all of it was written"
        self._queue.clear()

    async def _write_next(self) -> None:
        waiting = self._queue.popleft()
        ids = tuple(self._roster.left(self._action, waiting.ids))
        batch = replace(waiting, ids=ids, lost=None)
        if not ids:
            return
        if self._forms.verdict is not None:
            batch.refuse(self._forms.verdict)
            return
        form = next((one for one in self._forms.usable if one not in {**batch.tried, **batch.impossible}), None)
        if form is None:
            self._climbed(batch)
            return
        if not self._trial.trusted(form) and not self._trial.held:
            await self._trial.begin(form, guarded=batch.progress.step.min_members is not None)
            self._queue.appendleft(batch)
            if self._session.ended:
                self._end()
            return
        size = self._size(batch, form)
        if len(ids) > size:
            self._queue.appendleft(replace(batch, ids=ids[size:]))
            batch = replace(batch, ids=ids[:size])
        too_few = self._roster.too_few(batch.progress.step, batch.ids)
        if too_few is not None:
            self._give_up(batch.progress, too_few)
            return
        try:
            await self._send(replace(batch, form=form), form)
        except NotSent:
            batch.progress.requests -= 1
            self._queue.appendleft(batch)
        except ScimError as error:
            self._fail(batch.progress, error)

    def _size(self, batch: Batch, form: Form) -> int:
        size = min(self._forms.size(form), batch.narrowed or self._forms.limit)
        first = not self._trial.trusted(form) and not batch.progress.refused
        # Somebody has something to lose: one membership tells as much as a thousand.
        return 1 if first and self._roster.strangers else size

    def _fail(self, progress: Progress, error: ScimError) -> None:
        self._session.failed(error)
        progress.refuse(error)
        self._give_up(progress, str(error))

    def _give_up(self, progress: Progress, why: str) -> None:
        progress.failure = why
        self._queue = deque(batch for batch in self._queue if batch.progress is not progress)

    async def _send(self, batch: Batch, form: Form) -> None:
        group, progress = self._roster.group, batch.progress
        if group is None:
            return
        try:
            request = self._request(group, form, batch.ids)
            progress.requests += 1
            answer = await self._session.send(request)
        except UnsafeWriteError as unsafe:
            self._queue.appendleft(replace(batch, impossible={**batch.impossible, form: str(unsafe)}))
        except TooLargeError as too_large:
            self._too_large(batch, form, too_large)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            progress.refuse(refusal)
            await self._refused(batch, form, request, refusal)
        except OutcomeUnknown as lost:
            progress.refuse(lost)
            self._roster.sent(self._action, batch.ids)
            self._sent.append(replace(batch, lost=lost))
            self._due = True
        else:
            progress.accept(answer)
            self._accepted(batch, form, answer)

    def _request(self, group: LiveGroup, form: Form, ids: Sequence[str]) -> Request:
        session = self._session
        if is_put(form) and form is not self._forms.ladder[0] and not session.shows_members(group):
            raise UnsafeWriteError(group.address, "in this run the directory has shown of no group")
        schema, version = session.schema(Kind.GROUP), session.version(group, whole=is_put(form))
        return session.fitting(membership(session.intended(group), form, ids, schema=schema, version=version))

    def _accepted(self, batch: Batch, form: Form, answer: ScimResponse | None) -> None:
        self._due = self._due or not self._trial.trusted(form)
        self._sent.append(batch)
        self._roster.assume(self._action, batch.ids, answer)

    def _too_large(self, batch: Batch, form: Form, error: TooLargeError) -> None:
        if is_put(form) or len(batch.ids) == 1:
            self._queue.appendleft(replace(batch, impossible={**batch.impossible, form: str(error)}))
            return
        self._forms.shrink(len(batch.ids) // 2)
        self._queue.appendleft(batch)

    async def _refused(self, batch: Batch, form: Form, request: Request, refusal: RequestRefused) -> None:
        progress, single = batch.progress, len(batch.ids) == 1
        if self._action is Action.REMOVE_MEMBERS and single and refusal.scim_type == "noTarget":
            # A removal whose filter matches nobody finds what it wants; some servers call that an error.
            progress.accepted += 1
            self._accepted(batch, form, None)
            return
        if refusal.status == 412 and request.if_match is not None and batch.tries < _TRIES:
            await self._meet_new_version(batch, form, request.if_match)
            return
        progress.refused += 1
        if isinstance(refusal, NotFound) and progress.refused == 1:
            # Either a member is unknown or the group is: the same status from most servers.
            await self._roster.look(self._action, batch.ids, patient=False)
        if refusal.status == 413 and is_put(form):
            self._queue.appendleft(replace(batch, impossible={**batch.impossible, form: str(refusal)}))
            return
        if refusal.status == 413 and not single:
            self._forms.shrink(len(batch.ids) // 2)
        elif self._may_try_another(batch, form) and refusal.status in _ABOUT_THE_FORM:
            weight = Weight.UNSUPPORTED if refusal.status in _NOT_SUPPORTED else Weight.REFUSED
            self._try_another(batch, form, Attempt(weight, str(refusal)))
            return
        self._halve_or(batch, str(refusal))

    def _halve_or(self, batch: Batch, why: str) -> None:
        """Halve a batch that came to nothing, level by level, so that a first success comes early where one can."""
        progress = batch.progress
        if progress.refused >= _HOPELESS and not progress.accepted:
            for one in (batch, *(one for one in self._queue if one.progress is progress)):
                one.refuse(why)
            self._queue = deque(one for one in self._queue if one.progress is not progress)
        elif len(batch.ids) == 1:
            self._fruitless(batch, Weight.REFUSED)
            batch.refuse(why)
        else:
            self._queue.extend(batch.halves())

    async def _meet_new_version(self, batch: Batch, form: Form, version: str) -> None:
        """Read the group again after 412: a membership is safe to repeat, whatever else changed (RFC 7644 §3.14)."""
        roster = self._roster

        async def read() -> frozenset[Topic]:
            await roster.look(self._action, batch.ids, patient=False)
            same = roster.group is not None and roster.group.version == version
            return frozenset({Topic(Kind.GROUP, VERSION)} if same else ())

        again = replace(batch, tries=batch.tries + 1)
        if await self._session.patience.until_proven(read):
            if is_put(form):
                # Reads that lag far behind look the same, and then a PUT would write over what they do not show.
                again = replace(again, impossible={**batch.impossible, form: VERSION_REFUSED})
            else:
                # It refuses the very version that it shows, for instance because it compares weak ones strongly.
                self._session.conditional = False
        self._queue.appendleft(again)

    def _may_try_another(self, batch: Batch, form: Form) -> bool:
        return self._forms.proof(form) is Proof.NONE and not batch.progress.climbed

    def _try_another(self, batch: Batch, form: Form, attempt: Attempt) -> None:
        self._queue.appendleft(replace(batch, tried={**batch.tried, form: attempt}, narrowed=0))

    def _climbed(self, batch: Batch) -> None:
        """Settle a batch for which no form is left."""
        progress = batch.progress
        if not batch.tried:
            batch.refuse(next(iter(batch.impossible.values()), self._forms.tell({})))
            return
        told = {form: attempt.what for form, attempt in batch.tried.items()} | batch.impossible
        progress.climbed = self._forms.tell({**self._forms.disproven, **told})
        weights = {attempt.weight for attempt in batch.tried.values()}
        certain = self._forms.disproven or (len(batch.ids) > 1 and Weight.IGNORED in weights)
        weight = Weight.UNSUPPORTED if certain else weights.pop() if len(weights) == 1 else Weight.IGNORED
        self._fruitless(batch, weight)
        if len(batch.ids) == 1 or self._forms.verdict is not None:
            batch.refuse(self._forms.verdict or progress.climbed)
        else:
            self._queue.extend(replace(half, tried={}) for half in batch.halves())

    def _fruitless(self, batch: Batch, weight: Weight) -> None:
        if batch.progress.climbed and self._roster.group is not None:
            self._forms.fruitless(self._roster.group.id, batch.ids[0], weight, batch.progress.climbed)

    async def _read_back(self) -> None:
        sent, self._sent, self._due = self._sent, [], False
        session, roster = self._session, self._roster
        before, kept = roster.seen, roster.kept
        ids = [member_id for batch in sent for member_id in batch.ids]
        try:
            await roster.look(self._action, ids, patient=not any(batch.lost for batch in sent))
            loss = await confirm_loss(session, roster, kept)
            forms = {batch.form for batch in sent if batch.form is not None}
            misread = loss is not None and await answer_loss(
                session, roster, loss, memory=self._forms, forms=forms, progress=sent[-1].progress
            )
        except ScimError as error:
            session.failed(error)
            self.unreadable = error
            return
        if roster.blind:
            for batch in sent:
                roster.believe(self._action, batch.ids if batch.lost is None else ())
        witnesses = (before - set(ids)) & roster.seen
        proof = Proof.SAFE if witnesses and loss is None else Proof.WORKS
        for batch in sent:
            self._learn(batch, proof, misread=misread)
        self._trial.end_if_proven()

    def _learn(self, batch: Batch, proof: Proof, *, misread: bool) -> None:
        """Draw the consequences of what became of one batch."""
        form, left = batch.form, tuple(self._roster.left(self._action, batch.ids))
        if form is None or self._roster.group is None:
            return
        landed = len(batch.ids) - len(left)
        again = replace(batch, ids=left)
        if misread:
            # It did more than it should, but it did what the others did not.
            for other, attempt in batch.tried.items() if landed else ():
                self._forms.disprove(other, attempt.what)
            self._queue.appendleft(again)
            return
        if landed:
            self._works(batch, form, proof)
        if left and batch.ahead:
            # A reference that came to nothing says nothing of the form.
            self._session.sender.refers = self._session.sender.refers and batch.lost is not None
            self._queue.appendleft(replace(again, ahead=False))
        elif left:
            self._send_again(again, form, landed)
        elif batch.narrowed and len(batch.ids) == batch.narrowed:
            self._forms.shrink(batch.narrowed)

    def _send_again(self, batch: Batch, form: Form, landed: int) -> None:
        """Decide what becomes of the members of a batch that are not as they should be, ``landed`` others being so."""
        if batch.lost is not None:
            self._answer_lost(batch, form, batch.lost)
        elif landed:
            self._queue.append(replace(batch, narrowed=landed, tried={}))
        elif self._may_try_another(batch, form):
            self._try_another(batch, form, Attempt(Weight.IGNORED, "was accepted and changed nothing"))
        elif len(batch.ids) > 1 and not batch.narrowed and batch.progress.refused < _HOPELESS:
            batch.progress.refused += 1
            self._queue.extend(batch.halves())
        elif batch.progress.climbed and len(batch.ids) == 1:
            self._fruitless(batch, Weight.IGNORED)
            batch.refuse(self._forms.verdict or batch.progress.climbed)

    def _answer_lost(self, batch: Batch, form: Form, lost: OutcomeUnknown) -> None:
        if lost.status == 500 and self._may_try_another(batch, form):
            self._try_another(batch, form, Attempt(Weight.UNSUPPORTED, str(lost)))
        elif batch.tries + 1 >= _TRIES:
            self._fail(batch.progress, lost)
        else:
            self._queue.append(replace(batch, tries=batch.tries + 1))

    def _works(self, batch: Batch, form: Form, proof: Proof) -> None:
        for other, attempt in batch.tried.items():
            self._forms.disprove(other, attempt.what)
            batch.progress.notes.append(f"{other.value} does not work here ({attempt.what}); {form.value} does")
        self._forms.prove(form, proof)

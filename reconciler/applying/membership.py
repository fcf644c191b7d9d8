"""The membership steps of one chunk for one group: carried out one after the other, and proven by reading back."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.applying.ahead import add_ahead, remove_references
from reconciler.applying.outcome import Outcome, Status
from reconciler.applying.progress import Progress
from reconciler.applying.roster import Roster
from reconciler.applying.session import Session
from reconciler.applying.writer import MembershipWriter
from reconciler.model import Kind, LiveGroup
from reconciler.planning.plan import Action, Step
from reconciler.planning.preconditions import digest
from reconciler.scim.errors import ScimError

_SHOWN = 5
_UNKNOWN = "the directory does not tell who is in the group, so nobody is removed from it"


class MembershipLane:
    """Carries out the additions, or the removals, of one group.

    Args:
        session: the run.
        steps: membership steps of one action.
    """

    def __init__(self, session: Session, steps: Sequence[Step]) -> None:
        self._session = session
        self._steps = steps
        self._action = steps[0].action
        self._references: frozenset[str] = frozenset()

    async def run(self) -> list[Outcome]:
        """Carry out all steps and return their outcomes, in order. Raises nothing that a server can cause."""
        session = self._session
        if session.ended:
            return [Outcome(step=step, status=Status.NOT_TRIED) for step in self._steps]
        try:
            group = await session.read_made(self._steps[0])
        except ScimError as error:
            session.failed(error)
            return [Outcome(step=step, status=Status.FAILED, message=str(error)) for step in self._steps]
        if not isinstance(group, LiveGroup):
            return [_gone(Progress(step, resource_id=step.resource_id)) for step in self._steps]
        roster = Roster(session, group, self._leaving())
        writer = MembershipWriter(session, roster, self._action)
        try:
            items = [await self._try(step, roster, writer) for step in self._steps]
            await writer.finish()
        finally:
            writer.release()
        await self._remove_references(roster, items)
        outcomes = [
            self._judge(item, roster, writer.unreadable) if isinstance(item, Progress) else item for item in items
        ]
        if all(outcome.status is Status.APPLIED for outcome in outcomes):
            session.succeeded()
        return outcomes

    async def _remove_references(self, roster: Roster, items: Sequence[Outcome | Progress]) -> None:
        progress = next((item for item in items if isinstance(item, Progress)), None)
        if progress is not None and self._references:
            await remove_references(self._session, roster, self._references, progress)

    def _leaving(self) -> list[str]:
        if self._action is not Action.REMOVE_MEMBERS:
            return []
        return [member_id for step in self._steps for member_id in self._session.member_ids(step.members)[0]]

    async def _try(self, step: Step, roster: Roster, writer: MembershipWriter) -> Outcome | Progress:
        session, group = self._session, roster.group
        progress = Progress(step, resource_id=step.resource_id or (group.id if group is not None else None))
        if session.ended:
            return progress.outcome(Status.NOT_TRIED)
        condition = step.precondition if writer.unreadable is None else None
        if group is not None and condition is not None:
            found = digest(group, condition.paths, session.schema(Kind.GROUP))
            if found != condition.digest:
                why = f"{step.address} changed since it was planned (one of: {', '.join(condition.paths)})"
                return progress.outcome(Status.STALE, why)
        self._references |= await add_ahead(session, roster, writer, progress)
        await session.sender.apart(session.creations.wait(edge.address for edge in step.members))
        progress.members, missing = session.member_ids(step.members)
        for edge in missing:
            progress.refusals.add(edge, f"needs “create {edge.address}”, which did not succeed")
        if roster.group is None or writer.unreadable is not None:
            return progress
        try:
            await self._ask_before_removal(progress, roster)
        except ScimError as error:
            session.failed(error)
            return progress.outcome(Status.FAILED, str(error))
        ids = [member_id for member_id in progress.members if member_id not in progress.refusals.ids]
        leaving = roster.left(self._action, ids)
        too_few = roster.too_few(step, leaving) if leaving else None
        if too_few is not None:
            return progress.outcome(Status.FAILED, too_few)
        await writer.write(progress, ids)
        return progress

    async def _ask_before_removal(self, progress: Progress, roster: Roster) -> None:
        """Find out who of the step is in a group that does not tell its members; unknown is never taken for known."""
        if roster.whole or self._action is not Action.REMOVE_MEMBERS or not progress.members:
            return
        await roster.look(self._action, list(progress.members), patient=False)
        if roster.blind:
            for member_id, edge in progress.members.items():
                progress.refusals.add(edge, _UNKNOWN, member_id)

    def _judge(self, progress: Progress, roster: Roster, unreadable: ScimError | None) -> Outcome:
        outcome = self._settle(progress, roster, unreadable)
        told = [outcome.message, progress.loss or "", *progress.notes]
        status = Status.DIFFERS if progress.loss and outcome.status is Status.APPLIED else outcome.status
        return progress.outcome(status, "; ".join(filter(None, told)))

    def _settle(self, progress: Progress, roster: Roster, unreadable: ScimError | None) -> Outcome:
        if roster.group is None:
            return _gone(progress)
        refused, total = progress.refusals, len(progress.step.members)
        left = [one for one in roster.left(self._action, progress.members) if one not in refused.ids]
        if progress.failure is not None and (left or unreadable is not None):
            done = total - len(left) - len(refused)
            so_far = f" ({done} of {total} memberships are as they should be)" if progress.accepted else ""
            return progress.outcome(Status.FAILED, progress.failure + so_far)
        if unreadable is not None:
            status = Status.DIFFERS if progress.accepted else Status.FAILED
            return progress.outcome(status, f"written, and could not be read back: {unreadable}")
        if not left:
            status = Status.FAILED if refused else Status.APPLIED
            return progress.outcome(status, refused.describe(total) if refused else "")
        if not progress.requests and not refused:
            return progress.outcome(Status.NOT_TRIED)
        return progress.outcome(Status.DIFFERS, self._describe(progress, left))

    def _describe(self, progress: Progress, left: Sequence[str]) -> str:
        names = [progress.members[member_id].name for member_id in left]
        more = ", …" if len(names) > _SHOWN else ""
        return f"{len(names)} memberships are not as written: {', '.join(names[:_SHOWN])}{more}"


def _gone(progress: Progress) -> Outcome:
    """Settle a step whose group is not in the directory any more: it has no members, and takes none."""
    missing = f"{progress.step.address} is not in the directory any more"
    if progress.step.action is Action.REMOVE_MEMBERS:
        return progress.outcome(Status.APPLIED, f"{missing}, so nothing is left to do")
    return progress.outcome(Status.STALE, missing)

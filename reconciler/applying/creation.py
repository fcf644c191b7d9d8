"""Making a resource exactly once, whatever becomes of the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from reconciler.applying.progress import Progress
from reconciler.applying.requests import created_id, creation
from reconciler.applying.session import Session
from reconciler.diagnostics import ReconcilerError
from reconciler.model import LiveResource
from reconciler.planning.plan import Step
from reconciler.scim.errors import Conflict, OutcomeUnknown, ScimError

_TRIES = 2
"""How often a creation is sent whose answer was lost and whose effect is not there."""


class TakenError(ReconcilerError):
    """A creation that another resource is in the way of.

    Attributes:
        conflict: the server's answer.
        owner: who has what the new resource should have, for a person.
    """

    def __init__(self, conflict: Conflict, owner: str) -> None:
        self.conflict = conflict
        self.owner = owner
        super().__init__(f"{conflict}: {owner}")


class Made(NamedTuple):
    """What became of a creation.

    Attributes:
        found: the resource, where it had to be looked up.
        ours: whether it can be the work of this step.
    """

    found: LiveResource | None
    ours: bool


async def create(session: Session, progress: Progress) -> Made:
    """Send a creation. An id that the answer tells is in ``progress`` then.

    A creation whose answer was lost is looked for, with all the time that a lagging directory needs. One that stays
    invisible is sent again only where the server itself refuses a second one of the same name, so that nothing is ever
    made twice.

    Raises:
        TakenError: another resource is in the way, and is known.
        TooLargeError: the directory takes no body of this size.
        ScimError: of every kind.
    """
    step, ours = progress.step, False
    request = session.fitting(creation(step.kind, step.changes))
    request = replace(request, bulk_id=session.creations.bulk_id(step.address))
    while True:
        progress.requests += 1
        try:
            answer = await session.send(request)
        except OutcomeUnknown as lost:
            ours = True
            progress.http_status = lost.status
            found = await _look_for_lost(session, step, lost)
            if found is not None:
                return Made(found, ours)
            if progress.requests >= _TRIES:
                raise
            if not session.capabilities.unique(step.kind, step.kind.naming_attribute):
                raise OutcomeUnknown(
                    f"{lost}. It is not there, and was not sent again, because this directory would take a second "
                    f"{step.address}; plan again to see",
                    status=lost.status,
                ) from lost
        except Conflict as conflict:
            progress.http_status = conflict.status
            found = await session.look_up(step)
            if found is not None:
                return Made(found, ours)
            owner = await session.owner_of(step)
            if owner is None:
                raise
            raise TakenError(conflict, owner) from conflict
        else:
            progress.accept(answer.status)
            progress.resource_id = created_id(answer, step.kind)
            looked_up = None if progress.resource_id is not None else await session.look_up_patiently(step)
            return Made(looked_up, ours=True)


async def _look_for_lost(session: Session, step: Step, lost: OutcomeUnknown) -> LiveResource | None:
    try:
        return await session.look_up_patiently(step)
    except ScimError as error:
        message = f"{lost}. Looking for it failed: {error}"
        raise OutcomeUnknown(message, status=error.status or lost.status) from error

"""Making a resource exactly once, whatever becomes of the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from reconciler.applying.progress import Progress
from reconciler.applying.requests import Request, created_id, creation
from reconciler.applying.session import Session
from reconciler.diagnostics import ReconcilerError
from reconciler.model import Kind, LiveResource
from reconciler.planning.plan import Step
from reconciler.scim.errors import Conflict, OutcomeUnknown, RequestRefused, ScimError

_INVALID = (400, 422)
_TRIES = 2
"""How often a creation is sent whose answer was lost and whose effect is not there."""


class TakenError(ReconcilerError):
    """A creation that another resource is in the way of.

    Attributes:
        conflict: the server's answer.
        owner: who has what the new resource should have, for a person, as far as that can be seen.
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
        TakenError: another resource is in the way.
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
            progress.refuse(lost)
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
            progress.refuse(conflict)
            return Made(await _in_the_way(session, step, conflict), ours)
        except RequestRefused as refusal:
            filled = _filled(session, step, request, refusal)
            if filled is None:
                raise
            request = filled
        else:
            progress.accept(answer)
            progress.resource_id = created_id(answer, step.kind)
            looked_up = None if progress.resource_id is not None else await session.look_up_patiently(step)
            return Made(looked_up, ours=True)


async def _in_the_way(session: Session, step: Step, conflict: Conflict) -> LiveResource:
    """Return the resource that a creation would have made again. Raises TakenError where it is another one."""
    found = await session.look_up(step)
    if found is not None:
        return found
    hidden = (
        f"no {step.kind.lower()} of that {step.kind.naming_attribute} or externalId is shown, so it may be one that "
        "the directory hides, for instance because it was deactivated or deleted. Bring it back there, or have it "
        "removed for good"
    )
    raise TakenError(conflict, await session.owner_of(step) or hidden) from conflict


def _filled(session: Session, step: Step, request: Request, refusal: RequestRefused) -> Request | None:
    """Return the creation of a group with members, for a server that makes no empty one; ``None`` for other refusals.

    Only those are named who are to be added to it anyway.
    """
    body = request.body or {}
    about_members = "member" in (refusal.detail or "").lower()
    if step.kind is not Kind.GROUP or "members" in body or refusal.status not in _INVALID or not about_members:
        return None
    ids = [*session.member_ids(session.joining.get(step.address, ()))[0]][: session.capabilities.max_members_per_patch]
    if not ids:
        return None
    return session.fitting(replace(request, body={**body, "members": [{"value": member_id} for member_id in ids]}))


async def _look_for_lost(session: Session, step: Step, lost: OutcomeUnknown) -> LiveResource | None:
    try:
        return await session.look_up_patiently(step)
    except ScimError as error:
        message = f"{lost}. Looking for it failed: {error}"
        raise OutcomeUnknown(message, status=error.status or lost.status) from error

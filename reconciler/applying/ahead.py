"""Adding members that are being created at this moment: by reference, in one bulk request with their creations.

It saves waiting for their ids, and nothing depends on it. A reference that the server does not follow is written again
by the id once that is known; one that it took for an id is taken out of the group again.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.applying.creations import REFERENCE
from reconciler.applying.progress import Progress
from reconciler.applying.requests import TooLargeError, membership
from reconciler.applying.roster import Roster
from reconciler.applying.sender import UnresolvedReferenceError
from reconciler.applying.session import Session
from reconciler.applying.writer import MembershipWriter
from reconciler.model import Kind
from reconciler.planning.plan import Action, Edge, Reason
from reconciler.scim.client import ScimResponse
from reconciler.scim.errors import OutcomeUnknown, RequestRefused, ScimError

_OUTDATED = 412


async def add_ahead(session: Session, roster: Roster, writer: MembershipWriter, progress: Progress) -> frozenset[str]:
    """Add those members of a step that are being created, as far as a bulk request can, and return the references.

    What became of it is found out when the group is read back. Returns only after the creations.
    """
    creations, group = session.creations, roster.group
    addresses = [
        edge.address for edge in progress.step.members if edge.id is None and creations.under_way(edge.address)
    ]
    # Where nobody can tell who is in the group, nobody can tell what became of a reference.
    if not addresses or group is None or not roster.whole or writer.unreadable or not session.sender.refers_now:
        return frozenset()
    reserved = await writer.reserve(progress)
    if reserved is None:
        return frozenset()
    form, size = reserved
    bulk_ids = {address: creations.bulk_id(address) or "" for address in addresses[:size]}
    references = frozenset(f"{REFERENCE}{bulk_id}" for bulk_id in bulk_ids.values())
    answer: ScimResponse | None = None
    lost: OutcomeUnknown | None = None
    refusal: RequestRefused | None = None
    try:
        schema, version = session.schema(Kind.GROUP), session.version(group)
        request = membership(session.intended(group), form, sorted(references), schema=schema, version=version)
        request = replace(session.fitting(request), refers_to=frozenset(bulk_ids.values()))
        answer = await session.send(request)
    except OutcomeUnknown as error:
        lost = error
    except RequestRefused as error:
        refusal = error
    except (UnresolvedReferenceError, TooLargeError, ScimError):
        # Nothing was written, and what speaks against a reference need not speak against an id.
        return frozenset()
    await session.sender.apart(creations.wait(bulk_ids))
    progress.requests += 1
    ids = tuple(session.created[address] for address in bulk_ids if address in session.created)
    if refusal is None:
        writer.sent_ahead(progress, ids, form, answer, lost)
    elif len(ids) == len(bulk_ids) and refusal.status != _OUTDATED:
        # All that it refers to was created: it is the reference itself.
        session.sender.refers = False
    return references


async def remove_references(session: Session, roster: Roster, references: frozenset[str], progress: Progress) -> None:
    """Remove references that the directory took for the ids of members."""
    strays = sorted(roster.seen & references)
    if roster.group is None or not strays:
        return
    session.sender.refers = False
    removal = Progress(progress.step)
    removal.members = {stray: Edge(name=stray, reason=Reason.NOT_LISTED) for stray in strays}
    left = Roster(session, roster.group, strays)
    writer = MembershipWriter(session, left, Action.REMOVE_MEMBERS)
    try:
        await writer.write(removal, strays)
        await writer.finish()
    finally:
        writer.release()
    progress.requests += removal.requests
    progress.notes += removal.notes
    progress.loss = progress.loss or removal.loss
    what = "could not be removed" if left.seen & references else "were removed"
    progress.notes.append(
        f"the directory takes references to what a bulk request creates for ids of members: {len(strays)} such members "
        f"{what}. References are not used any more in this run"
    )

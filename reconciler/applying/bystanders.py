"""Members that leave a group although no step removes them, and how they are put back.

A server that misreads a membership write takes others away: a removal taken for "remove everybody", an addition taken
for a replacement. Members that leave for other reasons look similar: a person was deleted meanwhile, a colleague
removed somebody by hand, one read lags behind another. So a loss is confirmed by reading the group again and the
members themselves before anything follows from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from reconciler.applying.forms import Form, Forms, Proof, is_put
from reconciler.applying.progress import Progress
from reconciler.applying.requests import TooLargeError, UnsafeWriteError, membership
from reconciler.applying.roster import Roster
from reconciler.applying.sender import NotSent
from reconciler.applying.session import Session
from reconciler.model import Kind
from reconciler.planning.plan import Action
from reconciler.scim.errors import OutcomeUnknown, RequestRefused, ScimError, Unauthorized

_SHOWN = 5
_HOPELESS = 32
"""Refused requests of one repair after which it is given up, and members of whom it is asked whether they exist."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Members that left a group although no step removes them.

    Attributes:
        ids: who.
        before: who was in the group before, of those whom no step removes.
        everybody: whether they are two or more, and nobody else stayed.
        told: who and how many, for a person.
    """

    ids: frozenset[str]
    before: frozenset[str]
    everybody: bool
    told: str


async def confirm_loss(session: Session, roster: Roster, before: frozenset[str]) -> Loss | None:
    """Return who of ``before`` is really lost, or ``None``. The roster is read again."""
    if not roster.whole or before <= roster.seen:
        return None
    if session.patience.waits:
        await asyncio.sleep(session.patience.waits[-1])
    # Where that fails, what the last look showed is all there is to go by.
    with suppress(ScimError):
        await roster.look(Action.ADD_MEMBERS, (), patient=False)
    lost = before - roster.seen
    if roster.group is None or not lost:
        return None
    # Who was deleted has left every group by that alone.
    names = await _names_of_living(session, sorted(lost))
    if not names:
        return None
    more = ", …" if len(lost) > _SHOWN else ""
    who = f"{len(lost)} {'member' if len(lost) == 1 else 'members'}"
    told = f"{who} left {roster.group.address} that no step removes: {', '.join(names)}{more}"
    return Loss(lost, before, everybody=len(lost) > 1 and not before & roster.seen, told=told)


async def answer_loss(
    session: Session,
    roster: Roster,
    loss: Loss,
    *,
    memory: Forms,
    forms: Collection[Form],
    progress: Progress,
) -> bool:
    """Tell whether a loss is the directory's doing. Where it is, put it right, or end the run.

    Args:
        session: the run.
        roster: who is in the group.
        loss: who left.
        memory: what the run knows of the forms of this action.
        forms: those that the group was written in.
        progress: the step that is told about it.
    """
    proven = all(memory.proof(form) is Proof.SAFE for form in forms)
    if proven and not loss.everybody and not session.lossy_groups:
        session.lossy_groups += 1
        progress.loss = f"{loss.told}. Somebody else may have removed them at this moment; plan again to see"
        return False
    for form in forms:
        memory.disprove(form, f"made others leave {progress.step.address}")
    try:
        missing, why = await put_back(session, roster, loss.before, progress), ""
    except ScimError as error:
        # Harm was done, and nobody can tell how much of it is left: that is more than a write that failed.
        session.failed(error)
        missing, why = loss.before - roster.seen, f" ({error})"
    if not missing:
        named = ", ".join(sorted(form.value for form in forms))
        told = f"{named} is not used any more in this run; `reconciler doctor --probe` finds out what works"
        progress.notes.append(f"{loss.told}; they were put back. {told}")
        return True
    progress.loss = (
        f"{loss.told}. The directory seems to misread membership changes, and {len(missing)} of them could not be "
        f"put back{why}; nothing further was written"
    )
    session.halt(progress.loss)
    return True


async def put_back(session: Session, roster: Roster, wanted: frozenset[str], progress: Progress) -> frozenset[str]:
    """Add everybody again who is wanted and not there, in one form after the other, and read back after each.

    Returns:
        Who is still missing, without those who do not exist any more.

    Raises:
        ScimError: the directory cannot be written or read any more.
    """
    repair = _Repair(session, roster, wanted, progress)
    forms = session.adding
    for form in forms.usable:
        if not await repair.by(form, repair.missing, forms.size(form)):
            return frozenset()
    # An addition that is taken for a replacement can still say whole who shall be there.
    everybody = wanted | roster.kept
    for form in forms.ladder:
        if (
            not is_put(form)
            and len(everybody) <= forms.size(form)
            and not await repair.by(form, everybody, forms.limit)
        ):
            return frozenset()
    missing = sorted(repair.missing)
    living = await _names_of_living(session, missing)
    return frozenset(missing) if living or len(missing) > _HOPELESS else frozenset()


class _Repair:
    """Puts the members of one group back."""

    def __init__(self, session: Session, roster: Roster, wanted: frozenset[str], progress: Progress) -> None:
        self._session = session
        self._roster = roster
        self._wanted = wanted
        self._progress = progress
        self._refused = 0

    @property
    def missing(self) -> frozenset[str]:
        """Who is wanted and not there."""
        return self._wanted - self._roster.seen

    async def by(self, form: Form, ids: Collection[str], size: int) -> bool:
        """Add members in one form and tell whether somebody is still missing."""
        roster, forms = self._roster, self._session.adding
        there = roster.seen
        ordered = tuple(sorted(ids))
        for start in range(0, len(ordered), size):
            await self._send(form, ordered[start : start + size])
        await roster.look(Action.ADD_MEMBERS, sorted(ids))
        if there - roster.seen:
            forms.disprove(form, "took other members away")
        elif not self.missing:
            forms.prove(form, Proof.SAFE if there else Proof.WORKS)
        return bool(self.missing) and roster.group is not None

    async def _send(self, form: Form, ids: tuple[str, ...]) -> None:
        session, roster = self._session, self._roster
        if roster.group is None or self._refused >= _HOPELESS:
            return
        try:
            group = session.intended(roster.group)
            # A PUT made from a read that lags behind would take out again who is not shown; an addition harms nobody.
            version = session.version(roster.group, whole=True) if is_put(form) else None
            request = session.fitting(membership(group, form, ids, schema=session.schema(Kind.GROUP), version=version))
            self._progress.requests += 1
            answer = await session.send(request)
        except NotSent:
            self._progress.requests -= 1
            raise
        except Unauthorized:
            raise
        except (RequestRefused, TooLargeError, UnsafeWriteError):
            self._refused += 1
            middle = len(ids) // 2
            for half in (ids[:middle], ids[middle:]) if middle and not is_put(form) else ():
                await self._send(form, half)
        except OutcomeUnknown:
            # The look that follows tells what became of it.
            return
        else:
            roster.assume(Action.ADD_MEMBERS, ids, answer)


async def _names_of_living(session: Session, ids: Sequence[str]) -> list[str]:
    """Return the names of a few of those members that still exist. A few are enough to know that not all are gone."""
    names: list[str] = []
    for resource_id in ids[:_HOPELESS]:
        if len(names) == _SHOWN:
            break
        try:
            found = await session.read(Kind.USER, resource_id)
            if found is None and session.capabilities.nested_groups:
                found = await session.read(Kind.GROUP, resource_id)
        except ScimError:
            names.append(resource_id)
        else:
            names += [found.name] if found is not None else []
    return sorted(names)

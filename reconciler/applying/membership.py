"""Membership batches: sent whole, and halved when refused, so that one bad member does not keep the others out.

Atlassian, for one, answers 404 to a whole request for one unknown member.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.applying.pending import Pending
from reconciler.applying.requests import membership
from reconciler.applying.session import Session
from reconciler.model import Kind, LiveGroup
from reconciler.planning.plan import Action, Edge
from reconciler.scim.errors import RequestRefused, Unauthorized

_SHOWN = 5


@dataclass(slots=True)
class Refusals:
    """The memberships of one step that did not come about, and why."""

    ids: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)

    def add(self, edge: Edge, why: str, member_id: str | None = None) -> None:
        """Record one membership."""
        self.reasons.append(f"{edge.name}: {why}")
        if member_id is not None:
            self.ids.add(member_id)

    def __bool__(self) -> bool:
        return bool(self.reasons)

    def describe(self, total: int) -> str:
        """Return how many of the step's memberships did not come about, and why."""
        more = f" and {len(self.reasons) - _SHOWN} more" if len(self.reasons) > _SHOWN else ""
        return f"{len(self.reasons)} of {total} memberships were not changed: {'; '.join(self.reasons[:_SHOWN])}{more}"


class Tally(Protocol):
    """Where the requests of a step are counted."""

    requests: int
    http_status: int | None
    refusals: Refusals


async def send_members(session: Session, current: LiveGroup, action: Action, left: Pending, tally: Tally) -> LiveGroup:
    """Write the memberships that are left of a step, and return the group as it should be now.

    Raises:
        ScimError: of any kind that is not about single members.
    """
    edges = dict(left.members or {})
    schema = session.schema(Kind.GROUP)

    async def send(ids: Sequence[str]) -> None:
        nonlocal current
        request = membership(current, action, ids, capabilities=session.capabilities, schema=schema)
        tally.requests += 1
        try:
            answer = await session.send(request)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            tally.http_status = refusal.status
            if len(ids) > 1:
                middle = len(ids) // 2
                await send(ids[:middle])
                await send(ids[middle:])
            elif not (action is Action.REMOVE_MEMBERS and refusal.scim_type == "noTarget"):
                # A removal whose filter matches nobody finds what it wants; some servers call that an error.
                tally.refusals.add(edges[ids[0]], str(refusal), ids[0])
        else:
            tally.http_status = answer.status
            current = _after(current, action, ids)

    if edges:
        await send(list(edges))
    return current


def _after(group: LiveGroup, action: Action, ids: Sequence[str]) -> LiveGroup:
    members = dict.fromkeys(group.members or ())
    if action is Action.ADD_MEMBERS:
        members |= dict.fromkeys(ids)
    else:
        members = {member: None for member in members if member not in set(ids)}
    return replace(group, members=tuple(members))

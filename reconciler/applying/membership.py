"""Membership batches: sent whole, and halved when refused, so that one bad member does not keep the others out.

Atlassian, for one, answers 404 to a whole request for one unknown member.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from reconciler.applying.progress import Progress
from reconciler.applying.requests import membership
from reconciler.applying.session import Session
from reconciler.model import Kind, LiveGroup
from reconciler.planning.plan import Action, Edge
from reconciler.scim.errors import NotFound, RequestRefused, Unauthorized

_HOPELESS = 32
"""Refused requests of one step, without a single success, after which it is not about single members any more."""


class MembershipWriter:
    """Writes the memberships of one step.

    Args:
        session: the run.
        progress: the step; requests and refusals are recorded there.
        group: the group as it is.

    Attributes:
        group: the group as it should be after what was accepted; ``None`` once it is found gone.
    """

    def __init__(self, session: Session, progress: Progress, group: LiveGroup) -> None:
        self.group: LiveGroup | None = group
        self._session = session
        self._progress = progress
        self._removes = progress.step.action is Action.REMOVE_MEMBERS

    async def write(self, edges: Mapping[str, Edge]) -> None:
        """Write these memberships, by the member's id.

        Raises:
            ScimError: of any kind that is not about single members. What was accepted before is in ``group``.
            UnsafeWriteError: the request would touch other members.
        """
        # Level by level, so that a first success comes early where there can be one.
        waiting = deque([list(edges)]) if edges else deque[list[str]]()
        refused = 0
        while waiting and self.group is not None:
            ids = waiting.popleft()
            refusal = await self._send(self.group, ids)
            if refusal is None:
                continue
            refused += 1
            if refused == 1 and isinstance(refusal, NotFound):
                # Either a member is unknown or the group is: the same status from most servers.
                self.group = await self._session.read_group(self.group.id)
            if refused >= _HOPELESS and not self._progress.accepted:
                self._refuse([*ids, *chain.from_iterable(waiting)], edges, refusal)
                return
            if len(ids) == 1:
                self._refuse(ids, edges, refusal)
            else:
                middle = len(ids) // 2
                waiting += (ids[:middle], ids[middle:])

    def _refuse(self, ids: Iterable[str], edges: Mapping[str, Edge], refusal: RequestRefused) -> None:
        for member_id in ids:
            self._progress.refusals.add(edges[member_id], str(refusal), member_id)

    async def _send(self, group: LiveGroup, ids: Sequence[str]) -> RequestRefused | None:
        """Send one request, and return the refusal where it was one."""
        session, progress = self._session, self._progress
        request = membership(
            group, progress.step.action, ids, capabilities=session.capabilities, schema=session.schema(Kind.GROUP)
        )
        progress.requests += 1
        try:
            answer = await session.send(request)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            progress.http_status = refusal.status
            if self._removes and len(ids) == 1 and refusal.scim_type == "noTarget":
                # A removal whose filter matches nobody finds what it wants; some servers call that an error.
                progress.accepted += 1
                return None
            return refusal
        progress.accept(answer.status)
        self.group = _after(group, ids, removed=self._removes)
        return None


def _after(group: LiveGroup, ids: Sequence[str], *, removed: bool) -> LiveGroup:
    if group.members is None:
        return group
    changed = dict.fromkeys(ids)
    if removed:
        return replace(group, members=tuple(member for member in group.members if member not in changed))
    return replace(group, members=tuple(dict.fromkeys(group.members) | changed))

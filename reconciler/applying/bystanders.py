"""Members that leave a group although no step removes them: the mark of a server that misreads membership writes.

Known ways to misread: a removal by filter taken for "remove everybody", an addition taken for a replacement. Both take
everybody else away. Members that leave for other reasons look similar and must not end a run: a person was deleted
meanwhile, a colleague removed somebody by hand, one read lags behind another. So a loss is confirmed by reading the
group again and the members themselves. A loss of everybody else ends the run at once; a smaller one is told, and ends
it when it happens to a second group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from contextlib import suppress

from reconciler.applying.session import Session
from reconciler.model import Kind, LiveGroup
from reconciler.scim.errors import ScimError

_SHOWN = 5
_COINCIDENCES = 1
"""Groups that may lose some members to a coincidence."""


async def check_bystanders(session: Session, group: LiveGroup, bystanders: AbstractSet[str]) -> str | None:
    """Return a message where members were lost that no step removes, or ``None``. Ends the run where that is due.

    Args:
        session: the run.
        group: as read back after the write.
        bystanders: ids of the members before the write, without those that the steps remove.
    """
    if group.members is None or bystanders <= set(group.members):
        return None
    now = await _read_again(session, group)
    if now is None:
        return None
    lost = bystanders - now
    names = await _names_of_living(session, sorted(lost)[:_SHOWN])
    if not names:
        return None
    more = ", …" if len(lost) > _SHOWN else ""
    who = f"{len(lost)} {'member' if len(lost) == 1 else 'members'}"
    message = f"{who} left {group.address} that no step removes: {', '.join(names)}{more}"
    session.lossy_groups += 1
    everybody_else = len(lost) > 1 and not bystanders & now
    if everybody_else or session.lossy_groups > _COINCIDENCES:
        session.halt(f"{message}. The directory seems to misread membership changes; nothing further was written")
        return message
    return f"{message}. Somebody else may have removed them at this moment; plan again to see"


async def _read_again(session: Session, group: LiveGroup) -> frozenset[str] | None:
    """Return the members once reads have had time to catch up, or ``None`` where the group itself is gone."""
    if session.patience.waits:
        await asyncio.sleep(session.patience.waits[-1])
    again: LiveGroup | None = group
    with suppress(ScimError):
        again = await session.read_group(group.id)
    if again is None:
        return None
    return frozenset((group.members if again.members is None else again.members) or ())


async def _names_of_living(session: Session, ids: list[str]) -> list[str]:
    """Return the names of those members that still exist: who was deleted has left every group by that alone."""
    names = []
    for resource_id in ids:
        try:
            found = await session.read(Kind.USER, resource_id)
            if found is None and session.capabilities.nested_groups:
                found = await session.read(Kind.GROUP, resource_id)
        except ScimError:
            names.append(resource_id)
        else:
            names += [found.name] if found is not None else []
    return sorted(names)

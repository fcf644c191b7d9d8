"""Faults of what a directory keeps: reads that lag behind writes, and writes that are kept in part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import msgspec

from reconciler.sandbox.faults.exchange import Action, Answer, Forward, Incoming, Stateless, Turn, refusal
from reconciler.sandbox.faults.listings import listed, whole_number

_Key: TypeAlias = tuple[str, str]
_COLLECTIONS = ("Users", "Groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleReads:
    """Reads see a write late (eventual consistency).

    A rule with this fault says which *writes* are seen late. The resource is meanwhile shown as it was: one that was
    created is not there, one that was deleted still is.

    Attributes:
        reads: how many reads and listings do not see the write yet.
    """

    reads: int = 2

    def begin(self) -> Action:
        """Return the fault at work."""
        return _Lagging(self.reads)


@dataclass(slots=True)
class _Past:
    """What reads still see of one resource: an answer to GET, or ``None`` where it was not there."""

    answer: Answer | None
    reads_left: int


class _Lagging:
    sees_all = True

    def __init__(self, reads: int) -> None:
        self._reads = reads
        self._past: dict[_Key, _Past] = {}

    async def __call__(self, turn: Turn) -> Answer:
        request = turn.request
        collection, _, resource_id = request.path.removeprefix("/").partition("/")
        if collection not in _COLLECTIONS:
            return await turn.forward(request)
        if request.method != "GET":
            return await (self._write(turn, (collection, resource_id)) if turn.chosen else turn.forward(request))
        if not resource_id:
            return await self._list(turn, collection)
        past = self._look((collection, resource_id))
        if past is None:
            return await turn.forward(request)
        return past.answer or refusal(404, "there is no such resource")

    async def _write(self, turn: Turn, key: _Key) -> Answer:
        before = await turn.forward(turn.request.reading(turn.request.path)) if key[1] else None
        answer = await turn.forward(turn.request)
        if not 200 <= answer.status < 300:
            return answer
        if before is None:
            created = answer.json()
            if not isinstance(created, dict):
                return answer
            key = (key[0], str(created.get("id")))
        turn.injected = True
        known = self._past.get(key)
        self._past[key] = _Past(known.answer if known else before, self._reads)
        return answer

    def _look(self, key: _Key) -> _Past | None:
        """Return what a read still sees, and count the read."""
        past = self._past.get(key)
        if past is not None:
            past.reads_left -= 1
            if past.reads_left <= 0:
                del self._past[key]
        return past

    async def _list(self, turn: Turn, collection: str) -> Answer:
        keys = [key for key in self._past if key[0] == collection]
        if not keys:
            return await turn.forward(turn.request)
        seen = {key[1]: past.answer for key in keys if (past := self._look(key))}
        answer = await turn.forward(turn.request)
        document = listed(answer)
        if document is None:
            return answer
        rows = []
        for row in await _all_rows(turn.forward, turn.request, document):
            old = seen.pop(row["id"]) if row["id"] in seen else Answer(status=200).with_json(row)
            if old is not None:
                rows.append(old.json())
        if "filter" not in turn.request.parameters:
            rows += [deleted.json() for deleted in seen.values() if deleted is not None]
        start = max(whole_number(turn.request, "startIndex") or 1, 1)
        page = rows[start - 1 : start - 1 + _page_length(turn.request, document)]
        told = {"totalResults": len(rows), "startIndex": start, "itemsPerPage": len(page), "Resources": page}
        return answer.with_json(document | told)


async def _all_rows(forward: Forward, request: Incoming, page: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of all pages of the listing that one page is of."""
    rows: list[dict[str, Any]] = []
    while len(rows) < page["totalResults"]:
        answer = await forward(request.asking(startIndex=len(rows) + 1, count=page["totalResults"]))
        more = listed(answer)
        if more is None or not more["Resources"]:
            break
        rows += more["Resources"]
    return rows


def _page_length(request: Incoming, page: dict[str, Any]) -> int:
    """Return how long a page of the directory is: what was asked for, or its own limit, which a full page shows."""
    sent: int = len(page["Resources"])
    asked = whole_number(request, "count")
    whole: int = page["totalResults"]
    if asked is None:
        return sent or whole
    return min(asked, sent) if sent and sent < whole else asked


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedMembers(Stateless):
    """A PATCH of a group keeps the first members that it names and drops the others without a word.

    Attributes:
        at: how many members are kept.
    """

    at: int = 100

    async def __call__(self, turn: Turn) -> Answer:
        """Pass on a PATCH with fewer members."""
        request = turn.request
        document = request.json()
        operations = document.get("Operations") if isinstance(document, dict) else None
        if request.method != "PATCH" or not request.path.startswith("/Groups/") or not isinstance(operations, list):
            return await turn.forward(request)
        left = self.at
        for operation in operations:
            left = self._shorten(operation, left, turn)
        return await turn.forward(replace(request, body=msgspec.json.encode(document)) if turn.injected else request)

    def _shorten(self, operation: Any, left: int, turn: Turn) -> int:
        """Drop the members of one operation that are too many, and return how many more there may be."""
        holder, key = operation, "value"
        if isinstance(operation, dict) and isinstance(operation.get("value"), dict):
            holder, key = operation["value"], "members"
        members = holder.get(key) if isinstance(holder, dict) else None
        if not isinstance(members, list):
            return left
        if len(members) > left:
            holder[key] = members[:left]
            turn.injected = True
        return left - len(holder[key])

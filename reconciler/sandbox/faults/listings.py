"""Faults of listings (RFC 7644 §3.4.2.4): lengths that lie, pages that do not meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from reconciler.sandbox.faults.exchange import Answer, Incoming, Stateless, Turn

_GONE = "gone@example.com"


def listed(answer: Answer) -> dict[str, Any] | None:
    """Return the document of an answer that is a listing with its length, or ``None``."""
    document = answer.json()
    if answer.status == 200 and isinstance(document, dict) and isinstance(document.get("totalResults"), int):
        return document | {"Resources": document.get("Resources") or []}
    return None


def whole_number(request: Incoming, name: str) -> int | None:
    """Return a parameter of the query, or ``None`` where it is no whole number."""
    text = request.parameters.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _is_later_page(request: Incoming) -> bool:
    return (whole_number(request, "startIndex") or 1) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongTotal(Stateless):
    """``totalResults`` is not the number of resources.

    Attributes:
        form: more, fewer, as many as are on the page, not told at all, or told as a string.
        by: how many more or fewer.
    """

    form: Literal["higher", "lower", "page", "missing", "string"] = "higher"
    by: int = 1

    async def __call__(self, turn: Turn) -> Answer:
        """Tell another number."""
        answer = await turn.forward(turn.request)
        document = listed(answer)
        if document is None:
            return answer
        told: dict[str, Any] = {"totalResults": self._told(document["totalResults"], len(document["Resources"]))}
        if told["totalResults"] == document["totalResults"]:
            return answer
        turn.injected = True
        if self.form == "missing":
            del document["totalResults"]
            told = {}
        return answer.with_json(document | told)

    def _told(self, total: int, rows: int) -> int | str | None:
        match self.form:
            case "higher":
                return total + self.by
            case "lower":
                return max(total - self.by, 0)
            case "page":
                return rows
            case "missing":
                return None
            case "string":
                return str(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPages(Stateless):
    """Pages are shorter than asked for, which RFC 7644 allows.

    Attributes:
        rows: how many resources a page has at most.
    """

    rows: int = 2

    async def __call__(self, turn: Turn) -> Answer:
        """Send a shorter page."""
        count = whole_number(turn.request, "count")
        if turn.request.method != "GET" or (count is not None and count <= self.rows):
            return await turn.forward(turn.request)
        answer = await turn.forward(turn.request.asking(count=self.rows))
        turn.injected = listed(answer) is not None
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlappingPages(Stateless):
    """Every page but the first begins too early, so that the last resources are never sent.

    Attributes:
        rows: by how many resources.
    """

    rows: int = 1

    async def __call__(self, turn: Turn) -> Answer:
        """Send an earlier page, under the number that was asked for."""
        start = whole_number(turn.request, "startIndex") or 1
        if turn.request.method != "GET" or start <= 1:
            return await turn.forward(turn.request)
        answer = await turn.forward(turn.request.asking(startIndex=max(start - self.rows, 1)))
        document = listed(answer)
        if document is None:
            return answer
        turn.injected = True
        return answer.with_json(document | {"startIndex": start})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftingPages(Stateless):
    """Resources come and go between the pages, so that one is sent twice, or not at all.

    Attributes:
        change: ``come``: one more at the front before the second page. ``go``: the first one goes before the second
            page. ``swap``: that, and one more has come at the end, so that the number stays the same.
    """

    change: Literal["come", "go", "swap"] = "go"

    async def __call__(self, turn: Turn) -> Answer:
        """Send a page of a directory that moves."""
        request = turn.request
        if request.method != "GET" or _is_later_page(request) != (self.change == "come"):
            return await turn.forward(request)
        return await (self._one_has_come(turn) if self.change == "come" else self._one_will_go(turn))

    async def _one_has_come(self, turn: Turn) -> Answer:
        start = whole_number(turn.request, "startIndex") or 1
        answer = await turn.forward(turn.request.asking(startIndex=start - 1))
        document = listed(answer)
        if document is None:
            return answer
        turn.injected = True
        return answer.with_json(document | {"startIndex": start, "totalResults": document["totalResults"] + 1})

    async def _one_will_go(self, turn: Turn) -> Answer:
        answer = await turn.forward(turn.request)
        document = listed(answer)
        if document is None:
            return answer
        rows, total = document["Resources"], document["totalResults"]
        if not rows or total <= len(rows):
            return answer  # there is no second page
        turn.injected = True
        told = total if self.change == "swap" else total + 1
        return answer.with_json(document | {"Resources": [_one_more_like(rows[0]), *rows[:-1]], "totalResults": told})


def _one_more_like(row: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that will be gone when somebody looks for it."""
    gone: dict[str, Any] = {
        "schemas": row.get("schemas", []),
        "id": f"gone-{row.get('id')}",
        "meta": row.get("meta", {}),
    }
    if "userName" in row:
        emails = [{"value": _GONE, "type": "work", "primary": True}]
        return gone | {"userName": _GONE, "active": True, "emails": emails}
    return gone | {"displayName": "gone", "members": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredParameters(Stateless):
    """The server does not look at parameters of the query.

    Attributes:
        names: which.
    """

    names: tuple[str, ...] = ("filter",)

    async def __call__(self, turn: Turn) -> Answer:
        """Answer as if they had not been sent."""
        ignored = dict.fromkeys(name for name in self.names if name in turn.request.parameters)
        turn.injected = bool(ignored)
        return await turn.forward(turn.request.asking(**ignored) if ignored else turn.request)

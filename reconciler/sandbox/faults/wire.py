"""Faults of the way back: the directory answered well, and something else arrives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from reconciler.sandbox.faults.exchange import Answer, Stateless, Turn

_LEAST_ERROR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Stateless):
    """The answer takes its time.

    Attributes:
        first_byte: seconds until it begins.
        body: seconds from there until its end, with some bytes all the time.
    """

    first_byte: float = 0.0
    body: float = 0.0

    async def __call__(self, turn: Turn) -> Answer:
        """Answer slowly."""
        turn.injected = True
        return replace(await turn.forward(turn.request), wait=self.first_byte, spread=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated(Stateless):
    """Only the beginning of the body arrives.

    Attributes:
        keep: the part that does, from 0 to 1.
        length: whether Content-Length is that of the whole body, so that the connection ends too early, or that of what
            arrives, so that HTTP is content and the JSON is broken.
    """

    keep: float = 0.5
    length: Literal["whole", "kept"] = "whole"

    async def __call__(self, turn: Turn) -> Answer:
        """Cut the body."""
        answer = await turn.forward(turn.request)
        kept = int(len(answer.body) * self.keep)
        if kept >= len(answer.body):
            return answer
        turn.injected = True
        return replace(answer, send_only=kept) if self.length == "whole" else replace(answer, body=answer.body[:kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentType(Stateless):
    """The body is called what it is not.

    Attributes:
        value: the ``Content-Type``.
    """

    value: str = "text/plain"

    async def __call__(self, turn: Turn) -> Answer:
        """Answer with another type."""
        turn.injected = True
        return (await turn.forward(turn.request)).with_headers({"content-type": self.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBody(Stateless):
    """An answer that usually has a body has none.

    Attributes:
        answered: the statuses of the answers that lose it.
        status: the status that they get; their own if left out.
    """

    answered: tuple[int, ...] = (200, 201)
    status: int | None = None

    async def __call__(self, turn: Turn) -> Answer:
        """Take the body away."""
        answer = await turn.forward(turn.request)
        if answer.status not in self.answered or not answer.body:
            return answer
        turn.injected = True
        headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
        return replace(answer, status=self.status or answer.status, headers=headers, body=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoScimType(Stateless):
    """Errors do not tell their ``scimType`` (RFC 7644 §3.12, table 9)."""

    async def __call__(self, turn: Turn) -> Answer:
        """Leave it out."""
        answer = await turn.forward(turn.request)
        document = answer.json() if answer.status >= _LEAST_ERROR else None
        if not isinstance(document, dict) or "scimType" not in document:
            return answer
        turn.injected = True
        return answer.with_json({name: value for name, value in document.items() if name != "scimType"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Strings(Stateless):
    """Values that are no strings are sent as strings: ``"true"``, ``"42"``.

    Attributes:
        booleans: how booleans are written, or ``keep``.
        numbers: whether numbers become strings.
    """

    booleans: Literal["lower", "capital", "keep"] = "lower"
    numbers: bool = True

    async def __call__(self, turn: Turn) -> Answer:
        """Answer in strings."""
        answer = await turn.forward(turn.request)
        document = answer.json()
        changed = self._in_strings(document)
        if document is None or changed == document:
            return answer
        turn.injected = True
        return answer.with_json(changed)

    def _in_strings(self, value: Any) -> Any:
        match value:
            case dict():
                return {name: self._in_strings(inner) for name, inner in value.items()}
            case list():
                return [self._in_strings(inner) for inner in value]
            case bool() if self.booleans != "keep":
                return str(value) if self.booleans == "capital" else str(value).lower()
            case int() | float() if self.numbers and not isinstance(value, bool):
                return str(value)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerCaseResources(Stateless):
    """Listings hold ``resources``, not ``Resources``: the names of attributes have no case (RFC 7643 §2.1)."""

    async def __call__(self, turn: Turn) -> Answer:
        """Write it small."""
        answer = await turn.forward(turn.request)
        document = answer.json()
        if not isinstance(document, dict) or "Resources" not in document:
            return answer
        turn.injected = True
        renamed = {("resources" if name == "Resources" else name): value for name, value in document.items()}
        return answer.with_json(renamed)

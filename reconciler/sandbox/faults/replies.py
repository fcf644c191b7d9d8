"""Faults in which somebody other than a healthy directory answers: refusals, failures, lost answers, empty promises."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

from reconciler.sandbox.faults.exchange import Answer, Stateless, Turn, json_answer, refusal
from reconciler.sandbox.faults.waits import WaitForm, wait_headers

_PAGE = "<!doctype html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><hr>gateway</body></html>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Stateless):
    """The request is turned away, and nothing is done.

    Attributes:
        status: 429 (RFC 6585 §4) or 503; some servers say 500, and only the words of the answer tell.
        header: how the answer tells the wait.
        wait: seconds.
        detail: the words.
    """

    status: int = 429
    header: WaitForm = "retry_after_seconds"
    wait: float = 1.0
    detail: str = "too many requests"

    async def __call__(self, turn: Turn) -> Answer:
        """Turn the request away."""
        turn.injected = True
        return refusal(self.status, self.detail).with_headers(wait_headers(self.header, self.wait, time.time()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Stateless):
    """The client is answered this, whatever the directory says.

    Attributes:
        status: the HTTP status.
        body: a SCIM error, an HTML page as gateways have them, or nothing.
        detail: the words of a SCIM error.
        took_effect: whether the directory got the request, too.
    """

    status: int = 500
    body: Literal["scim", "html", "empty"] = "scim"
    detail: str = "something failed"
    took_effect: bool = False

    async def __call__(self, turn: Turn) -> Answer:
        """Answer the request."""
        turn.injected = True
        if self.took_effect:
            await turn.forward(turn.request)
        if self.body == "scim":
            return refusal(self.status, self.detail)
        if self.body == "empty":
            return Answer(status=self.status)
        page = _PAGE.format(title=f"{self.status} {HTTPStatus(self.status).phrase}")
        return Answer(status=self.status, headers={"content-type": "text/html; charset=utf-8"}, body=page.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Stateless):
    """The connection is reset instead of an answer.

    Attributes:
        took_effect: whether that happens after the directory carried the request out, or before it got it.
    """

    took_effect: bool = False

    async def __call__(self, turn: Turn) -> Answer:
        """Lose the answer."""
        turn.injected = True
        if self.took_effect:
            await turn.forward(turn.request)
        return Answer(status=0, reset=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingChanges(Stateless):
    """A write is answered as if it had been carried out: with the resource as it is, or with an id that nothing has."""

    async def __call__(self, turn: Turn) -> Answer:
        """Pretend."""
        request = turn.request
        match request.method:
            case "DELETE":
                answer = Answer(status=204)
            case "PUT" | "PATCH":
                answer = await turn.forward(request.reading(request.path))
            case "POST" if isinstance(document := request.json(), dict):
                invented = uuid5(NAMESPACE_OID, request.body.decode("utf-8", "replace"))
                answer = json_answer({**document, "id": str(invented)}, status=201)
            case _:
                return await turn.forward(request)
        turn.injected = True
        return answer

"""What stands before the embedded directory: nobody passes without the token, and every request is counted."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.sandbox.app import error_response
from reconciler.sandbox.errors import RequestRefusedError
from reconciler.sandbox.faults.layer import INJECTED

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request that was answered, as a test looks at it. The token is not kept.

    ``path`` is the whole path, ``query`` what follows the question mark as it was sent, ``body`` the bytes received.
    ``status`` is what the client was answered, 0 where it was answered nothing. ``faults`` names the rules that acted.
    ``if_match`` is the version that it was meant for, if it stated one. ``at`` is when it came, in seconds of a clock
    that never goes back. ``request_id`` is what the answer calls it in ``X-Request-Id``.
    """

    method: str
    path: str
    query: str
    body: bytes
    status: int
    faults: tuple[str, ...] = ()
    if_match: str | None = None
    at: float = 0.0
    request_id: str = ""

    def json(self) -> Any:
        """Return the body as JSON, or ``None`` where there was none."""
        return msgspec.json.decode(self.body) if self.body else None


class Gate:
    """An ASGI application in front of another. It gives every request a name, as real servers do.

    Args:
        app: what answers requests that may pass.
        token: what they must carry as ``Authorization: Bearer …`` (RFC 6750).
        record: whether to keep every request, answered or refused.

    Attributes:
        request_count: how many requests came.
        requests: what was kept, in the order of the answers.
    """

    def __init__(self, app: ASGIApp, token: str, *, record: bool) -> None:
        self._app = app
        self._token = token.encode()
        self._record = record
        self._run = secrets.token_hex(4)
        self.request_count = 0
        self.requests: list[RecordedRequest] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        self.request_count += 1
        request_id = f"{self._run}-{self.request_count}"

        async def name_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        if self._record:
            await self._recorded(scope, receive, name_and_send, request_id)
        else:
            await self._pass(scope, receive, name_and_send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._admits(scope):
            await self._app(scope, receive, send)
            return
        refusal = RequestRefusedError(401, "the request carries no valid bearer token")
        await error_response(refusal, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.partition(b" ")
                return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)
        return False

    async def _recorded(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        body = bytearray()
        status = 0
        kept = False
        at = time.monotonic()
        headers = dict(scope["headers"])

        def keep() -> None:
            nonlocal kept
            kept = True
            self.requests.append(
                RecordedRequest(
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode("latin-1"),
                    body=bytes(body),
                    status=status,
                    faults=tuple(scope.get(INJECTED, ())),
                    if_match=headers[b"if-match"].decode("latin-1") if b"if-match" in headers else None,
                    at=at,
                    request_id=request_id,
                )
            )

        async def receive_and_keep() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.extend(message.get("body", b""))
            return message

        async def keep_and_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            if message["type"] == "http.response.body" and not message.get("more_body"):
                # Before the answer is out, so that whoever has it finds the request here.
                keep()
            await send(message)

        await self._pass(scope, receive_and_keep, keep_and_send)
        if not kept:
            keep()

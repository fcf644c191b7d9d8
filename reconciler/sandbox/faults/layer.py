"""Where faults happen: between whoever asks and the directory, so that the directory itself stays healthy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from reconciler.sandbox.faults.exchange import Answer, Forward, Incoming, forwarding, whole_body
from reconciler.sandbox.faults.rules import ActiveRule, FaultRule, RuleCount, activate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

INJECTED = "reconciler.sandbox.faults"
"""The key in an ASGI scope under which the layer leaves the names of the rules that acted."""

_PIECES = 10


class FaultLayer:
    """An ASGI application in front of another, that does what rules say.

    The first rule is the one nearest to whoever asks: it sees the answers that the others have made.

    Args:
        app: the healthy application.
        base_path: what the paths of the rules are below.
        reset: resets the connection that the request of a scope came on.
    """

    def __init__(self, app: ASGIApp, base_path: str, reset: Callable[[Scope], None]) -> None:
        self._app = app
        self._base_path = base_path
        self._reset = reset
        self._rules: tuple[ActiveRule, ...] = ()

    @property
    def counts(self) -> tuple[RuleCount, ...]:
        """What became of each rule so far, in their order."""
        return tuple(rule.count for rule in self._rules)

    def use(self, rules: Iterable[FaultRule], seed: int) -> None:
        """Follow these rules from now on, counted from zero. Safe to be called from any thread."""
        self._rules = activate(rules, seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        rules = self._rules
        if not rules or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await whole_body(receive)
        if body is None:
            return
        injected: list[str] = []
        scope[INJECTED] = injected
        request = Incoming(
            method=scope["method"],
            path=scope["path"].removeprefix(self._base_path),
            query=scope["query_string"].decode("latin-1"),
            body=body,
        )
        forward = forwarding(self._app, scope, self._base_path)
        for rule in reversed(rules):
            forward = partial(_answer, rule, injected, forward)
        await self._send(await forward(request), scope, receive, send)

    async def _send(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if answer.wait:
            await asyncio.sleep(answer.wait)
        if answer.reset:
            self._reset(scope)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        if answer.status != 204:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = answer.body if answer.status != 204 else b""
        if answer.send_only is not None:
            # An answer that is not ended closes the connection.
            await send({"type": "http.response.body", "body": body[: answer.send_only], "more_body": True})
            return
        if answer.spread:
            size = len(body) // _PIECES + 1
            while len(body) > size:
                await send({"type": "http.response.body", "body": body[:size], "more_body": True})
                body = body[size:]
                await asyncio.sleep(answer.spread / _PIECES)
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _answer(rule: ActiveRule, injected: list[str], forward: Forward, request: Incoming) -> Answer:
    return await rule.answer(request, forward, injected)

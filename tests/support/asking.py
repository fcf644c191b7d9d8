"""A client against a loopback server, for one call or a few, without waiting between tries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loopback import Reply
from reconciler.capabilities import Capabilities
from reconciler.scim.client import MAX_BODY, ScimClient, ScimResponse
from reconciler.scim.retry import RetryPolicy, ThrottleEvent

TOKEN = "s3cret-t0ken"  # a test's
OK = Reply(200, {"id": "1"})
T = TypeVar("T")


async def no_sleep(_seconds: float) -> None:
    """Let a test not wait."""


AT_ONCE = RetryPolicy(attempts=3, sleep=no_sleep, random=lambda: 0.0)


def ask(
    url: str,
    use: Callable[[ScimClient], Awaitable[T]],
    *,
    token: str = TOKEN,
    retry: RetryPolicy = AT_ONCE,
    concurrency: int = 8,
    timeout: float = 30.0,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
    max_body: int = MAX_BODY,
    capabilities: Capabilities | None = None,
) -> T:
    async def run() -> T:
        async with ScimClient(
            url,
            token,
            retry=retry,
            concurrency=concurrency,
            timeout=timeout,
            on_throttle=on_throttle,
            max_body=max_body,
            capabilities=capabilities or Capabilities(),
        ) as client:
            return await use(client)

    return asyncio.run(run())


Call = Callable[[ScimClient], Awaitable[ScimResponse]]
WRITES: dict[str, Call] = {
    "POST": lambda client: client.post("/Users", {"userName": "ada"}),
    "PUT": lambda client: client.put("/Users/1", {"userName": "ada"}),
    "PATCH": lambda client: client.patch("/Users/1", {"Operations": []}),
    "DELETE": lambda client: client.delete("/Users/1"),
}
CALLS: dict[str, Call] = {"GET": lambda client: client.get("/Users/1"), **WRITES}

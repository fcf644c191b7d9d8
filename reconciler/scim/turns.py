"""Waiting for one's turn: requests queue here until the pacer lets them go."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from reconciler.scim.pace import Pacer, Sent
from reconciler.scim.quotas import Announced

_AT_ONCE = 0.0001  # seconds; a timer that is early by less is on time

_Waiting = tuple[int, asyncio.Future[Sent]]


class NobodyAdmittedError(Exception):
    """The server has turned everybody away for so long that those who wait need not try any more."""


class Turn:
    """A request's turn. What came of it is said once, by ``good`` or ``throttled``; silence means nobody knows."""

    def __init__(self, turns: Turns, sent: Sent) -> None:
        self._turns = turns
        self._sent: Sent | None = sent

    def good(self, announced: Announced | None = None) -> None:
        """Say that the server did not turn the request away."""
        self._turns.pacer.good(self._verdict(), self._turns.now(), announced)

    def throttled(self, asked: float | None) -> float:
        """Say that the server turned it away, and return the seconds that everybody waits."""
        return self._turns.pacer.throttled(self._verdict(), self._turns.now(), asked)

    def over(self) -> None:
        """End the turn."""
        if self._sent is not None:
            self._turns.pacer.lost(self._verdict())

    def _verdict(self) -> Sent:
        sent, self._sent = self._sent, None
        if sent is None:
            raise RuntimeError("there is one verdict on a request")
        return sent


class Turns:
    """The queue before one directory. Whoever came first goes first, also when trying again.

    Requests of different methods and endpoints wait apart: the limit that stops one need not stop the other.

    Args:
        pacer: who may go.
        sleep: waits that many seconds. It counts as slept in full, also where it returns early.
    """

    def __init__(self, pacer: Pacer, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.pacer = pacer
        self._sleep = sleep
        self._skipped = 0.0
        self._waiting: dict[tuple[str, str], list[_Waiting]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Return the time, in seconds of a clock that never goes back."""
        return time.monotonic() + self._skipped

    async def pause(self, seconds: float) -> None:
        """Wait outside the queue."""
        until = self.now() + seconds
        await self._sleep(seconds)
        self._skipped += max(0.0, until - self.now())

    @asynccontextmanager
    async def turn(self, ticket: int, method: str, endpoint: str, *, after: float = 0.0) -> AsyncIterator[Turn]:
        """Wait for a turn, and have it until the block is left.

        Args:
            ticket: the lower, the sooner; no two that wait have the same.
            method: the HTTP method.
            endpoint: ``Users``.
            after: seconds that everybody waits at first. Whoever waits here keeps the place in the queue.

        Raises:
            NobodyAdmittedError: the queue was dissolved.
        """
        turn = Turn(self, await self._wait(ticket, (method, endpoint), after))
        try:
            yield turn
        finally:
            turn.over()
            self._call()

    def dissolve(self) -> None:
        """Send everybody away who waits."""
        for queue in self._waiting.values():
            for _, mine in queue:
                if not mine.done():
                    mine.set_exception(NobodyAdmittedError())
            queue.clear()

    def close(self) -> None:
        """Forget the timer; for when nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()

    async def _wait(self, ticket: int, kind: tuple[str, str], after: float) -> Sent:
        queue = self._waiting.setdefault(kind, [])
        mine: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        heapq.heappush(queue, (ticket, mine))
        self._call()
        try:
            if after > 0:
                await self.pause(after)
                self._call()
            return await mine
        except asyncio.CancelledError:
            if not mine.done():
                mine.cancel()
            elif not mine.cancelled() and mine.exception() is None:
                self.pacer.lost(mine.result())  # called up, and stopped before it could go
            self._call()
            raise

    def _call(self) -> None:
        """Call up everybody who may go now, and come back when the next one may."""
        self.close()
        while True:
            soonest, free = self._look()
            if free is None:
                break
            _, mine = heapq.heappop(self._waiting[free])
            mine.set_result(self.pacer.send(self.now(), *free))
        if soonest is not None:
            self._timer = asyncio.get_running_loop().call_later(soonest, self._call)

    def _look(self) -> tuple[float | None, tuple[str, str] | None]:
        """Return the seconds until somebody may go, if that is known; and who may go now."""
        soonest: float | None = None
        first: tuple[int, tuple[str, str]] | None = None
        now = self.now()
        for kind, queue in self._waiting.items():
            while queue and queue[0][1].done():
                heapq.heappop(queue)
            if not queue:
                continue
            wait = self.pacer.wait(now, *kind)
            if wait is not None and wait <= _AT_ONCE:
                first = min(first or (queue[0][0], kind), (queue[0][0], kind))
            elif wait is not None:
                soonest = wait if soonest is None else min(soonest, wait)
        return soonest, first[1] if first else None

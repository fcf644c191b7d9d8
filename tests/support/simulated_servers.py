"""Servers that limit their clients, and a client that asks them for as much as it can, in simulated time only."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from reconciler.scim.pace import Pacer, Sent
from reconciler.scim.quotas import Announced

CPU = 0.002  # seconds that the client itself needs for a request, one after the other


class Verdict(NamedTuple):
    admitted: bool
    wait: float = 0.0
    announced: Announced | None = None


class Server(Protocol):
    def ask(self, now: float, /) -> Verdict: ...

    def answered(self) -> None: ...


@dataclass
class TokenBucket:
    rate: float
    burst: int
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def ask(self, now: float) -> Verdict:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return Verdict(admitted=False, wait=(1 - self.tokens) / self.rate)
        self.tokens -= 1
        return Verdict(admitted=True)

    def answered(self) -> None:
        """Keep no count of requests in flight."""


@dataclass
class FixedWindow:
    limit: int
    seconds: float
    announces: bool = False
    offset: float = 0.37
    window: int = -1
    seen: int = 0

    def ask(self, now: float) -> Verdict:
        window = math.floor((now + self.offset) / self.seconds)
        if window != self.window:
            self.window, self.seen = window, 0
        wait = (window + 1) * self.seconds - self.offset - now
        admitted = self.seen < self.limit
        self.seen += admitted
        announced = Announced(limit=str(self.limit), remaining=self.limit - self.seen, reset=math.ceil(wait))
        return Verdict(admitted, wait, announced if self.announces else None)

    def answered(self) -> None:
        """Keep no count of requests in flight."""


@dataclass
class ConcurrentLimit:
    limit: int
    in_flight: int = 0

    def ask(self, _now: float, /) -> Verdict:
        admitted = self.in_flight < self.limit
        self.in_flight += admitted
        return Verdict(admitted)

    def answered(self) -> None:
        self.in_flight -= 1


class Changing(TokenBucket):
    """A bucket that is filled at another rate from some moment on."""

    def __init__(self, rate: float, burst: int, *, at: float, to: float) -> None:
        super().__init__(rate, burst)
        self.change_at = at
        self.change_to = to

    def ask(self, now: float) -> Verdict:
        if now >= self.change_at:
            self.rate = self.change_to
        return super().ask(now)


Tell = Callable[[float], float | None]
"""What a server says of a wait: whole seconds, nothing …"""


def whole_seconds(wait: float) -> float | None:
    return math.ceil(wait)


def nothing(_wait: float) -> float | None:
    return None


class Share(NamedTuple):
    """What became of requests in some time: how many were admitted a second, and which share was turned away."""

    rate: float
    throttled: float


@dataclass
class Record:
    answers: list[tuple[float, bool]]

    def between(self, begin: float, end: float) -> Share:
        admitted = [ok for at, ok in self.answers if begin <= at < end]
        good = sum(admitted)
        return Share(good / (end - begin), (len(admitted) - good) / max(1, len(admitted)))


class _Flight(NamedTuple):
    at: float
    number: int
    arriving: bool
    sent: Sent
    verdict: Verdict
    back: float


def ask_all_the_time(
    pacer: Pacer,
    server: Server,
    *,
    seconds: float,
    latency: float = 0.005,
    tell: Tell = whole_seconds,
    kinds: tuple[tuple[str, str], ...] = (("POST", "Users"),),
    jitter: float = 0.3,
) -> Record:
    """Send requests whenever the pacer allows it; there are always more. Latencies grow by up to ``jitter``."""
    drawn = random.Random(1)  # noqa: S311  # the same every time is what is wanted
    answers: list[tuple[float, bool]] = []
    flights: list[_Flight] = []
    waiting = deque(kinds)
    now, number, busy_until = 0.0, 0, 0.0
    while now < seconds:
        wait = pacer.wait(now, *waiting[0])
        begin = math.inf if wait is None else max(now + wait, busy_until)
        if begin <= now:
            sent = pacer.send(now, *waiting[0])
            waiting.rotate(-1)
            busy_until = now + CPU
            number += 1
            half = latency * (1 + jitter * drawn.random()) / 2
            heapq.heappush(flights, _Flight(now + half, number, True, sent, Verdict(admitted=True), half))
        elif flights and flights[0].at <= begin:
            flight = heapq.heappop(flights)
            now = max(now, flight.at)
            if flight.arriving:
                verdict = server.ask(now)
                heapq.heappush(flights, flight._replace(at=now + flight.back, arriving=False, verdict=verdict))
                continue
            answers.append((now, flight.verdict.admitted))
            if flight.verdict.admitted:
                server.answered()
                pacer.good(flight.sent, now, flight.verdict.announced)
            else:
                pacer.throttled(flight.sent, now, tell(flight.verdict.wait))
        else:
            assert begin < math.inf, "nothing is in flight, and nothing may be sent"
            now = begin
    return Record(answers)

"""A server that admits so many requests in so many seconds, and turns the others away."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from reconciler.sandbox.faults.exchange import Action, Answer, Turn, refusal
from reconciler.sandbox.faults.waits import WaitForm, wait_headers


class Verdict(NamedTuple):
    """What a limiter says of one request.

    Attributes:
        admitted: whether it may pass.
        remaining: requests that may pass at once after it.
        reset: seconds until one more may pass, or until the window is over.
    """

    admitted: bool
    remaining: int
    reset: float


class Limiter(Protocol):
    """Counts requests against a limit."""

    def ask(self, now: float) -> Verdict:
        """Count one request, at ``now`` in seconds of a clock that never goes back."""
        ...


class TokenBucket:
    """``rate`` requests a second, and up to ``burst`` at once after a pause. It is full at the start."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def ask(self, now: float) -> Verdict:
        """Count one request."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        admitted = self._tokens >= 1
        if admitted:
            self._tokens -= 1
        return Verdict(admitted, int(self._tokens), max(0.0, 1 - self._tokens) / self._rate)


class FixedWindow:
    """``limit`` requests in each window of so many seconds. The first window begins with the first request."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._begin: float | None = None
        self._seen = 0

    def ask(self, now: float) -> Verdict:
        """Count one request."""
        if self._begin is None:
            self._begin = now
        passed = math.floor((now - self._begin) / self._seconds)
        if passed:
            self._begin += passed * self._seconds
            self._seen = 0
        admitted = self._seen < self._limit
        if admitted:
            self._seen += 1
        return Verdict(admitted, self._limit - self._seen, self._begin + self._seconds - now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The server admits ``requests`` per ``seconds`` and answers 429 to the others (RFC 6585 §4).

    Attributes:
        requests: how many, on average.
        seconds: in how long.
        burst: how many at once, for a token bucket; ``requests`` if left out.
        algorithm: what counts. A fixed window admits all of ``requests`` at its start.
        header: how the answer to those turned away tells the wait.
        announce: whether all answers carry ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset``, the last in the form
            of ``header`` where that is one of its forms, otherwise as epoch seconds.
        status: 429, or 503.
    """

    requests: int
    seconds: float = 1.0
    burst: int | None = None
    algorithm: Literal["token_bucket", "fixed_window"] = "token_bucket"
    header: WaitForm = "retry_after_seconds"
    announce: bool = False
    status: int = 429

    def limiter(self) -> Limiter:
        """Return a new limiter, at its start."""
        if self.algorithm == "fixed_window":
            return FixedWindow(self.requests, self.seconds)
        return TokenBucket(self.requests / self.seconds, self.burst or self.requests)

    def begin(self) -> Action:
        """Return the fault at work."""
        return _Limiting(self)


class _Limiting:
    sees_all = False

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._limiter = rate.limiter()

    async def __call__(self, turn: Turn) -> Answer:
        verdict = self._limiter.ask(time.monotonic())
        if verdict.admitted:
            answer = await turn.forward(turn.request)
            return answer.with_headers(self._announced(verdict))
        turn.injected = True
        answer = refusal(self._rate.status, "too many requests")
        told = wait_headers(self._rate.header, verdict.reset, time.time())
        return answer.with_headers({**self._announced(verdict), **told})

    def _announced(self, verdict: Verdict) -> dict[str, str]:
        rate = self._rate
        if not rate.announce:
            return {}
        form: WaitForm = rate.header if rate.header.startswith("reset_") else "reset_epoch"
        limit = {"x-ratelimit-limit": str(rate.requests), "x-ratelimit-remaining": str(verdict.remaining)}
        return {**limit, **wait_headers(form, verdict.reset, time.time())}

"""When a request is tried again, and how long to wait: protocol rules, held as one value.

An answer that turns a request away says that nothing was done, so every method is tried again. A fault or another 5xx
says nothing about a write, so only reads are; a write is resolved by reading
(:class:`~reconciler.scim.errors.OutcomeUnknown`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_REFUSED_FOR_NOW = (429, 503)
_NEVER_DIFFERENT = (501, 505)
_EPOCH_FROM = 1_000_000_000  # A reset in seconds is never 30 years away; an epoch in seconds is never before 2001.
_EPOCH_MILLISECONDS_FROM = 100_000_000_000
_RESET_HEADERS = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleEvent:
    """A request has to wait before it is tried again.

    Attributes:
        method: its HTTP method.
        path: its path below the base URL.
        status: what the server answered; ``None`` for a connection fault.
        attempt: how many tries have failed so far, from 1.
        wait: seconds until the next.
    """

    method: str
    path: str
    status: int | None
    attempt: int
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a request is tried and how long it waits in between.

    Attributes:
        attempts: tries in all, the first included.
        base_delay: seconds that the first wait is drawn from; doubled for each one after it.
        max_delay: the longest single wait in seconds, also where the server asks for more.
        budget: seconds that one request may spend waiting in all.
        sleep: waits that many seconds.
        random: returns a number from 0 up to 1, for jitter.
    """

    attempts: int = 6
    base_delay: float = 0.5
    max_delay: float = 60.0
    budget: float = 300.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    def wait(self, attempt: int, waited: float, asked: float | None) -> float | None:
        """Return the seconds to wait after the ``attempt``-th failure, or ``None`` to give up.

        Full jitter over an exponential delay. Where the server asked for a wait, that one holds, with jitter on top,
        so that the requests in flight do not all come back at the same moment.

        Args:
            attempt: failures so far, from 1.
            waited: seconds waited so far.
            asked: seconds that the server asked for, if it did.
        """
        if attempt >= self.attempts:
            return None
        delay = (
            self.random() * self.base_delay * 2 ** (attempt - 1)
            if asked is None
            else asked + self.random() * self.base_delay
        )
        delay = min(delay, self.max_delay)
        return delay if waited + delay <= self.budget else None


DEFAULT_RETRY = RetryPolicy()


def refused_for_now(status: int, statuses: Collection[int] = _REFUSED_FOR_NOW) -> bool:
    """Tell whether the server said that it did nothing and may do it later (RFC 6585 §4, RFC 9110 §15.6.4).

    Args:
        status: the answer's.
        statuses: those by which this server says so.
    """
    return status in statuses


def outcome_unclear(status: int, statuses: Collection[int] = _REFUSED_FOR_NOW) -> bool:
    """Tell whether an answer leaves open what happened: 408 and every 5xx that is no plain refusal.

    Args:
        status: the answer's.
        statuses: those by which this server says that it did nothing.
    """
    return status == 408 or (status >= 500 and status not in _NEVER_DIFFERENT and status not in statuses)


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a server asks to wait, or ``None`` where it does not say so in any known form.

    ``Retry-After`` is in seconds or an HTTP date (RFC 9110 §10.2.3). ``X-RateLimit-Reset`` has no standard. Both are
    read in every form that :func:`seconds_until` knows.

    Args:
        headers: the response's, by lower-case name or case-insensitive.
        now: an aware date and time.
    """
    retry_after = headers.get("retry-after")
    if retry_after is not None:
        wait = seconds_until(retry_after, now)
        if wait is not None:
            return wait
    resets = (headers.get(name) for name in _RESET_HEADERS)
    return next((wait for reset in resets if reset and (wait := seconds_until(reset, now)) is not None), None)


def seconds_until(text: str, now: datetime) -> float | None:
    """Return the seconds until a moment that a header tells, or ``None`` where it is in no known form.

    Known are seconds from now, epoch seconds, epoch milliseconds, HTTP dates, and ISO-8601 (Atlassian's admin APIs). A
    moment that has passed means now.

    Args:
        text: the header's value.
        now: an aware date and time.
    """
    try:
        number = float(text)
    except ValueError:
        moment = _moment(text.strip())
        return max(0.0, (moment - now).total_seconds()) if moment else None
    if not 0 <= number < float("inf"):
        return None
    if number >= _EPOCH_MILLISECONDS_FROM:
        number /= 1000
    return max(0.0, number - now.timestamp()) if number >= _EPOCH_FROM else number


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None

"""How many requests a server still admits: as its headers announce it, and as its documentation declares it.

Pure: time is an argument, in seconds of any clock that never goes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.capabilities import Rate
from reconciler.scim.retry import seconds_until

_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_PARAMETER = re.compile(r"\b(limit|remaining|reset|q|r|t)\s*=\s*\"?(\d+)")
_SAME_NAME = {"q": "limit", "r": "remaining", "t": "reset"}
_COARSE = 2.0  # seconds; headers tell whole seconds, which says nothing of a shorter window
_CATCH_UP = 0.05  # seconds; timers are late, and a request that is late by less is made up for
_BELOW_DECLARED = 0.99  # requests that leave evenly arrive less evenly


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What one answer says of the requests that are left.

    Attributes:
        limit: the size of the whole quota, as written; different quotas have different ones.
        remaining: requests left.
        reset: seconds until there are more.
    """

    limit: str
    remaining: int
    reset: float


def read_announced(headers: Mapping[str, str], now: datetime) -> Announced | None:
    """Return what an answer's headers say of the requests that are left, or ``None`` where they do not.

    There is no standard. Understood are ``X-RateLimit-Limit``, ``-Remaining``, ``-Reset`` and their other spellings,
    the reset in any form that :func:`~reconciler.scim.retry.seconds_until` reads, and the drafts of the IETF for the
    same (draft-ietf-httpapi-ratelimit-headers): ``RateLimit-Remaining`` and so on, ``RateLimit: limit=100,
    remaining=50, reset=30`` and ``RateLimit: "default";r=50;t=30``.

    Args:
        headers: the response's, by lower-case name or case-insensitive.
        now: an aware date and time.
    """
    for prefix in _PREFIXES:
        remaining = headers.get(f"{prefix}remaining")
        if remaining is not None:
            limit = headers.get(f"{prefix}limit", "")
            return _announced(limit, remaining, headers.get(f"{prefix}reset", ""), now)
    combined = headers.get("ratelimit")
    return _read_combined(combined, now) if combined else None


def _read_combined(text: str, now: datetime) -> Announced | None:
    # The later drafts list policies, each with parameters after semicolons; the earlier ones had one, and commas.
    policies = text.split(",") if ";" in text else [text]
    read = []
    for policy in policies:
        found = {_SAME_NAME.get(name, name): value for name, value in _PARAMETER.findall(policy)}
        limit = found.get("limit") or policy.partition(";")[0].strip()
        read.append(_announced(limit, found.get("remaining", ""), found.get("reset", ""), now))
    return min((one for one in read if one), key=lambda one: one.remaining, default=None)


def _announced(limit: str, remaining: str, reset: str, now: datetime) -> Announced | None:
    try:
        left = int(float(remaining))
    except (ValueError, OverflowError):
        return None
    seconds = seconds_until(reset, now)
    return None if seconds is None or left < 0 else Announced(limit=limit, remaining=left, reset=seconds)


class Quota:
    """Requests that are left until a moment, spread over the time until then.

    Where that moment is further away than ``horizon``, as with quotas by the hour, they are spread over the horizon: so
    a short job is not slowed down by what a long one would need, and the end of the quota is never reached at speed.

    Args:
        horizon: seconds; also the longest wait for a reset.

    Attributes:
        long: whether the time until the reset was ever long enough for whole seconds to mean something.
    """

    def __init__(self, horizon: float) -> None:
        self._horizon = horizon
        self._remaining = 0.0
        self._reset_at = 0.0
        self._next = 0.0
        self._out = False
        self.long = False

    def announce(self, now: float, announced: Announced, in_flight: int) -> None:
        """Take note of what an answer says; the requests in flight are not counted in it yet."""
        self.long = self.long or announced.reset > _COARSE
        self._out = announced.remaining == 0
        self._remaining = float(announced.remaining - in_flight)
        self._reset_at = now + min(announced.reset, self._horizon)

    def was_out_before(self, now: float) -> bool:
        """Tell whether nothing was left when last heard of, and there should have been more by then."""
        return self._out and now >= self._reset_at

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may be sent."""
        left = self._reset_at - now
        if not self.long or left <= 0:
            return 0.0
        if self._remaining < 1:
            return left
        return 0.0 if left <= _COARSE else max(0.0, self._next - now)

    def sent(self, now: float) -> None:
        """Take note of a request that is sent."""
        left = self._reset_at - now
        if left > 0:
            spacing = left / max(self._remaining, 1.0)
            self._next = max(self._next, now - _CATCH_UP) + spacing
            self._remaining -= 1


class Bucket:
    """A pace that the service provider has documented, held as a token bucket. It is full at the start."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._per_second = _BELOW_DECLARED * rate.requests / rate.seconds
        self._burst = float(max(1, rate.requests if rate.burst is None else rate.burst))
        self._tokens = self._burst
        self._at = 0.0

    def covers(self, method: str, endpoint: str) -> bool:
        """Tell whether requests of a method to an endpoint, ``Users``, share this pace."""
        rate = self._rate
        return (not rate.methods or method in rate.methods) and (not rate.endpoints or endpoint in rate.endpoints)

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may be sent."""
        missing = 1 - self._filled(now)
        return max(0.0, missing / self._per_second)

    def sent(self, now: float) -> None:
        """Take note of a request that is sent."""
        self._tokens = self._filled(now) - 1
        self._at = now

    def _filled(self, now: float) -> float:
        return min(self._burst, self._tokens + (now - self._at) * self._per_second)

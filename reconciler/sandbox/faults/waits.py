"""The forms in which servers tell a client how long to wait."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal, TypeAlias

WaitForm: TypeAlias = Literal[
    "none",
    "retry_after_seconds",
    "retry_after_date",
    "retry_after_absurd",
    "reset_epoch",
    "reset_epoch_ms",
    "reset_seconds",
    "reset_iso",
]
"""``Retry-After`` is in seconds or a date (RFC 9110 §10.2.3); ``X-RateLimit-Reset`` has no standard, and each of the
forms here was seen. Absurd is a year: no client should obey."""

_ABSURD = 365 * 24 * 3600


def wait_headers(form: WaitForm, wait: float, now: float) -> dict[str, str]:
    """Return the headers that ask for a wait.

    Args:
        form: how it is told.
        wait: seconds; forms that cannot tell fractions round up.
        now: seconds since 1970.
    """
    until = now + wait
    match form:
        case "none":
            return {}
        case "retry_after_seconds":
            name, value = "retry-after", str(math.ceil(wait))
        case "retry_after_date":
            name, value = "retry-after", format_datetime(datetime.fromtimestamp(math.ceil(until), UTC), usegmt=True)
        case "retry_after_absurd":
            name, value = "retry-after", str(_ABSURD)
        case "reset_epoch":
            name, value = "x-ratelimit-reset", str(math.ceil(until))
        case "reset_epoch_ms":
            name, value = "x-ratelimit-reset", str(math.ceil(until * 1000))
        case "reset_seconds":
            name, value = "x-ratelimit-reset", str(math.ceil(wait))
        case "reset_iso":
            name, value = "x-ratelimit-reset", datetime.fromtimestamp(until, UTC).isoformat(timespec="milliseconds")
    return {name: value}

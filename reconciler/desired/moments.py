"""The dates and times of ``from`` and ``until`` (RFC 3339; UTC unless stated)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_FOR_EVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)


def parse_date(text: str) -> date:
    """Return the day that ``YYYY-MM-DD`` names.

    Raises:
        ValueError: it is not of this form, or there is no such day.
    """
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def parse_start(text: str) -> datetime:
    """Return the first moment at which something counts; a date starts at 00:00 UTC.

    Raises:
        ValueError: neither a date nor a time of RFC 3339, or there is no such moment.
    """
    if _DATE.fullmatch(text):
        return datetime.combine(parse_date(text), time.min, UTC)
    return _parse_time(text)


def parse_end(text: str) -> datetime:
    """Return the first moment at which something no longer counts; a date includes that whole day in UTC.

    Raises:
        ValueError: neither a date nor a time of RFC 3339, or there is no such moment.
    """
    if not _DATE.fullmatch(text):
        return _parse_time(text)
    day = parse_date(text)
    if day == date.max:
        return _FOR_EVER  # 9999-12-31 is how many systems write "for ever", and no day follows it.
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def _parse_time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(text) from None

"""The dates and times of ``from`` and ``until`` (RFC 3339; UTC unless stated)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from reconciler.diagnostics import ReconcilerError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_FOR_EVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)


class MomentError(ReconcilerError, ValueError):
    """A text that is neither a date nor a time, or names one that does not exist. ``text`` is what was written."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"not a date or time of RFC 3339: {text!r}")


def parse_date(text: str) -> date:
    """Return the day that ``YYYY-MM-DD`` names.

    Raises:
        MomentError: it is not of this form, or there is no such day.
    """
    if not _DATE.fullmatch(text):
        raise MomentError(text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise MomentError(text) from None


def parse_start(text: str) -> datetime:
    """Return the first moment at which something counts; a date starts at 00:00 UTC.

    Raises:
        MomentError: neither a date nor a time of RFC 3339, or there is no such moment.
    """
    if _DATE.fullmatch(text):
        return datetime.combine(parse_date(text), time.min, UTC)
    return _parse_time(text)


def parse_end(text: str) -> datetime:
    """Return the first moment at which something no longer counts; a date includes that whole day in UTC.

    Raises:
        MomentError: neither a date nor a time of RFC 3339, or there is no such moment.
    """
    if not _DATE.fullmatch(text):
        return _parse_time(text)
    day = parse_date(text)
    if day == date.max:
        return _FOR_EVER  # 9999-12-31 is how many systems write "for ever", and no day follows it.
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def is_date(text: str) -> bool:
    """Tell whether :func:`parse_date` accepts a text."""
    return _accepts(parse_date, text)


def is_moment(text: str) -> bool:
    """Tell whether :func:`parse_start` and :func:`parse_end` accept a text."""
    return _accepts(parse_end, text)


def _accepts(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except MomentError:
        return False
    return True


def _parse_time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise MomentError(text)
    try:
        moment = datetime.fromisoformat(text.upper())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise MomentError(text) from None

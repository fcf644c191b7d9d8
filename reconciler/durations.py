"""Lengths of time as people write them in files and options: ``30s``, ``90m``, ``12h``, ``7d``, ``2w``."""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from reconciler.diagnostics import ReconcilerError

DURATION_PATTERN: Final = "^[1-9][0-9]{0,4}[smhdw]$"
"""One to five digits and a unit. The JSON Schemas hold the same expression; more digits would leave the calendar."""

_DURATION: Final = re.compile(DURATION_PATTERN, re.ASCII)
_UNITS: Final = MappingProxyType(
    {
        "w": timedelta(weeks=1),
        "d": timedelta(days=1),
        "h": timedelta(hours=1),
        "m": timedelta(minutes=1),
        "s": timedelta(seconds=1),
    }
)


class DurationError(ReconcilerError, ValueError):
    """A text that is no length of time. ``text`` is what was written."""

    def __init__(self, text: str) -> None:
        self.text = text
        hint = f"; write {text}d for days" if text.isascii() and text.isdecimal() else ""
        super().__init__(f"{text!r} is not a length of time such as 30s, 90m, 12h, 7d or 2w{hint}")


def parse_duration(text: str) -> timedelta:
    """Return the length of time that a text names, from one second to 99,999 weeks.

    Raises:
        DurationError: it is not one to five digits, of which the first is not 0, and one of the units s, m, h, d and w.
    """
    if not _DURATION.fullmatch(text):
        raise DurationError(text)
    return int(text[:-1]) * _UNITS[text[-1]]


def format_duration(duration: timedelta) -> str:
    """Return a length of time in the largest unit that it is a whole number of, up to days: ``7d``, ``90m``.

    Parts of a second are left out. What is written so, up to 99,999 of its unit, :func:`parse_duration` reads back.
    """
    for unit in ("d", "h", "m"):
        number, rest = divmod(duration, _UNITS[unit])
        if number and rest < _UNITS["s"]:
            return f"{number}{unit}"
    return f"{duration // _UNITS['s']}s"

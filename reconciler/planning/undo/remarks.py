"""What an undo does not bring back, and why: told once each, and only so many by name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from reconciler.attributes import unassigned
from reconciler.planning.plan import Note

NOT_AS_LEFT: Final = "not-as-left"
"""Somebody changed it after the run, so it is not the run's any more: it is left alone."""
CANNOT_UNDO: Final = "cannot-undo"
"""It cannot be brought back, or nobody knows what it was."""
_TOLD: Final = 20
_LONGEST: Final = 60
"""Characters of a value in a message."""


class Remarks:
    """Collects what is not undone."""

    def __init__(self) -> None:
        self._messages = defaultdict[str, list[str]](list)

    def not_as_left(self, message: str) -> None:
        """Tell of something that is not as the run left it."""
        self._messages[NOT_AS_LEFT].append(message)

    def cannot_undo(self, message: str) -> None:
        """Tell of something that cannot be brought back."""
        self._messages[CANNOT_UNDO].append(message)

    def notes(self) -> Iterator[Note]:
        """Yield a warning for each of the first 20 of a sort, and one for all others."""
        for code, messages in sorted(self._messages.items()):
            told = sorted(set(messages))
            for message in told[:_TOLD]:
                yield Note(severity="warning", code=code, message=message)
            if len(told) > _TOLD:
                more = f"{len(told) - _TOLD:,} more like these are not named"
                yield Note(severity="warning", code=code, message=more)


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    if unassigned(value):
        return "unset"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

"""Guesses what a misspelt word was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from reconciler.attributes import fold

_CUTOFF: Final = 0.75
_MAX_COMPARISONS: Final = 200_000
_MAX_KEYS: Final = 100
"""More words than that are names, not the keys of a schema."""


def _bare(word: str) -> str:
    return re.sub(r"[_\-\s]", "", fold(word))


class Suggester:
    """Finds the known word nearest to an unknown one, with a limit on the work of one run.

    Comparing every unknown member with 100,000 known names would take longer than everything else together.
    """

    def __init__(self) -> None:
        self._comparisons_left = _MAX_COMPARISONS

    def closest(self, word: str, known: Iterable[str]) -> str | None:
        """Return the known word that is meant most likely, or ``None`` where none is near or the work is used up.

        Words that differ only in case, ``_``, ``-`` or space come first.
        """
        if self._comparisons_left <= 0:
            return None
        candidates: dict[str, str] = {}
        for candidate in known:
            candidates.setdefault(_bare(candidate), candidate)
        self._comparisons_left -= len(candidates)
        found = difflib.get_close_matches(_bare(word), candidates, n=1, cutoff=_CUTOFF)
        if not found and len(candidates) <= _MAX_KEYS:
            # Two letters exchanged in a short key: "evn".
            letters = sorted(_bare(word))
            found = [candidate for candidate in candidates if sorted(candidate) == letters]
        return candidates[found[0]] if found else None

    def hint(self, word: str, known: Iterable[str]) -> str | None:
        """Return ``did you mean 'userName'?``, or ``None``."""
        meant = self.closest(word, known)
        return f"did you mean {meant!r}?" if meant is not None else None

"""Finding out how many requests at once a server bears: additive increase, multiplicative decrease.

As TCP does it (RFC 5681 §3.1), with one thing remembered: a level at which requests were turned away before it had ever
proven itself is the likely cause, so what lies above it is tried again rarely. A level that had proven itself is not
the cause; then it is the rate, and this search returns to it at once.
"""

from __future__ import annotations

_START = 4
_PROOF = 20  # good answers, after which a level is known to be borne
_FIRST_PATIENCE = 25  # good answers at the ceiling before one more is tried
_LONGEST_PATIENCE = 2000


class ConcurrencySearch:
    """How many requests may be in flight.

    Args:
        most: how many are ever wanted, at least 1.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(_START, most))
        self._ceiling = most
        self._good_at = [0] * (most + 1)  # good answers with so many in flight or more, since that went wrong
        self._patience = _FIRST_PATIENCE
        self._good_at_ceiling = 0

    @property
    def limit(self) -> int:
        """Requests in flight at once, at least 1."""
        return int(self._limit)

    def good(self, level: int) -> None:
        """Take note of a good answer to a request that was sent as the ``level``-th of those in flight."""
        for borne in range(1, level + 1):
            self._good_at[borne] += 1
        if level < self.limit:
            return  # What is not used in full must not grow.
        if self._limit < self._ceiling:
            self._limit = min(self._ceiling, self._limit + 1 / self._limit)
        elif self._ceiling < self._most:
            self._good_at_ceiling += 1
            if self._good_at_ceiling >= self._patience:
                self._ceiling += 1
                self._good_at_ceiling = 0
                self._patience = max(_FIRST_PATIENCE, self._patience // 2)

    def throttled(self, level: int) -> None:
        """Halve, because a request that was sent as the ``level``-th was turned away. To be called once per round."""
        if level > 1 and self._good_at[level] < _PROOF:
            self._ceiling = min(self._ceiling, level - 1)
            self._patience = min(_LONGEST_PATIENCE, 4 * self._patience)
        self._good_at_ceiling = 0
        self._good_at[level:] = [0] * (self._most + 1 - level)
        self._limit = max(1.0, self._limit // 2)

"""What is known to be missing: keys that a file states in a way that cannot be used, and that is told already."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.attributes import fold
from reconciler.model import DesiredResource


class Doubts:
    """The keys that could not be read, by resource.

    What follows from the absence of such a key (nobody is primary, too few are members) is not a second problem.
    """

    def __init__(self) -> None:
        # By identity: a resource holds dictionaries and cannot be hashed. The loader keeps all of them alive.
        self._keys: dict[int, frozenset[str]] = {}

    def add(self, resource: DesiredResource, keys: Iterable[str]) -> None:
        """Record keys on the way to what could not be read."""
        self._keys[id(resource)] = frozenset(map(fold, keys))

    def about(self, resource: DesiredResource, *keys: str) -> bool:
        """Tell whether any of these keys, or something below it, could not be read."""
        unread = self._keys.get(id(resource))
        return unread is not None and not unread.isdisjoint(map(fold, keys))

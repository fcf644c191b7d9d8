"""What explaining a value needs to know of the text that it was read from."""

from __future__ import annotations

from typing import Any, Protocol

from reconciler.model import Origin


class Written(Protocol):
    """The text that a value was read from. Paths lead from the value down."""

    def locate(self, *path: str | int) -> Origin:
        """Return the place of what is at ``path``, or of the nearest that encloses it."""

    def is_unread(self, value: Any, *path: str | int) -> bool:
        """Tell whether the value at ``path`` only stands for one that could not be read, which is told already."""

    def is_incomplete(self, value: Any) -> bool:
        """Tell whether a mapping lacks entries because they could not be read, which is told already."""

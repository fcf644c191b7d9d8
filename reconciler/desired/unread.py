"""What of a YAML file could not be read, so that nothing follows from what stands there instead."""

from __future__ import annotations

from typing import Any

from reconciler.model import Origin


class Unread:
    """Values and entries of one file that are not what was written: their problems are told already."""

    def __init__(self) -> None:
        self._places: set[tuple[int, int]] = set()
        # By identity: the document keeps them alive, and aliases share them.
        self._mappings: set[int] = set()

    def add_value(self, line: int, column: int) -> None:
        """Record a scalar that stands for another, by the place of its key, or its own in a list; counted from 1."""
        self._places.add((line, column))

    def add_entries(self, mapping: dict[str, Any]) -> None:
        """Record that a mapping lacks entries."""
        self._mappings.add(id(mapping))

    def is_value(self, value: Any, origin: Origin) -> bool:
        """Tell whether a value with this place stands for another."""
        # A mapping in a list is where its first key is.
        return not isinstance(value, (dict, list)) and (origin.line, origin.column) in self._places

    def is_incomplete(self, value: Any) -> bool:
        """Tell whether a value is a mapping that lacks entries."""
        return id(value) in self._mappings

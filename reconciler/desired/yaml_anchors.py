"""The anchors of one YAML file, and what their aliases repeat."""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple


class Anchored(NamedTuple):
    """What an anchor names: a value, its part of the places of the file, and how many containers nest in it."""

    value: Any
    places: array[int]
    height: int


class Anchors:
    """What the anchors read so far name. A name that is given again names the later value (YAML 1.1 §3.2.2.2)."""

    def __init__(self) -> None:
        self._known: dict[str, Anchored] = {}
        self._lost: set[str] = set()

    def __getitem__(self, name: str) -> Anchored | None:
        return self._known.get(name)

    def add_scalar(self, name: str, value: Any) -> None:
        """Record an anchor of a scalar, which has no places of its own."""
        self._known[name] = Anchored(value, array("Q"), 0)

    def add_container(self, name: str, value: Any, places: array[int]) -> None:
        """Record an anchor of a complete mapping or list."""
        self._known[name] = Anchored(value, places, _height(value))

    def lose(self, name: str) -> None:
        """Record an anchor in a part of the file that is not read, because of a problem told already."""
        self._lost.add(name)

    def is_lost(self, name: str) -> bool:
        """Tell whether the only thing known of an anchor is that it is in a part that is not read."""
        return name in self._lost


def _height(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_height, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_height, value), default=0)
    return 0

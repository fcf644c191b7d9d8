"""Where the values of a YAML file were written: eight bytes a node, looked up only when a message needs it.

The places of a file are one array in *pre-order* of the value that was built from it: the start of a mapping, each of
its keys, the start of a list, each scalar item of a list. A scalar value has no place of its own: it is found at its
key. A place is found again by walking the value beside the array.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

_COLUMN_BITS: Final = 32
_COLUMN_MASK: Final = (1 << _COLUMN_BITS) - 1

_FAR: Final = 256
"""How many places a walk may pass before its container is indexed: with many problems in it, walking is quadratic."""


class Entry(NamedTuple):
    """One key of a mapping: what it holds, and which part of the places is its own."""

    key: str
    value: Any
    start: int
    end: int


def size(value: Any) -> int:
    """Return how many places a value takes as the value of a key: a scalar none, a container its own and its parts'."""
    kind = type(value)
    if kind is dict:
        return 1 + len(value) + sum(map(size, value.values()))
    if kind is list:
        return 1 + sum(map(item_size, value))
    return 0


def item_size(value: Any) -> int:
    """Return how many places a value takes as an item of a list, where a scalar has one."""
    kind = type(value)
    return size(value) if kind is dict or kind is list else 1


def entries(mapping: dict[str, Any], offset: int) -> Iterator[Entry]:
    """Walk a mapping whose places begin at ``offset``."""
    start = offset + 1
    for key, value in mapping.items():
        end = start + 1 + size(value)
        yield Entry(key, value, start, end)
        start = end


def _key_offsets(mapping: dict[str, Any], offset: int) -> Iterator[tuple[str, int]]:
    """Walk the keys of a mapping whose places begin at ``offset``, measuring no value before it is passed."""
    start = offset + 1
    for key, value in mapping.items():
        yield key, start
        start += 1 + size(value)


def item_offsets(items: Sequence[Any], offset: int) -> array[int]:
    """Return where the places of each item of a list begin, the list's own being at ``offset``."""
    offsets = array("Q")
    start = offset + 1
    for item in items:
        offsets.append(start)
        start += item_size(item)
    return offsets


class Places:
    """The places of one file."""

    __slots__ = ("_indexes", "packed")

    def __init__(self) -> None:
        self.packed = array("Q")
        self._indexes: dict[int, Mapping[Any, int] | array[int]] = {}

    def __len__(self) -> int:
        return len(self.packed)

    def add(self, line: int, column: int) -> None:
        """Record the place of the next value in pre-order; lines and columns count from 0, as libyaml counts them."""
        self.packed.append(line << _COLUMN_BITS | column)

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column, counted from 1, of the place at ``offset``."""
        packed = self.packed[offset]
        return (packed >> _COLUMN_BITS) + 1, (packed & _COLUMN_MASK) + 1

    def find(self, value: Any, offset: int, path: Sequence[str | int]) -> tuple[int, int]:
        """Return line and column of what is at ``path`` inside ``value``, or of the nearest that encloses it.

        Args:
            value: the value as built from the file, complete and unchanged.
            offset: where its places begin.
            path: keys and indexes, from ``value`` down.
        """
        found = offset
        for step in path:
            if isinstance(value, dict) and isinstance(step, str) and step in value:
                found = self._offset(value, offset, step)
                offset = found + 1
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                found = offset = self._offset(value, offset, step)
            else:
                break
            value = value[step]
        return self.at(found)

    def _offset(self, container: Any, offset: int, step: Any) -> int:
        """Return where the places of an entry or item begin, the container's own being at ``offset``."""
        index = self._indexes.get(offset)
        if index is not None:
            return index[step]
        if isinstance(container, dict):
            found = next(start for key, start in _key_offsets(container, offset) if key == step)
        else:
            found = offset + 1 + sum(map(item_size, islice(container, step)))
        if found - offset > _FAR:
            self._indexes[offset] = (
                dict(_key_offsets(container, offset))
                if isinstance(container, dict)
                else item_offsets(container, offset)
            )
        return found

"""Merge keys: ``<<`` puts the entries of other mappings into one (YAML 1.1)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, Final

from reconciler.desired.positions import Places, entries, item_offsets

MERGE_KEY: Final = "<<"


def merge(mapping: dict[str, Any], start: int, places: Places) -> list[tuple[int, int]]:
    """Put the entries that ``<<`` names into a mapping, where it does not state them itself.

    Args:
        mapping: has the key ``<<``; changed in place.
        start: where its places begin. They are the last ones.
        places: changed likewise.

    Returns:
        Line and column of everything that ``<<`` names and that is no mapping.
    """
    own: dict[str, tuple[Any, array[int]]] = {}
    inherited: dict[str, tuple[Any, array[int]]] = {}
    unusable: list[tuple[int, int]] = []
    for key, value, begin, end in entries(mapping, start):
        if key != MERGE_KEY:
            own[key] = value, places.packed[begin:end]
            continue
        for source, offset in _sources(value, begin):
            if not isinstance(source, dict):
                unusable.append(places.at(offset))
                continue
            for entry in entries(source, offset):
                inherited.setdefault(entry.key, (entry.value, places.packed[entry.start : entry.end]))
    for key, entry_and_places in inherited.items():
        own.setdefault(key, entry_and_places)
    mapping.clear()
    del places.packed[start + 1 :]
    for key, (value, written) in own.items():
        mapping[key] = value
        places.packed.extend(written)
    return unusable


def _sources(value: Any, key_offset: int) -> Iterator[tuple[Any, int]]:
    """Yield what ``<<`` names: each with its places, or with that of the key where it is a single scalar."""
    if isinstance(value, list):
        yield from zip(value, item_offsets(value, key_offset + 1), strict=True)
    else:
        yield value, key_offset + 1 if isinstance(value, dict) else key_offset

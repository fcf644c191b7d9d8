"""What remains of a value without the parts that its schema refuses, so that the rest can still be checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.model import Origin, Source

ValuePath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes, from a value down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPart:
    """The usable part of a mapping.

    Attributes:
        value: the mapping without what is refused. Items of lists are valid; mappings may lack required keys.
        unread: the keys on the way to everything that is refused, or that a misspelt key is meant for.
        misspelt: for keys of the mapping that were misspelt, what was written for them.
        kept: for lists that lost items, by their path as written: the indexes of the items that are left.
    """

    value: dict[str, Any]
    unread: frozenset[str]
    misspelt: Mapping[str, Any]
    kept: Mapping[ValuePath, Sequence[int]]

    def source(self, written: Source) -> Source:
        """Return where the parts of this value are, given where the parts of the value as written are."""
        return _RenumberedSource(written, self.kept) if self.kept else written


class _RenumberedSource:
    """The places of a value some of whose lists lost items."""

    def __init__(self, written: Source, kept: Mapping[ValuePath, Sequence[int]]) -> None:
        self._written = written
        self._kept = kept

    def locate(self, *path: str | int) -> Origin:
        return self._written.locate(*as_written(path, self._kept))


def as_written(path: ValuePath, kept: Mapping[ValuePath, Sequence[int]]) -> ValuePath:
    """Return the path at which a value was written that is at ``path`` where lists keep only some of their items."""
    written: ValuePath = ()
    for step in path:
        indexes = kept.get(written, ())
        written += (indexes[step] if isinstance(step, int) and step < len(indexes) else step,)
    return written


_Tree: TypeAlias = "dict[str | int, _Tree | None]"
"""Paths by their first step; ``None`` where one ends."""


def without(value: dict[str, Any], refused: Iterable[ValuePath]) -> tuple[dict[str, Any], dict[ValuePath, list[int]]]:
    """Return a copy of a mapping without what is at the given paths, and which items its shortened lists keep.

    Args:
        value: not changed.
        refused: paths of at least one step.
    """
    tree: _Tree = {}
    for path in sorted(refused, key=len):
        _grow(tree, path)
    kept: dict[ValuePath, list[int]] = {}
    return _prune(value, tree, (), kept), kept


def _grow(tree: _Tree, path: ValuePath) -> None:
    for step in path[:-1]:
        below = tree.setdefault(step, {})
        if below is None:
            return
        tree = below
    tree[path[-1]] = None


def _prune(value: Any, tree: _Tree, path: ValuePath, kept: dict[ValuePath, list[int]]) -> Any:
    def remains(step: str | int, item: Any) -> Any:
        below = tree.get(step)
        return item if below is None else _prune(item, below, (*path, step), kept)

    def stays(step: str | int) -> bool:
        return tree.get(step, tree) is not None

    if isinstance(value, dict):
        return {key: remains(key, item) for key, item in value.items() if stays(key)}
    indexes = [index for index in range(len(value)) if stays(index)]
    if len(indexes) < len(value):
        kept[path] = indexes
    return [remains(index, value[index]) for index in indexes]

"""Which listed users a group's ``match`` filter gives.

Most filters demand one value of one attribute (``department eq "Platform" and …``). Looking the users up by it first
makes a thousand such groups cost about as much as one pass over the users, and not a thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.attributes import Attribute, Path, canonical
from reconciler.filter_syntax import And, Comparison, Node
from reconciler.filters import resolve
from reconciler.model import DesiredGroup, DesiredUser, Kind, LiveUser
from reconciler.planning.context import Context, Meaning
from reconciler.planning.correlation import Pair


class MatchingUsers:
    """Finds the listed users that filters match, as positions in the list of users."""

    def __init__(self, context: Context, users: Sequence[Pair[DesiredUser, LiveUser]]) -> None:
        self._context = context
        self._users = users
        self._positions: dict[Path, dict[Any, list[int]]] = {}

    def positions(self, group: DesiredGroup, text: str) -> list[int]:
        """Return the users that the filter ``text`` of a group matches, in the order of the files."""
        what = f"the match of {group.address}"
        meaning = self._context.meaning(text, Kind.USER, stated=True, what=what, origin=group.source.locate("match"))
        if meaning is None:
            return []
        return [
            position
            for position in self._worth_testing(meaning)
            if meaning.matches(self._users[position].desired.attributes)
        ]

    def _worth_testing(self, meaning: Meaning) -> Sequence[int]:
        """Return all users, or the few that have the one value without which the filter cannot be true."""
        fewest: Sequence[int] = range(len(self._users))
        for comparison in _demanded(meaning.root):
            found = resolve(comparison.path, meaning.schema)
            if found is None or found[1].multi_valued or found[1].type == "complex" or found[0].sub is not None:
                continue
            path, definition = found
            having = self._having(path, definition).get(canonical(comparison.value, definition), [])
            fewest = min(fewest, having, key=len)
        return fewest

    def _having(self, path: Path, definition: Attribute) -> dict[Any, list[int]]:
        if path not in self._positions:
            positions = defaultdict[Any, list[int]](list)
            for position, pair in enumerate(self._users):
                positions[canonical(path.get(pair.desired.attributes), definition)].append(position)
            self._positions[path] = positions
        return self._positions[path]


def _demanded(node: Node) -> Iterator[Comparison]:
    """Yield the equalities without which a filter is false: itself, or the terms of its conjunctions."""
    match node:
        case Comparison(_, "eq", value) if value is not None:
            yield node
        case And(terms):
            for term in terms:
                yield from _demanded(term)

"""One kind of resource compared with the directory: what is worth writing, and what to tell of the rest."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.attributes import Path
from reconciler.model import DesiredResource, Kind, LiveResource
from reconciler.planning.changes import Skip, compare, creation
from reconciler.planning.context import Context
from reconciler.planning.memory import Memory
from reconciler.planning.plan import Change, Note
from reconciler.planning.readability import Readability


def _no_path(_path: Path) -> bool:
    return False


class Comparison:
    """Finds the changes of one kind of resource, without those that the directory could not or would not keep."""

    def __init__(self, context: Context, kind: Kind) -> None:
        self._schema = context.schema(kind)
        self._readable = Readability(context, kind)
        self._memory = Memory(context, kind)

    def update(
        self, desired: DesiredResource, live: LiveResource, *, skip: Skip = _no_path, afresh: Skip = _no_path
    ) -> tuple[Change, ...]:
        """Return what to write to a live resource.

        Args:
            desired: the listed resource.
            live: the live one that it means.
            skip: paths that are not compared; asked only for values that differ.
            afresh: paths at which nothing follows from what became of earlier writes.
        """
        changes = compare(
            desired,
            live,
            self._schema,
            skip=lambda path: skip(path) or self._readable.cannot_compare(path),
            on_case_difference=self._readable.differs_in_case,
        )
        return tuple(
            change
            for change in changes
            if afresh(Path.parse(change.path)) or self._memory.worth_planning(desired, live, change)
        )

    def creation(self, desired: DesiredResource) -> tuple[Change, ...]:
        """Return what to make a new resource with."""
        changes = creation(desired, self._schema, skip=self._readable.cannot_store)
        for change in changes:
            self._memory.recognise(desired, change)
        return changes

    def notes(self) -> Iterator[Note]:
        """Yield a note per attribute that is not planned, or planned in vain."""
        yield from self._readable.notes()
        yield from self._memory.notes()

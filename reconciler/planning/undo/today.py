"""The directory as it is now, against what a run left of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from reconciler.attributes import Path, canonical, fold
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser, Observation
from reconciler.planning.changes import same
from reconciler.planning.context import Context, scope_name
from reconciler.planning.readability import Readability
from reconciler.planning.undo.past import Deeds
from reconciler.planning.undo.remarks import Remarks

ACTIVE = Path("active")


class Today:
    """Answers what every part of an undo asks.

    Attributes:
        context: the inputs of the planning.
        deeds: what the run did.
        remarks: what is not undone, and why.
    """

    def __init__(self, context: Context, deeds: Deeds) -> None:
        self.context = context
        self.deeds = deeds
        self.remarks = Remarks()
        self._readable = {kind: Readability(context, kind) for kind in Kind}

    def find(self, kind: Kind, resource_id: str) -> LiveUser | LiveGroup | None:
        """Return a live resource by its id."""
        live = self.context.live
        return live.users_by_id.get(resource_id) if kind is Kind.USER else live.groups_by_id.get(resource_id)

    def named(self, kind: Kind, name: str) -> list[LiveResource]:
        """Return the live resources of a name."""
        return self._by_name[kind].get(fold(name), [])

    @cached_property
    def _by_name(self) -> Mapping[Kind, Mapping[str, list[LiveResource]]]:
        found = {kind: defaultdict[str, list[LiveResource]](list) for kind in Kind}
        for one in (*self.context.live.users, *self.context.live.groups):
            found[one.kind][fold(one.name)].append(one)
        return found

    @cached_property
    def made(self) -> frozenset[str]:
        """The ids of what the run created."""
        return frozenset(self.deeds.created_ids.values())

    @cached_property
    def holders(self) -> Mapping[str, list[LiveGroup]]:
        """By id of what the run created, the groups that it is in."""
        found = defaultdict[str, list[LiveGroup]](list)
        for group in self.context.live.groups:
            for member in self.made.intersection(group.members or ()):
                found[member].append(group)
        return found

    def ours(self, live: LiveResource) -> bool:
        """Tell whether the files may still speak for a live resource, and tell people where they may not."""
        context = self.context
        if context.reserved(live.kind, live.name):
            why = "the directory keeps it itself"
        elif context.in_scope(live) or context.rewritten(live):
            return True
        else:
            why = f"it is outside {scope_name(live.kind)} now"
        self.remarks.not_as_left(f"{live.address} is left alone: {why}")
        return False

    def value(self, live: LiveResource, path: Path) -> Any:
        """Return the live value at a path; whether a user is active as everybody else understands it."""
        if isinstance(live, LiveUser) and path == ACTIVE:
            return live.active
        return path.get(live.attributes)

    def is_already(self, live: LiveResource, path: Path, before: Any) -> bool:
        """Tell whether an attribute is what it was before the run."""
        definition = path.definition(self.context.schema(live.kind))
        return bool(canonical(self.value(live, path), definition) == canonical(before, definition))

    def is_as_left(self, live: LiveResource, path: Path, after: Any) -> bool:
        """Tell whether an attribute is what the run wrote, or what the directory is known to have made of that."""
        definition = path.definition(self.context.schema(live.kind))
        found = self.value(live, path)
        if same(after, found, definition):
            return True
        return any(
            same(after, one.wrote, definition) and canonical(one.stored, definition) == canonical(found, definition)
            for one in self._observed.get((live.kind, live.id, str(path)), ())
        )

    @cached_property
    def _observed(self) -> Mapping[tuple[Kind, str, str], list[Observation]]:
        found = defaultdict[tuple[Kind, str, str], list[Observation]](list)
        for one in self.context.history.observations:
            found[one.kind, one.id, one.path].append(one)
        return found

    @cached_property
    def made_up_on_deactivation(self) -> tuple[Path, ...]:
        """What the directory itself rewrites when a user is deactivated."""
        names = self.context.capabilities.deactivation_mutates
        return tuple(Path.parse(name.removeprefix("User.")) for name in names)

    def writable(self, kind: Kind, path: Path, *, new: bool = False) -> bool:
        """Tell whether the directory takes a value at a path for an existing resource, or for a new one."""
        readable = self._readable[kind]
        return not (readable.cannot_store(path) if new else readable.cannot_compare(path))

    def partial(self, kind: Kind, address: str) -> bool:
        """Tell whether nothing follows from a resource not being found, and tell people so."""
        if self.context.partial(kind):
            plural = f"{kind.lower()}s"
            self.remarks.cannot_undo(
                f"{address} was not found, and the directory has no listing of {plural}: nobody can tell whether it "
                "is there"
            )
            return True
        return False

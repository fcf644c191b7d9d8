"""What a step still has to do, given what the directory holds.

The one question behind repeats after a lost answer, applying a plan twice, and reading back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.attributes import Path, ResourceSchema
from reconciler.model import LiveGroup, LiveResource
from reconciler.planning.changes import same
from reconciler.planning.plan import Action, Change, Edge, Step
from reconciler.scim.errors import printable

_SHOWN = 5
"""How many differences a message names."""
_LONGEST = 200
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is left of a step: attributes to write, members to add or remove (by id), or a resource to delete."""

    changes: tuple[Change, ...] = ()
    members: Mapping[str, Edge] | None = None
    exists: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes or self.members or self.exists)

    def describe(self, current: LiveResource) -> str:
        """Return what the directory holds in place of what was written, for a person."""
        if self.exists:
            return "the directory still has it"
        parts = [_difference(change, current) for change in self.changes[:_SHOWN]]
        if len(self.changes) > _SHOWN:
            parts.append(f"{len(self.changes) - _SHOWN} more")
        names = [edge.name for edge in (self.members or {}).values()]
        if names:
            more = ", …" if len(names) > _SHOWN else ""
            parts.append(f"{len(names)} memberships are not as written: {', '.join(names[:_SHOWN])}{more}")
        return "; ".join(parts)


def pending(
    step: Step, current: LiveResource | None, schema: ResourceSchema, member_ids: Mapping[str, Edge]
) -> Pending:
    """Return what is left to do of a step.

    Args:
        step: the step.
        current: the resource as the directory holds it now, or ``None`` where it holds none.
        schema: the attribute definitions of the resource's kind.
        member_ids: for membership steps, the edges by the member's id.
    """
    match step.action:
        case Action.DELETE:
            return Pending(exists=current is not None)
        case Action.ADD_MEMBERS | Action.REMOVE_MEMBERS:
            if isinstance(current, LiveGroup) and current.members is None:
                # Unknown is not empty: all of it may have to be done, and doing it twice does no harm.
                return Pending(members=dict(member_ids))
            present = set(current.members or ()) if isinstance(current, LiveGroup) else set()
            wanted = step.action is Action.ADD_MEMBERS
            return Pending(members={key: edge for key, edge in member_ids.items() if (key in present) is not wanted})
        case _ if current is None:
            return Pending(changes=step.changes)
        case _:
            return Pending(changes=tuple(change for change in step.changes if not _is_so(change, current, schema)))


def _is_so(change: Change, current: LiveResource, schema: ResourceSchema) -> bool:
    path = Path.parse(change.path)
    definition = path.definition(schema)
    if definition is not None and not definition.comparable:
        # It cannot be read back, so nothing can be said against it.
        return True
    found = path.get(current.attributes)
    if change.path == "active" and found is None:
        # RFC 7643 §4.1.1 lets a server leave it out; every known one means an account that works.
        found = True
    return same(change.after, found, definition)


def _difference(change: Change, current: LiveResource) -> str:
    found = Path.parse(change.path).get(current.attributes)
    return f"{change.path} is {printable(repr(found), _LONGEST)}, not {printable(repr(change.after), _LONGEST)}"

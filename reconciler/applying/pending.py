"""What a step that writes attributes, makes or deletes a resource still has to do, given what the directory holds.

The one question behind repeats after a lost answer, applying a plan twice, and reading back.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

from reconciler.applying.requests import assign
from reconciler.attributes import Path, ResourceSchema
from reconciler.model import LiveResource, LiveUser, Observation
from reconciler.planning.changes import same
from reconciler.planning.plan import Action, Change, Step
from reconciler.redaction import Redactor
from reconciler.scim.errors import printable

_SHOWN = 5
"""How many differences a message names."""
_LONGEST = 200
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is left of a step: attributes to write, or a resource to delete."""

    changes: tuple[Change, ...] = ()
    exists: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes or self.exists)

    def describe(self, current: LiveResource, schema: ResourceSchema) -> str:
        """Return what the directory holds in place of what was written, for a person and the audit: no secrets."""
        if self.exists:
            kept = ", as an inactive user (capability user_delete: soft)" if _inactive(current) else ""
            return f"the directory still has it{kept}"
        redactor = Redactor(schema)
        parts = [_difference(change, current, redactor) for change in self.changes[:_SHOWN]]
        if len(self.changes) > _SHOWN:
            parts.append(f"{len(self.changes) - _SHOWN} more")
        return "; ".join(parts)

    def explained(self, current: LiveResource) -> bool:
        """Tell whether :meth:`observations` names all that is left."""
        return len(self.observations(current)) == (1 if self.exists else len(self.changes))

    def observations(self, current: LiveResource) -> tuple[Observation, ...]:
        """Return what the directory made of the values that it accepted and holds as something else.

        Whether an account works is never among them: a deactivation that a directory ignores has to be planned, and
        told, again and again. That a deleted user stays, inactive, is told of the path ``""``.
        """
        if self.exists:
            kept = Observation(kind=current.kind, id=current.id, path="", wrote=None, stored=None)
            return (kept,) if _inactive(current) else ()
        return tuple(
            Observation(
                kind=current.kind,
                id=current.id,
                path=change.path,
                wrote=change.after,
                stored=Path.parse(change.path).get(current.attributes),
            )
            for change in self.changes
            if change.path != "active"
        )


def pending(step: Step, current: LiveResource | None, schema: ResourceSchema) -> Pending:
    """Return what is left to do of a step.

    Args:
        step: the step.
        current: the resource as the directory holds it now, or ``None`` where it holds none.
        schema: the attribute definitions of the resource's kind.
    """
    if step.action is Action.DELETE:
        return Pending(exists=current is not None)
    if current is None:
        return Pending(changes=step.changes)
    return Pending(changes=tuple(change for change in step.changes if not _is_so(change, current, schema)))


def as_before(step: Step, current: LiveResource, schema: ResourceSchema) -> LiveResource:
    """Return a resource as it was before what a step wants and finds there already, for a step that was interrupted."""
    attributes = deepcopy(current.attributes)
    for change in step.changes:
        if _is_so(change, current, schema):
            assign(attributes, Path.parse(change.path), deepcopy(change.before))
    return replace(current, attributes=attributes)


def _inactive(current: LiveResource) -> bool:
    return isinstance(current, LiveUser) and not current.active


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


def _difference(change: Change, current: LiveResource, redactor: Redactor) -> str:
    found = Path.parse(change.path).get(current.attributes)
    if change.path == "active" and found is None:
        return "the directory does not show active, so nobody can tell whether the account works: look at it there"
    if redactor.hides(change.path):
        return f"{change.path} is not what was written (its values are secret)"
    shown, wanted = (repr(redactor.value(change.path, value, set())) for value in (found, change.after))
    return f"{change.path} is {printable(shown, _LONGEST)}, not {printable(wanted, _LONGEST)}"

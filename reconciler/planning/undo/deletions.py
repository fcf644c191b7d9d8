"""What a run deleted: created again from what its ledger kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from reconciler.attributes import Attribute, flatten, fold, unassigned
from reconciler.capabilities import UserDelete
from reconciler.model import Kind, LiveResource
from reconciler.planning.changes import is_identity, same
from reconciler.planning.plan import Action, Change, Reason, Step
from reconciler.planning.steps import step_id
from reconciler.planning.undo.past import PastStep
from reconciler.planning.undo.today import Today

_NOT_ITS_OWN: Final = frozenset({"id", "meta", "schemas", "members", "groups"})
"""What a server fills itself (RFC 7643 §3.1, §4.1.2), and memberships, which have steps of their own."""


class Return(NamedTuple):
    """Where a resource is that the run deleted.

    Attributes:
        past: the deletion.
        name: what it is called.
        live: the one that took its place since.
        step: what creates it again, where nobody did.
    """

    past: PastStep
    name: str
    live: LiveResource | None = None
    step: Step | None = None

    @property
    def address(self) -> str:
        """How messages and steps name it."""
        return self.past.step.kind.address(self.name)


def returns(today: Today) -> dict[tuple[Kind, str], Return]:
    """Return, by the kind and the id that it had, every deleted resource that is there again or can be made again."""
    found: dict[tuple[Kind, str], Return] = {}
    made: set[tuple[Kind, str]] = set()
    for one in today.deeds.deleted:
        back = _returned(today, one)
        if back is None:
            continue
        if back.step is not None:
            name = (one.step.kind, fold(back.name))
            if name in made:
                today.remarks.cannot_undo(f"{back.address} comes back once, and the run deleted two of that name")
                continue
            made.add(name)
        found[one.step.kind, one.step.resource_id or ""] = back
    return found


def _returned(today: Today, one: PastStep) -> Return | None:
    step, before = one.step, one.before
    live = today.find(step.kind, step.resource_id or "")
    if live is not None:
        return Return(one, live.name, live=live)
    name = _name(step, before)
    address = step.kind.address(name)
    if today.partial(step.kind, address):
        return None
    namesakes = today.named(step.kind, name)
    if namesakes:
        return _taken_place(today, one, name, namesakes)
    obstacle = _obstacle(today, step.kind, name, before)
    if obstacle is not None or before is None:
        today.remarks.cannot_undo(f"{address} stays deleted: {obstacle}")
        return None
    return Return(one, name, step=_creation(today, one, name, before))


def _name(step: Step, before: Mapping[str, Any] | None) -> str:
    name = (before or {}).get(step.kind.naming_attribute)
    return name if isinstance(name, str) and name else step.name


def _taken_place(today: Today, one: PastStep, name: str, namesakes: list[LiveResource]) -> Return | None:
    """Return the resource that has the deleted one's name, if it is what somebody made to take its place."""
    address = one.step.kind.address(name)
    if len(namesakes) > 1:
        today.remarks.not_as_left(f"{address} is in the directory {len(namesakes)} times now")
        return None
    [live] = namesakes
    if not today.ours(live):
        return None
    schema = today.context.schema(live.kind)
    for path, value in flatten(_own(one.before or {}), schema):
        if today.writable(live.kind, path) and not same(value, today.value(live, path), path.definition(schema)):
            today.remarks.not_as_left(f"{address} is in the directory again, with another {path}: it is left alone")
            return None
    if not today.context.capabilities.unique(live.kind, live.kind.naming_attribute):
        today.remarks.not_as_left(
            f"{address} is not made again: the directory has a {live.kind} of that name, taken for the one that was "
            "deleted"
        )
    return Return(one, name, live=live)


def _obstacle(today: Today, kind: Kind, name: str, before: Mapping[str, Any] | None) -> str | None:
    """Return why a resource cannot be made again, if it cannot."""
    context = today.context
    if before is None:
        return "what it was is not recorded"
    if kind is Kind.USER and context.capabilities.user_delete is UserDelete.IRREVERSIBLE:
        return "the directory does not let the same person be provisioned again"
    if kind is Kind.GROUP and not context.capabilities.groups:
        return "the directory has no groups"
    if context.reserved(kind, name):
        return "the directory keeps groups of that name itself"
    return None


def _own(before: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in before.items() if fold(name) not in _NOT_ITS_OWN}


def _creation(today: Today, one: PastStep, name: str, before: Mapping[str, Any]) -> Step:
    kind = one.step.kind
    schema = today.context.schema(kind)
    stated = {kind.naming_attribute: name, **_own(before)}
    changes: list[Change] = []
    for path, value in flatten(stated, schema):
        definition = path.definition(schema)
        kept = _without_read_only(value, definition)
        if unassigned(kept):
            continue
        if today.writable(kind, path, new=True):
            changes.append(Change(path=str(path), after=kept, identity=is_identity(kind, path, None, kept)))
        elif definition is None:
            today.remarks.cannot_undo(f"{kind.address(name)} comes back without {path}, which no schema has")
    return Step(
        id=step_id(today.context, Action.CREATE, kind, name, None),
        action=Action.CREATE,
        kind=kind,
        name=name,
        reason=Reason.UNDONE,
        changes=tuple(changes),
        replaces=one.step.replaces,
    )


def _without_read_only(value: Any, definition: Attribute | None) -> Any:
    """Return a multi-valued value without what the server fills into its elements: ``$ref``, ``display``."""
    if definition is None or not isinstance(value, list):
        return value
    return [
        {name: part for name, part in element.items() if not _read_only(definition.sub_attributes.get(fold(name)))}
        if isinstance(element, Mapping)
        else element
        for element in value
    ]


def _read_only(definition: Attribute | None) -> bool:
    return definition is not None and definition.mutability == "readOnly"

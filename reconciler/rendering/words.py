"""What the plan's codes are called when people read them. Markdown and HTML say it in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from reconciler.attributes import ENTERPRISE_USER
from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, GroupEffect
from reconciler.planning.plan import Action, Edge, Reason, Step
from reconciler.rendering.escape import abbreviated, label, safe, shorten

_LONGEST_NAME = 200

_STEP_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NOT_IN_DIRECTORY: "new: the directory has none",
        Reason.DIFFERS: "differs",
        Reason.ADOPTED: "adopted: linked by writing its externalId",
        Reason.RENAMED: "renamed",
        Reason.REPLACED: "replaced",
        Reason.INACTIVE: "reactivated: listed, and inactive in the directory",
        Reason.STATED_INACTIVE: "listed with active: false",
        Reason.UNLISTED: "no file lists it",
        Reason.EXPIRED: "expired: its `until` has passed",
        Reason.NOT_STARTED: "not started: its `from` has not come",
        Reason.UNDONE: "undone: as it was before the run",
    }
)

_EDGE_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.LISTED: "listed",
        Reason.MATCHED: "matches the filter",
        Reason.NESTED: "",
        Reason.CARRIED_OVER: "carried over",
        Reason.NOT_LISTED: "not listed",
        Reason.NOT_MATCHED: "does not match the filter",
        Reason.EXPIRED: "expired",
        Reason.NOT_STARTED: "not started",
    }
)

_CORRELATED: Mapping[str, str] = MappingProxyType({"previously": "a previous name"})

_CAUSES: Mapping[tuple[Kind, Action], str] = MappingProxyType(
    {
        (Kind.USER, Action.CREATE): "account created",
        (Kind.USER, Action.UPDATE): "account changed",
        (Kind.USER, Action.REACTIVATE): "account reactivated",
        (Kind.USER, Action.DEACTIVATE): "account deactivated",
        (Kind.USER, Action.DELETE): "account deleted",
        (Kind.GROUP, Action.CREATE): "created",
        (Kind.GROUP, Action.UPDATE): "changed",
        (Kind.GROUP, Action.ADD_MEMBERS): "added",
        (Kind.GROUP, Action.REMOVE_MEMBERS): "removed",
        (Kind.GROUP, Action.DELETE): "deleted",
    }
)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 user``, ``1,200 users``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def reason_of_step(step: Step) -> str:
    """Return why a step is in the plan: ``renamed, found by externalId``."""
    if step.replaces is not None:
        other = label(abbreviated(step.replaces, _LONGEST_NAME))
        return f"replaces {other}" if step.action is Action.CREATE else f"replaced by {other}"
    words = _STEP_REASONS.get(step.reason) or _spelled(step.reason)
    return ", ".join(part for part in (words, found_by(step)) if part)


def found_by(step: Step) -> str:
    """Return how the resource was found where it was not by its name: ``found by externalId``; else nothing."""
    by = step.correlated_by
    if by is None or by == step.kind.naming_attribute:
        return ""
    return f"found by {_CORRELATED.get(by) or safe(by)}"


def reason_of_edge(edge: Edge) -> str:
    """Return why a membership changes: ``via team-core → team-oncall``."""
    words = _EDGE_REASONS.get(edge.reason, _spelled(edge.reason))
    via = f"via {path(edge.via)}" if edge.via else ""
    return ", ".join(part for part in (words, via) if part)


def path(via: Sequence[str]) -> str:
    """Return the groups through which somebody is in another, outermost first: ``team-core → team-oncall``."""
    return " → ".join(label(abbreviated(group, _LONGEST_NAME)) for group in via)


def attribute_path(path: str, *, longest: int) -> str:
    """Return the path of an attribute, of the enterprise extension without its URN, as the files may write it.

    Args:
        path: as PATCH addresses it; foreign text.
        longest: characters before it is cut in the middle.
    """
    if path.lower().startswith(f"{ENTERPRISE_USER.lower()}:"):
        path = path[len(ENTERPRISE_USER) + 1 :]
    return safe(shorten(path, longest))


def concerns(step: Step, group: GroupEffect) -> bool:
    """Tell whether a step of a group is about the group of an effect: by id, by name where the plan creates it."""
    if step.resource_id is not None or group.id is not None:
        return step.resource_id == group.id
    return step.name == group.name


def cause_of_access(step: Step | None, group: GroupEffect, change: AccessChange) -> str:
    """Return by what people gain or lose access to a group: ``removed``, ``through team-core``.

    Args:
        step: the step that ``change`` names; ``None`` where the plan has none of that id.
        group: the group.
        change: who gains or loses it, and through which groups.
    """
    through = f"through {path(change.via)}" if change.via else ""
    if step is None:
        return through or safe(shorten(change.step, _LONGEST_NAME))
    words = _CAUSES.get((step.kind, step.action)) or _spelled(step.action)
    if step.replaces is not None and step.action is Action.DELETE:
        words = f"{words}, {reason_of_step(step)}"
    if step.kind is Kind.USER:
        return words
    if concerns(step, group):
        return through or words
    name = label(abbreviated(step.name, _LONGEST_NAME))
    words = {Action.ADD_MEMBERS: f"added to {name}", Action.REMOVE_MEMBERS: f"removed from {name}"}.get(
        step.action, f"{name} {words}"
    )
    return f"{words}, {through}" if len(change.via) > 1 else words


def _spelled(reason: Reason | Action) -> str:
    return reason.value.replace("_", " ")

"""What the plan's codes are called when people read them. Markdown and HTML say it in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.planning.plan import Action, Edge, Reason, Step
from reconciler.rendering.escape import label, safe

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


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 user``, ``1,200 users``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def reason_of_step(step: Step) -> str:
    """Return why a step is in the plan: ``renamed: found by externalId``."""
    words = _STEP_REASONS.get(step.reason) or _spelled(step.reason)
    if step.replaces is not None:
        other = label(step.replaces)
        return f"replaces {other}" if step.action is Action.CREATE else f"replaced by {other}"
    if step.correlated_by is not None and step.correlated_by != step.kind.naming_attribute:
        words += f", found by {safe(step.correlated_by)}"
    return words


def reason_of_edge(edge: Edge) -> str:
    """Return why a membership changes: ``via team-core → team-oncall``."""
    words = _EDGE_REASONS.get(edge.reason, _spelled(edge.reason))
    via = "via " + " → ".join(label(group) for group in edge.via) if edge.via else ""
    return ", ".join(part for part in (words, via) if part)


def _spelled(reason: Reason) -> str:
    return reason.value.replace("_", " ")

"""How steps are made, for users and groups alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredResource, LiveResource
from reconciler.planning.context import Context
from reconciler.planning.correlation import Pair
from reconciler.planning.plan import Action, Change, Precondition, Reason, Step
from reconciler.planning.preconditions import planned_from


def listed_step(
    action: Action,
    desired: DesiredResource,
    reason: Reason,
    *,
    changes: tuple[Change, ...],
    live: LiveResource | None = None,
    correlated_by: str | None = None,
    precondition: Precondition | None = None,
    replaces: str | None = None,
) -> Step:
    """Return a step that a listed resource causes. A live resource is named as it is before the step."""
    name = live.name if live else desired.name
    return Step(
        id=f"{action} {desired.kind.address(name)}",
        action=action,
        kind=desired.kind,
        name=name,
        reason=reason,
        resource_id=live.id if live else None,
        correlated_by=correlated_by,
        changes=changes,
        replaces=replaces,
        precondition=precondition,
        origin=str(desired.source.locate()),
        note=desired.lifecycle.reason,
    )


def deletion(
    context: Context,
    live: LiveResource,
    reason: Reason,
    paths: Iterable[str],
    *,
    needs: tuple[str, ...] = (),
    replaces: str | None = None,
) -> Step:
    """Return the step that deletes a live resource, unless the values at ``paths`` change before."""
    return Step(
        id=f"{Action.DELETE} {live.address}",
        action=Action.DELETE,
        kind=live.kind,
        name=live.name,
        reason=reason,
        resource_id=live.id,
        needs=needs,
        replaces=replaces,
        precondition=planned_from(live, paths, context.schema(live.kind)),
    )


def reason_of_update(pair: Pair[Any, Any], changes: Iterable[Change]) -> Reason:
    """Return why a correlated resource is updated: renamed, adopted, or merely different."""
    by_path = {change.path: change for change in changes}
    if pair.desired.kind.naming_attribute in by_path:
        return Reason.RENAMED
    link = by_path.get("externalId")
    return Reason.ADOPTED if link is not None and link.before is None else Reason.DIFFERS


def check_scope(context: Context, desired: DesiredResource, live: LiveResource | None) -> None:
    """Report a listed resource that the files do not speak for, before or after the change."""
    scope = f"scope.{desired.kind.lower()}s"
    if not context.will_be_in_scope(desired, live):
        _report(context, desired, "out-of-scope", f"{desired.address} is listed and outside {scope}")
    elif live is not None and not context.in_scope(live):
        _report(
            context,
            desired,
            "out-of-scope",
            f"{desired.address} means the live {live.kind} {live.name!r} (id {live.id}), which is outside {scope}",
        )
    if live is not None and context.reserved(live):
        _report(context, desired, "reserved", f"{live.address} is kept by the directory itself and cannot be managed")


def _report(context: Context, desired: DesiredResource, code: str, message: str) -> None:
    hint = "remove it from the files" + (", or widen the scope in directory.yaml" if code == "out-of-scope" else "")
    context.findings.problems.append(Diagnostic(code=code, message=message, origin=desired.source.locate(), hint=hint))

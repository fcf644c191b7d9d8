"""How steps are made, for users and groups alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from reconciler.config import Unlisted
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredResource, Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.context import Context, scope_name
from reconciler.planning.correlation import AnyPair
from reconciler.planning.plan import Action, Change, Note, Precondition, Reason, Step
from reconciler.planning.preconditions import planned_from

_LiveT = TypeVar("_LiveT", LiveUser, LiveGroup)

_MISTAKABLE = re.compile(r'"| \(.*\)$| \d+/\d+$', re.DOTALL)
"""Names that begin or end like something that a step's id puts around or behind a name."""


def step_id(context: Context, action: Action, kind: Kind, name: str, resource_id: str | None, *, part: str = "") -> str:
    """Return the id of a step: ``add_members group:team-platform 2/3``.

    Unique within a plan whatever the names are: a name that several live resources have is followed by the id of the
    one that is meant, or by ``new`` for one that the plan creates.
    """
    shown = json.dumps(name, ensure_ascii=False) if _MISTAKABLE.search(name) else name
    bearers = context.bearers(kind, name)
    if resource_id is None and action is not Action.CREATE and bearers:
        shown += " (new)"
    elif resource_id is not None and bearers > 1:
        shown += f" ({resource_id})"
    return f"{action} {kind.address(shown)}" + (f" {part}" if part else "")


def listed_step(
    context: Context,
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
    resource_id = live.id if live else None
    return Step(
        id=step_id(context, action, desired.kind, name, resource_id),
        action=action,
        kind=desired.kind,
        name=name,
        reason=reason,
        resource_id=resource_id,
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
    replaced_by: DesiredResource | None = None,
) -> Step:
    """Return the step that deletes a live resource, unless the values at ``paths`` change before."""
    return Step(
        id=step_id(context, Action.DELETE, live.kind, live.name, live.id),
        action=Action.DELETE,
        kind=live.kind,
        name=live.name,
        reason=reason,
        resource_id=live.id,
        needs=needs,
        replaces=replaced_by.name if replaced_by else None,
        precondition=planned_from(live, paths, context.schema(live.kind)),
        origin=str(replaced_by.source.locate()) if replaced_by else None,
        note=replaced_by.lifecycle.reason if replaced_by else None,
    )


def unlisted(context: Context, kind: Kind, found: Iterable[_LiveT], rule: Unlisted) -> Iterator[_LiveT]:
    """Yield the live resources of a kind that no file lists, as far as the plan is about them.

    Where the directory lists none, nothing follows from what is in no file, and that is told. A plan of a change is
    about those that the files listed before it.
    """
    if context.confinement is not None:
        yield from filter(context.confinement.lets_go, found)
    elif context.partial(kind):
        _tell_partial(context, kind, rule)
    else:
        yield from found


def _tell_partial(context: Context, kind: Kind, unlisted: Unlisted) -> None:
    """Tell that nothing follows from a resource being in no file, because the directory lists none of its kind."""
    plural = f"{kind.lower()}s"
    known = len(context.live.of_kind(kind))
    meant = "" if unlisted is Unlisted.IGNORE else f": `unlisted: {{{plural}: {unlisted}}}` has no effect"
    members = ", and no membership of theirs is removed" if kind is Kind.USER else ""
    context.findings.notes.append(
        Note(
            severity="warning" if meant else "note",
            code="partial",
            message=f"the directory has no listing of {plural}; only the {known:,} that were asked for by name are "
            f"known{meant}. {plural.capitalize()} that no file lists are left alone{members}",
        )
    )


def reason_of_update(desired: DesiredResource, changes: Iterable[Change]) -> Reason:
    """Return why a correlated resource is updated: renamed, adopted, or merely different."""
    by_path = {change.path: change for change in changes}
    if desired.kind.naming_attribute in by_path:
        return Reason.RENAMED
    link = by_path.get("externalId")
    return Reason.ADOPTED if link is not None and link.before is None else Reason.DIFFERS


def check_scope(context: Context, pair: AnyPair) -> None:
    """Report a listed resource that the files must not speak for, before or after the change."""
    desired = pair.desired
    scope = scope_name(desired.kind)
    if not context.will_be_in_scope(desired, pair.live):
        _report(context, desired, "out-of-scope", f"{desired.address} is listed and outside {scope}")
    if pair.live is None and context.reserved(desired.kind, desired.name):
        _report(context, desired, "reserved", f"the directory keeps {desired.address} itself; it cannot be managed")
    for live in (pair.live, pair.predecessor):
        if live is None:
            continue
        means = f"{desired.address} means the live {live.kind} {live.name!r} (id {live.id}), which"
        # A name that the directory made up on deactivation says nothing of whose account it is.
        if not context.in_scope(live) and not context.rewritten(live):
            _report(context, desired, "out-of-scope", f"{means} is outside {scope}")
        if context.reserved(live.kind, live.name):
            _report(context, desired, "reserved", f"{means} the directory keeps itself; it cannot be managed")


def _report(context: Context, desired: DesiredResource, code: str, message: str) -> None:
    hint = "remove it from the files" + (", or widen the scope in directory.yaml" if code == "out-of-scope" else "")
    context.findings.problems.append(Diagnostic(code=code, message=message, origin=desired.source.locate(), hint=hint))

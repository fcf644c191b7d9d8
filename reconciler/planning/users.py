"""Users: create, update, reactivate, deactivate, delete."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import NamedTuple

from reconciler.attributes import Path, fold
from reconciler.config import Unlisted
from reconciler.model import DesiredUser, LiveUser, TimerName
from reconciler.planning.comparison import Comparison
from reconciler.planning.context import Context
from reconciler.planning.correlation import Correlation, Pair
from reconciler.planning.deactivation import Deleted, Rewritten
from reconciler.planning.domains import Domains
from reconciler.planning.grace import GracePeriods
from reconciler.planning.plan import Action, Change, Reason, Step
from reconciler.planning.preconditions import planned_from
from reconciler.planning.steps import check_scope, deletion, listed_step, reason_of_update, step_id, unlisted

ACTIVE = "active"
IDENTIFYING = ("userName", "externalId", ACTIVE)
"""What must not have changed under a deactivation or a deletion: whose account it is, and whether it works."""


def plan_users(context: Context, correlation: Correlation[DesiredUser, LiveUser]) -> Iterator[Step]:
    """Yield the steps of all users, in no particular order."""
    tools = _Tools(
        Comparison(context, DesiredUser.kind),
        Rewritten(context),
        Deleted(context),
        Domains(context),
        GracePeriods(context),
    )
    for pair in correlation.pairs:
        if context.plans(pair.desired):
            _tell_memberships_left_out(context, pair)
            yield from _listed(context, pair, tools)
    for live in unlisted(context, DesiredUser.kind, correlation.unlisted, context.policy.unlisted_users):
        yield from _unlisted(context, live, tools)
    context.findings.notes.extend(
        (*tools.comparison.notes(), *tools.rewritten.notes(), *tools.deleted.notes(), *tools.domains.notes())
    )


def _tell_memberships_left_out(context: Context, pair: Pair[DesiredUser, LiveUser]) -> None:
    """Tell whose memberships are no part of a change, although the account is."""
    confinement, desired = context.confinement, pair.desired
    if confinement is None or (desired.kind, fold(desired.name)) not in confinement.afresh:
        return
    lifecycle = desired.lifecycle
    if pair.live is not None or not (lifecycle.not_started(context.as_of) or lifecycle.expired(context.as_of)):
        context.findings.warn(
            "members-later",
            f"{desired.address} is not the user of the directory that its lines meant before, or not there at all: of "
            "the memberships, this plan adds those alone that the change touches, and a plan of everything the others",
            desired.source.locate(),
        )


class _Tools(NamedTuple):
    """What looks at one user after the other, and tells in the end what it saw."""

    comparison: Comparison
    rewritten: Rewritten
    deleted: Deleted
    domains: Domains
    periods: GracePeriods


def _listed(context: Context, pair: Pair[DesiredUser, LiveUser], tools: _Tools) -> Iterator[Step]:
    desired, live = pair.desired, pair.live
    check_scope(context, pair)
    if desired.lifecycle.not_started(context.as_of):
        context.findings.left_alone["users whose `from` has not come"] += 1
    elif desired.lifecycle.expired(context.as_of):
        if live is not None and live.active:
            tools.rewritten.deactivated(live, desired)
            yield _deactivation(context, live, Reason.EXPIRED, desired)
    elif live is None:
        tools.domains.check(desired)
        yield listed_step(
            context,
            Action.CREATE,
            desired,
            Reason.NOT_IN_DIRECTORY,
            changes=tools.comparison.creation(desired),
        )
    else:
        yield from _existing(context, pair, live, tools)


def _existing(context: Context, pair: Pair[DesiredUser, LiveUser], live: LiveUser, tools: _Tools) -> Iterator[Step]:
    desired, rewritten = pair.desired, tools.rewritten
    schema = context.schema(desired.kind)
    wanted_active = desired.attributes.get(ACTIVE) is not False
    stays_off = not wanted_active and not live.active
    found = tools.comparison.update(
        desired,
        live,
        skip=lambda path: path == Path(ACTIVE) or (stays_off and rewritten.leave(live, path)),
        # What stood there while the account was off was the directory's own doing.
        afresh=lambda path: not live.active and rewritten.covers(path),
    )
    changes = tuple(tools.domains.flag(desired, live, change) for change in found)
    action = Action.UPDATE
    if wanted_active and not live.active:
        action = Action.REACTIVATE
        activation = Change(path=ACTIVE, before=False, after=True, origin=str(desired.source.locate(ACTIVE)))
        changes = (activation, *changes)
    if changes:
        yield listed_step(
            context,
            action,
            desired,
            Reason.INACTIVE if action is Action.REACTIVATE else reason_of_update(desired, changes),
            changes=changes,
            live=live,
            correlated_by=pair.by,
            precondition=planned_from(live, [change.path for change in changes], schema),
        )
    if not wanted_active and live.active:
        rewritten.deactivated(live, desired)
        yield _deactivation(
            context, live, Reason.STATED_INACTIVE, desired, changed_before={change.path for change in changes}
        )


def _unlisted(context: Context, live: LiveUser, tools: _Tools) -> Iterator[Step]:
    if not context.in_scope(live):
        context.findings.left_alone["users outside the scope"] += 1
        return
    policy = context.policy
    match policy.unlisted_users:
        case Unlisted.IGNORE:
            context.findings.left_alone["users that no file lists"] += 1
        case Unlisted.DEACTIVATE if live.active:
            step = _deactivation(context, live, Reason.UNLISTED)
            for due in tools.periods.over(step, live, TimerName.UNLISTED, policy.unlisted_users_after):
                tools.rewritten.deactivated(live)
                yield due
        case Unlisted.DEACTIVATE:
            if policy.delete_after_deactivated is not None:
                yield from _deleted(context, live, tools, TimerName.DEACTIVATED, policy.delete_after_deactivated)
        case Unlisted.DELETE:
            yield from _deleted(context, live, tools, TimerName.UNLISTED, policy.unlisted_users_after)


def _deleted(context: Context, live: LiveUser, tools: _Tools, timer: TimerName, after: timedelta) -> Iterator[Step]:
    """Yield the deletion of an unlisted user once its grace period is over, where it would change anything."""
    if context.as_good_as_deleted(live):
        tools.deleted.add(live)
    else:
        yield from tools.periods.over(deletion(context, live, Reason.UNLISTED, IDENTIFYING), live, timer, after)


def _deactivation(
    context: Context,
    live: LiveUser,
    reason: Reason,
    desired: DesiredUser | None = None,
    *,
    changed_before: AbstractSet[str] = frozenset(),
) -> Step:
    """Return the step that switches an account off, unless it has become somebody else's before."""
    origin = str(desired.source.locate(*_stating(reason))) if desired else None
    return Step(
        id=step_id(context, Action.DEACTIVATE, live.kind, live.name, live.id),
        action=Action.DEACTIVATE,
        kind=live.kind,
        name=live.name,
        reason=reason,
        resource_id=live.id,
        changes=(Change(path=ACTIVE, before=True, after=False, origin=origin),),
        precondition=planned_from(live, {*IDENTIFYING} - changed_before, context.schema(live.kind)),
        origin=origin,
        note=desired.lifecycle.reason if desired else None,
    )


def _stating(reason: Reason) -> tuple[str, ...]:
    return ("lifecycle", "until") if reason is Reason.EXPIRED else (ACTIVE,)

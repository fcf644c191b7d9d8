"""Groups: create, update, rename, replace, delete. Members are :mod:`reconciler.planning.memberships`' work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.attributes import fold
from reconciler.config import Unlisted
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredGroup, Kind, LiveGroup, Replace, TimerName
from reconciler.planning.comparison import Comparison
from reconciler.planning.context import Context
from reconciler.planning.correlation import Correlation, Pair
from reconciler.planning.grace import GracePeriods
from reconciler.planning.plan import Action, Reason, Step
from reconciler.planning.preconditions import MEMBERS, planned_from
from reconciler.planning.steps import check_scope, deletion, listed_step, reason_of_update, unlisted

DISPLAY_NAME = "displayName"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A listed group and where its memberships will be.

    Attributes:
        desired: the listed group.
        live: the live group whose members are compared; ``None`` for one that is created.
        created_by: the id of the step that creates it, if one does.
        replaced: the old group whose members are carried over and which is deleted afterwards.
        waits: whether it stays until a person has confirmed that its product access is granted to the new one.
    """

    desired: DesiredGroup
    live: LiveGroup | None
    created_by: str | None = None
    replaced: LiveGroup | None = None
    waits: bool = False


def plan_groups(
    context: Context, correlation: Correlation[DesiredGroup, LiveGroup]
) -> tuple[tuple[Step, ...], tuple[Target, ...]]:
    """Return the steps of all groups, in no particular order, and what memberships are to be planned against.

    The deletion of replaced groups is left to :func:`replaced_deletions`, because it waits for memberships.
    """
    comparison = Comparison(context, Kind.GROUP)
    steps: list[Step] = []
    targets: list[Target] = []
    for pair in correlation.pairs:
        _tell_left_out(context, pair.desired)
        if not context.plans(pair.desired):
            targets.append(Target(desired=pair.desired, live=pair.live))
            continue
        step, target = _listed(context, pair, comparison)
        steps.extend([step] if step else [])
        targets.append(target)
    periods = GracePeriods(context)
    for live in unlisted(context, Kind.GROUP, correlation.unlisted, context.policy.unlisted_groups):
        steps.extend(_unlisted(context, live, periods))
    context.findings.notes.extend(comparison.notes())
    return tuple(steps), tuple(targets)


def _tell_left_out(context: Context, desired: DesiredGroup) -> None:
    """Tell which memberships of a group are no part of a change, although the group is."""
    confinement = context.confinement
    if confinement is None:
        return
    name, address, place = fold(desired.name), desired.address, desired.source.locate(DISPLAY_NAME)
    if name in confinement.waiting:
        old = confinement.waiting[name].address
        context.findings.warn(
            "replacement-first",
            f"{address} takes the place of {old}, and that is no part of this change: memberships that the change "
            "gives or takes there are left to a plan of everything",
            place,
        )
    if desired.manages_members and (desired.kind, name) in confinement.afresh:
        context.findings.warn(
            "members-later",
            f"{address} is not the group of the directory that its lines meant before, or not there at all: of its "
            "members, this plan adds those alone whom the change touches, and a plan of everything the others",
            place,
        )


def _listed(
    context: Context, pair: Pair[DesiredGroup, LiveGroup], comparison: Comparison
) -> tuple[Step | None, Target]:
    desired, live = pair.desired, pair.live
    _check_supported(context, desired)
    check_scope(context, pair)
    _check_dates(context, desired)
    if live is not None and not _must_be_replaced(context, desired, live):
        target = _target(context, desired, live, replaced=pair.predecessor)
        changes = comparison.update(desired, live)
        if not changes:
            return None, target
        precondition = planned_from(live, [change.path for change in changes], context.schema(Kind.GROUP))
        return listed_step(
            context,
            Action.UPDATE,
            desired,
            reason_of_update(desired, changes),
            changes=changes,
            live=live,
            correlated_by=pair.by,
            precondition=precondition,
        ), target
    step = listed_step(
        context,
        Action.CREATE,
        desired,
        Reason.REPLACED if live else Reason.NOT_IN_DIRECTORY,
        changes=comparison.creation(desired),
        replaces=live.name if live else None,
    )
    if live is not None:
        _check_replaceable(context, pair)
    return step, _target(context, desired, None, created_by=step.id, replaced=live)


def _target(
    context: Context,
    desired: DesiredGroup,
    live: LiveGroup | None,
    *,
    created_by: str | None = None,
    replaced: LiveGroup | None,
) -> Target:
    """Return where the memberships of a listed group will be, and tell what becomes of a group that it replaces."""
    manual = desired.lifecycle.replace is Replace.MANUAL_REGRANT
    waits = replaced is not None and manual and not context.policy.confirm_replace
    if replaced is not None:
        does = "replaces" if live is None else "has taken the place of"
        fate = "this plan deletes, as --confirm-replace says" if manual else "this plan deletes"
        access = "Product access that was granted to the old group has to be granted to the new one by a person"
        if waits:
            fate = "stays until a person has granted its product access to the new group"
            access = "To go on after that: reconciler apply --confirm-replace"
        context.findings.warn(
            "replacement-waits" if waits else "replaced-group",
            f"the directory cannot rename groups: {desired.address} {does} {replaced.address}, which {fate}. {access}",
            desired.source.locate(DISPLAY_NAME),
            about=None if waits else replaced,
        )
    return Target(desired=desired, live=live, created_by=created_by, replaced=replaced, waits=waits)


def _check_supported(context: Context, desired: DesiredGroup) -> None:
    if not context.capabilities.groups:
        context.findings.problems.append(
            Diagnostic(
                code="no-groups",
                message=f"{desired.address} is listed, and the directory has no groups",
                origin=desired.source.locate(),
                hint="remove it from the files. If the directory does have groups, write `groups: true` under "
                "`capabilities` of `directory` in directory.yaml",
            )
        )


def _must_be_replaced(context: Context, desired: DesiredGroup, live: LiveGroup) -> bool:
    return not context.capabilities.group_rename and fold(desired.name) != fold(live.name)


def _check_dates(context: Context, desired: DesiredGroup) -> None:
    """Report dates on a group: nothing says what would become of it, and ignoring them would keep access alive."""
    for key, moment in (("from", desired.lifecycle.starts), ("until", desired.lifecycle.until)):
        if moment is not None:
            context.findings.problems.append(
                Diagnostic(
                    code="group-dates",
                    message=f"{desired.address} states lifecycle.{key}, and only users and memberships come and go by "
                    "date",
                    origin=desired.source.locate("lifecycle", key),
                    hint="put the date on its memberships, or remove it",
                )
            )


def _check_replaceable(context: Context, pair: Pair[DesiredGroup, LiveGroup]) -> None:
    """Report a group that the next plan would not find again: the id that the file states goes with the old group."""
    if pair.by == "id":
        context.findings.problems.append(
            Diagnostic(
                code="id-of-replaced",
                message=f"{pair.desired.address} states an id, and the directory cannot rename groups: the group that "
                "replaces it gets another id",
                origin=pair.desired.source.locate("id"),
                hint="state the old name under lifecycle.previously in place of the id",
            )
        )


def _unlisted(context: Context, live: LiveGroup, periods: GracePeriods) -> Iterator[Step]:
    left_alone = context.findings.left_alone
    if context.reserved(live.kind, live.name):
        left_alone["groups that the directory keeps by itself"] += 1
    elif not context.in_scope(live):
        left_alone["groups outside the scope"] += 1
    elif context.policy.unlisted_groups is Unlisted.DELETE:
        step = deletion(context, live, Reason.UNLISTED, _reviewed(context, live))
        yield from periods.over(step, live, TimerName.UNLISTED, context.policy.unlisted_groups_after)
    else:
        left_alone["groups that no file lists"] += 1


def _reviewed(context: Context, live: LiveGroup) -> tuple[str, ...]:
    """Return what must not have changed under a deletion: who would lose access is part of what was reviewed.

    Not where a member is a group: the same plan may delete that one first, and the membership goes with it. Nor where
    the group itself does not tell its members: they were read in another way, which cannot be gone again at that point.
    """
    holds_group = any(member in context.live.groups_by_id for member in live.members or ())
    checkable = context.capabilities.groups_hold_members and not holds_group
    return (DISPLAY_NAME, MEMBERS) if checkable else (DISPLAY_NAME,)


def replaced_deletions(
    context: Context, targets: tuple[Target, ...], membership_steps: tuple[Step, ...]
) -> Iterator[Step]:
    """Yield the deletions of replaced groups, each after its successor exists and has all its members.

    One that a person has to confirm stays, listed by nobody and kept all the same.
    """
    additions = defaultdict[str | None, list[str]](list)
    for step in membership_steps:
        if step.action is Action.ADD_MEMBERS:
            additions[step.resource_id or step.needs[0]].append(step.id)
    for target in targets:
        if target.replaced is None:
            continue
        _check_members_survive(context, target, target.replaced)
        if target.waits:
            continue
        created = [target.created_by] if target.created_by else []
        yield deletion(
            context,
            target.replaced,
            Reason.REPLACED,
            _reviewed(context, target.replaced),
            needs=(*created, *additions[target.live.id if target.live else target.created_by]),
            replaced_by=target.desired,
        )


def _check_members_survive(context: Context, target: Target, old: LiveGroup) -> None:
    """Report memberships that nobody can carry over to the group that replaces an old one."""
    live, desired = context.live, target.desired
    if old.members is None and not (desired.manages_members and context.policy.scope_users is None):
        context.findings.problems.append(
            Diagnostic(
                code="members-unknown",
                message=f"{desired.address} cannot replace {old.address}: the directory does not tell who is in it, so "
                "its members would be lost",
                origin=desired.source.locate(DISPLAY_NAME),
                hint="keep the old name, or state all members",
            )
        )
    groups = live.groups_by_id if context.capabilities.nested_groups else {}
    lost = [member for member in old.members or () if member not in live.users_by_id and member not in groups]
    if lost:
        context.findings.warn(
            "members-lost",
            f"{len(lost)} members of {old.address} are not users that the directory lists, and cannot be carried over "
            f"to {desired.address}: {', '.join(sorted(lost)[:3])}{' …' if len(lost) > 3 else ''}",
            desired.source.locate(DISPLAY_NAME),
            about=old,
        )

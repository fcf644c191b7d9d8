"""Groups: create, update, rename, replace, delete. Members are :mod:`reconciler.planning.memberships`' work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.attributes import Path, fold
from reconciler.config import Unlisted
from reconciler.model import DesiredGroup, Kind, LiveGroup
from reconciler.planning.changes import compare, creation
from reconciler.planning.context import Context
from reconciler.planning.correlation import Correlation, Pair
from reconciler.planning.plan import Action, Reason, Step
from reconciler.planning.preconditions import MEMBERS, planned_from
from reconciler.planning.readability import Readability
from reconciler.planning.steps import check_scope, deletion, listed_step, reason_of_update

DISPLAY_NAME = "displayName"
IDENTIFYING = (DISPLAY_NAME, MEMBERS)
"""What must not have changed under a deletion: who would lose access is part of what was reviewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A listed group and where its memberships will be.

    Attributes:
        desired: the listed group.
        live: the live group whose members are compared; ``None`` for one that is created.
        created_by: the id of the step that creates it, if one does.
        replaced: the old group whose members are carried over and which is deleted afterwards.
    """

    desired: DesiredGroup
    live: LiveGroup | None
    created_by: str | None = None
    replaced: LiveGroup | None = None


def plan_groups(
    context: Context, correlation: Correlation[DesiredGroup, LiveGroup]
) -> tuple[tuple[Step, ...], tuple[Target, ...]]:
    """Return the steps of all groups, in no particular order, and what memberships are to be planned against.

    The deletion of replaced groups is left to :func:`replaced_deletions`, because it waits for memberships.
    """
    readable = Readability(context, Kind.GROUP)
    steps: list[Step] = []
    targets: list[Target] = []
    for pair in correlation.pairs:
        step, target = _listed(context, pair, readable)
        steps.extend([step] if step else [])
        targets.append(target)
    for live in correlation.unlisted:
        steps.extend(_unlisted(context, live))
    context.findings.notes.extend(readable.notes())
    return tuple(steps), tuple(targets)


def _listed(context: Context, pair: Pair[DesiredGroup, LiveGroup], readable: Readability) -> tuple[Step | None, Target]:
    desired, live = pair.desired, pair.live
    check_scope(context, desired, live)
    schema = context.schema(Kind.GROUP)
    if live is not None and not _must_be_replaced(context, desired, live):
        changes = compare(
            desired,
            live,
            schema,
            skip=lambda path: (
                (path == Path(DISPLAY_NAME) and not context.capabilities.group_rename) or readable.cannot_compare(path)
            ),
            on_case_difference=readable.differs_in_case,
        )
        target = Target(desired=desired, live=live, replaced=pair.predecessor)
        if not changes:
            return None, target
        precondition = planned_from(live, [change.path for change in changes], schema)
        return listed_step(
            Action.UPDATE,
            desired,
            reason_of_update(pair, changes),
            changes=changes,
            live=live,
            correlated_by=pair.by,
            precondition=precondition,
        ), target
    step = listed_step(
        Action.CREATE,
        desired,
        Reason.REPLACED if live else Reason.NOT_IN_DIRECTORY,
        changes=creation(desired, schema, skip=readable.cannot_store),
        replaces=live.name if live else None,
    )
    if live is not None:
        context.findings.warn(
            "replaced-group",
            f"the directory cannot rename groups: {desired.address} replaces {live.address}. Product access that was "
            "granted to the old group has to be granted to the new one by a person",
            desired.source.locate("displayName"),
        )
    return step, Target(desired=desired, live=None, created_by=step.id, replaced=live)


def _must_be_replaced(context: Context, desired: DesiredGroup, live: LiveGroup) -> bool:
    return not context.capabilities.group_rename and fold(desired.name) != fold(live.name)


def _unlisted(context: Context, live: LiveGroup) -> Iterator[Step]:
    left_alone = context.findings.left_alone
    if context.reserved(live):
        left_alone["groups that the directory keeps by itself"] += 1
    elif not context.in_scope(live):
        left_alone["groups outside the scope"] += 1
    elif context.policy.unlisted_groups is Unlisted.DELETE:
        yield deletion(context, live, Reason.UNLISTED, IDENTIFYING)
    else:
        left_alone["groups that no file lists"] += 1


def replaced_deletions(
    context: Context, targets: tuple[Target, ...], membership_steps: tuple[Step, ...]
) -> Iterator[Step]:
    """Yield the deletions of replaced groups, each after its successor exists and has all its members."""
    additions: dict[str, list[str]] = {}
    for step in membership_steps:
        if step.action is Action.ADD_MEMBERS:
            additions.setdefault(step.name, []).append(step.id)
    for target in targets:
        if target.replaced is not None:
            created = [target.created_by] if target.created_by else []
            yield deletion(
                context,
                target.replaced,
                Reason.REPLACED,
                IDENTIFYING,
                needs=(*created, *additions.get(target.desired.name, [])),
                replaces=target.desired.name,
            )

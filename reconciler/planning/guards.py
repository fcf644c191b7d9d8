"""Checks over the whole plan before the first write.

Every limit counts the steps themselves, each by count *and* by percentage: the lower binds, and a small directory has
no blind floor (5 % of 10 people is nobody).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.attributes import fold
from reconciler.config import Limit
from reconciler.model import DesiredResource, Kind
from reconciler.planning.context import Context
from reconciler.planning.groups import Target
from reconciler.planning.plan import Action, Step, Verdict
from reconciler.planning.roster import Rosters

SHOWN = 20
"""How many resources a verdict names."""


def judge(
    context: Context, steps: tuple[Step, ...], targets: tuple[Target, ...], rosters: Rosters
) -> Iterator[Verdict]:
    """Yield the verdict of every guard. Guards about one resource speak only when they refuse or were lifted."""
    guards = context.policy.guards
    yield _counted(context, Action.DEACTIVATE, Kind.USER, guards.users_deactivate, steps)
    yield _counted(context, Action.DELETE, Kind.USER, guards.users_delete, steps)
    yield _counted(context, Action.DELETE, Kind.GROUP, guards.groups_delete, steps)
    yield from _members_removed(context, guards.members_remove, steps)
    yield from _protected(context, steps)
    yield from _too_few_members(targets, rosters)


def _counted(context: Context, action: Action, kind: Kind, limit: Limit, steps: Iterable[Step]) -> Verdict:
    counted = [step.address for step in steps if step.kind is kind and step.action is action]
    base = sum(
        1
        for resource in context.live.of_kind(kind)
        if context.in_scope(resource) and (action is not Action.DEACTIVATE or getattr(resource, "active", True))
    )
    return _limited(context, f"{kind.lower()}s.{action}", limit, counted, base)


def _members_removed(context: Context, limit: Limit, steps: Iterable[Step]) -> Iterator[Verdict]:
    removed: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    for step in steps:
        if step.action is Action.REMOVE_MEMBERS and step.resource_id is not None:
            removed.setdefault(step.resource_id, []).extend(edge.address for edge in step.members)
            groups[step.resource_id] = step.address
    for resource_id, members in removed.items():
        base = len(context.live.groups_by_id[resource_id].members or ())
        verdict = _limited(context, "members.remove", limit, members, base, subject=groups[resource_id])
        if not verdict.passed or verdict.allowed_by is not None:
            yield verdict


def _limited(
    context: Context, guard: str, limit: Limit, counted: list[str], base: int, *, subject: str | None = None
) -> Verdict:
    number = len(counted)
    allowance = next((given for given in context.policy.allowances if given.guard == guard), None)
    within = _within(limit, number, base)
    lifted = allowance is not None and not within
    return Verdict(
        guard=guard,
        passed=within or (allowance is not None and number <= allowance.count),
        number=number,
        limit=str(allowance.count) if lifted and allowance else _in_words(limit, base),
        subject=subject,
        resources=tuple(counted[:SHOWN]),
        allowed_by=context.policy.allowance_reason if lifted else None,
        how_to_allow="" if within else f'--allow {guard}={number} --reason "…"',
    )


def _within(limit: Limit, number: int, base: int) -> bool:
    if limit.count is not None and number > limit.count:
        return False
    return limit.percent is None or number * 100 <= limit.percent * base


def _in_words(limit: Limit, base: int) -> str:
    words = []
    if limit.count is not None:
        words.append(str(limit.count))
    if limit.percent is not None:
        words.append(f"{limit.percent:g} % of {base} = {int(limit.percent * base / 100)}")
    return " and ".join(words) or "none"


_LOSSES = frozenset({Action.DEACTIVATE, Action.DELETE})


def _protected(context: Context, steps: Iterable[Step]) -> Iterator[Verdict]:
    """Refuse steps that take away what a file protects."""
    desired: tuple[DesiredResource, ...] = (*context.desired.users, *context.desired.groups)
    protected = {
        (resource.kind, fold(name)): resource
        for resource in desired
        if resource.lifecycle.protected
        for name in (resource.name, *resource.lifecycle.previously)
    }
    for step in steps:
        resource = protected.get((step.kind, fold(step.name)))
        if resource is not None and step.action in _LOSSES:
            yield Verdict(
                guard="protected",
                passed=False,
                number=1,
                limit="0",
                subject=step.address,
                resources=(step.address,),
                how_to_allow=f"remove `protected: true` at {resource.source.locate('lifecycle', 'protected')}",
            )


def _too_few_members(targets: Iterable[Target], rosters: Rosters) -> Iterator[Verdict]:
    for target in targets:
        minimum = target.desired.lifecycle.min_members
        if minimum is None or not target.desired.manages_members:
            continue
        number = len(rosters.of(target).seats)
        if number < minimum:
            yield Verdict(
                guard="min_members",
                passed=False,
                number=number,
                limit=f"at least {minimum}",
                subject=target.desired.address,
                how_to_allow=f"lower `min_members` at {target.desired.source.locate('lifecycle', 'min_members')}",
            )

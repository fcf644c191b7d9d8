"""Checks over the whole plan before the first write.

Every limit counts the steps themselves, each by count *and* by percentage: the lower binds, and a small directory has
no blind floor (5 % of 10 people is nobody).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from reconciler.config import Allowance, Limit
from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair
from reconciler.planning.groups import Target
from reconciler.planning.plan import Action, Step, Verdict
from reconciler.planning.roster import Rosters

SHOWN = 20
"""How many resources a verdict names."""


def judge(
    context: Context,
    steps: tuple[Step, ...],
    pairs: Iterable[AnyPair],
    targets: tuple[Target, ...],
    rosters: Rosters,
) -> Iterator[Verdict]:
    """Yield the verdict of every guard. Guards about one resource speak only when they refuse or were lifted."""
    guards = context.policy.guards
    yield _counted(context, Action.DEACTIVATE, Kind.USER, guards.users_deactivate, steps)
    yield _counted(context, Action.DELETE, Kind.USER, guards.users_delete, steps)
    yield _counted(context, Action.DELETE, Kind.GROUP, guards.groups_delete, steps)
    for lost in (*_removed(context, steps), *_lost_in_replacement(context, targets, rosters)):
        verdict = _limited(context, "members.remove", guards.members_remove, lost.members, lost.of, subject=lost.group)
        if not verdict.passed or verdict.allowed_by is not None:
            yield verdict
    yield from _protected(steps, pairs)
    yield from _too_few_members(targets, rosters)


def _counted(context: Context, action: Action, kind: Kind, limit: Limit, steps: Iterable[Step]) -> Verdict:
    counted = [step.address for step in steps if step.kind is kind and step.action is action]
    base = sum(
        1
        for resource in context.live.of_kind(kind)
        if context.in_scope(resource) and (action is not Action.DEACTIVATE or getattr(resource, "active", True))
    )
    of = f"{base} known" if context.partial(kind) else None
    return _limited(context, f"{kind.lower()}s.{action}", limit, counted, base, of=of)


class _Lost(NamedTuple):
    """The members that one group loses, by address, and how many it has."""

    group: str
    members: list[str]
    of: int


def _removed(context: Context, steps: Iterable[Step]) -> Iterator[_Lost]:
    lost: dict[str, _Lost] = {}
    for step in steps:
        if step.action is Action.REMOVE_MEMBERS and step.resource_id is not None:
            of = len(set(context.live.groups_by_id[step.resource_id].members or ()))
            lost.setdefault(step.resource_id, _Lost(step.address, [], of)).members.extend(
                edge.address for edge in step.members
            )
    yield from lost.values()


def _lost_in_replacement(context: Context, targets: Iterable[Target], rosters: Rosters) -> Iterator[_Lost]:
    """Yield what a group loses that is replaced under another name: no step removes these members one by one."""
    users = context.live.users_by_id
    for target in targets:
        if target.replaced is not None and not target.waits and target.desired.manages_members:
            seats = rosters.of(target).seats
            old = set(target.replaced.members or ())
            lost = sorted(users[member].address for member in old if member in users and member not in seats)
            if lost:
                yield _Lost(target.desired.address, lost, len(old))


def _limited(
    context: Context,
    guard: str,
    limit: Limit,
    counted: list[str],
    base: int,
    *,
    subject: str | None = None,
    of: str | None = None,
) -> Verdict:
    number = len(counted)
    within = number <= _most(limit, base)
    reason = context.policy.reason
    # Without a reason there is nothing to record, and a limit that is lifted in silence is none.
    allowed = None if within or not reason else _allowed(context.policy.allowances, guard)
    lifted = allowed is not None and number <= allowed
    return Verdict(
        guard=guard,
        passed=within or lifted,
        number=number,
        limit=str(allowed) if allowed is not None else _in_words(limit, base, of),
        subject=subject,
        resources=tuple(counted[:SHOWN]),
        allowed_by=reason if lifted else None,
        how_to_allow="" if within else f'--allow {guard}={number} --reason "…"',
    )


def _allowed(allowances: Iterable[Allowance], guard: str) -> int | None:
    return max(
        (allowance.count for allowance in allowances if allowance.guard == guard and allowance.count is not None),
        default=None,
    )


def _most(limit: Limit, base: int) -> float:
    """Return the highest number that a limit lets pass: the lower of its count and its share of ``base``."""
    return min(
        float("inf") if limit.count is None else limit.count,
        float("inf") if limit.percent is None else _share(limit.percent, base),
    )


def _share(percent: float, base: int) -> int:
    """Return the whole part of a percentage, reckoned with what was written: 0.29 % is not quite that in binary."""
    return int(Fraction(str(percent)) * base / 100)


def _in_words(limit: Limit, base: int, of: str | None) -> str:
    words = []
    if limit.count is not None:
        words.append(str(limit.count))
    if limit.percent is not None:
        words.append(f"{limit.percent:g} % of {of or base} = {_share(limit.percent, base)}")
    return " and ".join(words) or "none"


_LOSSES = frozenset({Action.DEACTIVATE, Action.DELETE})


def _protected(steps: Iterable[Step], pairs: Iterable[AnyPair]) -> Iterator[Verdict]:
    """Refuse steps that take away what a file protects, whatever its name is now."""
    protected = {
        (live.kind, live.id): pair.desired
        for pair in pairs
        if pair.desired.lifecycle.protected
        for live in (pair.live, pair.predecessor)
        if live is not None
    }
    for step in steps:
        resource = protected.get((step.kind, step.resource_id or ""))
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

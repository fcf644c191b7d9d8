"""The guards that limit how many changes of one sort a plan holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from reconciler.config import Limit
from reconciler.model import Kind, LiveUser
from reconciler.planning.context import Context
from reconciler.planning.guarding.allowing import Allowances, flag
from reconciler.planning.guarding.forecast import Forecast
from reconciler.planning.guarding.limits import limited
from reconciler.planning.plan import Action, Step, Verdict
from reconciler.planning.touched import StatedBefore

_GUARDS: Final[Mapping[tuple[Kind, Action], str]] = MappingProxyType(
    {
        (Kind.USER, Action.CREATE): "users.create",
        (Kind.USER, Action.UPDATE): "users.update",
        (Kind.USER, Action.REACTIVATE): "users.update",
        (Kind.USER, Action.DEACTIVATE): "users.deactivate",
        (Kind.USER, Action.DELETE): "users.delete",
        (Kind.GROUP, Action.CREATE): "groups.create",
        (Kind.GROUP, Action.DELETE): "groups.delete",
    }
)


@dataclass(frozen=True, slots=True)
class _Base:
    """What percentages are of, and the same in words where its number does not say it."""

    number: int
    words: str | None = None


def count_changes(context: Context, forecast: Forecast, allowances: Allowances) -> Iterator[Verdict]:
    """Yield the verdict of each guard that counts changes over the whole plan."""
    guards, bases = context.policy.guards, _bases(context)
    counted = defaultdict[str, list[str]](list)
    for step in forecast.steps:
        guard = _GUARDS.get((step.kind, step.action))
        if guard is not None:
            counted[guard].append(step.address)
        if changes_identity(step):
            counted["identity.change"].append(step.address)
    for guard, limit in (
        ("users.create", guards.users_create),
        ("users.update", guards.users_update),
        ("users.deactivate", guards.users_deactivate),
        ("users.delete", guards.users_delete),
        ("groups.create", guards.groups_create),
        ("groups.delete", guards.groups_delete),
        ("identity.change", guards.identity_change),
    ):
        base = bases[guard]
        # Of an empty directory there is no share, and its first users would never come.
        shareless = guard.endswith(".create") and not base.number
        binding = replace(limit, percent=None) if shareless else limit
        yield limited(allowances, guard, binding, counted[guard], base.number, of=base.words)
    yield _memberships(context, forecast, allowances, bases["memberships.remove"])


def changes_identity(step: Step) -> bool:
    """Tell whether a step changes what identifies an existing resource.

    Writing an ``externalId`` where there was none does not: it makes nobody somebody else, and a directory that is
    adopted gets thousands of them.
    """
    return step.identity and any(
        change.identity and not (change.path == "externalId" and change.before is None) for change in step.changes
    )


def _bases(context: Context) -> dict[str, _Base]:
    """Return what the percentage of each guard is of: what is in scope, and known."""
    if context.confinement is not None:
        return _bases_around(context, context.confinement.touched.stated)
    users = [user for user in context.live.users if context.in_scope(user)]
    groups = sum(map(context.in_scope, context.live.groups))
    of_users = _base(context, len(users), Kind.USER)
    of_groups = _base(context, groups, Kind.GROUP)
    return {
        "users.create": of_users,
        "users.update": of_users,
        "users.deactivate": _base(context, sum(map(_is_active, users)), Kind.USER),
        "users.delete": of_users,
        "groups.create": of_groups,
        "groups.delete": of_groups,
        "identity.change": _base(context, len(users) + groups, *Kind),
        "memberships.remove": _base(context, _memberships_in_scope(context), *Kind),
    }


def _bases_around(context: Context, stated: StatedBefore) -> dict[str, _Base]:
    """Return the same for a plan of a change: most of the directory was not read, and it is counted all the same.

    The server tells how many there are, and neither how many of them are in scope nor how many work. So many the files
    are taken to have listed before the change.
    """
    policy, sizes = context.policy, context.live.sizes
    users = _around(context, Kind.USER, None if policy.scope_users is None else stated.users)
    groups = _around(context, Kind.GROUP, None if policy.scope_groups is None else stated.groups)
    both = _Base(
        users.number + groups.number,
        None if users.words is None and groups.words is None else f"{users.number + groups.number} listed or known",
    )
    memberships = _Base(stated.memberships, f"{stated.memberships} stated before") if sizes else None
    return {
        "users.create": users,
        "users.update": users,
        "users.deactivate": _around(context, Kind.USER, stated.active),
        "users.delete": users,
        "groups.create": groups,
        "groups.delete": groups,
        "identity.change": both,
        "memberships.remove": memberships or _base(context, _memberships_in_scope(context), *Kind),
    }


def _around(context: Context, kind: Kind, listed: int | None) -> _Base:
    size = context.live.sizes.get(kind)
    if size is None:
        return _base(context, sum(map(context.in_scope, context.live.of_kind(kind))), kind)
    return _Base(size) if listed is None else _Base(min(size, listed), f"{min(size, listed)} listed before")


def _base(context: Context, number: int, *kinds: Kind) -> _Base:
    return _Base(number, f"{number} known" if any(map(context.partial, kinds)) else None)


def _is_active(user: LiveUser) -> bool:
    return user.attributes.get("active") is True or user.active


def _memberships(context: Context, forecast: Forecast, allowances: Allowances, base: _Base) -> Verdict:
    """Return the verdict on all memberships that end. It names the groups that lose most first."""
    lost = forecast.memberships_lost
    groups = sorted((-number, forecast.address(group)) for group, number in lost.items())
    return limited(
        allowances,
        "memberships.remove",
        context.policy.guards.memberships_remove,
        [address for _, address in groups],
        base.number,
        number=sum(lost.values()),
        of=base.words,
    )


def _memberships_in_scope(context: Context) -> int:
    """Return how many memberships groups in scope have whose members are in scope too."""
    live = context.live
    groups = [group.members for group in live.groups if group.members and context.in_scope(group)]
    if context.policy.scope_users is None and context.policy.scope_groups is None:
        return sum(map(len, groups))
    ours = {one.id for kind in Kind for one in live.of_kind(kind) if context.in_scope(one)}
    return sum(len(ours.intersection(members)) for members in groups)


def count_members(context: Context, forecast: Forecast, allowances: Allowances) -> Iterator[Verdict]:
    """Yield what is refused, or was lifted, of the members that single groups lose.

    A group that takes the place of another loses whom the other had and it has not. Memberships that end because a user
    or a whole group is deleted are counted by the guards of deletions, and in the total.
    """
    limit = context.policy.guards.members_remove
    for group, edges in forecast.removed.items():
        lost = [edge.address for edge in edges]
        yield from _members(allowances, limit, forecast.address(group), lost, len(forecast.before(group)))
    for group, members in forecast.lost_by_group_deletion.items():
        successor = forecast.successor(forecast.deleted[Kind.GROUP][group])
        if successor is not None and members:
            lost = [*forecast.addresses(members)]
            yield from _members(allowances, limit, forecast.address(successor), lost, len(forecast.before(group)))


def _members(allowances: Allowances, limit: Limit, group: str, lost: list[str], base: int) -> Iterable[Verdict]:
    verdict = limited(
        allowances,
        "members.remove",
        limit,
        lost,
        base,
        subject=group,
        how_to_allow=flag("members.remove", subject=group),
    )
    return [verdict] if not verdict.passed or verdict.allowed_by is not None else []

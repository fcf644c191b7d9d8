"""Files and reads that suddenly say less than they did: an emptied kind, a listing that shrank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.capabilities import MembersRead
from reconciler.config import Unlisted
from reconciler.model import Kind, LiveUser
from reconciler.planning.context import Context
from reconciler.planning.guarding.allowing import Allowances, flag
from reconciler.planning.guarding.limits import SHOWN, limited
from reconciler.planning.plan import Verdict

_ASKED: Final = frozenset({MembersRead.USERS_BY_GROUP, MembersRead.PROBE, MembersRead.NONE})
"""Where members are only asked for, it depends on the files which groups are asked, and so does the count."""


def judge_emptiness(context: Context, allowances: Allowances) -> Iterator[Verdict]:
    """Yield a verdict for each kind of which the files list nobody although that is hardly meant.

    It is not where the directory has some that would be taken away for it, or where the last recorded run was made
    from files that listed some. The number is that of the resources at stake, or of those that were listed.
    """
    for kind, listed in ((Kind.USER, context.desired.users), (Kind.GROUP, context.desired.groups)):
        if listed:
            continue
        at_stake = _at_stake(context, kind)
        before = _listed_before(context, kind)
        if not at_stake and not before:
            continue
        guard = f"{kind.lower()}s.empty"
        allowance = allowances.find(guard)
        yield Verdict(
            guard=guard,
            passed=allowance is not None,
            number=len(at_stake) or before,
            limit="0",
            resources=tuple(at_stake[:SHOWN]),
            allowed_by=allowances.reason if allowance is not None else None,
            how_to_allow=flag(guard),
        )


def _listed_before(context: Context, kind: Kind) -> int:
    last = context.history.last_run
    if last is None:
        return 0
    return last.desired_users if kind is Kind.USER else last.desired_groups


def _at_stake(context: Context, kind: Kind) -> list[str]:
    """Return the addresses of the live resources that the ``unlisted`` policy takes something from, or will."""
    policy = context.policy
    unlisted = policy.unlisted_users if kind is Kind.USER else policy.unlisted_groups
    if unlisted is Unlisted.IGNORE or (context.partial(kind) and context.confinement is None):
        return []
    deleted = unlisted is Unlisted.DELETE or policy.delete_after_deactivated is not None
    return sorted(
        one.address
        for one in context.live.of_kind(kind)
        if context.in_scope(one)
        and not context.reserved(kind, one.name)
        and (not isinstance(one, LiveUser) or one.active or (deleted and not context.as_good_as_deleted(one)))
    )


def judge_shrinking(context: Context, allowances: Allowances) -> Iterator[Verdict]:
    """Yield what is refused, or was lifted, because the directory holds less than the last recorded run left there.

    Nothing is said where only what the files name was read, or asked about, or what a change of them touches. The
    subject tells which of the three
    counts it is.
    """
    last, live = context.history.last_run, context.live
    if last is None or context.confinement is not None:
        return
    memberships = sum(len(group.members or ()) for group in live.groups)
    for what, then, now, kinds in (
        ("users", last.users, len(live.users), (Kind.USER,)),
        ("groups", last.groups, len(live.groups), (Kind.GROUP,)),
        ("memberships", last.memberships, memberships, tuple(Kind)),
    ):
        if any(map(context.partial, kinds)) or (what == "memberships" and context.capabilities.members_read in _ASKED):
            continue
        verdict = limited(
            allowances,
            "live.shrink",
            context.policy.guards.live_shrink,
            (),
            then,
            number=max(then - now, 0),
            subject=what,
            how_to_allow=flag("live.shrink"),
        )
        if not verdict.passed or verdict.allowed_by is not None:
            yield verdict

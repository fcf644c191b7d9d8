"""The guards of what nothing lifts for one run: protected resources, and accounts for the day when all else fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.domains import Domains
from reconciler.planning.guarding.forecast import Forecast, key
from reconciler.planning.guarding.limits import SHOWN
from reconciler.planning.guarding.nested_groups import lost_with_others
from reconciler.planning.guarding.protection import WHERE, Protections
from reconciler.planning.plan import Action, Step, Verdict

_TAKES_AWAY = frozenset({Action.DEACTIVATE, Action.DELETE})


def judge_protected(forecast: Forecast, protections: Protections) -> Iterator[Verdict]:
    """Refuse steps that deactivate, delete or replace what is protected, whatever its name is now."""
    for step in forecast.steps:
        if step.action not in _TAKES_AWAY:
            continue
        remedy = protections.protected(step.kind, key(step))
        if remedy is not None:
            yield Verdict(
                guard="protected",
                passed=False,
                number=1,
                limit="0",
                subject=step.address,
                resources=(step.address,),
                how_to_allow=remedy,
            )


def judge_break_glass(context: Context, forecast: Forecast, protections: Protections) -> Iterator[Verdict]:
    """Refuse what would take from a break-glass user the account, its name, or any group, in whatever way."""
    ids = protections.break_glass
    if not ids:
        return
    names = frozenset(map(fold, context.policy.protection.break_glass))
    domains = Domains(context)
    losses = defaultdict[str, dict[str, None]](dict)
    for step in forecast.steps:
        if step.resource_id in ids and step.kind is Kind.USER and _takes_account(step, names, domains):
            losses[step.resource_id][step.address] = None
    for group in dict.fromkeys((*forecast.removed, *forecast.lost_by_group_deletion)):
        lost = forecast.removed_ids(group) | forecast.lost_by_group_deletion.get(group, frozenset())
        for user in sorted(lost & ids):
            losses[user][forecast.address(group)] = None
    for user, group in lost_with_others(context.live, forecast, ids):
        losses[user][forecast.address(group)] = None
    for user, lost_things in losses.items():
        yield Verdict(
            guard="break_glass",
            passed=False,
            number=len(lost_things),
            limit="0",
            subject=context.live.users_by_id[user].address,
            resources=tuple(lost_things)[:SHOWN],
            how_to_allow=f"take the user out of `protect.break_glass` in {WHERE}",
        )


def _takes_account(step: Step, names: frozenset[str], domains: Domains) -> bool:
    """Tell whether a step switches an account off, deletes it, unlinks it, or takes the name that it is known by."""
    return step.action in _TAKES_AWAY or any(
        (
            change.path == step.kind.naming_attribute
            and fold(step.name) in names
            and fold(str(change.after)) not in names
        )
        or (change.path == "active" and change.after is False)
        or domains.unlinks(change)
        for change in step.changes
    )

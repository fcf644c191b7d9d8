"""The guard of privileged groups: whatever changes them, additions too, needs an allowance that names the group."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

import msgspec

from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair
from reconciler.planning.guarding.allowing import Allowances, flag
from reconciler.planning.guarding.forecast import Forecast, key
from reconciler.planning.guarding.limits import SHOWN
from reconciler.planning.guarding.protection import Protections
from reconciler.planning.plan import Action, Step, Verdict

_CHANGES_ACCOUNT = frozenset({Action.CREATE, Action.REACTIVATE, Action.DEACTIVATE, Action.DELETE})


def judge_privileged(
    context: Context, forecast: Forecast, protections: Protections, allowances: Allowances
) -> Iterator[Verdict]:
    """Yield what is refused, or was lifted, of the changes of privileged groups.

    Where the directory nests groups, a group inside a privileged one is privileged as well: who joins it gets the same
    rights.
    """
    if not protections.names_privileged:
        return
    changes: dict[str, list[str]] = {}
    for step in forecast.steps:
        if step.kind is Kind.GROUP:
            changed = [edge.address for edge in step.members] or [step.address]
            changes.setdefault(key(step), []).extend(changed)
    for group, lost in forecast.lost_by_deletion.items():
        changes.setdefault(group, []).extend(forecast.addresses(lost))
    inside = _inside(context, forecast, protections)
    for group, changed in changes.items():
        if group not in inside and not protections.privileged(group):
            continue
        subject = forecast.address(group)
        allowance = allowances.find("privileged", subject)
        enough = allowance is not None and (allowance.count is None or len(changed) <= allowance.count)
        yield Verdict(
            guard="privileged",
            passed=enough,
            number=len(changed),
            limit="0" if allowance is None or allowance.count is None else str(allowance.count),
            subject=subject,
            resources=tuple(changed[:SHOWN]),
            allowed_by=allowances.reason if enough else None,
            how_to_allow=flag("privileged", subject=subject),
        )


def _inside(context: Context, forecast: Forecast, protections: Protections) -> frozenset[str]:
    """Return the groups that are inside privileged ones, by what is there and by what the plan adds."""
    if not context.capabilities.nested_groups:
        return frozenset()
    known = context.live.groups_by_id
    found: set[str] = set()
    waiting = [group for group in (*known, *forecast.created[Kind.GROUP]) if protections.privileged(group)]
    while waiting:
        group = waiting.pop()
        held = [member for member in forecast.before(group) if member in known]
        held += [edge.id or edge.address for edge in forecast.added.get(group, ()) if edge.kind is Kind.GROUP]
        new = [member for member in held if member not in found]
        found.update(new)
        waiting.extend(new)
    return frozenset(found)


def with_privileged(context: Context, steps: Collection[Step], pairs: Collection[AnyPair] = ()) -> tuple[Step, ...]:
    """Return the steps, those marked that change privileged groups, whether or not that was allowed.

    They are the ones that the guard counts, and the steps on the accounts of people who are in such a group before the
    plan or come into it.

    Args:
        context: the inputs of the planning.
        steps: what the plan would do.
        pairs: which live resource each listed one means.
    """
    steps = tuple(steps)
    stated = any(group.lifecycle.privileged for group in context.desired.groups)
    if not steps or not (stated or context.policy.protection.privileged):
        return steps
    forecast, protections = Forecast(context.live, steps), Protections(context, steps, pairs)
    known = (*context.live.groups_by_id, *forecast.created[Kind.GROUP])
    groups = _inside(context, forecast, protections).union(filter(protections.privileged, known))
    before = set(chain.from_iterable(map(forecast.before, groups)))
    after = {edge.id or edge.address for group in groups for edge in forecast.added.get(group, ())}
    members = before | after

    def counts(step: Step) -> bool:
        if step.kind is Kind.GROUP and key(step) in groups:
            return True
        # A group that is deleted is a loss like a user where the directory has nested groups against its own word.
        about_member = step.kind is Kind.USER or step.action is Action.DELETE
        return about_member and step.action in _CHANGES_ACCOUNT and key(step) in members

    return tuple(msgspec.structs.replace(step, privileged=True) if counts(step) else step for step in steps)

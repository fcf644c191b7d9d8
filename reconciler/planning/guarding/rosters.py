"""The guards of who and how many must be in a group: ``required_members`` and ``min_members``."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.guarding.forecast import Forecast
from reconciler.planning.guarding.limits import SHOWN
from reconciler.planning.guarding.protection import Protections
from reconciler.planning.plan import Verdict


def judge_rosters(context: Context, forecast: Forecast, protections: Protections) -> Iterator[Verdict]:
    """Refuse plans by which a group has too few members at any moment, or lacks one whom it must have.

    The files answer for a group whose members they state. For any other group a plan is refused only if it takes
    somebody away: what a person did in the directory must not stop every plan from then on.
    """
    groups = sorted(protections.ruled_groups(), key=lambda group: (forecast.address(group), group))
    required = {group: protections.required(group) for group in groups}
    ids = protections.users_named({name for members in required.values() for name in members})
    replaced = {group for group, step in forecast.deleted[Kind.GROUP].items() if forecast.successor(step) is not None}
    for group in groups:
        if group in replaced:
            continue  # Its successor answers for it, under both names.
        answers = _answers(context, forecast, protections, group)
        yield from _missing(forecast, group, required[group], ids, answers=answers)
        yield from _too_few(forecast, protections, group, answers=answers)


def _answers(context: Context, forecast: Forecast, protections: Protections, group: str) -> bool:
    """Tell whether this plan answers for all members of a group, and not only for those whom it takes away."""
    confined = bool(context.policy.only or context.policy.exclude) or context.confinement is not None
    touched = group in forecast.created[Kind.GROUP] or group in forecast.added or group in forecast.removed
    return protections.manages_members(group) and (touched or not confined)


def _too_few(forecast: Forecast, protections: Protections, group: str, *, answers: bool) -> Iterator[Verdict]:
    minimum = protections.minimum(group)
    if minimum is None:
        return
    # Whom this plan deactivates can do nothing for the group any more, although still in it.
    off = forecast.switched_off(group)
    lost, lowest = forecast.lost(group) | off, forecast.lowest(group) - len(off)
    if lowest < minimum.number and (answers or lost):
        yield Verdict(
            guard="min_members",
            passed=False,
            number=lowest,
            limit=f"at least {minimum.number}",
            subject=forecast.address(group),
            resources=forecast.addresses(lost)[:SHOWN],
            how_to_allow=minimum.remedy,
        )


def _missing(
    forecast: Forecast,
    group: str,
    required: dict[str, str],
    ids_by_name: dict[str, frozenset[str]],
    *,
    answers: bool,
) -> Iterator[Verdict]:
    if not required:
        return
    added = forecast.added.get(group, ())
    there = forecast.before(group).union(edge.id for edge in added if edge.id is not None)
    coming = {fold(edge.name) for edge in added}
    gone = forecast.lost(group) | (there & (forecast.deactivated.keys() | forecast.deleted[Kind.USER].keys()))
    missing = {}
    for name, remedy in required.items():
        ids = ids_by_name[fold(name)]
        if ids & gone or (answers and there.isdisjoint(ids) and fold(name) not in coming):
            missing[Kind.USER.address(name)] = remedy
    if missing:
        yield Verdict(
            guard="required_members",
            passed=False,
            number=len(missing),
            limit="0",
            subject=forecast.address(group),
            resources=tuple(missing)[:SHOWN],
            how_to_allow="; ".join(dict.fromkeys(missing.values())),
        )

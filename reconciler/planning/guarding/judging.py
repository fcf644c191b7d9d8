"""Every guard's verdict on a whole plan, before its first write."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair
from reconciler.planning.guarding.accounts import judge_break_glass, judge_protected
from reconciler.planning.guarding.allowing import Allowances
from reconciler.planning.guarding.counting import count_changes, count_members
from reconciler.planning.guarding.emptiness import judge_emptiness, judge_shrinking
from reconciler.planning.guarding.forecast import Forecast
from reconciler.planning.guarding.privilege import judge_privileged
from reconciler.planning.guarding.protection import Protections
from reconciler.planning.guarding.rosters import judge_rosters
from reconciler.planning.guarding.sizes import judge_sizes
from reconciler.planning.plan import Step, Verdict


def judge(
    context: Context,
    steps: Collection[Step],
    pairs: Collection[AnyPair] = (),
    *,
    from_files: bool = True,
) -> tuple[Verdict, ...]:
    """Return the verdict of every guard on a plan, wherever its steps come from.

    Guards count the steps that are left after any selection, and what follows from them in the live directory. The
    ones that count changes over the whole plan always speak; those about one resource, only when they refuse or were
    lifted. What is worth a note (a size limit that is near, an allowance that lifted nothing) is added to the context's
    findings, so that this must be called before the notes of the plan are gathered.

    A plan that does not come from the difference between files and directory, such as an undo, is judged by the same
    call: with the context of the present files and directory, its own steps, ``from_files=False``, and the pairs of
    :func:`~reconciler.planning.correlation.correlate` of users and groups together. Without pairs what the files
    protect under ``lifecycle`` is found by name alone. Before that, all steps need
    :func:`~reconciler.planning.guarding.minimums.with_minimums`.

    Args:
        context: the inputs of the planning; its policy has limits, protection, allowances and the reason.
        steps: what the plan would do.
        pairs: which live resource each listed one means.
        from_files: whether the steps are what the files state. Where not, it means nothing that these are empty.
    """
    return tuple(_verdicts(context, steps, pairs, from_files=from_files))


def _verdicts(
    context: Context, steps: Collection[Step], pairs: Collection[AnyPair], *, from_files: bool
) -> Iterator[Verdict]:
    forecast = Forecast(context.live, steps)
    protections = Protections(context, steps, pairs)
    allowances = Allowances(context.policy)
    # What the plan was made from comes first: where that is wrong, the numbers below only follow from it.
    if from_files:
        yield from judge_emptiness(context, allowances)
    yield from judge_shrinking(context, allowances)
    yield from count_changes(context, forecast, allowances)
    yield from count_members(context, forecast, allowances)
    yield from judge_protected(forecast, protections)
    yield from judge_break_glass(context, forecast, protections)
    yield from judge_rosters(context, forecast, protections)
    yield from judge_privileged(context, forecast, protections, allowances)
    yield from judge_sizes(context, forecast)
    context.findings.notes.extend(allowances.unused())

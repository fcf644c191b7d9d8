"""``(PastRun, Desired, Live, Policy, as_of, History) -> Plan``: pure, and the same inputs give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.config import Policy
from reconciler.diagnostics import Diagnostic, DiagnosticsError
from reconciler.model import NO_HISTORY, Desired, History, Live
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair, correlate
from reconciler.planning.plan import Note, Plan, Step
from reconciler.planning.planner import finished
from reconciler.planning.undo import attributes, creations
from reconciler.planning.undo.deletions import returns
from reconciler.planning.undo.memberships import Memberships
from reconciler.planning.undo.names import settle_names
from reconciler.planning.undo.past import Deeds, PastRun
from reconciler.planning.undo.today import Today


def plan_undo(
    past: PastRun,
    desired: Desired,
    live: Live,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    history: History = NO_HISTORY,
) -> Plan:
    """Work out what returns the resources that a run touched to what they were before it.

    Only what still is as the run left it is returned, attribute by attribute and membership by membership. What is not
    (``not-as-left``) and what cannot be brought back (``cannot-undo``) is told in the plan's notes.

    Args:
        past: the run, with what became of each of its steps. Failed ones were refused, and do not count; of ones whose
            outcome is unknown, the directory tells.
        desired: what the files state now: whom they protect counts for the guards.
        live: what the directory holds now, complete.
        as_of: the moment of the plan; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given.
        history: what earlier runs left. What the directory is known to have made of a value counts as left by the run.

    Returns:
        A sealed plan with the run's id in ``undoes``, to be reviewed and applied like any other. Guards that refuse it
        are in it.

    Raises:
        DiagnosticsError: the run was made on another directory, or names that are given back wait for each other.
        ValueError: ``as_of`` has no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of must know its time zone")
    _refuse_other_directory(past, live)
    users, groups = correlate(desired.users, live.users), correlate(desired.groups, live.groups)
    context = Context(
        desired=desired,
        live=live,
        policy=policy or desired.config.policy,
        as_of=as_of,
        listed=frozenset(pair.live.id for pair in users.pairs if pair.live is not None),
        history=history,
    )
    today = Today(context, Deeds.of(past, live))
    # The files may have become ambiguous since. That is no obstacle to an undo, which goes by ids.
    pairs: tuple[AnyPair, ...] = (*users.pairs, *groups.pairs)
    steps = tuple(_steps(today))
    context.findings.notes.extend((*_files_still_state_it(past, desired, steps), *today.remarks.notes()))
    return finished(context, steps, pairs, undoes=past.id)


def _steps(today: Today) -> Iterator[Step]:
    """Yield every step, in no particular order."""
    returned = returns(today)
    unmaking = creations.unmade(today, returned)
    memberships = list(Memberships(today, returned).steps())
    deletions = {step.resource_id or "": step for step in creations.deletions(today, unmaking, returned, memberships)}
    drafts = [
        *attributes.drafts(today),
        *attributes.reactivations(today),
        *creations.switched_off(today, unmaking),
    ]
    yield from (back.step for back in returned.values() if back.step is not None)
    yield from attributes.steps_of(today, settle_names(today, drafts, deletions))
    yield from memberships
    yield from deletions.values()


def _refuse_other_directory(past: PastRun, live: Live) -> None:
    if past.plan.directory.base_url != live.base_url:
        raise DiagnosticsError(
            [
                Diagnostic(
                    code="other-directory",
                    message=f"run {past.id} was made on {past.plan.directory.base_url}, and this is {live.base_url}",
                    hint="undo it from the workspace of that directory",
                )
            ]
        )


def _files_still_state_it(past: PastRun, desired: Desired, steps: tuple[Step, ...]) -> Iterator[Note]:
    """Tell that the next apply would do it all again."""
    if steps and past.plan.undoes is None and past.plan.desired.digest == desired.digest:
        yield Note(
            severity="warning",
            code="files-unchanged",
            message=f"the files state what run {past.id} applied, and the next apply makes these changes again: take "
            "them back in the files too",
        )

"""How far earlier runs have come with a plan, as their ledgers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.api.carrying_out import Before
from reconciler.api.errors import PlanAppliedError, PlanUndoneError
from reconciler.planning import Plan
from reconciler.store import RunRecord, RunStatus, StepRecord, Store, StoreError
from reconciler.store.records import TRYING

if TYPE_CHECKING:
    # Most commands do not write, and start-up time is felt at every one.
    from reconciler.applying import Outcome
    from reconciler.planning import Step


def begun(store: Store, plan: Plan) -> Before | None:
    """Return how far earlier runs of exactly this plan have come, as their ledgers tell, or ``None`` without any.

    All of them count, whichever went on with which: what one has done is not done again by the next, and what one may
    have done is doubtful until a later one has found out.

    Raises:
        PlanUndoneError: one of them was undone.
        PlanAppliedError: they have applied every step.
        StoreError: a ledger is damaged.
    """
    runs = store.runs_of_plan(plan.directory.base_url, plan.digest)
    undone = store.undone(run.id for run in runs)
    if undone is not None:
        raise PlanUndoneError(*undone)
    complete = next((run for run in runs if run.status is RunStatus.COMPLETE), None)
    if complete is not None:
        raise PlanAppliedError(complete)
    if not runs:
        return None
    settled: dict[str, Outcome] = {}
    doubtful: set[str] = set()
    for run in runs:
        for step, line in zip(plan.steps, ledger_of(store, run, plan), strict=True):
            outcome = _settled(step, line, run.id)
            if outcome is not None:
                settled.setdefault(step.id, outcome)
            elif line.state == TRYING or line.requests:
                # One that failed may have written a part of what it wanted.
                doubtful.add(step.id)
    return Before(run_id=runs[0].id, settled=settled, doubtful=doubtful - settled.keys())


def ledger_of(store: Store, run: RunRecord, plan: Plan) -> list[StepRecord]:
    """Return the ledger of a run of a plan, a line for each of the plan's steps, in their order.

    Raises:
        StoreError: it is not about these steps.
    """
    # It loads SQLAlchemy, and start-up time is felt at every command.
    from reconciler.store.audit import storable

    lines = store.steps_of(run.id)
    if [line.step for line in lines] != [storable(step.id) for step in plan.steps]:
        raise StoreError(
            f"the ledger of run {run.id} in the store is not the one of its plan: it was damaged or altered, and what "
            "the run has done is not known. Make a new plan"
        )
    return lines


def _settled(step: Step, line: StepRecord, run_id: str) -> Outcome | None:
    """Return the outcome of a step that an earlier run has done, as that of a step that cost nothing now."""
    from reconciler.applying import Outcome, Status

    if line.state not in (Status.APPLIED, Status.DIFFERS):
        return None
    told = f"done by the run {run_id}"
    return Outcome(
        step=step,
        status=Status(line.state),
        message=f"{line.message} ({told})" if line.message and line.state == Status.DIFFERS else told,
        resource_id=line.resource_id,
        before=line.before,
    )

"""How far earlier runs have come with a plan, as their ledgers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.api.carrying_out import Before
from reconciler.api.errors import PlanAppliedError
from reconciler.planning import Plan
from reconciler.store import RunStatus, StepRecord, Store
from reconciler.store.records import TRYING

if TYPE_CHECKING:
    # Most commands do not write, and start-up time is felt at every one.
    from reconciler.applying import Outcome
    from reconciler.planning import Step


def begun(store: Store, plan: Plan) -> Before | None:
    """Return how far the last run of exactly this plan has come, or ``None`` where the store knows of none.

    Raises:
        PlanAppliedError: it has applied every step.
    """
    last = store.run_of_plan(plan.directory.base_url, plan.digest)
    if last is None:
        return None
    if last.status is RunStatus.COMPLETE:
        raise PlanAppliedError(last)
    return standing(store, last.id, plan)


def standing(store: Store, run_id: str, plan: Plan) -> Before:
    """Return how far a run and those that it went on with have come with a plan, as their ledgers tell."""
    settled: dict[str, Outcome] = {}
    doubtful: set[str] = set()
    seen: set[str] = set()
    earlier: str | None = run_id
    while earlier is not None and earlier not in seen:
        seen.add(earlier)
        for step, line in zip(plan.steps, store.steps_of(earlier), strict=True):
            outcome = _settled(step, line, earlier)
            if outcome is not None:
                settled.setdefault(step.id, outcome)
            elif line.state == TRYING or line.requests:
                # One that failed may have written a part of what it wanted.
                doubtful.add(step.id)
        earlier = store.run(earlier).resumes
    return Before(run_id=run_id, settled=settled, doubtful=doubtful - settled.keys())


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

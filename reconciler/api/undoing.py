"""Taking a run back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.errors import RunGoesOnError
from reconciler.api.history import existing_store, named, still_running
from reconciler.api.standing import ledger_of
from reconciler.config import Policy
from reconciler.live import Wanted, WantedResource
from reconciler.model import Desired, Kind, Live
from reconciler.planning import Plan, Step
from reconciler.store import RunRecord, Store

if TYPE_CHECKING:
    # Few runs are undone, and start-up time is felt at every command.
    from reconciler.planning.undo import PastRun


def undo(
    run_id: str,
    desired: Desired,
    live: Live,
    workspace: Path | str,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    environ: Mapping[str, str] | None = None,
) -> Plan:
    """Work out what returns the resources that a run touched to what they were before it. Nothing is written.

    Args:
        run_id: the run.
        desired: what the files state now: whom they protect counts for the guards.
        live: what the directory holds now, with all that :func:`wanted_for_undo` names.
        workspace: the folder of the files.
        as_of: the moment of the plan; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given.
        environ: the environment variables that the store's URL may name; this process's own if left out.

    Returns:
        A sealed plan like any other, to be reviewed and given to :func:`reconciler.apply`. Only what still is as the
        run left it is returned; what is not, and what cannot be brought back, is in its notes.

    Raises:
        NoSuchRunError: there is no such run; it tells which one was probably meant.
        RunGoesOnError: it still runs.
        DiagnosticsError: the run was made on another directory.
        PlanFileError: its plan was altered in the store.
        NoStoreError, StoreError: there is no store, or it cannot be read.
    """
    from reconciler.planning.undo import plan_undo

    with existing_store(desired.config, workspace, os.environ if environ is None else environ) as store:
        run = named(store, run_id)
        if still_running(store, run):
            raise RunGoesOnError(run_id)
        past, history = past_run(store, run), store.history(live.base_url)
    return plan_undo(past, desired, live, as_of=as_of, policy=policy, history=history)


def wanted_for_undo(
    run_id: str,
    desired: Desired,
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
) -> Wanted:
    """Return what has to be read of a directory so that a run can be undone, for :func:`reconciler.read_live`.

    Args:
        run_id: the run.
        desired: what the files state now.
        workspace: their folder.
        environ: the environment variables that the store's URL may name; this process's own if left out.

    Raises:
        NoSuchRunError: there is no such run; it tells which one was probably meant.
        PlanFileError: its plan was altered in the store.
        NoStoreError, StoreError: there is no store, or it cannot be read.
    """
    with existing_store(desired.config, workspace, environ) as store:
        past = past_run(store, named(store, run_id))
    stated = Wanted.of(desired)
    touched = dict.fromkeys(_touched(past))
    return Wanted(
        users=(*stated.users, *(one for kind, one in touched if kind is Kind.USER)),
        groups=(*stated.groups, *(one for kind, one in touched if kind is Kind.GROUP)),
    )


def past_run(store: Store, run: RunRecord) -> PastRun:
    """Return a recorded run as planning an undo takes it."""
    from reconciler.planning.undo import PastRun, PastStep

    plan = store.plan_of(run.id)
    return PastRun(
        id=run.id,
        plan=plan,
        steps=tuple(
            PastStep(
                step=step,
                status=line.state,
                resource_id=line.resource_id,
                before=line.before,
                # One that went on with another run has its outcomes too, and not the requests that they took.
                requests=None if run.resumes is not None else line.requests,
            )
            for step, line in zip(plan.steps, ledger_of(store, run, plan), strict=True)
        ),
    )


def _touched(past: PastRun) -> Iterator[tuple[Kind, WantedResource]]:
    for one in past.steps:
        step = one.step
        names = tuple(dict.fromkeys((step.name, *_new_names(step), *((step.replaces,) if step.replaces else ()))))
        resource_id = one.resource_id or step.resource_id
        group = step.kind is Kind.GROUP
        yield step.kind, WantedResource(names=names, id=resource_id, members=group, filled=group)
        for edge in step.members:
            yield edge.kind, WantedResource(names=(edge.name,), id=edge.id)


def _new_names(step: Step) -> Iterable[str]:
    return (
        change.after
        for change in step.changes
        if change.path == step.kind.naming_attribute and isinstance(change.after, str)
    )

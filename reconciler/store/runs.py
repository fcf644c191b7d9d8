"""Reading what runs did: the runs, their plans, and their ledgers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, select

from reconciler.model import LastRun
from reconciler.planning.document import PlanFileError, decode
from reconciler.planning.plan import LiveCounts, Plan
from reconciler.store.aftermath import Result, counts_after
from reconciler.store.damage import readable
from reconciler.store.errors import NoSuchRunError, StoreError
from reconciler.store.moments import read_stamp
from reconciler.store.records import Actor, RunRecord, RunStatus, StepRecord
from reconciler.store.tables import runs, steps

_COLUMNS: Final = tuple(column for column in runs.c if column is not runs.c.plan)
_AT_ONCE: Final = 2000
"""Rows that are fetched together, where there may be many."""
_LOOKED_AT: Final = 5
"""Runs among which one is looked for that tells what it left: only one that is dead and damaged does not."""


def list_runs(connection: Connection, directory: str | None, limit: int) -> list[RunRecord]:
    """Return runs, the newest first.

    Args:
        connection: to the store.
        directory: the SCIM endpoint; all if ``None``.
        limit: how many at most.
    """
    query = select(*_COLUMNS).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit)
    if directory is not None:
        query = query.where(runs.c.directory == directory)
    return [_record(row) for row in connection.execute(query).mappings()]


def get_run(connection: Connection, run_id: str) -> RunRecord:
    """Return one run.

    Raises:
        NoSuchRunError: there is none of this name.
    """
    row = connection.execute(select(*_COLUMNS).where(runs.c.id == run_id)).mappings().first()
    if row is None:
        raise NoSuchRunError(run_id)
    return _record(row)


def list_of_plan(connection: Connection, directory: str, digest: str) -> list[RunRecord]:
    """Return the runs that began to carry out a plan, the newest first."""
    wanted = (runs.c.directory == directory) & (runs.c.plan_digest == digest)
    query = select(*_COLUMNS).where(wanted).order_by(runs.c.started.desc(), runs.c.id.desc())
    return [_record(row) for row in connection.execute(query).mappings()]


def first_undone(connection: Connection, run_ids: Iterable[str]) -> tuple[str, str] | None:
    """Return the first of these runs that was undone, and the run that did so, or ``None`` where none was."""
    query = select(runs.c.undoes, runs.c.id).where(runs.c.undoes.in_(list(run_ids))).order_by(runs.c.started, runs.c.id)
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (row.undoes, row.id)


def plan_of(connection: Connection, run_id: str) -> Plan:
    """Return the plan of a run, proven intact.

    Raises:
        NoSuchRunError: there is no such run.
        PlanFileError: the plan was altered.
        StoreError: it cannot be read.
    """
    row = connection.execute(select(runs.c.plan, runs.c.plan_digest).where(runs.c.id == run_id)).first()
    if row is None:
        raise NoSuchRunError(run_id)
    try:
        plan = decode(zlib.decompress(row.plan))
    except (zlib.error, TypeError) as error:
        raise StoreError(f"the plan of run {run_id} in the store is damaged: {error}") from error
    if plan.digest != row.plan_digest:
        raise StoreError(
            f"the plan of run {run_id} in the store is another one than the run began with: it was altered"
        )
    return plan


def steps_of(connection: Connection, run_id: str) -> Iterator[StepRecord]:
    """Yield the ledger of a run, in the order of its plan. Nothing where there is no such run."""
    query = select(*steps.c).where(steps.c.run_id == run_id).order_by(steps.c.number)
    with connection.execute(query.execution_options(yield_per=_AT_ONCE)) as found:
        for row in found.mappings():
            with readable(f"step {row['number']} of run {run_id}"):
                record = StepRecord(
                    number=row["number"],
                    step=row["step"],
                    state=row["state"],
                    message=row["message"],
                    resource_id=row["resource_id"],
                    http_status=row["http_status"],
                    request_id=row["request_id"],
                    requests=row["requests"],
                    tried=_moment(row["tried"]),
                    finished=_moment(row["finished"]),
                    before=None if row["before"] is None else msgspec.json.decode(row["before"], type=dict[str, Any]),
                )
            yield record


def last_run(connection: Connection, directory: str, *, running: bool = True) -> LastRun | None:
    """Return what the last run of a directory left there, or ``None`` where there was none.

    Of one without an end, that is what its ledger tells so far: whether it goes on or is dead, what it has taken away
    is not there any more.

    Args:
        connection: to the store.
        directory: the SCIM endpoint.
        running: whether runs without an end count, too.
    """
    known = runs.c.users.is_not(None) & runs.c.ended.is_not(None)
    if running:
        known |= runs.c.status == RunStatus.RUNNING.value
    wanted = (runs.c.directory == directory) & known
    query = select(*_COLUMNS).where(wanted).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(_LOOKED_AT)
    for row in connection.execute(query).mappings().all():
        record = _record(row)
        left = _left(connection, row, record)
        if left is not None:
            return LastRun(
                run_id=record.id,
                at=record.ended or record.started,
                users=left.users,
                groups=left.groups,
                memberships=left.memberships,
                desired_users=row["desired_users"],
                desired_groups=row["desired_groups"],
            )
    return None


def _left(connection: Connection, row: RowMapping, run: RunRecord) -> LiveCounts | None:
    """Return how much a run left in its directory, or ``None`` where that cannot be told."""
    if run.status is not RunStatus.RUNNING:
        return LiveCounts(users=row["users"], groups=row["groups"], memberships=row["memberships"])
    try:
        plan = plan_of(connection, run.id)
    except (PlanFileError, StoreError):
        return None
    return left_by(connection, run.id, plan, results_of(connection, run.id, plan))


def results_of(connection: Connection, run_id: str, plan: Plan) -> list[Result]:
    """Return what became of the steps of a run, as its ledger tells."""
    ledger = steps_of(connection, run_id)
    return [Result(step, line.state, line.before) for step, line in zip(plan.steps, ledger, strict=False)]


def left_by(connection: Connection, run_id: str, plan: Plan, results: Iterable[Result]) -> LiveCounts | None:
    """Return how much a run left in its directory, which is the last one there; ``None`` where nobody knows.

    For a plan of a change, most of the directory was not read: there it is what the run before left, corrected by what
    this one did. So it never looks as if nearly everything were gone, nor as if this tool's own deletions were not its.
    What an earlier run of the same plan did is in what the run before left.
    """
    if plan.since is None:
        return counts_after(plan, results)
    before = last_run(connection, plan.directory.base_url, running=False)
    if before is None:
        return None
    live = LiveCounts(users=before.users, groups=before.groups, memberships=before.memberships)
    others = [run.id for run in list_of_plan(connection, plan.directory.base_url, plan.digest) if run.id != run_id]
    counted = {one.step.id for other in others for one in results_of(connection, other, plan) if one.counts}
    return counts_after(plan, [result for result in results if result.step.id not in counted], live)


def _record(row: RowMapping) -> RunRecord:
    with readable(f"run {row['id']}"):
        return RunRecord(
            id=row["id"],
            directory=row["directory"],
            name=row["name"],
            command=row["command"],
            status=RunStatus(row["status"]),
            started=read_stamp(row["started"]),
            ended=_moment(row["ended"]),
            plan_digest=row["plan_digest"],
            actor=msgspec.json.decode(row["actor"], type=Actor),
            reason=row["reason"],
            resumes=row["resumes"],
            undoes=row["undoes"],
            steps=row["steps"],
            counts=msgspec.json.decode(row["counts"], type=dict[str, int]),
            stopped=row["stopped"],
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else read_stamp(text)

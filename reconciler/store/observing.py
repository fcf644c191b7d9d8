"""What a directory made of earlier writes: learned from outcomes, and remembered for the plans to come.

It is a memory and no state: without it everything works, only that a change which the directory never keeps is planned,
written and found different once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from reconciler.applying.outcome import Outcome, Status
from reconciler.attributes import canonical
from reconciler.model import Kind, Observation
from reconciler.planning.plan import Action
from reconciler.store.damage import readable
from reconciler.store.tables import observations

MAX_ROWS: Final = 400_000
"""How many are kept of one directory. 100,000 users that do not keep three attributes each fit well."""
_KEPT: Final = 2
"""Observations of one value that are of use: whether a write that changed nothing did so twice."""
_MOST_KEPT: Final = 10_000
"""Values that were kept and are remembered of one run: what overwrites them shows in some of many as well."""


def learned(outcomes: Iterable[Outcome]) -> Iterator[Observation]:
    """Yield what outcomes tell of a directory: first what it stored otherwise, then what it kept."""
    outcomes = tuple(outcomes)
    yield from _differences(outcomes)
    yield from islice(_kept(outcomes), _MOST_KEPT)


def remember(
    connection: Connection, directory: str, run_id: str, outcomes: Iterable[Outcome], *, max_rows: int = MAX_ROWS
) -> None:
    """Add what a run learned of a directory, and forget the oldest where that is too much.

    Args:
        connection: in a transaction that may write.
        directory: the SCIM endpoint.
        run_id: the run.
        outcomes: what became of its steps.
        max_rows: how many observations may be kept of the directory; the oldest half goes where there are more.
    """
    encode = msgspec.json.Encoder().encode
    rows = [
        {
            "directory": directory,
            "run_id": run_id,
            "kind": seen.kind.value,
            "resource_id": seen.id,
            "path": seen.path,
            "wrote": encode(seen.wrote).decode(),
            "stored": encode(seen.stored).decode(),
            "unchanged": int(seen.unchanged),
        }
        for seen in learned(outcomes)
    ]
    if not rows:
        return
    connection.execute(insert(observations), rows)
    count = select(func.count()).where(observations.c.directory == directory)
    if connection.execute(count).scalar_one() > max_rows:
        _forget_the_oldest(connection, directory, keep=max_rows // 2)


def recall(connection: Connection, directory: str) -> tuple[Observation, ...]:
    """Return what earlier runs learned of a directory, the oldest first."""
    decode = msgspec.json.Decoder().decode
    columns = observations.c
    query = select(columns.kind, columns.resource_id, columns.path, columns.wrote, columns.stored, columns.unchanged)
    rows = connection.execute(query.where(columns.directory == directory).order_by(columns.id))
    with readable("an observation"):
        return tuple(
            Observation(
                kind=Kind(kind),
                id=resource_id,
                path=path,
                wrote=decode(wrote),
                stored=decode(stored),
                unchanged=bool(unchanged),
            )
            for kind, resource_id, path, wrote, stored, unchanged in rows
        )


def _differences(outcomes: Iterable[Outcome]) -> Iterator[Observation]:
    """Yield what was stored otherwise, and of each whether the directory merely left everything as it was."""
    for outcome in outcomes:
        existed = outcome.step.action is not Action.CREATE
        before = {change.path: change.before for change in outcome.step.changes if existed}
        for seen in outcome.differences:
            ignored = seen.path in before and canonical(before[seen.path], None) == canonical(seen.stored, None)
            yield replace(seen, unchanged=ignored)


def _kept(outcomes: Iterable[Outcome]) -> Iterator[Observation]:
    """Yield what existing resources kept: it tells, after some runs, that something changes it back every time."""
    for outcome in outcomes:
        step = outcome.step
        if step.action is Action.CREATE or outcome.status is not Status.APPLIED or not outcome.requests:
            continue
        for change in step.changes:
            # Whether an account works is written whatever became of it before.
            if change.path != "active" and outcome.resource_id is not None:
                yield Observation(
                    kind=step.kind, id=outcome.resource_id, path=change.path, wrote=change.after, stored=change.after
                )


def _forget_the_oldest(connection: Connection, directory: str, *, keep: int) -> None:
    """Keep the newest of what is of use: the last observations of each value."""
    columns = observations.c
    value = (columns.kind, columns.resource_id, columns.path)
    rank = func.row_number().over(partition_by=value, order_by=columns.id.desc()).label("rank")
    ranked = select(columns.id, rank).where(columns.directory == directory).subquery()
    newest = select(ranked.c.id).where(ranked.c.rank <= _KEPT).order_by(ranked.c.id.desc()).limit(keep).subquery()
    gone = (columns.directory == directory) & columns.id.not_in(select(newest.c.id))
    connection.execute(delete(observations).where(gone))

"""What was done before: the runs in the store, and all that is known of one of them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.config import DirectoryConfig
from reconciler.diagnostics import ReconcilerError
from reconciler.planning import Plan
from reconciler.store import NoSuchRunError, RunRecord, RunStatus, StepRecord, Store
from reconciler.store.errors import NoStoreError
from reconciler.store.records import LockHolder

_KNOWN = 1000
"""Runs among which a misspelt one is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOverview:
    """A run in the list of all.

    Attributes:
        run: what was recorded of it.
        dead: whether it is recorded as running although it does not hold the lock: its process died.
    """

    run: RunRecord
    dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """All that is known of one run.

    Attributes:
        run: what was recorded of it.
        dead: whether it is recorded as running although it does not hold the lock: its process died.
        holder: who holds the lock as this run, while it runs.
        plan: what it carried out; ``None`` where the plan in the store is not intact.
        damage: what is wrong with the plan, where it is not intact.
        steps: its ledger, in the order of the plan.
        resumed_by: the runs that went on with it, the oldest first.
        undone_by: the runs that undid it, likewise.
    """

    run: RunRecord
    dead: bool
    holder: LockHolder | None
    plan: Plan | None
    damage: str | None
    steps: tuple[StepRecord, ...]
    resumed_by: tuple[str, ...]
    undone_by: tuple[str, ...]

    @property
    def resumable(self) -> bool:
        """Whether there is something left that a run could go on with."""
        ended = self.dead or self.run.status not in (RunStatus.RUNNING, RunStatus.COMPLETE)
        followed = self.resumed_by or self.undone_by
        return ended and bool(self.steps) and not followed and self.plan is not None

    @property
    def undoable(self) -> bool:
        """Whether it did something, or may have, that was not taken back as a whole."""
        touched = any(line.state in ("applied", "differs", "trying") for line in self.steps)
        ended = self.dead or self.run.status is not RunStatus.RUNNING
        return ended and touched and not self.undone_by and self.plan is not None


def runs(
    config: DirectoryConfig, workspace: Path | str, *, limit: int = 20, environ: Mapping[str, str] | None = None
) -> list[RunOverview]:
    """Return the last runs in the store, of all its directories, the newest first.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        limit: how many at most.
        environ: the environment variables that the store's URL may name; this process's own if left out.

    Returns:
        The runs; none where there is no store, because none is made before the first run.

    Raises:
        StoreError: the store cannot be read.
    """
    store = Store.open_existing(config, Path(workspace), os.environ if environ is None else environ)
    if store is None:
        return []
    with store:
        return [RunOverview(run=run, dead=_holder(store, run)[1]) for run in store.runs(limit=limit)]


def run_details(
    run_id: str, config: DirectoryConfig, workspace: Path | str, *, environ: Mapping[str, str] | None = None
) -> RunDetails:
    """Return all that is known of one run.

    Args:
        run_id: its name.
        config: what ``directory.yaml`` says.
        workspace: its folder.
        environ: the environment variables that the store's URL may name; this process's own if left out.

    Raises:
        NoSuchRunError: there is none of this name; it tells which one was probably meant.
        NoStoreError: there is no store.
        StoreError: it cannot be read.
    """
    with existing_store(config, workspace, environ) as store:
        run = named(store, run_id)
        later = [one for one in reversed(store.runs(run.directory, limit=_KNOWN)) if one.id != run_id]
        holder, dead = _holder(store, run)
        plan, damage = _plan(store, run_id)
        return RunDetails(
            run=run,
            dead=dead,
            holder=holder,
            plan=plan,
            damage=damage,
            steps=tuple(store.steps_of(run_id)),
            resumed_by=tuple(one.id for one in later if one.resumes == run_id),
            undone_by=tuple(one.id for one in later if one.undoes == run_id),
        )


def named(store: Store, run_id: str) -> RunRecord:
    """Return a run by its name.

    Raises:
        NoSuchRunError: there is none; it tells which one was probably meant.
    """
    try:
        return store.run(run_id)
    except NoSuchRunError:
        near = difflib.get_close_matches(run_id, [run.id for run in store.runs(limit=_KNOWN)], n=1)
        raise NoSuchRunError(run_id, near[0] if near else None) from None


def still_running(store: Store, run: RunRecord) -> bool:
    """Tell whether a run goes on: no end is recorded, and it holds the lock of its directory."""
    return _holder(store, run)[0] is not None


@contextmanager
def existing_store(
    config: DirectoryConfig, workspace: Path | str, environ: Mapping[str, str] | None = None
) -> Iterator[Store]:
    """Give the store of a workspace, which must be there.

    Raises:
        NoStoreError: there is none.
    """
    store = Store.open_existing(config, Path(workspace), os.environ if environ is None else environ)
    if store is None:
        raise NoStoreError
    with store:
        yield store


def _holder(store: Store, run: RunRecord) -> tuple[LockHolder | None, bool]:
    """Return who holds the lock as this run, and whether it is dead: without an end, and without the lock."""
    if run.status is not RunStatus.RUNNING:
        return None, False
    from reconciler.store.lock import holder_of

    with store.reading() as connection:
        holder = holder_of(connection, run.directory)
    mine = holder if holder is not None and holder.run_id == run.id else None
    return mine, mine is None


def _plan(store: Store, run_id: str) -> tuple[Plan | None, str | None]:
    try:
        return store.plan_of(run_id), None
    except ReconcilerError as error:
        return None, str(error)

"""Plan, guards and apply without a person: as far as ``reconcile.auto_approve`` of ``directory.yaml`` goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.applying import check_applicable
from reconciler.api.carrying_out import Watching, Workplace, carry_out
from reconciler.api.directory import read_live
from reconciler.api.drifting import find
from reconciler.api.files import load, load_config
from reconciler.api.holding import hold
from reconciler.config import DirectoryConfig, Policy
from reconciler.desired import Loaded
from reconciler.diagnostics import ReconcilerError
from reconciler.live import Wanted
from reconciler.model import Desired, Live
from reconciler.planning import Plan, PlanFileError, decode, encode
from reconciler.planning import plan as make_plan
from reconciler.planning.drift import Sort
from reconciler.planning.selection import select_kinds
from reconciler.scim.retry import ThrottleEvent
from reconciler.store import Actor, LockHolder, Store
from reconciler.store.actor import current_actor
from reconciler.whole_file import write_whole

if TYPE_CHECKING:
    # Most commands do not write, and start-up time is felt at every one.
    from reconciler.applying import ApplyEvent, RunResult, StopSignal

_AT_ONCE = timedelta(0)
_APPROVAL = "auto_approve"

PENDING_PLAN = Path(".reconciler") / "pending.plan"
"""Where the plan of what waits for a person is kept, relative to the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What became of a run without a person.

    Attributes:
        plan: everything that was to be done, with the verdicts of the guards.
        approved: the part of it that was approved, and applied.
        result: what became of that; ``None`` where guards refused the plan, and nothing was written.
        pending: what waits for a person: the plan that guards refuse, or what is not approved, as the directory is now;
            ``None`` where nothing waits.
        saved: where that plan was saved.
        removed: a saved plan of an earlier run that was deleted, because nothing waits any more.
        warnings: what else a person should know.
    """

    plan: Plan
    approved: Plan
    result: RunResult | None = None
    pending: Plan | None = None
    saved: Path | None = None
    removed: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether guards refused the plan."""
        return bool(self.plan.refusals)


def reconcile(
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
    only: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    reason: str | None = None,
    as_of: datetime | None = None,
    output: Path | None = None,
    actor: Actor | None = None,
    lock_timeout: timedelta = _AT_ONCE,
    files: Callable[[], Loaded] | None = None,
    directory: Callable[[Desired], Live] | None = None,
    on_wait: Callable[[LockHolder], None] | None = None,
    on_plan: Callable[[Plan, Plan], None] | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
    stop: StopSignal | None = None,
) -> Reconciliation:
    """Make the directory equal to the files as far as ``reconcile.auto_approve`` goes; save what waits for a person.

    Alone on the directory from before it is read until the end. The guards judge the whole plan: where one refuses,
    nothing is written. The run is recorded although there may be nothing to do, because grace periods and the guard
    against a directory that shrank count from it; a refused one is not.

    Args:
        workspace: the folder with ``directory.yaml``.
        environ: the environment variables that base URL, token and store may name; this process's own if left out.
        only: what the run is about; everything if empty, see :class:`~reconciler.config.Policy`.
        exclude: what it leaves alone.
        reason: why, for the plan and the audit.
        as_of: the moment at which ``from`` and ``until`` are judged; the present one if left out.
        output: where the plan of what waits for a person is saved; ``.reconciler/pending.plan`` if left out.
        actor: who and where, for the ledger; what the system and the CI job say of themselves if left out.
        lock_timeout: how long to wait for another run's lock.
        files: reads the files, for a program that wants to see warnings; :func:`reconciler.load` if left out.
        directory: reads the directory, once or twice, for a program that wants to show progress;
            :func:`reconciler.read_live` if left out.
        on_wait: told who holds the lock, when the waiting begins.
        on_plan: told of the whole plan and of its approved part before anything is written.
        on_event: told of chunks and steps as they come.
        on_throttle: called before each wait for a server that asks to slow down.
        stop: ends the run early, after what is in flight.

    Returns:
        What became of it. A refusal and steps that failed are in it, and no exception.

    Raises:
        DiagnosticsError: something is wrong with the files, or ambiguous.
        LockedError: another run writes to the directory.
        ScimError: the directory cannot be reached or read.
        StoreError: the store cannot be opened or written.
        WrongDirectoryError: ``directory.yaml`` was changed meanwhile, so that it names another directory.
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
    """
    variables = os.environ if environ is None else environ
    folder = Path(workspace)
    config = load_config(folder)
    who = actor or current_actor(folder, variables, reason=reason)
    with hold(config, folder, environ=variables, actor=who, lock_timeout=lock_timeout, on_wait=on_wait) as alone:
        loaded = files() if files else load(folder)
        desired = loaded.desired
        run = _Run(
            config=desired.config,
            desired=desired,
            policy=replace(desired.config.policy, only=only, exclude=exclude, reason=reason),
            store=alone.store,
            read=(lambda: directory(desired))
            if directory
            else lambda: read_live(
                desired.config, folder, wanted=Wanted.of(desired), environ=variables, on_throttle=on_throttle
            ),
            as_of=as_of,
        )
        live, planned = run.plan()
        approved = run.approved(planned, live)
        if on_plan:
            on_plan(planned, approved)
        path = output or folder / PENDING_PLAN
        if planned.refusals:
            saved, warnings = _save(path, planned)
            return Reconciliation(plan=planned, approved=approved, pending=planned, saved=saved, warnings=warnings)
        # A plan that was just made is not old; but nothing is done before its day.
        check_applicable(approved, config, variables, now=min(datetime.fromisoformat(planned.as_of), datetime.now(UTC)))
        result = carry_out(
            approved,
            Workplace(
                config=run.config,
                workspace=folder,
                environ=variables,
                store=alone.store,
                lock=alone.lock,
                actor=actor or replace(who, commit=desired.commit),
            ),
            Watching(on_event=on_event, on_throttle=on_throttle, stop=stop),
            command="reconcile",
            desired=desired,
            drifted=run.drifted(live, planned, approved),
        )
        pending, unread = run.left(planned, approved, result)
        saved, warnings = (None, ()) if pending is None else _save(path, pending)
        # A run that was confined knows nothing of what waits elsewhere.
        everything = not only and not exclude
        removed, left_alone = _remove(path) if pending is None and everything else (None, ())
    return Reconciliation(
        plan=planned,
        approved=approved,
        result=result,
        pending=pending,
        saved=saved,
        removed=removed,
        warnings=(*unread, *warnings, *left_alone),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What does not change while a run goes on."""

    config: DirectoryConfig
    desired: Desired
    policy: Policy
    store: Store
    read: Callable[[], Live]
    as_of: datetime | None

    def plan(self) -> tuple[Live, Plan]:
        """Read the directory, and return it with the plan for it."""
        live = self.read()
        history = self.store.history(live.base_url)
        moment = self.as_of or datetime.now(UTC)
        return live, make_plan(self.desired, live, as_of=moment, policy=self.policy, history=history)

    def approved(self, planned: Plan, live: Live) -> Plan:
        """Return the part of a plan for a directory that goes without a person."""
        return select_kinds(planned, self.config.auto_approve, canary=self.policy.canary, live=live)

    def drifted(self, live: Live, planned: Plan, approved: Plan) -> frozenset[str]:
        """Return the steps that are left to a person and would take back what the directory has changed itself."""
        if not approved.left_out:
            return frozenset()
        try:
            found = find(self.store, self.desired, live, as_of=datetime.fromisoformat(planned.as_of))
        except ReconcilerError:
            # What the store has of the last applied files is damaged. This run writes it anew.
            return frozenset()
        return frozenset(item.step for item in (*found.of(Sort.DRIFT, Sort.BOTH), *found.accepted))

    def left(self, planned: Plan, approved: Plan, result: RunResult) -> tuple[Plan | None, tuple[str, ...]]:
        """Return the plan of what waits for a person, fit to be applied as the directory is now, and warnings."""
        if len(approved.left_out) == len(planned.left_out):
            return None, ()
        if not any(outcome.requests for outcome in result.outcomes):
            return planned, ()
        before = "the plan that waits was made before this run, and holds what it has applied, too"
        if result.by_user:
            return planned, (f"{before}: the run was stopped",)
        try:
            live, rest = self.plan()
        except ReconcilerError as error:
            return planned, (f"{before}: the directory could not be read again: {error}",)
        still = len(self.approved(rest, live).left_out) > len(rest.left_out)
        return (rest, ()) if still else (None, ())


def _save(path: Path, plan: Plan) -> tuple[Path | None, tuple[str, ...]]:
    """Put a plan file into place, readable by its owner alone because it names people. Return where, and warnings.

    What was applied must not be hidden by a disk that is full afterwards.
    """
    try:
        if path.parent.name == PENDING_PLAN.parent.name:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, encode(plan), private=True)
    except OSError as error:
        return None, (f"the plan of what waits for a person cannot be saved: {path}: {error.strerror or error}",)
    return path, ()


def _remove(path: Path) -> tuple[Path | None, tuple[str, ...]]:
    """Delete the plan that an earlier run has saved; a file that is no plan is not ours to delete."""
    try:
        decode(path.read_bytes())
    except FileNotFoundError:
        return None, ()
    except (PlanFileError, OSError):
        return None, (f"{path} is no intact plan, and was left alone. Nothing waits for a person any more",)
    path.unlink()
    return path, ()

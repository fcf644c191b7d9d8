"""Going on with a run that did not come to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.applying import check_applicable
from reconciler.api.carrying_out import Watching, Workplace, carry_out, locked, opened
from reconciler.api.errors import NothingToResumeError, PlanAppliedError
from reconciler.api.standing import begun
from reconciler.config import DirectoryConfig
from reconciler.scim.retry import ThrottleEvent
from reconciler.store import Actor, LockHolder, Store
from reconciler.store.actor import current_actor

if TYPE_CHECKING:
    from reconciler.applying import ApplyEvent, RunResult, StopSignal
    from reconciler.store.lock import Lock

_AT_ONCE = timedelta(0)


def resume(
    run_id: str,
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
    command: str = "apply",
    actor: Actor | None = None,
    now: datetime | None = None,
    store: Store | None = None,
    lock: Lock | None = None,
    lock_timeout: timedelta = _AT_ONCE,
    on_wait: Callable[[LockHolder], None] | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
    stop: StopSignal | None = None,
) -> RunResult:
    """Go on with an earlier run: carry out what its plan has left, as a run of its own.

    All runs of its plan count, whichever of them is named: those that it went on with, and those that have gone on with
    it since. What one has applied is not touched again. What one had begun and not recorded is found out by reading,
    before anything is written. What failed, was skipped or was not tried is tried now; what was stale is judged again.

    Args:
        run_id: the run to go on with.
        config: what ``directory.yaml`` says.
        workspace: its folder.
        environ: the environment variables that the base URL, the token and the store may name; this process's own if
            left out.
        command: what was called, for the ledger.
        actor: who and where, for the ledger; what the system and the CI job say of themselves if left out.
        now: the moment by which the plan is judged too old; the present one if left out.
        store: an open store; the one that ``config`` names is opened and closed if left out.
        lock: of the directory, held, from that store; the run gets its name. Taken and given back if left out.
        lock_timeout: how long to wait for another run's lock; that of the run itself, if it still runs.
        on_wait: told who holds the lock, when the waiting begins.
        on_event: told of chunks and steps as they come.
        on_throttle: called before each wait for a server that asks to slow down.
        stop: ends the run early, after what is in flight.

    Returns:
        What became of every step of the plan. One that the earlier run has done cost no request and says so.

    Raises:
        NoSuchRunError: there is no such run.
        NothingToResumeError: it, or one that went on with it, has applied everything.
        PlanUndoneError: a run of its plan was undone.
        WrongDirectoryError: it is of another directory.
        PlanFileError: its plan is not intact, or too old.
        PlanRefusedError: guards refuse its plan.
        LockedError: another run writes to the directory, or that run itself still does.
        ScimError, StoreError, BaseUrlError, TokenError, DialectError: as for :func:`reconciler.apply`.
    """
    variables = os.environ if environ is None else environ
    with opened(config, Path(workspace), variables, store) as own:
        plan = own.plan_of(run_id)
        check_applicable(plan, config, variables, now=now)
        who = actor or current_actor(Path(workspace), variables, reason=plan.reason, commit=plan.desired.commit)
        with locked(plan.directory.base_url, config, own, who, lock=lock, wait=lock_timeout, on_wait=on_wait) as held:
            # Only now: until the lock was free, that run may have gone on. Another one may have gone on with it, too.
            try:
                before = begun(own, plan)
            except PlanAppliedError as error:
                raise NothingToResumeError(error.run.id) from error
            place = Workplace(
                config=config, workspace=Path(workspace), environ=variables, store=own, lock=held, actor=who
            )
            watching = Watching(on_event=on_event, on_throttle=on_throttle, stop=stop)
            return carry_out(plan, place, watching, command=command, before=before)

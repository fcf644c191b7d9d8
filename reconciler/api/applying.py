"""Carrying out a plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.carrying_out import Watching, Workplace, carry_out, locked, opened
from reconciler.api.errors import ForbiddenByNowError, PlanRefusedError, WrongDirectoryError
from reconciler.api.standing import begun
from reconciler.config import DirectoryConfig
from reconciler.model import Desired
from reconciler.planning import Plan
from reconciler.planning.document import check_age, check_digest
from reconciler.planning.guarding import forbidden_by_now
from reconciler.scim.endpoint import resolve_base_url
from reconciler.scim.retry import ThrottleEvent
from reconciler.store import Actor, LockHolder, Store
from reconciler.store.actor import current_actor

if TYPE_CHECKING:
    # Most commands do not write, and start-up time is felt at every one.
    from reconciler.applying import ApplyEvent, RunResult, StopSignal
    from reconciler.store.lock import Lock

_AT_ONCE = timedelta(0)


def apply(
    plan: Plan,
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
    command: str = "apply",
    actor: Actor | None = None,
    desired: Desired | None = None,
    now: datetime | None = None,
    verify_key: bytes | None = None,
    once: bool = False,
    store: Store | None = None,
    lock: Lock | None = None,
    lock_timeout: timedelta = _AT_ONCE,
    on_wait: Callable[[LockHolder], None] | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
    stop: StopSignal | None = None,
) -> RunResult:
    """Carry out exactly this plan, alone on its directory, and keep the ledger of it in the store.

    A plan without steps is recorded, too, and no request is sent for it. What the directory stored otherwise than it
    was written is remembered in the store, for :func:`recall`.

    Args:
        plan: a sealed plan, just made or read from a file.
        config: what ``directory.yaml`` says.
        workspace: its folder, with the store in ``.reconciler`` unless ``config`` names another.
        environ: the environment variables that the base URL, the token and the store may name; this process's own if
            left out.
        command: what was called, for the ledger: ``apply``, ``reconcile``.
        actor: who and where, for the ledger; what the system and the CI job say of themselves if left out.
        desired: what the plan was made from; remembered as what was last applied, by which drift is told.
        now: the moment by which the plan is judged too old or not due; the present one if left out.
        verify_key: the public key that the plan must be signed with, PEM; any plan will do if left out.
        once: for a plan that comes from a file, which may come again: carry out only what earlier runs of exactly this
            plan have left, as :func:`resume` does. What they have applied is not applied again, because somebody may
            have taken it back since.
        store: an open store; the one that ``config`` names is opened and closed if left out.
        lock: of the directory, held, from that store; the run gets its name. Taken and given back if left out.
        lock_timeout: how long to wait for another run's lock.
        on_wait: told who holds the lock, when the waiting begins.
        on_event: told of chunks and steps as they come.
        on_throttle: called before each wait for a server that asks to slow down.
        stop: ends the run early, after what is in flight.

    Returns:
        What became of every step. A step that failed is in it, and no exception.

    Raises:
        PlanFileError: the plan is not intact, too old, not due yet, or not signed by the key.
        PlanRefusedError: guards refuse it.
        WrongDirectoryError: it is for another directory.
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
        PlanAppliedError: earlier runs have applied all of it, and ``once`` was asked for.
        PlanUndoneError: one of them was undone since, and ``once`` was asked for.
        LockedError: another run writes to the directory.
        ScimError: the directory cannot be reached at all.
        StoreError: the store cannot be opened or written. Nothing was applied; once a run has begun, this is in its
            result.
    """
    variables = os.environ if environ is None else environ
    check_applicable(plan, config, variables, now=now, verify_key=verify_key)
    who = actor or current_actor(Path(workspace), variables, reason=plan.reason, commit=plan.desired.commit)
    with (
        opened(config, Path(workspace), variables, store) as own,
        locked(plan.directory.base_url, config, own, who, lock=lock, wait=lock_timeout, on_wait=on_wait) as held,
    ):
        place = Workplace(config=config, workspace=Path(workspace), environ=variables, store=own, lock=held, actor=who)
        watching = Watching(on_event=on_event, on_throttle=on_throttle, stop=stop)
        # Only now: whoever held the lock may have applied it.
        before = begun(own, plan) if once else None
        return carry_out(plan, place, watching, command=command, desired=desired, before=before)


def check_applicable(
    plan: Plan,
    config: DirectoryConfig,
    environ: Mapping[str, str],
    *,
    now: datetime | None = None,
    verify_key: bytes | None = None,
) -> None:
    """Raise what :func:`apply` would raise before its first request; return nothing where it would begin.

    Args:
        plan: the plan.
        config: what ``directory.yaml`` says.
        environ: the environment variables that the base URL may name.
        now: the moment by which the plan is judged too old or not due; the present one if left out.
        verify_key: the public key that it must be signed with, PEM; any plan will do if left out.

    Raises:
        PlanFileError: the plan is not intact, too old, not due yet, or not signed by the key.
        SigningKeyError: the key cannot be used.
        WrongDirectoryError: it is for another directory.
        PlanRefusedError: guards refuse it, or ``protect`` forbids it by now (:class:`ForbiddenByNowError`).
        BaseUrlError: the workspace's base URL cannot be used.
    """
    if verify_key is not None:
        # Imported now: few plans are signed.
        from reconciler.planning.signing import verify

        verify(plan, verify_key)
    check_digest(plan)
    planned = f"{plan.directory.name!r} at {plan.directory.base_url}"
    configured = f"{config.name!r} at {resolve_base_url(config.base_url, environ)}"
    if planned != configured:
        raise WrongDirectoryError(planned, configured)
    check_age(plan, now or datetime.now(UTC), config.apply.max_plan_age)
    if plan.refusals:
        raise PlanRefusedError(plan.refusals)
    if forbidden := forbidden_by_now(plan, config.policy.protection):
        raise ForbiddenByNowError(forbidden)

"""One run, from the store and the lock to its result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.running import run
from reconciler.config import DirectoryConfig
from reconciler.model import Desired
from reconciler.planning import Plan
from reconciler.scim.connect import open_client
from reconciler.scim.dialects import dialect_of
from reconciler.scim.discovery import discover
from reconciler.scim.retry import ThrottleEvent
from reconciler.store import Actor, LockHolder, Store, new_run_id

if TYPE_CHECKING:
    # Most commands do not write, and start-up time is felt at every one.
    from reconciler.applying import ApplyEvent, Breaker, Outcome, RunResult, StopSignal
    from reconciler.store.lock import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Who is told how a run goes on, and who may stop it.

    Attributes:
        on_event: told of chunks and steps as they come.
        on_throttle: called before each wait for a server that asks to slow down.
        stop: ends the run early, after what is in flight.
    """

    on_event: Callable[[ApplyEvent], None] | None = None
    on_throttle: Callable[[ThrottleEvent], None] | None = None
    stop: StopSignal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an earlier run of the same plan left.

    Attributes:
        run_id: its name; ``None`` where there was none.
        settled: what it has done, by the steps' ids.
        doubtful: ids of steps that it may have carried out, in whole or in part.
    """

    run_id: str | None = None
    settled: Mapping[str, Outcome] = field(default_factory=dict)
    doubtful: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where a plan is carried out, and by whom.

    Attributes:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        environ: the environment variables that it may name.
        store: an open store.
        lock: of the directory, held.
        actor: who runs it.
    """

    config: DirectoryConfig
    workspace: Path
    environ: Mapping[str, str]
    store: Store
    lock: Lock
    actor: Actor


@contextmanager
def opened(
    config: DirectoryConfig, workspace: Path, environ: Mapping[str, str], store: Store | None = None
) -> Iterator[Store]:
    """Give the store of a workspace: the one that is open already, or one that is closed at the end."""
    if store is not None:
        yield store
        return
    with Store.open(config, workspace, environ) as own:
        yield own


@contextmanager
def locked(
    base_url: str,
    config: DirectoryConfig,
    store: Store,
    actor: Actor,
    *,
    lock: Lock | None = None,
    wait: timedelta,
    on_wait: Callable[[LockHolder], None] | None,
) -> Iterator[Lock]:
    """Give the lock of a directory: the one that is held already, or one for a new run, given back at the end.

    Raises:
        LockedError: another run writes to the directory.
    """
    if lock is not None:
        yield lock
        return
    lease = config.apply.lock_lease
    with store.lock(
        base_url, config.name, run_id=new_run_id(), actor=actor, lease=lease, wait=wait, on_wait=on_wait
    ) as own:
        # Before anything is planned: their timers, for one, count from what they did.
        store.bury_the_dead(base_url, own)
        yield own


def carry_out(
    plan: Plan,
    place: Workplace,
    watching: Watching,
    *,
    command: str,
    desired: Desired | None = None,
    drifted: Collection[str] = (),
    before: Before | None = None,
) -> RunResult:
    """Carry out a plan that was found applicable, with its ledger in the store, and return what became of it."""
    from reconciler.applying import RunResult, apply_plan

    earlier, store, config = before or Before(), place.store, place.config
    begin = partial(
        store.begin,
        plan,
        lock=place.lock,
        command=command,
        actor=place.actor,
        resumes=earlier.run_id,
        # An undo does not apply what the files state, even where it was planned beside them, and a plan of a change
        # does not apply the rest of it.
        desired=desired if plan.undoes is None and plan.since is None else None,
        drifted=drifted,
    )

    async def record_only() -> RunResult:
        with begin() as journal:
            result = RunResult(run_id=journal.run_id, outcomes=())
            await journal.complete(result)
            return result

    async def write() -> RunResult:
        async with open_client(config, place.workspace, place.environ, on_throttle=watching.on_throttle) as client:
            found = await discover(client, dialect_of(config), sparing=True)
            breaker = breaker_of(plan, config, store)
            with begin(schemas=found.schemas) as journal:
                return await apply_plan(
                    plan,
                    client,
                    schemas=found.schemas,
                    capabilities=found.capabilities,
                    journal=journal,
                    breaker=breaker,
                    settled=earlier.settled,
                    doubtful=earlier.doubtful,
                    stop=watching.stop,
                    on_event=watching.on_event,
                )

    return run(write if plan.steps else record_only)


def breaker_of(plan: Plan, config: DirectoryConfig, store: Store) -> Breaker:
    """Return when a run of this plan starts no further step, given what its directory is known to store otherwise."""
    from reconciler.applying.breaker import Breaker, stored_otherwise

    return Breaker(
        limit=config.apply.max_failures,
        stop_on_difference=config.apply.stop_on_difference,
        known=stored_otherwise(store.history(plan.directory.base_url).observations),
    )

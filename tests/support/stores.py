"""A store, a plan and runs of it, as the tests of the store use them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.applying.outcome import Outcome, RunResult, Status
from reconciler.config import DirectoryConfig, Policy, TokenSource, Unlisted
from reconciler.model import Kind
from reconciler.planning import Action, Change, Plan, Reason, Step
from reconciler.planning.document import seal
from reconciler.planning.plan import FORMAT, DesiredIdentity, DirectoryIdentity, LiveCounts
from reconciler.store import Actor, Store, new_run_id

if TYPE_CHECKING:
    # Some tests are about what is loaded without a store.
    from reconciler.store.journal import Run
    from reconciler.store.lock import Lock

URL, OTHER_URL = "https://scim.example.com/a", "https://scim.example.com/b"
ACTOR = Actor(user="ada", host="laptop", pid=42)


def config(store: str | None = None) -> DirectoryConfig:
    """Return what a ``directory.yaml`` says whose ``store`` is this."""
    policy = Policy(unlisted_users=Unlisted.DEACTIVATE, unlisted_groups=Unlisted.IGNORE)
    return DirectoryConfig(name="acme", base_url=URL, token=TokenSource(env="TOKEN"), policy=policy, store=store)


def update(number: int, **fields: Any) -> Step:
    """Return a step that changes the title of a user."""
    name = f"user{number}@example.com"
    known: dict[str, Any] = {
        "id": f"update user:{name}",
        "action": Action.UPDATE,
        "kind": Kind.USER,
        "name": name,
        "reason": Reason.DIFFERS,
        "chunk": 1,
        "resource_id": f"u{number}",
        "changes": (Change(path="title", before="Engineer", after="Boss"),),
    }
    return Step(**{**known, **fields})


def plan_of(*steps: Step, url: str = URL, **fields: Any) -> Plan:
    """Return a sealed plan of these steps."""
    known: dict[str, Any] = {
        "format": FORMAT,
        "tool": "reconciler",
        "directory": DirectoryIdentity(name="acme", base_url=url, dialect="generic"),
        "desired": DesiredIdentity(digest="sha256:0", files=1, users=7, groups=3),
        "live": LiveCounts(users=10, groups=5, memberships=40),
        "as_of": "2026-06-01T00:00:00Z",
        "capabilities": {},
        "steps": steps,
    }
    return seal(Plan(**{**known, **fields}))


def outcome(step: Step, status: Status = Status.APPLIED, **facts: Any) -> Outcome:
    """Return what became of a step: applied by one request, unless told otherwise."""
    known: dict[str, Any] = {"requests": 1, "resource_id": step.resource_id}
    return Outcome(step=step, status=status, **{**known, **facts})


@dataclass
class Workspace:
    """A workspace, and where its store is."""

    folder: Path
    location: str | None
    environ: dict[str, str] = field(default_factory=dict)

    def open(self) -> Store:
        return Store.open(config(self.location), self.folder, self.environ)

    def open_existing(self) -> Store | None:
        return Store.open_existing(config(self.location), self.folder, self.environ)


@contextmanager
def locked(store: Store, url: str = URL, *, lease: float = 60) -> Iterator[Lock]:
    """Hold the lock of a directory for a new run; wait for that of one that was killed a moment ago."""
    run_id, long = new_run_id(), timedelta(seconds=30)
    with store.lock(url, "acme", run_id=run_id, actor=ACTOR, lease=timedelta(seconds=lease), wait=long) as lock:
        yield lock


@contextmanager
def running(store: Store, plan: Plan, *, lease: float = 60, **fields: Any) -> Iterator[Run]:
    """Run a plan, up to its end."""
    with (
        locked(store, plan.directory.base_url, lease=lease) as lock,
        store.begin(plan, lock=lock, command="apply", actor=ACTOR, **fields) as run,
    ):
        yield run


def carry_out(
    store: Store, plan: Plan, become: Callable[[Step], Outcome] = outcome, *, stopped: str | None = None, **fields: Any
) -> str:
    """Record a whole run of a plan, and return its id."""
    with running(store, plan, **fields) as run:
        return record(run, [become(step) for step in plan.steps], stopped=stopped)


def record(run: Run, outcomes: Sequence[Outcome], **fields: Any) -> str:
    """Record these outcomes and the end of a run."""

    async def go() -> None:
        await run.intend([one.step for one in outcomes if one.status is not Status.NOT_TRIED])
        await run.settle(outcomes)
        await run.complete(RunResult(run_id=run.run_id, outcomes=tuple(outcomes), **fields))

    asyncio.run(go())
    return run.run_id

"""Whatever ends a run, its ledger says of each step how far it came: never less than the run was told, never more."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.applying.outcome import Status
from reconciler.store import RunStatus, Store
from reconciler.store.journal import Run
from stores import Workspace, carry_out, outcome, plan_of, running, update

STEPS = tuple(update(number) for number in range(6))
STATUSES = (Status.APPLIED, Status.FAILED, Status.DIFFERS, Status.STALE)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.sampled_from((None, *STATUSES))), max_size=20),
    together=st.booleans(),
)
def test_the_ledger_holds_what_it_was_told(
    store: Store, calls: list[tuple[int, Status | None]], together: bool
) -> None:
    """Each call is an intent (``None``), or an outcome of a step that has one."""
    expected = ["not_tried"] * len(STEPS)
    told: list[tuple[int, Status | None]] = []
    for number, status in calls:
        if (status is None) == (expected[number] == "not_tried"):
            expected[number] = "trying" if status is None else status.value
            told.append((number, status))

    async def go(run: Run) -> None:
        for number, status in told:
            step = STEPS[number]
            recorded = run.intend([step]) if status is None else run.settle([outcome(step, status)])
            if together:
                waiting.append(asyncio.ensure_future(recorded))
                await asyncio.sleep(0)
            else:
                await recorded
        await asyncio.gather(*waiting)

    waiting: list[asyncio.Future[None]] = []
    with running(store, plan_of(*STEPS)) as run:
        asyncio.run(go(run))
    assert [line.state for line in store.steps_of(run.run_id)] == expected
    assert store.run(run.run_id).status is RunStatus.INTERRUPTED
    assert store.audit.verify().intact


PROGRAM = """
import os, signal, sys
from stores import *
steps = [update(number) for number in range(60)]
left = iter(steps)
done = set()
async def lane(run):
    for step in left:
        print("about", step.id, flush=True)
        await run.intend([step])
        if len(done) > 20:
            os.kill(os.getpid(), signal.SIGKILL)
        await run.settle([outcome(step)])
        print("done", step.id, flush=True)
        done.add(step.id)
async def go(run):
    await asyncio.gather(*(lane(run) for _ in range(5)))
with Workspace(Path(sys.argv[1]), sys.argv[2] or None).open() as store:
    with running(store, plan_of(*steps), lease=1) as run:
        asyncio.run(go(run))
"""


def test_a_killed_process_leaves_a_ledger_that_is_true(workspace: Workspace) -> None:
    support = str(Path(__file__).parents[1] / "support")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(workspace.folder), workspace.location or ""],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": support},
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    said = [line.split(" ", 1) for line in ended.stdout.splitlines()]
    begun, done = ({step for what, step in said if what == kind} for kind in ("about", "done"))
    with workspace.open() as store:
        (run,) = store.runs()
        assert run.status is RunStatus.RUNNING
        lines = store.steps_of(run.id)
        tried = {line.step for line in lines if line.state != "not_tried"}
        applied = {line.step for line in lines if line.state == "applied"}
        assert done <= applied <= tried <= begun
        assert len(done) > 20
        assert 1 <= len(tried - applied) <= 5
        carry_out(store, plan_of())
        assert store.run(run.id).status is RunStatus.INTERRUPTED
        assert store.audit.verify().intact

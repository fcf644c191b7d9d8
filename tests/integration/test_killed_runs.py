"""``kill -9`` at any moment of an apply: its ledger is true, and whatever goes on does the rest, and nothing twice."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contenders import Contest
from fork_server import Process
from killing import SETTINGS, VARIANTS, Snapshot, Variant, disagreements, draw, files, last_run, seed, start_and_kill
from reconciler.store import RunStatus
from thoroughness import cases
from witness import Witness, witnessing

pytestmark = pytest.mark.slow

POINTS = int(os.environ.get("KILL_POINTS", cases(6, thorough=300)))
DRAWN_FROM = os.environ.get("KILL_SEED", "kill")
ON_POSTGRESQL = 5
"""Every so many points, the store is in PostgreSQL."""


@pytest.fixture(scope="module")
def unkilled() -> dict[str, tuple[Mapping[str, Any], int]]:
    """What a run leaves that nobody kills, and how many requests it takes, by variant; filled when first asked for."""
    return {}


def whole_run(
    known: dict[str, tuple[Mapping[str, Any], int]], variant: Variant, folder: Path
) -> tuple[Mapping[str, Any], int]:
    if variant.name not in known:
        folder.mkdir()
        with witnessing(variant.dialect, seed=seed()) as witness:
            contest = Contest(folder, witness)
            contest.state(files(), directory=variant.directory, **SETTINGS)
            process = contest.call("apply", "--auto-approve")
            assert process.wait() == 0, process.said
            known[variant.name] = witness.content(), witness.requests
    return known[variant.name]


def was_killed(process: Process) -> bool:
    """Tell whether a process was killed: it may have ended before, and on a machine that is too busy, by its lease."""
    code = process.wait()
    assert code in (0, -signal.SIGKILL) or "lock" in process.said, process.said
    return code == -signal.SIGKILL


@pytest.mark.parametrize("point", range(POINTS))
def test_a_killed_apply_is_gone_on_with(
    point: int,
    tmp_path: Path,
    unkilled: dict[str, tuple[Mapping[str, Any], int]],
    request: pytest.FixtureRequest,
) -> None:
    rolls = random.Random(f"{DRAWN_FROM} {point}")  # noqa: S311
    variant = VARIANTS[point % len(VARIANTS)]
    store = request.getfixturevalue("postgresql").new_place() if point % ON_POSTGRESQL == ON_POSTGRESQL - 1 else None
    content, requests = whole_run(unkilled, variant, tmp_path / "unkilled")
    folder = tmp_path / "killed"
    folder.mkdir()
    with witnessing(variant.dialect, seed=seed()) as witness:
        contest = Contest(folder, witness, store)
        before = Snapshot(witness)
        # The lock of who is killed is soon free, and that of who is not is not lost on a busy machine.
        contest.state(files(), directory=variant.directory, lease="2s", **SETTINGS)
        moment = draw(rolls, requests)
        print(f"KILL_SEED={DRAWN_FROM!r} point {point}: {variant.name}, {moment}")
        process = start_and_kill(contest, moment, "apply", "--auto-approve")
        killed = was_killed(process)
        assert disagreements(contest, before, variant) == []
        if killed and rolls.random() < 0.25 and (run := last_run(contest)) is not None:
            moment = draw(rolls, requests - witness.requests)
            print(f"and again: {moment}")
            start_and_kill(contest, moment, "apply", "--resume", run.id, "--lock-timeout", "30s")
            assert disagreements(contest, before, variant) == []
        contest.state(directory=variant.directory, **SETTINGS)
        anew = rolls.random() < 0.25
        print("planned anew" if anew else "gone on with")
        go_on(contest, anew=anew)
        assert witness.content() == content
        assert witness.doubles() == []
        if not anew:
            assert disagreements(contest, before, variant) == []
        nothing_is_left(contest, witness)


def go_on(contest: Contest, *, anew: bool) -> None:
    run = None if anew else last_run(contest)
    arguments = ("--auto-approve",) if run is None else ("--resume", run.id)
    process = contest.call("apply", *arguments, "--lock-timeout", "30s")
    assert process.wait() == 0, process.said
    last = last_run(contest)
    assert last is not None
    assert last.status is RunStatus.COMPLETE


def nothing_is_left(contest: Contest, witness: Witness) -> None:
    writes = len(witness.writes)
    process = contest.call("plan", "--detailed-exitcode")
    assert process.wait() == 0, process.said
    assert process.said.splitlines()[-1].startswith("No changes.")
    assert len(witness.writes) == writes

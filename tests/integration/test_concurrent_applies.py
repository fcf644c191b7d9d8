"""Several applies at once on one directory: one at a time writes, who dies is followed, and nothing is done twice."""

from __future__ import annotations

import platform
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from contenders import Contest
from killing import files, last_run, seed
from reconciler.store import RunStatus
from thoroughness import cases
from witness import witnessing

pytestmark = pytest.mark.slow

EACH = 6
MANY = cases(5, thorough=10)
LEASE = 2
"""Seconds after which the lock of who is killed or stopped is free. All others have a long one: machines are busy."""

MakeContest: TypeAlias = Callable[..., Contest]


@pytest.fixture
def contest_of(tmp_path: Path) -> Iterator[MakeContest]:
    """Start directories that hold the seed, each with a workspace that states something else."""
    with ExitStack() as stack:

        def make(store: str | None = None) -> Contest:
            folder = tmp_path / f"contest{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            contest = Contest(folder, stack.enter_context(witnessing(seed=seed(EACH))), store)
            contest.state(files(EACH))
            return contest

        yield make


@pytest.fixture
def contest(contest_of: MakeContest, store_location: str | None) -> Contest:
    return contest_of(store_location)


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What one run alone leaves; filled when first asked for."""
    return {}


def one_run(known: dict[str, Any], contest_of: MakeContest) -> Mapping[str, Any]:
    if not known:
        contest = contest_of()
        assert contest.call("apply", "--auto-approve").wait() == 0
        known |= contest.witness.content()
    return known


def one_at_a_time_and_nothing_twice(contest: Contest) -> None:
    spans = contest.witness.spans()
    assert all(ended < began for (_, ended), (began, _) in pairwise(spans)), spans
    assert contest.witness.doubles() == []
    with contest.open() or pytest.fail("there is no store") as store:
        assert store.audit.verify().intact


def wait_for_requests(contest: Contest, count: int) -> None:
    while contest.witness.requests < count:
        time.sleep(0.005)


@pytest.mark.parametrize("count", [2, MANY])
def test_applies_of_the_same_files_wait_for_each_other(
    contest: Contest, contest_of: MakeContest, alone: dict[str, Any], count: int
) -> None:
    content = one_run(alone, contest_of)
    for _ in range(count):
        contest.start("apply", "--auto-approve", "--lock-timeout", "60s")
    assert [process.wait() for process in contest.processes] == [0] * count
    assert contest.witness.content() == content
    assert len(contest.witness.writers) == 1
    one_at_a_time_and_nothing_twice(contest)
    assert [run.status for run in contest.runs()] == [RunStatus.COMPLETE] * count
    assert [run.steps > 0 for run in contest.runs()] == [True] + [False] * (count - 1)


@pytest.mark.parametrize("count", [2, MANY])
def test_applies_of_the_same_saved_plan_carry_it_out_once(
    contest: Contest, contest_of: MakeContest, alone: dict[str, Any], count: int
) -> None:
    content = one_run(alone, contest_of)
    plan = str(contest.folder / "reviewed.plan")
    assert contest.call("plan", "-o", plan).wait() == 0
    contenders = [contest.start("apply", plan, "--lock-timeout", "60s") for _ in range(count)]
    assert [process.wait() for process in contenders] == [0] * count
    assert contest.witness.content() == content
    assert len(contest.witness.writers) == 1
    one_at_a_time_and_nothing_twice(contest)
    assert len(contest.runs()) == 1
    assert sum("applied before" in process.said for process in contenders) == count - 1


@pytest.mark.parametrize("count", [2, MANY])
def test_applies_of_different_parts_never_write_at_the_same_time(contest: Contest, count: int) -> None:
    parts = [f"part-{number}" for number in range(count)]
    users = [{"userName": f"{part}-{number}@example.com"} for part in parts for number in range(6)]
    contest.state({"users": users, "groups": [{"displayName": "team-01"}]})
    for part in parts:
        contest.start("apply", "--auto-approve", "--lock-timeout", "60s", "--only", f'users[userName sw "{part}-"]')
    assert [process.wait() for process in contest.processes] == [0] * count
    assert len(contest.witness.writers) == count
    one_at_a_time_and_nothing_twice(contest)
    assert len(contest.witness.writes) == 6 * count


def test_who_does_not_wait_is_told_who_writes(contest: Contest, contest_of: MakeContest, alone: dict[str, Any]) -> None:
    content = one_run(alone, contest_of)
    # One at a time: while its answer is awaited, nothing is being written to the store.
    contest.state(concurrency=1)
    contest.witness.strike(30, "unanswered", lambda writer: contest.process(writer).signal(signal.SIGSTOP))
    holder = contest.start("apply", "--auto-approve")
    wait_for_requests(contest, 30)
    losers = [contest.start("apply", "--auto-approve") for _ in range(3)]
    assert [process.wait() for process in losers] == [1] * 3
    run = last_run(contest)
    assert run is not None
    for process in losers:
        assert f"locked by run {run.id} (" in process.said
        assert f" on {platform.node()}, process {holder.pid}) since " in process.said
    holder.signal(signal.SIGCONT)
    assert holder.wait() == 0
    assert contest.witness.writers == ["process-1"]
    assert contest.witness.content() == content
    one_at_a_time_and_nothing_twice(contest)


@pytest.mark.parametrize("saved", [False, True], ids=["files", "plan"])
def test_whoever_waits_takes_over_from_one_that_is_killed(
    contest: Contest, contest_of: MakeContest, alone: dict[str, Any], saved: bool
) -> None:
    content = one_run(alone, contest_of)
    what = "--auto-approve"
    if saved:
        what = str(contest.folder / "reviewed.plan")
        assert contest.call("plan", "-o", what).wait() == 0
    contest.state(lease=f"{LEASE}s", concurrency=4)
    contest.witness.strike(40, "unanswered", contest.kill)
    holder = contest.start("apply", what)
    wait_for_requests(contest, 1)
    contest.state(concurrency=4)
    others = [contest.start("apply", what, "--lock-timeout", "60s") for _ in range(4)]
    assert holder.wait() == -signal.SIGKILL
    assert [process.wait() for process in others] == [0] * 4, [process.said for process in others]
    assert len(contest.witness.writers) == 2
    assert contest.witness.content() == content
    one_at_a_time_and_nothing_twice(contest)
    first, second, *_ = contest.runs()
    assert (first.status, second.status) == (RunStatus.INTERRUPTED, RunStatus.COMPLETE)
    assert second.resumes == (first.id if saved else None)


def test_who_was_suspended_for_longer_than_its_lease_writes_nothing_more(
    contest: Contest, contest_of: MakeContest, alone: dict[str, Any]
) -> None:
    content = one_run(alone, contest_of)
    contest.state(lease=f"{LEASE}s", concurrency=1)
    contest.witness.strike(40, "unanswered", lambda writer: contest.process(writer).signal(signal.SIGSTOP))
    sleeper = contest.start("apply", "--auto-approve")
    wait_for_requests(contest, 40)
    contest.state()
    other = contest.call("apply", "--auto-approve", "--lock-timeout", "60s")
    assert other.wait() == 0, other.said
    assert contest.witness.content() == content
    writes = len(contest.witness.writes)
    sleeper.signal(signal.SIGCONT)
    assert sleeper.wait() in (1, 5)
    assert "lock" in sleeper.said
    assert len(contest.witness.writes) == writes
    assert contest.witness.content() == content
    one_at_a_time_and_nothing_twice(contest)

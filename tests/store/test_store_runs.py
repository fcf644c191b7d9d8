"""What the store tells of a run: while it goes on, after its end, and after its death."""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy import update as update_rows

from audit_samples import disarm
from postgres import PostgreSQL
from reconciler.applying.outcome import Outcome, RunResult, Status
from reconciler.planning import PlanFileError, Step
from reconciler.planning.document import encode
from reconciler.store import LockLostError, NoSuchRunError, RunStatus, Store, StoreError, new_run_id
from reconciler.store.audit import FIRST
from reconciler.store.audit_trail import Question
from reconciler.store.journal import Run
from reconciler.store.tables import audit, audit_heads, runs
from reconciler.store.tables import steps as ledger
from stores import ACTOR, OTHER_URL, URL, Workspace, carry_out, locked, outcome, plan_of, record, running, update

ONE, TWO, THREE = (update(number) for number in (1, 2, 3))


def states(store: Store, run_id: str) -> list[str]:
    return [line.state for line in store.steps_of(run_id)]


def test_names_of_runs_sort_by_time_and_are_unique() -> None:
    names = [new_run_id() for _ in range(100)]
    assert len(set(names)) == 100
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", name) for name in names)


def test_a_run_is_there_before_its_first_step(store: Store) -> None:
    plan = plan_of(ONE, TWO, reason="OPS-1", undoes="earlier")
    with running(store, plan, resumes="another") as run:
        recorded = store.run(run.run_id)
        assert (recorded.status, recorded.directory, recorded.name) == (RunStatus.RUNNING, URL, "acme")
        assert (recorded.command, recorded.actor, recorded.reason) == ("apply", ACTOR, "OPS-1")
        assert (recorded.plan_digest, recorded.resumes, recorded.undoes) == (plan.digest, "another", "earlier")
        assert (recorded.steps, recorded.ended) == (2, None)
        assert abs((recorded.started - datetime.now(UTC)).total_seconds()) < 60
        assert states(store, run.run_id) == ["not_tried", "not_tried"]
        assert store.plan_of(run.run_id) == plan


def test_an_intent_and_an_outcome_are_there_when_the_call_returns(store: Store) -> None:
    with running(store, plan_of(ONE, TWO)) as run:

        async def go() -> None:
            await run.intend([ONE])
            assert states(store, run.run_id) == ["trying", "not_tried"]
            await run.settle([outcome(ONE)])
            assert states(store, run.run_id) == ["applied", "not_tried"]

        asyncio.run(go())
        done, waiting = store.steps_of(run.run_id)
    assert done.tried is not None
    assert done.finished is not None
    assert done.tried <= done.finished
    assert (waiting.tried, waiting.finished) == (None, None)


def test_everything_that_is_known_of_an_outcome_comes_back(store: Store) -> None:
    before = {"userName": "ada@example.com", "emails": [{"value": "ada@example.com"}], "odd": "\x00"}
    known = outcome(
        ONE,
        Status.FAILED,
        message="HTTP 500: a\x00b \udc80",
        http_status=500,
        requests=3,
        request_id="req-1",
        before=before,
    )
    run_id = carry_out(store, plan_of(ONE), lambda _: known)
    (line,) = store.steps_of(run_id)
    assert (line.number, line.step, line.state) == (1, ONE.id, "failed")
    assert (line.http_status, line.requests, line.request_id, line.resource_id) == (500, 3, "req-1", "u1")
    assert line.before == before
    assert "\x00" not in line.message


@pytest.mark.parametrize(
    ("become", "facts", "status"),
    [
        (Status.APPLIED, {}, RunStatus.COMPLETE),
        (Status.FAILED, {}, RunStatus.PARTLY),
        (Status.FAILED, {"stopped": "too many failures", "breaker": True}, RunStatus.PARTLY),
        (Status.NOT_TRIED, {"stopped": "stopped by the user", "by_user": True}, RunStatus.STOPPED),
    ],
)
def test_the_end_of_a_run_says_how_it_went(
    store: Store, become: Status, facts: dict[str, Any], status: RunStatus
) -> None:
    with running(store, plan_of(ONE, TWO)) as run:
        record(run, [outcome(ONE), outcome(TWO, become)], **facts)
    ended = store.run(run.run_id)
    assert (ended.status, ended.stopped) == (status, facts.get("stopped"))
    assert ended.ended is not None
    assert sum(ended.counts.values()) == 2


def test_a_run_without_steps_is_recorded_too(store: Store) -> None:
    run_id = carry_out(store, plan_of())
    assert store.run(run_id).status is RunStatus.COMPLETE
    assert store.steps_of(run_id) == []


def test_what_an_earlier_run_settled_is_in_the_ledger_of_the_one_that_goes_on_with_it(store: Store) -> None:
    with running(store, plan_of(ONE, TWO), resumes="earlier") as run:

        async def go() -> None:
            await run.intend([TWO])
            await run.settle([outcome(TWO)])
            await run.complete(RunResult(run_id=run.run_id, outcomes=(outcome(ONE), outcome(TWO))))

        asyncio.run(go())
    assert states(store, run.run_id) == ["applied", "applied"]


def test_a_run_that_an_error_ends_is_interrupted_and_says_what_was_being_tried(store: Store) -> None:
    async def go(run: Run) -> None:
        await run.intend([ONE, TWO])
        await run.settle([outcome(ONE)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), running(store, plan_of(ONE, TWO, THREE)) as run:
        asyncio.run(go(run))
    recorded = store.run(run.run_id)
    assert (recorded.status, recorded.stopped) == (RunStatus.INTERRUPTED, "ZeroDivisionError")
    assert recorded.counts == {"applied": 1, "trying": 1, "not_tried": 1}
    assert recorded.ended is not None
    assert states(store, run.run_id) == ["applied", "trying", "not_tried"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyboardInterrupt(), "stopped by the user, at once"),
        (asyncio.CancelledError(), "stopped by the user, at once"),
        (StoreError("it is full"), "StoreError: it is full"),
    ],
)
def test_a_run_that_breaks_off_says_why(store: Store, error: BaseException, told: str) -> None:
    with pytest.raises(type(error)), running(store, plan_of(ONE)) as run:
        raise error
    assert store.run(run.run_id).stopped == told


def test_a_run_that_died_is_found_dead_by_the_next_one_of_its_directory(store: Store) -> None:
    dead = _die(store)
    carry_out(store, plan_of(url=OTHER_URL))
    assert store.run(dead).status is RunStatus.RUNNING
    carry_out(store, plan_of())
    found = store.run(dead)
    assert (found.status, found.stopped) == (RunStatus.INTERRUPTED, "its process died")
    assert found.ended == max(line.tried for line in store.steps_of(dead) if line.tried)
    assert states(store, dead) == ["trying", "not_tried"]


def _die(store: Store) -> str:
    """Leave a run as a killed process leaves it: the lock is gone, and no end is recorded."""
    with locked(store) as lock:
        run = store.begin(plan_of(ONE, TWO), lock=lock, command="apply", actor=ACTOR)
        asyncio.run(run.intend([ONE]))
    return run.run_id


def test_a_run_whose_lock_was_taken_over_can_record_nothing_more(store: Store) -> None:
    with locked(store) as lock:
        run = store.begin(plan_of(ONE, TWO), lock=lock, command="apply", actor=ACTOR)
    with locked(store):
        assert not run.held
        with pytest.raises(LockLostError):
            asyncio.run(run.intend([ONE]))
        with pytest.raises(LockLostError):
            asyncio.run(run.settle([outcome(ONE)]))
        with pytest.raises(LockLostError):
            asyncio.run(run.complete(RunResult(run_id=run.run_id, outcomes=(outcome(ONE), outcome(TWO)))))
        with run:
            pass
    assert states(store, run.run_id) == ["not_tried", "not_tried"]
    assert store.run(run.run_id).status is RunStatus.RUNNING


def test_nothing_begins_without_the_lock(store: Store) -> None:
    with locked(store) as lock:
        pass
    with pytest.raises(LockLostError):
        store.begin(plan_of(ONE), lock=lock, command="apply", actor=ACTOR)
    assert store.runs() == []


def test_many_lanes_at_once_all_get_their_records(store: Store) -> None:
    steps = [update(number) for number in range(200)]
    with running(store, plan_of(*steps)) as run:
        asyncio.run(_in_lanes(run, steps, lanes=16))
    lines = store.steps_of(run.run_id)
    assert [line.step for line in lines] == [step.id for step in steps]
    assert {line.state for line in lines} == {"applied"}
    assert store.run(run.run_id).counts == {"applied": 200}


async def _in_lanes(run: Run, steps: list[Step], *, lanes: int) -> None:
    left = iter(steps)
    outcomes: dict[str, Outcome] = {}

    async def lane() -> None:
        for step in left:
            await run.intend([step])
            outcomes[step.id] = outcome(step)
            await run.settle([outcomes[step.id]])

    await asyncio.gather(*(lane() for _ in range(lanes)))
    await run.complete(RunResult(run_id=run.run_id, outcomes=tuple(outcomes[step.id] for step in steps)))


def test_a_lane_that_is_cancelled_leaves_its_intent_behind(store: Store) -> None:
    with running(store, plan_of(ONE, TWO)) as run:

        async def go() -> None:
            lane = asyncio.create_task(run.intend([ONE]))
            await asyncio.sleep(0)
            lane.cancel()
            await run.intend([TWO])

        asyncio.run(go())
        assert states(store, run.run_id) == ["trying", "trying"]


def test_runs_are_listed_newest_first(store: Store) -> None:
    first, second = carry_out(store, plan_of()), carry_out(store, plan_of(ONE))
    elsewhere = carry_out(store, plan_of(url=OTHER_URL))
    assert [run.id for run in store.runs()] == [elsewhere, second, first]
    assert [run.id for run in store.runs(URL)] == [second, first]
    assert [run.id for run in store.runs(limit=1)] == [elsewhere]
    assert store.runs("https://nowhere.example.com") == []


def test_the_run_of_a_plan_is_found_by_its_digest(store: Store) -> None:
    plan = plan_of(ONE)
    assert store.run_of_plan(URL, plan.digest) is None
    carry_out(store, plan)
    again = carry_out(store, plan)
    found = store.run_of_plan(URL, plan.digest)
    assert found is not None
    assert found.id == again
    assert store.run_of_plan(OTHER_URL, plan.digest) is None
    assert len(store.runs_of_plan(URL, plan.digest)) == 2


@pytest.mark.parametrize("question", ["run", "plan_of", "steps_of"])
def test_a_run_that_is_not_there_is_named(store: Store, question: str) -> None:
    with pytest.raises(NoSuchRunError, match="'nobody'"):
        getattr(store, question)("nobody")


def test_the_audit_has_an_event_for_the_start_each_step_and_the_end(store: Store) -> None:
    steps = [update(number) for number in range(20)]
    with running(store, plan_of(*steps)) as run:
        asyncio.run(_in_lanes(run, steps, lanes=4))
    events = list(store.audit.events())
    assert [event.type for event in events] == ["run_started", *["step"] * 20, "run_ended"]
    assert {event.body["step"] for event in events[1:-1]} == {step.id for step in steps}
    assert {event.run_id for event in events} == {run.run_id}
    assert store.audit.verify().intact


def test_the_audit_tells_who_found_a_run_dead(store: Store) -> None:
    dead = _die(store)
    finder = carry_out(store, plan_of())
    (end,) = [event for event in store.audit.events() if event.run_id == dead and event.type == "run_ended"]
    assert end.body["result"]["found_by"] == finder
    assert store.audit.verify().intact


def test_the_audit_tells_of_what_a_dead_run_may_have_done(store: Store) -> None:
    dead = _die(store)
    carry_out(store, plan_of())
    (event,) = store.audit.events(Question(run_id=dead, action="update"))
    assert (event.body["step"], event.body["resource"]["name"]) == (ONE.id, "user1@example.com")
    assert event.body["result"]["status"] == "trying"
    # Without the directory's schemas nobody knows which values are secret.
    assert event.body["changes"] == [{"path": "title"}]
    assert "Boss" not in str(event.body)
    assert store.audit.verify().intact


def _wait_until_ended(store: Store, run_id: str) -> None:
    while store.run(run_id).status is RunStatus.RUNNING:
        time.sleep(0.001)


def test_an_end_that_is_durable_stays_although_nobody_heard_so(store: Store) -> None:
    async def go(run: Run) -> None:
        await run.intend([ONE])
        await run.settle([outcome(ONE)])
        ending = asyncio.create_task(run.complete(RunResult(run_id=run.run_id, outcomes=(outcome(ONE),))))
        await asyncio.sleep(0)
        # The loop stands still meanwhile, so that nobody hears that it is durable.
        _wait_until_ended(store, run.run_id)
        # As a second Ctrl-C does, at the worst moment.
        ending.cancel()
        await ending

    with pytest.raises(asyncio.CancelledError), running(store, plan_of(ONE)) as run:
        asyncio.run(go(run))
    assert store.run(run.run_id).status is RunStatus.COMPLETE
    assert [event.type for event in store.audit.events()] == ["run_started", "step", "run_ended"]


def test_a_plan_that_was_altered_in_the_store_is_found(store: Store) -> None:
    run_id = carry_out(store, plan_of(ONE, reason="größer"))
    other = zlib.compress(encode(plan_of(ONE)).replace(b"Boss", b"Root"))
    for data, error in ((other, PlanFileError), (other[:50], StoreError)):
        with store.writing() as connection:
            connection.execute(update_rows(runs).values(plan=data))
        with pytest.raises(error):
            store.plan_of(run_id)


def test_a_plan_that_was_exchanged_in_the_store_is_found(store: Store) -> None:
    run_id = carry_out(store, plan_of(ONE))
    other = plan_of(ONE, TWO)
    with store.writing() as connection:
        connection.execute(update_rows(runs).values(plan=zlib.compress(encode(other))))
    with pytest.raises(StoreError, match="another one than the run began with"):
        store.plan_of(run_id)
    with store.writing() as connection:
        connection.execute(update_rows(runs).values(plan_digest=other.digest))
    (chain,) = store.audit.verify().chains
    assert f"run {run_id} is in the store, and the audit does not tell of it" in str(chain.problem)


@pytest.mark.parametrize("left", [0, 1, 2, 4])
def test_an_end_of_the_audit_that_was_cut_off_together_with_its_record_is_found(store: Store, left: int) -> None:
    run_id = carry_out(store, plan_of(ONE, TWO))
    events = list(store.audit.events())[:left]
    cut = carry_out(store, plan_of()) if left == len(events) == 4 else run_id
    with store.writing() as connection:
        disarm(connection)
        connection.execute(delete(audit).where(audit.c.seq > left))
        head = {"seq": left, "hash": events[-1].hash} if events else {"seq": 0, "hash": FIRST}
        connection.execute(update_rows(audit_heads).values(head))
    (chain,) = store.audit.verify().chains
    assert f"run {cut} is in the store, and the audit does not tell of it" in str(chain.problem)


def test_a_run_that_died_with_an_altered_plan_stops_nobody(store: Store) -> None:
    dead = _die(store)
    with store.writing() as connection:
        connection.execute(update_rows(runs).values(plan=b"nonsense"))
    carry_out(store, plan_of())
    assert store.run(dead).status is RunStatus.INTERRUPTED


@pytest.mark.parametrize(
    ("column", "value"), [("status", "great"), ("started", "soon"), ("actor", "{"), ("counts", "[]")]
)
def test_a_run_that_was_altered_by_hand_is_told_as_such(store: Store, column: str, value: str) -> None:
    run_id = carry_out(store, plan_of(ONE))
    with store.writing() as connection:
        connection.execute(update_rows(runs).values({column: value}))
    with pytest.raises(StoreError, match=f"run {run_id} in the store cannot be read"):
        store.runs()


def test_a_step_that_was_altered_by_hand_is_told_as_such(store: Store) -> None:
    run_id = carry_out(store, plan_of(ONE))
    with store.writing() as connection:
        connection.execute(update_rows(ledger).values(before="nonsense"))
    with pytest.raises(StoreError, match=f"step 1 of run {run_id} in the store cannot be read"):
        store.steps_of(run_id)


def test_a_run_goes_on_when_its_database_has_been_away_between_two_records(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    with Workspace(tmp_path, postgresql.new_place()).open() as store, running(store, plan_of(ONE)) as run:

        async def go() -> None:
            await run.intend([ONE])
            postgresql.disconnect_everyone()
            await run.settle([outcome(ONE)])
            await run.complete(RunResult(run_id=run.run_id, outcomes=(outcome(ONE),)))

        asyncio.run(go())
        assert store.run(run.run_id).status is RunStatus.COMPLETE

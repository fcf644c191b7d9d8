"""An apply as programs call it: alone on its directory, with its ledger in the store, and to be gone on with."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete

import reconciler
from loopback import Reply, Request, error
from meddler import Forward, Interpose
from reconciler import ApplyEvent, LockedError, NothingToResumeError, RunResult, Status, Store, WrongDirectoryError
from reconciler.attributes import CORE_USER
from reconciler.model import Kind
from reconciler.planning import Plan, PlanFileError
from reconciler.planning.document import PlanTooEarlyError, PlanTooOldError
from reconciler.planning.signing import PlanSignatureError, generate, sign
from reconciler.sandbox.server import Sandbox
from reconciler.store import Actor, NoSuchRunError, RunStatus, StoreError, new_run_id
from reconciler.store.tables import steps
from scenario import Scenario, Start

COUNT = 30
NAMES = [f"user{number:02}@example.com" for number in range(COUNT)]
TEAM = (
    "users:\n"
    + "".join(f"  - {{userName: {name}}}\n" for name in NAMES)
    + f"groups:\n  - {{displayName: team, members: [{', '.join(NAMES)}]}}\n"
)
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


class Program:
    """Calls the library about one workspace."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.environ = {"SCIM_BASE_URL": scenario.base_url, "SCIM_TOKEN": scenario.token}
        self.loaded = reconciler.load(scenario.workspace)
        self.config = self.loaded.desired.config

    def plan(self) -> Plan:
        live = reconciler.read_live(self.config, self.scenario.workspace, environ=self.environ)
        with self.store() as store:
            history = store.history(live.base_url)
        return reconciler.plan(self.loaded.desired, live, as_of=NOW, history=history)

    def apply(self, planned: Plan, **named: Any) -> RunResult:
        named = {"now": NOW, "environ": self.environ, **named}
        return reconciler.apply(planned, self.config, self.scenario.workspace, **named)

    def resume(self, run_id: str, **named: Any) -> RunResult:
        named = {"now": NOW, "environ": self.environ, **named}
        return reconciler.resume(run_id, self.config, self.scenario.workspace, **named)

    def store(self) -> Store:
        return Store.open(self.config, self.scenario.workspace, self.environ)

    def interrupted(self, planned: Plan, after: int) -> str:
        """Stop an apply at once after so many steps, and return its run."""

        def interrupt(event: ApplyEvent) -> None:
            if event.done == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.apply(planned, on_event=interrupt)
        with self.store() as store:
            return store.runs(limit=1)[0].id


@pytest.fixture
def sandbox_and_program(start: Start) -> tuple[Sandbox, Program]:
    scenario, sandbox = start(concurrency=2)
    return sandbox, Program(scenario.write(TEAM))


@pytest.fixture
def program(sandbox_and_program: tuple[Sandbox, Program]) -> Program:
    return sandbox_and_program[1]


def writes(sandbox: Sandbox) -> int:
    return sum(request.method != "GET" for request in sandbox.requests)


def test_a_run_is_in_the_store_with_its_plan_its_actor_and_every_step(program: Program) -> None:
    planned = program.plan()
    actor = Actor(user="ada", host="laptop", pid=1, ci="github")
    result = program.apply(planned, actor=actor, command="reconcile", desired=program.loaded.desired)
    assert result.complete
    with program.store() as store:
        (run,) = store.runs(planned.directory.base_url)
        assert (run.id, run.status, run.command, run.actor) == (
            result.run_id,
            RunStatus.COMPLETE,
            "reconcile",
            actor,
        )
        assert store.plan_of(run.id) == planned
        ledger = store.steps_of(run.id)
    assert [(line.step, line.state) for line in ledger] == [(step.id, "applied") for step in planned.steps]
    assert all(line.tried and line.finished and line.request_id for line in ledger)


def test_who_runs_it_is_found_out_where_nobody_says(program: Program) -> None:
    run_id = program.apply(program.plan()).run_id
    with program.store() as store:
        assert store.run(run_id).actor.pid > 0


def test_a_plan_without_steps_is_recorded_and_nothing_is_sent(sandbox_and_program: tuple[Sandbox, Program]) -> None:
    sandbox, program = sandbox_and_program
    program.apply(program.plan())
    nothing, count = program.plan(), sandbox.request_count
    result = program.apply(nothing, command="reconcile")
    assert sandbox.request_count == count
    assert (result.outcomes, result.complete) == ((), True)
    with program.store() as store:
        assert store.run(result.run_id).status is RunStatus.COMPLETE


def test_while_one_writes_others_are_told_who_it_is(sandbox_and_program: tuple[Sandbox, Program]) -> None:
    sandbox, program = sandbox_and_program
    planned = program.plan()
    count = writes(sandbox)
    with (
        program.store() as store,
        store.lock(
            planned.directory.base_url,
            "test",
            run_id=new_run_id(),
            actor=Actor(user="grace", host="build-7", pid=4711),
            lease=timedelta(minutes=1),
        ) as lock,
    ):
        with pytest.raises(LockedError, match="grace on build-7, process 4711"):
            program.apply(planned)
        assert writes(sandbox) == count
        # Whoever holds it may apply under its name, as a nightly run that has read and planned meanwhile.
        result = program.apply(planned, store=store, lock=lock)
        assert result.complete
        assert store.runs(limit=1)[0].id == result.run_id
        assert lock.held


def test_a_second_run_waits_as_long_as_it_is_told(program: Program) -> None:
    planned = program.plan()
    told = threading.Event()
    with program.store() as store:
        lock = store.lock(
            planned.directory.base_url,
            "test",
            run_id=new_run_id(),
            actor=Actor(user="grace"),
            lease=timedelta(minutes=1),
        )
        with lock:

            def give_back_when_told() -> None:
                told.wait(10)
                lock.__exit__(None, None, None)

            waiting = threading.Thread(target=give_back_when_told)
            waiting.start()
            result = program.apply(planned, lock_timeout=timedelta(seconds=30), on_wait=lambda _: told.set())
            waiting.join()
    assert told.is_set()
    assert result.complete


@pytest.mark.parametrize("after", [1, 12, 25])
def test_an_interrupted_run_is_gone_on_with(sandbox_and_program: tuple[Sandbox, Program], after: int) -> None:
    sandbox, program = sandbox_and_program
    planned = program.plan()
    run_id = program.interrupted(planned, after)
    result = program.resume(run_id)
    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert program.scenario.members("team") == set(NAMES)
    # Nothing was made twice.
    assert sandbox.directory.created == COUNT + 1
    done = [outcome for outcome in result.outcomes if outcome.message == f"done by the run {run_id}"]
    assert len(done) >= after
    assert {outcome.requests for outcome in done} == {0}
    with program.store() as store:
        assert store.run(result.run_id).resumes == run_id
        assert {line.state for line in store.steps_of(result.run_id)} == {"applied"}
    assert program.plan().steps == ()


def test_a_run_that_resumed_another_is_gone_on_with_in_turn(program: Program) -> None:
    first = program.interrupted(program.plan(), 12)

    def interrupt(event: ApplyEvent) -> None:
        if event.type == "chunk_started":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.resume(first, on_event=interrupt)
    with program.store() as store:
        second = store.runs(limit=1)[0]
    assert second.resumes == first
    assert program.resume(second.id).complete


def test_what_the_last_run_did_is_not_done_again_where_the_first_one_is_named(
    sandbox_and_program: tuple[Sandbox, Program],
) -> None:
    sandbox, program = sandbox_and_program
    first = program.interrupted(program.plan(), 5)

    def interrupt(event: ApplyEvent) -> None:
        if event.done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.resume(first, on_event=interrupt)
    with program.store() as store:
        second = store.runs(limit=1)[0].id
        done = [line for line in store.steps_of(second) if line.state == "applied"]
    # Somebody takes it back by hand: that is for a new plan to judge.
    gone = done[-1]
    assert gone.resource_id is not None
    sandbox.directory.delete(Kind.USER, gone.resource_id)
    result = program.resume(first)
    assert sandbox.directory.created == COUNT + 1
    assert gone.step in {
        outcome.step.id for outcome in result.outcomes if outcome.message == f"done by the run {second}"
    }
    with program.store() as store:
        assert store.run(result.run_id).resumes == second


def test_whoever_takes_the_lock_records_the_end_of_a_run_that_died(program: Program) -> None:
    planned = program.plan()
    where = planned.directory.base_url
    with program.store() as store:
        with store.lock(where, "test", run_id=new_run_id(), actor=Actor(), lease=timedelta(minutes=1)) as lock:
            store.begin(planned, lock=lock, command="apply", actor=Actor())
        with reconciler.hold(program.config, program.scenario.workspace, environ=program.environ):
            assert store.run(lock.run_id).status is RunStatus.INTERRUPTED


def test_what_is_left_of_a_plan_of_which_a_run_was_undone_is_not_applied(
    sandbox_and_program: tuple[Sandbox, Program],
) -> None:
    sandbox, program = sandbox_and_program
    planned = program.plan()
    first = program.interrupted(planned, 5)
    live = reconciler.read_live(program.config, program.scenario.workspace, environ=program.environ)
    undoing = reconciler.undo(
        first, program.loaded.desired, live, program.scenario.workspace, as_of=NOW, environ=program.environ
    )
    undone = program.apply(undoing, command="undo")
    assert undone.counts[Status.APPLIED] > 0
    count = sandbox.request_count
    with pytest.raises(
        reconciler.PlanUndoneError, match=f"{first} of this plan was undone, by the run {undone.run_id}"
    ):
        program.resume(first)
    with pytest.raises(reconciler.PlanUndoneError):
        program.apply(planned, once=True)
    assert sandbox.request_count == count


def test_a_run_with_a_damaged_ledger_is_not_gone_on_with(sandbox_and_program: tuple[Sandbox, Program]) -> None:
    sandbox, program = sandbox_and_program
    run_id, count = program.interrupted(program.plan(), 5), sandbox.request_count
    with program.store() as store, store.writing() as connection:
        connection.execute(delete(steps).where(steps.c.run_id == run_id, steps.c.number == 7))
    with pytest.raises(StoreError, match="not the one of its plan"):
        program.resume(run_id)
    assert sandbox.request_count == count


def test_what_failed_is_tried_again(between: Interpose) -> None:
    refused: list[Request] = []

    def refusing(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH" and not refused:
            refused.append(request)
            return error(400, "not at this moment", "invalidValue")
        return forward(request)

    made = between(refusing, seed={"users": [{"userName": "ada@example.com", "title": "Intern"}]})
    program = Program(made.scenario.write("users: [{userName: ada@example.com, title: Engineer}]"))
    first = program.apply(program.plan())
    assert first.counts[Status.FAILED] == 1
    assert program.resume(first.run_id).complete


def test_what_was_stale_is_judged_again(start: Start) -> None:
    scenario, sandbox = start()
    program = Program(scenario.write(TEAM))
    planned = program.plan()
    intruder = {"schemas": [CORE_USER], "userName": NAMES[20], "active": False}
    created = sandbox.directory.create(Kind.USER, intruder)
    first = program.apply(planned)
    assert first.counts[Status.STALE] == 1
    sandbox.directory.delete(Kind.USER, created.id)
    assert program.resume(first.run_id).complete


def test_what_is_complete_cannot_be_resumed(program: Program) -> None:
    run_id = program.apply(program.plan()).run_id
    with pytest.raises(NothingToResumeError, match="nothing to resume"):
        program.resume(run_id)


def test_a_run_that_nobody_knows_cannot_be_resumed(program: Program) -> None:
    with pytest.raises(NoSuchRunError):
        program.resume("20260101T000000Z-000000")


def test_a_run_that_still_runs_cannot_be_resumed(program: Program) -> None:
    planned = program.plan()
    refused: list[str] = []

    def resume(event: ApplyEvent) -> None:
        if event.done == 5 and not refused:
            with program.store() as store:
                run = store.runs(limit=1)[0]
            with pytest.raises(LockedError) as caught:
                program.resume(run.id)
            refused.append(caught.value.holder.run_id)
            assert refused == [run.id]

    assert program.apply(planned, on_event=resume).complete
    assert refused


def test_a_run_of_another_directory_cannot_be_resumed(program: Program) -> None:
    run_id = program.interrupted(program.plan(), 3)
    elsewhere = {**program.environ, "SCIM_BASE_URL": "http://127.0.0.1:9/scim/v2"}
    with pytest.raises(WrongDirectoryError):
        program.resume(run_id, environ=elsewhere)


@pytest.mark.parametrize(
    ("now", "error"),
    [(NOW + timedelta(days=7, seconds=1), PlanTooOldError), (NOW - timedelta(hours=1), PlanTooEarlyError)],
)
def test_a_plan_of_another_time_is_not_applied(
    sandbox_and_program: tuple[Sandbox, Program], now: datetime, error: type[PlanFileError]
) -> None:
    sandbox, program = sandbox_and_program
    planned, count = program.plan(), sandbox.request_count
    with pytest.raises(error):
        program.apply(planned, now=now)
    assert sandbox.request_count == count


def test_only_a_plan_that_the_key_signed_is_applied(sandbox_and_program: tuple[Sandbox, Program]) -> None:
    sandbox, program = sandbox_and_program
    private, public = generate()
    others, _ = generate()
    planned, count = program.plan(), sandbox.request_count
    for untrusted in (planned, sign(planned, others)):
        with pytest.raises(PlanSignatureError):
            program.apply(untrusted, verify_key=public)
    altered = msgspec.structs.replace(sign(planned, private), reason="another one")
    with pytest.raises(PlanFileError):
        program.apply(altered, verify_key=public)
    assert sandbox.request_count == count
    assert program.apply(sign(planned, private), verify_key=public).complete


def rewriting(request: Request, forward: Forward) -> Reply:
    """Store titles otherwise than they are written."""
    body = request.body.replace(b"Engineer", b"engineer_")
    return forward(Request(request.method, request.target, request.headers, body))


def test_a_directory_that_rewrites_values_is_learned_once_and_populated_then(between: Interpose) -> None:
    made = between(rewriting, seed={"users": [{"userName": name, "title": "Intern"} for name in NAMES[:12]]})
    files = "users:\n" + "".join(f"  - {{userName: {name}, title: Engineer}}\n" for name in NAMES[:12])
    made.scenario.write(files)
    stated = made.scenario.workspace / "directory.yaml"
    stated.write_text(stated.read_text(encoding="utf-8").replace("stop_on_difference: false", ""), encoding="utf-8")
    program = Program(made.scenario)
    first = program.apply(program.plan())
    assert first.breaker
    assert first.counts[Status.NOT_TRIED] > 0
    second = program.apply(program.plan())
    assert not second.breaker
    assert second.counts[Status.NOT_TRIED] == 0

"""docs/safety.md, runs that meet each other, lose their store, or have to end early."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
from contextlib import closing
from queue import Queue

import pytest

from command_line import COMMAND, Done
from disasters import APPLY, WRITES, Case, Meanwhile, Resource, on_write, people, user
from fork_server import Process, forks
from reconciler import api, load_config
from reconciler.sandbox.faults import FaultRule, NothingChanges, Reply, Requests, When
from reconciler.store import RunStatus

ONE_BY_ONE = {"concurrency": 1}


def joiners(case: Case, count: int = 20, **settings: object) -> None:
    """State that people join."""
    case.state(users=[*people(), *(user(40 + number) for number in range(count))], apply=ONE_BY_ONE | settings)


def titles(case: Case, count: int = 20) -> None:
    """State that people get another title."""
    users: list[Resource] = [user(number, title="Principal") for number in range(count)]
    case.state(users=[*users, *people()[count:]], apply=ONE_BY_ONE)


# Two of them


def test_two_runs_at_once(case: Case) -> None:
    joiners(case)
    with api.hold(load_config(case.path), case.path, environ=case.env):
        case.stops()


def test_a_run_that_waits_in_vain(case: Case) -> None:
    joiners(case)
    with api.hold(load_config(case.path), case.path, environ=case.env):
        case.stops(*APPLY, "--lock-timeout", "1s")


def start(case: Case) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *APPLY, "-C", str(case.path)],
        env=case.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


def killed(case: Case, write: int) -> None:
    """Let an apply be killed while the directory handles one of its writes, counted from 1."""
    started: Queue[Process] = Queue()
    case.fails(on_write(write, Meanwhile(happens=lambda: started.get().kill())))
    process = forks().start([*APPLY, "-C", str(case.path)], case.env, case.path / "said.txt")
    started.put(process)
    assert process.wait() == -signal.SIGKILL
    case.fails()


def test_a_process_that_is_killed(case: Case) -> None:
    joiners(case)
    killed(case, 5)
    assert case.written == 5
    ((_, ledger),) = case.runs()
    assert [line.state for line in ledger] == ["applied"] * 4 + ["trying"] + ["not_tried"] * 15
    case.stops(*APPLY)


def test_a_run_that_was_killed_is_gone_on_with(case: Case) -> None:
    joiners(case)
    killed(case, 5)
    ((run, _),) = case.runs()
    sql(case, "UPDATE locks SET expires = since")  # as if the time of its lease had passed
    case.stops("apply", "--resume", run.id, writes=15)
    assert case.written == 20


def sql(case: Case, *statements: str) -> None:
    with closing(sqlite3.connect(case.path / ".reconciler" / "store.db", timeout=60)) as store, store:
        for statement in statements:
            store.execute(statement)


def test_a_lock_that_is_lost_in_the_middle(case: Case) -> None:
    joiners(case)
    taken = "UPDATE locks SET token = token + 1, run_id = 'another', user = 'bob', host = 'ci-2', pid = 7"
    case.fails(on_write(5, Meanwhile(happens=lambda: sql(case, taken))))
    case.stops(writes=5)


# Without a record nothing is done


def test_a_store_that_cannot_be_made(case: Case) -> None:
    joiners(case)
    (case.path / ".reconciler").touch()
    case.stops()


def test_a_store_that_cannot_be_reached(case: Case) -> None:
    case.variables["STORE"] = "postgresql://ada:hunter2@127.0.0.1:1/reconciler"
    case.state(users=[user(0, title="Principal"), *people()[1:]], store="${STORE}")
    done = case.stops()
    assert "hunter2" not in done.stdout + done.stderr


def test_a_store_that_is_damaged(case: Case) -> None:
    case.done(*APPLY)
    file = case.path / ".reconciler" / "store.db"
    content = file.read_bytes()
    file.write_bytes(content[:4096] + bytes(len(content) - 4096))
    joiners(case)
    case.stops()


def test_a_store_of_a_newer_version(case: Case) -> None:
    case.done(*APPLY)
    sql(case, "UPDATE schema_version SET version = 99")
    joiners(case)
    case.stops()


def full(process: subprocess.Popen[str]) -> None:
    """Let the system refuse to write a process's files from now on, as on a disk that is full."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))


on_linux = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")


@on_linux
def test_a_disk_that_is_full(case: Case) -> None:
    case.done(*APPLY)
    joiners(case)

    def apply() -> Done:
        with start(case) as process:
            full(process)
            return ended(process)

    case.stopped(apply)


@on_linux
def test_a_disk_that_gets_full(case: Case) -> None:
    joiners(case)

    def apply() -> Done:
        with start(case) as process:
            case.fails(on_write(5, Meanwhile(happens=lambda: full(process))))
            return ended(process)

    case.stopped(apply, writes=5)
    ((_, ledger),) = case.runs()
    assert [line.state for line in ledger] == ["applied"] * 4 + ["trying"] + ["not_tried"] * 15


def test_a_record_that_somebody_changes(case: Case) -> None:
    joiners(case)
    case.done(*APPLY)
    sql(case, "DROP TRIGGER audit_no_update", "UPDATE audit SET body = replace(body, 'u41', 'u40') WHERE seq = 3")
    case.stops("audit", "verify")


# What goes wrong with some is not done to all


def test_a_canary_that_fails(case: Case) -> None:
    joiners(case, 30)
    case.fails(FaultRule(fault=Reply(status=400), requests=Requests(methods=("POST",), body="u44@")))
    case.stops(writes=10)
    assert case.written == 9


def test_too_many_failures(case: Case) -> None:
    joiners(case, 30, max_failures={"count": 2})
    case.fails(FaultRule(fault=Reply(status=400), requests=WRITES, when=When(skip=10)))
    case.stops(writes=13)
    assert case.written == 10


def test_a_server_that_says_done_and_has_not(case: Case) -> None:
    titles(case)
    case.fails(on_write(5, NothingChanges()))
    case.stops(writes=5)


def test_a_token_that_expires_while_it_is_applied(case: Case) -> None:
    titles(case)
    case.fails(FaultRule(fault=Reply(status=401), requests=WRITES, when=When(skip=5)))
    case.stops(writes=6)
    assert case.written == 5


def test_somebody_presses_ctrl_c(case: Case) -> None:
    titles(case)
    case.fails(on_write(5, Meanwhile(happens=lambda: os.kill(os.getpid(), signal.SIGINT))))
    case.stops(writes=5)
    ((run, _),) = case.runs()
    assert run.status is RunStatus.STOPPED

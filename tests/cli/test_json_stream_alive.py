"""``--json-stream`` while a command runs: who reads along, who goes away, and what is left where it is ended."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pytest

from command_line import Workspace
from fork_server import Process, forks
from reconciler.sandbox.faults import FaultRule, Requests, When
from reconciler.sandbox.faults.exchange import Answer, Stateless, Turn
from reconciler.store import RunStatus
from told_events import ENDS, Stream, assert_ended, read_lines, read_stream

USERS = 12
STATED = "users:\n" + "".join(f"  - userName: u{number:02}@example.com\n" for number in range(USERS))
FULL = Path("/dev/full")


@dataclass(frozen=True)
class Gate(Stateless):
    """Whoever comes has to wait until somebody opens it."""

    open: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, turn: Turn) -> Answer:
        self.reached.set()
        await asyncio.to_thread(self.open.wait)
        return await turn.forward(turn.request)


@pytest.fixture
def gate(workspace: Workspace) -> Gate:
    """Let the directory answer three writes, and those that follow when the gate opens."""
    gate = Gate()
    later = FaultRule(fault=gate, requests=Requests(methods=("POST",), path="/Users"), when=When(skip=3))
    workspace.sandbox.use_faults([later])
    workspace.state(STATED, concurrency=1)
    without_bulk = "  name: acme\n  capabilities: {bulk_operations: 0}\n"
    file = workspace.path / "directory.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("  name: acme\n", without_bulk), encoding="utf-8")
    return gate


@dataclass
class Apply:
    """An apply whose standard output is a pipe."""

    process: Process
    output: TextIO
    errors: Path

    def read_until(self, type_: str, *, times: int = 1) -> str:
        """Read the stream up to a line of a type, and no further."""
        text = ""
        while times:
            line = self.output.readline()
            assert line, text + self.errors.read_text(encoding="utf-8")
            text += line
            times -= f'{{"type":"{type_}"' in line
        return text

    def await_word(self, word: str) -> None:
        """Wait until standard error says something."""
        for _ in range(6000):
            if word in self.errors.read_text(encoding="utf-8"):
                return
            time.sleep(0.01)
        raise AssertionError(self.errors.read_text(encoding="utf-8"))

    def rest(self) -> str:
        """Return the stream to its end."""
        return self.output.read()


@contextmanager
def applying(workspace: Workspace, gate: Gate) -> Iterator[Apply]:
    """Start an apply."""
    output, errors = workspace.path.parent / "output", workspace.path.parent / "errors"
    os.mkfifo(output)
    arguments = ["apply", "--auto-approve", "--json-stream", "-q", "-C", str(workspace.path)]
    process = forks().start(arguments, workspace.env, output, errors=errors)
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        with output.open(encoding="ascii") as told:
            yield Apply(process, told, errors)
    finally:
        gate.open.set()
        process.wait()
        watch.cancel()


def test_whoever_reads_along_sees_what_is_applied_before_the_next_write_is_answered(
    workspace: Workspace, gate: Gate
) -> None:
    with applying(workspace, gate) as apply:
        # The fourth creation is not answered before this was read.
        begun = apply.read_until("step_applied", times=3)
        assert len(read_lines(begun)) > USERS
        gate.open.set()
        text = begun + apply.rest()
        stream = read_stream(text, apply.process.wait())
    assert_ended(stream)
    assert stream.summary["exit_code"] == 0
    assert len(stream.of("chunk_complete")) == stream.of("chunk_complete")[0]["chunks"] > 1


def test_a_reader_that_goes_away_does_not_end_an_apply(workspace: Workspace, gate: Gate) -> None:
    with applying(workspace, gate) as apply:
        apply.read_until("step_applied")
        apply.output.close()
        gate.open.set()
        assert apply.process.wait() == 0
    ((run, ledger),) = workspace.runs()
    assert run.status is RunStatus.COMPLETE
    assert {line.state for line in ledger} == {"applied"}


def test_a_process_that_is_killed_leaves_whole_lines_that_are_true(workspace: Workspace, gate: Gate) -> None:
    with applying(workspace, gate) as apply:
        begun = apply.read_until("step_applied", times=2)
        assert gate.reached.wait(60)
        apply.process.kill()
        lines = read_lines(begun + apply.rest())
        apply.process.wait()
    assert "summary" not in {line["type"] for line in lines}
    ((run, ledger),) = workspace.runs()
    states = {line.step: line.state for line in ledger}
    assert {states[line["step"]] for line in lines if line["type"] in ENDS} == {"applied"}
    started = {line["step"] for line in lines if line["type"] == "step_started"}
    assert {states[step] for step in started} <= {"applied", "trying"}
    assert {line["run"] for line in lines if line["type"] == "step_started"} == {run.id}


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_in_a_diagnostic_and_a_summary(workspace: Workspace, gate: Gate, times: int) -> None:
    with applying(workspace, gate) as apply:
        begun = apply.read_until("step_applied", times=3)
        assert gate.reached.wait(60)
        apply.process.signal(signal.SIGINT)
        apply.await_word("Stopping")
        if times == 1:
            gate.open.set()
        else:
            apply.process.signal(signal.SIGINT)
        stream: Stream = read_stream(begun + apply.rest(), apply.process.wait())
    assert stream.summary["exit_code"] == 130
    assert [line["code"] for line in stream.errors] == ["stopped"]
    assert stream.summary["run"] == stream.of("step_started")[0]["run"]
    if times == 1:
        assert_ended(stream)
        assert {"applied", "not_tried"} == set(stream.statuses().values())
    assert stream.summary["counts"]["applied"] >= 3


@pytest.mark.skipif(not FULL.is_char_device(), reason="there is no device that is always full")
def test_a_disk_that_is_full_does_not_end_an_apply_and_is_an_error(workspace: Workspace) -> None:
    errors = workspace.path / "errors"
    arguments = ["apply", "--auto-approve", "--json-stream", "-q", "-C", str(workspace.path)]
    assert forks().start(arguments, workspace.env, FULL, errors=errors).wait() == 1
    assert errors.read_text(encoding="utf-8").startswith("error: standard output: No space left on device\n")
    ((run, _),) = workspace.runs()
    assert run.status is RunStatus.COMPLETE

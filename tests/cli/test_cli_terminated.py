"""A pipeline that is cancelled ends what it started by a signal: the next one must not wait for the end of a lease."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

import reconciler
from command_line import COMMAND, Workspace
from reconciler.store import RunStatus


def started(workspace: Workspace, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *command, "-C", str(workspace.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=workspace.env,
    )


def test_who_is_impatient_is_told_so_in_one_line_and_leaves_a_record(workspace: Workspace) -> None:
    workspace.state(
        "users:\n" + "".join(f"  - userName: u{number:03}@example.com\n" for number in range(100)), concurrency=1
    )
    sandbox = workspace.sandbox
    with started(workspace, "apply", "--auto-approve") as process:
        while sandbox.request_count < 20:
            assert process.poll() is None
            time.sleep(0.001)
        with sandbox.directory.lock:
            # No request is answered now.
            for _ in range(8):
                process.send_signal(signal.SIGINT)
                time.sleep(0.02)
            _, told = process.communicate(timeout=60)
    # One that comes while Python itself ends kills it; a shell calls that 130, too.
    assert process.returncode in (130, -signal.SIGINT), told
    assert "Traceback" not in told
    assert told.rstrip().endswith("stopped by the user")
    ((run, ledger),) = workspace.runs()
    assert (run.status, run.stopped) == (RunStatus.INTERRUPTED, "stopped by the user, at once")
    assert {line.state for line in ledger} <= {"applied", "trying", "not_tried"}


@pytest.mark.parametrize("command", [("apply", "--auto-approve"), ("reconcile",)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_ended_while_it_reads_gives_its_lock_back(
    workspace: Workspace, command: tuple[str, ...], number: signal.Signals
) -> None:
    with (
        # No request is answered now.
        workspace.sandbox.directory.lock,
        started(workspace, *command) as process,
    ):
        while workspace.sandbox.request_count == 0:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 130, told
    assert told.splitlines()[-1].lower().startswith("stopped"), told
    with reconciler.hold(reconciler.load_config(workspace.path), workspace.path, environ=workspace.env) as hold:
        assert hold.store.runs() == []

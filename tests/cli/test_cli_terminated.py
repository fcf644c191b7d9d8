"""A pipeline that is cancelled ends what it started by a signal: the next one must not wait for the end of a lease."""

from __future__ import annotations

import signal
import time

import pytest

import reconciler
from attending import attended
from command_line import Workspace
from reconciler.store import RunStatus


def test_who_is_impatient_is_told_so_in_one_line_and_leaves_a_record(workspace: Workspace) -> None:
    workspace.state(
        "users:\n" + "".join(f"  - userName: u{number:03}@example.com\n" for number in range(100)), concurrency=1
    )
    sandbox = workspace.sandbox
    with attended(["apply", "--auto-approve", "-C", str(workspace.path)], workspace.env) as process:
        while sandbox.request_count < 20:
            assert not process.ended
            time.sleep(0.001)
        with sandbox.directory.lock:
            # No request is answered now.
            for _ in range(8):
                process.signal(signal.SIGINT)
                time.sleep(0.02)
            code, _, told = process.rest()
    # One that comes while Python itself ends kills it; a shell calls that 130, too.
    assert code in (130, -signal.SIGINT), told
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
        attended([*command, "-C", str(workspace.path)], workspace.env) as process,
    ):
        while workspace.sandbox.request_count == 0:
            assert not process.ended
            time.sleep(0.01)
        process.signal(number)
        code, _, told = process.rest()
        assert code == 130, told
    assert told.splitlines()[-1].lower().startswith("stopped"), told
    with reconciler.hold(reconciler.load_config(workspace.path), workspace.path, environ=workspace.env) as hold:
        assert hold.store.runs() == []

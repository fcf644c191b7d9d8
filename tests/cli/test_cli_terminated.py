"""A pipeline that is cancelled ends what it started by a signal: the next one must not wait for the end of a lease."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

import reconciler
from command_line import COMMAND, Workspace


@pytest.mark.parametrize("command", [("apply", "--auto-approve"), ("reconcile",)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_ended_while_it_reads_gives_its_lock_back(
    workspace: Workspace, command: tuple[str, ...], number: signal.Signals
) -> None:
    with (
        # No request is answered now.
        workspace.sandbox.directory.lock,
        subprocess.Popen(
            [*COMMAND, *command, "-C", str(workspace.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=workspace.env,
        ) as process,
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

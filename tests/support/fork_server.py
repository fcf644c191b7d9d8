"""Real processes of the real command, and of other programs of the tests, milliseconds after they are asked for.

Run as a program, this is a small process with a single thread that has imported what takes time, reads orders from its
standard input and forks a process for each. What is forked is a process of its own in every respect that matters here:
it has its own connections, files, threads and locks, and ``SIGKILL`` takes all of them away.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeAlias

import reconciler

Commit: TypeAlias = tuple[int, float]
"""A moment of a process: which of its commits to the store, from 1, and how many seconds after that begins."""

COMMAND: Final = "reconciler.cli"
"""The module whose ``main`` is the command."""

_RUNS: Final = 1000
"""The answer to who looks after a process that has not ended; no exit code is as high."""

_LATE: Final = (
    "anyio._backends._asyncio",
    "concurrent.futures.thread",
    "encodings.idna",
    "h11",
    "httpcore",
    "httptools",
    "jinja2",
    "jsonschema",
    "psycopg",
    "scim2_models",
    "sniffio",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "uvicorn",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
)
"""What others wrote and is imported late. Whatever is missing here costs a process time, and nothing else."""


@dataclass
class Process:
    """A process of a program.

    Attributes:
        pid: its number. It stays its own until :meth:`wait` has returned.
        output: what it has written to standard output; to standard error as well, unless that has a file of its own.
    """

    pid: int
    output: Path
    _server: ForkServer
    _code: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it has ended; what it has said is complete then."""
        if self._code is None:
            code = self._server.ask({"look": self.pid})
            self._code = None if code == _RUNS else code
        return self._code is not None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if self._code is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self.signal(signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end and return its exit code; the negative number of the signal that killed it."""
        if self._code is None:
            self._code = self._server.ask({"wait": self.pid})
        return self._code

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")


class ForkServer:
    """Starts processes. Use it as a context manager."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-W", "error", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Start nothing more."""
        with self._server as server:
            assert server.stdin is not None
            server.stdin.close()

    def start(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        output: Path,
        *,
        program: str = COMMAND,
        stdin: Path | None = None,
        errors: Path | None = None,
        cwd: Path | None = None,
        ignores: Sequence[signal.Signals] = (),
        dies_at: Commit | None = None,
    ) -> Process:
        """Start the command, or another program.

        Args:
            arguments: what follows its name.
            environ: its environment variables, all of them.
            output: where what it says goes: a file, which may be there already, or a named pipe.
            program: the module whose ``main`` is run.
            stdin: what it reads; nobody is there, if left out.
            errors: where what it says on standard error goes instead.
            cwd: where it is; here, if left out.
            ignores: signals that it ignores from the beginning, as with ``nohup``.
            dies_at: when it kills itself, if it has not ended by then.
        """
        order = {
            "program": program,
            "arguments": arguments,
            "environ": dict(environ),
            "stdin": str(stdin or os.devnull),
            "output": str(output),
            "errors": str(errors or output),
            "cwd": str(cwd or Path.cwd()),
            "ignores": ignores,
            "dies_at": dies_at,
        }
        return Process(self.ask(order), output, self)

    def ask(self, order: Mapping[str, Any]) -> int:
        """Give an order and return the answer to it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{json.dumps(order)}\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


@cache
def forks() -> ForkServer:
    """Return the server of this test process, started when it is first asked for."""
    server = ForkServer()
    atexit.register(server.stop)
    return server


def main() -> None:
    """Fork as standard input says."""
    _import_what_takes_time()
    assert threading.active_count() == 1
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        elif "look" in order:
            pid, status = os.waitpid(order["look"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else _RUNS
        else:
            answer = os.fork()
            if answer == 0:
                _become(order)
        print(answer, flush=True)


def _import_what_takes_time() -> None:
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for name in _LATE:
        import_module(name)


def _become(order: Mapping[str, Any]) -> NoReturn:
    """Turn this process into one of a program."""
    _die_with_parent()
    os.environ.clear()
    os.environ.update(order["environ"])
    stdin = os.open(order["stdin"], os.O_RDONLY)
    output, errors = (
        os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in ("output", "errors")
    )
    for target, source in ((0, stdin), (1, output), (2, errors)):
        os.dup2(source, target)
        os.close(source)
    os.chdir(order["cwd"])
    # A test run in the background ignores SIGINT; a person's shell does not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number in order["ignores"]:
        signal.signal(number, signal.SIG_IGN)
    _open_streams()
    if order["program"] == COMMAND:
        sys.path[0] = order["cwd"]  # as ``python -m`` does
    sys.argv = ["reconciler", *order["arguments"]]
    if order["dies_at"] is not None:
        _die_at(*order["dies_at"])
    code = 1
    try:
        import_module(order["program"]).main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        _end(code)


def _open_streams() -> None:
    """Make the streams anew, as Python makes them: those of before know whether what they had could be rewound."""
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)


def _end(code: int) -> NoReturn:
    """End as every process of Python does, but do not take down, module by module, what was there before the fork: that
    would cost more time than most commands."""
    atexit._run_exitfuncs()
    gc.collect()  # says on standard error what was never closed
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _die_with_parent() -> None:
    """Let no process outlive a test session that was broken off, where the system can see to it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of prctl(2)


def _die_at(commit: int, after: float) -> None:
    from sqlalchemy import Connection, Engine, event

    seen = 0

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "commit")
    def count(_connection: Connection) -> None:
        nonlocal seen
        seen += 1
        if seen == commit:
            if after:
                timer = threading.Timer(after, kill)
                timer.daemon = True  # a process that ends before is not waited for
                timer.start()
            else:
                kill()


if __name__ == "__main__":
    main()

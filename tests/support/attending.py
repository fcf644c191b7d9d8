"""A command that is attended while it runs: what it says is read as it says it, and it is signalled meanwhile."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from fork_server import COMMAND, Process, forks

_LONGEST: Final = 60  # seconds


@dataclass
class Running:
    """A process with the ends of its streams that are not its own.

    Attributes:
        process: the process itself.
        stdin: what it reads, where it is talked to.
        stdout: what it says.
        stderr: what it says on standard error.
    """

    process: Process
    stdin: IO[str] | None
    stdout: IO[str]
    stderr: IO[str]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.ended

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens where it has ended."""
        self.process.signal(number)

    def wait(self) -> int:
        """Wait for its end and return its exit code; the negative number of the signal that killed it."""
        watch = threading.Timer(_LONGEST, self.process.kill)
        watch.start()
        try:
            return self.process.wait()
        finally:
            watch.cancel()

    def rest(self) -> tuple[int, str, str]:
        """Wait for its end; return its exit code and what it has said that was not read, on either stream."""
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.append(self.stderr.read()))
        reader.start()
        watch = threading.Timer(_LONGEST, self.process.kill)
        watch.start()
        try:
            said = self.stdout.read()
            reader.join()
            return self.process.wait(), said, errors[0]
        finally:
            watch.cancel()


@contextmanager
def attended(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    program: str = COMMAND,
    cwd: Path | None = None,
    stdin: Path | None = None,
    talks: bool = False,
    ignores: Sequence[signal.Signals] = (),
) -> Iterator[Running]:
    """Run the command, or another program, while a block lasts; what still runs then is killed.

    Args:
        arguments: what follows its name.
        environ: its environment variables, all of them.
        program: the module whose ``main`` is run.
        cwd: where it is; here, if left out.
        stdin: what it reads: a file or a terminal; nobody is there, if left out.
        talks: whether it is talked to instead.
        ignores: signals that it ignores from the beginning, as with ``nohup``.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        heard, said, told = (Path(folder) / name for name in ("stdin", "stdout", "stderr"))
        for pipe in (heard, said, told):
            os.mkfifo(pipe)
        process = forks().start(
            arguments,
            environ,
            said,
            program=program,
            stdin=heard if talks else stdin,
            errors=told,
            cwd=cwd,
            ignores=ignores,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        # It opens its own ends in this order, and each open waits for the other.
        running = Running(
            process,
            stack.enter_context(heard.open("w", encoding="utf-8")) if talks else None,
            stack.enter_context(said.open(encoding="utf-8")),
            stack.enter_context(told.open(encoding="utf-8")),
        )
        yield running

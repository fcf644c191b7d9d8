"""What a run did, kept in ``.reconciler/runs/<id>/``: the plan, and a ledger of append-only JSON Lines.

A chunk's intent is on disk before its first request, and its outcomes before the next chunk begins. After a crash the
ledger says which steps are applied, which were tried with an unknown outcome, and which were never tried.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from reconciler.applying.outcome import Outcome, RunResult
from reconciler.model import utc
from reconciler.planning.document import encode
from reconciler.planning.plan import Plan, Step

RUNS = Path(".reconciler") / "runs"
LEDGER = "ledger.jsonl"
FORMAT = "reconciler.ledger/1"


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The ledger of one run. Use it as a context manager.

    Attributes:
        run_id: time of the start in UTC and a random part: sorts by time, unique over machines.
        folder: where the run is kept.
    """

    run_id: str
    folder: Path
    _file: FileIO = field(repr=False)

    @classmethod
    def open(cls, workspace: Path, plan: Plan, *, actor: Mapping[str, str] | None = None) -> Ledger:
        """Begin a run: keep the plan, and write the first line.

        Args:
            workspace: the folder below which ``.reconciler`` is.
            plan: what will be carried out.
            actor: who and where: user, host, CI job.

        Raises:
            OSError: the folder cannot be written. Nothing may be applied without a ledger.
        """
        started = datetime.now(UTC)
        run_id = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        folder = workspace / RUNS / run_id
        _make_folder(folder, below=workspace)
        with _new_file(folder / "plan.json") as file:
            _write_whole(file, encode(plan))
            os.fsync(file.fileno())
        ledger = cls(run_id=run_id, folder=folder, _file=_new_file(folder / LEDGER))
        ledger._write(
            "run_started",
            format=FORMAT,
            run=run_id,
            plan=plan.digest,
            directory=plan.directory.name,
            base_url=plan.directory.base_url,
            commit=plan.desired.commit,
            steps=len(plan.steps),
            # What a system says of itself need not be valid text.
            actor={name: value.encode("utf-8", "replace").decode() for name, value in (actor or {}).items()},
        )
        ledger._sync()
        _sync_folders(folder, up_to=workspace)
        return ledger

    @property
    def path(self) -> Path:
        """The file of the ledger."""
        return self.folder / LEDGER

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            # The disk may be what the run ended with.
            with suppress(OSError):
                self._write("run_interrupted", error=kind.__name__)
                self._sync()
        self._file.close()

    def chunk_started(self, number: int, steps: Iterable[Step]) -> None:
        """Record durably which steps are about to be tried."""
        self._write("chunk_started", chunk=number, steps=[step.id for step in steps])
        self._sync()

    def step_finished(self, outcome: Outcome) -> None:
        """Record what became of a step; durable with the end of its chunk."""
        self._write(
            "step_finished",
            step=outcome.step.id,
            status=outcome.status,
            **{
                name: value
                for name, value in (
                    ("message", outcome.message),
                    ("resource_id", outcome.resource_id),
                    ("http_status", outcome.http_status),
                    ("requests", outcome.requests),
                )
                if value
            },
        )

    def chunk_completed(self, number: int) -> None:
        """Record durably that every step of a chunk has its outcome above."""
        self._write("chunk_completed", chunk=number)
        self._sync()

    def run_completed(self, result: RunResult) -> None:
        """Record durably how the run ended."""
        counts = {status.value: count for status, count in result.counts.items() if count}
        self._write("run_completed", counts=counts, stopped=result.stopped)
        self._sync()

    def _write(self, type_: str, **fields: Any) -> None:
        line = {"type": type_, "at": utc(datetime.now(UTC)), **fields}
        end = os.fstat(self._file.fileno()).st_size
        try:
            # Unbuffered: every line is one write, so a killed process leaves at most its last line torn.
            _write_whole(self._file, msgspec.json.encode(line) + b"\n")
        except OSError:
            # A full disk takes the beginning of a line; the lines before it must stay readable.
            with suppress(OSError):
                self._file.truncate(end)
            raise

    def _sync(self) -> None:
        os.fsync(self._file.fileno())


def read_ledger(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's ledger, oldest first. A last line that a crash cut short is left out.

    Raises:
        OSError: there is no such run.
    """
    lines = (folder / LEDGER).read_bytes().split(b"\n")
    # What stands behind the last line feed is empty, or a line whose writing was interrupted.
    return [msgspec.json.decode(line) for line in lines[:-1]]


def _make_folder(folder: Path, *, below: Path) -> None:
    """Make a folder that only its owner may enter, as plans name people; those on the way to it likewise."""
    *outer, _ = reversed([folder, *(parent for parent in folder.parents if below in parent.parents)])
    for parent in outer:
        parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)


def _new_file(path: Path) -> FileIO:
    return FileIO(path, "xb", opener=lambda name, flags: os.open(name, flags | os.O_APPEND, 0o600))


def _write_whole(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_folders(folder: Path, *, up_to: Path) -> None:
    """Make the names of new files and folders durable, where the system can (POSIX)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    while True:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if folder == up_to:
            return
        folder = folder.parent

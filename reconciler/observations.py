"""What the directory made of earlier writes, remembered in ``.reconciler/observations.jsonl`` of the workspace.

Append-only JSON Lines, one observation each. It is a memory and no state: without the file everything works, only that
a change which the directory never keeps is planned, written and found different once more.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.attributes import canonical
from reconciler.model import Kind, Observation
from reconciler.planning.plan import Action
from reconciler.whole_file import write_whole

if TYPE_CHECKING:
    # Remembering is for applying alone, and recalling for every plan, whose start-up time is felt.
    from reconciler.applying.outcome import Outcome

OBSERVATIONS: Final = Path(".reconciler") / "observations.jsonl"
MAX_BYTES: Final = 64 * 1024 * 1024
"""How large the file may grow. 100,000 users that do not keep three attributes each fit well."""
_KEPT: Final = 2
"""Observations of one value that are of use: whether a write that changed nothing did so twice."""

_MOST_KEPT: Final = 10_000
"""Values that were kept and are remembered of one run: what overwrites them shows in some of many as well."""


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    base_url: str
    run: str
    kind: Kind
    id: str
    path: str
    wrote: Any = None
    stored: Any = None
    unchanged: bool = False

    @property
    def observation(self) -> Observation:
        return Observation(
            kind=self.kind,
            id=self.id,
            path=self.path,
            wrote=self.wrote,
            stored=self.stored,
            unchanged=self.unchanged,
        )


def recall(workspace: Path | str, base_url: str) -> tuple[Observation, ...]:
    """Return what earlier applies from this workspace learned of a directory, the oldest first; nothing if none did.

    Args:
        workspace: the folder with ``directory.yaml``.
        base_url: the SCIM endpoint; what was learned of another one is left out.

    Raises:
        OSError: the file is there and cannot be read.
    """
    lines = _read(Path(workspace) / OBSERVATIONS)
    return tuple(line.observation for line in lines if line.base_url == base_url)


def remember(
    workspace: Path | str, base_url: str, run_id: str, outcomes: Sequence[Outcome], *, max_bytes: int = MAX_BYTES
) -> None:
    """Add what an apply learned.

    Args:
        workspace: the folder with ``directory.yaml``.
        base_url: the SCIM endpoint that was written to.
        run_id: the name of the run.
        outcomes: what became of its steps.
        max_bytes: how large the file may grow before the oldest half of it is forgotten.

    Raises:
        OSError: the file cannot be written.
    """
    encoder = msgspec.json.Encoder()
    lines = [
        encoder.encode(
            _Line(
                base_url=base_url,
                run=run_id,
                kind=seen.kind,
                id=seen.id,
                path=seen.path,
                wrote=seen.wrote,
                stored=seen.stored,
                unchanged=seen.unchanged,
            )
        )
        for seen in (*_differences(outcomes), *islice(_kept(outcomes), _MOST_KEPT))
    ]
    if not lines:
        return
    file = Path(workspace) / OBSERVATIONS
    file.parent.mkdir(parents=True, exist_ok=True)
    size = _append(file, b"".join(line + b"\n" for line in lines))
    if size > max_bytes:
        _forget_the_oldest(file, keep_bytes=max_bytes // 2)


def _differences(outcomes: Iterable[Outcome]) -> Iterator[Observation]:
    """Yield what was stored otherwise, and of each whether the directory merely left everything as it was."""
    for outcome in outcomes:
        existed = outcome.step.action is not Action.CREATE
        before = {change.path: change.before for change in outcome.step.changes if existed}
        for seen in outcome.differences:
            ignored = seen.path in before and canonical(before[seen.path], None) == canonical(seen.stored, None)
            yield replace(seen, unchanged=ignored)


def _kept(outcomes: Iterable[Outcome]) -> Iterator[Observation]:
    """Yield what existing resources kept: it tells, after some runs, that something changes it back every time."""
    from reconciler.applying.outcome import Status

    for outcome in outcomes:
        step = outcome.step
        if step.action is Action.CREATE or outcome.status is not Status.APPLIED or not outcome.requests:
            continue
        for change in step.changes:
            # Whether an account works is written whatever became of it before.
            if change.path != "active" and outcome.resource_id is not None:
                yield Observation(
                    kind=step.kind, id=outcome.resource_id, path=change.path, wrote=change.after, stored=change.after
                )


def _read(file: Path) -> Iterator[_Line]:
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return
    decoder = msgspec.json.Decoder(_Line)
    for line in content.splitlines():
        try:
            yield decoder.decode(line)
        # A machine that stopped in the middle of a write leaves half a line; what it said is learned again.
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue


def _append(file: Path, content: bytes) -> int:
    """Add whole lines behind whatever is there, and return how many bytes the file has then. Others cannot read it."""
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            content = content if stream.read(1) == b"\n" else b"\n" + content
        stream.write(content)
        return size + len(content)


def _forget_the_oldest(file: Path, *, keep_bytes: int) -> None:
    """Write the file again with the newest of what is of use, whole or not at all."""
    seen = defaultdict[tuple[str, Kind, str, str], int](int)
    encoder = msgspec.json.Encoder()
    kept: list[bytes] = []
    size = 0
    for line in reversed(list(_read(file))):
        key = (line.base_url, line.kind, line.id, line.path)
        seen[key] += 1
        if seen[key] > _KEPT:
            continue
        encoded = encoder.encode(line) + b"\n"
        size += len(encoded)
        if size > keep_bytes:
            break
        kept.append(encoded)
    write_whole(file, b"".join(reversed(kept)), private=True)

"""The page of a GitHub workflow run, which shows what a step appends to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from reconciler.ci.errors import SurroundingsError
from reconciler.planning import Plan
from reconciler.rendering.markdown import render_markdown

MOST: Final = 1024 * 1024
"""Bytes that a step may write; of a longer file GitHub shows nothing at all ("upload aborted, supports content up to a
size of 1024k"). Source:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits."""

_LEAST: Final = 4_000


def summary_of(plan: Plan, *, room: int = MOST, where: str | None = None, redact: bool = False) -> str:
    """Return the plan in Markdown, in no more than ``room`` bytes.

    Args:
        plan: the plan.
        room: bytes.
        where: the URL of where the full plan is.
        redact: whether people are not to be named.
    """
    return render_markdown(plan, limit=room, where=where, redact=redact)


def append_summary(path: Path, plan: Plan, *, where: str | None = None, redact: bool = False) -> int:
    """Append the plan to the file of a step, behind what it has written already.

    Args:
        path: the file, which the runner has made.
        plan: the plan.
        where: the URL of where the full plan is.
        redact: whether people are not to be named.

    Returns:
        How many bytes were written.

    Raises:
        SurroundingsError: the step has written so much already that there is no room.
        OSError: the file cannot be written.
    """
    held = path.stat().st_size if path.exists() else 0
    room = MOST - held - 2
    if room < _LEAST:
        message = (
            f"this step has written {held:,} bytes of the {MOST:,} that it may. Write the plan in a step of its own"
        )
        raise SurroundingsError("GITHUB_STEP_SUMMARY", message)
    content = b"\n" * (2 if held else 0) + summary_of(plan, room=room, where=where, redact=redact).encode()
    with path.open("ab") as file:
        file.write(content)
    return len(content)

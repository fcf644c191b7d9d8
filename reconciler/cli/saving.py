"""Plan files that a command was asked to write."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.planning import Plan, encode
from reconciler.whole_file import write_whole


def require_folder(output: Path | None) -> None:
    """Refuse a file that cannot be written before a large directory is read for it.

    Raises:
        BadParameter: there is no folder for it.
    """
    if output is not None and not output.parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(output.parent)!r}", param_hint="-o")


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan file, all of it or nothing. Only its owner may read it: it names people."""
    if path.exists() and not path.is_file():
        # A pipe or a device: it is written to, and must not be replaced by a file.
        path.write_bytes(encode(plan))
        return
    write_whole(path, encode(plan), private=True)

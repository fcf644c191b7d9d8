"""The command line: parse, call, render, exit. The only place that prints, prompts or exits."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    try:
        # Imported here, so that a Ctrl-C while it loads is answered like every other.
        from reconciler.cli.entry import main as run_and_exit
    except KeyboardInterrupt:
        sys.exit(130)
    run_and_exit()


__all__ = ["main"]

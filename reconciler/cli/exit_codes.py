"""What an exit code means. They are a public interface: pipelines decide by them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Every exit code of every command."""

    DONE = 0
    """Done; nothing to change, or changes applied in full."""
    ERROR = 1
    """Bad input, unreachable, refused credentials."""
    CHANGES = 2
    """There are changes, and ``--detailed-exitcode`` asked to be told."""
    REFUSED = 3
    """A guard refused."""
    STALE = 4
    """The saved plan is stale, not intact, or for another directory."""
    PARTLY = 5
    """Applied in part; the ledger tells what."""
    USAGE = 64
    """Wrong usage (``EX_USAGE`` of sysexits.h)."""
    STOPPED = 130
    """Stopped by the user, cleanly."""

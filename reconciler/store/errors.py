"""What can be wrong with the store."""

from __future__ import annotations

from datetime import datetime

from reconciler.diagnostics import ReconcilerError
from reconciler.model import utc
from reconciler.store.records import LockHolder


class StoreError(ReconcilerError):
    """The store cannot be opened, read or written."""


class StoreTooNewError(StoreError):
    """The store was migrated by a newer version of this program.

    Attributes:
        found: the version of its schema.
        known: the newest version that this program knows.
    """

    def __init__(self, found: int, known: int) -> None:
        self.found = found
        self.known = known
        super().__init__(f"the store has schema {found}, and this version knows up to {known}. Use a newer reconciler")


class NoStoreError(StoreError):
    """There is no store to read."""

    def __init__(self) -> None:
        super().__init__("there is no store here: no run was ever recorded, or it was taken away")


class NoSuchRunError(StoreError):
    """There is no run of that name in the store.

    Attributes:
        run_id: the name.
        near: one that is there and was probably meant, where somebody has looked for it.
    """

    def __init__(self, run_id: str, near: str | None = None) -> None:
        self.run_id = run_id
        self.near = near
        guess = f"did you mean {near}? " if near else ""
        super().__init__(f"there is no run {run_id!r} in the store; {guess}`reconciler runs` lists them")


class LockedError(ReconcilerError):
    """Another run writes to the directory. Nothing was written.

    Attributes:
        holder: who holds the lock.
    """

    def __init__(self, holder: LockHolder) -> None:
        self.holder = holder
        super().__init__(
            f"{holder.directory} is locked by {holder} since {utc(holder.since)}. Wait for it with --lock-timeout; "
            f"if it is dead, its lock ends at {utc(holder.expires)}"
        )


class LockLostError(ReconcilerError):
    """The lock was not renewed in time, so that somebody else may write now. No further write was sent.

    Attributes:
        since: when the lease ended, in UTC.
    """

    def __init__(self, since: datetime) -> None:
        self.since = since
        super().__init__(f"the lock on the directory was lost: its lease ended at {utc(since)} without being renewed")

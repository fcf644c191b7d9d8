"""Runs, ledger, audit, memory and the lock: SQLite by default, PostgreSQL where several machines share it."""

from __future__ import annotations

from reconciler.store.errors import LockedError, LockLostError, NoSuchRunError, StoreError, StoreTooNewError
from reconciler.store.records import Actor, AuditEvent, LockHolder, RunRecord, RunStatus, StepRecord
from reconciler.store.store import Store, new_run_id

__all__ = [
    "Actor",
    "AuditEvent",
    "LockHolder",
    "LockLostError",
    "LockedError",
    "NoSuchRunError",
    "RunRecord",
    "RunStatus",
    "StepRecord",
    "Store",
    "StoreError",
    "StoreTooNewError",
    "new_run_id",
]

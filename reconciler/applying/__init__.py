"""Carrying out a plan: preconditions, concurrency, chunks, read-back, ledger. The only part that writes."""

from reconciler.applying.engine import apply_plan
from reconciler.applying.ledger import Ledger, read_ledger
from reconciler.applying.outcome import ApplyEvent, Outcome, RunResult, Status
from reconciler.applying.stop import StopSignal

__all__ = ["ApplyEvent", "Ledger", "Outcome", "RunResult", "Status", "StopSignal", "apply_plan", "read_ledger"]

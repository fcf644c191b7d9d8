"""Carrying out a plan: preconditions, concurrency, chunks, read-back, circuit breaker. The only part that writes."""

from reconciler.applying.breaker import Breaker
from reconciler.applying.engine import apply_plan
from reconciler.applying.journal import Journal
from reconciler.applying.outcome import ApplyEvent, Outcome, RunResult, Status
from reconciler.applying.stop import StopSignal

__all__ = ["ApplyEvent", "Breaker", "Journal", "Outcome", "RunResult", "Status", "StopSignal", "apply_plan"]

"""What became of each step, and what an apply tells while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from reconciler.model import Observation
from reconciler.planning.plan import Step


class Status(StrEnum):
    """What became of a step."""

    APPLIED = "applied"
    """The directory holds what the step wanted: it was read back, or nothing was left to do."""
    DIFFERS = "differs"
    """The directory accepted the request, and what it holds is not what was written."""
    FAILED = "failed"
    """The request was refused, or nobody can tell what became of it."""
    STALE = "stale"
    """The directory is not any more what the step was planned from. Nothing was written."""
    SKIPPED = "skipped"
    """A step that this one needs did not succeed. Nothing was written."""
    NOT_TRIED = "not_tried"
    """The run stopped before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one step.

    Attributes:
        step: the step.
        status: what became of it.
        message: for a person: why it failed, was skipped or differs. Where it was applied: empty, why nothing was
            left to do, or what was found out about the directory and put right on the way.
        resource_id: the id of the resource, also of one that this step created.
        http_status: the status of the last answer to a write, where there was one.
        requests: how many writes were sent for it. 0 for an applied step: it was so already.
        differences: the attributes that the directory accepted and stored as something else.
        explained: whether they are all that differs.
        request_id: what the server called the last write, where it says so.
        before: of a resource that this step deleted: its attributes in SCIM's JSON form, ``members`` among them as a
            list of ids, without what is writeOnly or secret. ``None`` for every other step.
    """

    step: Step
    status: Status
    message: str = ""
    resource_id: str | None = None
    http_status: int | None = None
    requests: int = 0
    differences: tuple[Observation, ...] = ()
    explained: bool = False
    request_id: str | None = None
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a plan.

    Attributes:
        run_id: the name of the run, by which the store keeps its ledger.
        outcomes: one per step of the plan, in its order.
        stopped: why the run ended before the plan did, or ``None`` where it did not.
        by_user: whether it was a person or a signal that stopped it, before everything was tried.
        breaker: whether the circuit breaker ended it: too many failures, or a read-back that differs from what was
            written.
    """

    run_id: str
    outcomes: tuple[Outcome, ...]
    stopped: str | None = None
    by_user: bool = False
    breaker: bool = False

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many steps ended in each status; statuses without steps are zero."""
        counted = Counter(outcome.status for outcome in self.outcomes)
        return {status: counted[status] for status in Status}

    @property
    def complete(self) -> bool:
        """Whether every step was applied."""
        return all(outcome.status is Status.APPLIED for outcome in self.outcomes)


EventType: TypeAlias = Literal["chunk_started", "step_started", "step_finished", "chunk_completed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyEvent:
    """Something that happened during an apply, for progress.

    Every step of the plan finishes once. One that is tried starts before: what is neither skipped, nor left because the
    run stopped, nor done by an earlier run.

    Attributes:
        type: ``chunk_started``; ``step_started``, once the journal has it that the step is about to be tried and before
            the first request about its resource; ``step_finished``, once the journal has what became of it;
            ``chunk_completed``.
        run_id: the name of the run.
        chunk: the number of the chunk, from 1.
        chunks: how many there are.
        done: steps that have an outcome so far.
        total: steps of the plan.
        step: the step that started or finished.
        outcome: of the step that finished.
        recorded: whether the journal has it; never again once it could not be written, which ends the run.
    """

    type: EventType
    run_id: str
    chunk: int
    chunks: int
    done: int
    total: int
    step: Step | None = None
    outcome: Outcome | None = None
    recorded: bool = True

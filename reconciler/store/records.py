"""What the store keeps, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    """It has begun, and no end is recorded: it runs, or its process died."""
    COMPLETE = "complete"
    """Every step was applied."""
    PARTLY = "partly"
    """It ended, and some steps were not applied."""
    STOPPED = "stopped"
    """A person or a signal stopped it."""
    INTERRUPTED = "interrupted"
    """An error ended it, or the next run found its process dead."""


TRYING = "trying"
"""The state of a step whose intent is recorded and whose outcome is not: nobody knows yet whether it was applied."""
NOT_TRIED = "not_tried"
"""The state of a step of which no intent is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who runs this, where, and for what.

    Attributes:
        user: the user of the operating system.
        host: the name of the machine.
        pid: the process.
        ci: which CI system, where there is one: ``github``, ``gitlab``.
        ci_actor: who started the CI job.
        ci_job: where to look at the job: a URL.
        commit: the Git commit of the desired state.
        author: who wrote that commit.
        ticket: what was found in the reason that looks like one: ``OPS-1234``.
    """

    user: str = ""
    host: str = ""
    pid: int = 0
    ci: str | None = None
    ci_actor: str | None = None
    ci_job: str | None = None
    commit: str | None = None
    author: str | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run.

    Attributes:
        id: time of the start in UTC and a random part: sorts by time, unique over machines.
        directory: the SCIM endpoint, by which directories are told apart.
        name: what the directory is called.
        command: what was called: ``apply``, ``reconcile``.
        status: how it stands.
        started: when, in UTC.
        ended: when; ``None`` while no end is recorded.
        plan_digest: of its plan.
        actor: who ran it.
        reason: why, where somebody said so.
        resumes: the run that it goes on with.
        undoes: the run that it undoes.
        steps: how many its plan has.
        counts: how many ended in each status.
        stopped: why it ended before the plan did.
    """

    id: str
    directory: str
    name: str
    command: str
    status: RunStatus
    started: datetime
    ended: datetime | None = None
    plan_digest: str = ""
    actor: Actor = field(default_factory=Actor)
    reason: str | None = None
    resumes: str | None = None
    undoes: str | None = None
    steps: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    stopped: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """The line of the ledger about one step of a run.

    Attributes:
        number: its place in the plan, from 1.
        step: its id.
        state: ``not_tried``, ``trying``, or the status that it ended with.
        message: what the outcome says.
        resource_id: of its resource.
        http_status: of the last answer to a write.
        request_id: what the server called that request.
        requests: how many writes were sent.
        tried: when its intent was recorded.
        finished: when its outcome was.
        before: of a deleted resource: what it was, so that it can be made again; secrets left out.
    """

    number: int
    step: str
    state: str
    message: str = ""
    resource_id: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    requests: int = 0
    tried: datetime | None = None
    finished: datetime | None = None
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who writes to a directory.

    Attributes:
        directory: what the directory is called.
        run_id: its run.
        user: the user of the operating system.
        host: its machine.
        pid: its process.
        since: when it took the lock, in UTC.
        expires: when the lock ends if it is not renewed.
    """

    directory: str
    run_id: str
    user: str
    host: str
    pid: int
    since: datetime
    expires: datetime

    def __str__(self) -> str:
        return f"run {self.run_id} ({self.user or 'unknown'} on {self.host or 'unknown'}, process {self.pid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedDrift:
    """A difference between a directory and the files that a person has accepted.

    Attributes:
        key: names the difference, see :class:`reconciler.planning.drift.Item`.
        value: digest of what the directory held then.
        at: when it was accepted, in UTC.
        reason: why.
    """

    key: str
    value: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One link of the audit chain of a directory.

    Attributes:
        seq: its number in the chain, from 1, without gaps.
        directory: the SCIM endpoint.
        run_id: the run that it is about; what accepts drift is no run, and has a name like one.
        at: when, in UTC.
        type: ``run_started``, ``step``, ``run_ended``, ``drift_accepted``, ``drift_forgotten``.
        body: everything that it says, see ``docs/audit.md``.
        previous: the hash of the event before; 64 zeros for the first.
        hash: SHA-256 over the canonical JSON of everything above, in hexadecimal digits.
    """

    seq: int
    directory: str
    run_id: str
    at: datetime
    type: str
    body: Mapping[str, Any]
    previous: str
    hash: str

"""The event stream ``reconciler.events/1``: what a command does, as JSON Lines while it does it.

Every line is one of the structs below, told apart by ``type``. What they hold of a plan is in the form of the plan
document.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, TypeAlias

import msgspec

from reconciler.diagnostics import Severity
from reconciler.model import Kind
from reconciler.planning.document import in_ascii
from reconciler.planning.plan import Action, Since, Step, Summary, Verdict
from reconciler.struct_schemas import json_schema_of

FORMAT: Final = "reconciler.events/1"


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"
):
    """One line of the stream. Fields at their default are left out of the JSON.

    Attributes:
        time: when it happened: RFC 3339, in UTC, with milliseconds.
        message: it as one sentence for a person; names in it are made fit to be shown, and cut where they are long.
    """

    time: str
    message: str


class Version(Event, frozen=True, kw_only=True, tag="version"):
    """The first line: what is going to be told, and by what.

    Attributes:
        format: the version of the stream.
        tool: name and version of the program.
        command: what was called: ``plan``, ``apply``, ``reconcile``, ``undo``; ``null`` where the command line is so
            wrong that nobody can tell.
    """

    format: Literal["reconciler.events/1"]
    tool: str
    command: str | None = None


class ReadStart(Event, frozen=True, kw_only=True, tag="read_start"):
    """The directory is going to be read.

    Attributes:
        directory: what ``directory.yaml`` calls it.
    """

    directory: str


class ReadComplete(Event, frozen=True, kw_only=True, tag="read_complete"):
    """The directory was read, and what was read is proven complete.

    Attributes:
        directory: what ``directory.yaml`` calls it.
        users: how many were read.
        groups: how many were read.
        memberships: how many places in these groups are taken, as far as the groups tell.
        requests: HTTP requests sent, with those that were repeated.
        bytes: of the answers' bodies, after decompression.
        seconds: how long it took.
        partial: the kinds of which only what was asked for was read.
    """

    directory: str
    users: int
    groups: int
    memberships: int
    requests: int
    bytes: int
    seconds: float
    partial: tuple[Kind, ...] = ()


class DiagnosticEvent(Event, frozen=True, kw_only=True, tag="diagnostic"):
    """A problem of the files, of the directory or of the run, which ``message`` tells. An error ends the command.

    Attributes:
        severity: how bad it is.
        code: stable and machine-readable: ``unknown-key``, ``out-of-scope``; of an error without a place its kind:
            ``usage``, ``locked``, ``plan-file``, ``stopped``.
        file: the YAML that it is about, relative to the workspace.
        line: in that file, from 1.
        column: in that line, from 1; not known of what a plan notes.
        hint: what to do, where that is not obvious.
        text: the offending text, as it stands there.
    """

    severity: Severity
    code: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    text: str | None = None


class StepEvent(Event, frozen=True, kw_only=True):
    """What all events of a step have.

    Attributes:
        step: its id, the same in all events and in the plan document: ``update user:ada@example.com``.
        action: what is done.
        kind: of the resource that is changed.
        name: its naming attribute.
        chunk: the number of the chunk, from 1.
    """

    step: str
    action: Action
    kind: Kind
    name: str
    chunk: int


class PlannedStep(StepEvent, frozen=True, kw_only=True, tag="planned_step"):
    """A step of the plan, in the order of the plan.

    Attributes:
        change_kinds: what kinds of change it is, as guards and ``auto_approve`` name them: ``users.delete``,
            ``members.add``, ``identity.change``.
        waiting: of ``reconcile``: how much of it waits for a person: memberships, 1 for any other step.
        planned: the whole step, as in the plan document.
    """

    change_kinds: tuple[str, ...]
    waiting: int = 0
    planned: Step


class GuardEvent(Event, frozen=True, kw_only=True, tag="guard"):
    """What a guard says of the whole plan. Nothing is written where one does not pass.

    Attributes:
        guard: its name: ``users.deactivate``, ``members.remove``, ``protected``.
        passed: whether the plan may be applied, as far as this guard is concerned.
        verdict: the whole verdict, as in the plan document.
    """

    guard: str
    passed: bool
    verdict: Verdict


class StepStarted(StepEvent, frozen=True, kw_only=True, tag="step_started"):
    """A step is about to be tried: the store has it as such, and the first request about the resource comes after it.

    Attributes:
        run: the run that does it.
    """

    run: str


class StepEnded(StepEvent, frozen=True, kw_only=True):
    """What all events of the end of a step have. They are told when the store has it.

    Attributes:
        run: the run that has it on record; ``None`` of what waits for a person.
        why: what else is known: why it failed, was skipped or differs; what was put right on the way.
        resource_id: the id of the resource, also of one that this step created.
        http_status: the status of the last answer to a write, where there was one.
        requests: how many writes were sent for it.
        request_id: what the server called the last write, where it says so.
        differing: paths of the attributes that the directory accepted and stored as something else.
        recorded: ``False`` where the store could not be written any more, so that the run's record lacks it.
    """

    run: str | None = None
    why: str = ""
    resource_id: str | None = None
    http_status: int | None = None
    requests: int = 0
    request_id: str | None = None
    differing: tuple[str, ...] = ()
    recorded: bool = True


class StepApplied(StepEnded, frozen=True, kw_only=True, tag="step_applied"):
    """A step was written, or nothing was left to do, and was read back.

    Attributes:
        status: ``applied``: the directory holds what the step wanted. ``differs``: it accepted the request and holds
            something else.
    """

    status: Literal["applied", "differs"]


class StepFailed(StepEnded, frozen=True, kw_only=True, tag="step_failed"):
    """A step was not applied, or nobody can tell.

    Attributes:
        status: ``failed``: it was refused, or what became of it is unknown. ``stale``: the directory is not any more
            what the step was planned from, and nothing was written.
    """

    status: Literal["failed", "stale"]


class StepSkipped(StepEnded, frozen=True, kw_only=True, tag="step_skipped"):
    """A step was not tried.

    Attributes:
        status: ``skipped``: a step that it needs did not succeed. ``not_tried``: the run stopped before.
            ``waiting``: it is not approved to go without a person.
    """

    status: Literal["skipped", "not_tried", "waiting"]


class ChunkComplete(Event, frozen=True, kw_only=True, tag="chunk_complete"):
    """All steps of a chunk were tried, read back and recorded.

    Attributes:
        run: the run.
        chunk: the number of the chunk, from 1.
        chunks: how many there are.
        done: steps that have come to an end so far.
        total: steps of the plan that is carried out.
    """

    run: str
    chunk: int
    chunks: int
    done: int
    total: int


class Throttled(Event, frozen=True, kw_only=True, tag="throttled"):
    """A request has to wait before it is tried again.

    Attributes:
        method: its HTTP method.
        path: its path below the base URL.
        status: what the server answered: 429 and 503 ask to slow down; ``None`` where it could not be reached.
        attempt: how many tries have failed so far, from 1.
        seconds: how long it waits.
    """

    method: str
    path: str
    status: int | None = None
    attempt: int
    seconds: float


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the last line says of the plan that the command was about.

    Attributes:
        digest: of the plan document.
        directory: which directory it is for.
        steps: how many there are.
        summary: what they do, in numbers.
        refusals: how many guards refuse it.
        left_out: how much ``--only`` and ``--exclude`` left out of it.
        pending: how many unlisted resources wait for the end of a grace period.
        since: the change that it is confined to; ``None`` for a plan of everything.
    """

    digest: str
    directory: str
    steps: int
    summary: Summary
    refusals: int = 0
    left_out: int = 0
    pending: int = 0
    since: Since | None = None


class StepCounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many lines were told of the end of a step, by their ``status``.

    Attributes:
        applied: the directory holds what these wanted.
        differs: it holds something else.
        failed: refused, or unknown.
        stale: planned from what is not so any more.
        skipped: a step that these need did not succeed.
        not_tried: the run stopped before.
        waiting: left to a person.
    """

    applied: int
    differs: int
    failed: int
    stale: int
    skipped: int
    not_tried: int
    waiting: int


class SummaryEvent(Event, frozen=True, kw_only=True, tag="summary"):
    """The last line, however the command ended. Without it, the command was killed.

    Attributes:
        exit_code: of the command.
        changes: whether the plan has steps; ``False`` also where there is no plan.
        errors: how many diagnostics were errors.
        warnings: how many were warnings.
        plan: the plan; ``None`` where the command ended before there was one.
        counts: the ends of steps; ``None`` where no step came to its end.
        run: the run that the store has of it; ``None`` where none was begun.
        resumes: the run that it went on with.
        stopped: why the run ended before the plan did.
        breaker: whether the circuit breaker ended it.
        audit_head: the hash of the run's last event in the audit.
        applied_before: the run that had applied the whole plan already, so that nothing was done.
        saved: where a plan was saved: this one, or that of what waits for a person.
    """

    exit_code: int
    changes: bool
    errors: int
    warnings: int
    plan: PlanFacts | None = None
    counts: StepCounts | None = None
    run: str | None = None
    resumes: str | None = None
    stopped: str | None = None
    breaker: bool = False
    audit_head: str | None = None
    applied_before: str | None = None
    saved: str | None = None


Line: TypeAlias = (
    Version
    | ReadStart
    | ReadComplete
    | DiagnosticEvent
    | PlannedStep
    | GuardEvent
    | StepStarted
    | StepApplied
    | StepFailed
    | StepSkipped
    | ChunkComplete
    | Throttled
    | SummaryEvent
)
"""Everything that a line may be."""


def json_line(event: Event) -> str:
    """Return the line of an event: JSON in ASCII that ends in a line feed and holds no other."""
    try:
        return in_ascii(msgspec.json.encode(event).decode()) + "\n"
    except UnicodeEncodeError:
        # The name of a file that is no UTF-8. JSON has a form for it, and msgspec does not write it.
        return in_ascii(json.dumps(msgspec.to_builtins(event), separators=(",", ":"))) + "\n"


def events_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one line of the stream, as this version writes it."""
    return json_schema_of(
        Line,
        uri="urn:reconciler:schema:events:1",
        title=FORMAT,
        description="One line of the event stream (JSON Lines) that `--json-stream` prints. A field that is left out "
        "has its default.",
    )

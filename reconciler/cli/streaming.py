"""The event stream of one command on standard output: a version first, a summary last, and what happens in between."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.applying import ApplyEvent, RunResult
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Live
from reconciler.planning import Plan
from reconciler.rendering import event_facts, safe
from reconciler.rendering.events import (
    DiagnosticEvent,
    Event,
    StepApplied,
    StepCounts,
    StepFailed,
    StepSkipped,
    SummaryEvent,
    json_line,
)
from reconciler.scim.retry import ThrottleEvent

if TYPE_CHECKING:
    from reconciler.cli.applying import Record

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_INTERRUPTED = "Stopped"


class EventStream:
    """Tells what a command does. The numbers of the last line are counted from the lines before it.

    A reader that goes away, or a disk that is full, does not end what is being done.

    Args:
        terminal: whose standard output it is.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._begun = False
        self._lost = False
        self._plan: Plan | None = None
        self._ends: Counter[str] = Counter()
        self._severities: Counter[Severity] = Counter()
        self._last_error: str | None = None
        self._run: str | None = None
        self._result: RunResult | None = None
        self._record: Record | None = None
        self._conclusion: str | None = None
        self._applied_before: str | None = None
        self._saved: str | None = None

    def begin(self, command: str | None) -> None:
        """Tell the version, unless it is told already."""
        if not self._begun:
            self._begun = True
            self._write(event_facts.version(command, time=_now()))

    def diagnostics(self, found: Iterable[Diagnostic]) -> None:
        """Tell problems and warnings."""
        for one in found:
            self._tell(event_facts.diagnostic(one, time=self._time()))

    def warning(self, code: str, message: str) -> None:
        """Tell one that has no place in a file."""
        self.diagnostics([Diagnostic(code=code, message=message, severity=Severity.WARNING)])

    def remark(self, code: str, message: str) -> None:
        """Tell what goes on, where nothing is wrong."""
        self.diagnostics([Diagnostic(code=code, message=message, severity=Severity.NOTE)])

    def error(self, type_: str, message: str) -> None:
        """Tell what ends the command.

        Args:
            type_: the name of its class, of which the code is made.
            message: what went wrong.
        """
        self.diagnostics([Diagnostic(code=_code(type_), message=message)])

    @contextmanager
    def reading(self, directory: str) -> Iterator[list[Live]]:
        """Tell that a directory is read, and what was; the caller puts that into the list."""
        read: list[Live] = []
        self._tell(event_facts.read_start(directory, time=self._time()))
        begin = time.monotonic()
        yield read
        for live in read:
            self._tell(event_facts.read_complete(directory, live, time.monotonic() - begin, time=self._time()))

    def throttle(self, event: ThrottleEvent) -> None:
        """Tell that a request waits."""
        self._tell(event_facts.throttled(event, time=self._time()))

    def plan(self, plan: Plan, approved: Plan | None = None) -> None:
        """Tell a plan: what it notes, its steps, and what the guards say.

        Args:
            plan: all of it.
            approved: the part that goes without a person, where not all of it does.
        """
        self._plan = plan
        waiting = _waiting(plan, approved or plan)
        for note in plan.notes:
            self._tell(event_facts.note(note, time=self._time()))
        for step in plan.steps:
            self._tell(event_facts.planned_step(step, waiting=waiting[step.id], time=self._time()))
        for verdict in plan.guards:
            self._tell(event_facts.guard(verdict, time=self._time()))
        if not plan.refusals:
            for step in plan.steps:
                if waiting[step.id] == (len(step.members) or 1):
                    self._tell(event_facts.waits(step, time=self._time()))

    def apply_event(self, event: ApplyEvent) -> None:
        """Tell what happened during an apply."""
        self._run = event.run_id
        told = event_facts.of_apply(event, time=self._time())
        if told is not None:
            self._tell(told)

    def result(self, result: RunResult, record: Record | None, conclusion: str) -> None:
        """Tell how a run ended.

        Args:
            result: what became of it.
            record: what the store has of it.
            conclusion: the same in one line, for the last one.
        """
        self._run, self._result, self._record, self._conclusion = result.run_id, result, record, conclusion
        if result.stopped is not None:
            self.error(_INTERRUPTED, result.stopped)

    def applied_before(self, run_id: str, conclusion: str) -> None:
        """Tell that nothing is left to do of a plan, because a run has applied it."""
        self._applied_before, self._conclusion = run_id, conclusion

    def saved(self, path: Path) -> None:
        """Tell where a plan was saved."""
        self._saved = str(path)

    def end(self, code: ExitCode) -> ExitCode:
        """Tell the summary, where anything was told.

        Args:
            code: how the command ended.

        Returns:
            The exit code: an error where the command went well and nobody could be told.
        """
        if not self._begun:
            return code
        if code is ExitCode.REFUSED and not self._severities[Severity.ERROR] and self._plan is not None:
            self.error("PlanRefusedError", event_facts.refused_by(self._plan.refusals))
        self._tell(self._summary(code))
        return ExitCode.ERROR if self._lost and code in (ExitCode.DONE, ExitCode.CHANGES) else code

    def _summary(self, code: ExitCode) -> SummaryEvent:
        plan, result, record = self._plan, self._result, self._record
        counted = result is not None or bool(self._ends)
        return SummaryEvent(
            time=self._time(),
            message=self._message(code),
            exit_code=int(code),
            changes=plan is not None and bool(plan.steps),
            errors=self._severities[Severity.ERROR],
            warnings=self._severities[Severity.WARNING],
            plan=None if plan is None else event_facts.plan_facts(plan),
            counts=StepCounts(**{name: self._ends[name] for name in StepCounts.__struct_fields__}) if counted else None,
            run=self._run,
            resumes=record.resumes if record else None,
            stopped=result.stopped if result else None,
            breaker=result is not None and result.breaker,
            audit_head=record.audit_head if record else None,
            applied_before=self._applied_before,
            saved=self._saved,
        )

    def _message(self, code: ExitCode) -> str:
        if self._conclusion is not None:
            return self._conclusion
        if self._last_error is not None:
            return f"Ended with exit code {int(code)}: {self._last_error}"
        return f"Ended with exit code {int(code)}." if self._plan is None else str(self._plan.summary)

    def _time(self) -> str:
        """Return the time of the next line; it is not the first one."""
        self.begin(None)
        return _now()

    def _tell(self, event: Event) -> None:
        match event:
            case DiagnosticEvent():
                self._severities[event.severity] += 1
                if event.severity is Severity.ERROR:
                    self._last_error = event.message
            case StepApplied() | StepFailed() | StepSkipped():
                self._ends[event.status] += 1
        self._write(event)

    def _write(self, event: Event) -> None:
        try:
            self._terminal.result(json_line(event))
        except OSError as error:
            # From now on everything disappears. What is being written to the directory comes to its end.
            if not self._lost:
                self._terminal.complain(f"error: {safe(f'{error.filename}: {error.strerror or error}')}")
            self._lost = True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _code(type_: str) -> str:
    """Return the code of an error: ``plan-file`` of ``PlanFileError``."""
    return _WORD.sub("-", type_.removesuffix("Error")).lower()


def _waiting(plan: Plan, approved: Plan) -> Counter[str]:
    """Return by the id of a step how much of it waits for a person: memberships, 1 for any other step."""
    waiting: Counter[str] = Counter()
    sizes = {step.id: len(step.members) or 1 for step in plan.steps}
    for one in approved.left_out[len(plan.left_out) :]:
        waiting[one.step] += one.members or sizes[one.step]
    return waiting

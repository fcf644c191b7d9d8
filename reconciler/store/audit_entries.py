"""What the audit says of a run: its start, each of its steps, its end. ``docs/audit.md`` describes every field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.applying.outcome import Outcome
from reconciler.attributes import Schemas
from reconciler.model import Kind, utc
from reconciler.planning.plan import Change, Edge, Plan, Step, Verdict
from reconciler.redaction import Redactor
from reconciler.store.actor import find_ticket
from reconciler.store.audit import Entry
from reconciler.store.records import TRYING, Actor, RunStatus


class RunEntries:
    """Makes the entries of one run, each of which can be understood without the others.

    What is empty is left out of a body.

    Args:
        plan: what the run carries out.
        command: what was called: ``apply``, ``reconcile``.
        actor: who runs it.
        resumes: the run that it goes on with.
        schemas: the attribute definitions of the service provider, which tell what is secret; without them, the names
            of attributes tell.
    """

    def __init__(
        self, plan: Plan, *, command: str, actor: Actor, resumes: str | None = None, schemas: Schemas | None = None
    ) -> None:
        self._plan = plan
        self._command = command
        self._resumes = resumes
        self._who = who(actor, commit=plan.desired.commit)
        self._why = _stated(reason=plan.reason, ticket=actor.ticket or find_ticket(plan.reason))
        self._redactors = {
            Kind.USER: Redactor(schemas.user if schemas else None),
            Kind.GROUP: Redactor(schemas.group if schemas else None),
        }

    def started(self, at: datetime) -> Entry:
        """Return the entry of the start: the plan, and which guards were lifted for it and why.

        Args:
            at: when the run began.
        """
        plan = self._plan
        body = _stated(
            action=self._command,
            directory=_stated(name=plan.directory.name, base_url=plan.directory.base_url),
            who=self._who,
            why=self._why,
            plan=_stated(
                digest=plan.digest,
                as_of=plan.as_of,
                desired=plan.desired.digest,
                steps=len(plan.steps),
                summary=str(plan.summary),
                signed_by=plan.signature.key if plan.signature else None,
            ),
            only=list(plan.only),
            exclude=list(plan.exclude),
            undoes=plan.undoes,
            resumes=self._resumes,
            confirm_replace=plan.confirm_replace,
            allowances=[{"allowance": lifted.allowance, "reason": lifted.reason} for lifted in plan.allowances],
            lifted=[_lifted(verdict) for verdict in plan.guards if verdict.allowed_by],
        )
        return Entry(type="run_started", at=at, body=body)

    def step(self, outcome: Outcome, at: datetime) -> Entry:
        """Return the entry of what became of a step.

        Args:
            outcome: what became of it.
            at: when that was known.
        """
        step = outcome.step
        redactor = self._redactors[step.kind]
        redacted: set[str] = set()
        body = _stated(
            step=step.id,
            action=step.action.value,
            resource=_stated(
                kind=step.kind.value, address=step.address, name=step.name, id=outcome.resource_id or step.resource_id
            ),
            who=self._who,
            why=_why(step) | self._why_run(),
            changes=[_change(change, redactor, redacted) for change in step.changes],
            members=[_edge(edge) for edge in step.members],
            before=redactor.attributes(outcome.before, redacted) if outcome.before else None,
            result=_result(outcome, redactor, redacted),
        )
        return Entry(type="step", at=at, body=body | _stated(redacted=sorted(redacted)))

    def begun(self, step: Step, tried: datetime, at: datetime) -> Entry:
        """Return the entry of a step of which nobody knows what became, because its run died or broke off.

        Of its attributes, it has the paths alone: which values are secret, only the directory's schemas could tell.

        Args:
            step: the step.
            tried: when it was begun.
            at: when it was found so.
        """
        body = _stated(
            step=step.id,
            action=step.action.value,
            resource=_stated(kind=step.kind.value, address=step.address, name=step.name, id=step.resource_id),
            who=self._who,
            why=_why(step) | self._why_run(),
            changes=[_stated(path=change.path, identity=change.identity) for change in step.changes],
            members=[_edge(edge) for edge in step.members],
            result=_stated(
                status=TRYING, message=f"begun at {utc(tried)}, and nobody knows yet whether it was carried out"
            ),
            redacted=sorted({change.path for change in step.changes}),
        )
        return Entry(type="step", at=at, body=body)

    def ended(
        self,
        status: RunStatus,
        at: datetime,
        *,
        counts: Mapping[str, int],
        stopped: str | None = None,
        found_by: str | None = None,
    ) -> Entry:
        """Return the entry of the end.

        Args:
            status: how the run ended.
            at: when.
            counts: how many steps ended in each status.
            stopped: why it ended before its plan did.
            found_by: of a run whose process died: the run that found it so.
        """
        body = _stated(
            action=self._command,
            directory=_stated(name=self._plan.directory.name, base_url=self._plan.directory.base_url),
            who=self._who,
            why=self._why,
            result=_stated(
                status=status.value,
                counts={name: count for name, count in counts.items() if count},
                message=stopped,
                found_by=found_by,
            ),
        )
        return Entry(type="run_ended", at=at, body=body)

    def _why_run(self) -> dict[str, Any]:
        return {f"run_{name}" if name == "reason" else name: text for name, text in self._why.items()}


def who(actor: Actor, *, commit: str | None = None) -> dict[str, Any]:
    """Return who did something, as every event says it.

    Args:
        actor: who.
        commit: of the desired state, where the actor knows of none.
    """
    return _stated(
        user=actor.user,
        host=actor.host,
        pid=actor.pid,
        ci=actor.ci,
        ci_actor=actor.ci_actor,
        ci_job=actor.ci_job,
        commit=actor.commit or commit,
        author=actor.author,
    )


def _stated(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something. A 0 says something, ``False`` and what is empty do not."""
    return {name: value for name, value in fields.items() if value or (value == 0 and value is not False)}


def _lifted(verdict: Verdict) -> dict[str, Any]:
    return _stated(
        guard=verdict.guard,
        subject=verdict.subject,
        number=verdict.number,
        limit=verdict.limit,
        reason=verdict.allowed_by,
        resources=list(verdict.resources),
    )


def _why(step: Step) -> dict[str, Any]:
    return _stated(
        reason=step.reason.value,
        note=step.note,
        origin=step.origin,
        correlated_by=step.correlated_by,
        replaces=step.replaces,
    )


def _change(change: Change, redactor: Redactor, redacted: set[str]) -> dict[str, Any]:
    """Return a change with what was and what is; of a secret one, only that there was a change."""
    said = _stated(path=change.path, identity=change.identity, origin=change.origin)
    if _hidden(redactor, change.path, redacted):
        return said
    # Null is a value here: nothing was there, or nothing is now.
    return said | {
        "before": redactor.value(change.path, change.before, redacted),
        "after": redactor.value(change.path, change.after, redacted),
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return _stated(
        kind=edge.kind.value,
        name=edge.name,
        id=edge.id,
        reason=edge.reason.value,
        note=edge.note,
        origin=edge.origin,
        via=list(edge.via),
    )


def _result(outcome: Outcome, redactor: Redactor, redacted: set[str]) -> dict[str, Any]:
    differences = [
        {"path": seen.path}
        if _hidden(redactor, seen.path, redacted)
        else {
            "path": seen.path,
            "wrote": redactor.value(seen.path, seen.wrote, redacted),
            "stored": redactor.value(seen.path, seen.stored, redacted),
        }
        for seen in outcome.differences
    ]
    return _stated(
        status=outcome.status.value,
        message=outcome.message,
        http_status=outcome.http_status,
        request_id=outcome.request_id,
        requests=outcome.requests,
        differences=differences,
    )


def _hidden(redactor: Redactor, path: str, redacted: set[str]) -> bool:
    if not redactor.hides(path):
        return False
    redacted.add(path)
    return True

"""What the calls refuse to do, beyond the errors of what they call."""

from __future__ import annotations

from reconciler.diagnostics import ReconcilerError
from reconciler.model import utc
from reconciler.planning import Verdict
from reconciler.store import RunRecord


class PlanRefusedError(ReconcilerError):
    """A plan that guards refuse. Nothing was written.

    Attributes:
        refusals: the verdicts of the guards that said no.
    """

    def __init__(self, refusals: tuple[Verdict, ...]) -> None:
        self.refusals = refusals
        super().__init__(self._message())

    def _message(self) -> str:
        names = ", ".join(dict.fromkeys(verdict.guard for verdict in self.refusals))
        return (
            f"the plan is refused by {names}. `show` tells why. Make it again, within the limits or with an allowance"
        )


class ForbiddenByNowError(PlanRefusedError):
    """A plan that would change what ``protect`` in ``directory.yaml`` covers since it was made. Nothing was written.

    ``refusals`` holds a verdict for each step.
    """

    def _message(self) -> str:
        guards = ", ".join(dict.fromkeys(verdict.guard for verdict in self.refusals))
        whom = ", ".join(dict.fromkeys(one for verdict in self.refusals for one in verdict.resources))
        return f"directory.yaml protects by now what this plan would change ({guards}): {whom}. Make it again"


class WrongDirectoryError(ReconcilerError):
    """A plan for another directory than the workspace's. Nothing was written.

    Attributes:
        planned: what the plan was made for.
        configured: what ``directory.yaml`` says now.
    """

    def __init__(self, planned: str, configured: str) -> None:
        self.planned = planned
        self.configured = configured
        super().__init__(
            f"the plan is for the directory {planned}, and this workspace is for {configured}. Apply it where it was "
            "made for, or make one here"
        )


class NothingToResumeError(ReconcilerError):
    """A run that has done everything already. Nothing was written.

    Attributes:
        run_id: its name.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"nothing to resume: the run {run_id} has applied every step of its plan")


class PlanAppliedError(ReconcilerError):
    """A plan that was applied before, all of it. Nothing was written.

    Attributes:
        run: the run that completed it.
    """

    def __init__(self, run: RunRecord) -> None:
        self.run = run
        super().__init__(
            f"this plan was applied before, by the run {run.id}, at {utc(run.ended or run.started)}; nothing was left "
            "to do. What has changed since, a new plan tells"
        )


class PlanUndoneError(ReconcilerError):
    """A plan of which a run was undone: what is left of it builds on what is not there any more. Nothing was written.

    Attributes:
        run_id: the run.
        by: the run that undid it, in whole or in part.
    """

    def __init__(self, run_id: str, by: str) -> None:
        self.run_id = run_id
        self.by = by
        super().__init__(f"the run {run_id} of this plan was undone, by the run {by}. Make a new plan")


class NoSuchDifferenceError(ReconcilerError):
    """A key of drift that names nothing.

    Attributes:
        key: as it was given.
        near: one that is there and looks like it, if there is one.
    """

    def __init__(self, key: str, what: str, near: str | None) -> None:
        self.key = key
        self.near = near
        guess = f"Did you mean {near!r}?" if near else "`reconciler drift --json` lists the keys"
        super().__init__(f"no {what} has the key {key!r}. {guess}")


class NotDriftError(ReconcilerError):
    """A key that names what the files have still to change: the directory did nothing there that could be accepted.

    Attributes:
        key: as it was given.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"{key!r} is pending from the files, and no drift to accept: change the files, or apply what they state"
        )


class RunGoesOnError(ReconcilerError):
    """A run that has not ended yet, so that it cannot be taken back.

    Attributes:
        run_id: its name.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"the run {run_id} still goes on. Undo it when it has ended")

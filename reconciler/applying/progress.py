"""A step on its way: what was sent for it, and what is known so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.applying.outcome import Outcome, Status
from reconciler.planning.plan import Edge, Step
from reconciler.scim.client import ScimResponse
from reconciler.scim.errors import ScimError

_SHOWN = 5
_WRITTEN = (Status.APPLIED, Status.DIFFERS, Status.FAILED)


@dataclass(slots=True)
class Refusals:
    """The memberships of one step that did not come about, and why."""

    ids: set[str] = field(default_factory=set)
    _names_by_reason: dict[str, list[str]] = field(default_factory=dict)

    def add(self, edge: Edge, why: str, member_id: str | None = None) -> None:
        """Record one membership."""
        self._names_by_reason.setdefault(why, []).append(edge.name)
        if member_id is not None:
            self.ids.add(member_id)

    def __len__(self) -> int:
        return sum(map(len, self._names_by_reason.values()))

    def describe(self, total: int) -> str:
        """Return how many of the step's memberships did not come about, and why: each reason with some of the names."""
        told, room = [], _SHOWN
        for why, names in self._names_by_reason.items():
            if room > 0:
                told.append(f"{', '.join(names[:room])}: {why}")
            room -= len(names)
        more = f" and {-room} more" if room < 0 else ""
        return f"{len(self)} of {total} memberships were not changed: {'; '.join(told)}{more}"


@dataclass(slots=True)
class Progress:
    """A step on its way.

    Attributes:
        step: the step.
        resource_id: the id of its resource, as soon as it is known.
        requests: writes sent.
        accepted: writes that the directory answered with a success.
        http_status: of the last answer to a write.
        request_id: what the server called the last write, where it says so.
        before: of a resource that is being deleted: what it was.
        members: the step's edges by the member's id.
        refusals: the memberships that did not come about.
        failure: why the step ended early.
        refused: membership requests that were refused, or changed nothing.
        climbed: what came of each form, where all were tried in vain for one of its members.
        notes: what was found out about the directory and put right on the way.
        loss: what was lost on the way and not put back.
    """

    step: Step
    resource_id: str | None = None
    requests: int = 0
    accepted: int = 0
    http_status: int | None = None
    request_id: str | None = None
    before: Mapping[str, Any] | None = None
    members: dict[str, Edge] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    failure: str | None = None
    refused: int = 0
    climbed: str = ""
    notes: list[str] = field(default_factory=list)
    loss: str | None = None

    def accept(self, answer: ScimResponse) -> None:
        """Record that the directory answered a write with a success."""
        self.accepted += 1
        self.http_status, self.request_id = answer.status, answer.request_id

    def refuse(self, error: ScimError) -> None:
        """Record what a write ended in; an error that is no answer to it leaves what the last answer was."""
        self.http_status = error.status or self.http_status
        self.request_id = error.request_id or self.request_id

    def outcome(self, status: Status, message: str = "") -> Outcome:
        """Return how the step ended."""
        return Outcome(
            step=self.step,
            status=status,
            message=message,
            resource_id=self.resource_id,
            http_status=self.http_status,
            requests=self.requests,
            request_id=self.request_id,
            before=self.before if status in _WRITTEN else None,
        )

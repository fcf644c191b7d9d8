"""An audit event, taken apart by whom it happened to: a batch of memberships is one event and many subjects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model import Kind
from reconciler.store.audit_body import Body, Resource, read_body
from reconciler.store.records import AuditEvent


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event did to one user or one group.

    Attributes:
        event: the event.
        body: what it says.
        uid: unique over all subjects of all events.
        user: the user that it happened to.
        group: the group that changed, or of which a user became or is no member any more.
        member: a group that became or is no member of the other one any more.
    """

    event: AuditEvent
    body: Body
    uid: str
    user: Resource | None = None
    group: Resource | None = None
    member: Resource | None = None

    @property
    def message(self) -> str:
        """What happened, in a line."""
        result = self.body.result
        whom = [one.address or one.kind.address(one.name) for one in (self.user, self.member, self.group) if one]
        words = (self.body.action if whom else f"{self.event.type} {self.body.action}", *whom)
        status = f": {result.status}" + (f" ({result.message})" if result.message else "") if result else ""
        return " ".join(words) + status


def subjects(event: AuditEvent) -> Iterator[Subject]:
    """Yield whom an event happened to; for the start and the end of a run, one subject that names nobody.

    Raises:
        StoreError: the event is nothing that this program writes.
    """
    body = read_body(event)
    if body.members:
        for number, member in enumerate(body.members, 1):
            uid = f"{event.hash}-{number}"
            if member.kind is Kind.USER:
                yield Subject(event, body, uid, user=member, group=body.resource)
            else:
                yield Subject(event, body, uid, member=member, group=body.resource)
    elif body.resource is not None and body.resource.kind is Kind.USER:
        yield Subject(event, body, event.hash, user=body.resource)
    else:
        yield Subject(event, body, event.hash, group=body.resource)

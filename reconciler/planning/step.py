"""The steps of a plan as plain data: one change to one resource, or one batch of membership edges, and why."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.model import Kind, TimerName
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS, Action, Reason


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the plan document. Fields at their default are left out of the JSON."""


class Change(Part, frozen=True):
    """One attribute before and after.

    Attributes:
        path: SCIM attribute path, as PATCH addresses it.
        before: the live value; ``None`` is unassigned.
        after: the value to write; ``None`` unsets it.
        identity: whether the attribute identifies the person or group: a name, an externalId, the primary e-mail.
        details: what changed inside a multi-valued or complex value, one phrase per difference.
        origin: ``file:line`` of the YAML that states it.
    """

    path: str
    before: Any = None
    after: Any = None
    identity: bool = False
    details: tuple[str, ...] = ()
    origin: str | None = None


class Edge(Part, frozen=True):
    """One membership to add or remove.

    Attributes:
        kind: whether the member is a user or a group.
        name: the member's naming attribute.
        id: the member's id; ``None`` for one that an earlier step of the plan creates.
        reason: why the membership changes.
        via: the groups through which a nested membership comes, outermost first.
        origin: ``file:line`` of the YAML that states it.
        note: the reason that the author gave.
        rule: the ``match`` filter that gives the place, or gave it, where one does; of a nested group its own.
    """

    name: str
    reason: Reason
    kind: Kind = Kind.USER
    id: str | None = None
    via: tuple[str, ...] = ()
    origin: str | None = None
    note: str | None = None
    rule: str | None = None

    @property
    def address(self) -> str:
        """How messages name the member: ``user:ada@example.com``."""
        return self.kind.address(self.name)


class Precondition(Part, frozen=True):
    """The live values that a step was planned from.

    Attributes:
        paths: the attribute paths that must not have changed; ``members`` is a group's whole membership.
        digest: ``sha256:…`` of their canonical values, see :func:`reconciler.planning.preconditions.digest`.
    """

    paths: tuple[str, ...]
    digest: str


class Grace(Part, frozen=True):
    """A grace period that has ended.

    Attributes:
        timer: what was timed: ``unlisted`` or ``deactivated``.
        since: RFC 3339 time from which it counted.
        until: RFC 3339 time at which it ended.
    """

    timer: TimerName
    since: str
    until: str


class Step(Part, frozen=True):
    """One change to one resource, or one batch of membership edges of one group.

    Attributes:
        id: unique within the plan, the same for the same step in every plan: ``update user:ada@example.com``.
        action: what is done.
        kind: of the resource that is changed.
        name: its naming attribute, as it is before the step (for a creation: as it will be).
        reason: why.
        chunk: the number of the chunk, from 1. Chunks never go down along the steps.
        resource_id: its id; ``None`` where an earlier step or this one creates it.
        correlated_by: how the listed resource found the live one: ``id``, ``externalId``, ``userName``,
            ``displayName`` or ``previously``.
        changes: attributes to write, by path. For a deletion: none.
        members: edges to add or to remove.
        needs: ids of earlier steps without whose success this one is skipped.
        replaces: the name of the group that a creation replaces or that replaces a deleted one.
        precondition: what must still hold; ``None`` for creations and membership edges, which are safe to repeat.
        origin: ``file:line`` of the YAML that states the resource.
        note: the reason that the author gave under ``lifecycle``.
        min_members: how many members the group must have at every moment while this step removes some.
        grace: the grace period that ended before it, where an unlisted resource had one.
        privileged: whether it changes a privileged group, or one inside of it, or who is in it.
    """

    id: str
    action: Action
    kind: Kind
    name: str
    reason: Reason
    chunk: int = 0
    resource_id: str | None = None
    correlated_by: str | None = None
    changes: tuple[Change, ...] = ()
    members: tuple[Edge, ...] = ()
    needs: tuple[str, ...] = ()
    replaces: str | None = None
    precondition: Precondition | None = None
    origin: str | None = None
    note: str | None = None
    min_members: int | None = None
    grace: Grace | None = None
    privileged: bool = False

    @property
    def address(self) -> str:
        """How messages name the resource: ``group:team-platform``."""
        return self.kind.address(self.name)

    @property
    def identity(self) -> bool:
        """Whether the step changes what identifies an existing resource."""
        return self.action is not Action.CREATE and any(change.identity for change in self.changes)

    @property
    def change_kinds(self) -> tuple[str, ...]:
        """What kinds of change the step is, of :data:`CHANGE_KINDS`; all of them must be approved."""
        if self.action in MEMBERSHIP_ACTIONS:
            return ("members.add" if self.action is Action.ADD_MEMBERS else "members.remove",)
        kind = f"{self.kind.lower()}s.{self.action}"
        return (kind, "identity.change") if self.identity else (kind,)

"""The plan as plain data: what would be done, to whom, why, and from what.

A :class:`Plan` is also the plan document: the JSON of ``reconciler.plan/1`` is these structures field by field, and
every rendering is made from them. Numbers that can be counted from the steps are derived when asked for, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from typing import Any, Literal

import msgspec

from reconciler.model import Kind

FORMAT: Literal["reconciler.plan/1"] = "reconciler.plan/1"


class Action(StrEnum):
    """Everything that a step can do. The order is the order of a plan: access is granted before it is taken."""

    CREATE = "create"
    UPDATE = "update"
    REACTIVATE = "reactivate"
    ADD_MEMBERS = "add_members"
    REMOVE_MEMBERS = "remove_members"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


class Reason(StrEnum):
    """Why a step or a membership change is in the plan. It explains and never drives behaviour."""

    NOT_IN_DIRECTORY = "not_in_directory"
    """Listed, and the directory has no such resource."""
    DIFFERS = "differs"
    """Listed, and managed attributes differ."""
    ADOPTED = "adopted"
    """Listed, found by name, and linked by writing its externalId for the first time."""
    RENAMED = "renamed"
    """Listed under a name that the directory does not know yet; found by id, externalId or a previous name."""
    REPLACED = "replaced"
    """A rename that the directory cannot do: the new group takes over and the old one goes."""
    INACTIVE = "inactive"
    """Listed as active, and the directory holds the account as inactive."""
    STATED_INACTIVE = "stated_inactive"
    """Listed with ``active: false``."""
    UNLISTED = "unlisted"
    """In scope, and no file lists it: the ``unlisted`` policy."""
    EXPIRED = "expired"
    """Its ``until`` has passed."""
    NOT_STARTED = "not_started"
    """Its ``from`` has not come."""
    LISTED = "listed"
    """A membership that a ``members`` list states."""
    MATCHED = "matched"
    """A membership that the group's ``match`` filter gives."""
    NESTED = "nested"
    """A membership that comes through a group listed as a member."""
    CARRIED_OVER = "carried_over"
    """A membership of a replaced group whose members no file states."""
    NOT_LISTED = "not_listed"
    """A membership that the directory has and the ``members`` list has not."""
    NOT_MATCHED = "not_matched"
    """A membership that the directory has and the ``match`` filter does not give."""


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the plan document. Fields at their default are left out of the JSON."""


class Change(_Value, frozen=True):
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


class Edge(_Value, frozen=True):
    """One membership to add or remove.

    Attributes:
        kind: whether the member is a user or a group.
        name: the member's naming attribute.
        id: the member's id; ``None`` for one that an earlier step of the plan creates.
        reason: why the membership changes.
        via: the groups through which a nested membership comes, outermost first.
        origin: ``file:line`` of the YAML that states it.
        note: the reason that the author gave.
    """

    name: str
    reason: Reason
    kind: Kind = Kind.USER
    id: str | None = None
    via: tuple[str, ...] = ()
    origin: str | None = None
    note: str | None = None

    @property
    def address(self) -> str:
        """How messages name the member: ``user:ada@example.com``."""
        return self.kind.address(self.name)


class Precondition(_Value, frozen=True):
    """The live values that a step was planned from.

    Attributes:
        paths: the attribute paths that must not have changed; ``members`` is a group's whole membership.
        digest: ``sha256:…`` of their canonical values, see :func:`reconciler.planning.preconditions.digest`.
    """

    paths: tuple[str, ...]
    digest: str


class Step(_Value, frozen=True):
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

    @property
    def address(self) -> str:
        """How messages name the resource: ``group:team-platform``."""
        return self.kind.address(self.name)

    @property
    def identity(self) -> bool:
        """Whether the step changes what identifies an existing resource."""
        return self.action is not Action.CREATE and any(change.identity for change in self.changes)


class Verdict(_Value, frozen=True):
    """What one guard says of the whole plan.

    Attributes:
        guard: its name: ``users.deactivate``, ``members.remove``, ``protected``, ``min_members``.
        passed: whether the plan may be applied, as far as this guard is concerned.
        number: how many changes it counted.
        limit: how many it allows, in words: ``20``, ``5 % of 40 = 2``.
        subject: the address of the one resource that it is about, or ``None`` for the whole plan.
        resources: addresses of what it counted, the first 20.
        allowed_by: the recorded reason, where an allowance lifted the limit.
        how_to_allow: what to do if the change is meant.
    """

    guard: str
    passed: bool
    number: int
    limit: str
    subject: str | None = None
    resources: tuple[str, ...] = ()
    allowed_by: str | None = None
    how_to_allow: str = ""


class Note(_Value, frozen=True):
    """Something that a reviewer should know and that is not a step: what was left alone, and warnings.

    Attributes:
        severity: ``warning`` or ``note``.
        code: stable and machine-readable: ``out-of-scope``, ``case-only``, ``read-only``.
        message: one sentence.
        origin: ``file:line`` of the YAML that it is about.
    """

    severity: Literal["warning", "note"]
    code: str
    message: str
    origin: str | None = None


class DirectoryIdentity(_Value, frozen=True):
    """Which directory a plan is for."""

    name: str
    base_url: str
    dialect: str


class DesiredIdentity(_Value, frozen=True):
    """Which desired state a plan was made from: digest of its files, their number, and the Git commit."""

    digest: str
    files: int
    commit: str | None = None


class LiveCounts(_Value, frozen=True):
    """How large the directory was when it was read."""

    users: int
    groups: int
    memberships: int


class Summary(_Value, frozen=True):
    """The numbers of a plan's last line, counted from its steps. Reactivations are updates."""

    create: int = 0
    update: int = 0
    deactivate: int = 0
    delete: int = 0
    add_members: int = 0
    remove_members: int = 0

    def __str__(self) -> str:
        if self == Summary():
            return "No changes. The directory matches the desired state."
        return (
            f"Plan: {self.create} to create, {self.update} to update, {self.deactivate} to deactivate, "
            f"{self.delete} to delete; {self.add_members} memberships to add, {self.remove_members} to remove."
        )


class Plan(_Value, frozen=True):
    """A whole plan, in the order in which it is applied.

    Attributes:
        format: the version of the document.
        tool: name and version of the program that made it.
        directory: which directory it is for.
        desired: which desired state it was made from.
        live: how large the directory was.
        as_of: RFC 3339 time at which ``from`` and ``until`` were judged.
        capabilities: what the planner took the directory to be able to do.
        confirm_replace: whether a person has confirmed that replaced groups may go, see ``lifecycle.replace``.
        guards: every guard's verdict.
        notes: what was left alone and why, and warnings.
        steps: what to do.
        digest: ``sha256:…`` of the canonical form of all other fields, see :mod:`reconciler.planning.document`.
    """

    format: Literal["reconciler.plan/1"]
    tool: str
    directory: DirectoryIdentity
    desired: DesiredIdentity
    live: LiveCounts
    as_of: str
    capabilities: dict[str, Any]
    confirm_replace: bool = False
    guards: tuple[Verdict, ...] = ()
    notes: tuple[Note, ...] = ()
    steps: tuple[Step, ...] = ()
    digest: str = ""

    @property
    def summary(self) -> Summary:
        """The numbers of the last line."""
        counts = dict.fromkeys(Action, 0)
        for step in self.steps:
            counts[step.action] += len(step.members) or 1
        return Summary(
            create=counts[Action.CREATE],
            update=counts[Action.UPDATE] + counts[Action.REACTIVATE],
            deactivate=counts[Action.DEACTIVATE],
            delete=counts[Action.DELETE],
            add_members=counts[Action.ADD_MEMBERS],
            remove_members=counts[Action.REMOVE_MEMBERS],
        )

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        """The verdicts of the guards that refuse this plan."""
        return tuple(verdict for verdict in self.guards if not verdict.passed)

    def chunks(self) -> Iterator[tuple[int, tuple[Step, ...]]]:
        """Yield the chunks in order: their number and their steps."""
        for number, steps in groupby(self.steps, key=lambda step: step.chunk):
            yield number, tuple(steps)

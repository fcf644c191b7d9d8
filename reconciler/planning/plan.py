"""The plan as plain data: what would be done, to whom, why, and from what.

A :class:`Plan` is also the plan document: the JSON of ``reconciler.plan/1`` is these structures field by field, and
every rendering is made from them. Numbers that can be counted from the steps are derived when asked for, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal

import msgspec

from reconciler.model import Kind, TimerName
from reconciler.planning.summary import PartialSummary, Summary
from reconciler.planning.vocabulary import Action, Reason

__all__ = [
    "FORMAT",
    "Action",
    "Allowed",
    "Change",
    "DesiredIdentity",
    "DirectoryIdentity",
    "Edge",
    "Grace",
    "LeftOut",
    "LiveCounts",
    "Note",
    "Pending",
    "Plan",
    "Precondition",
    "Reason",
    "Signature",
    "Step",
    "Summary",
    "Verdict",
]

FORMAT: Literal["reconciler.plan/1"] = "reconciler.plan/1"


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


class Grace(_Value, frozen=True):
    """A grace period that has ended.

    Attributes:
        timer: what was timed: ``unlisted`` or ``deactivated``.
        since: RFC 3339 time from which it counted.
        until: RFC 3339 time at which it ended.
    """

    timer: TimerName
    since: str
    until: str


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
        min_members: how many members the group must have at every moment while this step removes some.
        grace: the grace period that ended before it, where an unlisted resource had one.
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
        if self.action in (Action.ADD_MEMBERS, Action.REMOVE_MEMBERS):
            return ("members.add" if self.action is Action.ADD_MEMBERS else "members.remove",)
        kind = f"{self.kind.lower()}s.{self.action}"
        return (kind, "identity.change") if self.identity else (kind,)


class Verdict(_Value, frozen=True):
    """What one guard says of the whole plan.

    Attributes:
        guard: its name: ``users.deactivate``, ``members.remove``, ``protected``, ``break_glass``.
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


class Pending(_Value, frozen=True):
    """Something that will happen to an unlisted resource unless a file lists it again: its grace period runs.

    Where the period has ended and the step is left out of the plan, it is here as well: ``until`` has passed then.

    Attributes:
        action: what will be done: ``deactivate`` or ``delete``.
        kind: of the resource.
        id: of the resource.
        name: its naming attribute.
        timer: what is timed: ``unlisted`` or ``deactivated``.
        since: RFC 3339 time from which the period counts: when a run first saw it, or this plan's ``as_of``.
        until: RFC 3339 time at which it ends.
    """

    action: Action
    kind: Kind
    id: str
    name: str
    timer: TimerName
    since: str
    until: str

    @property
    def address(self) -> str:
        """How messages name the resource."""
        return self.kind.address(self.name)


class LeftOut(_Value, frozen=True):
    """A step that the plan would hold without ``--only``, ``--exclude`` or ``auto_approve``.

    Attributes:
        step: its id.
        why: ``only``, ``exclude``, ``auto_approve``, or ``needs “…”`` for one that needs another step left out.
        members: how many memberships it is about, where it is about some and not all of its group's.
    """

    step: str
    why: str
    members: int = 0


class Allowed(_Value, frozen=True):
    """A guard that was lifted for this plan.

    Attributes:
        allowance: as it was given: ``users.deactivate=40``, ``group:team-core/members.remove``.
        reason: why.
    """

    allowance: str
    reason: str


class Signature(_Value, frozen=True):
    """An Ed25519 signature (RFC 8032) over a plan's digest.

    Attributes:
        key: the public key, base64 of its 32 bytes.
        value: base64 of the 64 bytes of the signature over ``reconciler.plan/1`` + line feed + digest, in ASCII.
    """

    key: str
    value: str


class DirectoryIdentity(_Value, frozen=True):
    """Which directory a plan is for."""

    name: str
    base_url: str
    dialect: str


class DesiredIdentity(_Value, frozen=True):
    """Which desired state a plan was made from.

    Attributes:
        digest: of its files.
        files: their number.
        commit: the Git commit.
        users: how many users it lists.
        groups: how many groups it lists.
    """

    digest: str
    files: int
    commit: str | None = None
    users: int = 0
    groups: int = 0


class LiveCounts(_Value, frozen=True):
    """How large the directory was when it was read."""

    users: int
    groups: int
    memberships: int


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
        reason: why it was made, where somebody said so.
        undoes: the id of the run that it undoes.
        only: what the run was confined to.
        exclude: what it was to leave alone.
        allowances: guards that were lifted for it.
        guards: every guard's verdict.
        notes: what was left alone and why, and warnings.
        pending: what waits for the end of a grace period.
        left_out: steps that were left out because of ``only`` and ``exclude``.
        steps: what to do.
        digest: ``sha256:…`` of the canonical form of all other fields but the signature, see
            :mod:`reconciler.planning.document`.
        signature: who vouches for it.
    """

    format: Literal["reconciler.plan/1"]
    tool: str
    directory: DirectoryIdentity
    desired: DesiredIdentity
    live: LiveCounts
    as_of: str
    capabilities: dict[str, Any]
    confirm_replace: bool = False
    reason: str | None = None
    undoes: str | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allowances: tuple[Allowed, ...] = ()
    guards: tuple[Verdict, ...] = ()
    notes: tuple[Note, ...] = ()
    pending: tuple[Pending, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    steps: tuple[Step, ...] = ()
    digest: str = ""
    signature: Signature | None = None

    @property
    def summary(self) -> Summary:
        """The numbers of the last line.

        Where nothing is to be done, it says that the directory matches the desired state: not of a plan of which steps
        were left out, of one that guards refuse, because what it was made from is in doubt, nor of an undo.
        """
        partial = self.left_out or self.undoes is not None or self.refusals
        counts = dict.fromkeys(Action, 0)
        for step in self.steps:
            counts[step.action] += len(step.members) or 1
        return (PartialSummary if partial else Summary)(
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

"""The plan as plain data: what would be done, to whom, why, and from what.

A :class:`Plan` is also the plan document: the JSON of ``reconciler.plan/1`` is these structures field by field, and
every rendering is made from them. Numbers that can be counted from the steps are derived when asked for, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal

from reconciler.model import Kind, TimerName
from reconciler.planning.effect import NO_EFFECT, Effect
from reconciler.planning.step import Change, Edge, Grace, Part, Precondition, Step
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
    "Effect",
    "Grace",
    "LeftOut",
    "LiveCounts",
    "Note",
    "Pending",
    "Plan",
    "Precondition",
    "Reason",
    "Signature",
    "Since",
    "Step",
    "Summary",
    "Verdict",
]

FORMAT: Literal["reconciler.plan/1"] = "reconciler.plan/1"


class Verdict(Part, frozen=True):
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


class Note(Part, frozen=True):
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


class Pending(Part, frozen=True):
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


class LeftOut(Part, frozen=True):
    """A step that the plan would hold without ``--only``, ``--exclude`` or ``auto_approve``.

    Attributes:
        step: its id.
        why: ``only``, ``exclude``, ``auto_approve``, or ``needs “…”`` for one that needs another step left out.
        members: how many memberships it is about, where it is about some and not all of its group's.
    """

    step: str
    why: str
    members: int = 0


class Allowed(Part, frozen=True):
    """A guard that was lifted for this plan.

    Attributes:
        allowance: as it was given: ``users.deactivate=40``, ``group:team-core/members.remove``.
        reason: why.
    """

    allowance: str
    reason: str


class Signature(Part, frozen=True):
    """An Ed25519 signature (RFC 8032) over a plan's digest.

    Attributes:
        key: the public key, base64 of its 32 bytes.
        value: base64 of the 64 bytes of the signature over ``reconciler.plan/1`` + line feed + digest, in ASCII.
    """

    key: str
    value: str


class DirectoryIdentity(Part, frozen=True):
    """Which directory a plan is for.

    Attributes:
        name: what ``directory.yaml`` calls it.
        base_url: its SCIM endpoint.
        dialect: whose ways it has.
    """

    name: str
    base_url: str
    dialect: str


class DesiredIdentity(Part, frozen=True):
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


class LiveCounts(Part, frozen=True):
    """How large the directory was when it was read.

    Attributes:
        users: how many users it had.
        groups: how many groups.
        memberships: how many places in groups were taken, as far as the groups tell.
    """

    users: int
    groups: int
    memberships: int


class Since(Part, frozen=True):
    """The change of the files that a plan is confined to. It says nothing of the rest of the directory.

    Attributes:
        ref: the Git revision that the files are compared with, as it was given.
        commit: what it stood for.
        users: how many users the change touches.
        groups: how many groups.
        listed_again: the ids of those whose grace period the change ends, because files list them again.
    """

    ref: str
    commit: str
    users: int
    groups: int
    listed_again: tuple[str, ...] = ()


class Plan(Part, frozen=True):
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
        since: the change that it is confined to; ``None`` for a plan of everything.
        steps: what to do.
        effect: who gains and loses access to which groups by the steps.
        digest: ``sha256:…`` of the canonical form of all other fields but the signature, see
            :mod:`reconciler.planning.document`.
        signature: who vouches for it.
        redacted: whether the names and addresses of people were taken out, to show it. ``digest`` is that of the plan
            as it was: what is redacted can be read and not applied.
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
    since: Since | None = None
    steps: tuple[Step, ...] = ()
    effect: Effect = NO_EFFECT
    digest: str = ""
    signature: Signature | None = None
    redacted: bool = False

    @property
    def summary(self) -> Summary:
        """The numbers of the last line.

        Where nothing is to be done, it says that the directory matches the desired state: not of a plan of which steps
        were left out, of one that guards refuse, because what it was made from is in doubt, nor of an undo or of a
        plan that is confined to a change.
        """
        partial = self.left_out or self.undoes is not None or self.since is not None or self.refusals
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

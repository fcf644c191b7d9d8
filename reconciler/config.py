"""What ``directory.yaml`` says, as values. How it is read and checked is :mod:`reconciler.desired`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

from reconciler.capabilities import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSource:
    """Where the bearer token comes from: exactly one of the three. The token itself is never held here.

    Attributes:
        env: the name of an environment variable.
        file: a path; relative ones start at the workspace. Its content, stripped of white space, is the token.
        command: a program and its arguments, run without a shell; its output, stripped, is the token.
        expires: the day on which the token stops working, so that a run can warn in time.
    """

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None
    expires: date | None = None


class Unlisted(StrEnum):
    """What happens to a live resource in scope that no file lists."""

    IGNORE = "ignore"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many changes of one sort a plan may hold: a count, a percentage of what is live, or the lower of both."""

    count: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """The limits that a whole plan is checked against before its first write. The defaults hold without any block.

    The name of a guard is the name of its field with a point: ``users.deactivate``.

    Attributes:
        users_create: users created, of the users in scope.
        users_update: users changed and reactivated, of the users in scope.
        users_deactivate: users deactivated, of the active users in scope.
        users_delete: users deleted, of the users in scope.
        groups_create: groups created, of the groups in scope.
        groups_delete: groups deleted, of the groups in scope.
        members_remove: members removed from any one group, of the members that it has.
        memberships_remove: memberships removed in all, of the memberships in scope.
        identity_change: users and groups whose identity changes, of those in scope.
        live_shrink: users, groups or memberships that are not there any more since the last recorded run, each of what
            there was then.
    """

    users_create: Limit = Limit(count=500)
    users_update: Limit = Limit(count=1000)
    users_deactivate: Limit = Limit(count=20, percent=5)
    users_delete: Limit = Limit(count=0)
    groups_create: Limit = Limit(count=100)
    groups_delete: Limit = Limit(count=2)
    members_remove: Limit = Limit(count=200, percent=50)
    memberships_remove: Limit = Limit(count=1000, percent=25)
    identity_change: Limit = Limit(count=20, percent=20)
    live_shrink: Limit = Limit(percent=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What ``protect`` in ``directory.yaml`` says: it holds whatever becomes of the lines in the other files.

    Patterns are names in which ``*`` stands for anything and ``?`` for one character, without regard to case.

    Attributes:
        users: patterns of userNames that are never deactivated or deleted.
        groups: patterns of displayNames that are never deleted.
        break_glass: userNames that are never deactivated or deleted, and never lose a group.
        privileged: patterns of displayNames whose every change needs an allowance of its own.
        min_members: by displayName, how many members a group always has.
        required_members: by displayName, the userNames of who always is in it.
    """

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()
    privileged: tuple[str, ...] = ()
    min_members: Mapping[str, int] = field(default_factory=dict)
    required_members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySettings:
    """How a plan is carried out.

    Attributes:
        chunk_size: steps that are applied, read back and recorded together.
        canary: steps of the first chunk at most. A failure among them ends the run.
        concurrency: requests in flight at once.
        timeout: seconds until a request that gets no answer counts as lost.
        max_failures: failed steps after which no further one starts, of the steps of the plan.
        stop_on_difference: whether a run ends when an attribute that was not seen to do so before reads back
            differently from what was written.
        max_plan_age: how long after its ``as_of`` a saved plan may be applied.
        lock_lease: how long the lock of a run that died keeps others out.
        verify_key: path of the public key that saved plans must be signed with, relative to the workspace.
    """

    chunk_size: int = 200
    canary: int = 10
    concurrency: int = 8
    timeout: float = 30.0
    max_failures: Limit = Limit(count=20, percent=10)
    stop_on_difference: bool = True
    max_plan_age: timedelta = timedelta(days=7)
    lock_lease: timedelta = timedelta(seconds=60)
    verify_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What planning needs to know of ``directory.yaml``.

    Attributes:
        unlisted_users: what happens to live users in scope that no file lists.
        unlisted_groups: likewise for groups; never ``DEACTIVATE``.
        unlisted_users_after: how long a user must have been unlisted before that happens.
        unlisted_groups_after: likewise for groups.
        delete_after_deactivated: how long after its deactivation a user who is still unlisted is deleted; ``None`` is
            never. Only with ``unlisted_users`` of ``DEACTIVATE``.
        scope_users: a SCIM filter: which live users the files speak for; ``None`` is all.
        scope_groups: likewise for groups.
        guards: the limits of a plan.
        protection: what is never taken away.
        chunk_size: steps per chunk.
        canary: steps of the first chunk at most.
        allowances: guards lifted for this run.
        reason: why this plan is made, and why guards are lifted; recorded in the plan.
        only: this run is about these resources alone: addresses (``user:ada@example.com``) and filters
            (``users[department eq "Platform"]``, ``groups[displayName sw "team-"]``); all where empty.
        exclude: resources that this run leaves alone, likewise.
        confirm_replace: whether replaced groups go that ``lifecycle.replace: manual-regrant`` keeps until a person has
            granted product access to their successors.
        domains: the e-mail domains that the organization has verified, in small letters; empty is not stated.
    """

    unlisted_users: Unlisted
    unlisted_groups: Unlisted
    unlisted_users_after: timedelta = timedelta(0)
    unlisted_groups_after: timedelta = timedelta(0)
    delete_after_deactivated: timedelta | None = None
    scope_users: str | None = None
    scope_groups: str | None = None
    guards: Guards = field(default_factory=Guards)
    protection: Protection = field(default_factory=Protection)
    chunk_size: int = 200
    canary: int = 10
    allowances: tuple[Allowance, ...] = ()
    reason: str | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    confirm_replace: bool = False
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One guard lifted for one run: ``--allow users.deactivate=40``, ``--allow group:team-core/members.remove``.

    Attributes:
        guard: the guard's name as refusals print it.
        count: the limit that holds instead; ``None`` lifts it whole.
        subject: the address of the one resource for which it is lifted; ``None`` is the whole plan.
    """

    guard: str
    count: int | None = None
    subject: str | None = None

    def __str__(self) -> str:
        where = f"{self.subject}/" if self.subject else ""
        return f"{where}{self.guard}" + ("" if self.count is None else f"={self.count}")


class OwnDialect(Protocol):
    """A dialect that is read from a file of the workspace; see :mod:`reconciler.scim.dialects`."""

    @property
    def description(self) -> str:
        """What it is for, in a sentence."""

    @property
    def extends(self) -> str | None:
        """The dialect of this package that holds where the file is silent, if it names one."""

    @property
    def capabilities(self) -> Mapping[str, Statement]:
        """What holds whatever the server says, by the name of the capability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryConfig:
    """All of ``directory.yaml``.

    Attributes:
        name: what the directory is called in plans and ledgers.
        base_url: the SCIM endpoint as written; ``${NAME}`` stands for an environment variable, read on connecting.
        token: where the bearer token comes from.
        dialect: the name of the service provider's dialect, or the path of a file with one, relative to the workspace.
        own_dialect: what that file says; ``None`` where ``dialect`` is a name.
        capabilities: what ``directory.yaml`` itself states of the service provider; it outranks everything else.
        policy: the rules of planning.
        apply: how a plan is carried out.
        store: where runs, ledger, audit, timers and the lock are kept: a ``postgresql://…`` URL as written, in which
            ``${NAME}`` stands for an environment variable; ``None`` is ``.reconciler/store.db`` of the workspace.
        auto_approve: the kinds of change that :func:`reconciler.reconcile` makes without a person, see
            :data:`reconciler.planning.plan.CHANGE_KINDS`.
        members_may_be_unlisted: whether a group may name a member that no file lists, found in the directory instead.
    """

    name: str
    base_url: str
    token: TokenSource
    policy: Policy
    dialect: str = "generic"
    own_dialect: OwnDialect | None = None
    capabilities: Mapping[str, Statement] = field(default_factory=dict)
    apply: ApplySettings = field(default_factory=ApplySettings)
    store: str | None = None
    auto_approve: tuple[str, ...] = ()
    members_may_be_unlisted: bool = False

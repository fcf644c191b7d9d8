"""What ``directory.yaml`` says, as values. How it is read and checked is :mod:`reconciler.desired`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
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

    Attributes:
        users_deactivate: users deactivated, of the active users in scope.
        users_delete: users deleted, of the users in scope.
        groups_delete: groups deleted, of the groups in scope.
        members_remove: members removed from any one group, of the members that it has.
    """

    users_deactivate: Limit = Limit(count=20, percent=5)
    users_delete: Limit = Limit(count=0)
    groups_delete: Limit = Limit(count=2)
    members_remove: Limit = Limit(count=200, percent=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySettings:
    """How a plan is carried out.

    Attributes:
        chunk_size: steps that are applied, read back and recorded together.
        concurrency: requests in flight at once.
        timeout: seconds until a request that gets no answer counts as lost.
    """

    chunk_size: int = 200
    concurrency: int = 8
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What planning needs to know of ``directory.yaml``.

    Attributes:
        unlisted_users: what happens to live users in scope that no file lists.
        unlisted_groups: likewise for groups; never ``DEACTIVATE``.
        scope_users: a SCIM filter: which live users the files speak for; ``None`` is all.
        scope_groups: likewise for groups.
        guards: the limits of a plan.
        chunk_size: steps per chunk.
        allowances: guards lifted for this run, with the new limit.
        allowance_reason: why they were lifted; recorded in the plan.
        confirm_replace: whether replaced groups go that ``lifecycle.replace: manual-regrant`` keeps until a person has
            granted product access to their successors.
        domains: the e-mail domains that the organization has verified, in small letters; empty is not stated.
    """

    unlisted_users: Unlisted
    unlisted_groups: Unlisted
    scope_users: str | None = None
    scope_groups: str | None = None
    guards: Guards = field(default_factory=Guards)
    chunk_size: int = 200
    allowances: tuple[Allowance, ...] = ()
    allowance_reason: str | None = None
    confirm_replace: bool = False
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One guard lifted for one run: ``--allow users.deactivate=40``.

    ``guard`` is the guard's name as refusals print it; ``count`` the limit that holds instead.
    """

    guard: str
    count: int


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
    members_may_be_unlisted: bool = False

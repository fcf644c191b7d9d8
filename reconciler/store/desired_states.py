"""What the files stated when a run last applied them, so that drift can be told from what is pending.

One row per directory. It holds everything that planning reads of a desired state, positions in files excepted, and of
``directory.yaml`` what decides whether an unlisted resource counts as a difference. 100,000 users in 1,000 groups with
300,000 memberships take 4 MB, 0.7 s to save, 0.5 s where nothing has changed, and 0.9 s to load.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, update

from reconciler.config import DirectoryConfig, Policy, Unlisted
from reconciler.model import (
    NO_LIFECYCLE,
    Desired,
    DesiredGroup,
    DesiredResource,
    DesiredUser,
    Kind,
    Lifecycle,
    Member,
    Origin,
    Replace,
    utc,
)
from reconciler.store.errors import StoreError
from reconciler.store.tables import desired_states

_FORMAT: Final = 1
_COMPRESSION: Final = 3
"""Twice as fast as the default level, for a tenth more bytes."""


class Applied(NamedTuple):
    """What the files stated when they were last applied.

    Attributes:
        run_id: the run that applied them.
        as_of: the moment at which its plan judged ``from`` and ``until``.
        desired: what they stated.
        drifted: ids of steps, without the numbers of batches, that the run left out and that would have taken back what
            the directory had changed itself: that is drift still.
    """

    run_id: str
    as_of: datetime
    desired: Desired
    drifted: frozenset[str] = frozenset()


def save(
    connection: Connection,
    directory: str,
    run_id: str,
    as_of: datetime,
    desired: Desired,
    *,
    drifted: Collection[str] = (),
) -> None:
    """Remember what a run applied in place of what the one before it did.

    Args:
        connection: inside the transaction that records the end of the run.
        directory: the SCIM endpoint, by which directories are told apart.
        run_id: the run.
        as_of: the moment at which its plan judged ``from`` and ``until``.
        desired: what its plan was made from. What it states is written only where it is not what is there already.
        drifted: see :class:`Applied`.
    """
    document = msgspec.json.encode(_document(desired, drifted))
    digest = "sha256:" + hashlib.sha256(document).hexdigest()
    mine = desired_states.c.directory == directory
    known = connection.execute(select(desired_states.c.digest).where(mine)).scalar_one_or_none()
    values: dict[str, Any] = {"run_id": run_id, "as_of": utc(as_of)}
    if known != digest:
        values |= {"digest": digest, "data": zlib.compress(document, _COMPRESSION)}
    if known is None:
        connection.execute(insert(desired_states).values(directory=directory, **values))
    else:
        connection.execute(update(desired_states).where(mine).values(**values))


def load(connection: Connection, directory: str, config: DirectoryConfig) -> Applied | None:
    """Return what the files stated when they were last applied, and by which run.

    Args:
        connection: to the store.
        directory: the SCIM endpoint.
        config: what ``directory.yaml`` says now. ``scope``, ``unlisted`` and whether members may be unlisted are
            replaced by what it said then.

    Returns:
        ``None`` where no run applied anything yet. Places in the result read ``(as applied by run …)``.

    Raises:
        StoreError: what is stored cannot be read.
    """
    row = connection.execute(
        select(desired_states.c.run_id, desired_states.c.as_of, desired_states.c.digest, desired_states.c.data).where(
            desired_states.c.directory == directory
        )
    ).one_or_none()
    if row is None:
        return None
    document = _read(row.run_id, bytes(row.data), row.digest)
    return Applied(
        run_id=row.run_id,
        as_of=datetime.fromisoformat(row.as_of),
        desired=_desired(document, config, AppliedSource(row.run_id)),
        drifted=frozenset(document.drifted),
    )


class AppliedSource:
    """Where a resource comes from that a run applied: the lines of that time are not known any more."""

    __slots__ = ("_origin",)

    def __init__(self, run_id: str) -> None:
        self._origin = _AsApplied(f"(as applied by run {run_id})", 1, 1)

    def locate(self, *_path: str | int) -> Origin:
        """Return the run, whatever was asked for."""
        return self._origin


class _AsApplied(Origin):
    """An origin without a line."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.file


class _Row(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A part of the stored document: a JSON array. New fields go behind the old ones."""


class _Lifecycle(_Row, frozen=True):
    starts: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    protected: bool = False
    previously: tuple[str, ...] = ()
    replace: Replace = Replace.AUTOMATIC
    min_members: int | None = None
    required_members: tuple[str, ...] = ()
    privileged: bool = False


class _User(_Row, frozen=True):
    attributes: dict[str, Any]
    id: str | None = None
    lifecycle: _Lifecycle | None = None


class _Group(_Row, frozen=True):
    attributes: dict[str, Any]
    id: str | None = None
    lifecycle: _Lifecycle | None = None
    members: list[int] | None = None
    """Places in the table of members: most people are members of several groups, by equal entries."""
    match: str | None = None


class _Member(_Row, frozen=True):
    kind: Kind
    name: str
    starts: datetime | None = None
    until: datetime | None = None
    reason: str | None = None


class _Rules(_Row, frozen=True):
    """What of ``directory.yaml`` decides which live resources count as listed, unlisted or none of our business."""

    unlisted_users: Unlisted
    unlisted_groups: Unlisted
    unlisted_users_after: float
    unlisted_groups_after: float
    delete_after_deactivated: float | None
    scope_users: str | None
    scope_groups: str | None
    members_may_be_unlisted: bool


class _Document(_Row, frozen=True):
    format: int
    digest: str
    commit: str | None
    files: int
    rules: _Rules
    members: list[_Member]
    users: list[_User]
    groups: list[_Group]
    drifted: list[str] = []


def _document(desired: Desired, drifted: Collection[str]) -> _Document:
    places: dict[_Member, int] = {}
    # Equal entries are mostly one object: those are looked up by it, which is much cheaper.
    known: dict[int, int] = {}

    def place(member: Member) -> int:
        if id(member) not in known:
            row = _Member(member.kind, member.name, member.starts, member.until, member.reason)
            known[id(member)] = places.setdefault(row, len(places))
        return known[id(member)]

    groups = [
        _Group(
            group.attributes,
            group.id,
            _stated_lifecycle(group),
            None if group.members is None else [place(member) for member in group.members],
            group.match,
        )
        for group in desired.groups
    ]
    return _Document(
        format=_FORMAT,
        digest=desired.digest,
        commit=desired.commit,
        files=desired.files,
        rules=_rules(desired.config),
        members=list(places),
        users=[_User(user.attributes, user.id, _stated_lifecycle(user)) for user in desired.users],
        groups=groups,
        drifted=sorted(drifted),
    )


def _stated_lifecycle(resource: DesiredResource) -> _Lifecycle | None:
    stated = resource.lifecycle
    row = _Lifecycle(
        stated.starts,
        stated.until,
        stated.reason,
        stated.protected,
        stated.previously,
        stated.replace,
        stated.min_members,
        stated.required_members,
        stated.privileged,
    )
    return None if row == _NOTHING_STATED else row


_NOTHING_STATED: Final = _Lifecycle()


def _rules(config: DirectoryConfig) -> _Rules:
    policy = config.policy
    kept = policy.delete_after_deactivated
    return _Rules(
        unlisted_users=policy.unlisted_users,
        unlisted_groups=policy.unlisted_groups,
        unlisted_users_after=policy.unlisted_users_after.total_seconds(),
        unlisted_groups_after=policy.unlisted_groups_after.total_seconds(),
        delete_after_deactivated=None if kept is None else kept.total_seconds(),
        scope_users=policy.scope_users,
        scope_groups=policy.scope_groups,
        members_may_be_unlisted=config.members_may_be_unlisted,
    )


def _read(run_id: str, data: bytes, digest: str) -> _Document:
    try:
        document = zlib.decompress(data)
        if "sha256:" + hashlib.sha256(document).hexdigest() != digest:
            raise StoreError(_unreadable(run_id, "it is not what its digest says"))
        found = msgspec.json.decode(document, type=_Document)
    except (zlib.error, msgspec.DecodeError) as error:
        raise StoreError(_unreadable(run_id, str(error))) from error
    if found.format != _FORMAT:
        raise StoreError(_unreadable(run_id, f"it has format {found.format}, and this version knows {_FORMAT}"))
    return found


def _unreadable(run_id: str, why: str) -> str:
    return (
        f"what the files stated when run {run_id} applied them cannot be read from the store: {why}. The next apply "
        "writes it anew"
    )


def _desired(document: _Document, config: DirectoryConfig, source: AppliedSource) -> Desired:
    members = [
        Member(kind=row.kind, name=row.name, starts=row.starts, until=row.until, reason=row.reason)
        for row in document.members
    ]
    return Desired(
        config=replace(
            config,
            policy=_policy(config.policy, document.rules),
            members_may_be_unlisted=document.rules.members_may_be_unlisted,
        ),
        users=tuple(_users(document.users, source)),
        groups=tuple(
            DesiredGroup(
                attributes=row.attributes,
                source=source,
                id=row.id,
                lifecycle=_lifecycle(row.lifecycle),
                members=None if row.members is None else tuple(members[place] for place in row.members),
                match=row.match,
            )
            for row in document.groups
        ),
        digest=document.digest,
        commit=document.commit,
        files=document.files,
    )


def _users(rows: Iterable[_User], source: AppliedSource) -> Iterable[DesiredUser]:
    return (
        DesiredUser(attributes=row.attributes, source=source, id=row.id, lifecycle=_lifecycle(row.lifecycle))
        for row in rows
    )


def _policy(policy: Policy, rules: _Rules) -> Policy:
    kept = rules.delete_after_deactivated
    return replace(
        policy,
        unlisted_users=rules.unlisted_users,
        unlisted_groups=rules.unlisted_groups,
        unlisted_users_after=timedelta(seconds=rules.unlisted_users_after),
        unlisted_groups_after=timedelta(seconds=rules.unlisted_groups_after),
        delete_after_deactivated=None if kept is None else timedelta(seconds=kept),
        scope_users=rules.scope_users,
        scope_groups=rules.scope_groups,
    )


def _lifecycle(row: _Lifecycle | None) -> Lifecycle:
    if row is None:
        return NO_LIFECYCLE
    return Lifecycle(
        starts=row.starts,
        until=row.until,
        reason=row.reason,
        protected=row.protected,
        previously=row.previously,
        replace=row.replace,
        min_members=row.min_members,
        required_members=row.required_members,
        privileged=row.privileged,
    )

"""What a change of the files touches: users, groups, and memberships that the lines before it and after it give. Pure.

Memberships are compared as each of the two states gives them, by their lines alone: nested groups flattened where the
directory has none, ``match`` filters evaluated over the listed users, dates judged at the same moment. So a line that
changes one user's department touches the groups that match by department, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from reconciler.attributes import Schemas, fold
from reconciler.capabilities import Capabilities, Statement
from reconciler.config import DirectoryConfig, Unlisted
from reconciler.diagnostics import Diagnostic, DiagnosticsError, ReconcilerError
from reconciler.model import (
    Desired,
    DesiredGroup,
    DesiredResource,
    DesiredUser,
    Kind,
    Live,
    LiveGroup,
    LiveUser,
    Member,
)
from reconciler.planning.context import Context
from reconciler.planning.correlation import Pair
from reconciler.planning.groups import Target
from reconciler.planning.roster import Roster, Rosters, Seat

MemberKey: TypeAlias = tuple[Kind, str]
"""A member by its kind and folded name."""

_ResourceT = TypeVar("_ResourceT", bound=DesiredResource)

_NOTHING: Final = (None, None, None)


class EverythingTouchedError(ReconcilerError):
    """A change of ``directory.yaml`` that is about every user and group.

    Attributes:
        ref: the Git revision that the files are compared with.
        settings: what was changed, by name.
    """

    def __init__(self, ref: str, settings: Sequence[str]) -> None:
        self.ref = ref
        self.settings = tuple(settings)
        super().__init__(
            f"directory.yaml says something else of {', '.join(settings)} than at {ref}: that is about every user and "
            "group, so that only a plan of everything tells what changes. Plan without --since"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBefore:
    """How much the files stated before the change: what percentages are of, where the directory does not tell.

    Attributes:
        users: the listed users.
        active: those of them whose accounts were to work.
        groups: the listed groups.
        memberships: the memberships of the groups whose members were stated.
    """

    users: int
    active: int
    groups: int
    memberships: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a change of the files touches. Resources go by their folded names, before the change and after it.

    Attributes:
        ref: the Git revision that the files are compared with, as it was given.
        commit: what it stands for.
        before: what the files stated then.
        users: users of whom they state something else, whom they began to list, or list no more.
        groups: groups likewise, their members apart.
        members: by group, the members whose places the change gives, takes or dates otherwise, each with whether the
            files put it into the group now.
        whole: groups of whose members every one counts, as they are in the directory: those whose members the files
            did not state before, those that go, and what gives them their members.
        sources: groups whose members no file states, and that give touched groups some of theirs.
        stated: how much the files stated before.
    """

    ref: str
    commit: str
    before: Desired
    users: frozenset[str]
    groups: frozenset[str]
    members: Mapping[str, Mapping[MemberKey, bool]]
    whole: frozenset[str]
    sources: frozenset[str]
    stated: StatedBefore

    def of_kind(self, kind: Kind) -> frozenset[str]:
        """Return the touched users, or groups, without those whose memberships alone are touched."""
        return self.users if kind is Kind.USER else self.groups

    @property
    def member_keys(self) -> frozenset[MemberKey]:
        """Everybody whose place in some group is touched."""
        return frozenset(key for members in self.members.values() for key in members)

    def count(self, kind: Kind, now: Desired) -> int:
        """Return how many users, or groups, the change is about. One under a new name is one."""
        names = {*self.of_kind(kind), *(name for one, name in self.member_keys if one is kind)}
        if kind is Kind.GROUP:
            names.update(name for name, members in self.members.items() if members)
        before, after = listed(self.before, kind), listed(now, kind)
        return len(names - renamed(before, after).keys())


def touched(
    before: Desired,
    now: Desired,
    *,
    schemas: Schemas,
    capabilities: Capabilities,
    as_of: datetime,
    ref: str,
    commit: str,
) -> Touched:
    """Return what a change of the files touches.

    Args:
        before: what the files stated before it.
        now: what they state now.
        schemas: the service provider's attribute definitions, which ``match`` filters are read by.
        capabilities: what it can do: whether it nests groups and renames them.
        as_of: the moment at which ``from`` and ``until`` are judged, of both states.
        ref: the Git revision of the state before, as it was given.
        commit: what it stands for.

    Raises:
        EverythingTouchedError: ``directory.yaml`` says something else of the directory as a whole.
        DiagnosticsError: a line of now has no meaning in this directory.
    """
    _refuse_another_directory(before.config, now.config, ref)
    old, new = (_Stated(state, schemas, capabilities, as_of) for state in (before, now))
    if new.problems:
        raise DiagnosticsError(dict.fromkeys(new.problems))
    comparison = _Comparison(old, new, renames=capabilities.group_rename)
    comparison.compare()
    if new.problems:
        raise DiagnosticsError(dict.fromkeys(new.problems))
    return Touched(
        ref=ref,
        commit=commit,
        before=before,
        users=frozenset(_differing(old.users, new.users)),
        groups=frozenset(_differing(old.groups, new.groups)),
        members=comparison.members,
        whole=frozenset(comparison.whole),
        sources=frozenset(comparison.sources),
        stated=StatedBefore(
            users=len(before.users),
            active=sum(_works(user, as_of) for user in before.users),
            groups=len(before.groups),
            memberships=comparison.memberships_before,
        ),
    )


def listed(desired: Desired, kind: Kind) -> Mapping[str, DesiredResource]:
    """Return the listed resources of a kind by their folded names."""
    resources: Iterable[DesiredResource] = desired.users if kind is Kind.USER else desired.groups
    return {fold(one.name): one for one in resources}


def renamed(before: Mapping[str, _ResourceT], now: Mapping[str, _ResourceT]) -> Mapping[str, str]:
    """Return the folded names that resources had and have no more, each with the new one of the same resource.

    It is the same where the files say so: by its id, its externalId, or as its previous name.
    """
    gone = {name: one for name, one in before.items() if name not in now}
    by_id: dict[str | None, str] = {one.id: name for name, one in gone.items() if one.id}
    by_external_id: dict[str | None, str] = {one.external_id: name for name, one in gone.items() if one.external_id}
    found: dict[str, str] = {}
    for name, one in now.items():
        if name in before:
            continue
        stated = (by_id.get(one.id), by_external_id.get(one.external_id), *map(fold, one.lifecycle.previously))
        old = next((old for old in stated if old in gone), None)
        if old is not None:
            found.setdefault(old, name)
    return found


def _refuse_another_directory(before: DirectoryConfig, now: DirectoryConfig, ref: str) -> None:
    old, new = _decisive(before), _decisive(now)
    settings = [name for name, value in new.items() if old[name] != value]
    if settings:
        raise EverythingTouchedError(ref, settings)


def _decisive(config: DirectoryConfig) -> Mapping[str, object]:
    """Return what ``directory.yaml`` says of the whole directory: where it changes, everything may change with it.

    How careful to be is no part of it: guards and protection hold for every plan as they are now.
    """
    policy, dialect = config.policy, config.own_dialect
    return {
        "name": config.name,
        "base_url": config.base_url,
        "dialect": (config.dialect, None if dialect is None else (dialect.extends, _values(dialect.capabilities))),
        "capabilities": _values(config.capabilities),
        "scope.users": policy.scope_users,
        "scope.groups": policy.scope_groups,
        "unlisted.users": (policy.unlisted_users, policy.unlisted_users_after, policy.delete_after_deactivated),
        "unlisted.groups": (policy.unlisted_groups, policy.unlisted_groups_after),
        "domains": policy.domains,
        "members_may_be_unlisted": config.members_may_be_unlisted,
    }


def _values(stated: Mapping[str, Statement]) -> Mapping[str, object]:
    """Return capabilities without the places where they are stated."""
    return {name: statement.value for name, statement in stated.items()}


def _differing(before: Mapping[str, DesiredResource], now: Mapping[str, DesiredResource]) -> Iterator[str]:
    for name in {**before, **now}:
        if _statement(before.get(name)) != _statement(now.get(name)):
            yield name


def _statement(resource: DesiredResource | None) -> object:
    return None if resource is None else (resource.attributes, resource.id, resource.lifecycle)


def _works(user: DesiredUser, as_of: datetime) -> bool:
    lifecycle = user.lifecycle
    return user.attributes.get("active") is not False and not (lifecycle.not_started(as_of) or lifecycle.expired(as_of))


_Sign: TypeAlias = tuple[bool | None, datetime | None, datetime | None]
"""Whether somebody is in a group, and the dates of the line that says so."""


class _Stated:
    """One state of the files, and who is in which group by its lines alone."""

    def __init__(self, desired: Desired, schemas: Schemas, capabilities: Capabilities, as_of: datetime) -> None:
        self.desired = desired
        self.users: Mapping[str, DesiredUser] = {fold(user.name): user for user in desired.users}
        self.groups: Mapping[str, DesiredGroup] = {fold(group.name): group for group in desired.groups}
        self._flattens = not capabilities.nested_groups
        live = Live(
            base_url="",
            schemas=schemas,
            capabilities=capabilities,
            users=tuple(self._strangers(Kind.USER, LiveUser)),
            groups=tuple(self._strangers(Kind.GROUP, LiveGroup)),
        )
        self._context = Context(
            desired=desired,
            live=live,
            # Whom no file lists is in the group by its line, whether the files speak for him or not.
            policy=replace(desired.config.policy, scope_users=None, scope_groups=None),
            as_of=as_of,
        )
        self._targets = {name: Target(desired=group, live=None) for name, group in self.groups.items()}
        pairs: tuple[Pair[DesiredUser, LiveUser], ...] = tuple(Pair(desired=user) for user in desired.users)
        self._rosters = Rosters(self._context, pairs, tuple(self._targets.values()))

    @property
    def problems(self) -> Sequence[Diagnostic]:
        """What of this state has no meaning in the directory."""
        return self._context.findings.problems

    def signs(self, group: str) -> dict[MemberKey, _Sign]:
        """Return who is in a group and who would be at another time, with the dates of their lines."""
        roster: Roster = self._rosters.of(self._targets[group])
        signs: dict[MemberKey, _Sign] = {_key(seat): (False, *_dates(seat)) for seat in roster.vacated.values()}
        signs.update({_key(seat): (True, *_dates(seat)) for seat in roster.seats.values()})
        return signs

    def sources(self, group: str) -> frozenset[str]:
        """Return the groups whose members no file states and that are flattened into a group."""
        found: set[str] = set()
        seen, pending = {group}, [group] if self._flattens else []
        while pending:
            for inner in self._inner(pending.pop()) - seen:
                seen.add(inner)
                if inner in self.groups and not self.groups[inner].manages_members:
                    found.add(inner)
                else:
                    pending.append(inner)
        return frozenset(found)

    def _inner(self, group: str) -> set[str]:
        members = self.groups[group].members if group in self.groups else None
        return {fold(member.name) for member in members or () if member.kind is Kind.GROUP}

    def _strangers(self, kind: Kind, make: type[_StrangerT]) -> Iterator[_StrangerT]:
        """Yield those whom a group names as members and no file lists, as if they were there."""
        if not self.desired.config.members_may_be_unlisted:
            return
        known = {*(self.users if kind is Kind.USER else self.groups)}
        for member in _named(self.desired, kind):
            if fold(member.name) not in known:
                known.add(fold(member.name))
                yield make(id=kind.address(fold(member.name)), attributes={kind.naming_attribute: member.name})


_StrangerT = TypeVar("_StrangerT", LiveUser, LiveGroup)


def _named(desired: Desired, kind: Kind) -> Iterator[Member]:
    return (member for group in desired.groups for member in group.members or () if member.kind is kind)


def _key(seat: Seat) -> MemberKey:
    return seat.candidate.kind, fold(seat.candidate.name)


def _dates(seat: Seat) -> tuple[datetime | None, datetime | None]:
    if seat.position is None or seat.group.members is None:
        return None, None
    stated = seat.group.members[seat.position]
    return stated.starts, stated.until


class _Comparison:
    """The memberships of two states beside each other."""

    def __init__(self, before: _Stated, now: _Stated, *, renames: bool) -> None:
        self.members: dict[str, Mapping[MemberKey, bool]] = {}
        self.whole: set[str] = set()
        self.sources: set[str] = set()
        self.memberships_before = 0
        self._before, self._now = before, now
        old_names = renamed(before.groups, now.groups) if renames else {}
        self._old_name = {new: old for old, new in old_names.items()}
        self._deletes = now.desired.config.policy.unlisted_groups is Unlisted.DELETE

    def compare(self) -> None:
        """Go through all groups of both states."""
        followed = {*self._old_name.values()}
        for name in {**self._before.groups, **self._now.groups}:
            if name in self._now.groups:
                self._compare(name)
            else:
                self._count(name)
                if self._deletes and name not in followed:
                    # Whoever is in it loses it.
                    self.whole.add(name)

    def _count(self, name: str) -> dict[MemberKey, _Sign]:
        """Return who is in a group of the state before, and count them."""
        group = self._before.groups.get(name)
        if group is None or not group.manages_members:
            return {}
        signs = self._before.signs(name)
        self.memberships_before += sum(taken is True for taken, _, _ in signs.values())
        return signs

    def _compare(self, name: str) -> None:
        old_name = self._old_name.get(name, name)
        old, new = self._before.groups.get(old_name), self._now.groups[name]
        before = self._count(name) if name in self._before.groups else self._signs_before(old_name)
        if old is None or (new.manages_members and not old.manages_members):
            # What the directory has in there is spoken of for the first time, or handed on under a new name.
            self.whole.add(name)
        if not new.manages_members:
            return
        now = self._now.signs(name)
        differing = {key for key in {**before, **now} if before.get(key, _NOTHING) != now.get(key, _NOTHING)}
        if differing:
            self.members[name] = {key: now.get(key, _NOTHING)[0] is True for key in differing}
        sources = self._now.sources(name)
        if name in self.whole or sources != self._before.sources(old_name):
            self.whole |= {name, *sources}
        elif differing:
            self.sources |= sources

    def _signs_before(self, name: str) -> dict[MemberKey, _Sign]:
        group = self._before.groups.get(name)
        return self._before.signs(name) if group is not None and group.manages_members else {}

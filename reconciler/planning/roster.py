"""Who would be in each listed group, and by which line: explicit members, ``match`` filters, nested groups, dates.

Nested groups are flattened unless the directory knows them; the path through which somebody comes in is kept.
A million memberships pass through here, so places are tuples and nothing is looked up twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.filters import Filter
from reconciler.model import DesiredGroup, DesiredUser, Kind, LiveUser, Member, Validity
from reconciler.planning.context import Context
from reconciler.planning.correlation import Pair
from reconciler.planning.groups import Target
from reconciler.planning.plan import Edge, Reason


class Candidate(NamedTuple):
    """A user or group that can be a member.

    Attributes:
        key: the live id, or the address of one that the plan creates.
        kind: whether it is a user or a group.
        name: its naming attribute.
        id: the live id, if there is one.
        absent: why no place of it counts now, if none does.
    """

    key: str
    kind: Kind
    name: str
    id: str | None
    absent: Reason | None = None


class Seat(NamedTuple):
    """One candidate's place in a group, and by what right, or for what lack of it.

    Attributes:
        candidate: who.
        reason: why the place is taken, or why it is not any more.
        group: the listed group whose file states the place.
        position: where in that group's ``members`` it is stated, or ``None`` where something else gives the place.
        via: the groups between that one and the group it is counted for, outermost first.
    """

    candidate: Candidate
    reason: Reason
    group: DesiredGroup
    position: int | None = None
    via: tuple[str, ...] = ()

    def edge(self) -> Edge:
        """Return the membership to add or remove, with the line that states it."""
        stated = self.group.members[self.position] if self.group.members and self.position is not None else None
        path = ("members",) if self.position is None else ("members", self.position)
        place = self.group.source.locate(*(("match",) if self.reason is Reason.MATCHED else path))
        return Edge(
            kind=self.candidate.kind,
            name=self.candidate.name,
            id=self.candidate.id,
            reason=self.reason,
            via=self.via,
            origin=str(place),
            note=stated.reason if stated else None,
        )


class Roster(NamedTuple):
    """The places of one group by the candidate's key: taken ones, and stated ones that do not count now."""

    seats: dict[str, Seat]
    vacated: dict[str, Seat]


class Rosters:
    """Works out the rosters of the listed groups."""

    def __init__(
        self, context: Context, users: tuple[Pair[DesiredUser, LiveUser], ...], targets: tuple[Target, ...]
    ) -> None:
        self._context = context
        self._users = users
        self._candidates = {fold(pair.desired.name): _candidate(context, pair) for pair in users}
        self._targets = {fold(target.desired.name): target for target in targets}
        self._live_users: Mapping[str, LiveUser] = {}
        if context.desired.config.members_may_be_unlisted:
            self._live_users = {fold(user.name): user for user in context.live.users}
        self._resolved: dict[int, Candidate | None] = {}
        self._nested_rosters: dict[str, Roster] = {}

    def of(self, target: Target) -> Roster:
        """Return the roster of a listed group. Where a place is stated twice, the more direct statement counts."""
        group = target.desired
        roster = Roster({}, {})
        for index, member in enumerate(group.members or ()):
            if member.kind is Kind.USER or self._context.capabilities.nested_groups:
                candidate = self._resolve(group, index, member)
                if candidate is not None:
                    absent = candidate.absent or _absence(member, self._context)
                    _take(roster, Seat(candidate, Reason.LISTED, group, index), absent)
            else:
                self._take_nested(roster, member)
        if group.match is not None:
            self._take_matching(roster, group, group.match)
        for seat in self._carried_over(target):
            _take(roster, seat, None)
        for key in roster.seats.keys() & roster.vacated.keys():
            del roster.vacated[key]
        return roster

    def _take_matching(self, roster: Roster, group: DesiredGroup, match: str) -> None:
        matches = Filter.parse(match).compile(self._context.schema(Kind.USER))
        for pair in self._users:
            if matches(pair.desired.attributes):
                candidate = self._candidates[fold(pair.desired.name)]
                _take(roster, Seat(candidate, Reason.MATCHED, group), candidate.absent)

    def _take_nested(self, roster: Roster, member: Member) -> None:
        target = self._targets.get(fold(member.name))
        if target is None:
            return
        name = fold(member.name)
        if name not in self._nested_rosters:
            # Loading refuses cycles among groups, so this recursion ends.
            self._nested_rosters[name] = self.of(target)
        inner = self._nested_rosters[name]
        absent = _absence(member, self._context)
        for seat in inner.seats.values():
            _take(roster, seat._replace(reason=Reason.NESTED, via=(target.desired.name, *seat.via)), absent)
        for seat in inner.vacated.values():
            _take(roster, seat._replace(via=(target.desired.name, *seat.via)), seat.reason)

    def _carried_over(self, target: Target) -> Iterator[Seat]:
        """Yield the places that a replaced group hands on: all if no file states its members, else those not ours."""
        live: Mapping[str, LiveUser] = self._context.live.users_by_id
        for member in (target.replaced.members or ()) if target.replaced else ():
            user = live.get(member)
            if user is not None and not (target.desired.manages_members and self._context.in_scope(user)):
                yield Seat(Candidate(member, Kind.USER, user.name, member), Reason.CARRIED_OVER, target.desired)

    def _resolve(self, group: DesiredGroup, index: int, member: Member) -> Candidate | None:
        """Return whom a member entry names. Equal entries are one object, so each is looked up once."""
        if id(member) not in self._resolved:
            candidate = self._find(member)
            if candidate is None:
                self._context.findings.problems.append(
                    Diagnostic(
                        code="unknown-member",
                        message=f"{group.address} names member {member.name!r}, which no file lists and the directory "
                        "does not have",
                        origin=group.source.locate("members", index),
                    )
                )
            self._resolved[id(member)] = candidate
        return self._resolved[id(member)]

    def _find(self, member: Member) -> Candidate | None:
        name = fold(member.name)
        if member.kind is Kind.GROUP:
            target = self._targets.get(name)
            if target is None:
                return None
            live = target.live
            address = target.desired.address
            return Candidate(live.id if live else address, Kind.GROUP, target.desired.name, live.id if live else None)
        if name in self._candidates:
            return self._candidates[name]
        found = self._live_users.get(name)
        return Candidate(found.id, Kind.USER, found.name, found.id) if found else None


def _candidate(context: Context, pair: Pair[DesiredUser, LiveUser]) -> Candidate:
    desired, live = pair.desired, pair.live
    absent = _absence(desired.lifecycle, context)
    return Candidate(live.id if live else desired.address, Kind.USER, desired.name, live.id if live else None, absent)


def _absence(validity: Validity, context: Context) -> Reason | None:
    if validity.until is None and validity.starts is None:
        return None
    if validity.expired(context.as_of):
        return Reason.EXPIRED
    return Reason.NOT_STARTED if validity.not_started(context.as_of) else None


def _take(roster: Roster, seat: Seat, absent: Reason | None) -> None:
    key = seat.candidate.key
    if absent is None:
        roster.seats.setdefault(key, seat)
    else:
        roster.vacated.setdefault(key, seat._replace(reason=absent))

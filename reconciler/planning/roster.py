"""Who would be in each listed group, and by which line: explicit members, ``match`` filters, nested groups, dates.

Nested groups are flattened unless the directory knows them; the path through which somebody comes in is kept.
A million memberships pass through here, so places are tuples and nothing is looked up twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredGroup, DesiredUser, Kind, LiveGroup, LiveUser, Member, Origin, Validity
from reconciler.planning.context import Context, scope_name
from reconciler.planning.correlation import Pair
from reconciler.planning.groups import Target
from reconciler.planning.matching import MatchingUsers
from reconciler.planning.nesting import innermost_first, live_holders, reached
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
        group: the listed group whose entry gives the place.
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
            rule=self.rule,
        )

    @property
    def rule(self) -> str | None:
        """The ``match`` filter that gives the place, or would give it if it counted now."""
        stated = self.position is not None or self.reason is Reason.CARRIED_OVER
        return None if stated else self.group.match


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
        self._candidates_by_id = {candidate.key: candidate for candidate in self._candidates.values()}
        self._targets = {fold(target.desired.name): target for target in targets}
        self._successors = {target.replaced.id: target for target in targets if target.replaced is not None}
        self._resolved: dict[int, Candidate] = {}
        self._matching = MatchingUsers(context, users)
        self._flattened: dict[str, Roster] = {}
        inward = innermost_first(context, targets)
        if not context.capabilities.nested_groups:
            self._flatten(inward)

    def of(self, target: Target) -> Roster:
        """Return the roster of a listed group. Where a place is stated twice, the more direct statement counts."""
        roster = self._stated(target)
        for seat in self._carried_over(target):
            _take(roster, seat, None)
        return _settled(roster)

    def _stated(self, target: Target) -> Roster:
        """Return the places that the files give."""
        group = target.desired
        roster = Roster({}, {})
        nested: list[Member] = []
        for index, member in enumerate(group.members or ()):
            if member.kind is Kind.GROUP and not self._context.capabilities.nested_groups:
                nested.append(member)
                continue
            candidate = self._resolved.get(id(member)) or self._resolve(group, index, member)
            if candidate is not None:
                absent = candidate.absent or _absence(member, self._context)
                _take(roster, Seat(candidate, Reason.LISTED, group, index), absent)
        if group.match is not None:
            for position in self._matching.positions(group, group.match):
                candidate = self._candidates[fold(self._users[position].desired.name)]
                _take(roster, Seat(candidate, Reason.MATCHED, group), candidate.absent)
        for member in nested:
            self._take_nested(roster, group, member)
        return roster

    def _flatten(self, innermost_first: Sequence[str]) -> None:
        """Work out the places of every group that is a member of another one."""
        nested = {
            fold(member.name)
            for target in self._targets.values()
            for member in target.desired.members or ()
            if member.kind is Kind.GROUP
        }
        for name in innermost_first:
            if name in nested and name in self._targets:
                target = self._targets[name]
                manages = target.desired.manages_members
                self._flattened[name] = _settled(self._stated(target) if manages else self._found(target))

    def _found(self, target: Target) -> Roster:
        """Return the places that the directory has for a group whose membership no file states: not known is not empty.

        Of the ones that are ours only, for the others are not ours to take anywhere else either.
        """
        roster = Roster({}, {})
        for live in (target.live, target.replaced):
            if live is None:
                continue
            if live.members is None:
                message = f"{live.address} is a member of another group, and neither the files nor the directory tell "
                self._report("members-unknown", f"{message}who is in it", target.desired.source.locate())
            for member in live.members or ():
                user = self._context.live.users_by_id.get(member)
                if user is not None and self._context.in_scope(user):
                    candidate = self._candidate_of(user)
                    _take(roster, Seat(candidate, Reason.NESTED, target.desired), candidate.absent)
        return roster

    def _take_nested(self, roster: Roster, group: DesiredGroup, member: Member) -> None:
        name = fold(member.name)
        target, inner = self._targets.get(name), self._flattened.get(name)
        if target is None:
            origin = group.source.locate("members", _position(group, member))
            message = f"{group.address} names the group {member.name!r}, which no file lists"
            hint = "the directory has no nested groups: list the group, so that its members can be taken from there"
            self._report("unknown-member", message, origin, hint)
        if target is None or inner is None:
            return
        absent = _absence(member, self._context)
        for seat in inner.seats.values():
            _take(roster, seat._replace(reason=Reason.NESTED, via=(target.desired.name, *seat.via)), absent)
        for seat in inner.vacated.values():
            _take(roster, seat._replace(via=(target.desired.name, *seat.via)), seat.reason)

    def _carried_over(self, target: Target) -> Iterator[Seat]:
        """Yield the places that a replaced group hands on: all if no file states its members, else those not ours."""
        context = self._context
        nests = context.capabilities.nested_groups
        # A group that holds the new one, or held the old one in a circle, cannot be in the new one.
        about = (live.id for live in (target.live, target.replaced) if nests and target.replaced and live)
        around = {holder for group_id in about for holder in reached(group_id, self._holders)}
        for member in (target.replaced.members or ()) if target.replaced else ():
            if member in around:
                continue
            found: LiveUser | LiveGroup | None = context.live.users_by_id.get(member)
            if found is None and nests:
                found = context.live.groups_by_id.get(member)
            if found is not None and not (target.desired.manages_members and context.in_scope(found)):
                yield Seat(self._candidate_of(found)._replace(absent=None), Reason.CARRIED_OVER, target.desired)

    @cached_property
    def _holders(self) -> Mapping[str, Collection[str]]:
        return live_holders(self._context)

    def _candidate_of(self, live: LiveUser | LiveGroup) -> Candidate:
        successor = self._successors.get(live.id)
        if successor is not None:
            return _group_candidate(successor)
        return self._candidates_by_id.get(live.id) or Candidate(live.id, live.kind, live.name, live.id)

    def _resolve(self, group: DesiredGroup, index: int, member: Member) -> Candidate | None:
        """Return whom a member entry names. Equal entries are one object, so each is looked up once."""
        candidate = self._listed(member) or self._unlisted(group, index, member)
        if candidate is not None:
            self._resolved[id(member)] = candidate
        return candidate

    def _listed(self, member: Member) -> Candidate | None:
        name = fold(member.name)
        if member.kind is Kind.USER:
            return self._candidates.get(name)
        target = self._targets.get(name)
        return _group_candidate(target) if target else None

    def _unlisted(self, group: DesiredGroup, index: int, member: Member) -> Candidate | None:
        """Return a member that no file lists, if the directory has exactly one of that name that is ours."""
        origin = group.source.locate("members", index)
        names = f"{group.address} names member {member.name!r}, which no file lists"
        allowed = self._context.desired.config.members_may_be_unlisted
        found = self._live_by_name[member.kind].get(fold(member.name), []) if allowed else []
        if not found:
            missing = " and the directory does not have" if allowed else ""
            self._report("unknown-member", names + missing, origin)
        elif len(found) > 1:
            self._report("ambiguous", f"{names} and the directory has {len(found)} times", origin)
        elif not self._context.in_scope(found[0]):
            # It could be added, and never be removed again: memberships outside the scope are left alone.
            self._report("out-of-scope", f"{names} and which is outside {scope_name(member.kind)}", origin)
        else:
            return Candidate(found[0].id, member.kind, found[0].name, found[0].id)
        return None

    @cached_property
    def _live_by_name(self) -> dict[Kind, dict[str, list[LiveUser | LiveGroup]]]:
        by_name: dict[Kind, dict[str, list[LiveUser | LiveGroup]]] = {kind: {} for kind in Kind}
        for kind, found in by_name.items():
            for live in self._context.live.of_kind(kind):
                found.setdefault(fold(live.name), []).append(live)
        return by_name

    def _report(self, code: str, message: str, origin: Origin | None, hint: str | None = None) -> None:
        self._context.findings.problems.append(Diagnostic(code=code, message=message, origin=origin, hint=hint))


def _candidate(context: Context, pair: Pair[DesiredUser, LiveUser]) -> Candidate:
    desired, live = pair.desired, pair.live
    absent = _absence(desired.lifecycle, context)
    return Candidate(live.id if live else desired.address, Kind.USER, desired.name, live.id if live else None, absent)


def _group_candidate(target: Target) -> Candidate:
    desired, live = target.desired, target.live
    return Candidate(live.id if live else desired.address, Kind.GROUP, desired.name, live.id if live else None)


def _position(group: DesiredGroup, member: Member) -> int:
    return next(index for index, listed in enumerate(group.members or ()) if listed is member)


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


def _settled(roster: Roster) -> Roster:
    """Return the roster without the lacks of those who have a place by another right."""
    for key in roster.seats.keys() & roster.vacated.keys():
        del roster.vacated[key]
    return roster

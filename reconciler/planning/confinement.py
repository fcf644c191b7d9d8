"""A plan of a change of the files, and of nothing else: whose steps it holds, which memberships, and who goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from reconciler.attributes import fold
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
    Origin,
    Source,
    Timer,
)
from reconciler.planning.correlation import AnyPair, Correlation, correlate
from reconciler.planning.groups import Target
from reconciler.planning.inquiry import Competition
from reconciler.planning.plan import Note, Since, Step
from reconciler.planning.roster import Roster, Seat
from reconciler.planning.touched import MemberKey, Touched

_COMMIT: Final = 12

Users: TypeAlias = Correlation[DesiredUser, LiveUser]
Groups: TypeAlias = Correlation[DesiredGroup, LiveGroup]


class Part(NamedTuple):
    """The listed users and groups that take part in a plan."""

    users: tuple[DesiredUser, ...]
    groups: tuple[DesiredGroup, ...]


def taking_part(touched: Touched, desired: Desired, live: Live) -> Part:
    """Return the listed resources that a change concerns: touched ones, their members, and all that compete with them.

    Of groups, only the lines that name one of those users are left; positions stay those of the files.

    Args:
        touched: what the change touches.
        desired: what the files state now.
        live: what was read for it.
    """
    users, groups = _concerned(touched, desired, live)
    names = {fold(user.name) for user in users} | {fold(user.name) for user in live.users}
    names.update(name for kind, name in touched.member_keys if kind is Kind.USER)
    return Part(users, tuple(_with_inner(groups, desired, names)))


def _concerned(touched: Touched, desired: Desired, live: Live) -> Part:
    competition = Competition(desired)
    rivals = {(rival.kind, fold(rival.name)) for one in (*live.users, *live.groups) for rival in competition.about(one)}
    named = {
        *rivals,
        *touched.member_keys,
        *((kind, name) for kind in Kind for name in touched.of_kind(kind)),
        *((Kind.GROUP, name) for name in (*touched.members, *touched.whole, *touched.sources)),
    }
    every_group = Kind.GROUP not in live.partial
    return Part(
        tuple(user for user in desired.users if (Kind.USER, fold(user.name)) in named),
        tuple(group for group in desired.groups if every_group or (Kind.GROUP, fold(group.name)) in named),
    )


def _with_inner(groups: Iterable[DesiredGroup], desired: Desired, names: Collection[str]) -> Iterator[DesiredGroup]:
    """Yield groups, and those inside of them by the files, each with the members that take part.

    Of the latter, nothing was asked of the directory: they only give members, and mean no live group.
    """
    by_name = {fold(group.name): group for group in desired.groups}
    concerned, pending = {fold(group.name) for group in groups}, list(groups)
    wanted = set(concerned)
    while pending:
        for member in pending.pop().members or ():
            inner = by_name.get(fold(member.name)) if member.kind is Kind.GROUP else None
            if inner is not None and fold(inner.name) not in wanted:
                wanted.add(fold(inner.name))
                pending.append(inner)
    for group in desired.groups:
        name = fold(group.name)
        if name in wanted:
            yield _with_members(group if name in concerned else replace(group, id=None), names)


def _with_members(group: DesiredGroup, names: Collection[str]) -> DesiredGroup:
    if group.members is None:
        return group
    kept = [(at, one) for at, one in enumerate(group.members) if one.kind is Kind.GROUP or fold(one.name) in names]
    members: tuple[Member, ...] = tuple(member for _, member in kept)
    return replace(group, members=members, source=_Lines(group.source, [at for at, _ in kept]))


class _Lines:
    """The places of a group of whose members some are left out. Implements :class:`reconciler.model.Source`."""

    __slots__ = ("_positions", "_source")

    def __init__(self, source: Source, positions: Sequence[int]) -> None:
        self._source = source
        self._positions = positions

    def locate(self, *path: str | int) -> Origin:
        """Return the place of the value at a path, with positions among the members that are left."""
        match path:
            case ("members", int(position), *rest):
                return self._source.locate("members", self._positions[position], *rest)
        return self._source.locate(*path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What of a plan belongs to a change.

    Attributes:
        touched: what the change touches.
        planned: the listed resources, by kind and folded name, whose own steps belong to it: touched ones, those
            without which a touched membership could not be made, and those whose live ones the change gives to others.
        entangled: those whose steps do only where a step of the change needs them: they hold a name that it gives away.
        gone: by kind, the ids of the live resources that the files meant before the change.
        whole: the groups of whose members every one counts, by folded name.
        waiting: the groups that are to be replaced under another name, and not by the change: until they are, nothing
            can be said of their members, nor of the groups that they are to be members of.
        afresh: the listed resources, by kind and folded name, that the files listed before, too, and that are not
            there, or mean another live one than then.
        members: by folded name of a group, the ids of its live members whose places are touched.
        found: the live resources that listed ones mean, as far as they take part.
    """

    touched: Touched
    planned: frozenset[MemberKey]
    entangled: frozenset[MemberKey]
    gone: Mapping[Kind, frozenset[str]]
    whole: frozenset[str]
    waiting: Mapping[str, LiveGroup]
    afresh: frozenset[MemberKey]
    members: Mapping[str, frozenset[str]]
    found: frozenset[tuple[Kind, str]]

    def plans(self, desired: DesiredResource) -> bool:
        """Tell whether steps of a listed resource may belong to the plan."""
        key = desired.kind, fold(desired.name)
        return key in self.planned or key in self.entangled

    def lets_go(self, live: LiveUser | LiveGroup) -> bool:
        """Tell whether it is by the change that no file lists a live resource."""
        return live.id in self.gone[live.kind]

    def roster(self, target: Target, roster: Roster) -> Roster:
        """Return the places of a group that are touched."""
        name = fold(target.desired.name)
        nowhere = target.live is None and target.created_by is None
        if nowhere or name in self.waiting:
            return Roster({}, {})
        if name in self.whole:
            return self._without_waiting(roster)
        stated, ids = self.touched.members.get(name, {}), self.members.get(name, frozenset())

        def belongs(seat: Seat) -> bool:
            candidate = seat.candidate
            return candidate.id in ids or (candidate.kind, fold(candidate.name)) in stated

        return self._without_waiting(
            Roster(
                {key: seat for key, seat in roster.seats.items() if belongs(seat)},
                {key: seat for key, seat in roster.vacated.items() if belongs(seat)},
            )
        )

    def _without_waiting(self, roster: Roster) -> Roster:
        """Return a roster without groups that wait: not the old one is meant, and the new one is not there."""

        def is_there(seat: Seat) -> bool:
            return seat.candidate.kind is not Kind.GROUP or fold(seat.candidate.name) not in self.waiting

        return Roster(
            {key: seat for key, seat in roster.seats.items() if is_there(seat)},
            {key: seat for key, seat in roster.vacated.items() if is_there(seat)},
        )

    def current(self, target: Target, members: Iterable[str]) -> Iterator[str]:
        """Yield the live members of a group whose places are touched."""
        name = fold(target.desired.name)
        if name in self.waiting:
            return iter(())
        late = {live.id for live in self.waiting.values()}
        if name in self.whole:
            return (member for member in members if member not in late)
        ids = self.members.get(name, frozenset()) - late
        return (member for member in members if member in ids)

    def steps(self, steps: Iterable[Step], pairs: Iterable[AnyPair]) -> tuple[Step, ...]:
        """Return the steps that belong to the plan: without those of entangled resources that no other one needs."""
        steps = tuple(steps)
        if not self.entangled:
            return steps
        ids = {
            (live.kind, live.id)
            for pair in pairs
            for live in (pair.live, pair.predecessor)
            if live is not None and (pair.desired.kind, fold(pair.desired.name)) in self.entangled
        }

        def doubtful(step: Step) -> bool:
            listed = step.resource_id is None and (step.kind, fold(step.name)) in self.entangled
            return not step.members and (listed or (step.kind, step.resource_id or "") in ids)

        by_id = {step.id: step for step in steps}
        kept = {step.id for step in steps if not doubtful(step)}
        pending = [*kept]
        while pending:
            for need in by_id[pending.pop()].needs:
                if need in by_id and need not in kept:
                    kept.add(need)
                    pending.append(need)
        return tuple(step for step in steps if step.id in kept)

    def since(self, desired: Desired, timers: Iterable[Timer]) -> Since:
        """Return what the plan says of the change that it is confined to."""
        touched = self.touched
        ended = {timer.id for timer in timers if (timer.kind, timer.id) in self.found}
        return Since(
            ref=touched.ref,
            commit=touched.commit,
            users=touched.count(Kind.USER, desired),
            groups=touched.count(Kind.GROUP, desired),
            listed_again=tuple(sorted(ended)),
        )


def notes_of(since: Since | None) -> Iterator[Note]:
    """Yield what a plan that is confined to a change is about, and what it says nothing of."""
    if since is None:
        return
    about = f"{_counted(since.users, 'user')} and {_counted(since.groups, 'group')}"
    yield Note(
        severity="note",
        code="since",
        message=f"this plan is confined to what the files changed since {since.ref} ({since.commit[:_COMMIT]}): "
        f"{about}. The rest of the directory was not read: nothing is said of changes made by hand, of dates that have "
        "passed meanwhile, or of users and groups that no file listed before; live.shrink and the limit of all "
        "memberships were not judged",
    )


def confine(touched: Touched, live: Live, users: Users, groups: Groups) -> Confinement:
    """Return what of a plan belongs to a change.

    Args:
        touched: what the change touches.
        live: what was read for it.
        users: which live users the listed ones that take part mean.
        groups: likewise for groups.
    """
    old_users, old_groups = _meant_before(touched, live)
    planned = {(kind, name) for kind in Kind for name in touched.of_kind(kind)}
    pairs: tuple[AnyPair, ...] = (*users.pairs, *groups.pairs)
    afresh = {**_afresh(old_users.pairs, users.pairs), **_afresh(old_groups.pairs, groups.pairs)}
    planned |= {*_needed(touched, users, groups), *(key for key, displaced in afresh.items() if displaced)}
    entangled = frozenset(_Names(pairs).entangled(planned))
    replaced = _replaced(groups) if not live.capabilities.group_rename else {}
    succeeding = {fold(pair.desired.name) for pair in groups.pairs if pair.predecessor is not None}
    own = {name for kind, name in (*planned, *entangled) if kind is Kind.GROUP}
    whole = touched.whole | (own & (replaced.keys() | succeeding))
    concerned = {name for name, members in touched.members.items() if members}
    concerned |= {name for kind, name in touched.member_keys if kind is Kind.GROUP}
    return Confinement(
        touched=touched,
        planned=frozenset(planned),
        entangled=entangled,
        whole=whole,
        waiting={name: old for name, old in replaced.items() if name not in own and name in concerned},
        afresh=frozenset(afresh) & planned - {(Kind.GROUP, name) for name in whole},
        gone={
            Kind.USER: frozenset(_of_touched(old_users.pairs, touched)),
            Kind.GROUP: frozenset(_of_touched(old_groups.pairs, touched)),
        },
        members=_live_members(touched, (*pairs, *old_users.pairs, *old_groups.pairs), live),
        found=frozenset((pair.live.kind, pair.live.id) for pair in pairs if pair.live is not None),
    )


def _replaced(groups: Groups) -> Mapping[str, LiveGroup]:
    """Return the groups that are to take the place of one of another name, by folded name, each with the old one."""
    return {
        fold(pair.desired.name): pair.live
        for pair in groups.pairs
        if pair.live is not None and fold(pair.live.name) != fold(pair.desired.name)
    }


def _afresh(before: Iterable[AnyPair], now: Iterable[AnyPair]) -> Mapping[MemberKey, bool]:
    """Return the resources that both states list and that are not there, or mean another live one than before.

    Each with whether it had a live one before, which another line means now.
    """
    meant = {(pair.desired.kind, fold(pair.desired.name)): pair.live for pair in before}
    found: dict[MemberKey, bool] = {}
    for pair in now:
        key = pair.desired.kind, fold(pair.desired.name)
        if key in meant and (pair.live is None or meant[key] != pair.live):
            found[key] = meant[key] is not None
    return found


def _meant_before(touched: Touched, live: Live) -> tuple[Users, Groups]:
    """Return which live resources the lines before the change mean. What is ambiguous means none."""
    part = _concerned(touched, touched.before, live)
    renamable = live.capabilities.group_rename
    return correlate(part.users, live.users), correlate(part.groups, live.groups, renamable=renamable)


def _of_touched(pairs: Iterable[AnyPair], touched: Touched) -> Iterator[str]:
    for pair in pairs:
        if fold(pair.desired.name) in touched.of_kind(pair.desired.kind):
            yield from (live.id for live in (pair.live, pair.predecessor) if live is not None)


def _needed(touched: Touched, users: Users, groups: Groups) -> Iterator[MemberKey]:
    """Yield the listed resources that are not there, and that a touched membership is to be of or in."""
    joining = {name: [key for key, joins in members.items() if joins] for name, members in touched.members.items()}
    coming = {key for keys in joining.values() for key in keys}
    pairs: tuple[AnyPair, ...] = (*users.pairs, *groups.pairs)
    for pair in pairs:
        name = fold(pair.desired.name)
        key = pair.desired.kind, name
        if pair.live is None and (key in coming or (pair.desired.kind is Kind.GROUP and joining.get(name))):
            yield key


class _Names:
    """Who holds which name now."""

    def __init__(self, pairs: Iterable[AnyPair]) -> None:
        self._stated: dict[MemberKey, DesiredResource] = {}
        self._holders = defaultdict[MemberKey, set[MemberKey]](set)
        for pair in pairs:
            key = pair.desired.kind, fold(pair.desired.name)
            self._stated[key] = pair.desired
            if pair.live is not None:
                self._holders[pair.live.kind, fold(pair.live.name)].add(key)

    def entangled(self, planned: Collection[MemberKey]) -> Iterator[MemberKey]:
        """Yield the listed resources that hold a name which one of some others is to get, and so on."""
        seen, pending = set(planned), list(planned)
        while pending:
            # A planned resource gets the name that it states, and that is its key.
            for holder in self._holders.get(pending.pop(), set()) - seen:
                seen.add(holder)
                pending.append(holder)
                yield holder


def _live_members(touched: Touched, pairs: Iterable[AnyPair], live: Live) -> Mapping[str, frozenset[str]]:
    """Return by group the ids of its touched members, whichever state of the files means them."""
    ids = defaultdict[MemberKey, set[str]](set)
    for pair in pairs:
        if pair.live is not None:
            ids[pair.desired.kind, fold(pair.desired.name)].add(pair.live.id)
    for kind in Kind:
        for one in live.of_kind(kind):
            # Whom no file lists is named by the line of the group alone.
            ids.setdefault((kind, fold(one.name)), {one.id})
    return {
        name: frozenset(one for key in members for one in ids.get(key, ())) for name, members in touched.members.items()
    }


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

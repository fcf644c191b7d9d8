"""Random changes of files: two desired states, and the directory that they are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import GROUP_NAMES, USER_NAMES, States, states
from reconciler.attributes import fold
from reconciler.config import Limit, Protection
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
from reconciler.planning.inquiry import Inquiry, excerpt
from reconciler.planning.touched import Touched, touched

_ResourceT = TypeVar("_ResourceT", bound=DesiredResource)


@dataclass(frozen=True)
class Change:
    """What the files stated, what they state now, and what the directory holds."""

    before: Desired
    now: Desired
    live: Live

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Show a counterexample without the schemas. The name is hypothesis's."""
        printer.text(f"\nbefore:{States(self.before, replace(self.live, users=(), groups=())).describe()}")
        printer.text(f"\nnow:{States(self.now, self.live).describe()}")


def touched_by(before: Desired, now: Desired, live: Live) -> Touched:
    """What a change touches in a directory, as a command with ``--since main`` finds it."""
    schemas, capabilities = live.schemas, live.capabilities
    return touched(before, now, schemas=schemas, capabilities=capabilities, as_of=AS_OF, ref="main", commit="c0ffee")


def read_for(change: Touched, now: Desired, live: Live) -> Live:
    """What is read for a change of a directory whose users say which groups they are in."""

    def groups_of(user: LiveUser) -> set[str]:
        return {group.id for group in live.groups if user.id in (group.members or ())}

    return excerpt(live, Inquiry(change, now, capabilities=live.capabilities, as_of=AS_OF, groups_of=groups_of))


def _mixed(draw: st.DrawFn, old: Sequence[_ResourceT], other: Sequence[_ResourceT]) -> list[_ResourceT]:
    """Some resources of two states, each with names, ids and externalIds that no other one has."""
    chosen: dict[str, _ResourceT] = {}
    for resource in old:
        if draw(st.integers(0, 3)):
            chosen[fold(resource.name)] = resource
    for resource in other:
        if draw(st.booleans()):
            chosen[fold(resource.name)] = resource
    taken: set[tuple[str, str]] = set()
    found = []
    for resource in chosen.values():
        stated = [("id", resource.id), ("externalId", resource.external_id)]
        claims = {(what, value) for what, value in stated if value}
        if taken.isdisjoint(claims):
            taken |= claims
            found.append(resource)
    names = {fold(one.name) for one in found}
    return [_without_claims(one, names) for one in found]


def _without_claims(resource: _ResourceT, names: set[str]) -> _ResourceT:
    """A resource that was never called what another one is called now."""
    claims = tuple(name for name in resource.lifecycle.previously if fold(name) not in names)
    return replace(resource, lifecycle=replace(resource.lifecycle, previously=claims))


def _closed(
    groups: Iterable[DesiredGroup], users: Iterable[DesiredUser], others: Iterable[str] = ()
) -> list[DesiredGroup]:
    """Groups of those who are listed, or may be members all the same, and of groups that come before."""
    known = {(Kind.USER, fold(name)) for name in (*(user.name for user in users), *others)}
    found: list[DesiredGroup] = []
    for group in groups:
        members: tuple[Member, ...] | None = group.members
        if members is not None:
            members = tuple(one for one in members if (one.kind, fold(one.name)) in known)
        found.append(replace(group, members=members))
        known.add((Kind.GROUP, fold(group.name)))
    return found


def _without_groups(group: LiveGroup, live: Live) -> LiveGroup:
    if group.members is None:
        return group
    return replace(group, members=tuple(one for one in group.members if one not in live.groups_by_id))


@st.composite
def protections(draw: st.DrawFn) -> Protection:
    """What ``protect`` says, of names that collide with those of the states."""
    users, groups = st.sampled_from([*USER_NAMES, "*"]), st.sampled_from([*GROUP_NAMES, "team-?"])
    return Protection(
        users=tuple(draw(st.lists(users, max_size=1))),
        groups=tuple(draw(st.lists(groups, max_size=1))),
        break_glass=tuple(draw(st.lists(st.sampled_from(USER_NAMES), max_size=2, unique=True))),
        privileged=tuple(draw(st.lists(groups, max_size=1))),
        min_members=draw(st.dictionaries(st.sampled_from(GROUP_NAMES), st.integers(1, 3), max_size=2)),
        required_members=draw(
            st.dictionaries(st.sampled_from(GROUP_NAMES), st.tuples(st.sampled_from(USER_NAMES)), max_size=1)
        ),
    )


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Two states of the files, each as loading would accept it, and a directory in any state."""
    first, second = draw(states()), draw(states())
    live, rules = replace(first.live, partial=frozenset()), first.desired.config.policy
    if not live.capabilities.nested_groups:
        live = replace(live, groups=tuple(_without_groups(group, live) for group in live.groups))
    waits = timedelta(days=draw(st.sampled_from([0, 0, 7])))
    rules = replace(
        rules,
        unlisted_users_after=waits,
        unlisted_groups_after=waits,
        guards=replace(rules.guards, members_remove=Limit(count=draw(st.sampled_from([None, 1])), percent=50)),
        protection=draw(protections()),
    )
    unlisted = draw(st.booleans())
    config = replace(first.desired.config, policy=rules, members_may_be_unlisted=unlisted)
    before = replace(first.desired, config=config)
    users = _mixed(draw, before.users, second.desired.users)
    others = [user.name for user in live.users] if unlisted else []
    groups = _closed(_mixed(draw, before.groups, second.desired.groups), users, others)
    now = replace(before, users=tuple(users), groups=tuple(groups), digest="sha256:now")
    return Change(before, now, live)

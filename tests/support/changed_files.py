"""Random changes of files: two desired states, and the directory that they are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import States, states
from reconciler.attributes import fold
from reconciler.model import Desired, DesiredGroup, DesiredResource, DesiredUser, Kind, Live, Member
from reconciler.planning.inquiry import Inquiry, excerpt
from reconciler.planning.touched import Touched, touched
from reconciler.scim.resources import direct_groups

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
    """What is read of a directory for a change."""
    return excerpt(live, Inquiry(change, now, capabilities=live.capabilities, as_of=AS_OF, groups_of=direct_groups))


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


def _closed(groups: Iterable[DesiredGroup], users: Iterable[DesiredUser]) -> list[DesiredGroup]:
    """Groups of those who are listed, and of groups that come before."""
    known = {(Kind.USER, fold(user.name)) for user in users}
    found: list[DesiredGroup] = []
    for group in groups:
        members: tuple[Member, ...] | None = group.members
        if members is not None:
            members = tuple(one for one in members if (one.kind, fold(one.name)) in known)
        found.append(replace(group, members=members))
        known.add((Kind.GROUP, fold(group.name)))
    return found


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Two states of the files, each as loading would accept it, and a directory in any state."""
    first, second = draw(states()), draw(states())
    before = first.desired
    users = _mixed(draw, before.users, second.desired.users)
    groups = _closed(_mixed(draw, before.groups, second.desired.groups), users)
    now = replace(before, users=tuple(users), groups=tuple(groups), digest="sha256:now")
    return Change(before, now, replace(first.live, partial=frozenset()))

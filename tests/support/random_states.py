"""Random desired and live states over a small alphabet, so that names, ids and dates collide often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from desired_and_live import FUTURE, PAST, desired, group, live, live_group, live_user, policy, user
from reconciler.attributes import ENTERPRISE_USER
from reconciler.config import Policy, Unlisted
from reconciler.model import Desired, DesiredGroup, DesiredUser, Kind, Live, LiveGroup, LiveUser, Member, Replace

USER_NAMES = ("ann@example.com", "bob@example.com", "cyd@example.com", "Dan@Example.com", "é@example.com")
FOREIGN_NAMES = ("zoe@example.org", "yan@example.org")
GROUP_NAMES = ("team-a", "team-b", "team-c", "Team-D")
OTHER_GROUP_NAMES = ("other", "all-members")
EXTERNAL_IDS = ("1", "2", "3")

SCOPE_USERS = 'userName ew "@example.com"'
SCOPE_GROUPS = 'displayName sw "team-" or displayName sw "all-"'
RESERVED = ("ALL-*",)


@dataclass(frozen=True)
class States:
    """What a planning starts from."""

    desired: Desired
    live: Live

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Show a counterexample without the schemas, which never vary. The name is hypothesis's."""
        printer.text(self.describe())

    def describe(self) -> str:
        """All that varies, a line for each resource."""
        lines = ["", *map(repr, self.desired.users), *map(repr, self.desired.groups)]
        lines += [f"{one.id}: {one.attributes}" for one in self.live.users]
        lines += [f"{one.id}: {one.attributes} {one.members}" for one in self.live.groups]
        return "\n".join([*lines, repr(self.desired.config.policy), repr(self.live.capabilities)])


def _respelled(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name, name, name.upper(), name.lower()])


def _some(values: Sequence[str], *, at_most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=at_most)


_EMAILS = st.lists(
    st.sampled_from(
        [
            {"value": "x@example.com", "type": "work", "primary": True},
            {"value": "X@example.com"},
            {"value": "y@example.com", "type": "home"},
            {"value": "y@example.com", "type": "work", "display": "Y"},
            {"value": "z@example.com", "primary": False},
        ]
    ),
    max_size=3,
)
_ADDRESSES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["work", "home"]),
            "locality": st.sampled_from(["Bonn", "Ulm"]),
            "country": st.sampled_from(["DE", "de", None]),
        },
    ),
    max_size=2,
)
_TITLES = st.sampled_from([None, "a", "A", "b", ""])
_ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "title": _TITLES,
    "emails": _EMAILS,
    "addresses": _ADDRESSES,
    "name": st.none() | st.fixed_dictionaries({}, optional={"givenName": _TITLES, "familyName": _TITLES}),
    ENTERPRISE_USER: st.fixed_dictionaries(
        {}, optional={"department": _TITLES, "manager": st.none() | st.fixed_dictionaries({"value": st.just("1")})}
    ),
    "roles": st.lists(st.fixed_dictionaries({"value": st.sampled_from(["r", "s"])}), max_size=2),
    "x-custom": _TITLES,
    "nickName": _TITLES,
}


def _attributes(draw: st.DrawFn) -> dict[str, Any]:
    return draw(st.fixed_dictionaries({}, optional=_ATTRIBUTES))


_MOMENTS = st.sampled_from([None, None, None, PAST, FUTURE])


def _dates(draw: st.DrawFn) -> dict[str, datetime]:
    starts, until = draw(_MOMENTS), draw(_MOMENTS)
    if starts and until and starts >= until:
        starts = None
    return {key: moment for key, moment in (("from_", starts), ("until", until)) if moment}


@st.composite
def _live_users(draw: st.DrawFn) -> list[LiveUser]:
    names = draw(_some((*USER_NAMES, *FOREIGN_NAMES), at_most=6))
    users = []
    for number, name in enumerate(names):
        attributes = {key: value for key, value in _attributes(draw).items() if value is not None}
        external_id = draw(st.none() | st.sampled_from(EXTERNAL_IDS))
        if external_id:
            attributes["externalId"] = external_id
        active = draw(st.sampled_from([True, True, False, "True", "false"]))
        users.append(live_user(f"u{number}", draw(_respelled(name)), **{**attributes, "active": active}))
    return users


@st.composite
def _live_groups(draw: st.DrawFn, users: list[LiveUser], unique: bool) -> list[LiveGroup]:
    names = draw(st.lists(st.sampled_from((*GROUP_NAMES, *OTHER_GROUP_NAMES)), unique=unique, max_size=5))
    ids = [f"g{number}" for number in range(len(names))]
    members: st.SearchStrategy[list[str]] = st.lists(
        st.sampled_from([*(one.id for one in users), *ids, "ghost"]), max_size=5
    )
    groups = []
    for group_id, name in zip(ids, names, strict=True):
        attributes = {"externalId": draw(st.sampled_from(EXTERNAL_IDS))} if draw(st.booleans()) else {}
        held = draw(members) if draw(st.integers(0, 9)) else None
        groups.append(live_group(group_id, draw(_respelled(name)), held, **attributes))
    return groups


def _identity(
    draw: st.DrawFn, external_ids: list[str], previous_names: list[str], live_ids: list[str]
) -> dict[str, Any]:
    """What a resource says of itself, taking from the lists: loading refuses what two resources claim."""
    stated: dict[str, Any] = {}
    if draw(st.booleans()):
        stated["externalId"] = draw(st.sampled_from([None, *external_ids]))
        if stated["externalId"]:
            external_ids.remove(stated["externalId"])
    if draw(st.booleans()) and previous_names:
        stated["previously"] = (previous_names.pop(),)
    if live_ids and draw(st.integers(0, 7)) == 0:
        stated["id"] = draw(st.sampled_from(live_ids))
        live_ids.remove(stated["id"])
    stated["protected"] = draw(st.booleans())
    return stated


@st.composite
def _listed_users(draw: st.DrawFn, found: list[LiveUser]) -> list[DesiredUser]:
    names = draw(_some(USER_NAMES, at_most=4))
    free = [name for name in USER_NAMES if name not in names]
    external_ids, ids = list(EXTERNAL_IDS), [one.id for one in found]
    users = []
    for name in names:
        stated = {**_attributes(draw), **_identity(draw, external_ids, free, ids), **_dates(draw)}
        stated["active"] = draw(st.sampled_from([True, True, False]))
        users.append(user(draw(_respelled(name)), **stated))
    return users


@st.composite
def _listed_groups(
    draw: st.DrawFn, users: list[DesiredUser], found: list[LiveGroup], nests: bool
) -> list[DesiredGroup]:
    names = draw(_some(GROUP_NAMES, at_most=3))
    free = [name for name in GROUP_NAMES if name not in names]
    external_ids, ids = list(EXTERNAL_IDS), [one.id for one in found]
    groups: list[DesiredGroup] = []
    for name in names:
        # Only groups that come before, so that the files state no cycle.
        possible = [(Kind.USER, one.name) for one in users] + [(Kind.GROUP, one.name) for one in groups if nests]
        chosen = draw(st.lists(st.sampled_from(possible), unique=True, max_size=4)) if possible else []
        members = []
        for kind, member_name in chosen:
            dates = _dates(draw)
            members.append(Member(kind=kind, name=member_name, starts=dates.get("from_"), until=dates.get("until")))
        match = draw(st.sampled_from([None, None, None, 'title eq "A" and active eq true', "not (title pr)"]))
        groups.append(
            group(
                draw(_respelled(name)),
                members if draw(st.integers(0, 3)) else None,
                match=match,
                replace=draw(st.sampled_from(Replace)),
                **_identity(draw, external_ids, free, ids),
            )
        )
    return groups


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    scoped = draw(st.booleans())
    return policy(
        draw(st.sampled_from(Unlisted)),
        draw(st.sampled_from([Unlisted.IGNORE, Unlisted.DELETE])),
        scope_users=SCOPE_USERS if scoped else None,
        scope_groups=SCOPE_GROUPS if scoped else None,
        chunk_size=draw(st.integers(1, 4)),
        confirm_replace=draw(st.booleans()),
    )


@st.composite
def states(draw: st.DrawFn) -> States:
    """A desired state as loading would accept it, and a directory in any state."""
    users = draw(_live_users())
    unique_groups = draw(st.booleans())
    groups = draw(_live_groups(users, unique_groups))
    nested_groups = draw(st.booleans())
    listed = draw(_listed_users(users))
    listed_groups = draw(_listed_groups(listed, groups, True))
    found = live(
        *users,
        *groups,
        group_rename=draw(st.booleans()),
        nested_groups=nested_groups,
        max_members_per_patch=draw(st.integers(1, 3)),
        max_operations_per_patch=draw(st.integers(1, 3)),
        unique_keys=("User.userName", "Group.displayName") if unique_groups else ("User.userName",),
        reserved_groups=RESERVED if draw(st.booleans()) else (),
        deactivation_mutates=("title", "emails") if draw(st.booleans()) else (),
        partial=draw(st.sets(st.sampled_from(Kind), max_size=1)),
    )
    return States(desired(*listed, *listed_groups, rules=draw(policies())), found)


def shuffled(found: Live, chance: Random) -> Live:
    """The same directory, listed in another order."""
    return replace(
        found,
        users=tuple(chance.sample(found.users, len(found.users))),
        groups=tuple(chance.sample(found.groups, len(found.groups))),
    )

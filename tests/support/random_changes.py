"""Random changes of a small directory in which groups hold each other: more of them than the files of a plan state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from desired_and_live import live, live_group, live_user
from reconciler.model import Kind, Live, LiveResource, LiveUser
from reconciler.planning import Action, Change, Edge, Reason, Step

_NAMES = ("a", "b", "c", "d", "e")
_USERS, _GROUPS = tuple(f"u-{name}" for name in _NAMES[:4]), tuple(f"g-{name}" for name in _NAMES)
_NEW = "new"
_Resource = TypeVar("_Resource", bound=LiveResource)


@dataclass(frozen=True)
class Changes:
    """A directory and steps that can be carried out in it, in the order of a plan."""

    live: Live
    steps: tuple[Step, ...]


@st.composite
def random_changes(draw: st.DrawFn, *, all_read: bool | None = None) -> Changes:
    """Any memberships, accounts and deletions; no edge is both added and removed, or added where it is already.

    Args:
        draw: hypothesis's.
        all_read: whether every group tells who is in it, and everything was read; either if ``None``. If ``False``,
            everything was read, and some groups may not tell.
    """
    found = _directory(draw, all_read)
    return Changes(found, tuple(_steps(draw, found)))


def _directory(draw: st.DrawFn, all_read: bool | None) -> Live:
    users = [live_user(one, one[2:], active=draw(st.sampled_from([True, True, True, False]))) for one in _USERS]
    members = st.lists(st.sampled_from([*_USERS, *_GROUPS, "ghost"]), max_size=4, unique=True)
    chances = {True: [0], False: [2, 5], None: [0, 0, 5]}
    told = draw(st.sampled_from(chances[all_read]))
    groups = [
        live_group(one, f"team-{one[2:]}", None if told and draw(st.integers(0, told)) == 0 else draw(members))
        for one in _GROUPS
    ]
    partial = draw(st.sampled_from([(), (), (), (Kind.USER,), tuple(Kind)])) if all_read is None else ()
    return live(*users, *groups, nested_groups=draw(st.booleans()), partial=partial)


def _steps(draw: st.DrawFn, found: Live) -> Iterator[Step]:
    created = draw(st.lists(st.sampled_from(Kind), unique=True))
    for kind in created:
        active = (Change(path="active", after=draw(st.booleans())),) if kind is Kind.USER else ()
        named = Change(path=kind.naming_attribute, after=_NEW)
        yield _step(Action.CREATE, kind, _NEW, None, changes=(named, *active))
    for one in draw(_some([*found.users, *found.groups])):
        change = Change(path=one.kind.naming_attribute, before=one.name, after=f"{one.name}2")
        yield _step(Action.UPDATE, one.kind, one.name, one.id, changes=(change,))
    yield from _memberships(draw, found, created)
    yield from (_switched(one, draw(st.booleans())) for one in draw(_some(found.users)))
    yield from (_step(Action.DELETE, one.kind, one.name, one.id) for one in draw(_some(found.groups)))


def _some(resources: Sequence[_Resource]) -> st.SearchStrategy[list[_Resource]]:
    return st.lists(st.sampled_from(resources), max_size=2, unique_by=lambda one: one.id)


def _memberships(draw: st.DrawFn, found: Live, created: Sequence[Kind]) -> Iterator[Step]:
    groups = [*((one.id, one.name) for one in found.groups), *((None, _NEW) for kind in created if kind is Kind.GROUP)]
    members = [(one.kind, one.id, one.name) for one in (*found.users, *found.groups)]
    places = st.lists(
        st.tuples(st.sampled_from(groups), st.sampled_from([*members, *((kind, None, _NEW) for kind in created)])),
        max_size=5,
        unique=True,
    )
    by_step: dict[tuple[Action, str | None, str], list[Edge]] = {}
    for (group_id, name), (kind, member_id, member) in draw(places):
        edge = Edge(kind=kind, id=member_id, name=member, reason=Reason.LISTED)
        there = group_id is not None and member_id in (found.groups_by_id[group_id].members or ())
        action = Action.REMOVE_MEMBERS if there else draw(st.sampled_from([Action.ADD_MEMBERS, Action.REMOVE_MEMBERS]))
        by_step.setdefault((action, group_id, name), []).append(edge)
    for (action, group_id, name), edges in sorted(by_step.items(), key=lambda one: one[0][0]):
        yield _step(action, Kind.GROUP, name, group_id, members=tuple(edges))


def _switched(one: LiveUser, deleted: bool) -> Step:
    if deleted:
        return _step(Action.DELETE, one.kind, one.name, one.id)
    change = Change(path="active", before=one.active, after=not one.active)
    action = Action.DEACTIVATE if one.active else Action.REACTIVATE
    return _step(action, one.kind, one.name, one.id, changes=(change,))


def _step(
    action: Action,
    kind: Kind,
    name: str,
    resource_id: str | None,
    *,
    changes: tuple[Change, ...] = (),
    members: tuple[Edge, ...] = (),
) -> Step:
    return Step(
        id=f"{action} {kind.address(name)}",
        action=action,
        kind=kind,
        name=name,
        reason=Reason.DIFFERS,
        resource_id=resource_id,
        changes=changes,
        members=members,
    )

"""What the steps of a plan do to groups, memberships and accounts, by who is concerned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple, TypeAlias

from reconciler.model import Kind, Live, LiveUser
from reconciler.planning.step import Edge, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS, Action

_ACTIVE = "active"


class New(NamedTuple):
    """A user or group that the plan creates. No id of a directory equals it, whatever the id is."""

    name: str


Key: TypeAlias = str | New
"""What tells resources of one kind apart: the id, or that it is created. Names do not: two may have the same one."""


class Link(NamedTuple):
    """A group as a member of another one."""

    outer: Key
    inner: Key


class Account(NamedTuple):
    """What becomes of an account: whether it works after the plan, and the position of the step that does it."""

    works: bool
    step: int


class Deeds:
    """The steps of a plan, sorted. No plan adds a membership that is there, or one that it removes.

    Attributes:
        steps: all of them; everything else tells them by their position here.
        joined: the memberships that are added, by user and by group.
        left: the memberships that are removed one by one, likewise.
        linked: the groups that are put into groups.
        unlinked: the groups that are taken out of groups.
        accounts: the accounts that are made, switched or deleted, by user.
        created: the groups that are created.
        deleted: the groups that are deleted.
        targets: the groups of which memberships of their own change.
    """

    def __init__(self, live: Live, steps: Collection[Step]) -> None:
        self.steps = tuple(steps)
        self.joined = defaultdict[Key, dict[Key, int]](dict)
        self.left = defaultdict[Key, dict[Key, int]](dict)
        self.linked: dict[Link, int] = {}
        self.unlinked: dict[Link, int] = {}
        self.accounts: dict[Key, Account] = {}
        self.created: set[Key] = set()
        self.deleted: dict[Key, int] = {}
        self.targets: set[Key] = set()
        self._live = live
        self._names: dict[tuple[Kind, Key], str] = {}
        self._new: dict[str, New] = {}
        for position, step in enumerate(self.steps):
            self._sort(position, step)

    def name(self, kind: Kind, key: Key) -> str:
        """Return what a resource is called after the plan; one that is deleted, what it was called."""
        if isinstance(key, New):
            return key.name
        given = self._names.get((kind, key))
        if given is not None:
            return given
        known = self._live.users_by_id if kind is Kind.USER else self._live.groups_by_id
        return known[key].name if key in known else key

    def _sort(self, position: int, step: Step) -> None:
        key = self._key(step.resource_id, step.name)
        if step.action in MEMBERSHIP_ACTIONS:
            self.targets.add(key)
            self._sort_edges(position, key, step.members, added=step.action is Action.ADD_MEMBERS)
            return
        for change in step.changes:
            if change.path == step.kind.naming_attribute and isinstance(change.after, str) and change.after:
                self._names[step.kind, key] = change.after
        if step.action is Action.DELETE:
            self._names.pop((step.kind, key), None)
        if step.kind is Kind.USER:
            works = _works_after(step)
            if works is not None:
                self.accounts[key] = Account(works, position)
        elif step.action is Action.CREATE:
            self.created.add(key)
        elif step.action is Action.DELETE:
            self.deleted[key] = position

    def _sort_edges(self, position: int, group: Key, edges: Iterable[Edge], *, added: bool) -> None:
        by_user, links = (self.joined, self.linked) if added else (self.left, self.unlinked)
        for edge in edges:
            member = self._key(edge.id, edge.name)
            if edge.kind is Kind.USER:
                by_user[member][group] = position
            else:
                links[Link(group, member)] = position

    def _key(self, resource_id: str | None, name: str) -> Key:
        if resource_id is not None:
            return resource_id
        # A million memberships pass through here: one object for each resource is enough.
        found = self._new.get(name)
        if found is None:
            found = self._new[name] = New(name)
        return found

    @property
    def idle(self) -> bool:
        """Whether no step can change anybody's access."""
        return not (self.targets or self.accounts or self.deleted)

    def switched(self) -> frozenset[str]:
        """Return the ids of the users of the directory whose account begins or ceases to work."""
        users = self._live.users_by_id
        return frozenset(
            key
            for key, account in self.accounts.items()
            if isinstance(key, str) and key in users and users[key].active is not account.works
        )


def _works_after(step: Step) -> bool | None:
    """Tell whether an account works after a step on it; ``None`` where the step leaves it as it is."""
    if step.action in (Action.DEACTIVATE, Action.DELETE):
        return False
    stated = {change.path: change.after for change in step.changes if change.path == _ACTIVE}
    if step.action is Action.UPDATE and not stated:
        return None
    # What a value means, or that there is none, is the same as where it is read.
    return step.action is Action.REACTIVATE or LiveUser(id="", attributes=stated).active

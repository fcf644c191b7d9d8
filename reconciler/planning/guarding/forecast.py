"""What a plan would take away and leave behind, reckoned from its steps and from what the directory holds.

From nothing else: guards count what will be done, whoever planned it and whatever of it was selected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property

from reconciler.attributes import fold
from reconciler.model import Kind, Live, LiveGroup
from reconciler.planning.plan import Action, Edge, Step


def key(step: Step) -> str:
    """Return what tells resources of one kind apart within a plan: the id, or the address of one that it creates."""
    return step.resource_id or step.address


class Forecast:
    """The steps of a plan by what they do to whom.

    Groups go by the :func:`key` of their steps.

    Attributes:
        steps: all of them.
        created: the creations by kind and key.
        deleted: the deletions by kind and id.
        deactivated: the deactivations by id.
        added: memberships to add, by group.
        late: those of them that come only after a removal.
        removed: memberships to remove one by one, by group.
    """

    def __init__(self, live: Live, steps: Collection[Step]) -> None:
        self._live = live
        self.steps = steps
        self.created: dict[Kind, dict[str, Step]] = {kind: {} for kind in Kind}
        self.deleted: dict[Kind, dict[str, Step]] = {kind: {} for kind in Kind}
        self.deactivated: dict[str, Step] = {}
        self.added = defaultdict[str, list[Edge]](list)
        self.late = defaultdict[str, list[Edge]](list)
        self.removed = defaultdict[str, list[Edge]](list)
        for step in steps:
            self._sort(step)

    def _sort(self, step: Step) -> None:
        match step.action:
            case Action.CREATE:
                self.created[step.kind][key(step)] = step
            case Action.DELETE:
                self.deleted[step.kind][key(step)] = step
            case Action.DEACTIVATE:
                self.deactivated[key(step)] = step
            case Action.ADD_MEMBERS:
                self.added[key(step)].extend(step.members)
                if any(need.startswith(f"{Action.REMOVE_MEMBERS} ") for need in step.needs):
                    self.late[key(step)].extend(step.members)
            case Action.REMOVE_MEMBERS:
                self.removed[key(step)].extend(step.members)

    def group(self, group: str) -> LiveGroup | None:
        """Return the live group of a key, or ``None`` for one that the plan creates."""
        return self._live.groups_by_id.get(group)

    def address(self, group: str) -> str:
        """Return how messages name a group, by the name that it has before the plan."""
        live = self.group(group)
        return live.address if live is not None else group

    def member_address(self, member: str) -> str:
        """Return how messages name a member; by its id where the directory lists nobody of that id."""
        known = self._live.users_by_id.get(member) or self._live.groups_by_id.get(member)
        return known.address if known is not None else member

    def before(self, group: str) -> frozenset[str]:
        """Return the ids of the members that a group has; of nobody where the directory does not tell."""
        live = self.group(group)
        return frozenset(live.members or ()) if live is not None else frozenset()

    def removed_ids(self, group: str) -> frozenset[str]:
        """Return the ids of the members that are removed from a group one by one."""
        return frozenset(edge.id for edge in self.removed.get(group, ()) if edge.id is not None)

    @cached_property
    def _gone(self) -> frozenset[str]:
        """The ids of the users and groups that are deleted."""
        return frozenset((*self.deleted[Kind.USER], *self.deleted[Kind.GROUP]))

    @cached_property
    def lost_by_deletion(self) -> dict[str, frozenset[str]]:
        """The members that groups which stay lose because the members are deleted, by group.

        Whatever DELETE does in this directory: nobody keeps access by a membership of a deleted account. Members that
        are removed one by one as well are left out.
        """
        gone = self._gone
        if not gone:
            return {}
        staying = (one for one in self._live.groups if one.members and one.id not in self.deleted[Kind.GROUP])
        found = {one.id: frozenset(gone.intersection(one.members or ())) for one in staying}
        found = {group: found[group] - self.removed_ids(group) for group in sorted(found) if found[group]}
        return {group: lost for group, lost in found.items() if lost}

    @cached_property
    def lost_by_group_deletion(self) -> dict[str, frozenset[str]]:
        """The members that lose a group because it is deleted, by group; those that its successor takes over do not."""
        return {
            group: self.before(group) - self._kept(step) - self.removed_ids(group)
            for group, step in self.deleted[Kind.GROUP].items()
        }

    def successor(self, deletion: Step) -> str | None:
        """Return the group that takes the place of a deleted one, or ``None`` where none does."""
        if deletion.replaces is None:
            return None
        made = Kind.GROUP.address(deletion.replaces)
        if made in self.created[Kind.GROUP]:
            return made
        return next((one for one in self._named.get(fold(deletion.replaces), ()) if one != deletion.resource_id), None)

    def _kept(self, deletion: Step) -> frozenset[str]:
        """Return the members of a deleted group that are in its successor; replaced groups by theirs."""
        successor = self.successor(deletion)
        if successor is None:
            return frozenset()
        added = self.added.get(successor, ())
        kept = {edge.id for edge in added if edge.id is not None}
        kept |= self.before(successor) - self.removed_ids(successor)
        kept -= self._gone
        names = {edge.address for edge in added}
        for member in self.before(key(deletion)) & self.deleted[Kind.GROUP].keys():
            heir = self.successor(self.deleted[Kind.GROUP][member])
            if heir is not None and (heir in kept or heir in names):
                kept.add(member)
        return frozenset(kept)

    @cached_property
    def _named(self) -> dict[str, list[str]]:
        """The ids of the live groups by folded name; deleted ones are nobody's successors."""
        named = defaultdict[str, list[str]](list)
        for group in sorted(self._live.groups, key=lambda group: group.id):
            if group.id not in self.deleted[Kind.GROUP]:
                named[fold(group.name)].append(group.id)
        return named

    def lost(self, group: str) -> frozenset[str]:
        """Return the ids of all members that a group loses, one by one or because somebody or itself is deleted."""
        if group in self.deleted[Kind.GROUP]:
            return self.before(group)
        return (self.removed_ids(group) & self.before(group)) | self.lost_by_deletion.get(group, frozenset())

    def switched_off(self, group: str) -> frozenset[str]:
        """Return the ids of the members who stay in a group, or come into it, and are deactivated."""
        members = self.before(group).union(edge.id for edge in self.added.get(group, ()) if edge.id is not None)
        return (members & self.deactivated.keys()) - self.lost(group)

    def after(self, group: str) -> int:
        """Return how many members a group has after the plan."""
        return len(self.before(group)) - len(self.lost(group)) + self._staying(self.added.get(group, ()))

    def lowest(self, group: str) -> int:
        """Return how many members a group has at the moment at which it has the fewest.

        What is added comes before what is removed, except for what has to wait for a removal.
        """
        return self.after(group) - self._staying(self.late.get(group, ()))

    def _staying(self, edges: Iterable[Edge]) -> int:
        """Return how many of the memberships are not those of somebody who is deleted in the end."""
        return sum(edge.id not in self._gone for edge in edges)

    @cached_property
    def memberships_lost(self) -> dict[str, int]:
        """How many memberships end, by group: each once, in whatever way it ends."""
        lost = {group: len(edges) for group, edges in self.removed.items()}
        for losses in (self.lost_by_deletion, self.lost_by_group_deletion):
            for group, members in losses.items():
                lost[group] = lost.get(group, 0) + len(members)
        return {group: number for group, number in lost.items() if number}

    def addresses(self, members: Iterable[str]) -> tuple[str, ...]:
        """Return how messages name members, in order."""
        return tuple(sorted(map(self.member_address, members)))

"""Memberships that a run added or removed, each back to what it was where it still is as the run left it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model import Kind, LiveGroup, LiveResource
from reconciler.planning.memberships import batched
from reconciler.planning.nesting import reached
from reconciler.planning.plan import Action, Edge, Reason, Step
from reconciler.planning.steps import step_id
from reconciler.planning.undo.creations import Returns
from reconciler.planning.undo.deletions import Return
from reconciler.planning.undo.past import Moved, PastStep
from reconciler.planning.undo.today import Today


@dataclass(slots=True, kw_only=True)
class _Group:
    """A group, and the edges to change in it, by the member's id or by the address of one that is created again.

    Attributes:
        name: what it is called now, or will be.
        live: the group; ``None`` for one that is created again.
        created_by: the step that does so.
        members: the ids of who is in it now.
    """

    name: str
    live: LiveGroup | None = None
    created_by: str | None = None
    members: frozenset[str] = frozenset()
    add: dict[str, Edge] = field(default_factory=dict)
    remove: dict[str, Edge] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return Kind.GROUP.address(self.name)

    @property
    def key(self) -> str:
        """By what it is known as a member: its id, or its address while it has none."""
        return self.live.id if self.live else self.address


class Memberships:
    """Works out the edges to add and to remove."""

    def __init__(self, today: Today, returned: Returns) -> None:
        self._today = today
        self._returned = returned
        self._groups: dict[str, _Group | None] = {}

    def steps(self) -> Iterator[Step]:
        """Yield the batches of edges, in no particular order."""
        for one in self._today.deeds.in_part:
            self._tell_of_part(one)
        for (kind, group_id), touched in self._today.deeds.touched.items():
            if kind is Kind.GROUP and touched.moved and group_id not in self._today.made:
                self._move_back(group_id, touched.name, touched.moved.values())
        for (kind, _), back in self._returned.items():
            if kind is Kind.GROUP:
                self._fill(back)
            else:
                self._join(back)
        changed = [group for group in self._groups.values() if group is not None]
        self._leave_circles_open(changed)
        removals = [step for group in changed for step in self._removals(group)]
        nested = tuple(step.id for step in removals if any(edge.kind is Kind.GROUP for edge in step.members))
        yield from removals
        for group in changed:
            yield from self._additions(group, nested)

    def _tell_of_part(self, one: PastStep) -> None:
        """Tell of memberships that a failed step may have changed before it failed; somebody else may have, too."""
        step = one.step
        live = self._today.find(Kind.GROUP, step.resource_id or one.resource_id or "")
        if not isinstance(live, LiveGroup) or live.members is None:
            return
        ids = {edge.id or self._today.deeds.created_ids.get(edge.address) for edge in step.members} - {None}
        added = step.action is Action.ADD_MEMBERS
        as_wanted = len(ids & {*live.members} if added else ids - {*live.members})
        if as_wanted:
            self._today.remarks.cannot_undo(
                f"{as_wanted:,} of {len(step.members):,} memberships of {live.address} that the run was to "
                f"{'add are there' if added else 'remove are gone'}, and stay so: that step failed, and it is not "
                "known which of them it had changed before"
            )

    def _move_back(self, group_id: str, name: str, moved: Iterable[Moved]) -> None:
        """Take out again whom the run put into a group, and put in whom it took out."""
        group = self._group(group_id, name)
        if group is None:
            return
        for one in moved:
            if not one.added:
                self._put_in(group, one.member, one.edge.kind, one.edge.name)
            elif one.member in group.members:
                live = self._today.find(one.edge.kind, one.member)
                found = live.name if live else one.edge.name
                group.remove[one.member] = Edge(kind=one.edge.kind, name=found, id=one.member, reason=Reason.UNDONE)

    def _fill(self, back: Return) -> None:
        """Put into a group that comes back whoever was in it."""
        if back.step is None:
            return
        group = self._group(back.past.step.resource_id or "", back.name)
        if group is None:
            return
        members = (back.past.before or {}).get("members")
        if not isinstance(members, (list, tuple)):
            self._today.remarks.cannot_undo(f"{back.address} comes back empty: who was in it is not recorded")
        nests = self._today.context.capabilities.nested_groups
        if nests:
            self._tell_of_lost_groups(back)
        for member in _ids(members):
            if not self._is_group(member):
                self._put_in(group, member, Kind.USER, member)
            elif nests:
                self._put_in(group, member, Kind.GROUP, member)
            else:
                self._today.remarks.cannot_undo(
                    f"{back.address} comes back without the groups in it: the directory has no nested groups"
                )

    def _join(self, back: Return) -> None:
        """Put a user who comes back into the groups that the directory named before the deletion."""
        if back.step is None:
            return
        before = back.past.before or {}
        if not isinstance(before.get("groups"), (list, tuple)):
            self._tell_of_lost_groups(back)
        member = back.past.step.resource_id or ""
        for group_id in _ids(before.get("groups")):
            if group_id in self._today.made:
                continue
            group = self._group(group_id, group_id)
            if group is not None:
                self._put_in(group, member, Kind.USER, back.name)

    def _tell_of_lost_groups(self, back: Return) -> None:
        self._today.remarks.cannot_undo(
            f"{back.address} comes back without the groups that it was in, apart from those that the run itself took "
            "it out of: they are not recorded"
        )

    def _put_in(self, group: _Group, member: str, kind: Kind, name: str) -> None:
        live: LiveResource | None = self._today.find(kind, member)
        back = self._returned.get((kind, member))
        if live is None and back is not None:
            live = back.live
        if live is not None:
            if live.id not in group.members:
                group.add[live.id] = Edge(kind=kind, name=live.name, id=live.id, reason=Reason.UNDONE)
        elif back is not None and back.step is not None:
            group.add[back.address] = Edge(kind=kind, name=back.name, reason=Reason.UNDONE)
        else:
            self._today.remarks.cannot_undo(
                f"{kind.address(name)} does not come back into {group.address}: the directory does not have it any more"
            )

    def _leave_circles_open(self, changed: Iterable[_Group]) -> None:
        """Drop additions by which a group would come to hold itself: it did before the run, or does by other ways."""
        groups = self._today.context.live.groups_by_id
        holds = {one.id: {member for member in one.members or () if member in groups} for one in groups.values()}
        for group in changed:
            holds.setdefault(group.key, set()).difference_update(group.remove)
        for group in changed:
            for member, edge in list(group.add.items()):
                if edge.kind is not Kind.GROUP:
                    continue
                if group.key in reached(member, holds):
                    del group.add[member]
                    self._today.remarks.cannot_undo(
                        f"{edge.address} does not come back into {group.address}, which would be a member of itself"
                    )
                else:
                    holds[group.key].add(member)

    def _is_group(self, member: str) -> bool:
        return self._today.find(Kind.GROUP, member) is not None or (Kind.GROUP, member) in self._returned

    def _group(self, group_id: str, name: str) -> _Group | None:
        """Return a group whose members may be changed, or tell once why they may not."""
        if group_id not in self._groups:
            self._groups[group_id] = self._found(group_id, name)
        return self._groups[group_id]

    def _found(self, group_id: str, name: str) -> _Group | None:
        today = self._today
        live = today.find(Kind.GROUP, group_id)
        back = self._returned.get((Kind.GROUP, group_id))
        if live is None and back is not None and back.step is not None:
            return _Group(name=back.name, created_by=back.step.id)
        if live is None and back is not None and back.live is not None:
            live = today.find(Kind.GROUP, back.live.id)
        if not isinstance(live, LiveGroup):
            address = Kind.GROUP.address(name)
            if not today.partial(Kind.GROUP, address) and back is None:
                today.remarks.not_as_left(f"{address} is not in the directory any more, nor are its memberships")
            return None
        if not today.ours(live):
            return None
        if live.members is None:
            today.remarks.cannot_undo(
                f"the memberships of {live.address} stay as they are: the directory does not tell who is in it"
            )
            return None
        return _Group(name=live.name, live=live, members=frozenset(live.members))

    def _removals(self, group: _Group) -> Iterator[Step]:
        edges = [edge for member, edge in group.remove.items() if member not in group.add]
        return self._batches(group, Action.REMOVE_MEMBERS, [(edges, ())])

    def _additions(self, group: _Group, nested_removals: tuple[str, ...]) -> Iterator[Step]:
        """Yield the additions; groups go in only when others are out, so that no two are ever in each other."""
        users = [edge for edge in group.add.values() if edge.kind is Kind.USER]
        groups = [edge for edge in group.add.values() if edge.kind is Kind.GROUP]
        parts = [(users, ()), (groups, nested_removals)] if nested_removals else [([*users, *groups], ())]
        return self._batches(group, Action.ADD_MEMBERS, parts)

    def _batches(
        self, group: _Group, action: Action, parts: Iterable[tuple[Sequence[Edge], tuple[str, ...]]]
    ) -> Iterator[Step]:
        context = self._today.context
        batches = [(batch, needs) for edges, needs in parts for batch in batched(edges, context.capabilities, action)]
        resource_id = group.live.id if group.live else None
        created_by = (group.created_by,) if group.created_by else ()
        for number, (batch, needs) in enumerate(batches, 1):
            part = f"{number}/{len(batches)}" if len(batches) > 1 else ""
            yield Step(
                id=step_id(context, action, Kind.GROUP, group.name, resource_id, part=part),
                action=action,
                kind=Kind.GROUP,
                name=group.name,
                reason=Reason.UNDONE,
                resource_id=resource_id,
                members=tuple(batch),
                needs=(*created_by, *needs),
            )


def _ids(members: Any) -> list[str]:
    """Return the ids in a recorded list of members or groups: plain, or as SCIM's objects; direct ones only."""
    if not isinstance(members, (list, tuple)):
        return []
    direct = (one for one in members if not (isinstance(one, Mapping) and one.get("type") == "indirect"))
    values = (one.get("value") if isinstance(one, Mapping) else one for one in direct)
    return [value for value in dict.fromkeys(values) if isinstance(value, str) and value]

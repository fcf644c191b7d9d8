"""The members of groups, by name, as far as the files can name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from graphlib import CycleError, TopologicalSorter
from typing import Any

from reconciler.attributes import fold
from reconciler.importing.left_out import LeftOutLog
from reconciler.model import Kind, Live, LiveGroup

Names = Mapping[str, str]
"""The names of resources by the service provider's id."""


class GroupMembers:
    """States the memberships of the listed groups.

    A list of members is complete by definition. Where it would be missing somebody whom the next plan would then
    remove, the group's membership is left unmanaged instead: an import must never take access away.

    Args:
        live: what the directory holds.
        listed: the names of the resources that the files list, by kind and id.
        in_scope: the ids of all resources that the files speak for, listed or not.
        log: told what is left out.
    """

    def __init__(
        self, live: Live, *, listed: Mapping[Kind, Names], in_scope: AbstractSet[str], log: LeftOutLog
    ) -> None:
        self._live = live
        self._users = listed[Kind.USER]
        self._groups = listed[Kind.GROUP]
        self._in_scope = in_scope
        self._log = log

    def stated(self) -> dict[str, list[Any]]:
        """Return the members of each listed group whose membership can be managed, by the group's id.

        Users are named by text, groups as ``{group: name}``; users first, both sorted.
        """
        groups = self._live.groups_by_id
        managed = {group_id: groups[group_id] for group_id in self._groups if self._manageable(groups[group_id])}
        for group_id in list(self._on_cycles(managed)):
            self._unmanaged(managed.pop(group_id), "a group of it holds the group itself")
        return {group_id: self._members(group) for group_id, group in managed.items()}

    def _manageable(self, group: LiveGroup) -> bool:
        if group.members is None:
            self._unmanaged(group, "the directory does not tell who is in it")
            return False
        for member in group.members:
            if self._would_be_removed(member):
                address = self._address(member)
                self._unmanaged(group, "one of its members cannot be listed, and would be removed", address)
                return False
        return True

    def _would_be_removed(self, member: str) -> bool:
        if member in self._live.users_by_id:
            return member not in self._users and member in self._in_scope
        nested = self._live.capabilities.nested_groups and member in self._live.groups_by_id
        return nested and member not in self._groups and member in self._in_scope

    def _address(self, member: str) -> str:
        return (self._live.users_by_id.get(member) or self._live.groups_by_id[member]).address

    def _unmanaged(self, group: LiveGroup, why: str, member: str | None = None) -> None:
        because = f"{why}: {member}" if member else why
        count = len(group.members or ())
        self._log.add("members-unmanaged", "members", f"left unmanaged, because {because}", group.address, count)

    def _on_cycles(self, managed: Mapping[str, LiveGroup]) -> Iterator[str]:
        """Yield one group of every cycle, so that none is left: a file may not list groups that hold themselves."""
        if not self._live.capabilities.nested_groups:
            return
        graph = {
            group_id: [member for member in group.members or () if self._is_nested(member)]
            for group_id, group in managed.items()
        }
        while True:
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                broken = min(error.args[1], key=lambda group_id: (fold(self._groups[group_id]), group_id))
                del graph[broken]
                yield broken
            else:
                return

    def _is_nested(self, member: str) -> bool:
        return member in self._groups and member not in self._live.users_by_id

    def _members(self, group: LiveGroup) -> list[Any]:
        users: list[str] = []
        nested: list[str] = []
        for member in dict.fromkeys(group.members or ()):
            if member in self._users:
                users.append(self._users[member])
            elif self._live.capabilities.nested_groups and self._is_nested(member):
                nested.append(self._groups[member])
            else:
                self._left_out(group, member)
        return [*sorted(users, key=_by_name), *({"group": name} for name in sorted(nested, key=_by_name))]

    def _left_out(self, group: LiveGroup, member: str) -> None:
        if member in self._live.users_by_id:
            code, why = "out-of-scope", "of users outside the scope of directory.yaml; the next plans leave them alone"
        elif member not in self._live.groups_by_id:
            code, why = "unknown-member", "of ids that are no user and no group of the directory"
        elif self._live.capabilities.nested_groups:
            code, why = "out-of-scope", "of groups outside the scope of directory.yaml; the next plans leave them alone"
        else:
            code, why = "nested-group", "of groups: this directory is not known to support nested ones"
        self._log.add(code, "memberships", why, group.address)


def _by_name(name: str) -> tuple[str, str]:
    return fold(name), name

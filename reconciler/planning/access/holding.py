"""Which groups hold which, directly and through others, before a plan and after it, and of which it is not known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from reconciler.model import Live
from reconciler.planning.access.deeds import Deeds, Key, Link

Order = Callable[[Key], Any]


class Nesting:
    """The groups that are members of groups, at one moment."""

    def __init__(self, links: Iterable[Link]) -> None:
        self.links = frozenset(links)
        self._inside = defaultdict[Key, list[Key]](list)
        self._around = defaultdict[Key, list[Key]](list)
        for link in self.links:
            self._inside[link.outer].append(link.inner)
            self._around[link.inner].append(link.outer)

    def inside(self, groups: Iterable[Key]) -> set[Key]:
        """Return these groups and all that are in them, through any number of groups."""
        return _reached(groups, self._inside)

    def around(self, groups: Iterable[Key]) -> set[Key]:
        """Return these groups and all that they are in, through any number of groups."""
        return _reached(groups, self._around)

    def ways(self, direct: Iterable[Key], order: Order) -> dict[Key, Key | None]:
        """Return every group in which somebody is who is in some directly, with the first group of the way to him.

        The shortest way, and of several the one that is first in order. ``None`` where he is in it directly.
        """
        found: dict[Key, Key | None] = dict.fromkeys(direct)
        level: Iterable[Key] = found if self.links else ()
        while level:
            further: dict[Key, Key | None] = {}
            for inner in sorted(level, key=order):
                for outer in self._around.get(inner, ()):
                    if outer not in found and outer not in further:
                        further[outer] = inner
            found.update(further)
            level = further
        return found


def _reached(starts: Iterable[Key], ways: Mapping[Key, Sequence[Key]]) -> set[Key]:
    found = set(starts)
    pending = [one for one in found if one in ways]
    while pending:
        for further in ways.get(pending.pop(), ()):
            if further not in found:
                found.add(further)
                pending.append(further)
    return found


class Holding:
    """Who holds whom before the plan and after it.

    Attributes:
        before: the nesting of groups before.
        after: the nesting of groups after; deleted groups hold nobody and are in nothing.
        opaque: the live groups of which the directory does not tell who is in them.
        opaque_after: those of them that the plan does not delete.
    """

    def __init__(self, live: Live, deeds: Deeds) -> None:
        self._live = live
        self._deeds = deeds
        self.opaque: frozenset[Key] = frozenset(group.id for group in live.groups if group.members is None)
        self.opaque_after = frozenset(group for group in self.opaque if group not in deeds.deleted)
        # Whom the plan takes out of such a group is in it: the step says so.
        told = (link for link in deeds.unlinked if link.outer in self.opaque)
        self.before = Nesting((*self._live_links(), *told))
        kept = (
            link
            for link in {*self.before.links, *deeds.linked} - deeds.unlinked.keys()
            if link.outer not in deeds.deleted and link.inner not in deeds.deleted
        )
        self.after = Nesting(kept)

    def _live_links(self) -> Iterator[Link]:
        users, groups = self._live.users_by_id, self._live.groups_by_id
        ids = frozenset(groups)
        for group in self._live.groups:
            if group.members and not ids.isdisjoint(group.members):
                # RFC 7643 §3.1 has ids unique over all kinds. Where they are not, a member is rather a user.
                yield from (Link(group.id, one) for one in group.members if one in groups and one not in users)

    def members(self, groups: Iterable[Key]) -> Iterator[tuple[str, ...]]:
        """Yield the ids of whoever is in some live groups directly, as far as that is known."""
        for key in groups:
            group = self._live.groups_by_id.get(key) if isinstance(key, str) else None
            if group is not None and group.members:
                yield group.members

    def direct(self, users: Iterable[Key]) -> dict[Key, list[Key]]:
        """Return the groups in which some users are directly before the plan, by user: one pass over all members."""
        found: dict[Key, list[Key]] = {user: [] for user in users}
        ids = frozenset(user for user in found if user in self._live.users_by_id)
        for group in self._live.groups if ids else ():
            for user in ids.intersection(group.members or ()):
                found[user].append(group.id)
        for leaver, groups in self._deeds.left.items() if self.opaque else ():
            if leaver in found:
                found[leaver].extend(group for group in groups if group in self.opaque)
        return found

    def moved(self) -> set[Key]:
        """Return the groups with which everybody in them gains or loses other groups, or they themselves."""
        deeds = self._deeds
        gone = self.before.inside((*deeds.deleted, *(link.inner for link in deeds.unlinked)))
        return gone | self.after.inside(link.inner for link in deeds.linked)

    def blind(self, group: Key) -> bool:
        """Tell whether somebody may be in a group directly of whom nothing is known."""
        if group in self.opaque:
            return True
        if not self._live.partial:
            return False
        return any(not self._known.issuperset(members) for members in self.members((group,)))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset((*self._live.users_by_id, *self._live.groups_by_id))

    def sees(self, inside: Iterable[Key]) -> bool:
        """Tell whether everybody in some groups is known."""
        return not any(map(self.blind, inside))

    def unknown(self, concerned: Container[Key]) -> set[Key]:
        """Return the groups that the plan touches and of which it is not known who is in them.

        Where only some people of a group were read, because the directory lists nobody, it is enough to know those
        whom the plan itself names. It is not where the group changes as a whole.

        Args:
            concerned: the users whose access the plan may change.
        """
        if not self.opaque and not self._live.partial:
            return set()
        deeds = self._deeds
        strangers = {group for user, groups in deeds.left.items() if user not in concerned for group in groups}
        whole = {*deeds.deleted, *strangers, *(link.outer for link in (*deeds.linked, *deeds.unlinked))}
        changed_as_a_whole = self._around(whole) | self.moved()
        touched = self._around(deeds.targets) | changed_as_a_whole
        found = {group for group in touched if not self.opaque.isdisjoint(self._inside(group))}
        found |= {group for group in changed_as_a_whole if not self.sees(self._inside(group))}
        return found | self._around(self.opaque) if deeds.switched() else found

    def _around(self, groups: Iterable[Key]) -> set[Key]:
        starts = frozenset(groups)
        return self.before.around(starts) | self.after.around(starts)

    def _inside(self, group: Key) -> set[Key]:
        return self.before.inside((group,)) | self.after.inside((group,))

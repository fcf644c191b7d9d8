"""Who is in a group, as far as the directory tells: all of it, some of those who are asked about, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconciler.applying.session import Session
from reconciler.applying.settling import Topic
from reconciler.model import Kind, LiveGroup
from reconciler.planning.plan import Action, Step
from reconciler.scim.answers import member
from reconciler.scim.client import ScimResponse

_MEMBERS = Topic(Kind.GROUP, "members")


class Roster:
    """The members of one group while a run changes them.

    Where the group tells its members, they are known. Where it does not, those who are asked about are known where the
    directory has another way of telling; where it has none, the run is *blind*: what it accepted is believed.

    Args:
        session: the run.
        group: the group as it was read.
        leaving: ids of those whom the steps of this group remove.

    Attributes:
        group: the group as it should be after what was accepted; ``None`` once it is found gone.
        seen: the members at the last look; empty where they are not known.
        blind: whether the directory was found to tell nothing at all.
    """

    def __init__(self, session: Session, group: LiveGroup, leaving: Iterable[str]) -> None:
        self.group: LiveGroup | None = group
        self.seen = frozenset(group.members or ())
        self.blind = False
        self._session = session
        # Whom an earlier step has removed may still be shown by a read that lags behind, and is nobody to put back.
        removed = (one for one, wanted in session.written.get(group.id, {}).items() if not wanted)
        self._leaving = frozenset((*leaving, *removed))
        self._strangers = self.kept
        self._told: dict[str, bool] = {}

    @property
    def whole(self) -> bool:
        """Whether all members are known."""
        return self.group is not None and self.group.members is not None

    @property
    def kept(self) -> frozenset[str]:
        """The members at the last look whom no step removes."""
        return self.seen - self._leaving

    @property
    def strangers(self) -> frozenset[str]:
        """The members of before the first write whom no step removes: those who have something to lose."""
        return self._strangers

    @property
    def others(self) -> bool:
        """Whether somebody is in the group, as far as is known, whom no step removes."""
        members = self.group.members if self.group is not None else None
        return any(member_id not in self._leaving for member_id in members or ())

    def left(self, action: Action, ids: Iterable[str]) -> list[str]:
        """Return those of ``ids`` who still have to be added, or removed."""
        wanted = action is Action.ADD_MEMBERS
        if self.group is not None and self.group.members is not None:
            present = frozenset(self.group.members)
            return [member_id for member_id in ids if (member_id in present) is not wanted]
        return [member_id for member_id in ids if self._told.get(member_id) is not wanted]

    def too_few(self, step: Step, leaving: Iterable[str]) -> str | None:
        """Return why these may not be removed, or ``None``: so many members would not be left as always have to be.

        Whom this run has removed may still be shown by a read that lags behind, and does not count.
        """
        if step.action is not Action.REMOVE_MEMBERS or step.min_members is None or self.group is None:
            return None
        least = f"{step.address} always has to have {step.min_members} members (min_members)"
        if self.group.members is None:
            return f"{least}, and the directory does not tell how many it has, so nobody is removed from it"
        removed = (one for one, wanted in self._session.written.get(self.group.id, {}).items() if not wanted)
        left = len({*self.group.members} - {*leaving, *removed})
        if left >= step.min_members:
            return None
        return f"{least}, and would have {left}: the removal was not sent. Plan again to see who is in it"

    def assume(self, action: Action, ids: Iterable[str], answer: ScimResponse | None = None) -> None:
        """Take what was accepted for done, so that the next request can build on it."""
        if self.group is None:
            return
        changed = dict.fromkeys(ids)
        self.sent(action, changed)
        members = self.group.members
        if members is not None:
            stay = (one for one in members if one not in changed)
            members = tuple(dict.fromkeys(members) | changed) if action is Action.ADD_MEMBERS else tuple(stay)
        self.group = replace(self.group, members=members, version=_version(answer))

    def sent(self, action: Action, ids: Iterable[str]) -> None:
        """Remember what may be done already, although reads may not show it yet."""
        if self.whole and self.group is not None:
            wanted = action is Action.ADD_MEMBERS
            self._session.written.setdefault(self.group.id, {}).update(dict.fromkeys(ids, wanted))

    def believe(self, action: Action, ids: Iterable[str]) -> None:
        """Take what was accepted for done because nobody can tell."""
        self._told.update(dict.fromkeys(ids, action is Action.ADD_MEMBERS))

    async def look(self, action: Action, ids: Collection[str], *, patient: bool = True) -> None:
        """Read who is in the group now.

        Args:
            action: whether ``ids`` are expected to be there or not.
            ids: who is asked about where the group does not tell all.
            patient: wait for reads that lag behind.

        Raises:
            ScimError: the directory could not be asked.
        """
        kept = self.kept

        async def read() -> frozenset[Topic]:
            await self._read(ids)
            unproven = self.group is not None and not self.blind and (self.left(action, ids) or kept - self.seen)
            return frozenset({_MEMBERS} if unproven else ())

        if patient:
            await self._session.patience.until_proven(read)
        else:
            await read()

    async def _read(self, ids: Collection[str]) -> None:
        if self.group is None:
            return
        group_id = self.group.id
        if self._session.capabilities.groups_hold_members:
            self.group = await self._session.read_group(group_id)
            if self.group is None or self.group.members is not None:
                self.seen = frozenset(self.group.members or ()) if self.group is not None else frozenset()
                return
        told = await self._session.members_among(group_id, ids)
        self.blind = told is None
        if told is not None:
            self._told.update({member_id: member_id in told for member_id in ids})


def _version(answer: ScimResponse | None) -> str | None:
    """Return the version that a write has made, where the answer tells it."""
    if answer is None:
        return None
    meta = member(answer.body or {}, "meta")
    version = member(meta, "version") if isinstance(meta, dict) else None
    return version if isinstance(version, str) and version else answer.etag

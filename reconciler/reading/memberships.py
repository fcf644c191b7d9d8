"""Who is in which group, read in the way that a service provider can tell it. What it does not tell is unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconciler.capabilities import Capabilities, MembersRead
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import LiveGroup, LiveUser
from reconciler.reading.by_filter import NOBODY, finds_nobody_in_no_group, holds, tells_groups, users_in
from reconciler.reading.single import read_group
from reconciler.reading.wanted import Wanted, recognised
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import RequestRefused, Unauthorized, printable
from reconciler.scim.resources import direct_groups
from reconciler.scim.tasks import for_each

MOST_PROBES = 50_000
"""Requests that one read spends at most on asking who is in which group, one member at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memberships:
    """Completes groups that were read without their members.

    Attributes:
        client: an entered client; its concurrency bounds the requests in flight.
        capabilities: what the service provider can do; ``members_read`` is the way that is taken.
        wanted: whose members are needed; ``None`` is everybody's.
        users: all users of the directory, or those that are known.
        by_name: whether only some users and groups are known, those that were asked for by name.
        tell: told why members are unknown.
        on_progress: called with how many groups are done, and how many there are to do.
    """

    client: ScimClient
    capabilities: Capabilities
    wanted: Wanted | None
    users: Sequence[LiveUser]
    by_name: bool
    tell: Callable[[Diagnostic], None]
    on_progress: Callable[[int, int], None]

    async def complete(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Return the groups with their members, as far as the service provider tells them. Raises ScimError."""
        if not groups:
            return groups
        match self.capabilities.members_read:
            case MembersRead.LISTING if not self.by_name:
                completed = await self._doubting(groups)
            case MembersRead.LISTING | MembersRead.GROUP:
                completed = await self._one_by_one(groups)
            case MembersRead.USER_GROUPS:
                completed = self._from_users(groups)
            case MembersRead.USERS_BY_GROUP:
                completed = await self._by_group(groups)
            case MembersRead.PROBE:
                completed = await self._probed(groups)
            case MembersRead.NONE:
                completed = groups
        return completed

    def _needed(self, groups: Iterable[LiveGroup]) -> list[LiveGroup]:
        """Return the groups whose members somebody needs: stated ones, and those that a replacement hands on."""
        if self.wanted is None:
            return list(groups)
        replaced = not self.capabilities.group_rename
        keys = frozenset(key for one in self.wanted.groups if one.members or replaced for key in one.identities)
        return [group for group in groups if recognised(group, keys)]

    async def _one_by_one(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Read each group again by its id. One that is gone meanwhile stays, with members that nobody knows."""
        needed = self._needed(groups)
        done = 0

        async def read(group: LiveGroup) -> LiveGroup:
            nonlocal done
            again = await read_group(self.client, group.id, capabilities=self.capabilities)
            done += 1
            self.on_progress(done, len(needed))
            return again or group

        read_again = {group.id: group for group in await for_each(needed, read, self.client.concurrency)}
        return [read_again.get(group.id, group) for group in groups]

    def _from_users(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        if self.by_name:
            self._unknown(groups, "only the users that files name are known, and others may be members, too")
            return groups
        if self.users and not tells_groups(self.users):
            self._unknown(
                groups,
                "no user tells its groups, although the capability members_read is user-groups",
                hint=_hint(MembersRead.GROUP),
            )
            return groups
        members = defaultdict[str, list[str]](list)
        for user in self.users:
            told = direct_groups(user)
            if told is None:
                self._unknown(groups, f"the groups of {printable(user.address, 100)} name one that has no id")
                return groups
            for group_id in told:
                members[group_id].append(user.id)
        return [replace(group, members=tuple(members[group.id])) for group in groups]

    async def _by_group(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Ask for the users in each group by a filter, once it is seen that the filter is not ignored."""
        needed = self._needed(groups)
        if not needed:
            return groups
        if not await self._reads_group_filter():
            self._unknown(
                needed,
                "the server finds users in a group that does not exist: it ignores the filter groups.value",
                hint=_hint(MembersRead.USER_GROUPS, MembersRead.GROUP),
            )
            return groups
        done: dict[str, LiveGroup] = {}
        reasons: list[str] = []

        async def ask(group: LiveGroup) -> None:
            try:
                members = await users_in(self.client, self.capabilities, group.id)
                if members is None:
                    reasons.append("a user in one of them names a group without an id")
            except Unauthorized:
                raise
            except RequestRefused as refusal:
                members = None
                reasons.append(f"the filter that asks for the users in a group is refused: {refusal}")
            done[group.id] = replace(group, members=None if members is None else tuple(sorted(members)))
            self.on_progress(len(done), len(needed))

        # What keeps the first one from being read keeps the others, too.
        await ask(needed[0])
        if not reasons:
            await for_each(needed[1:], ask, self.client.concurrency)
        completed = [done.get(group.id, group) for group in groups]
        if reasons:
            left = {group.id for group in needed}
            self._unknown([group for group in completed if group.id in left and group.members is None], reasons[0])
        return self._doubting_filter(groups, completed)

    async def _reads_group_filter(self) -> bool:
        try:
            return await finds_nobody_in_no_group(self.client)
        except Unauthorized:
            raise
        except RequestRefused:
            # Whoever refuses does not ignore. It may be about this group alone, which does not exist.
            return True

    def _doubting_filter(self, before: list[LiveGroup], groups: list[LiveGroup]) -> list[LiveGroup]:
        """Take no group for empty where the filter finds nobody at all, and yet a user says to be in one."""
        read = [group for group in groups if group.members is not None]
        if any(group.members for group in read):
            return groups
        suspect = self._named_by_a_user(read)
        if suspect is None:
            return groups
        self._unknown(
            read,
            f"the filter groups.value finds nobody, and a user says to be in {printable(suspect.address, 100)}",
            hint=_hint(MembersRead.USER_GROUPS),
        )
        return before

    async def _probed(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Ask for each group and each possible member by a filter, within the bound on requests."""
        if self.by_name:
            self._unknown(groups, "only the users that files name are known, and others may be members, too")
            return groups
        candidates = [user.id for user in self.users]
        if self.capabilities.nested_groups:
            candidates += [group.id for group in groups]
        needed = self._needed(groups)
        affordable = needed[: MOST_PROBES // len(candidates)] if candidates else needed
        if len(affordable) < len(needed):
            self._unknown(
                needed[len(affordable) :],
                f"to ask for each of {len(candidates):,} possible members would take more than the {MOST_PROBES:,} "
                "requests that one read may spend on that",
                hint=_hint(MembersRead.USERS_BY_GROUP, MembersRead.USER_GROUPS, MembersRead.GROUP),
            )
        try:
            return await self._probe(groups, affordable, candidates)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            self._unknown(affordable, f"the filter that asks for a member is refused: {refusal}")
        return groups

    async def _probe(
        self, groups: list[LiveGroup], asked: Sequence[LiveGroup], candidates: Collection[str]
    ) -> list[LiveGroup]:
        if asked and await holds(self.client, asked[0].id, NOBODY) is not False:
            self._unknown(
                asked, "the server finds a member that does not exist: it ignores the filter that asks for it"
            )
            return groups
        read: dict[str, LiveGroup] = {}
        for group in asked:
            answers = await for_each(candidates, partial(holds, self.client, group.id), self.client.concurrency)
            members = tuple(one for one, answer in zip(candidates, answers, strict=True) if answer)
            # A single answer that cannot be read leaves the group unknown as a whole.
            read[group.id] = group if None in answers else replace(group, members=members)
            self.on_progress(len(read), len(asked))
        return [read.get(group.id, group) for group in groups]

    async def _doubting(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Take no group for empty where all seem to be, and something says that the server only does not tell.

        It costs nothing where a group has members, or where users name groups; and one request where the files, or an
        import, would take a group for empty that may not be.
        """
        if any(group.members for group in groups) or not self.users:
            return groups
        suspect = self._named_by_a_user(groups)
        named = suspect is not None
        if suspect is None:
            suspect = next(iter(self._meant_to_be_filled(groups)), None)
        if suspect is None:
            return groups
        again = await read_group(self.client, suspect.id, capabilities=self.capabilities)
        holds_members = again is not None and bool(again.members)
        if not named and not holds_members:
            return groups
        self._unknown(
            groups,
            f"the listing shows no member of any group, and {printable(suspect.address, 100)} has members",
            hint=_hint(MembersRead.GROUP if holds_members else MembersRead.USER_GROUPS),
        )
        return [replace(group, members=None) for group in groups]

    def _meant_to_be_filled(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Return the groups that files say somebody is in; without files all, because any may be."""
        if self.wanted is None:
            return groups
        keys = frozenset(key for one in self.wanted.groups if one.filled for key in one.identities)
        return [group for group in groups if recognised(group, keys)]

    def _named_by_a_user(self, groups: Iterable[LiveGroup]) -> LiveGroup | None:
        by_id = {group.id: group for group in groups}
        told = (direct_groups(user) or () for user in self.users)
        return next((by_id[group_id] for ids in told for group_id in sorted(ids) if group_id in by_id), None)

    def _unknown(self, groups: Sequence[LiveGroup], why: str, *, hint: str | None = None) -> None:
        if groups:
            which = "1 group" if len(groups) == 1 else f"{len(groups):,} groups"
            self.tell(
                Diagnostic(
                    code="members-unknown",
                    message=f"the members of {which} are unknown: {why}",
                    hint=hint,
                    severity=Severity.WARNING,
                )
            )


def _hint(*ways: MembersRead) -> str:
    stated = " or ".join(f"`members_read: {way}`" for way in ways)
    return f"state {stated} under `capabilities` in directory.yaml"

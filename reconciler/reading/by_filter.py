"""Who is in a group, asked by a filter: of the users, who is in it; or of the groups, whether one user is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.attributes import fold
from reconciler.capabilities import Capabilities
from reconciler.filters import eq
from reconciler.model import Kind, LiveUser
from reconciler.scim.answers import list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.listing import list_resources
from reconciler.scim.resources import ResourceReader, direct_groups
from reconciler.scim.tasks import for_each

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that nothing has, in the form that AWS wants ids to have."""


class _Enough(Exception):  # noqa: N818  # never an error: it ends a listing of which the rest is not needed
    """What was listed so far answers the question, or the rest is cheaper to ask for in another way."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A user in an answer: its id, and the groups that it says to be in."""

    id: str
    tells: bool
    groups: frozenset[str] | None


async def holds(client: ScimClient, group_id: str, member_id: str) -> bool | None:
    """Ask whether a group has a member by a filter that names both, as AWS IAM Identity Center can be asked.

    Returns:
        ``None`` where the answer holds anything but that group or nothing: the filter was not honoured.

    Raises:
        ScimError: of any kind; the server may refuse the filter.
    """
    # https://docs.aws.amazon.com/singlesignon/latest/developerguide/listgroups.html
    answer = await client.get("/Groups", {"filter": f"{eq('id', group_id)} and {eq('members', member_id)}"})
    rows = list_page(answer.body or {}).resources
    found = {str(member(row, "id")) for row in rows if isinstance(row, dict)}
    if not rows:
        return False
    return True if found == {group_id} and len(rows) == 1 else None


async def users_in(client: ScimClient, capabilities: Capabilities, group_id: str) -> frozenset[str] | None:
    """Return the ids of all users in a group, asked of ``/Users`` by a filter, or ``None`` where it cannot be read.

    It costs one request per page of members. Where the users of the answer tell their own groups, only those count who
    name this one as a direct one; where they do not, the server is believed: see :func:`finds_nobody_in_no_group`.

    Args:
        client: an entered client.
        capabilities: what the service provider can do: how its answers are paged.
        group_id: the service provider's id of the group. One that does not exist has no members.

    Raises:
        IncompleteListing: the answer could not be proven complete.
        ScimError: of any other kind; the server may refuse the filter.
    """
    return _members(await _Question(client, capabilities, group_id).ask(), group_id)


async def users_among(
    client: ScimClient, capabilities: Capabilities, group_id: str, member_ids: Collection[str]
) -> frozenset[str] | None:
    """Return which of a few users are in a group, or ``None`` where it cannot be read.

    They are listed page by page until all of them were seen, or there is no further page. Where the service provider
    also says of a single user whether a group holds it (:func:`holds`), a single one is asked about in this way; and
    of several those who did not show on as many pages as they are, because then the group is large and they are few.
    It costs at most one page more than two requests for each of them.

    Raises:
        ScimError: of any kind; the server may refuse a filter.
    """
    asked = dict.fromkeys(member_ids)
    singly = _takes_pairs(capabilities)
    if not asked:
        return frozenset()
    if singly and len(asked) == 1 and (told := await _asked_singly(client, group_id, asked)) is not None:
        return told
    question = _Question(
        client, capabilities, group_id, enough=frozenset(asked), most_pages=len(asked) if singly else 0
    )
    try:
        rows = await question.ask()
        left: frozenset[str] = frozenset()
    except _Enough:
        rows = question.seen
        left = frozenset(asked).difference(row.id for row in rows)
    found = _members(rows, group_id)
    if found is None or not left:
        return None if found is None else found.intersection(asked)
    others = await _asked_singly(client, group_id, sorted(left))
    return None if others is None else found.intersection(asked) | others


async def finds_nobody_in_no_group(client: ScimClient) -> bool:
    """Tell whether the users in a group that does not exist are nobody, as a server answers that reads the filter.

    One that ignores it sends everybody, who would all look like members. It is one request.

    Raises:
        ScimError: of any kind; the server may refuse the filter.
    """
    answer = await client.get("/Users", {"filter": eq("groups.value", NOBODY)})
    return not list_page(answer.body or {}).resources


def tells_groups(users: Iterable[LiveUser]) -> bool:
    """Tell whether any of these users says which groups it is in."""
    return any(fold(name) == "groups" for user in users for name in user.attributes)


class _Question:
    """The users in a group, listed as far as they are needed.

    Args:
        client: an entered client.
        capabilities: how answers are paged.
        group_id: the group.
        enough: who is looked for; nobody means all.
        most_pages: how many pages may be spent on them; 0 is no limit.

    Attributes:
        seen: the rows so far, where somebody is looked for.
    """

    def __init__(
        self,
        client: ScimClient,
        capabilities: Capabilities,
        group_id: str,
        *,
        enough: frozenset[str] = frozenset(),
        most_pages: int = 0,
    ) -> None:
        self.seen: list[_Row] = []
        self._client = client
        self._capabilities = capabilities
        self._group_id = group_id
        self._missing = set(enough)
        self._looks_for_some = bool(enough)
        self._most_pages = most_pages
        self._pages = 0
        self._reader = ResourceReader()

    async def ask(self) -> list[_Row]:
        """Return all rows. Raises _Enough where not all are needed, and ScimError."""
        return await list_resources(
            self._client,
            "Users",
            page_size=self._capabilities.page_size,
            convert=self._row,
            paging=self._capabilities.paging,
            # https://docs.aws.amazon.com/singlesignon/latest/developerguide/listusers.html
            scim_filter=eq("groups.value", self._group_id),
            on_progress=self._after_page if self._looks_for_some else None,
        )

    def _row(self, row: dict[str, Any]) -> _Row:
        user = self._reader.user(row)
        found = _Row(user.id, tells_groups([user]), direct_groups(user))
        if self._looks_for_some:
            self.seen.append(found)
            self._missing.discard(user.id)
        return found

    def _after_page(self, received: int, total: int) -> None:
        self._pages += 1
        # Without totals by cursor, `total` is what was received, and this says when the pages are used up.
        too_many = total * self._pages > self._most_pages * received
        if not self._missing or (self._most_pages and too_many):
            raise _Enough


def _members(rows: Collection[_Row], group_id: str) -> frozenset[str] | None:
    """Return whom an answer shows in a group; servers that match loosely send others, too."""
    if not any(row.tells for row in rows):
        return frozenset(row.id for row in rows)
    if any(row.groups is None for row in rows):
        return None
    return frozenset(row.id for row in rows if row.groups is not None and group_id in row.groups)


async def _asked_singly(client: ScimClient, group_id: str, ids: Collection[str]) -> frozenset[str] | None:
    answers = await for_each(ids, lambda one: holds(client, group_id, one), client.concurrency)
    if None in answers:
        return None
    return frozenset(one for one, answer in zip(ids, answers, strict=True) if answer)


def _takes_pairs(capabilities: Capabilities) -> bool:
    """Tell whether it is stated that groups can be asked for by id and member. Nobody stating it promises nothing."""
    if capabilities.group_filters is None:
        return False
    operators = capabilities.filter_operators
    return all(capabilities.filters(Kind.GROUP, name) for name in ("id", "members")) and (
        operators is None or "and" in operators
    )

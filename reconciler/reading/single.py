"""The small reads that applying needs: one resource back after a write, and who of a few is in a group."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from reconciler.capabilities import Capabilities, MembersRead
from reconciler.model import LiveGroup, LiveUser
from reconciler.reading.by_filter import holds, users_among
from reconciler.scim.answers import member
from reconciler.scim.client import ScimClient, resource_path
from reconciler.scim.errors import MalformedAnswer, NotFound
from reconciler.scim.listing import Endpoint
from reconciler.scim.resources import ResourceReader, direct_groups
from reconciler.scim.tasks import for_each


async def read_user(client: ScimClient, user_id: str) -> LiveUser | None:
    """Return one user as it is now, or ``None`` where there is none of that id.

    Raises:
        ScimError: of any kind but ``NotFound``.
    """
    row = await _read_one(client, "Users", user_id)
    return ResourceReader().user(row) if row is not None else None


async def read_group(client: ScimClient, group_id: str, *, capabilities: Capabilities) -> LiveGroup | None:
    """Return one group as it is now, or ``None`` where there is none of that id.

    Its members are unknown where ``GET /Groups/{id}`` does not hold them; see :func:`members_among`.

    Args:
        client: an entered client.
        group_id: the service provider's id.
        capabilities: what the service provider can do.

    Raises:
        ScimError: of any kind but ``NotFound``.
    """
    row = await _read_one(client, "Groups", group_id)
    if row is None:
        return None
    return ResourceReader().group(row, members_returned=capabilities.groups_hold_members)


async def members_among(
    client: ScimClient, capabilities: Capabilities, group_id: str, member_ids: Collection[str]
) -> frozenset[str] | None:
    """Return which of these are members of a group now, or ``None`` where the service provider does not tell.

    It costs one request where groups hold their members, and one per page of members where the users in a group are
    asked for (see :func:`~reconciler.reading.by_filter.users_among`); otherwise one for each of ``member_ids``, to the
    users themselves or as a filter that names group and member. What does not exist is no member, and a group that
    does not exist has none.

    Args:
        client: an entered client; its concurrency bounds the requests in flight.
        capabilities: what the service provider can do; ``members_read`` is the way that is taken.
        group_id: the service provider's id of the group.
        member_ids: the service provider's ids of those who are asked about.

    Raises:
        ScimError: of any kind but ``NotFound``; the server may refuse a filter.
    """
    asked = dict.fromkeys(member_ids)
    match capabilities.members_read:
        case MembersRead.LISTING | MembersRead.GROUP:
            group = await read_group(client, group_id, capabilities=capabilities)
            if group is None:
                return frozenset()
            return None if group.members is None else frozenset(group.members).intersection(asked)
        case MembersRead.USERS_BY_GROUP:
            return await users_among(client, capabilities, group_id, asked)
        case MembersRead.USER_GROUPS:
            answers = await for_each(asked, lambda one: _says_so_itself(client, group_id, one), client.concurrency)
        case MembersRead.PROBE:
            answers = await for_each(asked, lambda one: holds(client, group_id, one), client.concurrency)
        case MembersRead.NONE:
            return None
    if None in answers:
        return None
    return frozenset(one for one, answer in zip(asked, answers, strict=True) if answer)


async def _says_so_itself(client: ScimClient, group_id: str, member_id: str) -> bool | None:
    user = await read_user(client, member_id)
    if user is None:
        return False
    groups = direct_groups(user)
    return None if groups is None else group_id in groups


async def _read_one(client: ScimClient, endpoint: Endpoint, resource_id: str) -> dict[str, Any] | None:
    path = resource_path(endpoint, resource_id)
    try:
        row = (await client.get(path)).body or {}
    except NotFound:
        return None
    if str(member(row, "id")) != resource_id:
        raise MalformedAnswer("the answer is another resource than the one asked for", method="GET", path=path)
    return row

"""Making the throw-away users and the group that all other experiments use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from reconciler.model import Kind
from reconciler.probing.bench import Bench
from reconciler.probing.errors import Undetermined
from reconciler.probing.seen import Seen, refusal
from reconciler.probing.stock import Made
from reconciler.scim.errors import ScimError

NO_SUCH_METHOD: Final = (404, 405, 501)
"""What an endpoint, or a method of one, is answered with that there is none of."""
_USERS: Final = 3
_SHAPES: Final = (
    ("externalId", "name", "displayName", "emails", "active"),
    ("name", "displayName", "emails", "active"),
    ("name", "emails", "active"),
    ("emails",),
    (),
)
"""What a new user is made with, beside its name. The first that the server takes is used for all of them."""


def user_body(name: str, attributes: Iterable[str], /, **stated: Any) -> dict[str, Any]:
    """Return a user that nobody else is like: every value is made from its name.

    Args:
        name: its ``userName``, an e-mail address.
        attributes: which attributes it has beside that.
        stated: values that it has instead.
    """
    mark = name.partition("@")[0]
    values: dict[str, Any] = {
        "externalId": mark,
        "name": {"givenName": "Probe", "familyName": mark},
        "displayName": f"Probe {mark}",
        "emails": [{"value": name, "type": "work", "primary": True}],
        "active": True,
    }
    return {
        "schemas": [Kind.USER.schema],
        "userName": name,
        **{attribute: values[attribute] for attribute in attributes},
        **stated,
    }


async def new_user(bench: Bench, **stated: Any) -> Made:
    """Make a throw-away user of the shape that the server takes. Raises ScimError."""
    name = bench.stock.next_name(Kind.USER)
    return await bench.create(Kind.USER, user_body(name, bench.facts.shape, **stated))


async def new_group(bench: Bench, **stated: Any) -> Made:
    """Make a throw-away group; with a member where groups cannot be empty. Raises ScimError."""
    name = bench.stock.next_name(Kind.GROUP)
    body: dict[str, Any] = {"schemas": [Kind.GROUP.schema], "displayName": name}
    if bench.facts.first_members:
        body["members"] = [{"value": one} for one in bench.facts.first_members]
    return await bench.create(Kind.GROUP, {**body, **stated})


async def users_are_created(bench: Bench) -> Seen:
    """Make the three users, with as many attributes as the server takes."""
    refusals: list[str] = []
    for shape in _SHAPES:
        bench.facts.shape = shape
        first = await bench.attempt(new_user(bench))
        if not isinstance(first, ScimError):
            bench.facts.users = [first, *[await new_user(bench) for _ in range(_USERS - 1)]]
            told = ", ".join(("userName", *shape))
            return Seen(text=f"yes, with {told}" + (f"; before that: {refusals[-1]}" if refusals else ""))
        refusals.append(refusal(first))
    raise Undetermined(f"no user can be made: {refusals[0]}")


async def groups_are_created(bench: Bench) -> Seen:
    """Make the group, empty if possible."""
    external = f"{bench.stock.mark}-group"
    first = await bench.attempt(new_group(bench, externalId=external))
    if isinstance(first, ScimError):
        without = await bench.attempt(new_group(bench))
        if isinstance(without, ScimError):
            return await _filled(bench, without)
        bench.facts.group = without
        return Seen(text=f"yes, without members; with an externalId: {refusal(first)}")
    bench.facts.group = first
    return Seen(text="yes, without members, and with an externalId")


async def _filled(bench: Bench, before: ScimError) -> Seen:
    members = [{"value": bench.facts.users[0].known_id}]
    filled = await bench.attempt(new_group(bench, members=members))
    if isinstance(filled, ScimError):
        listing = await bench.attempt(bench.page(Kind.GROUP, startIndex=1, count=1))
        if before.status in NO_SUCH_METHOD and isinstance(listing, ScimError) and listing.status in NO_SUCH_METHOD:
            return Seen(text=f"there is no /Groups: {refusal(listing)}", states={"groups": False})
        raise Undetermined(f"no group can be made: without members {refusal(before)}, with one {refusal(filled)}")
    bench.facts.group = filled
    bench.facts.first_members = (bench.facts.users[0].known_id,)
    return Seen(text=f"only with a member; without one: {refusal(before)}")

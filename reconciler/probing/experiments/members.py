"""How members are added to a group, read and removed, tried on a group of the probe's own users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.applying.forms import ADDING, Form, is_put
from reconciler.capabilities import MemberRemove, MembersRead, Paging
from reconciler.model import Kind
from reconciler.probing.bench import Bench
from reconciler.probing.errors import Undetermined
from reconciler.probing.experiments.creating import new_group
from reconciler.probing.seen import Seen, refusal
from reconciler.probing.stock import Made
from reconciler.reading.by_filter import finds_nobody_in_no_group, holds
from reconciler.scim.answers import member
from reconciler.scim.errors import ScimError

_WAYS: Final = (MembersRead.GROUP, MembersRead.USER_GROUPS, MembersRead.USERS_BY_GROUP, MembersRead.PROBE)
_REMOVING: Final = (
    MemberRemove.PATH_FILTER,
    MemberRemove.VALUE_ARRAY,
    MemberRemove.NESTED_VALUE,
    MemberRemove.PUT,
)
"""The forms in the order in which they are stated where several work: a PUT names everybody in the group each time."""
_PAGES: Final = 10
"""Pages of a listing that are looked through, at most, for the probe's own group or user."""


async def adding(bench: Bench) -> Seen:
    """Add a member by each form until one shows, and another one beside it."""
    # The first user may be in the group already, where no group can be made without members.
    before = bench.facts.first_members
    first, second = (made.known_id for made in bench.facts.users[1:])
    told: dict[str, str] = {}
    accepted = False
    for form in ADDING:
        answer = await bench.attempt(bench.change_members(bench.group, form, before, [first]))
        accepted |= not isinstance(answer, ScimError)
        inside = await _found(bench, bench.facts.users[1], answer)
        if first not in inside:
            told[form.value] = refusal(answer) if isinstance(answer, ScimError) else "accepted, nobody was added"
            continue
        answer = await bench.attempt(bench.change_members(bench.group, form, (*before, first), [second]))
        inside = await _inside(bench, {*before, first, second}, answer)
        if inside == {*before, first, second}:
            bench.facts.add = form
            return Seen(text=_listed({**told, form.value: "works"}), states={"member_add": form})
        told[form.value] = _misread(bench, inside, answer)
    if accepted and bench.facts.way is None:
        return Seen(
            text=f"{_listed(told)}; what is accepted shows nowhere: not in the group, not in the users, not by filter",
            states={"members_read": MembersRead.NONE},
        )
    raise Undetermined(_listed(told))


async def adding_twice(bench: Bench) -> Seen:
    """Add a member who is there already."""
    form = _adding(bench)
    ids = await _reset(bench, bench.facts.users[:2])
    if is_put(form):
        return Seen(text="the whole list is written, so nobody can be added twice")
    answer = await bench.attempt(bench.change_members(bench.group, form, ids, ids[:1]))
    said = refusal(answer) if isinstance(answer, ScimError) else "accepted"
    row = await bench.read(bench.group)
    entries = member(row, "members")
    values = [str(member(one, "value")) for one in entries if isinstance(one, dict)] if entries else []
    stored = ", and the member is stored twice" if values.count(ids[0]) > 1 else ""
    return Seen(text=f"{said}{stored}")


async def adding_several(bench: Bench) -> Seen:
    """Add two members by one request."""
    form = _adding(bench)
    users = bench.facts.users
    await _reset(bench, users[:1])
    wanted = {made.known_id for made in users}
    answer = await bench.attempt(
        bench.change_members(bench.group, form, [users[0].known_id], [made.known_id for made in users[1:]])
    )
    inside = await _inside(bench, wanted, answer)
    if inside == wanted:
        return Seen(text="yes")
    if len(inside) == 2 and users[0].known_id in inside:
        return Seen(text="of two, one was added", states={"max_members_per_patch": 1})
    raise Undetermined(_misread(bench, inside, answer))


async def reading(bench: Bench) -> Seen:
    """See whether a listing holds what a single group, or user, tells of members."""
    ids = await _reset(bench, bench.facts.users[:2])
    match bench.facts.way:
        case MembersRead.GROUP:
            row = await _listed_row(bench, bench.group)
            if row is None:
                raise Undetermined("the group was not found in the listing, so only GET of the group is known to tell")
            if _values(row, "members") == set(ids):
                return Seen(text="a listing of groups holds them", states={"members_read": MembersRead.LISTING})
            return Seen(
                text="GET of a group holds them, and a listing of groups does not",
                states={"members_read": MembersRead.GROUP},
            )
        case MembersRead.USER_GROUPS:
            row = await _listed_row(bench, bench.facts.users[0])
            listed = row is not None and bench.group.known_id in _values(row, "groups")
            if not listed and await _probe_tells(bench):
                return _probed(bench, "a filter on id and members tells; users tell their groups only one by one")
            where = "also in a listing" if listed else "not in a listing, as far as it was looked through"
            return Seen(
                text=f"no group tells, users tell their groups, {where}",
                states={"members_read": MembersRead.USER_GROUPS},
            )
        case MembersRead.USERS_BY_GROUP:
            return await _by_group(bench)
        case MembersRead.PROBE:
            return _probed(bench, "neither groups nor users tell, and a filter on id and members does")
    raise Undetermined("nobody was seen in a group")


async def _by_group(bench: Bench) -> Seen:
    """State that users can be asked for by their group, and what else is known of filters on members."""
    filters = bench.facts.capabilities.user_filters
    states = dict(_probed(bench, "").states) if await _probe_tells(bench) else {}
    states["members_read"] = MembersRead.USERS_BY_GROUP
    if filters is not None:
        states["user_filters"] = tuple(dict.fromkeys((*filters, "groups.value")))
    return Seen(text="neither groups nor users tell, and a filter on users by groups.value does", states=states)


def _probed(bench: Bench, text: str) -> Seen:
    filters = bench.facts.capabilities.group_filters
    operators = bench.facts.capabilities.filter_operators
    states: dict[str, object] = {"members_read": MembersRead.PROBE}
    if operators is not None:
        states["filter_operators"] = tuple(sorted({*operators, "and"}))
    if filters is not None:
        states["group_filters"] = tuple(dict.fromkeys((*filters, "id", "members")))
    return Seen(text=text, states=states)


async def excluding(bench: Bench) -> Seen:
    """Ask for the group without its members (RFC 7644 §3.9)."""
    if bench.facts.way is not MembersRead.GROUP:
        raise Undetermined("GET of a group holds no members")
    await _reset(bench, bench.facts.users[:2])
    row = await bench.attempt(bench.read(bench.group, excludedAttributes="members"))
    if isinstance(row, ScimError):
        return Seen(text=refusal(row), states={"exclude_members": False})
    left_out = not _values(row, "members")
    listed = await _listed_row(bench, bench.group, excludedAttributes="members")
    left_out = left_out and (listed is None or not _values(listed, "members"))
    return Seen(text="honoured" if left_out else "ignored", states={"exclude_members": left_out})


async def removing(bench: Bench) -> Seen:
    """Remove one of three members by each form, and see who is left."""
    _adding(bench)
    told: dict[str, str] = {}
    works: list[MemberRemove] = []
    for form in _REMOVING:
        first, second, third = await _reset(bench, bench.facts.users)
        answer = await bench.attempt(bench.change_members(bench.group, form, (first, second, third), [second]))
        inside = await _inside(bench, {first, third}, answer)
        if inside == {first, third}:
            told[form.value] = "works"
            works.append(form)
        elif inside == {first, second, third}:
            told[form.value] = refusal(answer) if isinstance(answer, ScimError) else "accepted, nobody was removed"
        else:
            told[form.value] = "EMPTIED the group" if not inside else f"left {len(inside)} of 3, and the wrong ones"
    if not works:
        raise Undetermined(_listed(told))
    bench.facts.remove = works[0]
    return Seen(text=_listed(told), states={"member_remove": works[0]})


async def removing_several(bench: Bench) -> Seen:
    """Remove two of three members by one request, in the form that works for one."""
    form = bench.facts.remove
    if form is None:
        raise Undetermined("no form removes a member")
    first, second, third = await _reset(bench, bench.facts.users)
    answer = await bench.attempt(bench.change_members(bench.group, form, (first, second, third), [second, third]))
    inside = await _inside(bench, {first}, answer)
    if inside == {first}:
        return Seen(text="yes")
    by_operation = form is MemberRemove.PATH_FILTER
    if isinstance(answer, ScimError) and inside == {first, second, third}:
        text = refusal(answer)
    elif len(inside) == 2 and first in inside:
        text = "of two, one was removed"
    else:
        raise Undetermined(_misread(bench, inside, answer))
    limit = "max_operations_per_patch" if by_operation else "max_members_per_patch"
    return Seen(text=text, states={limit: 1})


async def putting(bench: Bench) -> Seen:
    """Write the group whole: with two of its three members, and without any word of members."""
    first, second, third = await _reset(bench, bench.facts.users)
    answer = await bench.attempt(bench.change_members(bench.group, MemberRemove.PUT, (first, second, third), [third]))
    inside = await _inside(bench, {first, second}, answer)
    works = inside == {first, second}
    if works:
        text = "PUT with members: works"
    else:
        text = f"PUT with members: {refusal(answer) if isinstance(answer, ScimError) else 'the members are ignored'}"
    await _reset(bench, bench.facts.users)
    body = {"schemas": [Kind.GROUP.schema], "id": bench.group.known_id, "displayName": bench.group.name}
    silent = await bench.attempt(bench.put(bench.group, body))
    if isinstance(silent, ScimError):
        text += f"; without: {refusal(silent)}"
    else:
        left = await bench.members(bench.group, bench.facts.users) or frozenset()
        text += f"; without: {len(left)} of 3 members are kept"
    return Seen(text=text, states={"put_groups": works})


async def nesting(bench: Bench) -> Seen:
    """Make one group a member of another."""
    form = _adding(bench)
    if bench.facts.way is MembersRead.USER_GROUPS:
        raise Undetermined("only users tell who is in a group")
    inner = await new_group(bench)
    ids = await _reset(bench, bench.facts.users[:1])
    answer = await bench.attempt(bench.change_members(bench.group, form, ids, [inner.known_id]))
    inside = await bench.settle(lambda: bench.members(bench.group, [inner]), bool, after=answer)
    nested = bool(inside)
    said = refusal(answer) if isinstance(answer, ScimError) else "accepted, and the group is no member"
    if nested and bench.facts.remove is not None:
        await bench.attempt(
            bench.change_members(bench.group, bench.facts.remove, [*ids, inner.known_id], [inner.known_id])
        )
    return Seen(text="yes" if nested else said, states={"nested_groups": nested})


def _adding(bench: Bench) -> Form:
    if bench.facts.add is None or bench.facts.way is None:
        raise Undetermined("no form is known that adds members and shows them")
    return bench.facts.add


async def _found(bench: Bench, newcomer: Made, answer: object) -> frozenset[str]:
    """Return who is in the group, by the first way that shows the newcomer, and keep that way."""

    async def look() -> frozenset[str]:
        for way in _WAYS if bench.facts.way is None else (bench.facts.way,):
            if not await _honoured(bench, way):
                continue
            inside = await bench.attempt(bench.members_by(way, bench.group, [newcomer]))
            if isinstance(inside, frozenset) and inside:
                bench.facts.way = way
                return inside
        return frozenset()

    return await bench.settle(look, bool, after=answer)


async def _honoured(bench: Bench, way: MembersRead) -> bool:
    """Tell whether the filter of a way finds nobody where nobody is: one that is ignored finds everybody."""
    match way:
        case MembersRead.USERS_BY_GROUP:
            return await bench.attempt(finds_nobody_in_no_group(bench.client)) is True
        case MembersRead.PROBE:
            return await _probe_tells(bench)
        case _:
            return True


async def _probe_tells(bench: Bench) -> bool:
    """Tell whether the filter on id and members finds nothing for somebody who is in no group."""
    answer = await bench.attempt(holds(bench.client, bench.group.known_id, bench.facts.users[2].known_id))
    return answer is False


async def _inside(bench: Bench, expected: Iterable[str], answer: object = None) -> frozenset[str]:
    """Return who of the users is in the group, after time enough for what is expected unless that was refused."""
    wanted = frozenset(expected)
    found = await bench.settle(
        lambda: bench.members(bench.group, bench.facts.users), lambda inside: inside == wanted, after=answer
    )
    return found or frozenset()


async def _reset(bench: Bench, users: list[Made]) -> list[str]:
    """Bring exactly these into the group again, with nothing but the forms that are known to work.

    Raises:
        Undetermined: they cannot be brought there.
    """
    form = _adding(bench)
    ids = [made.known_id for made in users]
    inside = await bench.members(bench.group, bench.facts.users) or frozenset()
    extra = inside - set(ids)
    if extra and bench.facts.remove is None:
        # Nothing is known yet that takes members out of this one.
        bench.facts.group = await new_group(bench)
        inside = frozenset(bench.facts.first_members)
    elif bench.facts.remove is not None:
        for one in sorted(extra):
            await bench.attempt(bench.change_members(bench.group, bench.facts.remove, sorted(inside), [one]))
            inside -= {one}
    for one in ids:
        if one not in inside:
            await bench.attempt(bench.change_members(bench.group, form, sorted(inside), [one]))
            inside |= {one}
    if await _inside(bench, ids) != frozenset(ids):
        raise Undetermined("the group could not be filled for it")
    return ids


async def _listed_row(bench: Bench, made: Made, **params: str) -> Mapping[str, object] | None:
    """Return a throw-away resource as a listing shows it: without a filter, in which servers leave things out."""
    known = bench.facts.capabilities
    if known.paging is Paging.FILTER_ONLY:
        return None
    size = known.page_size if made.kind is Kind.USER else known.group_page_size
    paging: dict[str, str | int] = {} if known.paging is Paging.NONE else {"count": size}
    if known.paging is Paging.CURSOR:
        paging["cursor"] = ""
    elif known.paging is Paging.INDEX:
        paging["startIndex"] = 1
    for number in range(_PAGES):
        answer = await bench.attempt(bench.page(made.kind, **paging, **params))
        if isinstance(answer, ScimError):
            return None
        for row in answer.resources:
            if isinstance(row, dict) and str(member(row, "id")) == made.known_id:
                return row
        if answer.next_cursor is not None:
            paging["cursor"] = answer.next_cursor
        elif known.paging is Paging.INDEX and answer.resources and answer.total:
            # What was made last is at the end of most listings.
            start = int(paging["startIndex"])
            paging["startIndex"] = max(2, answer.total - size + 1) if not number else max(2, start - size)
        else:
            return None
    return None


def _values(row: Mapping[str, object], name: str) -> set[str]:
    entries = member(row, name)
    rows = entries if isinstance(entries, list) else []
    return {str(member(one, "value")) for one in rows if isinstance(one, dict)}


def _misread(bench: Bench, inside: frozenset[str], answer: object) -> str:
    if isinstance(answer, ScimError):
        return refusal(answer)
    return f"accepted, and {len(inside)} of {len(bench.facts.users)} users are in the group"


def _listed(told: Mapping[str, str]) -> str:
    return "; ".join(f"{form}: {verdict}" for form, verdict in told.items())

"""How listings are walked: whether ``count`` and ``startIndex`` are honoured, whether paging ends, and cursors."""

from __future__ import annotations

from typing import Final

from reconciler.capabilities import Paging
from reconciler.model import Kind
from reconciler.probing.bench import Bench, ids_of
from reconciler.probing.errors import Undetermined
from reconciler.probing.seen import Seen, refusal
from reconciler.scim.answers import ListPage
from reconciler.scim.errors import ScimError
from reconciler.scim.listing import list_resources

_MOST = 1000
"""The size of a page that is asked for to see what is served; discovery asks for no more than that either."""
_WALKED_WHOLE = 1000
"""Users, at most, that a directory has for its listing to be walked to its end."""
_WAYS: Final = (Paging.INDEX, Paging.CURSOR, Paging.NONE)


async def paging(bench: Bench) -> Seen:
    """Ask for pages of two users, of whom there are at least three, and for what comes behind the end."""
    first = await bench.attempt(bench.page(Kind.USER, startIndex=1, count=2))
    if isinstance(first, ScimError):
        return await _without_index(bench, f"startIndex and count: {refusal(first)}")
    ids = ids_of(first)
    total = first.total if first.total is not None else len(ids)
    counted = f"count=2 gives {len(ids)} of {first.total if first.total is not None else 'an unknown number'}"
    if len(ids) > 2:
        return await _uncounted(bench, ids, counted)
    if total < len(bench.facts.users) and total != len(ids):
        return await _without_index(bench, f"{counted}, and there are at least {len(bench.facts.users)}")
    second = await bench.attempt(bench.page(Kind.USER, startIndex=1 + len(ids), count=2))
    if isinstance(second, ScimError):
        return await _without_index(bench, f"{counted}; the second page: {refusal(second)}")
    if not set(ids_of(second)) - set(ids):
        return await _without_index(bench, f"{counted}; the second page holds nobody new")
    past = await bench.attempt(bench.page(Kind.USER, startIndex=total + 1000, count=2))
    end = refusal(past) if isinstance(past, ScimError) else f"{len(past.resources)} rows"
    text = f"{counted}; the second page has others; behind the end: {end}"
    return await _confirmed(bench, Paging.INDEX, text, total=total)


async def page_size(bench: Bench) -> Seen:
    """Ask for a page that is larger than any server sends, and see how much comes."""
    kind = bench.facts.capabilities.paging
    if kind not in (Paging.INDEX, Paging.CURSOR):
        raise Undetermined("there are no pages")
    position: dict[str, str | int] = {"cursor": ""} if kind is Paging.CURSOR else {"startIndex": 1}
    page = await bench.attempt(bench.page(Kind.USER, **position, count=_MOST))
    if isinstance(page, ScimError):
        usual = await bench.attempt(bench.page(Kind.USER, **position, count=100))
        if isinstance(usual, ScimError):
            raise Undetermined(f"count={_MOST}: {refusal(page)}, count=100: {refusal(usual)}")
        return Seen(text=f"count={_MOST}: {refusal(page)}; count=100 is taken", states=_sizes(100))
    served = len(page.resources)
    more = page.next_cursor is not None or (page.total is not None and page.total > served)
    if not more:
        # A total that is the length of the page looks the same: what is behind it shows.
        more = kind is Paging.INDEX and await _is_more_behind(bench, page)
    if not more or not served:
        raise Undetermined(f"there are no more than {served} users, and a page holds them all")
    return Seen(text=f"count={_MOST} gives {served}, and there are more", states=_sizes(served))


def _sizes(served: int) -> dict[str, int]:
    return {"page_size": served, "group_page_size": min(served, 100)}


async def _is_more_behind(bench: Bench, page: ListPage) -> bool:
    ids = ids_of(page)
    beyond = await bench.attempt(bench.page(Kind.USER, startIndex=len(ids) + 1, count=1))
    return not isinstance(beyond, ScimError) and bool(set(ids_of(beyond)) - set(ids))


async def _uncounted(bench: Bench, ids: list[str], counted: str) -> Seen:
    """Judge a server that sends what it likes whatever ``count`` says."""
    beyond = await bench.attempt(bench.page(Kind.USER, startIndex=1 + len(ids), count=2))
    behind = set() if isinstance(beyond, ScimError) else set(ids_of(beyond)) - set(ids)
    if behind:
        return await _confirmed(bench, Paging.INDEX, f"{counted}; the next page has others", total=len(ids))
    if not {made.known_id for made in bench.facts.users} <= set(ids):
        return await _without_index(bench, f"{counted}, not all of them, and there is no next page")
    return await _confirmed(bench, Paging.NONE, f"{counted}: everything at once", total=len(ids))


async def _without_index(bench: Bench, why: str) -> Seen:
    """Look for another way where paging by index is not understood."""
    page = await bench.attempt(bench.page(Kind.USER, cursor="", count=2))
    if not isinstance(page, ScimError) and page.next_cursor is not None:
        return await _confirmed(bench, Paging.CURSOR, f"{why}; cursors are understood", total=page.total)
    whole = await bench.attempt(bench.page(Kind.USER))
    ours = {made.known_id for made in bench.facts.users}
    if not isinstance(whole, ScimError) and ours <= set(ids_of(whole)):
        return await _confirmed(bench, Paging.NONE, f"{why}; without them: everything", total=len(whole.resources))
    if bench.facts.capabilities.filters("User", "userName") and await bench.look_up(bench.facts.users[0]):
        return Seen(
            text=f"{why}; there is no listing, and a filter finds who it names", states={"paging": Paging.FILTER_ONLY}
        )
    raise Undetermined(f"{why}; nothing else gives a listing")


async def _confirmed(bench: Bench, way: Paging, text: str, total: int | None) -> Seen:
    """Walk a small directory to its end, in the way found or in another where that fails."""
    if total is not None and total > _WALKED_WHOLE:
        return Seen(text=f"{text}; too many users to walk to the end", states={"paging": way})
    failures: list[str] = []
    for candidate in (way, *(other for other in _WAYS if other is not way)):
        bench.check_stop()
        found = await bench.attempt(_walk(bench, candidate))
        ours = {made.known_id for made in bench.facts.users}
        if isinstance(found, set) and ours <= found:
            walked = f"{text}; walked to the end by {candidate.value}" + (f" ({failures[0]})" if failures else "")
            return Seen(text=walked, states={"paging": candidate})
        failures.append(f"{candidate.value}: {found if isinstance(found, str) else 'no whole listing'}")
    raise Undetermined(f"{text}; {'; '.join(failures)}")


async def _walk(bench: Bench, way: Paging) -> set[str] | str:
    try:
        size = bench.facts.capabilities.page_size
        rows = await list_resources(
            bench.client, "Users", page_size=size, convert=lambda row: str(row["id"]), paging=way
        )
    except ScimError as error:
        if error.status == 401:
            raise
        return str(error).partition(". ")[0]
    return set(rows)

"""Listing all resources of an endpoint: proven complete, or an error.

The proof: every page tells the same ``totalResults``, and as many resources with distinct ids were received. Pages
are walked by the rows received, because a server may send fewer than asked for (RFC 7644 §3.4.2.4). Whatever
contradicts that means that the directory moved or the server lies, which look alike from here: the listing is read
again, a few times, and then it is an error.

What a listing costs is exact: a request per page, one for an empty listing. A single page needs a closer look, because
some servers send the length of the page as ``totalResults``, for filters only or for everything (wso2/product-is
issues 7320 and 12717, better-auth/better-auth issue 10398): it then looks complete whatever is behind it. Only a page
that is full can be such a one, so one request more is spent where its length could be a limit, and none where it
could not: see :func:`could_be_a_page_limit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from reconciler.scim.answers import ListPage, list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import IncompleteListing, RequestRefused, Unauthorized
from reconciler.scim.tasks import together

Endpoint: TypeAlias = Literal["Users", "Groups"]
T = TypeVar("T")

_ATTEMPTS = 3


class _Contradiction(Exception):  # noqa: N818  # private, and never an error by itself: the listing is read again
    """One attempt to read the listing contradicts itself; the text says how."""


async def list_resources(
    client: ScimClient,
    endpoint: Endpoint,
    *,
    page_size: int,
    convert: Callable[[dict[str, Any]], T],
    scim_filter: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[T]:
    """Return every resource of an endpoint, each once, ordered by id.

    Args:
        client: an entered client; its concurrency bounds the pages read at once.
        endpoint: ``Users`` or ``Groups``.
        page_size: resources asked for per page; the server may send fewer.
        convert: called with each row as it arrives, so that no row needs to be held as it was sent.
        scim_filter: the ``filter`` parameter. Servers return supersets of it or ignore it: check each resource again.
        on_progress: called with the resources received so far and the total; an attempt that starts again starts at 0.

    Raises:
        IncompleteListing: three attempts contradicted themselves.
        ScimError: of any other kind, where a request failed.
    """
    reasons: list[str] = []
    while len(reasons) < _ATTEMPTS:
        attempt = _Attempt(
            client, endpoint, page_size=page_size, convert=convert, scim_filter=scim_filter, progress=on_progress
        )
        try:
            return await attempt.read()
        except _Contradiction as contradiction:
            reasons.append(str(contradiction))
    raise IncompleteListing(endpoint, reasons)


class _Attempt(Generic[T]):
    """One walk over all pages."""

    def __init__(
        self,
        client: ScimClient,
        endpoint: Endpoint,
        *,
        page_size: int,
        convert: Callable[[dict[str, Any]], T],
        scim_filter: str | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._page_size = page_size
        self._convert = convert
        self._filter = scim_filter
        self._progress = progress
        self._found: dict[str, T] = {}
        self._total = 0

    async def read(self) -> list[T]:
        first = await self._page(1, count=self._page_size)
        if first.total is None:
            raise _Contradiction("the server does not tell totalResults")
        self._total = first.total
        self._take(first)
        received = len(first.resources)
        if received < self._total:
            if not received:
                raise _Contradiction(f"the server says that there are {self._total} and sends none")
            await self._read_from(received + 1, step=received)
        elif received and could_be_a_page_limit(received, asked=self._page_size):
            await self._look_past_the_end(received)
        if len(self._found) != self._total:
            raise _Contradiction(
                f"the server says that there are {self._total}, and sent {len(self._found)} with distinct ids"
            )
        return [self._found[resource_id] for resource_id in sorted(self._found)]

    async def _read_from(self, start: int, *, step: int) -> None:
        """Read the remaining pages together, as long as the first, which shows what the server is willing to send."""
        first_page = frozenset(self._found)
        starts = iter(range(start, self._total + 1, step))
        async with together() as group:
            for _ in range(self._client.concurrency):
                group.create_task(self._read_ranges(starts, step, first_page))

    async def _read_ranges(self, starts: Iterator[int], step: int, first_page: frozenset[str]) -> None:
        for start in starts:
            end = min(start + step, self._total + 1)
            position = start
            while position < end:
                page = await self._later_page(position, count=step)
                ids = self._take(page)
                if not ids:
                    raise _Contradiction(f"the page at {position} of {self._total} is empty")
                if first_page.issuperset(ids):
                    raise _Contradiction(f"the page at {position} repeats the first: the server ignores startIndex")
                position += len(page.resources)

    async def _later_page(self, start: int, *, count: int) -> ListPage:
        try:
            page = await self._page(start, count=count)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            # The first page was fine: this one is behind the end of a directory that has become smaller.
            raise _Contradiction(f"the page at {start} of {self._total} is refused: {refusal}") from None
        if page.resources and page.total not in (None, self._total):
            raise _Contradiction(f"totalResults changed from {self._total} to {page.total} while reading")
        return page

    async def _look_past_the_end(self, received: int) -> None:
        """Ask once more after a first page that claims to be everything.

        A server whose ``totalResults`` is the length of the page shows itself by a row that is new, or by another
        total. An honest one sends none, refuses, or repeats what is known. One row is asked for: it proves as much as
        a page, and servers that round ``startIndex`` down to a multiple of ``count`` understand it too. A server that
        ignores both parameters and cuts what it sends cannot be told from one that has no more.
        """
        try:
            beyond = await self._page(received + 1, count=1)
        except Unauthorized:
            raise
        except RequestRefused:
            return
        if not beyond.resources:
            return
        self._take(beyond)
        if len(self._found) > received or beyond.total not in (None, self._total):
            raise _Contradiction(
                f"the server says that there are {received} and then sends more: its totalResults cannot be trusted"
            )

    async def _page(self, start: int, *, count: int) -> ListPage:
        params: dict[str, str | int] = {"startIndex": start, "count": count}
        if self._filter is not None:
            params["filter"] = self._filter
        response = await self._client.get(f"/{self._endpoint}", params)
        return list_page(response.body or {})

    def _take(self, page: ListPage) -> list[str]:
        """Keep the rows that are new, and return the ids of all."""
        ids = []
        for row in page.resources:
            resource_id = _id_of(row)
            ids.append(resource_id)
            if resource_id not in self._found:
                self._found[resource_id] = self._convert(row)
        if self._progress is not None:
            self._progress(min(len(self._found), self._total), self._total)
        return ids


def could_be_a_page_limit(received: int, *, asked: int) -> bool:
    """Tell whether a page of this length may have been cut off there: whether it is full in any sense that is known.

    A page is full when it is as long as what was asked for, or as the server's own limit, which nobody has to tell
    (RFC 7644 §3.4.2.4). Limits are set by people, in round numbers: multiples of 10 or 25, powers of two. A directory
    of 3 or 17 has none of these lengths. The opposite economy would be a false one: to believe ``itemsPerPage``,
    which is the length of the page again in honest answers, or the advertised ``maxResults``, which servers undercut.
    The price of doubt is a request for one length in eight; the price of a listing that is believed and short is
    that the people behind its end are created a second time, or left out of an import and deactivated by the next
    plan.

    Args:
        received: rows on the page, at least one.
        asked: the ``count`` that was asked for.
    """
    return (
        received >= asked or received % 10 == 0 or received % 25 == 0 or (received >= 16 and received.bit_count() == 1)
    )


def _id_of(row: object) -> str:
    resource_id = member(row, "id") if isinstance(row, dict) else None
    if isinstance(resource_id, int) and not isinstance(resource_id, bool):
        resource_id = str(resource_id)
    if not isinstance(resource_id, str) or not resource_id:
        raise _Contradiction("the server sent a resource without an id")
    return resource_id

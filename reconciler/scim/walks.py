"""The ways to walk a listing once. Each proves that what it returns is everything, or says what speaks against it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reconciler.scim.answers import ListPage, list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import RequestRefused, ServerError, Unauthorized
from reconciler.scim.page_lengths import Endpoint, PageLengths, could_be_a_page_limit
from reconciler.scim.tasks import together

T = TypeVar("T")

_MOST_EMPTY_PAGES = 100
_MOST_PAGES = 100_000


class Contradiction(Exception):  # noqa: N818  # never an error by itself: the listing is read again
    """One walk contradicts itself; the text says how."""


class UntrustedTotal(Contradiction):
    """The server sent more than its ``totalResults``, or tells none: what it says cannot prove that this is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """What is listed, and how it is asked for; see :func:`~reconciler.scim.listing.list_resources`."""

    client: ScimClient
    endpoint: Endpoint
    page_size: int
    convert: Callable[[dict[str, Any]], T]
    scim_filter: str | None = None
    excluded: str | None = None
    progress: Callable[[int, int], None] | None = None
    lengths: PageLengths | None = None

    async def page(self, **paging: str | int) -> ListPage:
        """Ask for one page. All parameters but those of paging are the same for each (RFC 9865 §2)."""
        params: dict[str, str | int] = dict(paging)
        if self.scim_filter is not None:
            params["filter"] = self.scim_filter
        if self.excluded is not None:
            params["excludedAttributes"] = self.excluded
        response = await self.client.get(f"/{self.endpoint}", params)
        return list_page(response.body or {})


class Walk(ABC, Generic[T]):
    """One walk over a listing."""

    def __init__(self, listing: Listing[T]) -> None:
        self._listing = listing
        self._found: dict[str, T] = {}
        self._total: int | None = None
        self._received = 0

    @property
    def ids(self) -> frozenset[str]:
        """The ids of what was found so far."""
        return frozenset(self._found)

    async def read(self) -> list[T]:
        """Return every resource once, ordered by id. Raises Contradiction, or ScimError where a request failed."""
        await self._walk()
        return [self._found[resource_id] for resource_id in sorted(self._found)]

    @abstractmethod
    async def _walk(self) -> None:
        """Take all pages, and raise Contradiction unless that was everything."""

    def _take(self, page: ListPage) -> list[str]:
        """Keep the rows that are new, and return the ids of all."""
        ids = []
        for row in page.resources:
            resource_id = _id_of(row)
            ids.append(resource_id)
            if resource_id not in self._found:
                self._found[resource_id] = self._listing.convert(row)
        self._received += len(ids)
        if self._listing.progress is not None:
            self._listing.progress(len(self._found), max(self._total or 0, len(self._found)))
        return ids

    def _check_told(self, page: ListPage) -> None:
        """Hold a walk that ends by itself against the highest ``totalResults`` that it met, if any."""
        if self._total is None and not self._found and not page.listed:
            raise Contradiction("the server tells neither Resources nor totalResults")
        if self._total is not None and len(self._found) < self._total:
            raise Contradiction(self._mismatch(self._total))

    def _check_distinct(self) -> None:
        """Let a resource that came more than once pass only where ``totalResults`` agrees with what is left."""
        if len(self._found) < self._received and self._total != len(self._found):
            raise Contradiction("the server sent the same resource more than once, and no totalResults that agrees")

    def _mismatch(self, total: int) -> str:
        return f"the server says that there are {total}, and sent {len(self._found)} with distinct ids"


class IndexWalk(Walk[T]):
    """Pages by ``startIndex`` and ``count``, walked by the rows received (RFC 7644 §3.4.2.4).

    The proof: every page tells the same ``totalResults``, and as many resources with distinct ids were received. The
    first page shows what the server is willing to send; the others are read together.
    """

    def __init__(self, listing: Listing[T]) -> None:
        super().__init__(listing)
        self._told = 0
        self._counted = True

    async def _walk(self) -> None:
        first = await self._first_page()
        if first.total is None:
            raise (UntrustedTotal if first.resources else Contradiction)("the server does not tell totalResults")
        self._total = self._told = first.total
        self._take(first)
        received = len(first.resources)
        if received < self._told:
            if received:
                await self._read_from(received + 1, step=received)
            elif self._told > 1:
                raise Contradiction(f"the server says that there are {self._told} and sends none")
            if received and len(self._found) < self._told:
                await self._read_overlapped()
            if len(self._found) == self._told - 1:
                await self._look_before_the_first()
        elif received and await self._may_be_cut_off(received):
            await self._look_past_the_end(received)
        if len(self._found) > self._told:
            raise UntrustedTotal(self._mismatch(self._told))
        if len(self._found) < self._told:
            raise Contradiction(self._mismatch(self._told))

    async def _may_be_cut_off(self, received: int) -> bool:
        asked, lengths = self._listing.page_size, self._listing.lengths
        if not could_be_a_page_limit(received, asked=asked):
            return False
        return received >= asked or lengths is None or await lengths.longest() <= received

    async def _first_page(self) -> ListPage:
        page = await self._ask_for_the_first_page()
        if self._listing.lengths is not None:
            self._listing.lengths.saw(self._listing.endpoint, len(page.resources))
        return page

    async def _ask_for_the_first_page(self) -> ListPage:
        try:
            return await self._page(1, count=self._listing.page_size)
        except (ServerError, RequestRefused) as failure:
            if not _may_be_the_count(failure, self._listing):
                raise
            # Some servers cannot take a count at all, and answer 500: they send what they like without one.
            self._counted = False
            try:
                return await self._listing.page()
            except (ServerError, RequestRefused):
                raise failure from None

    async def _read_from(self, start: int, *, step: int) -> None:
        """Read the remaining pages together, as long as the first, which shows what the server is willing to send."""
        first_page = frozenset(self._found)
        starts = iter(range(start, self._told + 1, step))
        async with together() as group:
            for _ in range(self._listing.client.concurrency):
                group.create_task(self._read_ranges(starts, step, first_page))

    async def _read_ranges(self, starts: Iterator[int], step: int, first_page: frozenset[str]) -> None:
        for start in starts:
            end = min(start + step, self._told + 1)
            position = start
            while position < end:
                page = await self._later_page(position, count=step)
                ids = self._take(page)
                if not ids and position == self._told:
                    return  # the very last row: it may be the first that is missing, see _look_before_the_first
                if not ids:
                    raise Contradiction(f"the page at {position} of {self._told} is empty")
                if first_page.issuperset(ids):
                    raise Contradiction(
                        f"the page at {position} repeats the first: the server ignores startIndex. Where it has no "
                        "listing, state `paging: filter-only` under `capabilities`"
                    )
                position += len(page.resources)

    async def _read_overlapped(self) -> None:
        """Read on behind the end, where pages that overlap have pushed the last rows."""
        position = self._told + 1
        known = -1
        while known < len(self._found) < self._told:
            known = len(self._found)
            try:
                position += len(self._take(await self._page(position, count=self._listing.page_size)))
            except Unauthorized:
                raise
            except RequestRefused:
                return

    async def _look_before_the_first(self) -> None:
        """Ask for the row at 0 where a single one is missing: some servers count from there.

        RFC 7644 §3.4.2.4 counts from 1 and takes 0 for 1, so all others send a row that is known.
        """
        try:
            self._take(await self._page(0, count=1))
        except Unauthorized:
            raise
        except RequestRefused:
            return

    async def _later_page(self, start: int, *, count: int) -> ListPage:
        try:
            page = await self._page(start, count=count)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            # The first page was fine: this one is behind the end of a directory that has become smaller.
            raise Contradiction(f"the page at {start} of {self._told} is refused: {refusal}") from None
        if page.resources and page.total not in (None, self._told):
            raise Contradiction(f"totalResults changed from {self._told} to {page.total} while reading")
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
        if len(self._found) > received or beyond.total not in (None, self._told):
            raise UntrustedTotal(
                f"the server says that there are {received} and then sends more: its totalResults cannot be trusted"
            )

    async def _page(self, start: int, *, count: int) -> ListPage:
        if not self._counted:
            return await self._listing.page(startIndex=start)
        return await self._listing.page(startIndex=start, count=count)


class OpenEndedWalk(Walk[T]):
    """Pages by ``startIndex`` until the server has no more, for a server whose ``totalResults`` proves nothing.

    Some send the length of the page, some too few, some none (wso2/product-is issue 7320, better-auth/better-auth
    issue 10398). The proof is weaker than a total: an explicit end, a page without rows or with known ones only behind
    pages that brought new ones; and never fewer than any ``totalResults``. The caller asks for it twice.
    """

    async def _walk(self) -> None:
        beginning = None
        for number in range(_MOST_PAGES):
            page = await self._next_page()
            self._total = max((total for total in (self._total, page.total) if total is not None), default=None)
            known = len(self._found)
            ids = self._take(page)
            if not ids:
                return self._check_told(page)
            beginning = beginning or ids[0]
            if number and ids[0] == beginning and (number == 1 or len(self._found) > known):
                raise Contradiction(
                    f"the page at {known + 1} repeats the first, and no totalResults says whether that is all. "
                    "Where one answer holds everything, state `paging: none` under `capabilities`"
                )
            if len(self._found) == known:
                return self._check_told(page)
        raise Contradiction(f"there is no end of it after {_MOST_PAGES} pages")

    async def _next_page(self) -> ListPage:
        start = self._received + 1
        try:
            return await self._listing.page(startIndex=start, count=self._listing.page_size)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            if start == 1:
                raise
            raise Contradiction(f"the page at {start} is refused: {refusal}") from None


class CursorWalk(Walk[T]):
    """Pages by ``cursor`` and ``count``, one after the other (RFC 9865 §2).

    The proof: the last page has no ``nextCursor``, all ids are distinct, and there are as many as ``totalResults``
    says, which servers may leave out.
    """

    async def _walk(self) -> None:
        cursor, seen, empty = "", {""}, 0
        while True:
            page = await self._page(cursor)
            self._total = max((total for total in (self._total, page.total) if total is not None), default=None)
            empty = 0 if self._take(page) else empty + 1
            if page.next_cursor is None:
                self._check_told(page)
                return self._check_distinct()
            cursor = page.next_cursor
            if cursor in seen or empty > _MOST_EMPTY_PAGES:
                raise Contradiction("the cursors of the server go round in circles")
            seen.add(cursor)

    async def _page(self, cursor: str) -> ListPage:
        try:
            # An empty cursor asks for the first page, also where the server's own choice would be the index.
            return await self._listing.page(cursor=cursor, count=self._listing.page_size)
        except Unauthorized:
            raise
        except RequestRefused as refusal:
            if not cursor:
                raise
            # expiredCursor, invalidCursor: only a walk from the beginning can be whole.
            raise Contradiction(f"the server does not know its cursor any more: {refusal}") from None


class WholeAnswer(Walk[T]):
    """No paging at all: one answer holds everything, and ``totalResults``, where there is one, must agree."""

    async def _walk(self) -> None:
        page = await self._listing.page()
        self._total = page.total
        self._take(page)
        if page.next_cursor is not None:
            raise Contradiction("one answer should hold everything, and it names a next page")
        if self._total is not None and self._total != len(self._found):
            raise Contradiction(self._mismatch(self._total))
        self._check_told(page)
        self._check_distinct()


def _may_be_the_count(failure: ServerError | RequestRefused, listing: Listing[Any]) -> bool:
    """Tell whether a first page may have failed for its ``count``; a filter would be the likelier cause."""
    return listing.scim_filter is None and (isinstance(failure, ServerError) or failure.status == 400)


def _id_of(row: object) -> str:
    resource_id = member(row, "id") if isinstance(row, dict) else None
    if isinstance(resource_id, int) and not isinstance(resource_id, bool):
        resource_id = str(resource_id)
    if not isinstance(resource_id, str) or not resource_id:
        raise Contradiction("the server sent a resource without an id")
    return resource_id

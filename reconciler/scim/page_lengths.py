"""How long the pages are that a server sends, and which of them may have been cut off.

Some servers send the length of the page as ``totalResults``, for filters only or for everything (wso2/product-is
issues 7320 and 12717, better-auth/better-auth issue 10398): a page then looks complete whatever is behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal, TypeAlias

Endpoint: TypeAlias = Literal["Users", "Groups"]


class PageLengths:
    """The lengths of the first pages of listings that are read side by side.

    A server that has sent a longer page in one listing does not cut off another one at a shorter length. So of all
    listings of a read, one at most costs the request that looks behind its end.

    Args:
        endpoints: those that are read; each has to be told of by :meth:`saw` or :meth:`over`.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._open = {endpoint: asyncio.Event() for endpoint in endpoints}
        self._longest = 0

    def saw(self, endpoint: Endpoint, received: int) -> None:
        """Take note of a first page of so many rows."""
        self._longest = max(self._longest, received)
        self._open[endpoint].set()

    def over(self, endpoint: Endpoint) -> None:
        """Take note that no page comes any more from there, whatever became of it."""
        self._open[endpoint].set()

    async def longest(self) -> int:
        """Return the rows of the longest page, as soon as all listings have had their first."""
        for arrived in self._open.values():
            await arrived.wait()
        return self._longest


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

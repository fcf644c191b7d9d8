"""Listing all resources of an endpoint: proven complete, or an error.

Pages by index are proven by ``totalResults``: every page tells the same, and as many resources with distinct ids were
received. Cursors are proven by the last page, which names no next one. Whatever contradicts the proof means that the
directory moved or the server lies, which look alike from here: the listing is read again, a few times, and then it is
an error. One lie can be lived with: a ``totalResults`` that is too low or missing. Such a listing is read until the
server has no more, twice, and counts when both readings hold the same resources. A ``totalResults`` that is higher
than what comes is never forgiven, because somebody is missing then.

What a listing costs is exact: a request per page, one for an empty listing. A single page needs a closer look, because
some servers send the length of the page as ``totalResults``, for filters only or for everything (wso2/product-is
issues 7320 and 12717, better-auth/better-auth issue 10398): it then looks complete whatever is behind it. Only a page
that is full can be such a one, so one request more is spent where its length could be a limit, and none where it
could not: see :mod:`reconciler.scim.page_lengths`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reconciler.capabilities import Paging
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import IncompleteListing, NoListing
from reconciler.scim.page_lengths import Endpoint, PageLengths, could_be_a_page_limit
from reconciler.scim.walks import (
    Contradiction,
    CursorWalk,
    IndexWalk,
    Listing,
    OpenEndedWalk,
    UntrustedTotal,
    Walk,
    WholeAnswer,
)

__all__ = ["Endpoint", "could_be_a_page_limit", "list_resources"]

T = TypeVar("T")

_ATTEMPTS = 3
_WALKS: dict[Paging, type[Walk[Any]]] = {
    Paging.INDEX: IndexWalk,
    Paging.CURSOR: CursorWalk,
    Paging.NONE: WholeAnswer,
    Paging.FILTER_ONLY: WholeAnswer,
}


async def list_resources(
    client: ScimClient,
    endpoint: Endpoint,
    *,
    page_size: int,
    convert: Callable[[dict[str, Any]], T],
    paging: Paging = Paging.INDEX,
    scim_filter: str | None = None,
    excluded: str | None = None,
    lengths: PageLengths | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
) -> list[T]:
    """Return every resource of an endpoint, each once, ordered by id.

    Args:
        client: an entered client; its concurrency bounds the pages read at once.
        endpoint: ``Users`` or ``Groups``.
        page_size: resources asked for per page; the server may send fewer.
        convert: called with each row as it arrives, so that no row needs to be held as it was sent.
        paging: how the pages are walked.
        scim_filter: the ``filter`` parameter. Servers return supersets of it or ignore it: check each resource again.
        excluded: the ``excludedAttributes`` parameter (RFC 7644 §3.9).
        lengths: what the listings that are read beside this one show of the server's pages.
        on_progress: called with the resources received so far and the total; an attempt that starts again starts at 0.
        on_note: told what the server does that it should not.

    Raises:
        NoListing: there is nothing but filters, and none was given.
        IncompleteListing: all attempts contradicted themselves.
        ScimError: of any other kind, where a request failed.
    """
    if paging is Paging.FILTER_ONLY and scim_filter is None:
        raise NoListing(endpoint)
    listing = Listing(
        client=client,
        endpoint=endpoint,
        page_size=page_size,
        convert=convert,
        scim_filter=scim_filter,
        excluded=excluded,
        progress=on_progress,
        lengths=lengths,
    )
    reasons: list[str] = []
    doubts = 0
    while len(reasons) < _ATTEMPTS:
        try:
            found: list[T] = await _WALKS[paging](listing).read()
        except UntrustedTotal as doubt:
            reasons.append(str(doubt))
            doubts += 1
            # Once may be a resource that was created meanwhile.
            if doubts > 1:
                return await _read_twice(listing, reasons, on_note)
        except Contradiction as contradiction:
            reasons.append(str(contradiction))
        else:
            return found
    raise IncompleteListing(endpoint, reasons)


async def _read_twice(listing: Listing[T], reasons: list[str], on_note: Callable[[Diagnostic], None] | None) -> list[T]:
    """Read to the end, and again: only when both readings hold the same resources, nothing moved in between."""
    before: frozenset[str] | None = None
    for _ in range(_ATTEMPTS):
        walk = OpenEndedWalk(listing)
        try:
            found = await walk.read()
        except Contradiction as contradiction:
            reasons.append(str(contradiction))
            before = None
            continue
        if walk.ids == before:
            if on_note is not None:
                on_note(_untrusted(listing.endpoint, reasons[0]))
            return found
        if before is not None:
            reasons.append("two readings to its end hold different resources, and no totalResults can be trusted")
        before = walk.ids
        del found
    raise IncompleteListing(listing.endpoint, reasons)


def _untrusted(endpoint: Endpoint, reason: str) -> Diagnostic:
    return Diagnostic(
        code="untrusted-total",
        message=f"/{endpoint}: {reason}. It was read to its end twice, and was the same both times",
        severity=Severity.NOTE,
    )

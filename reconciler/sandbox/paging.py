"""One page of a listing: by index (RFC 7644 §3.4.2.4), by cursor (RFC 9865), or as a dialect has it."""

from __future__ import annotations

import base64
import binascii
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import attrgetter

import msgspec

from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.behaviour.definition import Listing
from reconciler.sandbox.errors import RequestRefusedError, invalid_value
from reconciler.sandbox.records import Record

_number = attrgetter("number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one answer to a listing holds.

    Attributes:
        records: the resources, in order.
        facts: what is said of the page: ``totalResults``, ``startIndex``, ``itemsPerPage``, ``nextCursor``.
    """

    records: Sequence[Record]
    facts: Mapping[str, int | str] = field(default_factory=dict)


class _Cursor(msgspec.Struct, array_like=True, frozen=True):
    """Where a walk stands.

    It names a resource and not a place in a list, so that what comes and goes before it shifts nothing, and it needs no
    memory in the server: the same cursor can be asked for twice, which is what a client does whose answer was lost.
    """

    listing: str
    after: int
    issued: float

    def encode(self) -> str:
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> _Cursor | None:
        try:
            padded = text + "=" * (-len(text) % 4)
            return msgspec.msgpack.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=cls)
        except (binascii.Error, ValueError, msgspec.DecodeError):
            return None


def page(kind: Kind, found: Sequence[Record], query: Mapping[str, str], behaviour: Behaviour) -> Page:
    """Return the page of a listing that a request asks for.

    Args:
        kind: what is listed.
        found: all that its filter matches, in the order of creation.
        query: the parameters of the request.
        behaviour: the rules.

    Raises:
        RequestRefusedError: a number is none; ``invalidCursor``, ``expiredCursor`` or ``invalidCount`` (RFC 9865 §2.1);
            or there is no such listing.
    """
    if not query.get("filter"):
        if behaviour.listing is Listing.REFUSED:
            raise RequestRefusedError(400, "a filter that names one resource is required", "invalidFilter")
        if behaviour.listing is Listing.FIRST:
            found = found[:1]
    if behaviour.listing is Listing.WHOLE:
        return Page(records=found, facts={"totalResults": len(found), "startIndex": 1, "itemsPerPage": len(found)})
    by_cursor = "cursor" in query or (not behaviour.index_paging and behaviour.cursor_limit)
    if by_cursor and behaviour.cursor_limit:
        return _by_cursor(kind, found, query, behaviour)
    return _by_index(found, query, behaviour)


def _by_index(found: Sequence[Record], query: Mapping[str, str], behaviour: Behaviour) -> Page:
    limit = behaviour.page_limit
    start = max(_integer(query, "startIndex", default=1), 1)
    count = min(max(_integer(query, "count", default=behaviour.page_default or limit), 0), limit)
    records = found[start - 1 : start - 1 + count]
    return Page(records=records, facts={"totalResults": len(found), "startIndex": start, "itemsPerPage": len(records)})


def _by_cursor(kind: Kind, found: Sequence[Record], query: Mapping[str, str], behaviour: Behaviour) -> Page:
    count = _cursor_count(query, behaviour)
    listing = _digest(kind, query)
    start = 0
    text = query.get("cursor")
    if text:
        cursor = _Cursor.decode(text)
        if cursor is None or cursor.listing != listing:
            raise RequestRefusedError(400, "the cursor belongs to no listing, or to another one", "invalidCursor")
        if time.time() - cursor.issued >= behaviour.cursor_seconds:
            raise RequestRefusedError(400, "the cursor has expired; start again without one", "expiredCursor")
        start = bisect_right(found, cursor.after, key=_number)
    records = found[start : start + count]
    facts: dict[str, int | str] = {"totalResults": len(found)} if behaviour.cursor_totals else {}
    facts["itemsPerPage"] = len(records)
    if records and start + count < len(found):
        facts["nextCursor"] = _Cursor(listing, records[-1].number, time.time()).encode()
    return Page(records=records, facts=facts)


def _cursor_count(query: Mapping[str, str], behaviour: Behaviour) -> int:
    limit = behaviour.cursor_limit
    try:
        count = _integer(query, "count", default=limit)
    except RequestRefusedError as error:
        raise RequestRefusedError(400, error.detail, "invalidCount") from error
    if behaviour.cursor_count_checked and not 1 <= count <= limit:
        raise RequestRefusedError(400, f"count must be between 1 and {limit}", "invalidCount")
    return min(max(count, 0), limit)


def _digest(kind: Kind, query: Mapping[str, str]) -> str:
    """Return what is the same for all pages of one listing: its parameters, apart from where the page begins."""
    stated = sorted((name, value) for name, value in query.items() if name not in ("cursor", "count", "startIndex"))
    return blake2b(msgspec.json.encode([kind, stated]), digest_size=6).hexdigest()


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise invalid_value(f"{name} must be a whole number") from None

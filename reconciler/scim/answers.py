"""Reading what servers answer, laxly: the one place that forgives.

Names in any case, numbers sent as strings, a bare list where a ListResponse belongs. Values of resources are left
alone here; :func:`reconciler.attributes.canonical` knows what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.attributes import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of a listing (RFC 7644 §3.4.2).

    Attributes:
        total: ``totalResults``, or ``None`` where it is missing or no count.
        resources: the rows as sent, in order. Rows are not checked.
        listed: whether there was a list of rows at all, be it an empty one.
        next_cursor: ``nextCursor`` (RFC 9865 §2), or ``None`` where this is the last page, or there are no cursors.
    """

    total: int | None
    resources: list[Any]
    listed: bool = True
    next_cursor: str | None = None


def member(document: Mapping[str, Any], name: str) -> Any:
    """Return the value of ``name`` in any case (RFC 7643 §2.1), or ``None``."""
    if name in document:
        return document[name]
    wanted = fold(name)
    return next((value for key, value in document.items() if fold(key) == wanted), None)


def list_page(body: Mapping[str, Any]) -> ListPage:
    """Read a ListResponse. Without ``Resources`` it has no rows, as RFC 7644 §3.4.2 allows for an empty one."""
    resources = member(body, "Resources")
    cursor = member(body, "nextCursor")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        cursor = str(cursor)
    return ListPage(
        total=count(member(body, "totalResults")),
        resources=resources if isinstance(resources, list) else [],
        listed=isinstance(resources, list),
        next_cursor=cursor if isinstance(cursor, str) and cursor else None,
    )


def count(value: object) -> int | None:
    """Return a number of things that was sent as a number or as a string of digits, else ``None``."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value // 1:
        return None
    return int(value)


def flag(value: object) -> bool | None:
    """Return a boolean that was sent as one or as a string, else ``None``."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def error_facts(body: object) -> tuple[str | None, str | None]:
    """Return ``scimType`` and ``detail`` of an error answer (RFC 7644 §3.12), or the message of a server's own form."""
    if not isinstance(body, Mapping):
        return None, None
    scim_type = member(body, "scimType")
    words = (member(body, name) for name in ("detail", "message", "error_description", "error", "title"))
    detail = next((text for text in words if isinstance(text, str) and text), None)
    return scim_type if isinstance(scim_type, str) and scim_type else None, detail

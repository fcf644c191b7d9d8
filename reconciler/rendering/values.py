"""Attribute values in one line: SCIM's JSON, written for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.rendering.escape import quoted, safe, shorten

UNSET = "(unset)"
_DEEPEST = 6
_ITEMS = 20


def inline(value: Any, limit: int | None) -> str:
    """Return one value in one safe line of about ``limit`` characters.

    Strings are quoted, an unassigned value is ``(unset)``, an element of a multi-valued attribute leads with its
    ``value``: ``["ada@example.com" (type "work", primary)]``.
    """
    if isinstance(value, str):
        # Cut before escaping, which a value of a million characters would make slow, and after, where it grew.
        return shorten(quoted(shorten(value, limit)), limit and 2 * limit)
    return shorten(_inline(value, limit, 0), limit and 2 * limit)


def inline_pair(before: Any, after: Any, limit: int | None) -> tuple[str, str]:
    """Return two values side by side. Long texts are cut where they are equal, so that the difference stays visible."""
    if isinstance(before, str) and isinstance(after, str) and limit and max(len(before), len(after)) > limit:
        before, after = _without_common(before, after, limit // 4)
    return inline(before, limit), inline(after, limit)


def _inline(value: Any, limit: int | None, depth: int) -> str:
    if value is None:
        return UNSET
    if isinstance(value, str):
        return quoted(shorten(value, limit))
    if isinstance(value, (list, tuple, Mapping)) and depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return _inline_complex(value, limit, depth)
    if isinstance(value, (list, tuple)):
        shown = value if limit is None else value[:_ITEMS]
        items = [_inline(item, limit, depth + 1) for item in shown]
        if len(shown) < len(value):
            items.append(f"… and {len(value) - len(shown):,} more")
        return f"[{', '.join(items)}]"
    return safe(json.dumps(value, default=str))


def _inline_complex(value: Mapping[str, Any], limit: int | None, depth: int) -> str:
    subs = [
        safe(name) if item is True else f"{safe(name)} {_inline(item, limit, depth + 1)}"
        for name, item in value.items()
        if name != "value"
    ]
    if "value" not in value:
        return f"{{{', '.join(subs)}}}"
    lead = _inline(value["value"], limit, depth + 1)
    return f"{lead} ({', '.join(subs)})" if subs else lead


def _without_common(before: str, after: str, context: int) -> tuple[str, str]:
    head = _common(before, after)
    shorter = min(len(before), len(after)) - head
    tail = min(shorter, _common(before[::-1], after[::-1]))
    return _cropped(before, head, tail, context), _cropped(after, head, tail, context)


def _common(one: str, other: str) -> int:
    """Return how many characters both texts begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _cropped(text: str, head: int, tail: int, context: int) -> str:
    start, end = text[:head], text[len(text) - tail :] if tail else ""
    return shorten(start, context) + text[head : len(text) - tail] + shorten(end, context)

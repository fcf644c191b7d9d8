"""When two values of an attribute are the same one for SCIM; imported from :mod:`reconciler.attributes`."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.attributes import Attribute


def fold(text: str) -> str:
    """Return the form under which two strings are equal for SCIM's case-insensitive attributes.

    Case folded, and composed (NFC) so that the two ways to write ``é`` are one name.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def unassigned(value: object) -> bool:
    """Tell whether a value means "no value": null, absent and empty are the same state (RFC 7643 §2.5)."""
    return value is None or (isinstance(value, (list, dict, tuple)) and not value)


def canonical(value: Any, attribute: Attribute | None) -> Any:
    """Return a hashable form of a value, so that two values are equal for SCIM when their forms are.

    Folds strings unless ``caseExact``, reads booleans and numbers that a lax server sent as strings, compares
    dateTimes as instants, ignores the order and repetitions of multi-valued attributes (RFC 7643 §2.4), sub-attributes
    that are unassigned, and ``primary: false``. Sub-attributes that cannot be read back are left out. An attribute
    without a definition is compared exactly.

    Args:
        value: in SCIM's JSON form.
        attribute: its definition, or ``None`` where the schema has none.
    """
    if unassigned(value):
        return None
    if isinstance(value, list):
        # A repr key: canonical forms of mixed types have no order of their own.
        return tuple(sorted({canonical(item, attribute) for item in value}, key=repr))
    if isinstance(value, dict):
        return _canonical_complex(value, attribute)
    return _canonical_simple(value, attribute)


def _canonical_complex(value: Mapping[str, Any], attribute: Attribute | None) -> Any:
    form: dict[str, Any] = {}
    for name, item in value.items():
        key = fold(name)
        definition = attribute.sub_attributes.get(key) if attribute else None
        if definition is not None and not definition.comparable:
            continue
        item_form = canonical(item, definition)
        if item_form is None or (key == "primary" and item_form is False):
            continue
        form[key] = item_form
    return tuple(sorted(form.items(), key=lambda pair: pair[0])) or None


def _canonical_simple(value: Any, attribute: Attribute | None) -> Any:
    if attribute is None or (isinstance(value, bool) and attribute.type == "boolean"):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    match attribute.type:
        case "boolean":
            return {"true": True, "false": False}.get(text.lower(), value)
        case "integer" | "decimal":
            return _number(text)
        case "dateTime":
            return _instant(text)
        case "string" if not attribute.case_exact:
            return fold(text)
    return text


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    # "nan" is equal to nothing, not even to itself: as a number it would differ for ever.
    return number if math.isfinite(number) else text


def _instant(text: str) -> Any:
    try:
        moment = datetime.fromisoformat(text)
        # In UTC, so that equal instants also have the same text in a digest.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return text

"""Whole numbers that are written with a point."""

from __future__ import annotations

from typing import Any


def with_whole_numbers(value: Any) -> Any:
    """Return a value with whole numbers as ``int``: 5.0 is an integer for JSON Schema, and for Python it is not."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: with_whole_numbers(item) for key, item in value.items()}
        case list():
            return [with_whole_numbers(item) for item in value]
    return value

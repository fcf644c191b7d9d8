"""How messages name values and places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def either(words: Sequence[str]) -> str:
    """Return alternatives as people write them: ``env, file or command``."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def path_text(path: Iterable[str | int]) -> str:
    """Return a path as people write it: ``emails[0].value``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def what(value: Any) -> str:
    """Return what a value from YAML is, as the end of "must be …, not …"."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return "text"
        case list():
            return "a list"
    return "a mapping"

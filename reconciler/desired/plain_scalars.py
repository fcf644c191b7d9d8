"""What an unquoted YAML scalar means here: as little as possible.

YAML 1.1 reads ``no`` as false, ``12:30:00`` as 45000 and ``1_000`` as 1000. Here only ``true``, ``false``, ``null``
(also ``~`` and nothing at all) and numbers in their plain form have a meaning; all else is the text as written.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}

MISSPELT: Final[dict[str, str]] = {
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    "Null": "null",
    "NULL": "null",
}
"""Unquoted words of which nobody can tell whether the value or the text is meant, and the value they resemble."""


def resolve(text: str) -> Scalar:
    """Return the value of an unquoted scalar.

    A number is a number only when it prints back exactly as it was written, so that a number where text is wanted
    (``externalId: 1001``) can be taken as its text without loss: ``0123``, ``1e3`` and ``1.10`` stay text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-0123456789":
        return text
    return _number(text)


def _number(text: str) -> int | float | str:
    try:
        integer = int(text)
    except ValueError:
        pass
    else:
        return integer if str(integer) == text else text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) and repr(number) == text else text

"""Which resource goes into which file. Pure, and safe for every file system."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from reconciler.attributes import fold

OTHER = "other"
"""The file of users without a department, and of names that give no file name."""

_DIGITS = "0-9"
_MAX_SLUG_BYTES = 120
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")})
"""Names that Windows keeps for devices, whatever the suffix."""

_INVISIBLE = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})

Item = dict[str, Any]


class Split(StrEnum):
    """How an import spreads resources over files."""

    DEPARTMENT = "department"
    """A file of users per department; all groups in one."""
    LETTER = "letter"
    """A file per first letter of userName or displayName."""
    NONE = "none"
    """One file of users and one of groups."""


def lay_out(users: Iterable[Item], groups: Iterable[Item], split: Split) -> dict[str, tuple[str, list[Item]]]:
    """Return, per file of the workspace, its key (``users`` or ``groups``) and its items in their order.

    Paths use ``/`` and lack the suffix, in the order of the first item.
    """
    files: dict[str, tuple[str, list[Item]]] = {}
    for key, items, place in (
        ("users", users, _user_place(split)),
        ("groups", groups, (lambda group: f"groups/{letter(group['displayName'])}") if split is Split.LETTER else None),
    ):
        for item in items:
            path = place(item) if place else key
            files.setdefault(path, (key, []))[1].append(item)
    return files


def _user_place(split: Split) -> Callable[[Item], str] | None:
    match split:
        case Split.DEPARTMENT:
            return lambda user: f"users/{slug(user.get('department') or '')}"
        case Split.LETTER:
            return lambda user: f"users/{letter(user['userName'])}"
        case Split.NONE:
            return None


def slug(text: str) -> str:
    """Return a name that a file can have anywhere: folded letters, digits and hyphens, at most 120 bytes.

    Letters of every script stay as they are. Texts that give the same name share a file, so names that differ only in
    letter case or punctuation never meet as two files.
    """
    name = "-".join(_words(text)).encode()[:_MAX_SLUG_BYTES].decode(errors="ignore").rstrip("-")
    # No other slug ends with a hyphen.
    return f"{name}-" if name in _RESERVED else name or OTHER


def letter(name: str) -> str:
    """Return the name of the file that a name's first letter belongs to: the letter, ``0-9`` or ``other``."""
    words = _words(name)
    if not words:
        return OTHER
    first = words[0][0]
    return {"L": first, "N": _DIGITS}.get(unicodedata.category(first)[0], OTHER)


def _words(text: str) -> list[str]:
    folded = fold(unicodedata.normalize("NFKC", text))
    visible = (character for character in folded if unicodedata.category(character) not in _INVISIBLE)
    return "".join(character if unicodedata.category(character)[0] in "LNM" else " " for character in visible).split()

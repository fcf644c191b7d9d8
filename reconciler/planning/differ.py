"""One generic, typed, pure difference between two keyed collections; users, groups and memberships share it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Current = TypeVar("Current")
Wanted = TypeVar("Wanted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Generic[Key, Current, Wanted]):
    """What separates the current from the desired.

    Attributes:
        add: desired and not current.
        delete: current and not desired.
        change: in both, and not equal.
        identical: in both, and equal.
    """

    add: dict[Key, Wanted]
    delete: dict[Key, Current]
    change: dict[Key, tuple[Current, Wanted]]
    identical: dict[Key, tuple[Current, Wanted]]


def diff(
    current: Mapping[Key, Current],
    desired: Mapping[Key, Wanted],
    equal: Callable[[Current, Wanted], bool],
) -> Difference[Key, Current, Wanted]:
    """Compare two collections by key. The order of each result is that of its collection; no input is changed."""
    change: dict[Key, tuple[Current, Wanted]] = {}
    identical: dict[Key, tuple[Current, Wanted]] = {}
    add: dict[Key, Wanted] = {}
    for key, wanted in desired.items():
        if key not in current:
            add[key] = wanted
            continue
        found = current[key]
        (identical if equal(found, wanted) else change)[key] = (found, wanted)
    delete = {key: found for key, found in current.items() if key not in desired}
    return Difference(add=add, delete=delete, change=change, identical=identical)

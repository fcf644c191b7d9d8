"""What changed inside a value, in phrases for a person: `work: old@example.com → new@example.com`.

An element of a multi-valued attribute goes by its type or its value, never by its number: lists of SCIM have no order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from reconciler.equality import fold

_Element: TypeAlias = Mapping[str, Any]


def explain(before: Any, after: Any) -> tuple[str, ...]:
    """Return what changed inside a multi-valued or complex value, a phrase per difference; nothing for simple ones.

    A phrase begins with ``+``, ``-`` or ``~``. Of a part it says to which element it belongs, by type or value.
    """
    if not isinstance(before, (list, dict)) or not isinstance(after, (list, dict)):
        return ()
    if isinstance(before, list) and isinstance(after, list) and _complex(before) and _complex(after):
        return tuple(_elements(before, after))
    from deepdiff import DeepDiff  # costs 0.4 s to import, and most plans have no such change

    difference = DeepDiff(before, after, ignore_order=True, view="tree", verbose_level=2)
    return tuple(sorted(_phrase(kind, level) for kind, levels in difference.items() for level in levels))


def _complex(elements: Sequence[Any]) -> bool:
    return all(isinstance(element, Mapping) for element in elements)


def _elements(before: Sequence[_Element], after: Sequence[_Element]) -> Iterator[str]:
    """Yield the differences of two lists of complex values, in the order of the second; what is gone comes last."""
    gone, partners = _pairs(before, after)
    for new, old in zip(after, partners, strict=True):
        if old is None:
            yield f"+ {_written(new)}"
        else:
            yield from _parts(old, new)
    yield from (f"- {_written(old)}" for old in gone)


def _pairs(before: Sequence[_Element], after: Sequence[_Element]) -> tuple[list[_Element], list[_Element | None]]:
    """Return what has no partner any more, and for each new element the old one that it goes on from.

    That is an equal one, one of the same value, one of the same type, or the only one where only one is left.
    """
    gone: list[_Element] = list(before)
    partners: list[_Element | None] = [None] * len(after)
    for alike in (_equal, _same("value"), _same("type")):
        for position, new in enumerate(after):
            old = None if partners[position] is not None else next((one for one in gone if alike(one, new)), None)
            if old is not None:
                partners[position] = old
                gone = [one for one in gone if one is not old]
    open_positions = [position for position, partner in enumerate(partners) if partner is None]
    if len(gone) == len(open_positions) == 1 and "type" not in after[open_positions[0]] and "type" not in gone[0]:
        partners[open_positions[0]] = gone.pop()
    return gone, partners


def _equal(old: _Element, new: _Element) -> bool:
    return old == new


def _same(sub: str) -> Callable[[_Element, _Element], bool]:
    def alike(old: _Element, new: _Element) -> bool:
        one, other = old.get(sub), new.get(sub)
        return isinstance(one, str) and isinstance(other, str) and fold(one) == fold(other)

    return alike


def _parts(old: _Element, new: _Element) -> Iterator[str]:
    for name in dict.fromkeys((*new, *old)):
        if old.get(name) == new.get(name):
            continue
        place = _place(new, name)
        if name not in old:
            yield f"+ {place}{_short(new[name])}"
        elif name not in new:
            yield f"- {place}{_short(old[name])}"
        else:
            yield f"~ {place}{_short(old[name])} → {_short(new[name])}"


def _place(element: _Element, part: str) -> str:
    """Return how a part of an element is called: the value by the element's type, all else behind its value."""
    kind, value = element.get("type"), element.get("value")
    if part == "value":
        return f"{kind}: " if isinstance(kind, str) else ""
    called = next((one for one in (value, None if part == "type" else kind) if isinstance(one, str)), None)
    return f"{part}: " if called is None else f"{called} {part}: "


def _written(element: _Element) -> str:
    """Return a whole element, its value first: ``ada@example.com (type work, primary)``."""
    subs = ", ".join(
        name if item is True else f"{name} {_short(item)}" for name, item in element.items() if name != "value"
    )
    if "value" not in element:
        return subs or "{}"
    value = _short(element["value"])
    return f"{value} ({subs})" if subs else value


def _phrase(kind: str, level: Any) -> str:
    place = ".".join(str(key) for key in level.path(output_format="list") if not isinstance(key, int))
    place = f"{place}: " if place else ""
    if kind in ("iterable_item_added", "dictionary_item_added"):
        return f"+ {place}{_short(level.t2)}"
    if kind in ("iterable_item_removed", "dictionary_item_removed"):
        return f"- {place}{_short(level.t1)}"
    return f"~ {place}{_short(level.t1)} → {_short(level.t2)}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(item)}" for name, item in sorted(value.items()))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Drift as text for a terminal, and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

import msgspec

from reconciler.planning.drift import Drift, Item, Sort
from reconciler.planning.plan import Action, Pending, Reason
from reconciler.rendering.escape import address_label, label, safe
from reconciler.rendering.style import Style
from reconciler.rendering.values import inline, inline_pair
from reconciler.rendering.words import counted

_SHOWN = 20
"""Differences of one resource that are shown before they are folded."""

_TITLES: Mapping[Sort, str] = MappingProxyType(
    {
        Sort.DRIFT: "Changed in the directory",
        Sort.BOTH: "Changed in the directory, and in the files to something else",
        Sort.PENDING: "Pending from the files",
        Sort.UNKNOWN: "Of unknown origin: nothing tells what the last run left",
    }
)
"""The sections, in their order."""


def render_drift(drift: Drift, *, color: bool, full: bool = False, width: int | None = None) -> str:
    """Return drift as text: what the directory changed, what the files want, what was adopted, and the numbers.

    Args:
        drift: the document; every text in it is shown with its control and invisible characters escaped.
        color: whether to use ANSI sequences.
        full: name accepted drift too, show all differences of a resource, and every value whole. Otherwise at most 20
            of each resource are shown, and long values are cut in the middle.
        width: columns of the terminal, by which long values are cut; ``None`` where there is none.

    Returns:
        Lines that end in a newline. The last one is ``drift.summary`` to the letter, never coloured.
    """
    style = Style.fitting(color=color, full=full, width=width)
    lines = [*_header(drift, style)]
    for sort, title in _TITLES.items():
        lines += _section(title, drift.of(sort), style)
    lines += _section("Adopted: changed in the directory, and the files accept it now", drift.adopted, style)
    lines += _waiting(drift.waiting, style)
    if full:
        lines += _section("Accepted", drift.accepted, style)
    elif drift.accepted:
        lines += [f"{counted(len(drift.accepted), 'accepted difference')} not shown (--full shows all)", ""]
    for note in drift.notes:
        lines += [f"{style.palette.paint(style.palette.change, '!')} {safe(note.message)}", ""]
    return "\n".join([*lines, drift.summary]) + "\n"


def drift_document(drift: Drift) -> dict[str, Any]:
    """Return the JSON form of drift: the document field by field, and the numbers of its last line."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(drift))
    counts = {sort.value: len(drift.of(sort)) for sort in Sort}
    return {**document, "format": drift.format, "summary": {**counts, "accepted": len(drift.accepted)}}


def _header(drift: Drift, style: Style) -> Iterator[str]:
    palette = style.palette
    last = "none is known"
    if drift.last_run is not None:
        last = f"{safe(drift.last_run)} as of {safe(drift.last_as_of or '')}"
    directory = f"{label(drift.directory.name)} ({safe(drift.directory.dialect)})"
    for name, fact in (("Directory", directory), ("Last run", last), ("As of", safe(drift.as_of))):
        yield f"{palette.paint(palette.strong, f'{name}:')}{' ' * (11 - len(name))}{fact}"
    yield ""


def _section(title: str, items: Sequence[Item], style: Style) -> Iterator[str]:
    if not items:
        return
    palette = style.palette
    yield palette.paint(palette.strong, f"{title}: {len(items):,}")
    yield ""
    ordered = sorted(items, key=lambda item: (item.kind, item.name, item.resource_id or ""))
    for _, found in groupby(ordered, key=lambda item: (item.kind, item.name, item.resource_id or "")):
        of_one = list(found)
        shown = of_one if style.full else of_one[:_SHOWN]
        yield f"  {palette.paint(palette.strong, address_label(of_one[0].address))}"
        yield from (_line(item, style) for item in shown)
        if len(shown) < len(of_one):
            more = f"… {len(of_one) - len(shown):,} more (--full shows all)"
            yield f"      {palette.paint(palette.dim, more)}"
    yield ""


def _line(item: Item, style: Style) -> str:
    palette = style.palette
    origin = f"  {palette.paint(palette.dim, f'({safe(item.origin)})')}" if item.origin else ""
    symbol, words = told(item, style)
    return f"    {palette.paint(palette.of(symbol), symbol)} {words}{origin}"


def told(item: Item, style: Style) -> tuple[str, str]:
    """Return the sign and the words of one difference. Drift is told as what happened, what is pending as what will."""
    pending = item.sort is Sort.PENDING
    if item.member is not None:
        return _membership(item, pending=pending)
    if item.path is not None:
        return "~", _attribute(item, style)
    match item.action:
        case Action.CREATE:
            return ("+", "to create") if pending else ("-", "is not in the directory")
        case Action.DEACTIVATE if pending:
            return "-", "to deactivate"
        case Action.DELETE if pending:
            return "-", "to delete"
    why = "no file lists it" if item.reason is Reason.UNLISTED else "it should not be active"
    return "+", f"is in the directory, and {why}"


def _membership(item: Item, *, pending: bool) -> tuple[str, str]:
    member = address_label(item.member or "")
    if item.action is Action.ADD_MEMBERS:
        return ("+", f"member {member} to add") if pending else ("-", f"member {member} is missing")
    return ("-", f"member {member} to remove") if pending else ("+", f"member {member} is in it")


def _attribute(item: Item, style: Style) -> str:
    path = safe(item.path or "")
    match item.sort:
        case Sort.PENDING | Sort.UNKNOWN:
            live, wanted = inline_pair(item.live, item.wanted, style.value_limit)
            return f"{path}: {live}, and the files state {wanted}"
        case Sort.BOTH:
            left, live = inline_pair(item.left, item.live, style.value_limit)
            return f"{path}: {left} → {live}, and the files state {inline(item.wanted, style.value_limit)}"
    left, live = inline_pair(item.wanted, item.live, style.value_limit)
    return f"{path}: {left} → {live}"


def _waiting(waiting: Sequence[Pending], style: Style) -> Iterator[str]:
    if not waiting:
        return
    palette = style.palette
    yield palette.paint(palette.strong, f"Waiting, because no file lists them: {len(waiting):,}")
    yield ""
    shown = waiting if style.full else waiting[:_SHOWN]
    for one in shown:
        yield f"  {address_label(one.address)}: to {one.action} after {safe(one.until)}"
    if len(shown) < len(waiting):
        yield f"  … {len(waiting) - len(shown):,} more (--full shows all)"
    yield ""

"""Membership changes of one group, collected over all its batches and folded where they are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model import Kind
from reconciler.planning.plan import Action, Edge, Step
from reconciler.rendering.escape import abbreviated, columns, label, pad, safe, shorten
from reconciler.rendering.style import Style
from reconciler.rendering.words import reason_of_edge

SHOWN = 20
"""Memberships of one group that are shown before they are folded."""
_WIDEST_NAME = 48


def member_lines(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """Yield a line per membership that the steps of one group add or remove, and how many are not shown."""
    added = [edge for step in steps if step.action is Action.ADD_MEMBERS for edge in step.members]
    removed = [edge for step in steps if step.action is Action.REMOVE_MEMBERS for edge in step.members]
    if not added and not removed:
        return
    yield f"      members: {_counts(added, removed)}"
    # Of nested groups, each has a rule of its own: those are told where one person is looked at.
    for rule in dict.fromkeys(edge.rule for edge in (*added, *removed) if edge.rule is not None and not edge.via):
        yield rule_line(rule, style)
    shown_added, shown_removed = _shares(len(added), len(removed), style)
    rows = [("+", edge) for edge in added[:shown_added]] + [("-", edge) for edge in removed[:shown_removed]]
    names = [_name(edge) for _, edge in rows]
    width = min(_WIDEST_NAME, max(columns(name) for name in names))
    for (symbol, edge), name in zip(rows, names, strict=True):
        yield _line(symbol, edge, pad(name, width), style)
    hidden = [
        f"{count:,} more to {verb}"
        for count, verb in ((len(added) - shown_added, "add"), (len(removed) - shown_removed, "remove"))
        if count
    ]
    if hidden:
        palette = style.palette
        yield palette.paint(palette.dim, f"        … {' and '.join(hidden)} (--full shows all)")


def rule_line(rule: str, style: Style) -> str:
    """Return the ``match`` filter that gives memberships, as the files state it."""
    palette, limit = style.palette, style.value_limit
    return palette.paint(palette.dim, f"        match: {safe(shorten(rule, limit and 4 * limit))}")


def _counts(added: Sequence[Edge], removed: Sequence[Edge]) -> str:
    return ", ".join(f"{len(edges):,} to {verb}" for edges, verb in ((added, "add"), (removed, "remove")) if edges)


def _shares(added: int, removed: int, style: Style) -> tuple[int, int]:
    """Return how many of each to show: neither side of a review may crowd out the other."""
    if style.full or added + removed <= SHOWN:
        return added, removed
    half = SHOWN // 2
    shown_removed = min(removed, max(half, SHOWN - added))
    return SHOWN - shown_removed, shown_removed


def _name(edge: Edge) -> str:
    name = label(abbreviated(edge.name, 4 * _WIDEST_NAME))
    return f"group {name}" if edge.kind is Kind.GROUP else name


def _line(symbol: str, edge: Edge, name: str, style: Style) -> str:
    palette = style.palette
    why = ", ".join(part for part in (reason_of_edge(edge), safe(edge.origin or "")) if part)
    note = f"  # {safe(shorten(edge.note, style.value_limit))}" if edge.note else ""
    explained = palette.paint(palette.dim, f"({why}){note}")
    return f"        {palette.paint(palette.of(symbol), symbol)} {name}  {explained}"

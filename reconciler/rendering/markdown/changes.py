"""Users and groups that are created or changed, as lines of a ``diff`` block: green, red and orange where it is shown.

Nothing has a meaning inside a fenced block but the fence, and no line can be one: each begins with ``+``, ``-`` or
``!``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.model import Kind
from reconciler.planning.plan import Action, Change, Edge, Reason, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS
from reconciler.rendering.escape import columns, label, pad, safe, shorten
from reconciler.rendering.markdown.fitting import Row
from reconciler.rendering.markdown.inert import LONGEST_NAME
from reconciler.rendering.steps import by_resource
from reconciler.rendering.values import inline, inline_pair
from reconciler.rendering.words import attribute_path, counted, reason_of_edge, reason_of_step

_LONGEST_VALUE: Final = 48
_LONGEST_PATH: Final = 80
_WIDEST: Final = 36
_PATHS_NAMED: Final = 4
_MEMBERS: Final = (200, 10)
"""Memberships of one group that are shown, in its longer form and in the shorter one; the shortest counts them."""


def change_rows(steps: Iterable[Step]) -> Iterator[Row]:
    """Yield a row for each user or group that the steps create or change, in their order."""
    for of_one in by_resource(steps):
        leading = next((step for step in of_one if step.action not in MEMBERSHIP_ACTIONS), of_one[0])
        headline = _headline(leading)
        changes = [*_change_lines(leading)]
        added = [edge for step in of_one if step.action is Action.ADD_MEMBERS for edge in step.members]
        removed = [edge for step in of_one if step.action is Action.REMOVE_MEMBERS for edge in step.members]
        longer = ["\n".join([headline, *changes, *_member_lines(added, removed, shown)]) for shown in _MEMBERS]
        told = ", ".join(filter(None, (_named(leading), _counts(added, removed))))
        shortest = f"{headline}  {told}" if told else headline
        yield Row((*dict.fromkeys([*longer, shortest]),), weight=_weight(of_one))


def _weight(steps: Sequence[Step]) -> int:
    return sum(len(step.members) or 1 for step in steps)


def _headline(step: Step) -> str:
    symbol = "+" if step.action is Action.CREATE else "!"
    words = "" if step.reason is Reason.DIFFERS else reason_of_step(step)
    why = ", ".join(filter(None, (words, safe(shorten(step.origin or "", LONGEST_NAME)))))
    marks = "  PRIVILEGED" if step.privileged else ""
    return f"{symbol} {_name(step.name)}{marks}{f'  ({why})' if why else ''}{_note(step.note)}"


def _named(step: Step) -> str:
    """Return which attributes are written, for where there is no room for their values."""
    if step.action is Action.CREATE or not step.changes:
        return ""
    paths = [_path(change) + (" (identity)" if change.identity else "") for change in step.changes[:_PATHS_NAMED]]
    more = len(step.changes) - len(paths)
    return ", ".join([*paths, f"{more} more"] if more else paths)


def _change_lines(step: Step) -> Iterator[str]:
    created = step.action is Action.CREATE
    # The headline of a creation has the name, and an account that is made works.
    shown = [change for change in step.changes if not (created and change.path == step.kind.naming_attribute)]
    width = min(_WIDEST, max((columns(_path(change)) for change in shown), default=0))
    for change in shown:
        path = pad(_path(change), width)
        if created:
            yield f"+     {path}  {inline(change.after, _LONGEST_VALUE)}"
            continue
        symbol = "+" if change.before is None else "-" if change.after is None else "!"
        if any(not phrase.startswith("!") for phrase in change.details):
            values = ""
        elif change.before is None or change.after is None:
            values = f"  {inline(change.after if change.before is None else change.before, _LONGEST_VALUE)}"
        else:
            values = "  " + " → ".join(inline_pair(change.before, change.after, _LONGEST_VALUE))
        mark = "  identity" if change.identity else ""
        yield f"{symbol}     {path.rstrip() if not values else path}{values}{mark}"
        for phrase in change.details:
            said = shorten(safe(shorten(phrase, 4 * _LONGEST_VALUE)), 8 * _LONGEST_VALUE)
            yield f"{said[:1] if said[:1] in ('+', '-') else '!'}         {said.removeprefix('! ')}"


def _member_lines(added: Sequence[Edge], removed: Sequence[Edge], limit: int) -> Iterator[str]:
    # Neither side of a review may crowd out the other.
    kept_removed = min(len(removed), max(limit // 2, limit - len(added)))
    kept_added = min(len(added), limit - kept_removed)
    rows = [("-", edge) for edge in removed[:kept_removed]] + [("+", edge) for edge in added[:kept_added]]
    names = [_name(edge.name) if edge.kind is Kind.USER else f"group {_name(edge.name)}" for _, edge in rows]
    width = min(_WIDEST, max(map(columns, names), default=0))
    for (symbol, edge), name in zip(rows, names, strict=True):
        why = ", ".join(filter(None, (_reason(edge), safe(shorten(edge.origin or "", LONGEST_NAME)))))
        yield f"{symbol}     {pad(name, width)}  ({why}){_note(edge.note)}"
    hidden = _counts(added[kept_added:], removed[kept_removed:])
    if hidden:
        yield f"!     … and {hidden} more"


def _reason(edge: Edge) -> str:
    words = shorten(reason_of_edge(edge), 2 * LONGEST_NAME)
    rule = f": {safe(shorten(edge.rule, LONGEST_NAME))}" if edge.rule and edge.rule not in words else ""
    return f"{words}{rule}"


def _counts(added: Sequence[Edge], removed: Sequence[Edge]) -> str:
    told = [
        f"{counted(len(edges), 'membership')} to {verb}"
        for edges, verb in ((added, "add"), (removed, "remove"))
        if edges
    ]
    return ", ".join(told)


def _note(note: str | None) -> str:
    return f"  # {shorten(safe(shorten(note, LONGEST_NAME)), 2 * LONGEST_NAME)}" if note else ""


def _name(name: str) -> str:
    return shorten(label(shorten(name, LONGEST_NAME)), 2 * LONGEST_NAME)


def _path(change: Change) -> str:
    return shorten(attribute_path(change.path, longest=_LONGEST_PATH), 2 * _LONGEST_PATH)

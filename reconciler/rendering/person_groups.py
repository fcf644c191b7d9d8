"""The groups that one person gains and loses, a row for each, with why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, GroupEffect
from reconciler.planning.plan import Action, Edge
from reconciler.rendering.access import Telling
from reconciler.rendering.escape import abbreviated, columns, label, pad, safe, shorten
from reconciler.rendering.members import rule_line
from reconciler.rendering.people import Person
from reconciler.rendering.steps import LONGEST_NAME
from reconciler.rendering.style import Style
from reconciler.rendering.words import reason_of_edge, reason_of_step

SHOWN: Final = 20
"""Groups of one person that are shown before they are folded."""
_WIDEST_NAME: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group that a person gains or loses.

    Attributes:
        sign: ``+`` or ``-``.
        group: its name; foreign text.
        why: safe text.
        note: what the author wrote; foreign text.
        rule: the ``match`` filter that gives it, or gave it; foreign text.
    """

    sign: str
    group: str
    why: str
    note: str | None = None
    rule: str | None = None


def membership_rows(person: Person) -> list[Row]:
    """Return the memberships that steps add and remove, what is added first."""
    rows = [
        _row("+" if step.action is Action.ADD_MEMBERS else "-", step.name, edge, reason_of_edge(edge))
        for step, edge in person.memberships
    ]
    return sorted(rows, key=_removed)


def access_rows(person: Person, telling: Telling) -> list[Row]:
    """Return the access that changes without such a membership: through other groups, or with a group or an account."""
    told = {
        (step.action is Action.ADD_MEMBERS, group_key(step.resource_id, step.name)) for step, _ in person.memberships
    }
    rows: dict[tuple[str, tuple[bool, str]], Row] = {}
    for sign, changes in (("+", person.gained), ("-", person.lost)):
        for group, change in changes:
            key = group_key(group.id, group.name)
            if (sign == "+", key) not in told:
                rows.setdefault((sign, key), _access_row(sign, group, change, telling))
    return list(rows.values())


def group_lines(person: Person, telling: Telling, style: Style, *, rules: bool = False) -> Iterator[str]:
    """Yield the groups of one person, under the two headings of what steps change and of what follows.

    Args:
        person: the person.
        telling: what tells the effect of the plan.
        style: how it is written; 20 of each are shown unless it is full.
        rules: whether the filter of each is shown.
    """
    direct, following = membership_rows(person), access_rows(person, telling)
    if direct:
        yield f"      memberships: {_amounts(direct, 'to add', 'to remove')}"
        yield from _lines(direct, style, rules=rules)
    if following:
        title = "access besides" if direct else "access"
        yield f"      {title}: {_amounts(following, 'gained', 'lost')}"
        yield from _lines(following, style, rules=rules)


def _amounts(rows: Sequence[Row], added: str, removed: str) -> str:
    gains = sum(row.sign == "+" for row in rows)
    return ", ".join(f"{number:,} {word}" for number, word in ((gains, added), (len(rows) - gains, removed)) if number)


def _lines(rows: Sequence[Row], style: Style, *, rules: bool) -> Iterator[str]:
    palette = style.palette
    shown = rows if style.full else rows[:SHOWN]
    names = [label(abbreviated(row.group, LONGEST_NAME)) for row in shown]
    width = min(_WIDEST_NAME, max(map(columns, names)))
    for row, name in zip(shown, names, strict=True):
        note = f"  # {safe(shorten(row.note, style.value_limit))}" if row.note else ""
        explained = palette.paint(palette.dim, f"({row.why}){note}")
        yield f"        {palette.paint(palette.of(row.sign), row.sign)} {pad(name, width)}  {explained}"
        if rules and row.rule is not None:
            yield f"    {rule_line(row.rule, style)}"
    if len(shown) < len(rows):
        yield palette.paint(palette.dim, f"        … {len(rows) - len(shown):,} more (--full shows all)")


def _row(sign: str, group: str, edge: Edge, why: str) -> Row:
    explained = ", ".join(part for part in (why, safe(edge.origin or "")) if part)
    return Row(sign=sign, group=group, why=explained, note=edge.note, rule=edge.rule)


def _access_row(sign: str, group: GroupEffect, change: AccessChange, telling: Telling) -> Row:
    cause, step = telling.cause(group, change), telling.step(change)
    if step is None:
        return Row(sign=sign, group=group.name, why=cause)
    edge = telling.nested_group(step, change)
    if edge is not None:
        # Whoever is in the nested group comes with it: why that is in, the files say.
        return _row(sign, group.name, edge, f"{cause}: {reason_of_edge(edge)}")
    if step.members or step.kind is Kind.USER:
        return Row(sign=sign, group=group.name, why=cause)
    reason = cause if step.replaces is not None else f"{cause}: {reason_of_step(step)}"
    why = ", ".join(part for part in (reason, safe(step.origin or "")) if part)
    return Row(sign=sign, group=group.name, why=why, note=step.note)


def group_key(group_id: str | None, name: str) -> tuple[bool, str]:
    """Return what tells groups apart: the id, and the name of one that the plan creates."""
    return (True, group_id) if group_id is not None else (False, name)


def _removed(row: Row) -> bool:
    return row.sign == "-"

"""The steps of a plan as text: sections in plan order, a block per resource, a line per attribute or membership."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from reconciler.model import Kind
from reconciler.planning.plan import Action, Change, Reason, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS
from reconciler.rendering.escape import abbreviated, columns, label, pad, safe, shorten
from reconciler.rendering.members import member_lines
from reconciler.rendering.style import Style
from reconciler.rendering.values import inline, inline_pair
from reconciler.rendering.words import attribute_path, counted, found_by, reason_of_step

_WIDEST_PATH = 32
_WIDEST_BEFORE = 40
LONGEST_NAME = 200
"""Characters of a name before it is abbreviated."""
_TAKEN = frozenset({Action.DEACTIVATE, Action.DELETE})
_SYMBOLS: Mapping[Action, str] = MappingProxyType({Action.CREATE: "+", Action.DEACTIVATE: "-", Action.DELETE: "-"})


def step_lines(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """Yield every step of a plan in its order. What concerns the members of one group stands together, under it."""
    palette = style.palette
    for title, grouped in groupby(steps, key=_section_of):
        section = list(grouped)
        amount = f"{len(section):,}" if section[0].action in _TAKEN else tally(section)
        yield palette.paint(palette.strong, f"{title}: {amount}")
        yield ""
        yield from spaced(block(steps_of_one, style) for steps_of_one in by_resource(section))
        yield ""


def _section_of(step: Step) -> str:
    """Return which section a step belongs to. What grants access comes before what takes it."""
    plural = f"{step.kind.value}s"
    if step.action in _TAKEN:
        return f"{plural} to {step.action.value}"
    return "Groups and memberships" if step.kind is Kind.GROUP else plural


def tally(steps: Sequence[Step]) -> str:
    """Return how much of what some steps are: ``1 to create, 5 memberships to add, 4 to remove``."""
    counts = dict.fromkeys(Action, 0)
    for step in steps:
        counts[step.action] += len(step.members) or 1
    words = [
        f"{count:,} to {action.value}" for action, count in counts.items() if count and action not in MEMBERSHIP_ACTIONS
    ]
    added, removed = counts[Action.ADD_MEMBERS], counts[Action.REMOVE_MEMBERS]
    if added:
        words.append(f"{counted(added, 'membership')} to add")
    if removed:
        words.append(f"{removed if added else counted(removed, 'membership')} to remove")
    identities = sum(step.identity for step in steps)
    return ", ".join(words) + (f" ({counted(identities, 'identity change')})" if identities else "")


def by_resource(steps: Iterable[Step]) -> Iterable[Sequence[Step]]:
    """Return the steps that concern one resource together, resources in the order of their first step."""
    found: dict[tuple[Kind, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.kind, step.resource_id or step.address), []).append(step)
    return found.values()


def spaced(blocks: Iterable[list[str]]) -> Iterator[str]:
    """Yield the lines of the blocks; a block of more than one line stands between empty lines."""
    after_long: bool | None = None
    for block in blocks:
        is_long = len(block) > 1
        if after_long or (is_long and after_long is not None):
            yield ""
        yield from block
        after_long = is_long


def block(steps: Sequence[Step], style: Style) -> list[str]:
    """Return the lines of one resource: what is done and why, its attributes, its members."""
    # A group whose attributes change may have membership steps too; the former say what is done to it.
    leading = [step for step in steps if step.action not in MEMBERSHIP_ACTIONS] or steps[:1]
    return [*(line for step in leading for line in step_of_one(step, style)), *member_lines(steps, style)]


def step_of_one(step: Step, style: Style) -> list[str]:
    """Return the lines of one step without its members: what is done and why, and the attributes."""
    return [_headline(step, style), *(() if step.action is Action.DEACTIVATE else _change_lines(step, style))]


def _headline(step: Step, style: Style) -> str:
    replaces = step.action is Action.CREATE and step.replaces is not None
    symbol = "-/+" if replaces else _SYMBOLS.get(step.action, "~")
    why = ", ".join(part for part in (_why(step), safe(step.origin or "")) if part)
    note = f"  # {safe(shorten(step.note, style.value_limit))}" if step.note else ""
    mark = "privileged" if step.privileged else ""
    return headline(symbol, step.name, f"({why}){note}" if why or note else "", style, mark=mark)


def headline(symbol: str, name: str, explained: str, style: Style, *, mark: str = "") -> str:
    """Return the first line of a resource: a symbol, its name, its mark, and a safe text that explains."""
    palette = style.palette
    shown = palette.paint(palette.strong, label(abbreviated(name, LONGEST_NAME)))
    if mark:
        shown += f"  {palette.paint(palette.change, mark)}"
    return f"{palette.paint(palette.of(symbol.strip()), symbol.rjust(3))} {shown}  {_dimmed(explained, style)}".rstrip()


def _dimmed(text: str, style: Style) -> str:
    return style.palette.paint(style.palette.dim, text) if text else ""


def _why(step: Step) -> str:
    """Return why, without what the lines below show: that something differs."""
    if step.reason is not Reason.DIFFERS:
        return reason_of_step(step)
    return "" if step.action in MEMBERSHIP_ACTIONS else found_by(step)


def _change_lines(step: Step, style: Style) -> Iterator[str]:
    if step.action is Action.CREATE:
        yield from _creation_lines(step.changes, style)
    else:
        yield from _update_lines(step.changes, style)


def _creation_lines(changes: Sequence[Change], style: Style) -> Iterator[str]:
    sign = style.palette.paint(style.palette.create, "+")
    width = _path_width(changes)
    for change in changes:
        yield f"      {sign} {pad(_path(change), width)}  {inline(change.after, _limit(change, style))}"


def _update_lines(changes: Sequence[Change], style: Style) -> Iterator[str]:
    palette = style.palette
    pairs = [
        ("", "") if _in_details(change) else inline_pair(change.before, change.after, _limit(change, style))
        for change in changes
    ]
    path_width = _path_width(changes)
    before_width = min(_WIDEST_BEFORE, max((columns(before) for before, _ in pairs), default=0))
    for change, (before, after) in zip(changes, pairs, strict=True):
        symbol = "+" if change.before is None else "-" if change.after is None else "~"
        sign = palette.paint(palette.of(symbol), symbol)
        values = "" if _in_details(change) else f"  {pad(before, before_width)} → {after}"
        mark = f"  {palette.paint(palette.change, 'identity')}" if change.identity else ""
        origin = f"  {palette.paint(palette.dim, f'({safe(change.origin)})')}" if change.origin else ""
        path = pad(_path(change), path_width) if values else _path(change)
        yield f"      {sign} {path}{values}{mark}{origin}"
        for phrase in change.details:
            limit = _limit(change, style)
            shown = safe(shorten(phrase, limit and 2 * limit))
            yield f"          {palette.paint(palette.of(shown[:1]), shown[:1])}{shown[1:]}"


def _limit(change: Change, style: Style) -> int | None:
    """Return how long the values of a change may be. A name that is cut may be taken for another one."""
    limit = style.value_limit
    return max(limit, LONGEST_NAME) if change.identity and limit is not None else limit


def _in_details(change: Change) -> bool:
    """Tell whether the details say what changed; those that begin with ``!`` are remarks on the values."""
    return any(not phrase.startswith("!") for phrase in change.details)


def _path(change: Change) -> str:
    return attribute_path(change.path, longest=4 * _WIDEST_PATH)


def _path_width(changes: Sequence[Change]) -> int:
    return min(_WIDEST_PATH, max((columns(_path(change)) for change in changes), default=0))

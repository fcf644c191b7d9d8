"""What to look at first, as a few lines above the steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.model import Kind
from reconciler.planning.plan import Plan
from reconciler.rendering.access import listed
from reconciler.rendering.escape import abbreviated, columns, label, safe
from reconciler.rendering.risk import Risk, risks
from reconciler.rendering.style import Style

_NAMED: Final = 5
_LONGEST: Final = 60


def first_look_lines(plan: Plan, style: Style) -> Iterator[str]:
    """Yield what to look at first, a line for each sort of risk; nothing where there is nothing.

    Five of each are named, fewer where a terminal has no room for them on one line.
    """
    found = risks(plan)
    if not found:
        return
    palette = style.palette
    yield palette.paint(palette.strong, "Look at this first:")
    for risk in found:
        sign, colour = ("!", palette.remove) if risk.severity == "high" else ("·", palette.change)
        yield f"  {palette.paint(colour, sign)} {_told(risk, style)}"
    yield ""


def _told(risk: Risk, style: Style) -> str:
    names = list(_names(risk))
    if not names:
        return risk.title
    room = None if style.width is None else style.width - 4
    for number in range(min(_NAMED, len(names)), 0, -1):
        line = f"{risk.title}: {listed(names[:number], len(names) if risk.facts else risk.number)}"
        if room is None or columns(line) <= room:
            return line
    return line


def _names(risk: Risk) -> Iterator[str]:
    if risk.facts:
        yield from (safe(abbreviated(fact, 2 * _LONGEST)) for fact in risk.facts[:_NAMED])
    else:
        yield from _labels(risk.addresses[:_NAMED], both=risk.code in ("identity", "adopted"))


def _labels(addresses: Sequence[str], *, both: bool) -> Iterator[str]:
    for address in addresses:
        kind, _, name = address.partition(":")
        shown = label(abbreviated(name, _LONGEST))
        yield f"group {shown}" if both and kind == Kind.GROUP.lower() else shown

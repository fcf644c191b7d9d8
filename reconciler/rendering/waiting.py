"""What a plan does not do as text: what waits for the end of a grace period, and what was left out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from reconciler.model import TimerName
from reconciler.planning.plan import LeftOut, Pending, Plan
from reconciler.rendering.escape import abbreviated, address_label, safe, shorten
from reconciler.rendering.style import Style
from reconciler.rendering.words import counted

SHOWN = 20
"""What is pending is shown up to this number before it is folded."""
_LONGEST = 300
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ")
_TIMED: Mapping[TimerName, str] = MappingProxyType(
    {TimerName.UNLISTED: "first seen unlisted", TimerName.DEACTIVATED: "first seen inactive"}
)
_WHYS: Mapping[str, str] = MappingProxyType(
    {"only": "by --only", "exclude": "by --exclude", "auto_approve": "not approved to go unattended"}
)


def pending_lines(plan: Plan, style: Style) -> Iterator[str]:
    """Yield a line for each thing that is pending, with the time when it is due; 20 of them unless all are shown."""
    if not plan.pending:
        return
    palette = style.palette
    yield palette.paint(palette.strong, f"Pending: {len(plan.pending):,}")
    shown = plan.pending if style.full else plan.pending[:SHOWN]
    for one in shown:
        seen = palette.paint(palette.dim, f"({_TIMED[one.timer]} on {_day(one.since)})")
        yield f"  {_when(one, plan.as_of)}: {one.action} {address_label(abbreviated(one.address, _LONGEST))}  {seen}"
    if len(shown) < len(plan.pending):
        yield palette.paint(palette.dim, f"  … {len(plan.pending) - len(shown):,} more (--full shows all)")
    yield ""


def left_out_lines(left_out: Sequence[LeftOut], style: Style, *, listed: bool) -> Iterator[str]:
    """Yield how much was left out of a plan and why, and all of it where it is to be listed."""
    if not left_out:
        return
    palette = style.palette
    how = "" if listed else palette.paint(palette.dim, " (--left-out lists them)")
    yield f"{palette.paint(palette.strong, 'Left out:')} {left_out_amounts(left_out)}{how}"
    for one in left_out if listed else ():
        members = f", {counted(one.members, 'membership')}" if one.members else ""
        why = palette.paint(palette.dim, f"({_WHYS.get(one.why) or safe(shorten(one.why, _LONGEST))})")
        yield f"  {safe(abbreviated(one.step, _LONGEST))}{members}  {why}"
    yield ""


def left_out_amounts(left_out: Sequence[LeftOut]) -> str:
    """Return how much was left out, by why: ``2 steps by --only; 1 step that needs one of these``."""
    groups: dict[str, list[LeftOut]] = {}
    for one in left_out:
        groups.setdefault(_WHYS.get(one.why, ""), []).append(one)
    # What only follows from the rest comes last.
    following = groups.pop("", [])
    told = [f"{_amount(group)} {why}" for why, group in groups.items()]
    if following:
        alone = sum(one.members or 1 for one in following) == 1
        told.append(f"{_amount(following)} that {'needs' if alone else 'need'} one of these")
    return "; ".join(told)


def _when(one: Pending, as_of: str) -> str:
    # Times of one form and zone sort as text.
    if one.until <= as_of:
        return f"due since {_moment(one.until)}, and left out"
    return f"pending until {_moment(one.until)}"


def _moment(text: str) -> str:
    """Return a time to the minute, as a day where it is midnight."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return safe(text)
    day, clock = found.groups()
    return day if clock == "00:00" else f"{day} {clock} UTC"


def _day(text: str) -> str:
    found = _MOMENT.fullmatch(text)
    return found[1] if found else safe(text)


def _amount(left_out: Iterable[LeftOut]) -> str:
    steps = members = 0
    for one in left_out:
        steps += not one.members
        members += one.members
    parts = (counted(steps, "step") if steps else "", counted(members, "membership") if members else "")
    return " and ".join(filter(None, parts))

"""The picture of a change: bars for users, groups and the memberships of each group, as numbers and widths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.model import Kind
from reconciler.planning.plan import Action, Plan, Step
from reconciler.rendering.escape import abbreviated, label

_LONGEST_NAME = 80
_SHOWN = 12
"""Groups whose bars are seen at once."""
_FOLDED = 300
"""Groups beyond these that can be folded open."""
_WHOLE = 100.0

_TONES: Mapping[Action, str] = MappingProxyType(
    {
        Action.CREATE: "create",
        Action.UPDATE: "change",
        Action.REACTIVATE: "change",
        Action.DEACTIVATE: "remove",
        Action.DELETE: "remove",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: what is counted, the number, its share of the longest bar in per cent, and the name of its colour."""

    words: str
    number: int
    width: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBar:
    """The memberships of one group: how many are added and removed, and their shares of the longest bar in per cent."""

    name: str
    added: int
    removed: int
    added_width: float
    removed_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All bars of a plan.

    Attributes:
        users: what happens to accounts, by kind of change.
        groups: what happens to groups, by kind of change.
        memberships: the groups whose memberships change most.
        folded: the groups after these.
        more: how many groups follow after those, which the picture does not show.
        left: the share of the longest bar of removals, right that of additions: how wide the two sides have to be.
    """

    users: tuple[Bar, ...]
    groups: tuple[Bar, ...]
    memberships: tuple[GroupBar, ...]
    folded: tuple[GroupBar, ...]
    more: int
    left: float
    right: float


def picture(plan: Plan) -> Picture:
    """Return the bars of a plan. Widths of users and groups are of one scale, those of memberships of another."""
    counts = {kind: _counts(step for step in plan.steps if step.kind is kind) for kind in Kind}
    longest = max((number for some in counts.values() for number in some.values()), default=0)
    memberships = _memberships(plan.steps)
    return Picture(
        users=_bars(counts[Kind.USER], longest),
        groups=_bars(counts[Kind.GROUP], longest),
        memberships=memberships[:_SHOWN],
        folded=memberships[_SHOWN : _SHOWN + _FOLDED],
        more=max(0, len(memberships) - _SHOWN - _FOLDED),
        left=max((row.removed_width for row in memberships), default=0.0),
        right=max((row.added_width for row in memberships), default=0.0),
    )


def _counts(steps: Iterable[Step]) -> dict[Action, int]:
    counts = dict.fromkeys(_TONES, 0)
    for step in steps:
        if step.action in counts:
            counts[step.action] += 1
    return {action: number for action, number in counts.items() if number}


def _bars(counts: Mapping[Action, int], longest: int) -> tuple[Bar, ...]:
    return tuple(
        Bar(words=action.value, number=number, width=_share(number, longest), tone=_TONES[action])
        for action, number in counts.items()
    )


def _memberships(steps: Sequence[Step]) -> tuple[GroupBar, ...]:
    names: dict[str, str] = {}
    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    for step in steps:
        side = {Action.ADD_MEMBERS: added, Action.REMOVE_MEMBERS: removed}.get(step.action)
        if side is not None:
            # Two groups may have one name; the id tells them apart, where there is one yet.
            key = step.resource_id or step.address
            names[key] = step.name
            side[key] = side.get(key, 0) + len(step.members)
    longest = max((*added.values(), *removed.values()), default=0)
    most_first = sorted(names, key=lambda key: (-added.get(key, 0) - removed.get(key, 0), names[key], key))
    return tuple(
        GroupBar(
            name=label(abbreviated(names[key], _LONGEST_NAME)),
            added=added.get(key, 0),
            removed=removed.get(key, 0),
            added_width=_share(added.get(key, 0), longest),
            removed_width=_share(removed.get(key, 0), longest),
        )
        for key in most_first
    )


def _share(number: int, longest: int) -> float:
    """Return a share in per cent that can still be seen where it is not 0."""
    return round(max(0.6, _WHOLE * number / longest), 2) if number else 0.0

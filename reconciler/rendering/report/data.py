"""What the report's script works on: the steps and the effect of a plan as compact JSON, every text ready to show.

Rows are arrays with their columns named once, and texts are numbers in one table: 10,000 steps repeat the same reasons,
files and names many times. Foreign text is made fit to be shown here, by the rules of the terminal; the script shows
what it gets and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, GroupEffect, UserEffect
from reconciler.planning.plan import Action, Change, Edge, Plan, Reason, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS
from reconciler.rendering.access import left_without_group
from reconciler.rendering.escape import abbreviated, label, quoted, safe, shorten
from reconciler.rendering.risk import Risk
from reconciler.rendering.values import inline_pair
from reconciler.rendering.words import attribute_path, cause_of_access, reason_of_edge, reason_of_step

_LONGEST_NAME = 200
_LONGEST_TEXT = 1_000
_LONGEST_VALUE = 4_000
_BREAKING = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})

STEP_COLUMNS = (
    "id",
    "action",
    "kind",
    "name",
    "why",
    "reasons",
    "origin",
    "note",
    "flags",
    "group",
    "risks",
    "changes",
    "members",
    "facts",
)
CHANGE_COLUMNS = ("path", "before", "after", "identity", "origin", "details")
MEMBER_COLUMNS = ("kind", "name", "why", "rule", "origin", "note")
GROUP_COLUMNS = ("name", "before", "after", "gained", "lost", "kept", "steps")
ACCESS_COLUMNS = ("step", "cause", "users", "via")
PERSON_COLUMNS = ("name", "before", "after", "last", "first", "kept", "steps")


def embedded(plan: Plan, risks: Sequence[Risk]) -> str:
    """Return what the script reads, as JSON that can stand inside of a ``script`` element.

    Args:
        plan: the plan document.
        risks: what :func:`reconciler.rendering.risk.risks` says of it.
    """
    return msgspec.json.encode(_Table(plan, risks).document()).decode().translate(_BREAKING)


class _Table:
    """Collects the texts and names of one plan, each once, and refers to them by number."""

    def __init__(self, plan: Plan, risks: Sequence[Risk]) -> None:
        self._plan = plan
        self._risks = risks
        self._left = frozenset(left_without_group(plan))
        self._texts: dict[str, int] = {}
        self._names: dict[tuple[Kind, str], int] = {}
        self._labels: list[int] = []
        self._numbers = {step.id: number for number, step in enumerate(plan.steps)}

    def document(self) -> dict[str, Any]:
        by_step: dict[str, list[int]] = {}
        for number, risk in enumerate(self._risks):
            for step in risk.steps:
                by_step.setdefault(step, []).append(number)
        steps = [self._step(step, by_step.get(step.id, ())) for step in self._plan.steps]
        groups, people = self._effect()
        return {
            "columns": {
                "step": STEP_COLUMNS,
                "change": CHANGE_COLUMNS,
                "member": MEMBER_COLUMNS,
                "group": GROUP_COLUMNS,
                "access": ACCESS_COLUMNS,
                "person": PERSON_COLUMNS,
            },
            "risks": [risk.title for risk in self._risks],
            "steps": steps,
            "groups": groups,
            "people": people,
            "names": self._labels,
            "texts": list(self._texts),
        }

    def _text(self, text: str | None) -> int | None:
        """Return the number of a text that is fit to be shown, or of none."""
        return None if not text else self._texts.setdefault(text, len(self._texts))

    def _foreign(self, text: str | None) -> int | None:
        return None if text is None else self._text(safe(shorten(text, _LONGEST_TEXT)))

    def _name(self, kind: Kind, name: str) -> int:
        """Return the number of a user or group. Two whose names look alike when they are cut stay two."""
        number = self._names.setdefault((kind, name), len(self._names))
        if number == len(self._labels):
            self._labels.append(self._text(label(abbreviated(name, _LONGEST_NAME))) or 0)
        return number

    def _step(self, step: Step, risks: Sequence[int]) -> list[Any]:
        membership = step.action in MEMBERSHIP_ACTIONS
        reasons = dict.fromkeys(edge.reason for edge in step.members) if membership else (step.reason,)
        flags = [name for name, given in (("identity", step.identity), ("privileged", step.privileged)) if given]
        return [
            self._foreign(step.id),
            self._text(_plain(step.action)),
            self._text(step.kind.lower()),
            self._name(step.kind, step.name),
            self._text("" if membership and step.reason is Reason.DIFFERS else reason_of_step(step)),
            [self._text(_plain(reason)) for reason in reasons],
            self._foreign(step.origin),
            self._foreign(step.note),
            flags,
            self._name(step.kind, step.name) if step.kind is Kind.GROUP else None,
            risks,
            [self._change(change) for change in step.changes],
            [self._member(edge) for edge in step.members],
            [[self._text(name), self._text(value)] for name, value in _facts(step)],
        ]

    def _change(self, change: Change) -> list[Any]:
        before, after = _values(change)
        return [
            self._text(_path(change.path)),
            self._text(before),
            self._text(after),
            int(change.identity),
            self._foreign(change.origin),
            [self._foreign(phrase) for phrase in change.details],
        ]

    def _member(self, edge: Edge) -> list[Any]:
        return [
            self._text(edge.kind.lower()),
            self._name(edge.kind, edge.name),
            self._text(reason_of_edge(edge)),
            self._foreign(edge.rule),
            self._foreign(edge.origin),
            self._foreign(edge.note),
        ]

    def _effect(self) -> tuple[list[list[Any]], list[list[Any]]]:
        about = _steps_by_resource(self._plan.steps)
        effect = self._plan.effect
        people = [self._person(user, about) for user in effect.users]
        return [self._group(group, about) for group in effect.groups], people

    def _group(self, group: GroupEffect, about: Mapping[tuple[Kind, str], list[int]]) -> list[Any]:
        return [
            self._name(Kind.GROUP, group.name),
            group.before,
            group.after,
            [self._access(group, change) for change in group.gained],
            [self._access(group, change) for change in group.lost],
            [self._name(Kind.USER, name) for name in group.kept],
            _about(about, Kind.GROUP, group.id, group.name),
        ]

    def _person(self, user: UserEffect, about: Mapping[tuple[Kind, str], list[int]]) -> list[Any]:
        return [
            self._name(Kind.USER, user.name),
            user.before,
            user.after,
            int(user in self._left),
            int(user.gains_first_group),
            [self._name(Kind.GROUP, name) for name in user.kept],
            _about(about, Kind.USER, user.id, user.name),
        ]

    def _access(self, group: GroupEffect, change: AccessChange) -> list[Any]:
        number = self._numbers.get(change.step)
        step = None if number is None else self._plan.steps[number]
        return [
            number,
            self._text(_cause(step, group, change)),
            [self._name(Kind.USER, name) for name in change.users],
            [self._name(Kind.GROUP, name) for name in change.via],
        ]


def _plain(word: Action | Reason) -> str:
    return word.value.replace("_", " ")


def _steps_by_resource(steps: Iterable[Step]) -> dict[tuple[Kind, str], list[int]]:
    """Return the numbers of the steps by what they are about: by id, and by name where there is no id yet."""
    found: dict[tuple[Kind, str], list[int]] = {}
    for number, step in enumerate(steps):
        found.setdefault((step.kind, step.resource_id or f"name {fold(step.name)}"), []).append(number)
    return found


def _about(found: Mapping[tuple[Kind, str], list[int]], kind: Kind, resource_id: str | None, name: str) -> list[int]:
    return found.get((kind, resource_id or f"name {fold(name)}"), [])


def _cause(step: Step | None, group: GroupEffect, change: AccessChange) -> str:
    """Return by what it comes. Beside the name of a person a bare ``deleted`` would read as if she were."""
    cause = cause_of_access(step, group, change)
    whole = step is not None and step.kind is Kind.GROUP and step.action not in MEMBERSHIP_ACTIONS
    return f"group {cause}" if whole and not change.via and " " not in cause else cause


def _values(change: Change) -> tuple[str, str]:
    """Return both values whole, or where they are very long so that one sees where they differ."""
    before, after = inline_pair(change.before, change.after, None)
    if max(len(before), len(after)) <= _LONGEST_VALUE:
        return before, after
    return inline_pair(change.before, change.after, _LONGEST_VALUE // 2)


def _path(path: str) -> str:
    return attribute_path(path, longest=_LONGEST_NAME)


def _facts(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what else is known of a step, for who opens it: what it hangs on, and what must still hold."""
    yield "Step", _shown(step.id)
    yield "Chunk", f"{step.chunk:,}"
    if step.resource_id is not None:
        yield "Id", _shown(step.resource_id)
    if step.needs:
        yield "Needs", ", ".join(quoted(abbreviated(one, _LONGEST_NAME)) for one in step.needs)
    if step.min_members is not None:
        yield "Members at least", f"{step.min_members:,}"
    if step.grace is not None:
        yield "Grace period", f"{step.grace.timer} since {_shown(step.grace.since)}, over {_shown(step.grace.until)}"
    if step.precondition is not None:
        paths = ", ".join(_path(path) for path in step.precondition.paths)
        yield "Must not have changed", f"{paths} ({_shown(step.precondition.digest)})"


def _shown(text: str) -> str:
    return safe(shorten(text, _LONGEST_TEXT))

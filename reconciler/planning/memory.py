"""What earlier writes taught: which changes the directory would not keep if they were written again.

A directory may trim, fold, drop or rewrite what it is given, and say 200. Without a memory the same change would be
planned for ever. With one it is told once per attribute, and planned again as soon as either side changes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal, NamedTuple, TypeAlias

from reconciler.attributes import Attribute, Path, canonical, unassigned
from reconciler.model import DesiredResource, Kind, LiveResource, Observation
from reconciler.planning.changes import same
from reconciler.planning.context import Context
from reconciler.planning.plan import Change, Note

_LONGEST = 60
"""Characters of a value in a message."""
_TELLING = 2
"""How often a write must have changed nothing, or how many resources must have lost a value, to be no accident."""

_Lesson: TypeAlias = Literal["settled", "dropped", "repeated", "once more", "undone"]


class _Case(NamedTuple):
    """A change that a lesson is about."""

    address: str
    change: Change
    stored: Any


class _Evidence(NamedTuple):
    """What is known of a path from all resources that are still as they were found.

    Attributes:
        written: how many had a value written.
        dropped: whether so many lost it, and nobody has one, that the directory seems to drop it.
        stored: by the canonical form of what was written, what is there in its place.
    """

    written: int
    dropped: bool
    stored: Mapping[Any, Any]


class Memory:
    """Compares changes of one kind of resource with what became of earlier ones."""

    def __init__(self, context: Context, kind: Kind) -> None:
        self._context = context
        self._kind = kind
        self._schema = context.schema(kind)
        self._cases = defaultdict[tuple[str, _Lesson], list[_Case]](list)
        self._evidence_of: dict[str, _Evidence] = {}

    @cached_property
    def _live(self) -> Mapping[str, LiveResource]:
        return {live.id: live for live in self._context.live.of_kind(self._kind)}

    @cached_property
    def _observed(self) -> Mapping[str, Mapping[str, Sequence[Observation]]]:
        """The observations by path and by the resource's id, the oldest first."""
        observed = defaultdict[str, defaultdict[str, list[Observation]]](lambda: defaultdict(list))
        for one in self._context.history.observations:
            if one.kind is self._kind:
                observed[one.path][one.id].append(one)
        return observed

    def worth_planning(self, desired: DesiredResource, live: LiveResource, change: Change) -> bool:
        """Tell whether writing a change can make a difference, as far as anybody knows."""
        if change.path not in self._observed:
            return True
        path = Path.parse(change.path)
        definition = path.definition(self._schema)
        stated = path.get(desired.attributes)
        wanted = change.after if stated is None else stated
        own = self._observed[change.path].get(live.id, ())
        if own and same(wanted, own[-1].wrote, definition) and _equal(change.before, own[-1].stored, definition):
            if not own[-1].unchanged or _times(own, definition) >= _TELLING:
                self._learn("settled", _Case(live.address, change, own[-1].stored))
                return False
            self._learn("once more", _Case(live.address, change, own[-1].stored))
        elif sum(_kept(one, definition) and same(wanted, one.wrote, definition) for one in own) >= _TELLING:
            self._learn("undone", _Case(live.address, change, change.before))
        else:
            self.recognise(desired, change)
        return True

    def recognise(self, desired: DesiredResource, change: Change) -> None:
        """Note a change that is planned although other resources did not keep the like of it."""
        if change.path not in self._observed or unassigned(change.after):
            return
        evidence = self._evidence(change.path)
        form = canonical(change.after, Path.parse(change.path).definition(self._schema))
        if evidence.dropped:
            self._learn("dropped", _Case(desired.address, change, None))
        elif form in evidence.stored:
            self._learn("repeated", _Case(desired.address, change, evidence.stored[form]))

    def notes(self) -> Iterator[Note]:
        """Yield a warning per attribute and lesson."""
        for (path, lesson), cases in sorted(self._cases.items()):
            first, *others = sorted(cases, key=lambda case: (case.address, case.change.origin or ""))
            yield Note(
                severity="warning",
                code="not-kept" if lesson == "settled" else "not-kept-before",
                message=self._message(path, lesson, first, len(others)),
                origin=first.change.origin,
            )

    def _learn(self, lesson: _Lesson, case: _Case) -> None:
        self._cases[case.change.path, lesson].append(case)

    def _message(self, path: str, lesson: _Lesson, first: _Case, others: int) -> str:
        wrote, stored = _readable(first.change.after, first.stored)
        made = _made(path, wrote, stored)
        ignored = f"the directory kept {path} {_shown(stored)} and not {_shown(wrote)}"
        what = f"{first.address}{f', and so for {self._counted(others, other=True)}' if others else ''}"
        match lesson:
            case "settled":
                advice = "stop managing it" + ("" if unassigned(stored) else f" or write {_shown(stored)}")
                if self._kind is Kind.GROUP and path == self._kind.naming_attribute:
                    advice += ", or state `group_rename: false` under `capabilities`, if no group can be renamed"
                return f"the directory {made} ({what}): {advice}. It is not written again"
            case "dropped":
                written = self._counted(self._evidence(path).written)
                return f"the directory drops {path}: {written} were written and none kept it. It is written to {what}"
            case "repeated":
                return f"for others the directory {made}. It is written to {what}"
            case "once more":
                return f"when it was last written, {ignored} ({what}). It is written once more"
            case "undone":
                return (
                    f"{path} {_shown(wrote)} was written and kept {_TELLING} times or more ({what}), and "
                    f"is {_shown(stored)} again: another attribute that is managed overwrites it, or somebody "
                    "else does. It is written again"
                )

    def _counted(self, number: int, *, other: bool = False) -> str:
        return f"{number:,} {'other ' if other else ''}{self._kind.lower()}{'' if number == 1 else 's'}"

    def _evidence(self, path: str) -> _Evidence:
        if path not in self._evidence_of:
            self._evidence_of[path] = self._find_evidence(path)
        return self._evidence_of[path]

    def _find_evidence(self, path: str) -> _Evidence:
        parsed = Path.parse(path)
        definition = parsed.definition(self._schema)
        last = [
            known[-1]
            for resource_id, known in self._observed[path].items()
            if resource_id in self._live
            and not unassigned(known[-1].wrote)
            and _equal(parsed.get(self._live[resource_id].attributes), known[-1].stored, definition)
        ]
        return _Evidence(
            written=len(last),
            dropped=len(last) >= _TELLING
            and all(unassigned(one.stored) for one in last)
            and all(unassigned(parsed.get(live.attributes)) for live in self._live.values()),
            stored={canonical(one.wrote, definition): one.stored for one in last if not _kept(one, definition)},
        )


def _equal(one: Any, other: Any, definition: Attribute | None) -> bool:
    return bool(canonical(one, definition) == canonical(other, definition))


def _kept(one: Observation, definition: Attribute | None) -> bool:
    return _equal(one.wrote, one.stored, definition)


def _times(known: Sequence[Observation], definition: Attribute | None) -> int:
    """Return how often in a row the last thing was observed."""
    last = known[-1]

    def again(one: Observation) -> bool:
        return _equal(one.wrote, last.wrote, definition) and _equal(one.stored, last.stored, definition)

    return sum(1 for _ in takewhile(again, reversed(known)))


def _made(path: str, wrote: Any, stored: Any) -> str:
    if unassigned(wrote):
        return f"keeps {path} {_shown(stored)} although it was unset"
    if unassigned(stored):
        return f"does not keep {path} {_shown(wrote)}"
    return f"stores {path} {_shown(wrote)} as {_shown(stored)}"


def _readable(wrote: Any, stored: Any) -> tuple[Any, Any]:
    """Reduce elements to their ``value`` where that tells the difference: types and flags would fill the line first."""
    short = [
        [one["value"] for one in value] if isinstance(value, list) and all(map(_has_value, value)) else value
        for value in (wrote, stored)
    ]
    return (wrote, stored) if short[0] == short[1] else (short[0], short[1])


def _has_value(element: Any) -> bool:
    return isinstance(element, Mapping) and "value" in element


def _shown(value: Any) -> str:
    if unassigned(value):
        return "unset"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

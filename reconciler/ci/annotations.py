"""A plan as remarks on the lines of YAML that cause it, the most important first, from the plan document alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Final, TypeVar

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Kind, Origin
from reconciler.planning.plan import Action, Edge, Plan, Step, Verdict
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS
from reconciler.rendering.escape import address_label, label, safe, shorten
from reconciler.rendering.refusals import refusal
from reconciler.rendering.risk import CODES, risks
from reconciler.rendering.words import counted, reason_of_edge, reason_of_step

GITHUB_SHOWS: Final = 10
"""Annotations of one severity that GitHub shows for one step of a job; it drops the rest without a word
(https://github.com/orgs/community/discussions/26680)."""

_T = TypeVar("_T")

_NAMED: Final = 5
_LONGEST_NAME: Final = 80
_NOT_A_RISK: Final = len(CODES)
_ORDER: Final[Mapping[Severity, int]] = MappingProxyType({severity: place for place, severity in enumerate(Severity)})
_BY_ACTION: Final[Mapping[Action, tuple[int, str]]] = MappingProxyType(
    {
        Action.DELETE: (1, "deletes {what}"),
        Action.DEACTIVATE: (1, "deactivates {what}"),
        Action.REMOVE_MEMBERS: (2, "removes {members} from {what}"),
        Action.REACTIVATE: (3, "reactivates {what}"),
        Action.UPDATE: (4, "changes {paths} of {what}"),
        Action.ADD_MEMBERS: (5, "adds {members} to {what}"),
        Action.CREATE: (6, "creates {what}"),
    }
)
"""How important an action is among those that are no risk, and what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remark:
    """One thing to say, before those about the same line are put together.

    Attributes:
        severity: how it is shown.
        rank: its importance among those of its severity; smaller comes first.
        code: machine-readable: that of the risk, the guard or the note, else the action.
        message: what happens.
        origin: the line; ``None`` where no line causes it.
    """

    severity: Severity
    rank: int
    code: str
    message: str
    origin: Origin | None


def annotate(plan: Plan, *, most: int | None = None) -> tuple[Diagnostic, ...]:
    """Return what the lines of YAML would do: errors, then warnings, then notes; of each the most important first.

    A guard that refuses the plan is an error. A risk is a warning, and so is what the plan warns of. All other changes
    are notes. What is about the same line, or about none, is one annotation.

    Args:
        plan: the plan.
        most: how many of each severity there may be; the last one then counts those that are not shown.
    """
    found = [*_refusals(plan), *_steps(plan), *_warnings(plan)]
    found.sort(key=lambda remark: (_ORDER[remark.severity], remark.rank))
    by_line: dict[tuple[Severity, Origin | str], list[_Remark]] = {}
    for remark in found:
        by_line.setdefault((remark.severity, remark.origin or remark.code), []).append(remark)
    if most is not None:
        return tuple(_folded(list(by_line.values()), most))
    return tuple(map(_together, by_line.values()))


def _folded(found: Sequence[list[_Remark]], most: int) -> Iterator[Diagnostic]:
    for severity, group in groupby(found, key=lambda remarks: remarks[0].severity):
        of_one = list(group)
        if len(of_one) <= most:
            yield from map(_together, of_one)
            continue
        shown = _of_every_code(of_one, most - 1)
        yield from (_together(of_one[place]) for place in shown)
        hidden = Counter(one.code for place, remarks in enumerate(of_one) if place not in shown for one in remarks)
        told = ", ".join(f"{count:,} {safe(code)}" for code, count in hidden.most_common(_NAMED))
        message = f"{hidden.total():,} more that do not fit here ({told}{', …' if len(hidden) > _NAMED else ''})"
        yield Diagnostic(code="more", message=f"{message}. The plan shows all", severity=severity)


def _of_every_code(found: Sequence[list[_Remark]], room: int) -> list[int]:
    """Return the places of those to show: the first of every code, then the second, so that no risk hides another."""
    turns = Counter[str]()
    order: list[tuple[int, int]] = []
    for place, remarks in enumerate(found):
        order.append((turns[remarks[0].code], place))
        turns[remarks[0].code] += 1
    return sorted(place for _, place in sorted(order)[:room])


def _together(remarks: Sequence[_Remark]) -> Diagnostic:
    """Return one annotation for what is about one line."""
    first = remarks[0]
    said = list(dict.fromkeys(remark.message for remark in remarks))
    more = f"; {len(said) - _NAMED:,} more" if len(said) > _NAMED else ""
    message = "; ".join(said[:_NAMED]) + more
    return Diagnostic(code=first.code, message=message, origin=first.origin, severity=first.severity)


def _refusals(plan: Plan) -> Iterator[_Remark]:
    origins: dict[str, Origin] = {}
    for step in plan.steps:
        origin = _origin(step.origin)
        if origin is not None:
            origins.setdefault(step.address, origin)
    for verdict in plan.refusals:
        about = (verdict.subject, *verdict.resources)
        origin = next((origins[address] for address in about if address in origins), None)
        yield _Remark(
            severity=Severity.ERROR, rank=0, code=verdict.guard, message=_refused(verdict, origin), origin=origin
        )


def _refused(verdict: Verdict, origin: Origin | None) -> str:
    named = [address_label(shorten(address, _LONGEST_NAME)) for address in verdict.resources[:_NAMED]]
    whom = f" ({', '.join(named)}, …)" if len(verdict.resources) > _NAMED else f" ({', '.join(named)})"
    about = whom if origin is None and named else ""
    allow = f". If it is meant: {safe(verdict.how_to_allow)}" if verdict.how_to_allow else ""
    return f"{safe(verdict.guard)} refuses the plan: {refusal(verdict)}{about}{allow}"


def _warnings(plan: Plan) -> Iterator[_Remark]:
    for note in plan.notes:
        if note.severity == "warning":
            origin = _origin(note.origin)
            yield _Remark(
                severity=Severity.WARNING, rank=_NOT_A_RISK, code=note.code, message=note.message, origin=origin
            )


def _steps(plan: Plan) -> Iterator[_Remark]:
    risky: dict[str, str] = {}
    for risk in risks(plan):
        for step_id in risk.steps:
            risky.setdefault(step_id, risk.code)
    for step in plan.steps:
        place, _ = _BY_ACTION[step.action]
        for origin, message, identity in _said(step):
            code = risky.get(step.id)
            if code == "identity" and not identity:
                # The step is a risk for another line of its.
                code = None
            yield _Remark(
                severity=Severity.NOTE if code is None else Severity.WARNING,
                rank=place if code is None else CODES.index(code),
                code=code or step.action.value.replace("_", "-"),
                message=message,
                origin=origin,
            )


def _said(step: Step) -> Iterator[tuple[Origin | None, str, bool]]:
    """Yield the lines that cause a step, each with what it does, and whether it changes what identifies somebody."""
    what = f"{step.kind.lower()} {label(shorten(step.name, _LONGEST_NAME))}"
    _, sentence = _BY_ACTION[step.action]
    if step.members and step.action in MEMBERSHIP_ACTIONS:
        for origin, edges in _by_line((edge.origin or step.origin, edge) for edge in step.members):
            yield origin, sentence.format(members=_members(edges), what=what), False
    elif step.action is Action.UPDATE and step.changes:
        for origin, changes in _by_line((change.origin or step.origin, change) for change in step.changes):
            identity = any(change.identity for change in changes)
            paths = [change.path for change in changes]
            shown = ", ".join(safe(shorten(path, _LONGEST_NAME)) for path in paths[:_NAMED])
            more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
            yield origin, f"{sentence.format(paths=f'{shown}{more}', what=what)} ({reason_of_step(step)})", identity
    else:
        message = sentence.format(what=what, paths="nothing", members="nobody")
        yield _origin(step.origin), f"{message} ({reason_of_step(step)})", step.identity


def _by_line(pairs: Iterable[tuple[str | None, _T]]) -> Iterator[tuple[Origin | None, list[_T]]]:
    grouped: dict[str | None, list[_T]] = {}
    for origin, value in pairs:
        grouped.setdefault(origin, []).append(value)
    for origin, values in grouped.items():
        yield _origin(origin), values


def _members(edges: Sequence[Edge]) -> str:
    named = [_member(edge) for edge in edges[:_NAMED]]
    if len(edges) == 1:
        why = reason_of_edge(edges[0])
        return f"{named[0]} ({why})" if why else named[0]
    more = f" and {len(edges) - _NAMED:,} more" if len(edges) > _NAMED else ""
    return f"{counted(len(edges), 'member')} ({', '.join(named)}{more})"


def _member(edge: Edge) -> str:
    name = label(shorten(edge.name, _LONGEST_NAME))
    return f"group {name}" if edge.kind is Kind.GROUP else name


def _origin(text: str | None) -> Origin | None:
    """Return the place that ``file:line`` names; ``None`` where it names none."""
    file, colon, line = (text or "").rpartition(":")
    # Nine digits are more lines than a file has, and fewer than Python refuses to read.
    if not (colon and file and line.isascii() and line.isdigit() and len(line) <= 9):
        return None
    return Origin(file, max(1, int(line)), 1)

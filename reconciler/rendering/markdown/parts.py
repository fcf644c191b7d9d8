"""What a comment is made of: refusals, risks, what is lost, and all else, each as a part that can be cut."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, GroupEffect
from reconciler.planning.plan import Action, Plan, Step, Verdict
from reconciler.rendering.access import NOBODY_KNOWN, Telling, access_headline
from reconciler.rendering.escape import shorten
from reconciler.rendering.markdown.changes import change_rows
from reconciler.rendering.markdown.fitting import Part, Row
from reconciler.rendering.markdown.inert import code, prose
from reconciler.rendering.provenance import circumstances, credentials, sources
from reconciler.rendering.refusals import more_resources, refusal
from reconciler.rendering.risk import Risk, risks
from reconciler.rendering.style import PLAIN, Style
from reconciler.rendering.waiting import left_out_amounts, pending_lines
from reconciler.rendering.words import counted, reason_of_step

_NAMED: Final = 5
"""Names in one line before they are counted."""
_UNFOLDED: Final = 50
"""Losses that stand outside of a fold: more than anybody reads in one piece."""
_LONGEST_GUARD: Final = 40
_EXPLAINED: Final = frozenset({"refused"})
"""Risks that have a part of their own."""
_OF_BOTH_KINDS: Final = frozenset({"identity", "adopted", "lifted"})
"""Risks whose titles do not tell whether they are about users or groups."""
_ROUTINE: Final = re.compile(r"[a-z]+(?:\.[a-z]+|_[a-z]+)*")

_STYLE: Final = Style(palette=PLAIN, full=True, value_limit=None)

_TAKEN: Final = (
    (Action.DELETE, Kind.GROUP),
    (Action.DELETE, Kind.USER),
    (Action.DEACTIVATE, Kind.USER),
    (Action.DEACTIVATE, Kind.GROUP),
)
"""What takes something from people, the gravest first."""

_VERBS: Final[Mapping[Action, str]] = MappingProxyType({Action.DELETE: "Delete", Action.DEACTIVATE: "Deactivate"})


def parts(plan: Plan) -> Iterator[Part]:
    """Yield the parts of a plan's comment in the order in which they stand; none is empty."""
    candidates = (
        _refusals(plan),
        _circumstances(plan),
        _risks(plan),
        *_losses(plan),
        _warnings(plan),
        _fold("Users", plan, Kind.USER, rank=6),
        _fold("Groups and memberships", plan, Kind.GROUP, rank=5),
        _access(plan),
        _waiting(plan),
        _guards(plan),
        _notes(plan),
        _provenance(plan),
    )
    yield from (part for part in candidates if part.rows)


def folded(title: str) -> str:
    """Return how a fold begins; its title is the tool's own words."""
    return f"<details>\n<summary>{title}</summary>\n"


def counts_of(steps: Sequence[Step]) -> str:
    """Return what steps do in numbers: ``1 group to delete, 3 to update; 2 memberships to add``."""
    numbers = Counter(step.action for step in steps)
    # What is lost is told with what it is: a group takes more people with it than a user.
    kinds = Counter((step.action, step.kind) for step in steps)
    told = []
    for action in (Action.DELETE, Action.DEACTIVATE):
        lost = [counted(kinds[one, kind], kind.lower()) for one, kind in _TAKEN if one is action and kinds[one, kind]]
        told += [f"{' and '.join(lost)} to {action.value}"] if lost else []
    others = (Action.UPDATE, Action.REACTIVATE, Action.CREATE)
    told += [f"{numbers[action]:,} to {action.value}" for action in others if numbers[action]]
    memberships = Counter[Action]()
    for step in steps:
        memberships[step.action] += len(step.members)
    added, removed = memberships[Action.ADD_MEMBERS], memberships[Action.REMOVE_MEMBERS]
    changed = [f"{counted(removed, 'membership')} to remove"] if removed else []
    if added:
        changed.append(f"{added:,} to add" if removed else f"{counted(added, 'membership')} to add")
    return "; ".join(filter(None, (", ".join(told), ", ".join(changed))))


def refused_in_short(plan: Plan) -> str:
    """Return how many refusals there are and by which guards, in a few words of bounded length."""
    numbers: dict[str, int] = {}
    for verdict in plan.refusals:
        known = _ROUTINE.fullmatch(verdict.guard) and len(verdict.guard) < _LONGEST_GUARD
        name = f"`{verdict.guard}`" if known else "one that is not known here"
        numbers[name] = numbers.get(name, 0) + 1
    named = [f"{name}{f' ({number:,})' if number > 1 else ''}" for name, number in [*numbers.items()][:_NAMED]]
    return ", ".join([*named, "others"] if len(numbers) > len(named) else named)


def _refusals(plan: Plan) -> Part:
    rows = [Row((f"- {_refused(verdict)}",)) for verdict in plan.refusals]
    return Part(rank=1, opening="", rows=rows, noun="refusals")


def _refused(verdict: Verdict) -> str:
    said = f"{code(verdict.guard, longest=60)}: {prose(refusal(verdict))}."
    if verdict.resources and verdict.resources != (verdict.subject,):
        said += f" {_named(verdict.resources, beyond=more_resources(verdict))}."
    if verdict.how_to_allow.startswith("-"):
        return f"{said} To allow it once: {code(verdict.how_to_allow, longest=240)}"
    return f"{said} If it is meant: {prose(verdict.how_to_allow)}" if verdict.how_to_allow else said


def _circumstances(plan: Plan) -> Part:
    return Part(
        rank=2,
        opening="",
        rows=[Row((f"- **{name}:** {prose(fact)}",)) for name, fact in circumstances(plan)],
        noun="facts",
    )


def _risks(plan: Plan) -> Part:
    found = [risk for risk in risks(plan) if risk.code not in _EXPLAINED]
    return Part(
        rank=3,
        opening="### Look at this first\n",
        rows=[Row((_risk(risk), f"- {risk.severity.title()}: **{risk.title}**")) for risk in found],
        noun="risks",
    )


def _risk(risk: Risk) -> str:
    told = "; ".join(prose(fact, longest=200) for fact in risk.facts[:_NAMED])
    if len(risk.facts) > _NAMED:
        told += f" and {len(risk.facts) - _NAMED:,} more"
    if not risk.facts and risk.addresses:
        mixed = risk.code in _OF_BOTH_KINDS
        told = _named([address if mixed else address.partition(":")[2] for address in risk.addresses])
    return f"- {risk.severity.title()}: **{risk.title}**{f': {told}' if told else ''}"


def _losses(plan: Plan) -> Iterator[Part]:
    """Yield who and what goes, outside of a fold, and what is too much for that inside of one."""
    order = {one: position for position, one in enumerate(_TAKEN)}
    gone = [step for step in plan.steps if (step.action, step.kind) in order]
    gone.sort(key=lambda step: (not step.privileged, order[step.action, step.kind]))
    groups = {(group.id, group.name): group for group in plan.effect.groups}
    users = {(user.id, user.name): user.before for user in plan.effect.users}
    rows = [Row((_loss(step, groups, users), _loss_in_short(step))) for step in gone]
    yield Part(rank=4, opening=f"### {counts_of(gone)}\n" if gone else "", rows=rows[:_UNFOLDED])
    more = rows[_UNFOLDED:]
    yield Part(rank=4, opening=folded(f"{len(more):,} more to delete or deactivate"), rows=more, closing="</details>")


def _loss(
    step: Step, groups: Mapping[tuple[str | None, str], GroupEffect], users: Mapping[tuple[str | None, str], int | None]
) -> str:
    key = (step.resource_id, step.name)
    said = [prose(reason_of_step(step))]
    if step.kind is Kind.GROUP and key in groups:
        people = _people_of(groups[key].lost)
        said.append(f"{_people(people)} lose{'s' if people == 1 else ''} access")
    if step.kind is Kind.USER and users.get(key):
        said.append(f"loses access to {counted(users[key] or 0, 'group')}")
    said += [f"“{prose(step.note, longest=200)}”"] if step.note else []
    said += [code(step.origin)] if step.origin else []
    return f"{_loss_in_short(step)} — {' · '.join(said)}"


def _loss_in_short(step: Step) -> str:
    privileged = "privileged " if step.privileged else ""
    return f"- **{_VERBS[step.action]}** {privileged}{step.kind.lower()} {code(step.name)}"


def _warnings(plan: Plan) -> Part:
    found = [note for note in plan.notes if note.severity == "warning"]
    rows = [Row((f"- {prose(note.message)}{f' ({code(note.origin)})' if note.origin else ''}",)) for note in found]
    return Part(rank=4, opening=f"### {counted(len(rows), 'warning')}\n", rows=rows, noun="warnings")


def _fold(title: str, plan: Plan, kind: Kind, *, rank: int) -> Part:
    """Return what is created and changed of one kind, in a fold."""
    steps = [step for step in plan.steps if step.kind is kind and (step.action, kind) not in _TAKEN]
    # What is cut is cut from the end.
    steps.sort(key=lambda step: (not step.privileged, not step.identity))
    return Part(
        rank=rank,
        opening=f"{folded(f'<b>{title}:</b> {counts_of(steps)}')}\n```diff",
        rows=[*change_rows(steps)],
        ending="```",
        closing="</details>",
    )


def _access(plan: Plan) -> Part:
    telling = Telling(plan, _STYLE)
    rows = [Row(_group(group, telling.numbers(group))) for group in telling.ordered()]
    rows += [Row((f"- {code(name)}: not everybody is known who is in it",)) for name in plan.effect.unknown]
    title = f"<b>Who has access:</b> {access_headline(plan) or NOBODY_KNOWN}"
    return Part(rank=8, opening=folded(title), rows=rows, closing="</details>", noun="groups")


def _group(group: GroupEffect, numbers: str) -> tuple[str, str]:
    """Return what changes of the access to a group, with who it is and without."""
    told = f"- {code(group.name)}: {prose(numbers)}"
    sides = ((verb, _users(changes)) for verb, changes in (("lose", group.lost), ("gain", group.gained)))
    return ". ".join([told, *(f"{verb.title()}: {_named(users)}" for verb, users in sides if users)]), told


def _users(changes: Iterable[AccessChange]) -> list[str]:
    return [*dict.fromkeys(user for change in changes for user in change.users)]


def _people_of(changes: Iterable[AccessChange]) -> int:
    return len(_users(changes))


def _waiting(plan: Plan) -> Part:
    rows = [Row((f"- {prose(line)}",)) for line in [*pending_lines(plan, _STYLE)][1:] if line.strip()]
    if plan.left_out:
        rows.append(Row((f"- Left out: {prose(left_out_amounts(plan.left_out))}",)))
    told = [f"{len(plan.pending):,} pending"] * bool(plan.pending) + ["what was left out"] * bool(plan.left_out)
    title = f"<b>Not done now:</b> {', '.join(told)}"
    return Part(rank=9, opening=folded(title), rows=rows, closing="</details>", noun="entries")


def _guards(plan: Plan) -> Part:
    verdicts = sorted(plan.guards, key=lambda verdict: (verdict.passed, verdict.allowed_by is None))
    title = f"<b>Guards:</b> {len(plan.refusals):,} of {len(verdicts):,} refuse"
    header = "\n| Guard | About | Counted | Limit | Verdict |\n| --- | --- | ---: | --- | --- |"
    return Part(
        rank=11,
        opening=folded(title) + header,
        rows=[Row((_guard_row(verdict),)) for verdict in verdicts],
        closing="</details>",
        noun="guards",
    )


def _guard_row(verdict: Verdict) -> str:
    said = "refuses" if not verdict.passed else "passes"
    if verdict.passed and verdict.allowed_by is not None:
        said = f"lifted: {code(verdict.allowed_by, cell=True)}"
    about = code(verdict.subject, cell=True) if verdict.subject else "the plan"
    limit = code(verdict.limit, longest=60, cell=True)
    return f"| {code(verdict.guard, longest=60, cell=True)} | {about} | {verdict.number:,} | {limit} | {said} |"


def _notes(plan: Plan) -> Part:
    found = [note for note in plan.notes if note.severity == "note"]
    rows = [Row((f"- {prose(note.message)}{f' ({code(note.origin)})' if note.origin else ''}",)) for note in found]
    return Part(
        rank=10, opening=folded(f"<b>{counted(len(rows), 'note')}</b>"), rows=rows, closing="</details>", noun="notes"
    )


def _provenance(plan: Plan) -> Part:
    facts = [*sources(plan), *credentials(plan), ("Made by", plan.tool)]
    return Part(
        rank=9,
        opening=folded("<b>Where this plan comes from</b>"),
        rows=[Row((f"- {name}: {code(fact, longest=120)}",)) for name, fact in facts],
        closing="</details>",
        noun="facts",
    )


def _named(texts: Sequence[str], *, limit: int = _NAMED, beyond: str | None = None, cell: bool = False) -> str:
    """Return the first of some names, each as code, and how many more there are."""
    shown = ", ".join(code(shorten(text, 120), cell=cell) for text in texts[:limit])
    if len(texts) <= limit:
        return shown + (beyond or "")
    return f"{shown} and more" if beyond is not None else f"{shown} and {len(texts) - limit:,} more"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"

"""All that a plan changes for one person: the account, the groups gained and lost and why, what is kept, what waits."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.plan import Action, Plan, Verdict
from reconciler.rendering.access import Telling, left_without_group, listed
from reconciler.rendering.escape import abbreviated, label, safe
from reconciler.rendering.folding import fold_lines
from reconciler.rendering.people import Person, people
from reconciler.rendering.person_groups import group_lines
from reconciler.rendering.provenance import confines, sources
from reconciler.rendering.refusals import refusal
from reconciler.rendering.steps import LONGEST_NAME, step_of_one
from reconciler.rendering.style import Style
from reconciler.rendering.waiting import left_out_lines, pending_lines
from reconciler.rendering.words import counted

_GUESSES: Final = 3
_GROUPS_NAMED: Final = 5
_PREFIX: Final = f"{Kind.USER.lower()}:"


def render_person(plan: Plan, name: str, *, color: bool, width: int | None = None) -> str:
    """Return everything that a plan changes for one person.

    Args:
        plan: the plan document; every text in it is shown with its control and invisible characters escaped.
        name: a ``userName`` before the plan or after it, in any case; an id; or an address, ``user:ada@example.com``.
        color: whether to use ANSI sequences.
        width: columns of the terminal, by which lines are folded; ``None`` where there is none.

    Returns:
        Lines that end in a newline. Values are whole, and nothing is left out. Whoever has taken the name of somebody
        else is shown along with that person. Where the plan names nobody so, it is said that nothing changes, and who
        may have been meant. The last line is the person's own sum, and no public interface.
    """
    style = Style.fitting(color=color, full=True, width=width)
    everybody = people(plan)
    found = _of_name(everybody, name)
    if not found:
        return "\n".join(fold_lines(_nobody(plan, everybody, name), width)) + "\n"
    lines = [
        line
        for number, person in enumerate(found)
        for line in (*([""] if number else []), *_person(plan, person, style))
    ]
    return "\n".join(fold_lines(lines, width)) + "\n"


def _of_name(everybody: Sequence[Person], name: str) -> list[Person]:
    """Return whom a text means: by id, by the very name, by the name in any case; the first of these that means any."""
    bare = name.removeprefix(_PREFIX)
    folded = fold(bare)
    ways: tuple[Callable[[Person], bool], ...] = (
        lambda person: person.id == name,
        lambda person: bare in person.names,
        lambda person: any(fold(known) == folded for known in person.names),
    )
    for meant in ways:
        if found := [person for person in everybody if meant(person)]:
            return found
    return []


def _nobody(plan: Plan, everybody: Sequence[Person], name: str) -> Iterator[str]:
    shown = label(abbreviated(name, LONGEST_NAME))
    if unknown := plan.effect.unknown:
        groups = listed([label(abbreviated(one, LONGEST_NAME)) for one in unknown[:_GROUPS_NAMED]], len(unknown))
        yield f"The plan names no user {shown}. Whether it changes nothing for anybody of that name or id is not known:"
        yield f"not everybody is known who is in {groups}."
    else:
        yield f"The plan names no user {shown}: it changes nothing for anybody of that name or id."
    known = {fold(one): one for person in everybody for one in person.names}
    folded = fold(name)
    parts = [one for key, one in known.items() if folded and folded in key]
    # What stands before the @ alone is compared: everybody has much of the rest in common.
    near = {key: key.partition("@")[0] for key in known}
    alike = set(difflib.get_close_matches(folded.partition("@")[0], near.values(), n=_GUESSES))
    close = [known[key] for key, local in near.items() if local in alike]
    guesses = list(dict.fromkeys(parts or close))[:_GUESSES]
    if guesses:
        yield f"Did you mean {' or '.join(label(abbreviated(one, LONGEST_NAME)) for one in guesses)}?"
    if plan.since is not None:
        yield "The plan is confined to a change of the files, and says nothing of the rest of the directory."


def _person(plan: Plan, person: Person, style: Style) -> Iterator[str]:
    palette = style.palette
    facts = dict(sources(plan))
    where = [(name, facts[name]) for name in ("Directory", "As of")]
    for name, fact in (("User", _called(person)), *where, *confines(plan)):
        yield f"{palette.paint(palette.strong, f'{name}:')}{' ' * (11 - len(name))}{fact}"
    if plan.refusals:
        number = counted(len(plan.refusals), "guard")
        yield f"{palette.paint(palette.remove, 'Refused:')}    by {number}: this plan cannot be applied as it is."
    yield ""
    if person.steps:
        yield palette.paint(palette.strong, "Account:")
        yield from (line for step in person.steps for line in step_of_one(step, style))
        yield ""
    yield from _groups(plan, person, style)
    yield from pending_lines(msgspec.structs.replace(plan, pending=tuple(person.pending)), style)
    yield from left_out_lines(
        [one for one in plan.left_out if _is(person, one.step.partition(" ")[2])], style, listed=True
    )
    yield from _remarks(plan, person, style)
    yield _sum(person)


def _called(person: Person) -> str:
    names = " → ".join(label(abbreviated(name, LONGEST_NAME)) for name in person.names)
    if person.id is not None:
        return f"{names}  (id {label(abbreviated(person.id, LONGEST_NAME))})"
    return f"{names}  (new)" if any(step.action is Action.CREATE for step in person.steps) else names


def _groups(plan: Plan, person: Person, style: Style) -> Iterator[str]:
    """Yield the groups that change, how many there are before and after, and which ones stay."""
    lines = list(group_lines(person, Telling(plan, style), style, rules=True))
    effect = person.effect
    if effect is None and not lines:
        return
    palette = style.palette
    numbers = ""
    if effect is not None:
        known = effect.before is not None and effect.after is not None
        numbers = (
            f" access to {effect.before:,} before, to {effect.after:,} after" if known else " how many is not known"
        )
    yield f"{palette.paint(palette.strong, 'Groups:')}{numbers}"
    yield from lines
    if effect is not None and effect.kept:
        kept = ", ".join(label(abbreviated(name, LONGEST_NAME)) for name in effect.kept)
        yield f"      kept: {kept}"
    if effect is not None and effect in left_without_group(plan):
        yield f"      {palette.paint(palette.remove, '!')} keeps a working account and is left without any group"
    yield ""


def _remarks(plan: Plan, person: Person, style: Style) -> Iterator[str]:
    """Yield the guards and the notes that name the person."""
    palette = style.palette
    judged = [one for one in plan.guards if (not one.passed or one.allowed_by is not None) and _named(one, person)]
    if judged:
        yield palette.paint(palette.strong, "Guards that name this user:")
        for verdict in judged:
            sign, colour = ("!", palette.change) if verdict.passed else ("✗", palette.remove)
            allowed = f"  (allowed: {safe(verdict.allowed_by)})" if verdict.allowed_by is not None else ""
            yield f"  {palette.paint(colour, sign)} {safe(verdict.guard)}: {refusal(verdict)}{allowed}"
        yield ""
    notes = [note for note in plan.notes if _mentions(note.message, person)]
    if notes:
        yield palette.paint(palette.strong, "Notes that name this user:")
        for note in notes:
            sign = palette.paint(palette.change, "!") if note.severity == "warning" else palette.paint(palette.dim, "·")
            yield f"  {sign} {safe(note.message)}"
        yield ""


def _named(verdict: Verdict, person: Person) -> bool:
    return any(_is(person, address) for address in (verdict.subject or "", *verdict.resources))


def _is(person: Person, address: str) -> bool:
    return fold(address) in {fold(Kind.USER.address(name)) for name in person.names}


def _mentions(message: str, person: Person) -> bool:
    return any(
        re.search(rf"{re.escape(Kind.USER.address(name))}(?![\w@+-]|\.\w)", message, re.IGNORECASE)
        for name in person.names
    )


def _sum(person: Person) -> str:
    """Return what changes in one line: ``In all: 1 account change, 2 memberships to add, 3 groups gained.``."""
    adds = sum(step.action is Action.ADD_MEMBERS for step, _ in person.memberships)
    removes = len(person.memberships) - adds
    gained, lost = ({(group.id, group.name) for group, _ in some} for some in (person.gained, person.lost))
    told = [
        f"{counted(number, noun)} {what}".rstrip()
        for number, noun, what in (
            (len(person.steps), "account change", ""),
            (adds, "membership", "to add"),
            (removes, "membership", "to remove"),
            (len(gained), "group", "gained"),
            (len(lost), "group", "lost"),
        )
        if number
    ]
    if told:
        return f"In all: {', '.join(told)}."
    return f"Nothing changes now, {'and something is pending.' if person.pending else 'by this plan.'}"

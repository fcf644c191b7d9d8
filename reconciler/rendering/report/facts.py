"""What the report says without its script: headline, risks, guards, what waits, and where the plan comes from.

Every text here is ready to show: foreign text has gone through :func:`reconciler.rendering.escape.safe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.planning.plan import Note, Plan, Verdict
from reconciler.rendering.access import NOBODY_KNOWN, access_headline, access_numbers
from reconciler.rendering.escape import abbreviated, address_label, label, safe, shorten
from reconciler.rendering.provenance import circumstances, confines, credentials, sources
from reconciler.rendering.refusals import more_resources, refusal
from reconciler.rendering.risk import Risk
from reconciler.rendering.style import PLAIN, Style
from reconciler.rendering.values import inline
from reconciler.rendering.waiting import left_out_amounts, left_out_lines, pending_lines
from reconciler.rendering.words import counted

_LONGEST_NAME = 200
_LONGEST_TEXT = 1_000
_RISK_NAMES = 8
_WAITING_ROWS = 200
_NOTES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number of the headline. ``tone`` names its colour: ``create``, ``change``, ``remove`` or none for 0."""

    number: str
    words: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Whether the plan may be applied, in a few words, and what must be known of it before anything else."""

    tone: str
    words: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFact:
    """One thing to look at first: what it is, about whom, how many more of them there are, and by how many steps."""

    severity: str
    title: str
    about: tuple[str, ...]
    more: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardFact:
    """One verdict in words."""

    guard: str
    subject: str
    number: str
    limit: str
    outcome: str
    sentence: str
    resources: tuple[str, ...]
    more: str
    wish: str
    how_to_allow: str
    allowed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFact:
    """One warning or note with its place."""

    severity: str
    message: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the plan does not do, one line each, and how many lines more there are."""

    title: str
    amount: str
    lines: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the page says of a plan besides its steps and its effect in detail."""

    directory: str
    place: str
    status: Status
    summary: str
    tiles: tuple[Tile, ...]
    risks: tuple[RiskFact, ...]
    guards: tuple[GuardFact, ...]
    notes: tuple[NoteFact, ...]
    more_notes: int
    waiting: tuple[Waiting, ...]
    provenance: tuple[tuple[str, str], ...]
    capabilities: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]
    steps: int
    access: str


def facts(plan: Plan, risks: Sequence[Risk]) -> Facts:
    """Return what the page says of a plan.

    Args:
        plan: the plan document.
        risks: what :func:`reconciler.rendering.risk.risks` says of it.
    """
    named = dict(sources(plan))
    notes = sorted(plan.notes, key=lambda note: note.severity != "warning")
    return Facts(
        directory=safe(shorten(plan.directory.name, _LONGEST_NAME)),
        place=f"{named['Directory']} · {named['Desired']} · as of {named['As of']}",
        status=_status(plan),
        summary=str(plan.summary),
        tiles=tuple(_tiles(plan)),
        risks=tuple(map(_risk, risks)),
        guards=tuple(map(_guard, sorted(plan.guards, key=_gravity))),
        notes=tuple(map(_note, notes[:_NOTES])),
        more_notes=len(notes[_NOTES:]),
        waiting=tuple(_waiting(plan)),
        provenance=tuple(_provenance(plan)),
        capabilities=tuple((safe(name), inline(value, _LONGEST_TEXT)) for name, value in plan.capabilities.items()),
        unknown=tuple(address_label(abbreviated(f"group:{name}", _LONGEST_NAME)) for name in plan.effect.unknown),
        steps=len(plan.steps),
        access=_begun(access_headline(plan) or NOBODY_KNOWN),
    )


def _status(plan: Plan) -> Status:
    remarks = tuple(_remarks(plan))
    if plan.refusals:
        by = counted(len(plan.refusals), "guard")
        return Status(tone="remove", words=f"Refused by {by}: this plan cannot be applied as it is", remarks=remarks)
    if not plan.steps:
        return Status(tone="none", words="Nothing to apply", remarks=remarks)
    lifted = sum(verdict.allowed_by is not None for verdict in plan.guards)
    words = f"No guard refuses; {counted(lifted, 'guard')} lifted" if lifted else "No guard refuses"
    return Status(tone="change" if lifted else "create", words=words, remarks=remarks)


def _remarks(plan: Plan) -> Iterator[str]:
    if plan.redacted:
        yield "Redacted: ids or initials stand for people, and what authors wrote is withheld."
    if plan.since is not None:
        touched = f"{counted(plan.since.users, 'user')} and {counted(plan.since.groups, 'group')}"
        ref = safe(shorten(plan.since.ref, _LONGEST_NAME))
        yield f"Confined to what changed in the files since {ref}: {touched}. Of the rest it says nothing."
    if plan.left_out:
        yield f"Not the whole change. Left out: {left_out_amounts(plan.left_out)}."
    if plan.undoes is not None:
        yield f"Undoes run {safe(shorten(plan.undoes, _LONGEST_NAME))}."


def _tiles(plan: Plan) -> Iterator[Tile]:
    summary = plan.summary
    numbers = access_numbers(plan)
    least = ", at least" if plan.effect.unknown else ""
    gaining, losing = numbers.gain + numbers.both, numbers.lose + numbers.both
    for number, words, tone in (
        (summary.create, "to create", "create"),
        (summary.update, "to update", "change"),
        (summary.deactivate, "to deactivate", "remove"),
        (summary.delete, "to delete", "remove"),
        (summary.add_members, "memberships to add", "create"),
        (summary.remove_members, "memberships to remove", "remove"),
        (gaining, f"gain{'' if gaining != 1 else 's'} access{least}", "create"),
        (losing, f"lose{'' if losing != 1 else 's'} access{least}", "remove"),
        (numbers.last, "left without any group", "remove"),
    ):
        yield Tile(number=f"{number:,}", words=words, tone=tone if number else "none")


def _risk(risk: Risk) -> RiskFact:
    # Facts say more than the bare addresses; there are as many.
    texts = [safe(shorten(fact, _LONGEST_TEXT)) for fact in risk.facts[:_RISK_NAMES]]
    if not texts:
        texts = _names(risk.addresses)
    return RiskFact(
        severity=risk.severity,
        title=safe(risk.title),
        about=tuple(texts),
        more=max(0, len(risk.facts or risk.addresses) - len(texts)),
        steps=len(risk.steps),
    )


def _names(addresses: Sequence[str]) -> list[str]:
    """Return the first addresses as people read them: without the kind where the title tells it for all of them."""
    one_kind = len({address.partition(":")[0] for address in addresses}) == 1
    shown = [abbreviated(address, _LONGEST_NAME) for address in addresses[:_RISK_NAMES]]
    return [label(address.partition(":")[2]) if one_kind else address_label(address) for address in shown]


def _note(note: Note) -> NoteFact:
    return NoteFact(severity=note.severity, message=safe(note.message), origin=safe(note.origin or ""))


def _gravity(verdict: Verdict) -> int:
    """Order verdicts as they matter: what refuses, what was lifted, what counted something, the rest."""
    if not verdict.passed:
        return 0
    return 1 if verdict.allowed_by is not None else 2 if verdict.number else 3


def _guard(verdict: Verdict) -> GuardFact:
    lifted = verdict.passed and verdict.allowed_by is not None
    named = () if verdict.resources == (verdict.subject,) else verdict.resources
    return GuardFact(
        guard=safe(shorten(verdict.guard, _LONGEST_NAME)),
        subject=address_label(abbreviated(verdict.subject, _LONGEST_NAME)) if verdict.subject else "",
        number=f"{verdict.number:,}",
        limit=safe(shorten(verdict.limit, _LONGEST_TEXT)),
        outcome="lifted" if lifted else "passed" if verdict.passed else "refused",
        sentence=refusal(verdict),
        resources=tuple(address_label(abbreviated(address, _LONGEST_NAME)) for address in named),
        more=more_resources(verdict) if named else "",
        wish="To allow it once, run again with" if verdict.how_to_allow.startswith("-") else "If it is meant",
        how_to_allow=safe(shorten(verdict.how_to_allow, _LONGEST_TEXT)),
        allowed_by=safe(shorten(verdict.allowed_by or "", _LONGEST_TEXT)),
    )


def _waiting(plan: Plan) -> Iterator[Waiting]:
    style = Style(palette=PLAIN, full=True, value_limit=None)
    for title, amount, lines in (
        ("Pending", f"{len(plan.pending):,}", list(pending_lines(plan, style))),
        ("Left out", left_out_amounts(plan.left_out), list(left_out_lines(plan.left_out, style, listed=True))),
    ):
        # The terminal's lines begin with a title and end with an empty one.
        rows = tuple(line.strip() for line in lines[1:-1])
        if rows:
            more = max(0, len(rows) - _WAITING_ROWS)
            yield Waiting(title=title, amount=amount, lines=rows[:_WAITING_ROWS], more=more)


def _provenance(plan: Plan) -> Iterator[tuple[str, str]]:
    yield from sources(plan)
    if plan.desired.commit is not None:
        yield "Commit", safe(shorten(plan.desired.commit, _LONGEST_TEXT))
    yield "Digest of the files", safe(shorten(plan.desired.digest, _LONGEST_TEXT))
    yield "Listed", f"{counted(plan.desired.users, 'user')}, {counted(plan.desired.groups, 'group')}"
    yield from confines(plan)
    yield from circumstances(plan)
    yield from credentials(plan)
    if plan.confirm_replace:
        yield "Confirmed", "replaced groups may go"
    yield "Made by", safe(shorten(plan.tool, _LONGEST_TEXT))


def _begun(words: str) -> str:
    """Return words as a sentence begins."""
    return words[:1].upper() + words[1:]

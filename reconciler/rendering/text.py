"""A plan as text for a terminal, in the manner that plan/apply tools have made familiar.

Plain strings with ANSI sequences: 10,000 steps must not cost a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.planning.plan import Note, Plan, Verdict
from reconciler.rendering.access import access_lines
from reconciler.rendering.escape import abbreviated, address_label, safe
from reconciler.rendering.first_look import first_look_lines
from reconciler.rendering.folding import fold_lines
from reconciler.rendering.grouping import GroupBy, grouped_lines
from reconciler.rendering.provenance import circumstances, confines, credentials, sources
from reconciler.rendering.refusals import more_resources, refusal
from reconciler.rendering.style import Style
from reconciler.rendering.waiting import left_out_lines, pending_lines

_NAMED_IN_A_LINE = 5
_LONGEST_NAME = 200


def render_text(
    plan: Plan,
    *,
    color: bool,
    full: bool = False,
    width: int | None = None,
    saved: bool = False,
    left_out: bool = False,
    group_by: GroupBy = "kind",
) -> str:
    """Return the plan as text.

    Header, what to look at first, the steps, the access that they change, what waits, notes, guards, the summary.

    Args:
        plan: the plan document; every text in it is shown with its control and invisible characters escaped.
        color: whether to use ANSI sequences.
        full: show every membership, everybody whose access changes, and every value whole. Otherwise at most 20
            memberships of a group are shown, and long values are cut in the middle.
        width: columns of the terminal, by which long values are cut and lines are folded; ``None`` where there is none.
        left_out: list every step that was left out of the plan, in place of their number alone.
        saved: whether the header also tells what proves that a saved plan is the one that was made.
        group_by: ``kind`` for the steps in plan order, ``user`` or ``group`` for all that concerns one together.

    Returns:
        Lines that end in a newline. The last one is ``str(plan.summary)`` to the letter, never coloured nor folded.
    """
    style = Style.fitting(color=color, full=full, width=width)
    lines = [
        *_header(plan, style, saved=saved),
        *first_look_lines(plan, style),
        *grouped_lines(plan, style, group_by),
        *access_lines(plan, style, by_group=group_by != "group"),
        *pending_lines(plan, style),
        *left_out_lines(plan.left_out, style, listed=left_out),
        *_notes(plan.notes, style),
        *_guards(plan, style),
    ]
    return "\n".join([*fold_lines(lines, width), str(plan.summary)]) + "\n"


def _header(plan: Plan, style: Style, *, saved: bool) -> Iterator[str]:
    palette = style.palette
    for name, fact in (*sources(plan), *confines(plan), *circumstances(plan), *(credentials(plan) if saved else ())):
        yield f"{palette.paint(palette.strong, f'{name}:')}{' ' * (11 - len(name))}{fact}"
    yield ""


def _notes(notes: Sequence[Note], style: Style) -> Iterator[str]:
    palette = style.palette
    for severity, title, sign, colour in (
        ("warning", "Warnings", "!", palette.change),
        ("note", "Notes", "·", palette.dim),
    ):
        chosen = [note for note in notes if note.severity == severity]
        if not chosen:
            continue
        yield palette.paint(palette.strong, f"{title}:")
        for note in chosen:
            origin = f"  {palette.paint(palette.dim, f'({safe(note.origin)})')}" if note.origin else ""
            yield f"  {palette.paint(colour, sign)} {safe(note.message)}{origin}"
        yield ""


def _guards(plan: Plan, style: Style) -> Iterator[str]:
    palette = style.palette
    lifted = [verdict for verdict in plan.guards if verdict.passed and verdict.allowed_by is not None]
    if lifted:
        yield palette.paint(palette.strong, "Allowed for this run:")
        for verdict in lifted:
            yield f"  {palette.paint(palette.change, '!')} {_named(verdict)}{refusal(verdict)}"
            yield f"      reason: {safe(verdict.allowed_by or '')}"
        yield ""
    if plan.refusals:
        yield palette.paint(palette.remove, "Refused: this plan cannot be applied as it is.")
        yield ""
        for verdict in plan.refusals:
            yield from _refused(verdict, style)
            yield ""


def _refused(verdict: Verdict, style: Style) -> Iterator[str]:
    palette = style.palette
    yield f"  {palette.paint(palette.remove, '✗')} {_named(verdict)}{refusal(verdict)}"
    if verdict.resources != (verdict.subject,):
        yield from _resources(verdict, style)
    if verdict.how_to_allow:
        wish = "to allow it once, run again with:" if verdict.how_to_allow.startswith("-") else "if it is meant:"
        yield f"      {wish} {safe(verdict.how_to_allow)}"


def _resources(verdict: Verdict, style: Style) -> Iterator[str]:
    named = [address_label(abbreviated(address, style.value_limit or _LONGEST_NAME)) for address in verdict.resources]
    for start in range(0, len(named), _NAMED_IN_A_LINE):
        end = start + _NAMED_IN_A_LINE
        after = "," if end < len(named) else more_resources(verdict)
        yield f"      {', '.join(named[start:end])}{after}"


def _named(verdict: Verdict) -> str:
    return f"{safe(verdict.guard)}: "

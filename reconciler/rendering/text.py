"""A plan as text for a terminal, in the manner that plan/apply tools have made familiar.

Plain strings with ANSI sequences: 10,000 steps must not cost a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from reconciler.planning.plan import Note, Plan, Verdict
from reconciler.rendering.escape import address_label, label, safe, shorten
from reconciler.rendering.provenance import circumstances, credentials
from reconciler.rendering.refusals import more_resources, refusal
from reconciler.rendering.steps import step_lines
from reconciler.rendering.style import Style
from reconciler.rendering.waiting import left_out_lines, pending_lines
from reconciler.rendering.words import counted

_NAMED_IN_A_LINE = 5


def render_text(
    plan: Plan,
    *,
    color: bool,
    full: bool = False,
    width: int | None = None,
    saved: bool = False,
    left_out: bool = False,
) -> str:
    """Return the plan as text: header, steps in plan order, what waits, notes, guards, and the summary as last line.

    Args:
        plan: the plan document; every text in it is shown with its control and invisible characters escaped.
        color: whether to use ANSI sequences.
        full: show every membership and every value whole. Otherwise at most 20 memberships of a group are shown, and
            long values are cut in the middle.
        width: columns of the terminal, by which long values are cut; ``None`` where there is none.
        left_out: list every step that was left out of the plan, in place of their number alone.
        saved: whether the header also tells what proves that a saved plan is the one that was made.

    Returns:
        Lines that end in a newline. The last one is ``str(plan.summary)`` to the letter, never coloured.
    """
    style = Style.fitting(color=color, full=full, width=width)
    lines = [
        *_header(plan, style, saved=saved),
        *step_lines(plan.steps, style),
        *pending_lines(plan, style),
        *left_out_lines(plan.left_out, style, listed=left_out),
        *_notes(plan.notes, style),
        *_guards(plan, style),
        str(plan.summary),
    ]
    return "\n".join(lines) + "\n"


def _header(plan: Plan, style: Style, *, saved: bool) -> Iterator[str]:
    palette = style.palette
    directory, desired, live = plan.directory, plan.desired, plan.live
    commit = f" at {safe(_short(desired.commit))}" if desired.commit else ""
    sizes = (counted(live.users, "user"), counted(live.groups, "group"), counted(live.memberships, "membership"))
    for name, fact in (
        ("Directory", f"{label(directory.name)} ({safe(directory.dialect)}) at {_host(directory.base_url)}"),
        ("Desired", f"{counted(desired.files, 'file')}{commit}"),
        ("Live", ", ".join(sizes)),
        ("As of", safe(plan.as_of)),
        *circumstances(plan),
        *(credentials(plan) if saved else ()),
    ):
        yield f"{palette.paint(palette.strong, f'{name}:')}{' ' * (11 - len(name))}{fact}"
    yield ""


def _host(base_url: str) -> str:
    """Return host and port alone: the rest of the URL is long, and may hold credentials."""
    try:
        parts = urlsplit(base_url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable URL"
    if not parts.hostname:
        return "an unreadable URL"
    return safe(f"[{parts.hostname}]{port}" if ":" in parts.hostname else f"{parts.hostname}{port}")


def _short(commit: str) -> str:
    """Return a commit by its first 12 digits, with what is appended to it (``+dirty``)."""
    name, plus, state = commit.partition("+")
    return name[:12] + plus + state


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
    named = [address_label(shorten(address, style.value_limit)) for address in verdict.resources]
    for start in range(0, len(named), _NAMED_IN_A_LINE):
        end = start + _NAMED_IN_A_LINE
        after = "," if end < len(named) else more_resources(verdict)
        yield f"      {', '.join(named[start:end])}{after}"


def _named(verdict: Verdict) -> str:
    return f"{safe(verdict.guard)}: "

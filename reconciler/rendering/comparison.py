"""What separates two plans, for people and for programs: the summary first, then what nobody has reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from reconciler.planning.comparing import ChangeDifference, Comparison, Difference, Gone, StepDifference
from reconciler.planning.plan import Action, Change, Edge
from reconciler.rendering.escape import address_label, label, safe, shorten
from reconciler.rendering.members import SHOWN
from reconciler.rendering.steps import step_lines
from reconciler.rendering.style import Style
from reconciler.rendering.values import inline, inline_pair
from reconciler.rendering.words import counted, reason_of_step

_LONGEST_NAME = 200


def render_comparison(comparison: Comparison, *, color: bool, full: bool = False, width: int | None = None) -> str:
    """Return what separates two plans as text.

    Args:
        comparison: what was found; every text in it is shown with its control and invisible characters escaped.
        color: whether to use ANSI sequences.
        full: show every membership and every value whole.
        width: columns of the terminal, by which long values are cut; ``None`` where there is none.

    Returns:
        Lines that end in a newline. The first one is :func:`summary_of`, never coloured.
    """
    style = Style.fitting(color=color, full=full, width=width)
    lines = [summary_of(comparison), *_alarms(comparison, style)]
    if comparison.new:
        lines += [
            "",
            _title("Only in the newer plan, reviewed by nobody:", style),
            "",
            *_without_end(comparison, style),
        ]
    if comparison.changed:
        lines += ["", _title("In both, and not the same:", style), ""]
        lines += [line for difference in comparison.changed for line in _changed(difference, style)]
    if comparison.gone:
        lines += ["", _title(f"Only in the older plan ({_where_to(comparison)}):", style), ""]
        lines += [_gone(gone, style) for gone in comparison.gone]
    if comparison.warnings:
        lines += ["", _title("Warnings of the newer plan alone:", style), ""]
        lines += [f"  {style.palette.paint(style.palette.change, '!')} {safe(n.message)}" for n in comparison.warnings]
    if comparison.provenance:
        lines += ["", _title("How they were made:", style), ""]
        lines += [_fact(difference, style) for difference in comparison.provenance]
    return "\n".join(lines) + "\n"


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return what separates two plans as a JSON object."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(comparison))
    return {
        "summary": summary_of(comparison),
        "equivalent": comparison.equivalent,
        "risks": dict(comparison.risks),
        **document,
    }


def summary_of(comparison: Comparison) -> str:
    """Return the numbers of a comparison in one line, with what is taken away that was not before."""
    if not (comparison.new or comparison.changed or comparison.gone):
        return f"Compared: both plans hold the same {counted(comparison.same, 'step')}."
    counts = (
        f"{counted(len(comparison.new), 'step')} new, {len(comparison.gone):,} gone, "
        f"{len(comparison.changed):,} different, {comparison.same:,} the same."
    )
    risks = ", ".join(f"{kind} {number:,}" for kind, number in comparison.risks.items())
    return f"Compared: {counts}" + (f" New risks: {risks}." if risks else "")


def _title(text: str, style: Style) -> str:
    return style.palette.paint(style.palette.strong, text)


def _alarms(comparison: Comparison, style: Style) -> Iterator[str]:
    if comparison.alarms:
        yield ""
    for alarm in comparison.alarms:
        yield f"  {style.palette.paint(style.palette.remove, '!')} {safe(shorten(alarm, _cut(style, 4)))}"


def _without_end(comparison: Comparison, style: Style) -> list[str]:
    """Return the new steps as a plan shows them, without the empty line behind the last."""
    return list(step_lines(comparison.new, style))[:-1]


def _where_to(comparison: Comparison) -> str:
    if comparison.same_files:
        return "the files are the same: done already, or its time has passed"
    return "done already, or not wanted any more"


def _changed(difference: StepDifference, style: Style) -> Iterator[str]:
    palette, step = style.palette, difference.step
    sign, colour = ("!", palette.remove) if difference.risks else ("~", palette.change)
    verb = step.action.value.replace("_", " ")
    address = palette.paint(palette.strong, address_label(shorten(step.address, _LONGEST_NAME)))
    yield f"  {palette.paint(colour, sign)} {verb} {address}"
    if difference.moved:
        paths = ", ".join(step.precondition.paths) if step.precondition else ""
        yield (
            f"      {palette.paint(palette.change, '!')} the directory has moved under it: the older plan rests on "
            f"other values of {safe(shorten(paths, _cut(style, 2)))}"
        )
    yield from (f"    {_fact(fact, style)}" for fact in difference.facts)
    yield from (_change(change, style) for change in difference.changes)
    if step.action is Action.ADD_MEMBERS:
        yield from _edges(difference.members_new, palette.paint(palette.create, "+"), "now added too", style)
        yield from _edges(difference.members_gone, palette.paint(palette.dim, "·"), "no longer added", style)
    else:
        yield from _edges(difference.members_new, palette.paint(palette.remove, "!"), "now removed too", style)
        yield from _edges(difference.members_gone, palette.paint(palette.dim, "·"), "no longer removed", style)


def _change(difference: ChangeDifference, style: Style) -> str:
    palette = style.palette
    sign = "+" if difference.old is None else "-" if difference.new is None else "~"
    path = safe(shorten(difference.path, _LONGEST_NAME))
    parts = [f"{word} {_written(change, style)}" for word, change in _sides(difference) if change is not None]
    if difference.new is None:
        parts.append("now left alone")
    return f"      {palette.paint(palette.of(sign), sign)} {path}: {'; '.join(parts)}"


def _sides(difference: ChangeDifference) -> tuple[tuple[str, Change | None], tuple[str, Change | None]]:
    return ("was", difference.old), ("now", difference.new)


def _written(change: Change, style: Style) -> str:
    before, after = inline_pair(change.before, change.after, style.value_limit)
    mark = f" {style.palette.paint(style.palette.change, 'identity')}" if change.identity else ""
    return f"{before} → {after}{mark}"


def _edges(edges: tuple[Edge, ...], sign: str, words: str, style: Style) -> Iterator[str]:
    shown = edges if style.full else edges[:SHOWN]
    for edge in shown:
        yield f"      {sign} {address_label(shorten(edge.address, _LONGEST_NAME))}: {words}"
    if len(shown) < len(edges):
        more = f"… {len(edges) - len(shown):,} more {words} (--full shows all)"
        yield f"        {style.palette.paint(style.palette.dim, more)}"


def _gone(gone: Gone, style: Style) -> str:
    palette, step = style.palette, gone.step
    verb = step.action.value.replace("_", " ")
    what = f"{verb} {address_label(shorten(step.address, _LONGEST_NAME))}"
    if step.members:
        what += f", {counted(len(step.members), 'membership')}"
    why = safe(gone.why) if gone.why is not None else reason_of_step(step)
    return f"  {palette.paint(palette.dim, '·')} {what}  {palette.paint(palette.dim, f'({why})')}"


def _fact(fact: Difference, style: Style) -> str:
    if fact.what == "directory.base_url":
        before, after = (label(_without_secrets(value)) for value in (fact.old, fact.new))
    else:
        before, after = inline_pair(fact.old, fact.new, style.value_limit)
        before, after = (
            inline(value, None) if isinstance(value, str) and value.startswith("sha256:") else shown
            for value, shown in ((fact.old, before), (fact.new, after))
        )
    return f"  {safe(shorten(fact.what, _LONGEST_NAME))}: {before} → {after}"


def _without_secrets(url: Any) -> str:
    """Return a URL without what stands before its host and behind its path, which may be credentials."""
    try:
        parts = urlsplit(str(url))
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return "an unreadable URL"


def _cut(style: Style, times: int) -> int | None:
    return None if style.value_limit is None else times * style.value_limit

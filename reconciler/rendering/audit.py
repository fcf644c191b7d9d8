"""Audit events and what was found out about them, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.model import utc
from reconciler.rendering.escape import address_label, label, safe
from reconciler.rendering.style import Style
from reconciler.rendering.values import inline_pair
from reconciler.rendering.words import counted
from reconciler.store.audit_body import Body, read_body
from reconciler.store.audit_verification import Chain, Verification
from reconciler.store.exporting import event_document
from reconciler.store.records import AuditEvent

_SHOWN = 20


def render_events(events: Sequence[AuditEvent], *, color: bool, full: bool = False, width: int | None = None) -> str:
    """Return events, each with who did it, why, and what changed.

    Args:
        events: in the order in which they are shown.
        color: whether to use ANSI sequences.
        full: show every member and values whole; otherwise 20 members, and values cut to fit.
        width: columns of the terminal; ``None`` is a file.

    Returns:
        Lines that end in a newline; the last one counts the events.
    """
    style = Style.fitting(color=color, full=full, width=width)
    lines = [line for event in events for line in _event(event, style)]
    return "\n".join([*lines, f"{counted(len(events), 'event')}."]) + "\n"


def events_document(events: Sequence[AuditEvent]) -> dict[str, Any]:
    """Return events as a JSON object."""
    return {"events": [event_document(event) for event in events]}


def render_verification(found: Verification, *, color: bool) -> str:
    """Return what was found out about the audit; the last line says whether it is intact.

    Args:
        found: what :func:`reconciler.store.audit_verification.verify` found.
        color: whether to use ANSI sequences.
    """
    palette = Style.fitting(color=color, full=True, width=None).palette
    lines: list[str] = []
    for chain in found.chains:
        lines += [f"{safe(chain.directory)}: {counted(chain.events, 'event')}, head {chain.head}"]
        lines += [palette.paint(palette.remove, f"  {safe(chain.problem)}")] if chain.problem else []
    lines += [palette.paint(palette.remove, safe(found.head_problem))] if found.head_problem else []
    state = "intact" if found.intact else palette.paint(palette.remove, "NOT INTACT")
    return "\n".join([*lines, f"Audit: {state}, {counted(found.events, 'event')} verified."]) + "\n"


def verification_document(found: Verification) -> dict[str, Any]:
    """Return what was found out about the audit as a JSON object."""
    return {
        "intact": found.intact,
        "events": found.events,
        "head_problem": found.head_problem,
        "directories": [_chain(chain) for chain in found.chains],
    }


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "directory": chain.directory,
        "events": chain.events,
        "head": chain.head,
        "problem": chain.problem,
    }


def _event(event: AuditEvent, style: Style) -> Iterator[str]:
    body, palette = read_body(event), style.palette
    status = f": {safe(body.result.status)}" if body.result else ""
    what = f"{safe(body.action.replace('_', ' '))} {_whom(event, body)}"
    if event.type != "step" and body.resource is None:
        what = f"{safe(event.type.replace('_', ' '))} ({safe(body.action)})"
    yield f"{utc(event.at)}  {palette.paint(palette.strong, what)}{status}"
    if body.result and body.result.message:
        yield f"    {safe(body.result.message)}"
    yield palette.paint(palette.dim, f"    by {_who(body)}, run {safe(event.run_id)}, event {event.seq}")
    if why := _why(body):
        yield palette.paint(palette.dim, f"    because {why}")
    for change in body.changes:
        before, after = inline_pair(change.before, change.after, style.value_limit)
        yield f"    {safe(change.path)}: {before} → {after}"
    shown = body.members if style.full else body.members[:_SHOWN]
    for member in shown:
        yield f"    {address_label(member.kind.address(member.name))}"
    if len(shown) < len(body.members):
        yield f"    … and {len(body.members) - len(shown):,} more (--full shows all)"


def _whom(event: AuditEvent, body: Body) -> str:
    return address_label(body.resource.address or body.resource.name) if body.resource else safe(event.type)


def _who(body: Body) -> str:
    who = body.who
    place = f" on {label(who.host)}" if who.host else ""
    return f"{label(who.name) if who.name else 'somebody unknown'}{place}"


def _why(body: Body) -> str:
    why = body.why
    said = [text for text in (why.reason, why.origin, why.note, why.run_reason) if text]
    if why.ticket and not any(why.ticket in text for text in said):
        said.append(why.ticket)
    return ", ".join(map(safe, said))

"""What is known of a directory and what a probe has found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec

from reconciler.capabilities import Authority, Paging, Statement
from reconciler.probing import Examination, Finding, Probe
from reconciler.probing.examination import shown
from reconciler.rendering.escape import label, pad, safe, shorten
from reconciler.rendering.problems import render_diagnostics
from reconciler.rendering.style import ANSI, PLAIN, Palette
from reconciler.rendering.words import counted

SECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Reading": ("paging", "page_size", "group_page_size", "user_filters", "group_filters", "filter_operators"),
        "Users": (
            "patch_users",
            "put_users",
            "user_delete",
            "deactivation_mutates",
            "email_domain_unlinks",
            "unique_keys",
            "attributes",
        ),
        "Groups and members": (
            "groups",
            "patch_groups",
            "put_groups",
            "group_rename",
            "nested_groups",
            "reserved_groups",
            "members_read",
            "exclude_members",
            "member_add",
            "member_remove",
        ),
        "Requests": (
            "max_members_per_patch",
            "max_operations_per_patch",
            "max_body_bytes",
            "etag",
            "bulk_operations",
            "bulk_bytes",
        ),
        "Pace": ("max_concurrency", "rates", "throttle_statuses", "throttle_markers"),
        "Size": ("max_users", "max_groups", "max_group_members", "max_memberships"),
    }
)
"""All capabilities, in the order in which they are shown."""

_VALUE_COLUMNS = 28
_LONGEST_SOURCE = 300
_LONGEST_SEEN = 600


def render_examination(examination: Examination, today: date, *, color: bool) -> str:
    """Return what is known of a directory: connection, every capability with who says so, and remarks.

    Args:
        examination: what is known.
        today: the day from which the token's last day is counted.
        color: whether to use ANSI sequences.

    Returns:
        Lines that end in a newline. The last one says whether the directory can be worked with.
    """
    palette = ANSI if color else PLAIN
    lines = [*_connection(examination, today, palette)]
    for title, names in SECTIONS.items():
        lines += ["", palette.paint(palette.strong, title)]
        lines += [_capability(name, examination.discovery.statements[name], palette) for name in names]
    if examination.remarks:
        lines += ["", palette.paint(palette.strong, "Remarks")]
        remarks = render_diagnostics(examination.remarks, "text", color=color)
        lines += [f"  {line}" for line in remarks.splitlines()]
    verdict = "can be worked with" if examination.usable else "cannot be worked with as it is"
    lines += ["", f"The directory {verdict}. Asked with {counted(examination.requests, 'request')}."]
    return "\n".join(lines) + "\n"


def _connection(examination: Examination, today: date, palette: Palette) -> Iterator[str]:
    yield f"{palette.paint(palette.strong, label(examination.name))}  {safe(examination.base_url)}"
    yield f"  dialect  {safe(examination.dialect)}: {safe(examination.description)}"
    yield f"  token    {safe(examination.token)}, {_expiry(examination.expires, today)}"
    totals = [counted(number, kind.lower()) for kind, number in examination.totals.items()]
    by_name = examination.discovery.capabilities.paging is Paging.FILTER_ONLY
    unknown = "what can only be asked for by name" if by_name else "a number that it does not tell"
    yield f"  holds    {', '.join(totals) or unknown}"


def _expiry(expires: date | None, today: date) -> str:
    if expires is None:
        return "whose last day directory.yaml does not tell"
    days = (expires - today).days
    return f"works until {expires} ({counted(days, 'day')})" if days > 0 else f"stopped working on {expires}"


def _capability(name: str, statement: Statement, palette: Palette) -> str:
    value = pad(safe(shown(statement.value)), _VALUE_COLUMNS)
    return f"  {pad(name, 24)}  {value}  {palette.paint(palette.dim, _authority(statement))}"


def _authority(statement: Statement) -> str:
    source = safe(shorten(statement.source, _LONGEST_SOURCE))
    if statement.authority is Authority.OVERRIDE:
        return source or "directory.yaml"
    return f"{statement.authority}: {source}" if source else statement.authority.value


def examination_document(examination: Examination, today: date) -> dict[str, Any]:
    """Return what is known of a directory as a JSON object."""
    expires = examination.expires
    statements = examination.discovery.statements
    return {
        "directory": examination.name,
        "base_url": examination.base_url,
        "dialect": {"name": examination.dialect, "description": examination.description},
        "token": {
            "source": examination.token,
            "expires": expires.isoformat() if expires else None,
            "days": (expires - today).days if expires else None,
        },
        "totals": {f"{kind.lower()}s": number for kind, number in examination.totals.items()},
        "capabilities": {
            name: {
                "value": msgspec.to_builtins(statement.value),
                "authority": statement.authority.value,
                "source": statement.source,
            }
            for name, statement in ((name, statements[name]) for names in SECTIONS.values() for name in names)
        },
        "remarks": [remark.as_json() for remark in examination.remarks],
        "requests": examination.requests,
        "usable": examination.usable,
    }


def render_probe(probe: Probe, *, color: bool) -> str:
    """Return what a probe has found, question by question, and what it leaves behind.

    Args:
        probe: what was found.
        color: whether to use ANSI sequences.
    """
    palette = ANSI if color else PLAIN
    lines = [line for finding in probe.findings for line in _finding(finding, palette)]
    if probe.left_behind:
        lines += ["", palette.paint(palette.strong, f"Left behind ({len(probe.left_behind)}):")]
        lines += [f"  {safe(str(one))}" for one in probe.left_behind]
    if probe.stopped is not None:
        lines += ["", f"{palette.paint(palette.change, 'Stopped:')} {safe(probe.stopped)}"]
    return "\n".join(lines) + "\n"


def _finding(finding: Finding, palette: Palette) -> Iterator[str]:
    seen = safe(shorten(finding.seen, _LONGEST_SEEN))
    if not finding.determined:
        yield f"{palette.paint(palette.change, '?')} {finding.question} could not be determined: {seen}"
        return
    yield f"{palette.paint(palette.create, '✓')} {finding.question} {seen}"
    for name, value in finding.states.items():
        yield f"    {palette.paint(palette.dim, f'{name}: {safe(shown(value))}')}"
    if finding.rules:
        yield f"    {palette.paint(palette.dim, f'attributes: {safe(shown(_rules(finding.rules)))}')}"


def probe_document(probe: Probe) -> dict[str, Any]:
    """Return what a probe has found as a JSON object."""
    return {
        "mark": probe.mark,
        "findings": [
            {
                "question": finding.question,
                "determined": finding.determined,
                "seen": finding.seen,
                "states": msgspec.to_builtins(dict(finding.states)),
                "attributes": _rules(finding.rules),
            }
            for finding in probe.findings
        ],
        "left_behind": [
            {"kind": one.kind.value, "name": one.name, "id": one.id, "why": one.why, "by_design": one.by_design}
            for one in probe.left_behind
        ],
        "stopped": probe.stopped,
    }


def _rules(rules: Iterable[Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in msgspec.to_builtins(rule).items() if value is not None} for rule in rules]

"""Diagnostics for a terminal, for programs, and for the annotations of a code review."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, assert_never

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.rendering.documents import json_document
from reconciler.rendering.escape import quoted, safe, shorten
from reconciler.rendering.style import ANSI, PLAIN, Palette

DiagnosticFormat: TypeAlias = Literal["text", "json", "github", "gitlab"]

_WHOLE_WORKSPACE = "directory.yaml"
_LONGEST_TEXT = 120
_NO_FILE = "directory.yaml"
"""Where a report that needs a file for everything puts what is about the workspace as a whole."""
_LONGEST_MESSAGE = 2000
_GITHUB_COMMANDS: Mapping[Severity, str] = MappingProxyType(
    {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
)
_GITLAB_SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}
)


def render_diagnostics(
    diagnostics: Iterable[Diagnostic], fmt: DiagnosticFormat, *, color: bool = False, base: str = ""
) -> str:
    """Return diagnostics as text, in the order given; nothing at all for none, but in JSON an empty list.

    Args:
        diagnostics: the problems.
        fmt: ``text`` is one ``file:line:column: severity: message`` per problem, its offending text and hint below;
            ``json`` is one document, ``{"diagnostics": […]}``; ``github`` is a workflow command per problem; ``gitlab``
            is a Code Quality report, a JSON list.
        color: whether text may use ANSI sequences.
        base: the path from where the reader stands to the workspace, put before every file name but in
            ``json``. Annotations find their line only by a path from the root of the repository.
    """
    match fmt:
        case "json":
            return json_document({"diagnostics": [found.as_json() for found in diagnostics]})
        case "text":
            palette = ANSI if color else PLAIN
            return "".join(f"{line}\n" for found in diagnostics for line in _text(found, palette, base))
        case "github":
            return "".join(f"{_github(found, base)}\n" for found in diagnostics)
        case "gitlab":
            return json_document(list(_code_quality(diagnostics, base)))
    assert_never(fmt)


def _file(diagnostic: Diagnostic, base: str) -> str:
    return str(PurePosixPath(base) / diagnostic.origin.file) if diagnostic.origin else ""


def _text(diagnostic: Diagnostic, palette: Palette, base: str) -> Iterator[str]:
    origin = diagnostic.origin
    place = f"{safe(_file(diagnostic, base))}:{origin.line}:{origin.column}: " if origin else ""
    colour = palette.remove if diagnostic.severity is Severity.ERROR else palette.change
    severity = palette.paint(colour, f"{diagnostic.severity}:")
    yield f"{palette.paint(palette.strong, place)}{severity} {safe(shorten(diagnostic.message, _LONGEST_MESSAGE))}"
    if diagnostic.text:
        yield f"    here: {quoted(shorten(diagnostic.text, _LONGEST_TEXT))}"
    if diagnostic.hint:
        yield f"    {palette.paint(palette.dim, 'hint:')} {safe(diagnostic.hint)}"


def _github(diagnostic: Diagnostic, base: str) -> str:
    """Return a workflow command of GitHub Actions.

    Escaping is that of ``actions/toolkit``, ``packages/core/src/command.ts``: ``%``, CR and LF everywhere, in
    properties ``:`` and ``,`` too.
    """
    properties = {"title": diagnostic.code}
    if diagnostic.origin:
        origin = diagnostic.origin
        properties = {
            "file": _file(diagnostic, base),
            "line": str(origin.line),
            "col": str(origin.column),
        } | properties
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_GITHUB_COMMANDS[diagnostic.severity]} {listed}::{_data(_message(diagnostic))}"


def _code_quality(diagnostics: Iterable[Diagnostic], base: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a Code Quality report, with the fields that GitLab reads.

    Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. An entry is the same from one
    commit to the next while its fingerprint is, and so no line is in it: lines move. What is told several times of one
    file is counted.
    """
    seen = Counter[tuple[str, str, str]]()
    for found in diagnostics:
        path = _file(found, base) or str(PurePosixPath(base) / _NO_FILE)
        message = _message(found)
        same = (path, found.code, message)
        seen[same] += 1
        told = json.dumps([*same, seen[same]])
        yield {
            "description": message,
            "check_name": safe(found.code),
            "fingerprint": hashlib.sha256(told.encode()).hexdigest(),
            "severity": _GITLAB_SEVERITIES[found.severity],
            "location": {"path": path, "lines": {"begin": found.origin.line if found.origin else 1}},
        }


def _message(diagnostic: Diagnostic) -> str:
    hint = f" ({safe(diagnostic.hint)})" if diagnostic.hint else ""
    return safe(shorten(diagnostic.message, _LONGEST_MESSAGE)) + hint


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(safe(text)).replace(":", "%3A").replace(",", "%2C")

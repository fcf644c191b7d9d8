"""Diagnostics for a terminal, for programs, and for the annotations of a code review."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal, TypeAlias, assert_never

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.rendering.escape import quoted, safe, shorten
from reconciler.rendering.style import ANSI, PLAIN, Palette

DiagnosticFormat: TypeAlias = Literal["text", "json", "github"]

_LONGEST_TEXT = 120
_LONGEST_MESSAGE = 2000
_GITHUB_COMMANDS: Mapping[Severity, str] = MappingProxyType(
    {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
)


def render_diagnostics(
    diagnostics: Iterable[Diagnostic], fmt: DiagnosticFormat, *, color: bool = False, base: str = ""
) -> str:
    """Return diagnostics as text, in the order given; nothing at all for none, but in JSON an empty list.

    Args:
        diagnostics: the problems.
        fmt: ``text`` is one ``file:line:column: severity: message`` per problem, its offending text and hint below;
            ``json`` is one document, ``{"diagnostics": […]}``; ``github`` is a workflow command per problem.
        color: whether text may use ANSI sequences.
        base: the path from where the reader stands to the workspace, put before every file name in ``text`` and
            ``github``. Annotations find their line only by a path from the root of the repository.
    """
    match fmt:
        case "json":
            return json.dumps({"diagnostics": [found.as_json() for found in diagnostics]}, indent=1) + "\n"
        case "text":
            palette = ANSI if color else PLAIN
            return "".join(f"{line}\n" for found in diagnostics for line in _text(found, palette, base))
        case "github":
            return "".join(f"{_github(found, base)}\n" for found in diagnostics)
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
    hint = f" ({safe(diagnostic.hint)})" if diagnostic.hint else ""
    message = safe(shorten(diagnostic.message, _LONGEST_MESSAGE)) + hint
    return f"::{_GITHUB_COMMANDS[diagnostic.severity]} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(safe(text)).replace(":", "%3A").replace(",", "%2C")

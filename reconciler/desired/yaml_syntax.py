"""libyaml's syntax errors in words for the person who wrote the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from yaml.reader import ReaderError

from reconciler.diagnostics import Diagnostic
from reconciler.model import Origin

if TYPE_CHECKING:
    import yaml

_INDENTATION: Final = "check the indentation of this line and of the lines above it"

_WORDS: Final[dict[str, tuple[str, str | None]]] = {
    "mapping values are not allowed in this context": (
        'a ":" is not allowed here',
        "check the indentation, or quote the text if the colon belongs to it",
    ),
    "did not find expected '-' indicator": ("expected the next item of a list, beginning with '-'", _INDENTATION),
    "did not find expected key": ("expected a key here", _INDENTATION),
    "could not find expected ':'": ('this line is not a key with a ":" after it', _INDENTATION),
    "found unknown escape character": (
        "an unknown escape in a double-quoted text",
        r"use single quotes, or write a backslash as \\",
    ),
    "found invalid Unicode character escape code": (
        "an escape of something that is no character",
        "write the character itself, or its whole code as \\UXXXXXXXX",
    ),
    "did not find expected alphabetic or numeric character": (
        "'*' and '&' must be followed by the name of an anchor",
        "quote text that begins with one of them",
    ),
    "did not find expected node content": ("expected a value here", None),
    "did not find expected <document start>": ("more text after the end of the document", "remove it"),
    "found incompatible YAML document": ("this YAML version is not supported", "remove the %YAML line"),
    "found undefined tag handle": ("tags are not allowed", "remove it; quote a value that shall be text"),
}

_UNCLOSED: Final[dict[str, str]] = {
    "did not find expected ',' or ']'": "a list that begins with '[' is not closed, or an item lacks its ','",
    "did not find expected ',' or '}'": "a mapping that begins with '{' is not closed, or an entry lacks its ','",
    "found unexpected end of stream": "a quoted text is not closed",
    "found unexpected document indicator": "a quoted text is not closed",
}
"""Problems whose cause is where the construct began, not where libyaml gave up."""

_TAB: Final = ("a tab is not allowed here", "indent with spaces")

_CONFLICT: Final = re.compile(rb"^(?:<{7}|={7}|>{7}|\|{7})(?=[ \r\n]|\Z)", re.MULTILINE)
"""A line that Git leaves in a file where two sides of a merge meet."""


def syntax_problem(error: yaml.YAMLError, data: bytes, file: str) -> Diagnostic:
    """Return libyaml's complaint about ``data`` as a problem with its place.

    The offending line is not repeated: it may hold a secret.
    """
    if isinstance(error, ReaderError):
        return _unreadable_bytes(error, data, file)
    problem = str(getattr(error, "problem", None) or error)
    mark = getattr(error, "problem_mark", None)
    conflict = _conflict_line(data)
    if conflict is not None and mark is not None and conflict <= mark.line + 1:
        return _unsettled_merge(Origin(file, conflict, 1))
    message, hint = _WORDS.get(problem, (problem, None))
    if problem in _UNCLOSED:
        message, mark = _UNCLOSED[problem], getattr(error, "context_mark", None) or mark
    elif "tab character" in problem:
        message, hint = _TAB
    elif problem == "found character that cannot start any token" and mark is not None:
        # libyaml's index counts characters, not bytes.
        character = data.decode()[mark.index]
        message, hint = _TAB if character == "\t" else (f"text cannot begin with {character!r}", "quote it")
    origin = Origin(file, mark.line + 1, mark.column + 1) if mark is not None else Origin(file, 1, 1)
    return Diagnostic(code="yaml-syntax", message=message, origin=origin, hint=hint)


def _conflict_line(data: bytes) -> int | None:
    found = _CONFLICT.search(data)
    return None if found is None else data.count(b"\n", 0, found.start()) + 1


def _unsettled_merge(origin: Origin) -> Diagnostic:
    return Diagnostic(
        code="yaml-syntax",
        message="this line is the mark of a merge conflict",
        origin=origin,
        hint="decide between both sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>",
    )


def _unreadable_bytes(error: ReaderError, data: bytes, file: str) -> Diagnostic:
    before = data[: error.position]
    line_start = before.rfind(b"\n") + 1
    origin = Origin(file, before.count(b"\n") + 1, len(before[line_start:].decode(errors="replace")) + 1)
    if "UTF-8" in error.reason or "Unicode" in error.reason:
        return Diagnostic(
            code="yaml-encoding",
            message=f"not valid UTF-8: byte 0x{data[error.position]:02x}",
            origin=origin,
            hint="save the file as UTF-8",
        )
    return Diagnostic(
        code="yaml-character",
        message=f"YAML does not allow the character U+{int(error.character):04X}",
        origin=origin,
        hint="remove it, or write it as an escape in a double-quoted text",
    )

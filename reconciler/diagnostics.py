"""Problems as values: code that finds one appends it and goes on; the caller asks whether any is an error.

One type feeds the terminal, JSON output and CI annotations, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.model import Origin


class Severity(StrEnum):
    """How bad a problem is. Only an error stops a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem, told to the person who has to act: what, where, what now.

    ``code`` is stable and machine-readable (``unknown-key``, ``duplicate-user``); ``message`` is one sentence without
    a place; ``hint`` says what to do, where that is not obvious; ``text`` is the offending source text, where there
    is one.
    """

    code: str
    message: str
    origin: Origin | None = None
    hint: str | None = None
    text: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.origin.file}:{self.origin.line}:{self.origin.column}: " if self.origin else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.severity}: {self.message}{hint}"

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form: the fields that are set, with the place as ``file``, ``line`` and ``column``."""
        document: dict[str, Any] = {"severity": self.severity.value, "code": self.code, "message": self.message}
        if self.origin:
            document |= {"file": self.origin.file, "line": self.origin.line, "column": self.origin.column}
        if self.hint:
            document["hint"] = self.hint
        if self.text:
            document["text"] = self.text
        return document


class ReconcilerError(Exception):
    """Base of every error that this package raises on purpose. Its text is fit to be shown to a person."""


class DiagnosticsError(ReconcilerError):
    """Input that cannot be used, with every problem found in it, sorted by place.

    Attributes:
        diagnostics: at least one of severity ``error``; warnings found on the way are kept.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = sort_by_place(diagnostics)
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))


def sort_by_place(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics in reading order, each once: by file, line and column; those without a place first."""

    def place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
        origin = diagnostic.origin
        return (
            (origin.file, origin.line, origin.column, diagnostic.message) if origin else ("", 0, 0, diagnostic.message)
        )

    return tuple(sorted(dict.fromkeys(diagnostics), key=place))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any of the diagnostics stops the run."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)

"""Collects what is wrong with the files of a workspace while reading goes on."""

from __future__ import annotations

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Origin


class Problems:
    """Problems in the order in which they were found."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(
        self, code: str, message: str, origin: Origin | None, *, hint: str | None = None, text: str | None = None
    ) -> None:
        """Record something that makes the files unusable."""
        self.found.append(Diagnostic(code=code, message=message, origin=origin, hint=hint, text=text))

    def warning(self, code: str, message: str, origin: Origin | None, *, hint: str | None = None) -> None:
        """Record something that works and is probably not meant."""
        self.found.append(
            Diagnostic(code=code, message=message, origin=origin, hint=hint, severity=Severity.WARNING),
        )

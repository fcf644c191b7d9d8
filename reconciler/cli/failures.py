"""How an error is told: one clear message and an exit code. A traceback is never an answer to bad input."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconciler._version import TOOL
from reconciler.cli.diagnostics import tally, tell_diagnostics
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal
from reconciler.diagnostics import DiagnosticsError, ReconcilerError
from reconciler.rendering import json_document, safe


class ExitError(Exception):
    """An error that ends the command with a certain exit code.

    Attributes:
        code: the exit code.
        error: what went wrong.
    """

    def __init__(self, code: ExitCode, error: Exception) -> None:
        self.code = code
        self.error = error
        super().__init__(str(error))


@contextmanager
def exiting(code: ExitCode, *errors: type[Exception]) -> Iterator[None]:
    """Give errors of these types that are raised inside this exit code instead of ``ERROR``."""
    try:
        yield
    except errors as error:
        raise ExitError(code, error) from error


def report(error: Exception, terminal: Terminal) -> ExitCode:
    """Tell a person, or a program, what went wrong, and return the exit code."""
    match error:
        case ExitError():
            report(error.error, terminal)
            return error.code
        case click.Abort():
            _tell(terminal, "Stopped", "stopped by the user", prefix="")
            return ExitCode.STOPPED
        case click.UsageError():
            _report_usage(error, terminal)
            return ExitCode.USAGE
        case DiagnosticsError():
            _report_diagnostics(error, terminal)
        case ReconcilerError() | click.ClickException():
            message = error.format_message() if isinstance(error, click.ClickException) else str(error)
            _tell(terminal, type(error).__name__, message)
        case OSError():
            name = f"{error.filename}: " if error.filename else ""
            _tell(terminal, type(error).__name__, f"{name}{error.strerror or error}")
        case _:
            _report_bug(error, terminal)
    return ExitCode.ERROR


def _tell(terminal: Terminal, type_: str, message: str, *, prefix: str = "error: ") -> None:
    # Line breaks are ours, everything inside a line may be foreign.
    shown = "\n".join(safe(line) for line in message.splitlines())
    terminal.complain(f"{prefix}{shown}")
    if terminal.stream is not None:
        terminal.stream.error(type_, message)
    elif terminal.json:
        terminal.result(json_document({"error": {"type": type_, "message": message}}))


def _report_usage(error: click.UsageError, terminal: Terminal) -> None:
    if error.ctx is not None:
        terminal.complain(error.ctx.get_usage())
        terminal.complain(f"Try '{error.ctx.command_path} --help' for help.\n")
    _tell(terminal, "UsageError", error.format_message())


def _report_diagnostics(error: DiagnosticsError, terminal: Terminal) -> None:
    tell_diagnostics(error.diagnostics, terminal)
    terminal.complain(tally(error.diagnostics))
    if terminal.json and terminal.stream is None:
        document = {
            "error": {"type": type(error).__name__, "message": tally(error.diagnostics)},
            "diagnostics": [diagnostic.as_json() for diagnostic in error.diagnostics],
        }
        terminal.result(json_document(document))


def _report_bug(error: Exception, terminal: Terminal) -> None:
    name = type(error).__name__
    advice = "with the traceback above" if terminal.verbose else "with the traceback that -v shows"
    if terminal.verbose:
        lines = "".join(traceback.format_exception(error)).splitlines()
        terminal.complain("\n".join(safe(line) for line in lines))
    _tell(terminal, name, f"this is a bug in {TOOL} ({name}: {error}). Please report it, {advice}")

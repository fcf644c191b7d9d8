"""``reconciler validate``."""

from __future__ import annotations

from typing import Literal, get_args

import click

from reconciler import api
from reconciler.cli.command import Command
from reconciler.cli.diagnostics import base_of, repository_base_of, tally
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.terminal import Terminal
from reconciler.desired import Loaded
from reconciler.diagnostics import Diagnostic, DiagnosticsError
from reconciler.rendering import json_document, render_diagnostics
from reconciler.rendering.words import counted

Format = Literal["text", "json", "github", "gitlab"]


@click.command(
    "validate",
    cls=Command,
    examples=(
        "reconciler validate                      # this folder",
        "reconciler validate -C directories/acme  # another workspace",
        "reconciler validate --format github      # annotations in a pull request",
        "reconciler validate --format gitlab > gl-code-quality-report.json",
    ),
)
@click.option(
    "--format",
    "fmt",
    type=ChoiceType(get_args(Format)),
    default="text",
    show_default=True,
    help="For people, for programs, as workflow commands of GitHub Actions, or as a Code Quality report for GitLab.",
)
@click.pass_obj
def command(terminal: Terminal, fmt: Format) -> ExitCode:
    """Check the files of the workspace.

    Every problem is reported in one run, with its place. Needs no network and no credentials.
    """
    loaded: Loaded | None = None
    found: tuple[Diagnostic, ...]
    try:
        loaded = api.load(terminal.workspace)
        found = loaded.warnings
    except DiagnosticsError as error:
        found = error.diagnostics
    if terminal.json or fmt == "json":
        terminal.result(json_document(_document(loaded, found)))
    else:
        base = base_of(terminal.workspace) if fmt == "text" else repository_base_of(terminal.workspace)
        terminal.result(render_diagnostics(found, fmt, color=terminal.color, base=base))
        if fmt == "text":
            terminal.result(f"{_conclusion(loaded, found)}\n")
            if loaded is not None:
                terminal.hint(f"To see what they would change: {terminal.command_line('plan')}")
    return ExitCode.ERROR if loaded is None else ExitCode.DONE


def _document(loaded: Loaded | None, found: tuple[Diagnostic, ...]) -> dict[str, object]:
    document: dict[str, object] = {"valid": loaded is not None}
    if loaded is not None:
        desired = loaded.desired
        document |= {"files": desired.files, "users": len(desired.users), "groups": len(desired.groups)}
    return document | {"diagnostics": [diagnostic.as_json() for diagnostic in found]}


def _conclusion(loaded: Loaded | None, found: tuple[Diagnostic, ...]) -> str:
    if loaded is None:
        return f"Not valid: {tally(found)}."
    desired = loaded.desired
    sizes = (counted(desired.files, "file"), counted(len(desired.users), "user"), counted(len(desired.groups), "group"))
    return f"Valid: {', '.join(sizes)}{f'; {tally(found)}' if found else ''}."

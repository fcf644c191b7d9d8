"""``reconciler doctor``."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import click

from reconciler import api
from reconciler.applying import StopSignal
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.interrupts import stopping_in_order
from reconciler.cli.parameters import PathType
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import tell_throttle
from reconciler.config import DirectoryConfig
from reconciler.diagnostics import ReconcilerError
from reconciler.probing import Finding, Probe, Stock, announcement, dialect_text
from reconciler.rendering import json_document, safe
from reconciler.rendering.capabilities import (
    examination_document,
    probe_document,
    render_examination,
    render_probe,
)
from reconciler.rendering.escape import label
from reconciler.scim.dialects import DIALECT_SUFFIX, is_dialect_file
from reconciler.whole_file import write_whole

_EMAIL_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE
)
_NO_FILE_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


class DialectFileExistsError(ReconcilerError):
    """A dialect file that a probe would have overwritten. Nothing was sent to the directory.

    Attributes:
        file: its path.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(
            f"{file} exists, and the probe was not begun. Name another file with -o, or move this one away"
        )


def _domain(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not _EMAIL_DOMAIN.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no domain such as example.com", context, parameter)
    return value.lower()


@click.command(
    "doctor",
    cls=Command,
    examples=(
        "reconciler doctor                  # what is known of the directory",
        "reconciler doctor --probe          # find out more, by experiments",
        "reconciler doctor --probe -o acme.dialect.yaml --email-domain example.com",
    ),
)
@click.option(
    "--probe",
    is_flag=True,
    help="Find out what the directory can do by experiments on throw-away users and groups, and write its dialect.",
)
@click.option(
    "-o",
    "--output",
    type=PathType(dir_okay=False),
    metavar="FILE",
    help="Where the dialect goes; NAME.dialect.yaml in the workspace, if left out. It must not exist yet.",
)
@click.option(
    "--email-domain",
    callback=_domain,
    default="example.com",
    show_default=True,
    metavar="DOMAIN",
    help="Where the throw-away users have their e-mail addresses.",
)
@click.option("--yes", is_flag=True, help="Do not ask before the probe.")
@click.pass_obj
def command(terminal: Terminal, *, probe: bool, output: Path | None, email_domain: str, yes: bool) -> ExitCode:
    """Show what the directory can do, and who says so.

    Asks whether the directory can be worked with, and writes nothing to it. With --probe it creates, changes and
    deletes throw-away users and groups, and writes what it saw as a dialect file. --probe is the consent where nobody
    can be asked.
    """
    if output is not None and not probe:
        raise click.UsageError("-o is for --probe.")
    if output is not None and not is_dialect_file(output.name):
        raise click.UsageError(f"-o: the name of a dialect file ends in {DIALECT_SUFFIX}")
    config = api.load_config(terminal.workspace)
    file = output or terminal.workspace / f"{_file_name(config.name)}{DIALECT_SUFFIX}"
    if probe:
        _ensure_writable(file)
    today = datetime.now(UTC).date()
    with Progress(terminal, f"Asking {label(config.name)}") as progress:
        examination = api.doctor(
            config, terminal.workspace, today=today, on_throttle=lambda event: tell_throttle(event, progress, terminal)
        )
    document = examination_document(examination, today)
    if not terminal.json:
        terminal.result(render_examination(examination, today, color=terminal.color))
    if not probe or not examination.probeable:
        if terminal.json:
            terminal.result(json_document(document))
        return ExitCode.DONE if examination.usable else ExitCode.ERROR
    stock = Stock(email_domain)
    # Shown in any case: whoever agrees must know to what, and whoever finds leftovers, of what.
    terminal.complain(f"\n{announcement(stock, groups=examination.discovery.capabilities.groups)}")
    if not yes and terminal.can_ask and not _agreed(config):
        terminal.complain("Nothing was written to the directory.")
        return ExitCode.STOPPED
    probed = _probe(terminal, config, stock)
    return _finish(terminal, config, probed, file=file, today=today, document=document)


def _ensure_writable(file: Path) -> None:
    """Refuse, before anything is sent, a file that a probe could not write at its end."""
    if file.exists() or file.is_symlink():
        raise DialectFileExistsError(file)
    if not os.access(file.parent, os.W_OK):
        what = "cannot be written to" if file.parent.is_dir() else "is no folder"
        raise click.UsageError(f"{file.parent} {what}, and the probe was not begun. Name another file with -o")


def _file_name(name: str) -> str:
    return _NO_FILE_NAME.sub("-", name).strip("-.") or "directory"


def _agreed(config: DirectoryConfig) -> bool:
    question = f"\nProbe {label(config.name)}? Only 'yes' is accepted"
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer == "yes"


def _probe(terminal: Terminal, config: DirectoryConfig, stock: Stock) -> Probe:
    stop = StopSignal()
    with Progress(terminal, f"Probing {label(config.name)}") as progress, stopping_in_order(stop):

        def on_finding(finding: Finding, done: int, total: int) -> None:
            progress.update(done, total, f"{done} of {total} questions")
            terminal.detail(f"{finding.question} {safe(finding.seen)}")

        try:
            return api.probe(
                config,
                terminal.workspace,
                stock=stock,
                on_finding=on_finding,
                on_throttle=lambda event: tell_throttle(event, progress, terminal),
                stop=stop,
            )
        except BaseException:
            for made in stock.made:
                terminal.complain(f"Not cleaned up: {made.kind.lower()} {safe(made.name)}")
            raise


def _finish(
    terminal: Terminal, config: DirectoryConfig, probed: Probe, *, file: Path, today: date, document: dict[str, Any]
) -> ExitCode:
    """Show what was found, write the dialect, and say what to do with it. Half a probe is no dialect."""
    if not terminal.json:
        terminal.result("\n" + render_probe(probed, color=terminal.color))
    # Another probe may have ended meanwhile, in the same workspace.
    taken = file.exists()
    written = probed.stopped is None and not taken
    if written:
        write_whole(file, dialect_text(config, probed, today).encode())
    if terminal.json:
        terminal.result(
            json_document(document | {"probe": probe_document(probed), "file": file.as_posix() if written else None})
        )
    if probed.stopped is not None:
        terminal.complain("No dialect was written, because the probe did not come to its end.")
        return ExitCode.STOPPED if probed.by_user else ExitCode.ERROR
    if taken:
        terminal.complain(f"No dialect was written: {safe(str(file))} was made by somebody else meanwhile.")
        return ExitCode.ERROR
    if not terminal.json:
        terminal.result(f"\nWritten: {safe(str(file))}\n")
    terminal.tell(_advice(terminal, file))
    return ExitCode.DONE if all(one.by_design for one in probed.left_behind) else ExitCode.ERROR


def _advice(terminal: Terminal, file: Path) -> str:
    try:
        path = file.resolve().relative_to(terminal.workspace.resolve()).as_posix()
    except ValueError:
        return (
            f"Move it into the workspace {terminal.workspace}, and name it in directory.yaml under directory.dialect."
        )
    return f"Read it, and write into directory.yaml, under directory:\n\n  dialect: {safe(path)}\n"

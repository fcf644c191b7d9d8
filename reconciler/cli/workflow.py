"""From files and directory to a plan, with what a person is told on the way."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from reconciler import api
from reconciler.cli.diagnostics import tell_diagnostics
from reconciler.cli.options import PlanningOptions
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal
from reconciler.config import DirectoryConfig
from reconciler.desired import Loaded
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.live import ReadProgress, Wanted
from reconciler.model import Kind, Live
from reconciler.planning import Plan
from reconciler.rendering.escape import label
from reconciler.rendering.words import counted
from reconciler.scim.retry import ThrottleEvent
from reconciler.scim.tokens import expiry_warning
from reconciler.store import Store

_WORTH_TELLING = 5.0  # seconds of waiting


def load_workspace(terminal: Terminal) -> Loaded:
    """Read and check the workspace, and show its warnings; also that of a token that soon stops working."""
    loaded = api.load(terminal.workspace)
    tell_diagnostics((*loaded.warnings, *_of_token(loaded.desired.config)), terminal)
    return loaded


def load_directory_file(terminal: Terminal) -> DirectoryConfig:
    """Read and check ``directory.yaml`` alone, for what does not need the other files to be valid."""
    config = api.load_config(terminal.workspace)
    tell_diagnostics(_of_token(config), terminal)
    return config


def _of_token(config: DirectoryConfig) -> tuple[Diagnostic, ...]:
    expiry = expiry_warning(config.token, datetime.now(UTC).date())
    return (expiry,) if expiry else ()


def read_directory(terminal: Terminal, config: DirectoryConfig, wanted: Wanted | None = None) -> Live:
    """Read the directory, with progress, and show what it does not tell.

    Args:
        terminal: where progress and warnings go.
        config: what ``directory.yaml`` says.
        wanted: what has to be found; everything if left out, which not every directory can be asked for.
    """
    seen: dict[Kind, ReadProgress] = {}
    warnings: list[Diagnostic] = []

    def on_note(note: Diagnostic) -> None:
        if note.severity is Severity.NOTE:
            terminal.detail(f"note: {note.message}")
            if terminal.stream is not None:
                terminal.stream.diagnostics([note])
        else:
            warnings.append(note)

    with _telling(terminal, config.name) as read, Progress(terminal, f"Reading {label(config.name)}") as progress:

        def on_progress(page: ReadProgress) -> None:
            seen[page.kind] = page
            done, total = (sum(pages) for pages in zip(*((p.received, p.total) for p in seen.values()), strict=True))
            detail = ", ".join(
                f"{seen[k].received:,} of {counted(seen[k].total, k.lower())}" for k in Kind if k in seen
            )
            progress.update(done, total, detail)

        live = api.read_live(
            config,
            terminal.workspace,
            wanted=wanted,
            on_progress=on_progress,
            on_note=on_note,
            on_throttle=lambda event: tell_throttle(event, progress, terminal),
        )
        read.append(live)
    tell_diagnostics(warnings, terminal)
    statistics = live.statistics
    terminal.detail(
        f"Read {counted(len(live.users), 'user')} and {counted(len(live.groups), 'group')} "
        f"in {counted(statistics.requests, 'request')}, {statistics.bytes:,} bytes."
    )
    return live


def _telling(terminal: Terminal, directory: str) -> AbstractContextManager[list[Live]]:
    """Tell a program that a directory is read, and afterwards what is in the list that this gives."""
    return nullcontext([]) if terminal.stream is None else terminal.stream.reading(directory)


def make_plan(terminal: Terminal, options: PlanningOptions) -> tuple[Loaded, Plan]:
    """Read files and directory and plan. Guards may refuse what is returned."""
    loaded = load_workspace(terminal)
    return loaded, plan_for(terminal, loaded, options)


def plan_for(terminal: Terminal, loaded: Loaded, options: PlanningOptions, *, store: Store | None = None) -> Plan:
    """Read the directory and plan what the files state. Guards may refuse what is returned.

    Args:
        terminal: where progress and warnings go.
        loaded: the files.
        options: how the plan is to be made.
        store: what earlier runs left; the workspace's own is opened, and closed again, if left out.
    """
    config = loaded.desired.config
    live = read_directory(terminal, config, Wanted.of(loaded.desired))
    where = live.base_url
    history = api.recall(config, terminal.workspace, where) if store is None else store.history(where)
    return api.plan(loaded.desired, live, as_of=options.moment, policy=options.policy(config.policy), history=history)


def tell_throttle(event: ThrottleEvent, progress: Progress, terminal: Terminal) -> None:
    """Say why nothing happens: a server that cannot be reached, or one that asks to slow down for long.

    Requests run side by side and each waits for itself; only somebody who asked for more is told of every one.
    """
    if terminal.stream is not None:
        terminal.stream.throttle(event)
    why = "cannot be reached" if event.status is None else f"answered {event.status}"
    if terminal.verbose:
        progress.interrupt(f"{event.method} {event.path}: the server {why}; trying again in {event.wait:.0f} s")
    elif event.wait >= _WORTH_TELLING or (event.status is None and event.attempt > 1):
        progress.remark(f"The server {why}; trying again …")

"""From files and directory to a plan, with what a person is told on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any

from reconciler import api
from reconciler.cli.diagnostics import tell_diagnostics
from reconciler.cli.options import PlanningOptions
from reconciler.cli.progress import Progress
from reconciler.cli.terminal import Terminal
from reconciler.config import DirectoryConfig
from reconciler.desired import Loaded
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.live import ReadProgress, Wanted
from reconciler.model import Desired, Kind, Live
from reconciler.planning import Plan
from reconciler.planning.touched import Touched
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
    live = _watched(terminal, config, partial(api.read_live, config, terminal.workspace, wanted=wanted))
    terminal.detail(f"{_cost(live)}, {live.statistics.bytes:,} bytes.")
    return live


def read_change(terminal: Terminal, desired: Desired, ref: str, as_of: datetime) -> api.ReadSince:
    """Read of the directory what the files changed since a Git revision, and tell what that cost.

    Args:
        terminal: where progress and warnings go.
        desired: what the files state now.
        ref: the revision.
        as_of: the moment of the plan.
    """
    found: list[api.ReadSince] = []
    earlier = api.load_at(terminal.workspace, ref)

    def read(**telling: Any) -> Live:
        found.append(api.read_since(earlier, desired, terminal.workspace, as_of=as_of, **telling))
        return found[0].live

    live = _watched(terminal, desired.config, read)
    terminal.tell(f"{_cost(live)}.")
    return found[0]


def _cost(live: Live) -> str:
    what = f"{counted(len(live.users), 'user')} and {counted(len(live.groups), 'group')}"
    return f"Read {what} in {counted(live.statistics.requests, 'request')}"


def _watched(terminal: Terminal, config: DirectoryConfig, read: Callable[..., Live]) -> Live:
    """Return what a call reads that can be told whom to tell of it: its progress, its warnings, and who waits."""
    seen: dict[Kind, ReadProgress] = {}
    warnings: list[Diagnostic] = []

    def on_note(note: Diagnostic) -> None:
        if note.severity is Severity.NOTE:
            # What makes a small read a large one is worth knowing without being asked for.
            say = terminal.tell if note.code == "listed-whole" else terminal.detail
            say(f"note: {note.message}")
            if terminal.stream is not None:
                terminal.stream.diagnostics([note])
        else:
            warnings.append(note)

    with _telling(terminal, config.name) as was_read, Progress(terminal, f"Reading {label(config.name)}") as progress:

        def on_progress(page: ReadProgress) -> None:
            seen[page.kind] = page
            done, total = (sum(pages) for pages in zip(*((p.received, p.total) for p in seen.values()), strict=True))
            detail = ", ".join(
                f"{seen[k].received:,} of {counted(seen[k].total, k.lower())}" for k in Kind if k in seen
            )
            progress.update(done, total, detail)

        live = read(
            on_progress=on_progress,
            on_note=on_note,
            on_throttle=lambda event: tell_throttle(event, progress, terminal),
        )
        was_read.append(live)
    tell_diagnostics(warnings, terminal)
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
    desired, config, as_of = loaded.desired, loaded.desired.config, options.moment
    since: Touched | None = None
    if options.since is None:
        live = read_directory(terminal, config, Wanted.of(desired))
    else:
        was_read = read_change(terminal, desired, options.since, as_of)
        live, since = was_read.live, was_read.touched
    where = live.base_url
    history = api.recall(config, terminal.workspace, where) if store is None else store.history(where)
    return api.plan(desired, live, as_of=as_of, policy=options.policy(config.policy), history=history, since=since)


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

"""Asking a directory: what it holds, and what it can do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import live as live_state
from reconciler.api.running import run
from reconciler.config import DirectoryConfig
from reconciler.diagnostics import Diagnostic
from reconciler.live import ReadProgress, Wanted
from reconciler.model import Live
from reconciler.scim.connect import open_client
from reconciler.scim.dialects import dialect_of
from reconciler.scim.discovery import discover
from reconciler.scim.retry import ThrottleEvent

if TYPE_CHECKING:
    # Most commands do not probe, and start-up time is felt at every one.
    from reconciler.applying import StopSignal
    from reconciler.probing import Examination, Finding, Probe, Stock


def read_live(
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    wanted: Wanted | None = None,
    environ: Mapping[str, str] | None = None,
    on_progress: Callable[[ReadProgress], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
) -> Live:
    """Read the directory, whole where it has a listing.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder, where relative paths of token files start.
        wanted: what has to be found, ``Wanted.of(loaded.desired)`` for a plan: all that is read of a directory without
            a listing, and whose members are read where each group costs requests. Everything if left out.
        environ: the environment variables that the base URL and the token may name; this process's own if left out.
        on_progress: called for every page.
        on_note: called for everything that the server did not tell about itself.
        on_throttle: called before each wait for a server that asks to slow down.

    Returns:
        What the directory holds now, proven complete.

    Raises:
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
        ScimError: the directory cannot be read; ``IncompleteListing`` where it cannot be proven complete,
            ``NoListing`` where it has none and nothing is wanted.
    """
    variables = os.environ if environ is None else environ

    async def read() -> Live:
        async with open_client(config, Path(workspace), variables, on_throttle=on_throttle) as client:
            dialect = dialect_of(config)
            return await live_state.read_live(client, dialect, wanted=wanted, on_progress=on_progress, on_note=on_note)

    return run(read)


def doctor(
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
    today: date | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
) -> Examination:
    """Ask a directory what it is and can do, and whether it lets itself be read. Nothing is written to it.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder, where relative paths of token files start.
        environ: the environment variables that the base URL and the token may name; this process's own if left out.
        today: the day by which the token's expiry is judged; today's, if left out.
        on_throttle: called before each wait for a server that asks to slow down.

    Returns:
        Every capability with who says so, and remarks. Where users or groups cannot be read, an error is among them.

    Raises:
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
        ScimError: the directory cannot be reached, does not accept the token, or is no SCIM endpoint.
    """
    variables = os.environ if environ is None else environ

    from reconciler import probing

    async def ask() -> Examination:
        async with open_client(config, Path(workspace), variables, on_throttle=on_throttle) as client:
            return await probing.examine(client, config, today or datetime.now(UTC).date())

    return run(ask)


def probe(
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    stock: Stock | None = None,
    environ: Mapping[str, str] | None = None,
    on_finding: Callable[[Finding, int, int], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
    stop: StopSignal | None = None,
) -> Probe:
    """Find out what a directory can do by experiments on throw-away users and groups, and clean up after them.

    This writes to the directory: users and groups whose names begin with ``reconciler-probe-``, and nothing else.
    :func:`reconciler.probing.dialect_text` makes a dialect file of what it returns.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder, where relative paths of token files start.
        stock: names what is made, in an e-mail domain; in ``example.com`` if left out. It also holds what is left of it
            where this call does not return.
        environ: the environment variables that the base URL and the token may name; this process's own if left out.
        on_finding: told of each experiment, with how many are done and how many there are.
        on_throttle: called before each wait for a server that asks to slow down.
        stop: ends it early, and cleans up.

    Returns:
        What was seen and what follows from it, and what could not be cleaned up.

    Raises:
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
        ScimError: the directory cannot be reached before the first experiment.
    """
    variables = os.environ if environ is None else environ

    from reconciler import probing

    async def carry_out() -> Probe:
        async with open_client(config, Path(workspace), variables, on_throttle=on_throttle) as client:
            found = await discover(client, dialect_of(config))
            things = stock or probing.Stock("example.com")
            return await probing.probe(client, found, things, stop=stop, on_finding=on_finding)

    return run(carry_out)

"""Planning no more than what the files changed: what they stated before, and what a directory has to be asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.api.running import run
from reconciler.desired.revision import Earlier
from reconciler.desired.revision import load_at as load_revision
from reconciler.diagnostics import Diagnostic
from reconciler.live import ReadProgress, Wanted
from reconciler.model import Desired, Live
from reconciler.planning.inquiry import Inquiry
from reconciler.planning.touched import Touched, touched
from reconciler.reading.asked import read_asked
from reconciler.scim.connect import open_client
from reconciler.scim.dialects import dialect_of
from reconciler.scim.discovery import discover
from reconciler.scim.resources import direct_groups
from reconciler.scim.retry import ThrottleEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSince:
    """What was read for a change of the files.

    Attributes:
        live: what the directory holds of what the change touches, and no more.
        touched: what the change touches.
    """

    live: Live
    touched: Touched


def load_at(workspace: Path | str, ref: str) -> Earlier:
    """Read and check the files of a workspace as they were at a Git revision. Nothing is checked out.

    Args:
        workspace: the folder with ``directory.yaml``, in a Git repository.
        ref: any name of a commit; with ``...`` behind it the one at which ``HEAD`` branched off from it.

    Raises:
        RevisionError: there is no such revision, or the files were not there then.
        RevisionInvalidError: what they stated then cannot be used.
    """
    return load_revision(Path(workspace), ref)


def read_since(
    earlier: Earlier,
    desired: Desired,
    workspace: Path | str,
    *,
    as_of: datetime,
    environ: Mapping[str, str] | None = None,
    on_progress: Callable[[ReadProgress], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
) -> ReadSince:
    """Read of the directory what a change of the files touches, with about as many requests as it has lines.

    Args:
        earlier: what the files stated before, as :func:`load_at` returned it.
        desired: what they state now.
        workspace: their folder, where relative paths of token files start.
        as_of: the moment at which ``from`` and ``until`` are judged, of both; must know its time zone.
        environ: the environment variables that the base URL and the token may name; this process's own if left out.
        on_progress: called as answers come.
        on_note: called for everything that the server did not tell about itself.
        on_throttle: called before each wait for a server that asks to slow down.

    Returns:
        What was read, and for what change: both for :func:`plan`.

    Raises:
        EverythingTouchedError: ``directory.yaml`` says something else of the directory as a whole.
        DiagnosticsError: a line of now has no meaning in this directory.
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
        ScimError: the directory cannot be read.
    """
    config, variables = desired.config, os.environ if environ is None else environ

    async def read() -> ReadSince:
        async with open_client(config, Path(workspace), variables, on_throttle=on_throttle) as client:
            found = await discover(client, dialect_of(config), sparing=True)
            change = touched(
                earlier.desired,
                desired,
                schemas=found.schemas,
                capabilities=found.capabilities,
                as_of=as_of,
                ref=earlier.ref,
                commit=earlier.commit,
            )
            inquiry = Inquiry(change, desired, capabilities=found.capabilities, as_of=as_of, groups_of=direct_groups)
            live = await read_asked(
                client, found, inquiry, wanted=Wanted.of(desired), on_progress=on_progress, on_note=on_note
            )
            return ReadSince(live=live, touched=change)

    return run(read)

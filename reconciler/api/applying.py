"""Carrying out a plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import observations as memory
from reconciler.api.errors import LedgerError, PlanRefusedError, WrongDirectoryError
from reconciler.api.running import run
from reconciler.config import DirectoryConfig
from reconciler.planning import Plan, PlanFileError
from reconciler.planning.document import digest
from reconciler.scim.connect import open_client
from reconciler.scim.dialects import dialect_of
from reconciler.scim.discovery import discover
from reconciler.scim.endpoint import resolve_base_url
from reconciler.scim.retry import ThrottleEvent

if TYPE_CHECKING:
    # Most commands do not write, and start-up time is felt at every one.
    from reconciler.applying import ApplyEvent, Ledger, RunResult, StopSignal


def apply(
    plan: Plan,
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
    actor: Mapping[str, str] | None = None,
    on_event: Callable[[ApplyEvent], None] | None = None,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
    stop: StopSignal | None = None,
) -> RunResult:
    """Carry out exactly this plan, and keep a ledger of it below the workspace.

    What the directory stored otherwise than it was written is remembered there as well, for :func:`recall`.

    Args:
        plan: a sealed plan, just made or read from a file.
        config: what ``directory.yaml`` says.
        workspace: its folder; the ledger is written to ``.reconciler/runs`` below it.
        environ: the environment variables that the base URL and the token may name; this process's own if left out.
        actor: who and where, for the ledger: user, host, CI job.
        on_event: told of chunks and steps as they come.
        on_throttle: called before each wait for a server that asks to slow down.
        stop: ends the run early, after what is in flight.

    Returns:
        What became of every step. A step that failed is in it, and no exception.

    Raises:
        PlanFileError: the plan is not intact.
        PlanRefusedError: guards refuse it.
        WrongDirectoryError: it is for another directory.
        BaseUrlError, TokenError, DialectError: ``directory.yaml`` names something that is not there.
        ScimError: the directory cannot be reached at all.
        LedgerError: the ledger cannot be begun.
        OSError: the ledger cannot be written on; what was in flight may be applied and not recorded.
    """
    variables = os.environ if environ is None else environ
    check_applicable(plan, config, variables)
    from reconciler.applying import apply_plan

    async def carry_out() -> RunResult:
        async with open_client(config, Path(workspace), variables, on_throttle=on_throttle) as client:
            found = await discover(client, dialect_of(config), sparing=True)
            with _begin_ledger(Path(workspace), plan, actor) as ledger:
                return await apply_plan(
                    plan,
                    client,
                    schemas=found.schemas,
                    capabilities=found.capabilities,
                    ledger=ledger,
                    stop=stop,
                    on_event=on_event,
                )

    result = run(carry_out)
    # The result counts for more than the memory, without which a plan is only repeated.
    with suppress(OSError):
        memory.remember(workspace, plan.directory.base_url, result.run_id, result.outcomes)
    return result


def _begin_ledger(workspace: Path, plan: Plan, actor: Mapping[str, str] | None) -> Ledger:
    from reconciler.applying import Ledger

    try:
        return Ledger.open(workspace, plan, actor=actor)
    except OSError as error:
        raise LedgerError(Path(error.filename or workspace), error.strerror or str(error)) from error


def check_applicable(plan: Plan, config: DirectoryConfig, environ: Mapping[str, str]) -> None:
    """Raise what :func:`apply` would raise before its first request; return nothing where it would begin.

    Raises:
        PlanFileError: the plan is not intact.
        WrongDirectoryError: it is for another directory.
        PlanRefusedError: guards refuse it.
        BaseUrlError: the workspace's base URL cannot be used.
    """
    if plan.digest != digest(plan):
        raise PlanFileError("the plan is not intact: its content does not match its digest. Make it again")
    planned = f"{plan.directory.name!r} at {plan.directory.base_url}"
    configured = f"{config.name!r} at {resolve_base_url(config.base_url, environ)}"
    if planned != configured:
        raise WrongDirectoryError(planned, configured)
    if plan.refusals:
        raise PlanRefusedError(plan.refusals)

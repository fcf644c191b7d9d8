"""Everything that the command line does, as calls for programs: a nightly job, a notebook.

They are synchronous, and never print, prompt or exit. What cannot be done is raised as a
:class:`~reconciler.diagnostics.ReconcilerError`; what could be done in part only is in the result::

    loaded = reconciler.load("acme")
    live = reconciler.read_live(loaded.desired.config, "acme")
    learned = reconciler.recall("acme", live.base_url)
    planned = reconciler.plan(loaded.desired, live, as_of=datetime.now(UTC), observations=learned)
    print(reconciler.render(planned))
    if not planned.refusals:
        result = reconciler.apply(planned, loaded.desired.config, "acme")
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from reconciler import desired as desired_state
from reconciler import live as live_state
from reconciler import observations as memory
from reconciler.config import DirectoryConfig, Policy
from reconciler.desired import Loaded
from reconciler.diagnostics import Diagnostic, ReconcilerError
from reconciler.live import ReadProgress, Wanted
from reconciler.model import Desired, Live, Observation
from reconciler.planning import Plan, PlanFileError, Verdict
from reconciler.planning import plan as make_plan
from reconciler.planning.document import digest
from reconciler.rendering import render_json, render_text
from reconciler.scim.connect import open_client
from reconciler.scim.dialects import dialect_of
from reconciler.scim.discovery import discover
from reconciler.scim.endpoint import resolve_base_url
from reconciler.scim.retry import ThrottleEvent

if TYPE_CHECKING:
    # Most commands neither write nor probe, and start-up time is felt at every one.
    from reconciler.applying import ApplyEvent, Ledger, RunResult, StopSignal
    from reconciler.probing import Examination, Finding, Probe, Stock

_Result = TypeVar("_Result")


class PlanRefusedError(ReconcilerError):
    """A plan that guards refuse. Nothing was written.

    Attributes:
        refusals: the verdicts of the guards that said no.
    """

    def __init__(self, refusals: tuple[Verdict, ...]) -> None:
        self.refusals = refusals
        names = ", ".join(dict.fromkeys(verdict.guard for verdict in refusals))
        super().__init__(f"the plan is refused by {names}. Make it again, within the limits or with an allowance")


class WrongDirectoryError(ReconcilerError):
    """A plan for another directory than the workspace's. Nothing was written.

    Attributes:
        planned: what the plan was made for.
        configured: what ``directory.yaml`` says now.
    """

    def __init__(self, planned: str, configured: str) -> None:
        self.planned = planned
        self.configured = configured
        super().__init__(f"the plan is for the directory {planned}, and this workspace is for {configured}")


class LedgerError(ReconcilerError):
    """The ledger of a run cannot be begun. Nothing was written to the directory.

    Attributes:
        path: what cannot be written.
        reason: why, in the operating system's words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"nothing was applied, because its ledger cannot be written: {path}: {reason}")


def load(workspace: Path | str) -> Loaded:
    """Read and check the files of a workspace.

    Args:
        workspace: the folder with ``directory.yaml``.

    Returns:
        What the files state, whole and checked, and warnings.

    Raises:
        DiagnosticsError: something is wrong; it holds every problem in all files.
    """
    return desired_state.load(Path(workspace))


def load_config(workspace: Path | str) -> DirectoryConfig:
    """Read and check ``directory.yaml`` alone: all that :func:`apply` needs for a plan that was saved.

    Args:
        workspace: the folder with ``directory.yaml``.

    Raises:
        DiagnosticsError: something is wrong with it; it holds every problem in that file.
    """
    return desired_state.load_config(Path(workspace))


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

    return _run(read)


def recall(workspace: Path | str, base_url: str) -> tuple[Observation, ...]:
    """Return what earlier applies from this workspace learned of a directory, for :func:`plan`.

    Args:
        workspace: the folder with ``directory.yaml``.
        base_url: which directory: ``base_url`` of what :func:`read_live` returned.

    Returns:
        The values that it stored otherwise than they were written, the oldest first; empty where nothing is known.

    Raises:
        OSError: what was remembered cannot be read.
    """
    return memory.recall(workspace, base_url)


def plan(
    desired: Desired,
    live: Live,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    observations: Iterable[Observation] = (),
) -> Plan:
    """Work out what has to be done so that the directory holds what the files state. Pure.

    Args:
        desired: what the files state.
        live: what the directory holds.
        as_of: the moment at which ``from`` and ``until`` are judged; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given.
        observations: what earlier applies learned, as :func:`recall` returns it. What the directory would not keep is
            told and not planned again.

    Returns:
        A sealed plan. Guards that refuse it are in its ``refusals``.

    Raises:
        DiagnosticsError: something is ambiguous or out of scope, with every such problem.
    """
    return make_plan(desired, live, as_of=as_of, policy=policy, observations=observations)


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

    result = _run(carry_out)
    # The result counts for more than the memory, without which a plan is only repeated.
    with suppress(OSError):
        memory.remember(workspace, plan.directory.base_url, result.run_id, result.outcomes)
    return result


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

    return _run(ask)


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

    return _run(carry_out)


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


def render(
    plan: Plan,
    fmt: Literal["text", "json"] = "text",
    *,
    color: bool = False,
    full: bool = False,
    width: int | None = None,
) -> str:
    """Return the plan as text for people, or as its JSON document.

    Args:
        plan: the plan.
        fmt: ``text`` or ``json``; the other arguments are for ``text``.
        color: whether to use ANSI sequences.
        full: show every membership and every value whole.
        width: columns of the terminal, where there is one.
    """
    return render_json(plan) if fmt == "json" else render_text(plan, color=color, full=full, width=width)


def _run(work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run a coroutine to its end, in a thread of its own where this one has a running loop (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(work())).result()

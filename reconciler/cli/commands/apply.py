"""``reconciler apply [FILE]``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from reconciler import api
from reconciler.api.carrying_out import Before
from reconciler.api.standing import begun
from reconciler.cli.applying import (
    approved,
    carry_out,
    holding,
    lock_timeout_option,
    plan_facts,
    show_plan,
    tell_end,
)
from reconciler.cli.command import Command
from reconciler.cli.completing import runs
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import exiting
from reconciler.cli.options import PlanningOptions, full_option, left_out_option, planning_options
from reconciler.cli.parameters import PathType, TextType
from reconciler.cli.signing import public_key, verify_key_option
from reconciler.cli.stream_option import json_stream_option
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import load_directory_file, load_workspace, plan_for
from reconciler.config import DirectoryConfig
from reconciler.desired import files_digest
from reconciler.diagnostics import DiagnosticsError
from reconciler.keys import load_public
from reconciler.model import Desired, utc
from reconciler.planning import Plan, PlanFileError, decode
from reconciler.rendering import json_document
from reconciler.rendering.words import counted
from reconciler.store import Store
from reconciler.store.errors import NoStoreError


@click.command(
    "apply",
    cls=Command,
    examples=(
        "reconciler apply                  # plan, show, ask, apply",
        "reconciler apply --auto-approve   # without asking, in a pipeline",
        "reconciler apply acme.plan        # exactly the plan that was reviewed",
        "reconciler apply acme.plan --verify-key ci.pub  # and signed by CI",
        "reconciler apply --auto-approve --lock-timeout 15m",
        "reconciler apply --only group:team-core  # a pilot, and nothing else",
        "reconciler apply --resume 20261122T012754Z-1c09cd",
        "reconciler apply --confirm-replace  # product access is granted again",
        "reconciler apply acme.plan --json-stream  # for a program that follows it",
    ),
)
@click.argument("file", type=PathType(), required=False)
@click.option("--auto-approve", is_flag=True, help="Do not ask. Needed where nobody can be asked.")
@click.option(
    "--resume",
    "earlier",
    type=TextType(),
    metavar="RUN",
    shell_complete=runs,
    help="Go on with a run that did not come to its end: find out by reading what it did last, and do what is left.",
)
@verify_key_option
@lock_timeout_option
@planning_options
@left_out_option
@full_option
@json_stream_option
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    file: Path | None,
    auto_approve: bool,
    earlier: str | None,
    verify_key: str | None,
    lock_timeout: timedelta | None,
    options: PlanningOptions,
    left_out: bool,
    full: bool,
) -> ExitCode:
    """Make the directory equal to the files.

    Without FILE: plans, shows the plan, asks, and applies it. With FILE: applies exactly the plan that `plan -o FILE`
    saved; what changed in the directory since then is refused step by step as stale. One run at a time writes to a
    directory; what each one did is kept in the store.

    The first Ctrl-C finishes and records what is in flight, the second stops at once. --resume goes on.
    """
    if (file is not None or earlier is not None) and options.given:
        raise click.UsageError(
            "--as-of, --allow, --reason, --only, --exclude, --since and --confirm-replace are for making a plan. "
            "Give them to `plan`."
        )
    if file is not None and earlier is not None:
        raise click.UsageError("--resume goes on with the plan of that run, and needs no FILE.")
    if file is None and verify_key is not None:
        raise click.UsageError("--verify-key is for a saved plan, and there is no FILE.")
    if earlier is not None:
        return _resume(terminal, earlier, lock_timeout, full=full)
    if file is not None:
        return _apply_saved(terminal, file, verify_key, lock_timeout, full=full)
    if options.as_of is not None and options.as_of > datetime.now(UTC):
        raise click.UsageError(
            "--as-of lies ahead, and nothing is applied before its day. `plan --as-of` shows what will be due then."
        )
    if not auto_approve and not terminal.can_ask:
        raise click.UsageError(
            "There is nobody to ask. Add --auto-approve to apply without asking, or apply a saved plan: "
            "reconciler plan -o FILE && reconciler apply FILE"
        )
    show = partial(api.render, color=terminal.color, full=full, width=terminal.width, left_out=left_out)
    return _plan_and_apply(terminal, options, lock_timeout, ask=not auto_approve, show=show, full=full)


def _plan_and_apply(
    terminal: Terminal,
    options: PlanningOptions,
    lock_timeout: timedelta | None,
    *,
    ask: bool,
    show: Callable[[Plan], str],
    full: bool,
) -> ExitCode:
    loaded = load_workspace(terminal)
    config = loaded.desired.config
    with ExitStack() as stack:
        # While a person thinks, perhaps over night, others must be able to write: then the lock is taken afterwards,
        # and what they have changed is found step by step.
        hold = None if ask else stack.enter_context(holding(terminal, config, lock_timeout))
        planned = plan_for(terminal, loaded, options, store=hold.store if hold else None)
        show_plan(terminal, planned, show)
        if planned.refusals:
            if terminal.json:
                terminal.result(json_document({**plan_facts(planned), "result": None}))
            return ExitCode.REFUSED
        if ask and planned.steps and not approved(planned):
            terminal.complain("Nothing was applied.")
            return ExitCode.STOPPED
        hold = hold or stack.enter_context(holding(terminal, config, lock_timeout))
        work = partial(
            api.apply,
            planned,
            config,
            terminal.workspace,
            desired=loaded.desired,
            now=options.as_of,
            store=hold.store,
            lock=hold.lock,
        )
        # The question may have stayed open for longer than a plan is good for.
        with _plan_errors():
            result = carry_out(terminal, planned, work)
        return tell_end(terminal, planned, result, hold.store, full=full)


def _apply_saved(
    terminal: Terminal, file: Path, verify_key: str | None, lock_timeout: timedelta | None, *, full: bool
) -> ExitCode:
    with exiting(ExitCode.STALE, PlanFileError):
        planned = decode(file.read_bytes())
    _stream_plan(terminal, planned)
    config = load_directory_file(terminal)
    trusted = _trusted_key(terminal, config, verify_key)
    with _plan_errors():
        api.check_applicable(planned, config, os.environ, verify_key=trusted)
    desired = _files_of(terminal, planned)
    try:
        with holding(terminal, config, lock_timeout) as hold, _plan_errors():
            _tell_begun(terminal, planned, begun(hold.store, planned))
            work = partial(
                api.apply,
                planned,
                config,
                terminal.workspace,
                desired=desired,
                verify_key=trusted,
                once=True,
                store=hold.store,
                lock=hold.lock,
            )
            result = carry_out(terminal, planned, work)
            return tell_end(terminal, planned, result, hold.store, full=full, shown=False)
    except api.PlanAppliedError as error:
        _applied_before(terminal, planned, error)
        return ExitCode.DONE


def _stream_plan(terminal: Terminal, planned: Plan) -> None:
    """Tell a plan that was reviewed before to a program, which has not seen it; a person has."""
    if terminal.stream is not None:
        terminal.stream.plan(planned)


def _tell_begun(terminal: Terminal, planned: Plan, before: Before | None) -> None:
    if before is not None:
        done = f"{len(before.settled):,} of {counted(len(planned.steps), 'step')}"
        terminal.tell(f"Going on with the run {before.run_id}, which has done {done}.")


def _trusted_key(terminal: Terminal, config: DirectoryConfig, verify_key: str | None) -> bytes | None:
    """Return the key that the plan must be signed with: that of the command line, or else that of the workspace."""
    if verify_key is not None:
        return public_key(verify_key)
    configured = config.apply.verify_key
    return None if configured is None else load_public(configured, terminal.workspace, os.environ)


def _files_of(terminal: Terminal, planned: Plan) -> Desired | None:
    """Return what the plan was made from, for drift to be told by; ``None`` where the files say something else."""
    if planned.desired.digest != files_digest(terminal.workspace):
        changed = "the files have changed since this plan was made. It is applied as it is."
        terminal.tell(f"warning: {changed}")
        if terminal.stream is not None:
            terminal.stream.warning("files-changed", changed)
        return None
    # What undoes a run leaves the directory otherwise than the files state, and a change is not all that they state.
    if planned.undoes is not None or planned.since is not None:
        return None
    with suppress(DiagnosticsError):
        return api.load(terminal.workspace).desired
    return None


def _resume(terminal: Terminal, earlier: str, lock_timeout: timedelta | None, *, full: bool) -> ExitCode:
    config = load_directory_file(terminal)
    existing = Store.open_existing(config, terminal.workspace, os.environ)
    if existing is None:
        raise NoStoreError
    with existing, exiting(ExitCode.STALE, PlanFileError):
        planned = existing.plan_of(earlier)
    _stream_plan(terminal, planned)
    try:
        with holding(terminal, config, lock_timeout) as hold, _plan_errors():
            _tell_begun(terminal, planned, begun(hold.store, planned))
            work = partial(api.resume, earlier, config, terminal.workspace, store=hold.store, lock=hold.lock)
            result = carry_out(terminal, planned, work)
            return tell_end(terminal, planned, result, hold.store, full=full, shown=False)
    except api.PlanAppliedError as error:
        _applied_before(terminal, planned, error)
        return ExitCode.DONE


@contextmanager
def _plan_errors() -> Iterator[None]:
    """Give what is wrong with a plan its exit codes."""
    with (
        exiting(ExitCode.STALE, PlanFileError, api.WrongDirectoryError, api.PlanUndoneError),
        exiting(ExitCode.REFUSED, api.PlanRefusedError),
    ):
        yield


def _applied_before(terminal: Terminal, planned: Plan, error: api.PlanAppliedError) -> None:
    if terminal.stream is not None:
        terminal.stream.applied_before(error.run.id, _sentence(error).rstrip())
    elif terminal.json:
        run = error.run
        before = {"run": run.id, "at": utc(run.ended or run.started)}
        terminal.result(json_document({**plan_facts(planned), "result": None, "applied_before": before}))
    else:
        terminal.result(_sentence(error))


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}.\n"

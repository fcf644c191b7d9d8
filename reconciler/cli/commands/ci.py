"""``reconciler ci comment``, ``annotations``, ``issue`` and ``summary``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import click

from reconciler.cli.code_hosts import (
    host_options,
    key_option,
    label_option,
    number_option,
    provider_option,
    redact_option,
    where_option,
)
from reconciler.cli.command import Command, CommandGroup
from reconciler.cli.diagnostics import repository_base_of
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.failures import exiting
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.parameters import PathType, TextType
from reconciler.cli.terminal import Terminal
from reconciler.planning import Plan, PlanFileError, decode
from reconciler.rendering import json_document, render_diagnostics, safe

if TYPE_CHECKING:
    # Help and wrong usage must not wait for an HTTP client.
    from reconciler.ci.hosts import Host
    from reconciler.ci.issues import WhenDone
    from reconciler.ci.reports import Findings
    from reconciler.ci.rest import Wait
    from reconciler.ci.surroundings import Given, Provider

_Document: TypeAlias = dict[str, Any]


@click.group(
    "ci",
    cls=CommandGroup,
    invoke_without_command=True,
    no_args_is_help=False,
    examples=(
        "reconciler ci comment acme.plan      # on the pull request, kept up to date",
        "reconciler ci annotations acme.plan  # on the lines that cause it",
        "reconciler ci summary acme.plan      # on the page of the workflow run",
        "reconciler ci issue --drift drift.json --reconciled reconciled.json",
    ),
)
@click.pass_context
def command(context: click.Context) -> None:
    """Show a plan where a team looks: on pull requests, in an issue, on the page of a run.

    For jobs at GitHub and GitLab. What they need to know is taken from what the runner tells, and the token from
    GITHUB_TOKEN or GITLAB_TOKEN. docs/ci.md tells which rights it needs.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError(f"Which one? There are: {', '.join(command.commands)}.", context)


@command.command(
    "comment",
    cls=Command,
    short_help="Keep a comment with the plan on the pull request.",
    examples=(
        "reconciler ci comment acme.plan --if-pull-request   # in a workflow",
        "reconciler ci comment acme.plan --redact            # without names",
        "reconciler ci comment acme.plan --provider stdout   # look at it first",
        "reconciler ci comment acme.plan --repository acme/directory --number 7",
    ),
)
@click.argument("file", type=PathType())
@provider_option
@click.option("--if-pull-request", is_flag=True, help="Do nothing where the job runs for none.")
@number_option
@host_options
@key_option
@redact_option
@where_option
@click.pass_obj
def comment(
    terminal: Terminal,
    *,
    file: Path,
    provider: Provider | None,
    if_pull_request: bool,
    given: Given,
    key: str,
    redact: bool,
    where: str | None,
) -> ExitCode:
    """Write a saved plan as a comment on the pull request, or bring the comment that is there up to date.

    The comment is found by a hidden marker, and only one that the token's own account wrote is changed. Of several
    directories, each has its comment. What a person has to do about a refused request, the error tells.
    """
    from reconciler.ci import surroundings
    from reconciler.ci.errors import NotInReviewError
    from reconciler.ci.hosts import review
    from reconciler.ci.reviews import keep_comment
    from reconciler.rendering.markdown import marker, render_markdown

    plan = _read(file)
    provider = provider or surroundings.provider_of(os.environ)
    where = where or surroundings.run_url(os.environ)
    host: Host = "gitlab" if provider == "gitlab" else "github"
    body = render_markdown(plan, flavour=host, where=where, redact=redact, key=key)
    if provider == "stdout":
        _tell(terminal, body, {"provider": provider, "body": body})
        return ExitCode.DONE
    try:
        with review(provider, given, os.environ, on_wait=_waiting(terminal)) as thread:
            posted = keep_comment(thread, body, marker(plan, key=key))
    except NotInReviewError:
        if not if_pull_request:
            raise
        document = {"provider": provider, "outcome": "none", "url": None}
        _tell(terminal, "No pull request: nothing was written.\n", document)
        return ExitCode.DONE
    told = {"provider": provider, "outcome": posted.outcome, "url": posted.url, "replaced": posted.replaced}
    _tell(terminal, f"Comment {posted.outcome}{_at(posted.url)}.\n", told)
    return ExitCode.DONE


@command.command(
    "annotations",
    cls=Command,
    short_help="Say on each line of YAML what it would do.",
    examples=(
        "reconciler ci annotations acme.plan  # in a workflow",
        "reconciler ci annotations acme.plan --provider gitlab > quality.json",
        "reconciler ci annotations acme.plan -C directories/acme --provider stdout",
    ),
)
@click.argument("file", type=PathType())
@provider_option
@click.option(
    "--prefix",
    type=TextType(),
    metavar="PATH",
    help="The path from the root of the repository to the workspace; Git's answer for the workspace, if left out.",
)
@redact_option
@click.pass_obj
def annotations_command(
    terminal: Terminal, *, file: Path, provider: Provider | None, prefix: str | None, redact: bool
) -> ExitCode:
    """Say on each line of YAML what it would do, the most important first.

    A guard that refuses the plan is an error, a risk is a warning, any other change a note. GitHub shows ten of each:
    the tenth then counts the others. For GitLab it is a Code Quality report. Nothing is sent.
    """
    from reconciler.ci.annotations import GITHUB_SHOWS, annotate
    from reconciler.ci.surroundings import provider_of

    plan = _read(file)
    if redact:
        from reconciler.rendering.redacting import redacted

        plan = redacted(plan)
    provider = provider or provider_of(os.environ)
    found = annotate(plan, most=GITHUB_SHOWS if provider == "github" else None)
    base = repository_base_of(terminal.workspace) if prefix is None else prefix
    if terminal.json:
        terminal.result(json_document({"annotations": [one.as_json() for one in found]}))
    else:
        fmt: Literal["text", "github", "gitlab"] = "text" if provider == "stdout" else provider
        terminal.result(render_diagnostics(found, fmt, color=terminal.color, base=base))
    return ExitCode.DONE


@command.command(
    "issue",
    cls=Command,
    short_help="Keep one issue about what waits after a nightly job.",
    examples=(
        "reconciler ci issue --drift drift.json --reconciled reconciled.json",
        "reconciler ci issue --drift drift.json --when-done comment",
        "reconciler ci issue --plan acme.plan --provider stdout  # look at it first",
    ),
)
@click.option("--drift", type=PathType(), metavar="FILE", help="What `drift --json` wrote; `-` is standard input.")
@click.option(
    "--reconciled",
    type=PathType(),
    metavar="FILE",
    help="What `reconcile --json` wrote, which also says where nothing waits; `-` is standard input.",
)
@click.option("--plan", "plan_file", type=PathType(), metavar="FILE", help="A saved plan that waits.")
@label_option
@click.option(
    "--when-done",
    type=ChoiceType(("close", "comment")),
    default="close",
    show_default=True,
    help="What to do with the issue when nothing waits any more: close it, or say so and leave it open.",
)
@provider_option
@host_options
@key_option
@redact_option
@where_option
@click.pass_obj
def issue(
    terminal: Terminal,
    *,
    drift: Path | None,
    reconciled: Path | None,
    plan_file: Path | None,
    label: str,
    when_done: WhenDone,
    provider: Provider | None,
    given: Given,
    key: str,
    redact: bool,
    where: str | None,
) -> ExitCode:
    """Keep one issue about what waits for a person after a nightly job: drift, and a plan to approve.

    It is opened when something waits, brought up to date, and closed when nothing does: there is never more than one
    for a directory. Where a document tells an error, nothing is known, and the issue stays as it is.
    """
    from reconciler.ci import surroundings
    from reconciler.ci.hosts import tracker
    from reconciler.ci.issues import keep_issue
    from reconciler.ci.reports import report

    if drift is None and reconciled is None and plan_file is None:
        raise click.UsageError("What waits? Give --drift, --reconciled or --plan.")
    if reconciled is not None and plan_file is not None:
        raise click.UsageError("--reconciled names the plan that waits. Leave --plan away.")
    if drift is not None and drift == reconciled == Path("-"):
        raise click.UsageError("--drift and --reconciled cannot both be standard input.")
    found = _findings(drift, reconciled, plan_file)
    provider = provider or surroundings.provider_of(os.environ)
    where = where or surroundings.run_url(os.environ)
    host: Host = "gitlab" if provider == "gitlab" else "github"
    told = report(found, host=host, label=label, key=key, where=where, redact=redact)
    if provider == "stdout":
        document = {"provider": provider, "waiting": told.waiting, "title": told.title, "body": told.body}
        _tell(terminal, f"# {told.title}\n\n{told.body}", document)
        return ExitCode.DONE
    with tracker(provider, given, os.environ, on_wait=_waiting(terminal)) as issues:
        kept = keep_issue(issues, told, when_done=when_done)
    words = "No issue, and none is needed" if kept.outcome == "none" else f"Issue {kept.outcome}"
    document = {"provider": provider, "outcome": kept.outcome, "url": kept.url, "waiting": told.waiting}
    _tell(terminal, f"{words}{_at(kept.url)}.\n", document)
    return ExitCode.DONE


@command.command(
    "summary",
    cls=Command,
    short_help="Write the plan on the page of a workflow run.",
    examples=(
        "reconciler ci summary acme.plan           # on the page of the workflow run",
        "reconciler ci summary acme.plan --redact  # without names",
    ),
)
@click.argument("file", type=PathType())
@redact_option
@where_option
@click.pass_obj
def summary(terminal: Terminal, *, file: Path, redact: bool, where: str | None) -> ExitCode:
    """Write a saved plan on the page of a GitHub workflow run.

    It is appended to the file that GITHUB_STEP_SUMMARY names, as far as the 1 MiB of a step goes; where that is not
    set, it is printed.
    """
    from reconciler.ci.summaries import append_summary, summary_of
    from reconciler.ci.surroundings import run_url

    plan = _read(file)
    where = where or run_url(os.environ)
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        text = summary_of(plan, where=where, redact=redact)
        _tell(terminal, text, {"file": None, "body": text})
        return ExitCode.DONE
    written = append_summary(Path(name), plan, where=where, redact=redact)
    _tell(terminal, f"Summary written: {written:,} bytes.\n", {"file": name, "bytes": written})
    return ExitCode.DONE


def _read(file: Path) -> Plan:
    with exiting(ExitCode.STALE, PlanFileError):
        return decode(file.read_bytes())


def _findings(drift: Path | None, reconciled: Path | None, plan_file: Path | None) -> Findings:
    from reconciler.ci.documents import findings

    with exiting(ExitCode.STALE, PlanFileError):
        return findings(
            drift=None if drift is None else (_bytes(drift), str(drift)),
            reconciled=None if reconciled is None else (_bytes(reconciled), str(reconciled)),
            plan=None if plan_file is None else plan_file.read_bytes(),
        )


def _bytes(file: Path) -> bytes:
    return sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()


def _tell(terminal: Terminal, text: str, document: _Document) -> None:
    terminal.result(json_document(document) if terminal.json else text)


def _at(url: str | None) -> str:
    return f": {safe(url)}" if url else ""


def _waiting(terminal: Terminal) -> Callable[[Wait], None]:
    """Return what says why nothing happens."""

    def tell(wait: Wait) -> None:
        why = "does not answer" if wait.status is None else f"answered {wait.status}"
        say = terminal.tell if wait.seconds >= 5 else terminal.detail
        say(f"{wait.host} {why}; trying again in {wait.seconds:,.0f} s …")

    return tell

"""``reconciler import``."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.completing import dialects
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.parameters import TextType
from reconciler.cli.terminal import Terminal
from reconciler.cli.workflow import load_directory_file, read_directory
from reconciler.config import DirectoryConfig, Policy, TokenSource, Unlisted
from reconciler.desired.workspace import DIRECTORY_FILE
from reconciler.importing import DirectoryTemplate, ImportReport, Split, write_workspace
from reconciler.rendering import json_document, safe
from reconciler.rendering.words import counted


@click.command(
    "import",
    cls=Command,
    examples=(
        "reconciler import                  # into a workspace that `init` made",
        "reconciler import --split letter   # a file per first letter",
        "reconciler import -C acme --base-url https://scim.example.com/v2",
    ),
)
@click.option(
    "--split",
    type=ChoiceType([split.value for split in Split]),
    default=Split.DEPARTMENT.value,
    show_default=True,
    help="A file of users per department, per first letter, or one for all.",
)
@click.option("--force-overwrite", is_flag=True, help="Replace files that exist. directory.yaml is never touched.")
@click.option(
    "--base-url", type=TextType(), metavar="URL", help="The SCIM endpoint, where there is no directory.yaml yet."
)
@click.option(
    "--token-env", default="SCIM_TOKEN", show_default=True, metavar="NAME", help="The variable with its token."
)
@click.option("--dialect", shell_complete=dialects, default="generic", show_default=True, help="Its dialect.")
@click.option("--name", type=TextType(), default="directory", show_default=True, help="What plans call it.")
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    split: str,
    force_overwrite: bool,
    base_url: str | None,
    token_env: str,
    dialect: str,
    name: str,
) -> ExitCode:
    """Write what the directory holds now as a workspace.

    Nobody starts empty. A plan of what was written is empty; what cannot be written is told. Files that exist are not
    overwritten, and a directory.yaml that exists is used and never touched.
    """
    template: DirectoryTemplate | None = None
    policy: Policy | None = None
    if (terminal.workspace / DIRECTORY_FILE).exists():
        if base_url is not None:
            raise click.UsageError(
                f"--base-url is for a new workspace, and {terminal.workspace / DIRECTORY_FILE} exists."
            )
        config = load_directory_file(terminal)
        policy = config.policy
    else:
        if base_url is None:
            raise click.UsageError(
                f"There is no {DIRECTORY_FILE} in {terminal.workspace}. Say which directory: --base-url URL"
            )
        template = DirectoryTemplate(name=name, base_url=base_url, token=TokenSource(env=token_env), dialect=dialect)
        config = _configuration(template)
    live = read_directory(terminal, config)
    report = write_workspace(
        live,
        terminal.workspace,
        directory=template,
        split=Split(split),
        policy=policy,
        force_overwrite=force_overwrite,
    )
    if terminal.json:
        terminal.result(json_document(_document(report)))
    else:
        terminal.result(_text(report))
        terminal.hint(f"Next: {terminal.command_line('plan')}")
    return ExitCode.DONE


def _configuration(template: DirectoryTemplate) -> DirectoryConfig:
    return DirectoryConfig(
        name=template.name,
        base_url=template.base_url,
        token=template.token,
        dialect=template.dialect,
        policy=Policy(unlisted_users=Unlisted.IGNORE, unlisted_groups=Unlisted.IGNORE),
    )


def _document(report: ImportReport) -> dict[str, object]:
    return {
        "files": [file.as_posix() for file in report.files],
        "users": report.users,
        "groups": report.groups,
        "memberships": report.memberships,
        "left_out": [entry.as_json() for entry in report.left_out],
        "other_files": [file.as_posix() for file in report.other_files],
    }


def _text(report: ImportReport) -> str:
    lines = [f"  {safe(str(file))}" for file in report.files]
    if not report.users and not report.groups:
        lines += ["", "The directory holds nobody and nothing that could be imported."]
    if report.left_out:
        lines += ["", "Left out:", *(f"  {safe(str(entry))}" for entry in report.left_out)]
    if report.other_files:
        lines += ["", "These files were there before. What they list may be listed twice now:"]
        lines += [f"  {safe(str(file))}" for file in report.other_files]
    numbers = (
        counted(report.users, "user"),
        counted(report.groups, "group"),
        counted(report.memberships, "membership"),
    )
    lines += ["", f"Imported {', '.join(numbers)} into {counted(len(report.files), 'file')}."]
    return "\n".join(lines) + "\n"

"""``reconciler init``."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Final

import click

from reconciler.cli.command import Command
from reconciler.cli.completing import dialects
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.parameters import TextType
from reconciler.cli.terminal import Terminal
from reconciler.desired.phrases import either
from reconciler.desired.schema import SCHEMA_NAMES, json_schema
from reconciler.diagnostics import ReconcilerError
from reconciler.rendering import json_document
from reconciler.scim.dialects import GENERIC, dialect_names, load_dialect

_BASE_URLS: Final = {
    "atlassian": "https://api.atlassian.com/scim/directory/${ATLASSIAN_DIRECTORY_ID}",
    "aws-identity-center": "https://scim.${AWS_REGION}.amazonaws.com/${AWS_SCIM_TENANT_ID}/scim/v2",
    "databricks": "https://accounts.cloud.databricks.com/api/2.1/accounts/${DATABRICKS_ACCOUNT_ID}/scim/v2",
    "github-emu": "https://api.github.com/scim/v2/enterprises/${GITHUB_ENTERPRISE}",
    "gitlab": "https://gitlab.com/api/scim/v2/groups/${GITLAB_GROUP}",
    "hcp-terraform": "https://app.terraform.io/scim/v2/${SCIM_CONFIGURATION_ID}",
    "keycloak": "https://${KEYCLOAK_HOST}/realms/${KEYCLOAK_REALM}/scim/v2",
    "miro": "https://miro.com/api/v1/scim",
    "salesforce": "https://${SALESFORCE_DOMAIN}.my.salesforce.com/services/scim/v2",
    "slack": "https://api.slack.com/scim/v2",
    "snowflake": "https://${SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/scim/v2",
}
"""Where a service provider's SCIM endpoint is; that of the others is known to nobody but their owner."""


class WorkspaceExistsError(ReconcilerError):
    """Files that a new workspace would have overwritten. Nothing was written.

    Attributes:
        files: their paths.
    """

    def __init__(self, files: list[Path]) -> None:
        self.files = tuple(files)
        listed = "".join(f"\n  {file}" for file in files)
        super().__init__(f"these files exist, and nothing was written:{listed}\nChoose another folder with -C.")


@click.command(
    "init",
    cls=Command,
    examples=(
        "reconciler init                           # in this folder",
        "reconciler init -C acme --name acme       # in a new one",
        "reconciler init -C acme --dialect atlassian",
    ),
)
@click.option(
    "--name", type=TextType(), default="example", show_default=True, help="What plans and ledgers call the directory."
)
@click.option(
    "--dialect",
    shell_complete=dialects,
    default=GENERIC,
    show_default=True,
    help=f"Whose ways the directory has: {either(dialect_names())}.",
)
@click.pass_obj
def command(terminal: Terminal, *, name: str, dialect: str) -> ExitCode:
    """Write a new workspace with comments that explain it.

    It lists nobody yet: its examples are comments. Nothing that exists is overwritten.
    """
    load_dialect(dialect)
    texts = {terminal.workspace / path: text for path, text in _texts(name, dialect).items()}
    gitignore = terminal.workspace / ".gitignore"
    ignoring = gitignore.exists()
    if ignoring:
        del texts[gitignore]
    existing = [path for path in texts if path.exists() or path.is_symlink()]
    if existing:
        raise WorkspaceExistsError(existing)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    if terminal.json:
        terminal.result(json_document({"files": [path.as_posix() for path in texts]}))
    else:
        terminal.result("".join(f"{path}\n" for path in texts))
    if ignoring:
        terminal.tell(f"{gitignore} is left as it is; add .reconciler/ and *.key to it if it lacks them.")
    terminal.hint(
        f"Next: say in {terminal.workspace / 'directory.yaml'} which directory it is, and set its token. Then "
        f"`{terminal.command_line('import')}`, or list users and groups, and `{terminal.command_line('plan')}`."
    )
    return ExitCode.DONE


def _texts(name: str, dialect: str) -> dict[str, str]:
    """Return the text of every file of a new workspace by its path."""
    templates = resources.files("reconciler.cli") / "templates"
    directory = (templates / "directory.yaml").read_text(encoding="utf-8")
    base_url = _BASE_URLS.get(dialect, "${SCIM_BASE_URL}")
    # JSON's quoted strings are YAML's too.
    for placeholder, value in (("@NAME@", name), ("@DIALECT@", dialect), ("@BASE_URL@", base_url)):
        directory = directory.replace(placeholder, json.dumps(value, ensure_ascii=False))
    return {
        "directory.yaml": directory,
        "users/example.yaml": (templates / "users.yaml").read_text(encoding="utf-8"),
        "groups/example.yaml": (templates / "groups.yaml").read_text(encoding="utf-8"),
        **{f".schemas/{which}.schema.json": json_document(json_schema(which)) for which in SCHEMA_NAMES},
        ".gitignore": "# What runs did, on the machine that they ran on.\n.reconciler/\n"
        "# Private keys, with which plans are signed.\n*.key\n",
    }

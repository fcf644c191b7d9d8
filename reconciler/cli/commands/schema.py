"""``reconciler schema``."""

from __future__ import annotations

import click

from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal
from reconciler.desired.schema import SCHEMA_NAMES, SchemaName, json_schema
from reconciler.rendering import json_document


@click.command(
    "schema",
    cls=Command,
    examples=(
        "reconciler schema > resources.schema.json            # users and groups",
        "reconciler schema directory > directory.schema.json  # directory.yaml",
        "reconciler schema dialect > dialect.schema.json      # *.dialect.yaml",
    ),
)
@click.argument("name", type=click.Choice(SCHEMA_NAMES), default="resources")
@click.pass_obj
def command(terminal: Terminal, name: SchemaName) -> ExitCode:
    """Print the JSON Schema of the files.

    Draft 2020-12, for editors and other tools: of `directory.yaml`, of the `*.dialect.yaml` of a workspace, or of all
    other files (`resources`).
    """
    terminal.result(json_document(json_schema(name)))
    return ExitCode.DONE

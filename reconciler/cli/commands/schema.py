"""``reconciler schema``."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import click

from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal
from reconciler.desired.schema import SCHEMA_NAMES, SchemaName, json_schema
from reconciler.rendering import json_document

_Name: TypeAlias = SchemaName | Literal["faults"]


@click.command(
    "schema",
    cls=Command,
    examples=(
        "reconciler schema > resources.schema.json            # users and groups",
        "reconciler schema directory > directory.schema.json  # directory.yaml",
        "reconciler schema dialect > dialect.schema.json      # *.dialect.yaml",
        "reconciler schema faults > faults.schema.json        # sandbox --faults",
    ),
)
@click.argument("name", type=click.Choice([*SCHEMA_NAMES, "faults"]), default="resources")
@click.pass_obj
def command(terminal: Terminal, name: _Name) -> ExitCode:
    """Print the JSON Schema of the files.

    Draft 2020-12, for editors and other tools: of `directory.yaml`, of the `*.dialect.yaml` of a workspace, of all its
    other files (`resources`), or of the file that says what goes wrong in the sandbox (`faults`).
    """
    terminal.result(json_document(_schema(name)))
    return ExitCode.DONE


def _schema(name: _Name) -> dict[str, Any]:
    if name == "faults":
        # Nobody needs the sandbox for the files of a workspace.
        from reconciler.sandbox.faults.file import faults_schema

        return faults_schema()
    return json_schema(name)

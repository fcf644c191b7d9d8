"""``reconciler schema``."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, assert_never

import click

from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.guessing import ChoiceType
from reconciler.cli.terminal import Terminal
from reconciler.desired.schema import SCHEMA_NAMES, SchemaName, json_schema
from reconciler.rendering import json_document

_Name: TypeAlias = SchemaName | Literal["faults", "plan", "events"]


@click.command(
    "schema",
    cls=Command,
    examples=(
        "reconciler schema > resources.schema.json            # users and groups",
        "reconciler schema directory > directory.schema.json  # directory.yaml",
        "reconciler schema dialect > dialect.schema.json      # *.dialect.yaml",
        "reconciler schema faults > faults.schema.json        # sandbox --faults",
        "reconciler schema plan > plan.schema.json            # plan --json, plan -o",
        "reconciler schema events > events.schema.json        # --json-stream",
    ),
)
@click.argument("name", type=ChoiceType([*SCHEMA_NAMES, "faults", "plan", "events"]), default="resources")
@click.pass_obj
def command(terminal: Terminal, name: _Name) -> ExitCode:
    """Print the JSON Schema of the files, of plans, or of the event stream.

    Draft 2020-12, for editors and other tools: of `directory.yaml`, of the `*.dialect.yaml` of a workspace, of all its
    other files (`resources`), or of the file that says what goes wrong in the sandbox (`faults`); and of what is
    printed for programs: the plan document (`plan`), and each line of the event stream (`events`).
    """
    terminal.result(json_document(_schema(name)))
    return ExitCode.DONE


def _schema(name: _Name) -> dict[str, Any]:
    # Each is imported by whoever asks for it: nobody needs the sandbox for the files of a workspace.
    match name:
        case "faults":
            from reconciler.sandbox.faults.file import faults_schema

            return faults_schema()
        case "plan":
            from reconciler.planning.document_schema import document_schema

            return document_schema()
        case "events":
            from reconciler.rendering.events import events_schema

            return events_schema()
        case "directory" | "resources" | "dialect":
            return json_schema(name)
    assert_never(name)

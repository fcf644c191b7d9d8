"""The JSON Schemas of the files of a workspace, and the check against them.

``jsonschema_rs`` decides whether a value is valid; only what is not is looked at by ``jsonschema``, which is about a
hundred times slower and tells what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any, Literal

import jsonschema_rs

from reconciler.desired.phrases import path_text
from reconciler.desired.problems import Problems
from reconciler.desired.suggestions import Suggester
from reconciler.model import Origin

SchemaName = Literal["directory", "resources"]


def json_schema(name: SchemaName) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12): of ``directory.yaml``, or of the files that list users and groups."""
    file = resources.files("reconciler.desired") / "schemas" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


class SchemaCheck:
    """Checks values against one schema; ``subject`` is what messages call such a value as a whole."""

    def __init__(self, schema: dict[str, Any], subject: str, suggester: Suggester) -> None:
        self._subject = subject
        self._schema = schema
        self._suggester = suggester
        self._validator = jsonschema_rs.validator_for(schema)

    def passes(self, value: Any, locate: Callable[..., Origin], problems: Problems) -> bool:
        """Tell whether the value is valid; where not, record everything that is wrong with it.

        Args:
            value: built from YAML.
            locate: returns the place of a path inside the value.
            problems: takes what is wrong.
        """
        if self._validator.is_valid(value):
            return True
        found_before = len(problems.found)
        # jsonschema takes longer to import than a small workspace to check.
        from reconciler.desired.explanations import Explainer  # noqa: PLC0415

        Explainer(
            self._schema, subject=self._subject, locate=locate, problems=problems, suggester=self._suggester
        ).explain(value)
        if len(problems.found) == found_before:
            # The two differ where regular expressions do: Python's "$" accepts a line break after it.
            for error in self._validator.iter_errors(value):
                name = path_text(error.instance_path) or self._subject
                problems.error("refused", f"{name} is not allowed", locate(*error.instance_path))
        return False


class SchemaChecks:
    """The compiled checks of one run: of ``directory.yaml``, of other files without their items, and of one item."""

    def __init__(self, suggester: Suggester) -> None:
        schema = json_schema("resources")
        definitions = schema["$defs"]
        frame = {
            **schema,
            "properties": {
                key: {name: part for name, part in value.items() if name != "items"}
                for key, value in schema["properties"].items()
            },
        }
        self.directory = SchemaCheck(json_schema("directory"), "directory.yaml", suggester)
        self.frame = SchemaCheck(frame, "the file", suggester)
        self.user = SchemaCheck({**definitions["user"], "$defs": definitions}, "a user", suggester)
        self.group = SchemaCheck({**definitions["group"], "$defs": definitions}, "a group", suggester)

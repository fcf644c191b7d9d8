"""The JSON Schemas of the files of a workspace, and the check against them.

``jsonschema_rs`` decides whether a value is valid; only what is not is looked at by ``jsonschema``, which is about a
hundred times slower and tells what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import jsonschema_rs

from reconciler.desired.moments import is_date, is_moment
from reconciler.desired.problems import Problems
from reconciler.desired.sound_parts import SoundPart
from reconciler.desired.suggestions import Suggester
from reconciler.desired.written import Written

if TYPE_CHECKING:
    from reconciler.desired.explanations import Explainer

SchemaName = Literal["directory", "resources", "dialect"]
SCHEMA_NAMES: Final[tuple[SchemaName, ...]] = get_args(SchemaName)

_CAPABILITIES: Final = "capabilities"
_CAPABILITIES_REFERENCE: Final = {"$ref": f"{_CAPABILITIES}.schema.json"}

_FORMATS: Final[dict[str, Callable[[str], bool]]] = {"date": is_date, "moment": is_moment}
"""The ``format`` keywords of the schemas, and what tells whether a text is of that form."""


def json_schema(name: SchemaName) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) that refers to no other.

    Args:
        name: ``directory`` is that of ``directory.yaml``, ``resources`` that of the files that list users and groups,
            ``dialect`` that of a ``*.dialect.yaml``.
    """
    capabilities = _read(_CAPABILITIES)
    definitions = capabilities.pop("$defs")
    part = {keyword: value for keyword, value in capabilities.items() if keyword not in ("$schema", "$id")}
    schema = _read(name, object_hook=lambda found: part if found == _CAPABILITIES_REFERENCE else found)
    if name != "resources":
        schema["$defs"] = {**schema.get("$defs", {}), **definitions}
    return schema


def _read(name: str, object_hook: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> dict[str, Any]:
    file = resources.files("reconciler.desired") / "schemas" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"), object_hook=object_hook)
    return schema


class SchemaCheck:
    """Checks values against one schema; ``subject`` is what messages call such a value as a whole."""

    def __init__(self, schema: dict[str, Any], subject: str, suggester: Suggester) -> None:
        self._subject = subject
        self._schema = schema
        self._suggester = suggester
        self._validator = jsonschema_rs.validator_for(schema, formats=_FORMATS, validate_formats=True)
        self._explainer: Explainer | None = None

    def accepts(self, value: Any) -> bool:
        """Tell whether a value built from YAML is valid."""
        return self._validator.is_valid(value)

    def explain(self, value: Any, written: Written, problems: Problems) -> SoundPart | None:
        """Record everything that is wrong with a value that is not valid.

        Args:
            value: built from YAML.
            written: what it was built from.
            problems: takes what is wrong.

        Returns:
            What remains of the value without that, or ``None`` where nothing does.
        """
        if self._explainer is None:
            # jsonschema takes longer to import than a small workspace to check.
            from reconciler.desired.explanations import Explainer

            self._explainer = Explainer(self._schema, self._validator, _FORMATS, self._subject, self._suggester)
        return self._explainer.explain(value, written, problems)


class SchemaChecks:
    """The compiled checks of one run: ``directory.yaml``, a dialect, any other file without its items, and one item."""

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
        self.dialect = SchemaCheck(json_schema("dialect"), "the file", suggester)
        self.frame = SchemaCheck(frame, "the file", suggester)
        self.user = SchemaCheck({**definitions["user"], "$defs": definitions}, "a user", suggester)
        self.group = SchemaCheck({**definitions["group"], "$defs": definitions}, "a group", suggester)

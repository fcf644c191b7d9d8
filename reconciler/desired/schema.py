"""The JSON Schemas of the files of a workspace, and the check against them.

``jsonschema_rs`` decides whether a value is valid; only what is not is looked at by ``jsonschema``, which is about a
hundred times slower and tells what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, get_args

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

_Sort: TypeAlias = Literal["directory", "dialect", "frame", "user", "group"]

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


class CompiledSchema(NamedTuple):
    """A schema, which nobody may change any more, and what decides by it."""

    schema: dict[str, Any]
    validator: jsonschema_rs.Validator


def compile_schema(schema: dict[str, Any]) -> CompiledSchema:
    """Make ready to check values against a schema; that takes longer than to check a small workspace."""
    return CompiledSchema(schema, jsonschema_rs.validator_for(schema, formats=_FORMATS, validate_formats=True))


class SchemaCheck:
    """Checks values against one schema; ``subject`` is what messages call such a value as a whole."""

    def __init__(self, compiled: CompiledSchema, subject: str, suggester: Suggester) -> None:
        self._subject = subject
        self._schema, self._validator = compiled
        self._suggester = suggester
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
    """The checks of one run: ``directory.yaml``, a dialect, any other file without its items, and one item."""

    def __init__(self, suggester: Suggester) -> None:
        self.directory = SchemaCheck(_compiled("directory"), "directory.yaml", suggester)
        self.dialect = SchemaCheck(_compiled("dialect"), "the file", suggester)
        self.frame = SchemaCheck(_compiled("frame"), "the file", suggester)
        self.user = SchemaCheck(_compiled("user"), "a user", suggester)
        self.group = SchemaCheck(_compiled("group"), "a group", suggester)


@cache
def _compiled(sort: _Sort) -> CompiledSchema:
    """Compile a schema once in a process: programs load more than one workspace."""
    return compile_schema(_schema_of(sort))


def _schema_of(sort: _Sort) -> dict[str, Any]:
    if sort in ("directory", "dialect"):
        return json_schema(sort)
    resources_schema = json_schema("resources")
    if sort == "frame":
        kinds = resources_schema["properties"]
        without_items = {
            key: {name: part for name, part in value.items() if name != "items"} for key, value in kinds.items()
        }
        return {**resources_schema, "properties": without_items}
    definitions = resources_schema["$defs"]
    return {**definitions[sort], "$defs": definitions}

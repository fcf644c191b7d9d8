"""Tells in words for people what is wrong with a value that its JSON Schema refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from jsonschema import Draft202012Validator

from reconciler.desired.phrases import either, path_text, what
from reconciler.desired.problems import Problems
from reconciler.desired.suggestions import Suggester
from reconciler.model import Origin

_TYPES: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}

_SECRET: Final = frozenset({"base_url", "password", "token"})
"""Keys whose values are never repeated in a message."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """One keyword of the schema that a value does not satisfy.

    Attributes:
        keyword: the keyword of JSON Schema.
        wanted: what the schema says for it.
        value: the value that fails.
        path: where that is, from the value that was checked down.
        schema: the part of the schema that the keyword is in.
        message: in the words of ``jsonschema``.
    """

    keyword: str
    wanted: Any
    value: Any
    path: tuple[str | int, ...]
    schema: dict[str, Any]
    message: str

    @classmethod
    def of(cls, error: Any) -> Self:
        return cls(
            keyword=error.validator,
            wanted=error.validator_value,
            value=error.instance,
            path=tuple(error.absolute_path),
            schema=error.schema,
            message=error.message,
        )

    @property
    def name(self) -> str:
        return path_text(self.path)


class Explainer:
    """Explains the values that one schema refuses."""

    def __init__(
        self,
        schema: dict[str, Any],
        *,
        subject: str,
        locate: Callable[..., Origin],
        problems: Problems,
        suggester: Suggester,
    ) -> None:
        self._subject = subject
        self._validator = Draft202012Validator(schema)
        self._locate = locate
        self._problems = problems
        self._suggester = suggester
        self._by_keyword: dict[str, Callable[[_Failure], None]] = {
            "additionalProperties": self._unknown_keys,
            "enum": self._not_in_enum,
            "exclusiveMinimum": self._out_of_range,
            "maximum": self._out_of_range,
            "minItems": self._empty,
            "minLength": self._empty,
            "minProperties": self._empty,
            "minimum": self._out_of_range,
            "not": self._refused,
            "oneOf": self._not_exactly_one,
            "pattern": self._refused,
            "required": self._missing,
            "type": self._wrong_type,
        }

    def explain(self, value: Any) -> None:
        """Record everything that is wrong with a value."""
        for error in self._validator.iter_errors(value):
            failure = _Failure.of(error)
            self._by_keyword[failure.keyword](failure)

    def _error(self, code: str, message: str, failure: _Failure, hint: str | None = None) -> None:
        secret = not _SECRET.isdisjoint(map(str, failure.path))
        scalar = not isinstance(failure.value, (dict, list)) and failure.value is not None
        text = None if secret or not scalar else _as_written(failure.value)
        self._problems.error(code, message, self._locate(*failure.path), hint=hint, text=text)

    def _unknown_keys(self, failure: _Failure) -> None:
        properties: dict[str, Any] = failure.schema["properties"]
        patterns = failure.schema.get("patternProperties", {})
        where = f" in {failure.name}" if failure.name else ""
        for key in failure.value:
            if key in properties or any(re.search(pattern, key) for pattern in patterns):
                continue
            suggested = {name: part for name, part in properties.items() if not part.get("doNotSuggest")}
            hint = self._misplaced(key, suggested) or self._suggester.hint(key, suggested)
            origin = self._locate(*failure.path, key)
            self._problems.error("unknown-key", f"unknown key {key!r}{where}", origin, hint=hint, text=key)

    def _misplaced(self, key: str, properties: dict[str, Any]) -> str | None:
        for parent, part in properties.items():
            if key in part.get("properties", {}):
                return f"it belongs below {parent!r}"
        return None

    def _wrong_type(self, failure: _Failure) -> None:
        if "errorMessage" in failure.schema:
            self._refused(failure)
            return
        wanted: Sequence[str] = failure.wanted
        if isinstance(wanted, str):
            wanted = [wanted]
        found = failure.value
        hint = None
        if isinstance(found, bool) and "string" in wanted:
            hint = f'quote it: "{_as_written(found)}"'
        elif isinstance(found, str) and wanted[0] in ("number", "integer") and _number_like(found):
            hint = "write it in its shortest form, without quotes"
        elif isinstance(found, str) and "array" in wanted:
            hint = "write a list: [ … ]"
        self._error(
            "wrong-type",
            f"{failure.name or self._subject} must be {either(_kinds(wanted))}, not {what(found)}",
            failure,
            hint,
        )

    def _refused(self, failure: _Failure) -> None:
        message = str(failure.schema["errorMessage"])
        code = {"not": "refused", "type": "wrong-type"}.get(failure.keyword, "wrong-value")
        self._error(code, f"{failure.name} {message}" if message.startswith("must ") else message, failure)

    def _not_in_enum(self, failure: _Failure) -> None:
        allowed = [str(value) for value in failure.wanted]
        hint = self._suggester.hint(failure.value, allowed) if isinstance(failure.value, str) else None
        self._error("wrong-value", f"{failure.name} must be {either(allowed)}", failure, hint)

    def _out_of_range(self, failure: _Failure) -> None:
        bound = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}[failure.keyword]
        self._error("wrong-value", f"{failure.name} must be {bound} {failure.wanted}, not {failure.value}", failure)

    def _empty(self, failure: _Failure) -> None:
        self._error("wrong-value", f"{failure.name} must not be empty", failure)

    def _not_exactly_one(self, failure: _Failure) -> None:
        choices = [branch["required"][0] for branch in failure.wanted]
        self._error("wrong-value", f"{failure.name} needs exactly one of {either(choices)}", failure)

    def _missing(self, failure: _Failure) -> None:
        # jsonschema reports each missing key by itself and names it only in its message.
        key = next(key for key in failure.wanted if failure.message.startswith(repr(key)))
        self._error("missing-key", f"{failure.name}.{key} is missing" if failure.name else f"{key} is missing", failure)


def _kinds(types: Sequence[str]) -> list[str]:
    """Return what a value may be, for people. Where text is wanted a number is taken as its text; null goes unsaid."""
    text = "string" in types
    return [_TYPES[name] for name in types if name in _TYPES and not (text and name == "number")]


def _as_written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number_like(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

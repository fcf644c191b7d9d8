"""Tells in words for people what is wrong with a value that its JSON Schema refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from jsonschema import Draft202012Validator, FormatChecker

from reconciler.attributes import fold
from reconciler.desired.phrases import either, path_text, what
from reconciler.desired.problems import Problems
from reconciler.desired.sound_parts import SoundPart, ValuePath, as_written, without
from reconciler.desired.suggestions import Suggester
from reconciler.desired.written import Written

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

_TYPES: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}

_SECRET: Final = frozenset({"base_url", "password", "store", "token"})
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
    path: ValuePath
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
    """Explains the values that one schema refuses.

    Args:
        schema: the schema.
        judge: decides whether a value is valid; what it refuses is explained.
        formats: for the ``format`` keywords of the schema, what tells whether a text is of that form.
        subject: what messages call a value as a whole.
        suggester: guesses what misspelt keys are meant for.
    """

    def __init__(
        self,
        schema: dict[str, Any],
        judge: Validator,
        formats: Mapping[str, Callable[[str], bool]],
        subject: str,
        suggester: Suggester,
    ) -> None:
        self._judge = judge
        checker = FormatChecker(formats=())
        for name, accepts in formats.items():
            checker.checks(name)(_texts_only(accepts))
        self._validator = Draft202012Validator(schema, format_checker=checker)
        self._subject = subject
        self._suggester = suggester

    def explain(self, value: Any, written: Written, problems: Problems) -> SoundPart | None:
        """Record everything that is wrong with a value.

        Returns:
            What remains of it without that, or ``None`` where nothing does.
        """
        explanation = _Explanation(self._subject, written, problems, self._suggester)
        failures = [_Failure.of(error) for error in self._validator.iter_errors(value)]
        # What a misspelt key is meant for is not missing, so the misspelt ones are looked at first.
        for failure in sorted(failures, key=lambda failure: failure.keyword != "additionalProperties"):
            explanation.add(failure)
        if not failures:
            # The two differ where regular expressions do: Python's "$" accepts a line break after it.
            for refusal in self._judge.iter_errors(value):
                explanation.refuse_unexplained(tuple(refusal.instance_path))
        return explanation.sound_part(value, self._judge)


class _Explanation:
    """What is wrong with one value."""

    def __init__(self, subject: str, written: Written, problems: Problems, suggester: Suggester) -> None:
        self._subject = subject
        self._written = written
        self._problems = problems
        self._suggester = suggester
        self._refused: list[ValuePath] = []
        self._meant: dict[ValuePath, dict[str, str]] = {}
        """By mapping: the keys that misspelt ones are meant for, and how they are spelled."""
        self._by_keyword: dict[str, Callable[[_Failure], None]] = {
            "enum": self._not_in_enum,
            "exclusiveMinimum": self._out_of_range,
            "format": self._refuse,
            "maximum": self._out_of_range,
            "minItems": self._empty,
            "minLength": self._empty,
            "minProperties": self._empty,
            "minimum": self._out_of_range,
            "not": self._refuse,
            "oneOf": self._not_exactly_one,
            "pattern": self._refuse,
            "type": self._wrong_type,
        }

    def add(self, failure: _Failure) -> None:
        """Record one thing that is wrong, unless it follows from another that is told already."""
        if failure.keyword == "additionalProperties":
            self._unknown_keys(failure)
        elif failure.keyword == "required":
            self._missing(failure)
        else:
            self._refused.append(failure.path)
            if not self._written.is_unread(failure.value, *failure.path):
                self._by_keyword[failure.keyword](failure)

    def refuse_unexplained(self, path: ValuePath) -> None:
        """Record that what is at ``path`` is refused, where nothing tells why."""
        self._refused.append(path)
        name = path_text(path) or self._subject
        self._problems.error("refused", f"{name} is not allowed", self._written.locate(*path))

    def sound_part(self, value: Any, judge: Validator) -> SoundPart | None:
        """Return what remains of the value without all that was refused, or ``None`` where nothing does."""
        refused = set(self._refused)
        if () in refused:
            return None
        while True:
            remaining, kept = without(value, refused)
            # A member without its name, an address without its value: what was refused in them was all they said.
            hollow = {as_written(item, kept) for item in _items(judge.iter_errors(remaining))}
            if not hollow:
                break
            refused |= hollow
        keys = {step for path in refused for step in path if isinstance(step, str)}
        for meant in self._meant.values():
            keys |= meant.keys()
        misspelt = {key: value[spelled] for key, spelled in self._meant.get((), {}).items()}
        return SoundPart(value=remaining, unread=frozenset(keys), misspelt=misspelt, kept=kept)

    def _error(self, code: str, message: str, failure: _Failure, hint: str | None = None) -> None:
        secret = not _SECRET.isdisjoint(map(str, failure.path))
        scalar = not isinstance(failure.value, (dict, list)) and failure.value is not None
        text = None if secret or not scalar else _as_written(failure.value)
        self._problems.error(code, message, self._written.locate(*failure.path), hint=hint, text=text)

    def _unknown_keys(self, failure: _Failure) -> None:
        properties: dict[str, Any] = failure.schema["properties"]
        patterns = failure.schema.get("patternProperties", {})
        where = f" in {failure.name}" if failure.name else ""
        known = [name for name, part in properties.items() if not part.get("doNotSuggest")]
        for key in failure.value:
            if key in properties or any(re.search(pattern, key) for pattern in patterns):
                continue
            parent = next((name for name in known if key in properties[name].get("properties", {})), None)
            meant = parent or self._suggester.closest(key, known) or _longer_form(key, failure)
            if parent is not None:
                hint: str | None = f"it belongs below {parent!r}"
            else:
                hint = f"did you mean {meant!r}?" if meant is not None else None
            if meant is not None:
                self._meant.setdefault(failure.path, {}).setdefault(meant, key)
            self._refused.append((*failure.path, key))
            origin = self._written.locate(*failure.path, key)
            self._problems.error("unknown-key", f"unknown key {key!r}{where}", origin, hint=hint, text=key)

    def _wrong_type(self, failure: _Failure) -> None:
        if "errorMessage" in failure.schema:
            self._refuse(failure)
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

    def _refuse(self, failure: _Failure) -> None:
        message = str(failure.schema["errorMessage"])
        code = {"format": "date", "not": "refused", "type": "wrong-type"}.get(failure.keyword, "wrong-value")
        unit: str | None = failure.schema.get("usualUnit")
        hint = f"write {failure.value}{unit}" if unit is not None and _countable(failure.value) else None
        self._error(code, f"{failure.name} {message}" if message.startswith("must ") else message, failure, hint)

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
        if not self._meant.get(failure.path, {}).keys().isdisjoint(choices):
            return
        self._error("wrong-value", f"{failure.name} needs exactly one of {either(choices)}", failure)

    def _missing(self, failure: _Failure) -> None:
        # jsonschema reports each missing key by itself and names it only in its message.
        key = next(key for key in failure.wanted if failure.message.startswith(repr(key)))
        if key in self._meant.get(failure.path, {}) or self._written.is_incomplete(failure.value):
            return
        self._error("missing-key", f"{failure.name}.{key} is missing" if failure.name else f"{key} is missing", failure)


def _kinds(types: Sequence[str]) -> list[str]:
    """Return what a value may be, for people. Where text is wanted a number is taken as its text; null goes unsaid."""
    text = "string" in types
    return [_TYPES[name] for name in types if name in _TYPES and not (text and name == "number")]


def _longer_form(key: str, failure: _Failure) -> str | None:
    """Return the key that is missing and that an unknown one is a part of: ``displayName`` for ``name``."""
    missing = (name for name in failure.schema.get("required", ()) if name not in failure.value)
    return next((name for name in missing if len(key) > 2 and fold(key) in fold(name).replace("_", "")), None)


def _items(refusals: Iterable[ValidationError]) -> Iterator[ValuePath]:
    """Yield the paths of the list items that something is wrong with, or inside of."""
    for refusal in refusals:
        path = tuple(refusal.instance_path)
        while path and not isinstance(path[-1], int):
            path = path[:-1]
        if path:
            yield path


def _texts_only(accepts: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or accepts(value)


def _as_written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _countable(value: Any) -> bool:
    """Tell whether a value is a whole number of something, in digits or as text."""
    return not isinstance(value, bool) and re.fullmatch("[1-9][0-9]{0,4}", str(value)) is not None


def _number_like(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

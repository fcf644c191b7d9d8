"""JSON Schemas (draft 2020-12) of msgspec structs, described by the structs' own docstrings: there is one source.

What a struct is, its docstring says; what a field means, the line of that field under ``Attributes``; what a member of
an enumeration means, the string below it.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import pairwise
from textwrap import dedent
from typing import Any

import msgspec

_SECTION = re.compile(r"^[A-Z]\w+:$")
_FIELD = re.compile(r"^    (?P<name>\w+): (?P<text>.*)$")
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")


def json_schema_of(root: Any, *, uri: str, title: str, description: str) -> dict[str, Any]:
    """Return the schema of a struct, or of a union of them, that refers to no other.

    It takes what msgspec takes: of a struct that forbids unknown fields no others, and a field may be left out that has
    a default.

    Args:
        root: the type.
        uri: what the schema is known by, its ``$id``.
        title: what it is called.
        description: what it is for.
    """
    (schema,), definitions = msgspec.json.schema_components([root], ref_template="#/$defs/{name}")
    types = _types_of(root)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": uri,
        "title": title,
        "description": description,
        **_plain(schema),
        "$defs": {name: _described(definition, types.get(name)) for name, definition in definitions.items()},
    }


def _types_of(root: Any) -> dict[str, type]:
    """Return the structs and enumerations that a type is made of, by name."""
    found: dict[str, type] = {}

    def visit(info: Any) -> None:
        cls = getattr(info, "cls", None)
        if isinstance(cls, type) and cls.__name__ not in found:
            found[cls.__name__] = cls
            for field in getattr(info, "fields", ()):
                visit(field.type)
        for name in ("types", "item_types"):
            for part in getattr(info, name, ()):
                visit(part)
        for name in ("item_type", "value_type"):
            if (part := getattr(info, name, None)) is not None:
                visit(part)

    visit(msgspec.inspect.type_info(root))
    return found


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without what is OpenAPI's and not JSON Schema's; one value alone is a constant."""
    plain = {keyword: value for keyword, value in schema.items() if keyword != "discriminator"}
    match plain.get("enum"):
        case [only]:
            del plain["enum"]
            return {"const": only, **plain}
    return plain


def _described(schema: Mapping[str, Any], cls: type | None) -> dict[str, Any]:
    described = _plain(schema)
    # What msgspec takes for it is the docstring as it stands, with the fields and the marks of its markup.
    described.pop("description", None)
    if cls is None or cls.__doc__ is None:
        return described
    summary, _ = _parts(cls.__doc__)
    if issubclass(cls, Enum):
        return {"title": cls.__name__, "description": "\n".join([summary, *_members(cls)]), **described}
    info = msgspec.inspect.type_info(cls)
    tag = info.tag_field if isinstance(info, msgspec.inspect.StructType) else None
    attributes = {} if tag is None else {tag: "what the object is."}
    for base in reversed(cls.__mro__):
        attributes |= _parts(base.__doc__ or "")[1]
    properties = {
        name: {**_plain(field), "description": attributes[name]} if name in attributes else _plain(field)
        for name, field in schema.get("properties", {}).items()
    }
    return {"title": cls.__name__, "description": summary, **described, "properties": properties}


def _parts(docstring: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says before its sections, and what it says of each attribute."""
    lines = inspect.cleandoc(docstring).splitlines()
    starts = [number for number, line in enumerate(lines) if _SECTION.match(line)]
    summary = " ".join(filter(None, map(str.strip, lines[: starts[0] if starts else len(lines)])))
    attributes: dict[str, str] = {}
    name = None
    for line in lines[lines.index("Attributes:") + 1 :] if "Attributes:" in lines else ():
        if _SECTION.match(line):
            break
        if found := _FIELD.match(line):
            name = found["name"]
            attributes[name] = found["text"]
        elif name is not None and line.strip():
            attributes[name] += f" {line.strip()}"
    return _without_markup(summary), {name: _without_markup(text) for name, text in attributes.items()}


def _members(cls: type[Enum]) -> Iterable[str]:
    """Yield a line for each member of an enumeration that has a string below it."""
    try:
        (definition,) = ast.parse(dedent(inspect.getsource(cls))).body
    except (OSError, SyntaxError, ValueError):
        # Without the source, the values remain.
        return
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, after in pairwise(body):
        match statement, after:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield f"- `{cls[name].value}`: {_without_markup(' '.join(text.split()))}"


def _without_markup(text: str) -> str:
    """Return the text of a docstring without reStructuredText, and with JSON's words for Python's values."""
    text = _ROLE.sub(r"`\1`", text).replace("``", "`")
    return text.replace("`None`", "`null`").replace("`True`", "`true`").replace("`False`", "`false`")

"""Request bodies checked against the schemas: types, spelling, mutability, required attributes (RFC 7643 §2, §7).

Everything here returns new values under the schema's own spelling and leaves what it was given alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from reconciler.attributes import Attribute, ResourceSchema, fold, unassigned
from reconciler.sandbox.errors import invalid_syntax, invalid_value


def require_schema(body: object, urn: str) -> Mapping[str, Any]:
    """Return ``body`` when it is an object whose ``schemas`` hold ``urn`` (RFC 7643 §3, RFC 7644 §3.5.2).

    Raises:
        RequestRefusedError: it is not.
    """
    if not isinstance(body, dict):
        raise invalid_syntax(f"the body must be a JSON object, not {_kind_of(body)}")
    schemas = next((value for name, value in body.items() if fold(name) == "schemas"), None)
    if not isinstance(schemas, list) or fold(urn) not in (fold(item) for item in schemas if isinstance(item, str)):
        raise invalid_syntax(f"schemas must be a list that holds {urn}")
    return body


def normalise_resource(body: Mapping[str, Any], schema: ResourceSchema) -> dict[str, Any]:
    """Return the attributes that a client states in a body.

    Names are spelled as in the schema. Left out are: what is unassigned (RFC 7643 §2.5), attributes that are readOnly
    or that the schema does not know (RFC 7644 §3.3), and those never returned, because nobody could see them again.

    Raises:
        RequestRefusedError: ``invalidValue`` for a value that does not fit, ``invalidSyntax`` for a name given twice.
    """
    core: dict[str, Any] = {}
    extensions: dict[str, Any] = {}
    for name, value in body.items():
        extension = schema.extension(name) if ":" in name else None
        if extension is None:
            core[name] = value
        elif not isinstance(value, dict | None):
            raise invalid_value(f"{name} must be an object, not {_kind_of(value)}")
        elif extension[0] in extensions:
            raise invalid_syntax(f"{extension[0]} is given twice")
        else:
            extensions[extension[0]] = normalise_attributes(value or {}, schema.extensions[extension[0]])
    stated = normalise_attributes(core, schema.attributes)
    return stated | {urn: attributes for urn, attributes in extensions.items() if attributes}


def normalise_attributes(
    container: Mapping[str, Any], definitions: Mapping[str, Attribute], place: str = ""
) -> dict[str, Any]:
    """Return the writable attributes of one object; :func:`normalise_resource` says how. ``place`` is for messages."""
    stated: dict[str, Any] = {}
    seen: set[str] = set()
    for name, value in container.items():
        definition = definitions.get(fold(name))
        if definition is None or definition.mutability == "readOnly":
            continue
        if definition.name in seen:
            raise invalid_syntax(f"{place}{definition.name} is given twice, in different case")
        seen.add(definition.name)
        normal = normalise_value(value, definition, f"{place}{definition.name}")
        if not unassigned(normal) and definition.returned != "never":
            stated[definition.name] = normal
    return stated


def normalise_value(value: object, definition: Attribute, place: str | None = None) -> Any:
    """Return one attribute's value checked against its definition; ``None`` stays ``None``.

    Args:
        value: in SCIM's JSON form.
        definition: of the attribute, or of the sub-attribute.
        place: how to name it in a message, where the attribute's own name is not enough.
    """
    place = place or definition.name
    if value is None:
        return None
    if not definition.multi_valued:
        return normalise_item(value, definition, place)
    if not isinstance(value, list):
        raise invalid_value(f"{place} must be a list, not {_kind_of(value)}")
    items = (normalise_item(item, definition, f"{place}[{index}]") for index, item in enumerate(value))
    values = [item for item in items if not unassigned(item)]
    # Lists of members have thousands of items and no primary; all other lists are short enough to compare each to each.
    if "primary" in definition.sub_attributes:
        require_one_primary(values, place)
        values = [item for index, item in enumerate(values) if item not in values[:index]]
    return values


def normalise_item(value: object, definition: Attribute, place: str) -> Any:
    """Return a single value checked against the definition, be the attribute itself multi-valued or not."""
    if definition.type == "complex":
        if not isinstance(value, dict):
            raise invalid_value(f"{place} must be an object, not {_kind_of(value)}")
        return normalise_attributes(value, definition.sub_attributes, f"{place}.")
    expected, fits = _TYPES[definition.type]
    if not fits(value):
        raise invalid_value(f"{place} must be {expected}, not {_kind_of(value)}")
    return value


def require_one_primary(values: Iterable[Any], place: str) -> None:
    """Refuse more than one value with ``primary: true`` (RFC 7643 §2.4)."""
    if sum(value.get("primary") is True for value in values if isinstance(value, dict)) > 1:
        raise invalid_value(f"{place} has more than one primary value")


def missing_required(attributes: Mapping[str, Any], schema: ResourceSchema) -> list[str]:
    """Return the names of the required attributes that have no value. An empty string is none."""
    return [
        definition.name
        for definition in schema.attributes.values()
        if definition.required and attributes.get(definition.name) in (None, "", [], {})
    ]


def _kind_of(value: object) -> str:
    """Return what a JSON value is, in the words of JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return f"the string {value[:40]!r}"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str) or "T" not in value:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_base64(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "string": ("a string", _is_string),
    "reference": ("a URI", _is_string),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "integer": ("a whole number", _is_integer),
    "decimal": ("a number", _is_number),
    "dateTime": ("a dateTime", _is_date_time),
    "binary": ("base64", _is_base64),
}
"""What a value of each type of RFC 7643 §2.3 must be: in words, and as a test."""

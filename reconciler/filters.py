"""SCIM filters (RFC 7644 §3.4.2.2): the whole grammar, evaluated on plain SCIM JSON.

One module for every filter of this tool: ``scope``, ``match:`` groups, the embedded directory's own filters, and the
check of what a service provider answers to one. The parser is that of `scim2-models`; what a filter means for a
resource is decided here, by the attribute definitions of :mod:`reconciler.attributes`.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from reconciler.attributes import Attribute, Path, ResourceSchema, canonical, fold, unassigned
from reconciler.filter_syntax import And, Comparison, FilterError, Node, Not, Or, Present, Selection, parse

__all__ = ["Filter", "FilterError", "Predicate", "eq", "quote", "resolve"]

Predicate: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Tells whether a resource in SCIM's JSON form matches."""

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_SUBSTRING: Mapping[str, Callable[[str, str], bool]] = {
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
}
_NUMERIC = ("integer", "decimal")
_UNORDERED = ("boolean", "binary")  # RFC 7644 §3.4.2.2, table 3: gt, ge, lt and le fail on these
_NOT_TEXT = (*_UNORDERED, *_NUMERIC)


def quote(value: str) -> str:
    r"""Return ``value`` as a string literal of a filter, quotes included: JSON's escapes (RFC 7644 §3.4.2.2).

    Characters beyond ASCII stay as they are, because not every service provider reads ``\u`` escapes.
    """
    return json.dumps(value, ensure_ascii=False)


def eq(attribute: str, value: str) -> str:
    """Return the filter ``attribute eq "value"``, the one that every service provider is most likely to answer."""
    return f"{attribute} eq {quote(value)}"


@dataclass(frozen=True)
class Filter:
    """A SCIM filter that was read without error. Equal filters have the same meaning and may differ in white space.

    Attributes:
        text: the filter as written.
        root: what it is made of.
    """

    text: str = field(compare=False)
    root: Node

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read a filter.

        Raises:
            FilterError: it does not follow the grammar of RFC 7644 §3.4.2.2, or nests more than 32 expressions.
        """
        return cls(text, parse(text))

    def __str__(self) -> str:
        return self.text

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attribute paths that the filter reads, as written: ``userName``, ``emails.type``, ``urn:…:department``.

        Paths inside a value path are those of the whole: ``emails[type pr]`` reads ``emails.type``.
        """
        return frozenset(str(path) for path in _paths(self.root))

    @property
    def equality(self) -> tuple[str, str] | None:
        """The attribute path as written and the value, where the filter is one ``eq`` with a string; else ``None``."""
        match self.root:
            case Comparison(path, "eq", str(value)):
                return str(path), value
        return None

    def compile(self, schema: ResourceSchema) -> Predicate:
        """Return a predicate over resources in SCIM's JSON form. Build it once, use it for every resource.

        Names match in any case, values as their definitions say: ``caseExact``, dateTimes as instants, numbers and
        booleans also where a lax server sent strings. A multi-valued attribute matches when any value does, and a
        complex one is compared by its ``value``. ``ne`` is the opposite of ``eq``, so it holds where the attribute is
        missing or none of its values is equal. An attribute that the core schema does not have is looked up in the
        extensions and taken from there when exactly one has it. A comparison of an attribute that the schema does not
        know is false, ``ne`` too.

        Raises:
            FilterError: an operator or a value does not fit the attribute's type: ``active gt true``,
                ``meta.created lt "soon"`` (RFC 7644 §3.4.2.2, table 3).
        """
        return _Compiler(self.text, schema).compile(self.root)

    def matches(self, resource: Mapping[str, Any], schema: ResourceSchema) -> bool:
        """Tell whether one resource matches; :meth:`compile` says how. For many resources, compile once instead."""
        return self.compile(schema)(resource)

    def unknown_attributes(self, schema: ResourceSchema) -> tuple[str, ...]:
        """Return the attribute paths, as written, that the schema does not know, each once and in reading order."""
        unknown = (str(path) for path in _paths(self.root) if resolve(path, schema) is None)
        return tuple(dict.fromkeys(unknown))


def resolve(path: Path, schema: ResourceSchema) -> tuple[Path, Attribute] | None:
    """Return where a path of a filter leads, spelled as the schema does, and what is found there.

    An attribute written short is looked up in the core schema, then in the extensions, where exactly one must have it.
    The URN of an extension alone leads to the extension as a whole. ``None`` where the schema does not know the path.
    """
    urn, attribute = path.urn, schema.find(path.name, urn=path.urn)
    if attribute is None and urn is not None:
        # The grammar reads the last part of a bare URN as the name of an attribute.
        whole = schema.extension(f"{urn}:{path.name}")
        if whole is not None:
            urn, attribute = None, Attribute(name=whole[0], type="complex", sub_attributes=whole[1])
    elif attribute is None:
        owners = [known for known, attributes in schema.extensions.items() if fold(path.name) in attributes]
        if len(owners) == 1:
            urn, attribute = owners[0], schema.extensions[owners[0]][fold(path.name)]
    if attribute is None:
        return None
    extension = schema.extension(urn) if urn is not None else None
    spelled = Path(attribute.name, urn=extension[0] if extension else None)
    if path.sub is None:
        return spelled, attribute
    sub = _sub_attribute(attribute, path.sub)
    return (Path(spelled.name, urn=spelled.urn, sub=sub.name), sub) if sub else None


def _sub_attribute(attribute: Attribute, name: str) -> Attribute | None:
    known = attribute.sub_attributes.get(fold(name))
    if known is None and attribute.type == "complex" and not attribute.sub_attributes:
        return Attribute(name=name)  # A lax /Schemas names complex attributes and leaves out what they hold.
    if known is None and attribute.type != "complex" and attribute.multi_valued and fold(name) == "value":
        return attribute  # RFC 7643 §2.4: "value" is where a multi-valued attribute keeps its value.
    return known


def _paths(node: Node) -> Iterator[Path]:
    match node:
        case Comparison(path) | Present(path):
            yield path
        case Not(term):
            yield from _paths(term)
        case And(terms) | Or(terms):
            for term in terms:
                yield from _paths(term)
        case Selection(path, term):
            yield from (Path(path.name, urn=path.urn, sub=str(inner)) for inner in _paths(term))


class _Compiler:
    """Turns the nodes of one filter into predicates over resources of one schema."""

    def __init__(self, text: str, schema: ResourceSchema) -> None:
        self._text = text
        self._schema = schema

    def compile(self, node: Node, within: Attribute | None = None) -> Predicate:
        """Build a predicate over resources or, with ``within``, over single values of that attribute."""
        match node:
            case Comparison(path):
                found = self._resolve(path, within)
                return self._comparison(node, *found) if found else _never
            case Present(path):
                found = self._resolve(path, within)
                return _presence(found[0]) if found else _never
            case Not(term):
                negated = self.compile(term, within)
                return lambda resource: not negated(resource)
            case And(terms):
                all_of = tuple(self.compile(term, within) for term in terms)
                return lambda resource: all(predicate(resource) for predicate in all_of)
            case Or(terms):
                any_of = tuple(self.compile(term, within) for term in terms)
                return lambda resource: any(predicate(resource) for predicate in any_of)
            case Selection(path, term):
                found = self._resolve(path, within)
                return self._selection(*found, term) if found else _never

    def _resolve(self, path: Path, within: Attribute | None) -> tuple[Path, Attribute] | None:
        if within is None:
            return resolve(path, self._schema)
        sub = _sub_attribute(within, path.name) if path.urn is None and path.sub is None else None
        return (Path(sub.name if sub is not within else "value"), sub) if sub else None

    def _selection(self, path: Path, attribute: Attribute, term: Node) -> Predicate:
        values, matches = _reader(path.keys), self.compile(term, within=attribute)

        def selects(resource: Mapping[str, Any]) -> bool:
            return any(matches(value if isinstance(value, Mapping) else {"value": value}) for value in values(resource))

        return selects

    def _comparison(self, node: Comparison, path: Path, attribute: Attribute) -> Predicate:
        if node.value is None:
            return self._comparison_with_null(node, path)
        keys = path.keys
        if attribute.type == "complex":
            # RFC 7644 §3.4.2.2, 'emails co "example.com"': what is compared is the value sub-attribute.
            value_attribute = _sub_attribute(attribute, "value")
            if value_attribute is None:
                raise FilterError(self._text, f"{path} is complex; compare one of its sub-attributes")
            keys, attribute = (*keys, "value"), value_attribute
        holds = self._test(node, node.value, path, attribute)
        values = _reader(keys)
        if node.operator == "ne":
            return lambda resource: not any(holds(value) for value in values(resource))
        return lambda resource: any(holds(value) for value in values(resource))

    def _comparison_with_null(self, node: Comparison, path: Path) -> Predicate:
        present = _presence(path)
        match node.operator:
            case "eq":
                return lambda resource: not present(resource)
            case "ne":
                return present
        raise FilterError(self._text, f"{node.operator} cannot compare {path} with null")

    def _test(
        self, node: Comparison, literal: str | float | bool, path: Path, attribute: Attribute
    ) -> Callable[[Any], bool]:
        """Build the test of one stored value; for ``ne`` it is that of ``eq``, which the caller turns round."""
        name, wanted = node.operator, canonical(literal, attribute)
        refusal = _refusal(name, literal, wanted, path, attribute.type)
        if refusal:
            raise FilterError(self._text, refusal)
        if name in _SUBSTRING:
            return _substring_test(_SUBSTRING[name], literal, attribute)
        if name in _ORDER:
            return _order_test(_ORDER[name], wanted, attribute)
        if attribute.type == "string" and not attribute.case_exact:
            # The test that runs most: a lookup by name over a whole directory.
            return lambda value: (fold(value) if isinstance(value, str) else canonical(value, attribute)) == wanted
        return lambda value: canonical(value, attribute) == wanted


def _refusal(name: str, literal: str | float | bool, wanted: Any, path: Path, kind: str) -> str | None:
    """Say why an operator or a literal, ``wanted`` in canonical form, does not fit an attribute of type ``kind``."""
    if name in _SUBSTRING:
        return f"{name} cannot be used on {path}, which is {kind}" if kind in _NOT_TEXT else None
    if name in _ORDER and kind in _UNORDERED:
        return f"{name} cannot be used on {path}, which is {kind}"
    if kind == "boolean" and not isinstance(wanted, bool):
        return f"{path} is true or false, not {json.dumps(literal)}"
    if kind in _NUMERIC and not isinstance(wanted, float):
        return f"{path} is a number, not {json.dumps(literal)}"
    if kind == "dateTime" and isinstance(wanted, str):
        return f"{path} is a dateTime, not {json.dumps(literal)}"
    return None


def _substring_test(
    contains: Callable[[str, str], bool], literal: str | float | bool, attribute: Attribute
) -> Callable[[Any], bool]:
    # A dateTime is searched as text, so that meta.created sw "2026-01" works.
    exact = attribute.case_exact or attribute.type != "string"
    text = literal if isinstance(literal, str) else json.dumps(literal)
    if exact:
        return lambda value: isinstance(value, str) and contains(value, text)
    folded = fold(text)
    return lambda value: isinstance(value, str) and contains(fold(value), folded)


def _order_test(compare: Callable[[Any, Any], bool], wanted: Any, attribute: Attribute) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        found = canonical(value, attribute)
        return type(found) is type(wanted) and compare(found, wanted)

    return holds


def _presence(path: Path) -> Predicate:
    values = _reader(path.keys)
    return lambda resource: any(_present(value) for value in values(resource))


def _present(value: Any) -> bool:
    """Tell whether a value is one: not null, not empty (RFC 7643 §2.5), and complex ones hold something."""
    if isinstance(value, dict):
        return any(_present(item) for item in value.values())
    if isinstance(value, list):
        return any(_present(item) for item in value)
    return value != "" and not unassigned(value)


def _never(_resource: Mapping[str, Any]) -> bool:
    return False


def _reader(keys: tuple[str, ...]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """Return a function that lists all values at the end of ``keys``, whatever is multi-valued on the way."""
    folded = tuple((key, fold(key)) for key in keys)

    def read(resource: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = [resource]
        for key, folded_key in folded:
            values: list[Any] = []
            for container in found:
                if isinstance(container, Mapping):
                    value = _member(container, key, folded_key)
                else:
                    # Lax servers send emails: ["ada@example.com"], where the value stands for itself.
                    value = container if folded_key == "value" else None
                if isinstance(value, list):
                    values.extend(value)
                elif value is not None:
                    values.append(value)
            found = values
        return found

    return read


def _member(container: Mapping[str, Any], key: str, folded_key: str) -> Any:
    value = container.get(key)
    if value is not None:
        return value
    # Comparing lengths first makes a missing attribute cheap: names and URNs are ASCII, folding keeps their length.
    length = len(folded_key)
    for name, other in container.items():
        if len(name) == length and fold(name) == folded_key:
            return other
    return None

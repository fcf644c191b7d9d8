"""Which attributes of a live resource a file can state, and in which form.

A file knows the attributes of RFC 7643 and everything below the URN of an extension. Of these, only what carries
information is stated: no readOnly or writeOnly attribute, nothing that a listing does not return, nothing unassigned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.attributes import ENTERPRISE_USER, Attribute, ResourceSchema, fold, rfc7643, unassigned
from reconciler.desired.resources import as_text
from reconciler.model import Kind, LiveResource, LiveUser

_LEADING = ("externalId", "active", "name", "displayName", "emails", "title")
_SPECIAL = frozenset({"id", "active", "members"})
"""Stated by rules of their own, or not at all."""

_SECRET = "password"  # noqa: S105  # the attribute's name


class _Rule(NamedTuple):
    """How one attribute is written: its name as SCIM spells it, its definition by the RFC and by the server."""

    name: str
    known: Attribute | None
    served: Attribute | None

    @property
    def carries_information(self) -> bool:
        return fold(self.name) != _SECRET and all(
            definition is None or definition.comparable for definition in (self.known, self.served)
        )


class StatableAttributes:
    """Reads live resources of one kind.

    Args:
        kind: the kind.
        served: the service provider's attribute definitions.
    """

    def __init__(self, kind: Kind, served: ResourceSchema) -> None:
        self._served = served
        self._known = rfc7643().user if kind is Kind.USER else rfc7643().group
        self._enterprise = self._known.extensions.get(ENTERPRISE_USER, {})
        order = (kind.naming_attribute, *_LEADING, *(attribute.name for attribute in self._known.attributes.values()))
        self._rank = {name: rank for rank, name in reversed(list(enumerate(order)))}

    def read(self, resource: LiveResource, pass_over: Callable[[str, str], None]) -> dict[str, Any]:
        """Return what a file can state of a resource, without members, in the form and the order of a file.

        Args:
            resource: the live resource.
            pass_over: told of the path of each attribute that carries information and cannot be stated, and why.
        """
        core: dict[str, Any] = {}
        enterprise: dict[str, Any] = {}
        extensions: dict[str, Any] = {}
        if isinstance(resource, LiveUser) and not resource.active:
            core["active"] = False
        for name, value in resource.attributes.items():
            if name in _SPECIAL:
                continue
            if name[:4].lower() != "urn:":
                self._read_core(name, value, core, pass_over)
            elif fold(name) == fold(ENTERPRISE_USER):
                enterprise = self._read_enterprise(value, pass_over)
            else:
                stated = self._read_extension(name, value)
                if stated:
                    extensions[name] = stated
        self._drop_shadowed(core, enterprise, pass_over)
        last = len(self._rank)
        ordered = dict(sorted(core.items(), key=lambda item: (self._rank.get(item[0], last), item[0])))
        return {**_short(ordered), **enterprise, **dict(sorted(extensions.items()))}

    def _read_core(self, name: str, value: Any, core: dict[str, Any], pass_over: Callable[[str, str], None]) -> None:
        key = fold(name)
        # An enterprise attribute at the top level is judged later, beside its namesake in the extension.
        known = self._known.attributes.get(key) or self._enterprise.get(key)
        rule = _Rule(known.name if known else name, known, self._served.attributes.get(key))
        stated = _value(value, rule, pass_over) if rule.carries_information else None
        if stated is None:
            return
        if known is None:
            pass_over(name, "files cannot state it: RFC 7643 has no such attribute")
        elif known.name in core:
            pass_over(name, f"it is returned twice, as {known.name} too")
        else:
            core[known.name] = stated

    def _read_enterprise(self, value: Any, pass_over: Callable[[str, str], None]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            return {}
        _, served = self._served.extension(ENTERPRISE_USER) or ("", {})
        stated: dict[str, Any] = {}
        for name, item in value.items():
            known = self._enterprise.get(fold(name))
            rule = _Rule(known.name if known else name, known, served.get(fold(name)))
            item_stated = _value(item, rule, pass_over) if rule.carries_information else None
            if item_stated is None:
                continue
            if known is None:
                pass_over(f"{ENTERPRISE_USER}:{name}", "files cannot state it: RFC 7643 has no such attribute")
            else:
                stated.setdefault(known.name, item_stated)
        return {
            attribute.name: stated[attribute.name]
            for attribute in self._enterprise.values()
            if attribute.name in stated
        }

    def _read_extension(self, urn: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            return {}
        _, served = self._served.extension(urn) or ("", {})
        return dict(_open_items(value, served))

    def _drop_shadowed(
        self, core: dict[str, Any], enterprise: Mapping[str, Any], pass_over: Callable[[str, str], None]
    ) -> None:
        """Remove enterprise attributes that the server has at the top level: in a file the name means the extension."""
        for attribute in self._enterprise.values():
            name = attribute.name
            if name in core and core.pop(name) != enterprise.get(name):
                pass_over(name, "in a file this name means the attribute of the enterprise extension")


def _value(value: Any, rule: _Rule, pass_over: Callable[[str, str], None], prefix: str = "") -> Any:
    """Return the form in which a file states a value, or ``None`` for one without information."""
    if unassigned(value) or value == "":
        return None
    path = f"{prefix}{rule.name}"
    if isinstance(value, list):
        elements = [_value(element, rule, pass_over, prefix) for element in value]
        return sorted((element for element in elements if element is not None), key=_element_rank) or None
    if isinstance(value, Mapping):
        return dict(_sub_items(value, rule, path, pass_over)) or None
    if isinstance(value, str) and _type(rule) == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool) and _type(rule) != "boolean":
        return str(value).lower()
    return as_text(value)


def _type(rule: _Rule) -> str | None:
    definition = rule.known or rule.served
    return definition.type if definition else None


def _sub_items(
    value: Mapping[str, Any], rule: _Rule, path: str, pass_over: Callable[[str, str], None]
) -> Iterator[tuple[str, Any]]:
    known = rule.known.sub_attributes if rule.known else {}
    served = rule.served.sub_attributes if rule.served else {}
    ranks = {key: rank for rank, key in enumerate(known)}
    for name, item in sorted(value.items(), key=lambda pair: (ranks.get(fold(pair[0]), len(ranks)), pair[0])):
        key = fold(name)
        definition = known.get(key)
        sub = _Rule(definition.name if definition else name, definition, served.get(key))
        stated = _value(item, sub, pass_over, f"{path}.") if sub.carries_information else None
        # `primary: false` says no more than its absence (RFC 7643 §2.4).
        if stated is None or (key == "primary" and stated is False):
            continue
        if definition is None:
            pass_over(f"{path}.{name}", "files cannot state it: RFC 7643 has no such attribute")
        else:
            yield definition.name, stated


def _open_items(value: Mapping[str, Any], served: Mapping[str, Attribute]) -> Iterator[tuple[str, Any]]:
    """Yield what can be stated below an extension's URN, where a file allows every name and every value."""
    for name, item in sorted(value.items()):
        definition = served.get(fold(name))
        if fold(name) == _SECRET or (definition is not None and not definition.comparable):
            continue
        stated = _open_value(item, definition.sub_attributes if definition else {})
        if not unassigned(stated):
            yield name, stated


def _open_value(value: Any, served: Mapping[str, Attribute]) -> Any:
    if isinstance(value, Mapping):
        return dict(_open_items(value, served))
    if isinstance(value, list):
        return [_open_value(element, served) for element in value]
    return value


def _element_rank(element: Any) -> tuple[bool, str, str]:
    """Order a multi-valued attribute, whose order means nothing in SCIM: primary first, then by type and value."""
    if isinstance(element, Mapping):
        return element.get("primary") is not True, str(element.get("type", "")), repr(sorted(element.items(), key=repr))
    return True, "", str(element)


def _short(core: dict[str, Any]) -> dict[str, Any]:
    """Write what has a short form short, where that says exactly the same."""
    emails = core.get("emails")
    if isinstance(emails, list) and len(emails) == 1 and isinstance(emails[0], dict):
        address = emails[0].get("value")
        if isinstance(address, str) and emails[0] == {"value": address, "type": "work", "primary": True}:
            core["emails"] = [address]
    numbers = core.get("phoneNumbers")
    if isinstance(numbers, list):
        core["phoneNumbers"] = [_short_number(number) for number in numbers]
    return core


def _short_number(number: Any) -> Any:
    if isinstance(number, dict) and isinstance(number.get("value"), str):
        value = number["value"]
        return value if number == {"value": value, "type": "work"} else number
    return number

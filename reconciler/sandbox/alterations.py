"""What a server makes of the values that it is told: spelling, lengths, copies, and what it hides of inactive users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from reconciler.attributes import Path, unassigned
from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour

_NOTHING: Mapping[str, Any] = {}


def altered(
    kind: Kind, attributes: dict[str, Any], behaviour: Behaviour, before: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """Return a resource's attributes as the server stores them. What it has stored already stays as it is.

    Args:
        kind: of the resource.
        attributes: what it shall hold.
        behaviour: the dialect.
        before: what it held; nothing where it is new.
    """
    if kind is Kind.USER and behaviour.name_follows_display_name:
        attributes = _one_name(attributes, before)
    for name in behaviour.lower_cased:
        attributes = _at(attributes, Path.parse(name).keys, _lower)
    for name in behaviour.dropped:
        attributes = _at(attributes, Path.parse(name).keys, lambda _value: None)
    for name, length in behaviour.truncated.items():
        attributes = _at(attributes, Path.parse(name).keys, _first(length))
    return attributes


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _first(length: int) -> Callable[[Any], Any]:
    return lambda value: value[:length] if isinstance(value, str) else value


def _at(container: dict[str, Any], keys: tuple[str, ...], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return an object with the value that the keys lead to changed, in each value of what has many."""
    key, *rest = keys
    if key not in container:
        return container
    value = container[key]
    if not rest:
        changed = change(value)
    elif isinstance(value, list):
        changed = [_at(item, tuple(rest), change) if isinstance(item, dict) else item for item in value]
        changed = [item for item in changed if not unassigned(item)]
    else:
        changed = _at(value, tuple(rest), change) if isinstance(value, dict) else value
    if unassigned(changed):
        return {name: item for name, item in container.items() if name != key}
    return container | {key: changed}


def _one_name(attributes: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Make ``displayName`` and ``name`` say the same; of the two, a new ``displayName`` wins.

    Atlassian's knowledge base on changed e-mail addresses: "Display name is a combination of first and last name. If
    you update the display name it also overwrites first and last name."
    """
    display, name = attributes.get("displayName"), attributes.get("name", {})
    if display and display != before.get("displayName"):
        given, _, family = display.partition(" ")
        parts = {"givenName": given, "familyName": family}
        return attributes | {"name": name | {key: part for key, part in parts.items() if part}}
    whole = " ".join(part for part in (name.get("givenName"), name.get("familyName")) if part)
    if whole and name != before.get("name"):
        return attributes | {"displayName": whole}
    return attributes


def concealed(
    attributes: dict[str, Any], behaviour: Behaviour, shown: Mapping[str, Any], hidden: Mapping[str, Any]
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Return a user's attributes as they are shown, and those that are hidden as long as the user is inactive.

    Args:
        attributes: what the user shall hold, possibly with made-up values that a client read and wrote back.
        behaviour: the dialect.
        shown: the attributes as they were shown before; empty for a new user.
        hidden: what was hidden before.
    """
    names = [name for name in behaviour.deactivation_rewrites if name in attributes]
    if not names:
        return attributes, {}
    meant = {
        name: hidden[name] if name in hidden and attributes[name] == shown.get(name) else attributes[name]
        for name in names
    }
    if attributes.get("active") is not False:
        return attributes | meant, {}
    return attributes | {name: _made_up(value) for name, value in meant.items()}, meant


def _made_up(value: Any) -> Any:
    """Return what stands in for a value: always the same for the same one."""
    if isinstance(value, list):
        return [
            item | {"value": f"{_hash(item['value'])}@acme.example.com"}
            if isinstance(item, dict) and isinstance(item.get("value"), str)
            else item
            for item in value
        ]
    return f"{_hash(value)}_acme" if isinstance(value, str) else value


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:24]

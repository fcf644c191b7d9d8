"""What is kept of a resource that is about to be deleted, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.attributes import Attribute, ResourceSchema, fold
from reconciler.model import LiveGroup, LiveResource

_SECRETS: Final = frozenset({"password"})
"""What is never kept, whatever the server's schema calls it (RFC 7643 §4.1.1: it must not be returned at all)."""


def snapshot(resource: LiveResource, schema: ResourceSchema) -> dict[str, Any]:
    """Return a resource in SCIM's JSON form, without what is writeOnly or secret.

    Of a group, ``members`` are the ids of its members; the key is missing where the directory does not tell them.
    """
    shown: dict[str, Any] = {}
    for name, value in resource.attributes.items():
        extension = schema.extension(name)
        if extension is not None and isinstance(value, Mapping):
            inner = {key: (extension[1].get(fold(key)), one) for key, one in value.items()}
            shown[name] = {key: _open(one, known) for key, (known, one) in inner.items() if not _secret(key, known)}
        elif not _secret(name, known := schema.find(name)):
            shown[name] = _open(value, known)
    if isinstance(resource, LiveGroup) and resource.members is not None:
        shown["members"] = list(resource.members)
    return shown


def _secret(name: str, definition: Attribute | None) -> bool:
    hidden = definition is not None and (definition.mutability == "writeOnly" or definition.returned == "never")
    return hidden or fold(name) in _SECRETS


def _open(value: Any, definition: Attribute | None) -> Any:
    """Return a value without its secret parts."""
    subs = definition.sub_attributes if definition is not None else {}
    if isinstance(value, Mapping):
        return {key: one for key, one in value.items() if not _secret(key, subs.get(fold(key)))}
    if isinstance(value, list):
        return [_open(one, definition) for one in value]
    return value

"""Secrets stay out of everything that is kept: passwords, writeOnly attributes, and what a server never returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.attributes import Attribute, Path, ResourceSchema
from reconciler.equality import fold

_SECRETS: Final = ("password", "passphrase", "passwd", "secret", "token", "apikey", "privatekey", "credential")
"""How the names of attributes end that hold secrets whatever their schema says, in the singular and the plural."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes the secrets out of the attributes of resources.

    Attributes:
        schema: the attribute definitions of the kind of resource; without them, names alone tell.
    """

    schema: ResourceSchema | None = None

    def hides(self, path: str) -> bool:
        """Tell whether what an attribute path names is secret: ``password``, ``urn:…:User:apiToken``.

        By RFC 7643 §7: ``mutability`` of ``writeOnly`` or ``returned`` of ``never``, of it or of what it is a part of.
        """
        parsed = Path.parse(path)
        outer = self.schema.find(parsed.name, urn=parsed.urn) if self.schema else None
        inner = outer.sub_attributes.get(fold(parsed.sub)) if outer and parsed.sub else None
        names = (parsed.name, parsed.sub or "")
        return any(map(_sounds_secret, names)) or _is_secret(outer) or _is_secret(inner)

    def value(self, path: str, value: Any, redacted: set[str]) -> Any:
        """Return the value at a path without the secrets inside it.

        Args:
            path: of the attribute.
            value: in SCIM's JSON form.
            redacted: gets the paths of what was left out.
        """
        if isinstance(value, Mapping):
            return self._without_secrets(value, f"{path}.", redacted)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.value(path, item, redacted) for item in value]
        return value

    def attributes(self, attributes: Mapping[str, Any], redacted: set[str]) -> dict[str, Any]:
        """Return the attributes of a whole resource, in SCIM's JSON form, without secrets."""
        clean: dict[str, Any] = {}
        for name, value in attributes.items():
            # RFC 7643 §2.1: the name of an attribute holds no colon, so this is the URN of a schema.
            if ":" in name and isinstance(value, Mapping):
                clean[name] = self._without_secrets(value, f"{name}:", redacted)
            else:
                clean |= self._without_secrets({name: value}, "", redacted)
        return clean

    def _without_secrets(self, values: Mapping[str, Any], prefix: str, redacted: set[str]) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        for name, value in values.items():
            path = f"{prefix}{name}"
            if self.hides(path):
                redacted.add(path)
            else:
                clean[name] = self.value(path, value, redacted)
        return clean


def _sounds_secret(name: str) -> bool:
    plain = fold(name).replace("_", "").replace("-", "").removesuffix("s")
    return plain.endswith(_SECRETS)


def _is_secret(definition: Attribute | None) -> bool:
    return definition is not None and (
        fold(definition.mutability) == "writeonly" or fold(definition.returned) == "never"
    )

"""SCIM attribute definitions (RFC 7643 §7) and what they say about when two values are equal.

A :class:`ResourceSchema` is the merged view of a resource type: its core schema, the common attributes and every
extension. It comes from a service provider's ``/Schemas``, or from RFC 7643 itself where the server has none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from reconciler.equality import canonical, fold, unassigned

if TYPE_CHECKING:
    from reconciler.capabilities import AttributeRule

__all__ = [
    "CORE_GROUP",
    "CORE_USER",
    "ENTERPRISE_USER",
    "Attribute",
    "Path",
    "ResourceSchema",
    "Schemas",
    "canonical",
    "flatten",
    "fold",
    "parse_attributes",
    "rfc7643",
    "rfc7643_documents",
    "unassigned",
]

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_PROTOCOLS_OWN = ("urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:")
"""Schemas of the protocol itself (RFC 7643 §10.4, RFC 7644 §8.2). Some servers list them all; they extend nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute definition. Field names and defaults are those of RFC 7643 §2.2 and §7.

    ``sub_attributes`` is keyed by folded name and empty unless ``type`` is ``complex``.
    """

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    sub_attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def comparable(self) -> bool:
        """Whether a value that was written can be read back: not readOnly, not writeOnly, and returned by default.

        ``returned: request`` attributes are left out too: a plain listing does not carry them.
        """
        return self.mutability not in ("readOnly", "writeOnly") and self.returned in ("default", "always")

    def with_rule(self, rule: AttributeRule) -> Attribute:
        """Return this definition with what a rule says instead."""
        return replace(
            self,
            case_exact=self.case_exact if rule.case_exact is None else rule.case_exact,
            mutability=self.mutability if rule.mutability is None else rule.mutability,
            returned=self.returned if rule.returned is None else rule.returned,
        )

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Attribute:
        """Read a definition in the form of RFC 7643 §7, filling what a lax server left out with the RFC's defaults."""
        return cls(
            name=str(document["name"]),
            type=str(document.get("type") or "string"),
            multi_valued=document.get("multiValued") is True,
            required=document.get("required") is True,
            case_exact=document.get("caseExact") is True,
            mutability=str(document.get("mutability") or "readWrite"),
            returned=str(document.get("returned") or "default"),
            uniqueness=str(document.get("uniqueness") or "none"),
            sub_attributes=parse_attributes(document.get("subAttributes") or ()),
        )


def parse_attributes(documents: Iterable[Mapping[str, Any]]) -> dict[str, Attribute]:
    """Read a list of definitions, keyed by folded name. A definition without a name defines nothing."""
    return {fold(str(document["name"])): Attribute.parse(document) for document in documents if document.get("name")}


_COMMON = {
    "id": Attribute(name="id", case_exact=True, mutability="readOnly", returned="always", uniqueness="server"),
    "externalid": Attribute(name="externalId", case_exact=True),
    "schemas": Attribute(name="schemas", type="reference", multi_valued=True, case_exact=True, mutability="readOnly"),
    "meta": Attribute(
        name="meta",
        type="complex",
        mutability="readOnly",
        sub_attributes={
            "resourcetype": Attribute(name="resourceType", case_exact=True, mutability="readOnly"),
            "created": Attribute(name="created", type="dateTime", mutability="readOnly"),
            "lastmodified": Attribute(name="lastModified", type="dateTime", mutability="readOnly"),
            "location": Attribute(name="location", type="reference", case_exact=True, mutability="readOnly"),
            "version": Attribute(name="version", case_exact=True, mutability="readOnly"),
        },
    ),
}
"""The common attributes (RFC 7643 §3.1): every resource has them, no ``/Schemas`` document lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSchema:
    """Every attribute that resources of one type may have.

    Attributes:
        urn: the core schema's URN.
        attributes: core and common attributes, by folded name.
        extensions: by URN as the server spells it, the attributes of that extension by folded name.
    """

    urn: str
    attributes: Mapping[str, Attribute]
    extensions: Mapping[str, Mapping[str, Attribute]] = field(default_factory=dict)

    def extension(self, urn: str) -> tuple[str, Mapping[str, Attribute]] | None:
        """Return an extension's URN as the server spells it, and its attributes. URNs compare case-insensitively."""
        wanted = fold(urn)
        return next(((known, found) for known, found in self.extensions.items() if fold(known) == wanted), None)

    def find(self, name: str, *, urn: str | None = None) -> Attribute | None:
        """Return the definition of an attribute, or ``None`` where the schema has none of that name.

        Args:
            name: the attribute's name, in any case.
            urn: the schema that it belongs to, where that is stated; the core schema's own URN is understood.
        """
        if urn is None or fold(urn) == fold(self.urn):
            return self.attributes.get(fold(name))
        extension = self.extension(urn)
        return extension[1].get(fold(name)) if extension else None

    def owner(self, path: Path) -> str | None:
        """Return the URN of the schema that defines what a path names, or ``None`` where none does.

        A path without a URN means the core schema, or else the one extension that has an attribute of that name.
        """
        if path.definition(self) is not None:
            return self.urn if path.urn is None else path.urn
        if path.urn is not None:
            return None
        owners = [urn for urn in self.extensions if Path(path.name, urn=urn, sub=path.sub).definition(self) is not None]
        return owners[0] if len(owners) == 1 else None

    def with_rule(self, path: Path, rule: AttributeRule) -> ResourceSchema:
        """Return this schema with what a rule says of the attribute at ``path``, which must have an owner."""
        owner = fold(self.owner(path) or "")
        if owner == fold(self.urn):
            return replace(self, attributes=_with_rule(self.attributes, path, rule))
        changed = {
            urn: _with_rule(attributes, path, rule) if fold(urn) == owner else attributes
            for urn, attributes in self.extensions.items()
        }
        return replace(self, extensions=changed)


def _with_rule(attributes: Mapping[str, Attribute], path: Path, rule: AttributeRule) -> dict[str, Attribute]:
    attribute = attributes[fold(path.name)]
    if path.sub is None:
        attribute = attribute.with_rule(rule)
    else:
        subs = attribute.sub_attributes
        changed = {fold(path.sub): subs[fold(path.sub)].with_rule(rule)}
        attribute = replace(attribute, sub_attributes={**subs, **changed})
    return {**attributes, fold(path.name): attribute}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """The schemas of the two resource types that this tool handles."""

    user: ResourceSchema
    group: ResourceSchema

    @classmethod
    def parse(
        cls, documents: Iterable[Mapping[str, Any]], extends: Mapping[str, Collection[str]] | None = None
    ) -> Schemas:
        """Read the ``Resources`` of ``/Schemas``.

        A core schema that is missing is RFC 7643's own, and so are the definitions of ``userName``, ``active`` and a
        group's ``displayName`` where a core schema has none: without them nobody can be named or switched off.

        Args:
            documents: schema definitions (RFC 7643 §7).
            extends: by folded URN of a schema, which of the two core schemas it extends, as ``/ResourceTypes`` tells;
                none of them where it belongs to another resource type. A schema that is not named here and not one
                of the protocol's is taken for an extension of users, unless its URN ends in ``:Group``.
        """
        by_urn = {fold(str(document["id"])): document for document in documents if document.get("id")}
        user = by_urn.pop(fold(CORE_USER), None) or rfc7643_documents()[CORE_USER]
        group = by_urn.pop(fold(CORE_GROUP), None) or rfc7643_documents()[CORE_GROUP]
        extensions: dict[str, dict[str, Mapping[str, Attribute]]] = {CORE_USER: {}, CORE_GROUP: {}}
        for urn, document in by_urn.items():
            if urn.startswith(_PROTOCOLS_OWN):
                continue
            extended = (extends or {}).get(urn)
            if extended is None:
                extended = (CORE_GROUP if urn.endswith(":group") else CORE_USER,)
            for core in extended:
                extensions[core][str(document["id"])] = parse_attributes(document.get("attributes") or ())
        return cls(
            user=ResourceSchema(
                urn=CORE_USER,
                attributes=_essential(CORE_USER, "username", "active") | parse_attributes(user.get("attributes") or ()),
                extensions=extensions[CORE_USER],
            ),
            group=ResourceSchema(
                urn=CORE_GROUP,
                attributes=_essential(CORE_GROUP, "displayname") | parse_attributes(group.get("attributes") or ()),
                extensions=extensions[CORE_GROUP],
            ),
        )

    def with_rules(self, rules: Iterable[AttributeRule]) -> Schemas:
        """Return these schemas with what rules say in spite of them; a rule for an unknown path changes nothing."""
        schemas = self
        for rule in rules:
            kind, path = _ruled(rule)
            match kind:
                case "user" if schemas.user.owner(path) is not None:
                    schemas = replace(schemas, user=schemas.user.with_rule(path, rule))
                case "group" if schemas.group.owner(path) is not None:
                    schemas = replace(schemas, group=schemas.group.with_rule(path, rule))
        return schemas

    def unknown_rules(self, rules: Iterable[AttributeRule]) -> tuple[str, ...]:
        """Return the paths of those rules that speak of attributes that these schemas do not have."""
        schemas = {"user": self.user, "group": self.group}
        return tuple(
            rule.path
            for rule in rules
            for kind, path in (_ruled(rule),)
            if kind not in schemas or schemas[kind].owner(path) is None
        )


def _ruled(rule: AttributeRule) -> tuple[str, Path]:
    """Return the folded kind and the path of what a rule speaks of, ``User.name.givenName``."""
    kind, _, path = rule.path.partition(".")
    return fold(kind), Path.parse(path)


def _essential(urn: str, *names: str) -> dict[str, Attribute]:
    own = parse_attributes(rfc7643_documents()[urn]["attributes"])
    return _COMMON | {name: own[name] for name in names}


@cache
def rfc7643_documents() -> dict[str, dict[str, Any]]:
    """Return RFC 7643's schema documents (§8.7.1), in the form that ``/Schemas`` serves, by URN."""
    text = resources.files("reconciler").joinpath("rfc7643.json").read_text(encoding="utf-8")
    return {document["id"]: document for document in json.loads(text)}


@cache
def rfc7643() -> Schemas:
    """Return the schemas of RFC 7643: User with the enterprise extension, and Group."""
    return Schemas.parse(rfc7643_documents().values())


def flatten(attributes: Mapping[str, Any], schema: ResourceSchema) -> Iterator[tuple[Path, Any]]:
    """Walk the attributes of a resource down to what PATCH can address on its own.

    Yields a path and a value per simple attribute, per multi-valued attribute as a whole, and per sub-attribute of a
    singular complex one. A complex attribute that is ``None`` as a whole yields itself; an extension that is ``None``
    yields each attribute that its schema declares.
    """
    for name, value in attributes.items():
        # RFC 7643 §2.1: the name of an attribute holds no colon, so this is the URN of a schema.
        if ":" not in name:
            yield from _flatten_one(Path(name), value)
            continue
        urn = None if fold(name) == fold(schema.urn) else name
        inner = _unset(name, schema) if value is None else value
        for inner_name, inner_value in inner.items():
            yield from _flatten_one(Path(inner_name, urn=urn), inner_value)


def _unset(urn: str, schema: ResourceSchema) -> dict[str, None]:
    extension = schema.extension(urn)
    return {attribute.name: None for attribute in extension[1].values()} if extension else {}


def _flatten_one(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for sub, sub_value in value.items():
            yield Path(path.name, urn=path.urn, sub=sub), sub_value
    else:
        yield path, value


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute path (RFC 7644 §3.10) as PATCH uses it: ``title``, ``name.givenName``, ``urn:…:User:department``."""

    name: str
    urn: str | None = None
    sub: str | None = None

    def __str__(self) -> str:
        prefix = f"{self.urn}:" if self.urn else ""
        suffix = f".{self.sub}" if self.sub else ""
        return f"{prefix}{self.name}{suffix}"

    @classmethod
    def parse(cls, text: str) -> Path:
        """Read the text form back: a URN ends at the last colon, a sub-attribute begins at the dot behind it."""
        urn, _, rest = text.rpartition(":")
        name, _, sub = rest.partition(".")
        return cls(name, urn=urn or None, sub=sub or None)

    def definition(self, schema: ResourceSchema) -> Attribute | None:
        """Return the definition of what this path names, or ``None`` where the schema does not know it."""
        attribute = schema.find(self.name, urn=self.urn)
        if attribute is None or self.sub is None:
            return attribute
        return attribute.sub_attributes.get(fold(self.sub))

    def get(self, attributes: Mapping[str, Any]) -> Any:
        """Return the value at this path in a resource's attributes, or ``None``. Names match in any case."""
        found: Any = attributes
        for name in (self.urn, self.name, self.sub):
            if name is not None:
                found = _lookup(found, name)
        return found

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that lead to this path's value in SCIM's JSON form."""
        return tuple(key for key in (self.urn, self.name, self.sub) if key is not None)


def _lookup(container: Any, name: str) -> Any:
    if not isinstance(container, Mapping):
        return None
    if name in container:
        return container[name]
    wanted = fold(name)
    return next((value for key, value in container.items() if fold(key) == wanted), None)

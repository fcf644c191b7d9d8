"""Resources as clients see them: whole and cached as bytes, or only the attributes that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from reconciler.attributes import ResourceSchema
from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.behaviour.definition import MembersShown
from reconciler.sandbox.errors import RequestRefusedError, invalid_value
from reconciler.sandbox.patch import Target, resolve
from reconciler.sandbox.records import Record

encode = msgspec.json.Encoder().encode


class Representation:
    """Makes the JSON of records.

    Args:
        base_url: where the directory is served.
        lookup: gives the record of an id.
        behaviour: the rules of the dialect.

    Attributes:
        base_url: as given.
    """

    def __init__(self, base_url: str, lookup: Callable[[str], Record], behaviour: Behaviour) -> None:
        self.base_url = base_url
        self._lookup = lookup
        self._versions = behaviour.versions
        self._members_shown = behaviour.members_shown
        self._user_groups = behaviour.user_groups
        self._boolean_strings = behaviour.boolean_strings_sent
        members = behaviour.schemas.group.find("members")
        self._members_display = members is not None and "display" in members.sub_attributes

    def location(self, record: Record) -> str:
        """Return the URL of a resource."""
        return self.location_of(record.kind, record.id)

    def location_of(self, kind: Kind, resource_id: str) -> str:
        """Return the URL that a resource of an id has, had or would have."""
        return f"{self.base_url}/{kind}s/{resource_id}"

    def version(self, record: Record) -> str | None:
        """Return the weak entity tag of a resource (RFC 7644 §3.14), or ``None`` where the dialect has none."""
        return f'W/"{record.revision}"' if self._versions else None

    def own(self, record: Record) -> dict[str, Any]:
        """Return a resource without what follows from memberships: no ``members``, no ``groups``."""
        meta = {
            "resourceType": record.kind.value,
            "created": record.created,
            "lastModified": record.modified,
            "location": self.location(record),
        }
        if self._versions:
            meta["version"] = f'W/"{record.revision}"'
        extensions = [name for name in record.attributes if ":" in name]
        return {"schemas": [record.kind.schema, *extensions], "id": record.id, **record.attributes, "meta": meta}

    def whole(self, record: Record) -> dict[str, Any]:
        """Return a resource with everything in it, also what the dialect does not show."""
        document = self.own(record)
        if record.members:
            document["members"] = [self.member(member) for member in record.members]
        if record.member_of and record.kind is Kind.USER:
            document["groups"] = [self._group_of(self._lookup(group)) for group in record.member_of]
        return document

    def member(self, member_id: str) -> dict[str, Any]:
        """Return how a group refers to one of its members."""
        member = self._lookup(member_id)
        reference = {"value": member.id, "$ref": self.location(member), "type": member.kind.value}
        return reference | {"display": member.display} if self._members_display else reference

    def _group_of(self, group: Record) -> dict[str, Any]:
        return {"value": group.id, "display": group.display, "type": "direct"}

    def encoded(self, record: Record) -> bytes:
        """Return the JSON of a resource, made only when something in it has changed since the last time."""
        if record.encoded is None:
            record.encoded = self._encode(record)
        return record.encoded

    def listed(self, record: Record) -> bytes:
        """Return the JSON of a resource as listings show it."""
        if record.kind is Kind.GROUP and self._members_shown is MembersShown.READ:
            return self._encode_own(record)
        return self.encoded(record)

    def _encode(self, record: Record) -> bytes:
        own = self._encode_own(record)
        if record.kind is Kind.GROUP:
            if self._members_shown is MembersShown.EMPTY:
                return b'%b,"members":[]}' % own[:-1]
            if record.members and self._members_shown is not MembersShown.NEVER:
                edges = b",".join([self._member_reference(self._lookup(member)) for member in record.members])
                return b'%b,"members":[%b]}' % (own[:-1], edges)
        elif record.member_of and self._user_groups:
            edges = b",".join([self._group_reference(self._lookup(group)) for group in record.member_of])
            return b'%b,"groups":[%b]}' % (own[:-1], edges)
        return own

    def _encode_own(self, record: Record) -> bytes:
        own = self.own(record)
        return encode(_boolean_strings(own) if self._boolean_strings else own)

    def _member_reference(self, member: Record) -> bytes:
        if member.kind is Kind.GROUP:
            return encode(self.member(member.id))
        if member.reference is None:
            member.reference = encode(self.member(member.id))
        return member.reference

    def _group_reference(self, group: Record) -> bytes:
        if group.reference is None:
            group.reference = encode(self._group_of(group))
        return group.reference

    def projected(self, record: Record, projection: Projection, *, listed: bool = False) -> dict[str, Any]:
        """Return the part of a resource that a client asked for, in a listing or by itself."""
        if projection.wants("members" if record.kind is Kind.GROUP else "groups"):
            document: dict[str, Any] = msgspec.json.decode(self.listed(record) if listed else self.encoded(record))
            return projection.apply(document)
        own = self.own(record)
        return projection.apply(_boolean_strings(own) if self._boolean_strings else own)


def _boolean_strings(value: Any) -> Any:
    """Return a value with every boolean as the string that .NET writes for it."""
    match value:
        case bool():
            return str(value)
        case dict():
            return {name: _boolean_strings(item) for name, item in value.items()}
        case list():
            return [_boolean_strings(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Projection:
    """What ``attributes`` or ``excludedAttributes`` of a request say (RFC 7644 §3.9).

    Attributes:
        targets: the attributes named. Names that the schema does not know are not among them.
        excluding: whether they are left out, instead of everything else.
    """

    targets: tuple[Target, ...]
    excluding: bool

    @classmethod
    def parse(cls, attributes: str | None, excluded: str | None, schema: ResourceSchema) -> Projection | None:
        """Read the two query parameters; ``None`` where neither says anything.

        Raises:
            RequestRefusedError: both are given, or a name is no attribute path.
        """
        if attributes and excluded:
            raise invalid_value("attributes and excludedAttributes exclude each other (RFC 7644 §3.9)")
        names = (name.strip() for name in (attributes or excluded or "").split(","))
        targets = [cls._resolve(name, schema) for name in names if name]
        if not attributes and not excluded:
            return None
        return cls(tuple(target for target in targets if target is not None), excluding=bool(excluded))

    @staticmethod
    def _resolve(name: str, schema: ResourceSchema) -> Target | None:
        try:
            target = resolve(name, schema)
        except RequestRefusedError as error:
            raise invalid_value(error.detail) from error
        if target is not None and target.selection is not None:
            raise invalid_value(f"{name!r} is not an attribute name")
        return target

    def wants(self, name: str) -> bool:
        """Tell whether the answer may hold the attribute ``name``, spelled as in the schema."""
        whole = any(t.attribute is not None and t.attribute.name == name and t.sub is None for t in self.targets)
        part = any(t.attribute is not None and t.attribute.name == name for t in self.targets)
        return not whole if self.excluding else part

    def apply(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of a whole resource; ``schemas`` and ``id`` are always returned."""
        if self.excluding:
            result = dict(document)
            for target in self.targets:
                _exclude(result, _keys(target))
        else:
            result = {}
            for target in self.targets:
                _include(result, document, _keys(target))
        return {"schemas": document["schemas"], "id": document["id"]} | result


def _keys(target: Target) -> tuple[str, ...]:
    attribute, sub = target.attribute, target.sub
    return tuple(key for key in (target.extension, attribute and attribute.name, sub and sub.name) if key)


def _include(result: dict[str, Any], source: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    key, *rest = keys
    if key not in source:
        return
    value = source[key]
    if not rest:
        result[key] = value
    elif isinstance(value, list):
        parts = result.setdefault(key, [{} for _ in value])
        for part, item in zip(parts, value, strict=True):
            _include(part, item, tuple(rest))
    else:
        part = result.setdefault(key, {})
        _include(part, value, tuple(rest))
        if not part:
            del result[key]


def _exclude(result: dict[str, Any], keys: tuple[str, ...]) -> None:
    key, *rest = keys
    if key not in result:
        return
    if not rest:
        del result[key]
        return
    value = result[key]
    parts = [dict(item) for item in value] if isinstance(value, list) else dict(value)
    for part in parts if isinstance(parts, list) else [parts]:
        _exclude(part, tuple(rest))
    result[key] = parts

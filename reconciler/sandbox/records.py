"""What the directory holds in memory: one record per resource, and indexes from values to records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.sandbox.behaviour import PRIMARY_EMAIL

INDEXED: Mapping[Kind, tuple[str, ...]] = {
    Kind.USER: ("userName", "externalId", PRIMARY_EMAIL),
    Kind.GROUP: ("displayName", "externalId"),
}
"""The attributes by which resources are found without looking at each, beside ``id``."""


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """One resource.

    Attributes:
        kind: user or group.
        id: the id that the directory gave it.
        attributes: what clients wrote, under the schema's names; neither ``members`` nor ``groups`` are in it.
        created: an RFC 3339 time.
        modified: likewise.
        revision: counts changes, from 1.
        members: the ids of a group's members, in the order in which they were added. The values mean nothing.
        member_of: the ids of the groups that it is a member of.
        kept: whether the directory itself keeps it, and takes no changes.
        number: its place in the order in which resources were created, from 1.
        concealed: what clients wrote to attributes that show something else as long as the user is inactive.
        encoded: the JSON of the whole resource, until something in it changes.
        reference: the JSON of how other resources refer to it, likewise.
    """

    kind: Kind
    id: str
    attributes: dict[str, Any]
    created: str
    modified: str
    revision: int = 1
    members: dict[str, None] = field(default_factory=dict)
    member_of: dict[str, None] = field(default_factory=dict)
    kept: bool = False
    number: int = 0
    concealed: Mapping[str, Any] = field(default_factory=dict)
    encoded: bytes | None = None
    reference: bytes | None = None

    @property
    def display(self) -> str:
        """The name that other resources show for it."""
        display: str = self.attributes.get("displayName") or self.attributes.get(self.kind.naming_attribute, self.id)
        return display


class Index:
    """The ids of the records that have a value, by that value: case-exact or folded as the attribute's rules say."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ids: dict[str, list[str]] = {}

    def find(self, value: str) -> list[str]:
        """Return the ids of the records that have the value, oldest first."""
        return self._ids.get(self._key(value), [])

    def add(self, record: Record) -> None:
        """Enter a record under its value."""
        value = key_value(record.attributes, self._name)
        if value is not None:
            self._ids.setdefault(self._key(value), []).append(record.id)

    def remove(self, record: Record) -> None:
        """Take a record out. Its attributes must be those that it was entered with."""
        value = key_value(record.attributes, self._name)
        if value is None:
            return
        key = self._key(value)
        self._ids[key].remove(record.id)
        if not self._ids[key]:
            del self._ids[key]

    def _key(self, value: str) -> str:
        return index_key(self._name, value)


def index_key(name: str, value: str) -> str:
    """Return the form under which two values of an attribute are equal: externalId is caseExact (RFC 7643 §3.1)."""
    return value if name == "externalId" else fold(value)


def key_value(attributes: Mapping[str, Any], name: str) -> str | None:
    """Return the value that a record is indexed by, or ``None`` where it has none."""
    if name == PRIMARY_EMAIL:
        return next(_primary_emails(attributes), None)
    value: str | None = attributes.get(name)
    return value


def _primary_emails(attributes: Mapping[str, Any]) -> Iterator[str]:
    for email in attributes.get("emails", ()):
        if email.get("primary") is True and email.get("value"):
            yield email["value"]

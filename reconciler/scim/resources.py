"""From a resource as a server sent it to :class:`~reconciler.model.LiveUser` or ``LiveGroup``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from reconciler.attributes import fold
from reconciler.model import LiveGroup, LiveUser
from reconciler.scim.answers import member
from reconciler.scim.errors import MalformedAnswer

_NOT_KEPT = frozenset(("schemas", "meta"))
_SPELLED = {fold(name): name for name in ("id", "externalId", "userName", "displayName", "active", "members")}
"""The attributes that the rest of the tool looks up by name. Servers may spell them in any case (RFC 7643 §2.1)."""

_REPEATED_LENGTH = 128  # characters; longer values are hardly ever shared
_DEEPEST = 32  # RFC 7643 §2.3.8 allows four: extension, attribute, values, sub-attributes


class ResourceReader:
    """Reads the resources of one directory, keeping each string that many of them share only once.

    Ids are shared between users and the groups that they are members of, so one reader serves both.
    """

    def __init__(self) -> None:
        self._strings: dict[str, str] = {}

    def user(self, row: Mapping[str, Any]) -> LiveUser:
        """Return a user. The row must have an ``id``. Raises MalformedAnswer where it nests deeper than any can."""
        attributes = self._attributes(row)
        return LiveUser(id=attributes["id"], attributes=attributes, version=_version(row))

    def group(self, row: Mapping[str, Any], *, members_returned: bool) -> LiveGroup:
        """Return a group. The row must have an ``id``.

        Args:
            row: as sent.
            members_returned: whether the server is known to send members at all. Where not, they are unknown.

        Raises:
            MalformedAnswer: it nests deeper than any group can.
        """
        attributes = self._attributes(row)
        members = self._members(attributes.pop("members", None)) if members_returned else None
        attributes.pop("members", None)
        return LiveGroup(id=attributes["id"], attributes=attributes, version=_version(row), members=members)

    def _attributes(self, row: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {}
        for name, value in row.items():
            folded = fold(name)
            if folded == "members":
                attributes["members"] = value  # reduced to ids at once; sharing its strings first would be for nothing
            elif folded not in _NOT_KEPT:
                attributes[_SPELLED.get(folded, name)] = self._shared(value)
        attributes["id"] = self._shared(str(attributes["id"]))
        return attributes

    def _members(self, entries: object) -> tuple[str, ...] | None:
        """Return the ids of the members, each once, or ``None`` where an entry does not tell whom it means."""
        if isinstance(entries, Mapping):
            entries = [entries]
        if entries is None:
            return ()  # absent, null and empty are one state (RFC 7643 §2.5)
        if not isinstance(entries, list):
            return None
        ids: dict[str, None] = {}
        shared = self._strings.setdefault
        for entry in entries:
            # The common form first: a directory has millions of these.
            resource_id = entry.get("value") if isinstance(entry, dict) else None
            if not isinstance(resource_id, str) or not resource_id:
                resource_id = _member_id(entry)
                if resource_id is None:
                    return None
            ids[shared(resource_id, resource_id)] = None
        return tuple(ids)

    def _shared(self, value: Any, depth: int = 1) -> Any:
        if isinstance(value, str):
            return self._strings.setdefault(value, value) if len(value) <= _REPEATED_LENGTH else value
        if not isinstance(value, dict | list):
            return value
        if depth > _DEEPEST:
            raise MalformedAnswer(f"a resource nests more than {_DEEPEST} levels deep, which no SCIM resource does")
        if isinstance(value, dict):
            return {self._strings.setdefault(name, name): self._shared(item, depth + 1) for name, item in value.items()}
        return [self._shared(item, depth + 1) for item in value]


def direct_groups(user: LiveUser) -> frozenset[str] | None:
    """Return the ids of the groups that a user says to be a direct member of, or ``None`` where one cannot be read.

    A membership through another group has the type ``indirect`` (RFC 7643 §4.1.2); one without a type is taken for
    direct, because servers without nested groups leave it out.
    """
    entries = next((value for name, value in user.attributes.items() if fold(name) == "groups"), None)
    if isinstance(entries, Mapping):
        entries = [entries]
    if entries is None:
        return frozenset()
    if not isinstance(entries, list):
        return None
    groups = []
    for entry in entries:
        kind = member(entry, "type") if isinstance(entry, Mapping) else None
        if isinstance(kind, str) and fold(kind) == "indirect":
            continue
        group_id = _member_id(entry)
        if group_id is None:
            return None
        groups.append(group_id)
    return frozenset(groups)


def _member_id(entry: object) -> str | None:
    """Return a member's id from ``value``, from the end of ``$ref``, or from an entry that is the id itself."""
    found: object = entry
    if isinstance(entry, Mapping):
        found = member(entry, "value")
        reference = member(entry, "$ref")
        if found is None and isinstance(reference, str):
            found = unquote(reference.rstrip("/").rpartition("/")[2])
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found if isinstance(found, str) and found else None


def _version(row: Mapping[str, Any]) -> str | None:
    meta = member(row, "meta")
    version = member(meta, "version") if isinstance(meta, Mapping) else None
    return version if isinstance(version, str) and version else None

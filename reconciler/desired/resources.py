"""Turns listed users and groups, sound by their schema, into desired ones: SCIM's own form, short forms written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from types import NoneType
from typing import Any, Final

from reconciler.attributes import ENTERPRISE_USER, fold, rfc7643
from reconciler.desired.moments import parse_end, parse_start
from reconciler.desired.problems import Problems
from reconciler.desired.yaml_reader import Document
from reconciler.model import NO_LIFECYCLE, DesiredGroup, DesiredUser, Kind, Lifecycle, Member, Origin, Replace, Source

_NOT_ATTRIBUTES: Final = frozenset({"id", "lifecycle", "members", "match"})
_SHORT_FORMS: Final = frozenset({"emails", "phoneNumbers"})


class ResourceSource:
    """Where a listed resource was written: its part of a file. Implements :class:`reconciler.model.Source`."""

    __slots__ = ("_document", "_offset", "_written")

    def __init__(self, document: Document, offset: int, written: Any) -> None:
        self._document = document
        self._offset = offset
        self._written = written

    def locate(self, *path: str | int) -> Origin:
        """Return the place of the value at a SCIM path, or of the nearest that encloses it."""
        match path:
            case (str(urn), *_) if urn.startswith("urn:") and isinstance(self._written, dict):
                path = self._enterprise_path(urn, path[1:])
        return Origin(self._document.file, *self._document.places.find(self._written, self._offset, path))

    def is_unread(self, value: Any, *path: str | int) -> bool:
        """Tell whether the value at ``path`` only stands for one that could not be read, which is told already."""
        return self._document.unread.is_value(value, self.locate(*path))

    def is_incomplete(self, value: Any) -> bool:
        """Tell whether a mapping lacks entries because they could not be read, which is told already."""
        return self._document.unread.is_incomplete(value)

    def _enterprise_path(self, urn: str, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        written: dict[str, Any] = self._written
        spelled = next((key for key in written if fold(key) == fold(urn)), None)
        short = bool(path) and path[0] in written and fold(urn) == fold(ENTERPRISE_USER)
        if spelled is None:
            return path if short else ()
        return path if short and path[0] not in (written[spelled] or {}) else (spelled, *path)


class Members:
    """The memberships of all groups: equal ones are one object."""

    def __init__(self) -> None:
        self._by_name: dict[str, Member] = {}
        self._by_entry: dict[Member, Member] = {}

    def plain(self, name: str) -> Member:
        """Return the membership of a user without further conditions."""
        member = self._by_name.get(name)
        if member is None:
            member = self._by_name[name] = self.shared(Member(kind=Kind.USER, name=name))
        return member

    def shared(self, member: Member) -> Member:
        """Return the one object for memberships that equal this one."""
        return self._by_entry.setdefault(member, member)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_entry)


class ResourceReader:
    """Reads listed resources that are valid by their schema, or the sound part of one that is not.

    A sound part may lack its naming attribute; what is read from it serves to find more problems, and nothing else.

    Attributes:
        members: the memberships of the groups read so far.
    """

    def __init__(self, problems: Problems) -> None:
        self.members = Members()
        self._problems = problems
        self._enterprise = frozenset(
            attribute.name for attribute in rfc7643().user.extensions[ENTERPRISE_USER].values()
        )

    def user(self, written: dict[str, Any], source: Source) -> DesiredUser:
        """Return a listed user. It is active unless the file says otherwise."""
        attributes = self._attributes(written, source)
        attributes.setdefault("active", True)
        for name in _SHORT_FORMS:
            values = attributes.get(name)
            if values:
                attributes[name] = _long_form(values, primary=name == "emails")
        return DesiredUser(
            attributes=attributes,
            source=source,
            id=as_text(written.get("id")),
            lifecycle=self._lifecycle(written.get("lifecycle"), source),
        )

    def group(self, written: dict[str, Any], source: Source) -> DesiredGroup:
        """Return a listed group."""
        members = written.get("members")
        return DesiredGroup(
            attributes=self._attributes(written, source),
            source=source,
            id=as_text(written.get("id")),
            lifecycle=self._lifecycle(written.get("lifecycle"), source),
            members=None if members is None else self._members(members, source),
            match=written.get("match"),
        )

    def _attributes(self, written: dict[str, Any], source: Source) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        short: dict[str, Any] = {}
        for key, value in written.items():
            if key in _NOT_ATTRIBUTES:
                continue
            if key in self._enterprise:
                short[key] = as_text(value)
            elif key[:4].lower() != "urn:":
                attributes[key] = as_text(value)
            elif fold(key) != fold(ENTERPRISE_USER):
                attributes[key] = value
            elif key == ENTERPRISE_USER:
                attributes[key] = as_text(value)
            else:
                self._problems.error(
                    "wrong-value", f"this URN is spelled {ENTERPRISE_USER}", source.locate(key), text=key
                )
        if short:
            long = attributes.get(ENTERPRISE_USER) or {}
            for key in long.keys() & short.keys():
                message = f"{key} is stated twice: by itself and below {ENTERPRISE_USER}"
                self._problems.error("duplicate-attribute", message, source.locate(ENTERPRISE_USER, key), text=key)
            attributes[ENTERPRISE_USER] = {**long, **short}
        return attributes

    def _members(self, written: list[Any], source: Source) -> tuple[Member, ...]:
        plain = self.members.plain
        return tuple(
            self._member(entry, index, source) if isinstance(entry, dict) else plain(as_text(entry))
            for index, entry in enumerate(written)
        )

    def _member(self, written: dict[str, Any], index: int, source: Source) -> Member:
        kind = Kind.USER if "user" in written else Kind.GROUP
        starts, until = self._validity(written, ("members", index), source)
        return self.members.shared(
            Member(
                kind=kind,
                name=as_text(written[kind.value.lower()]),
                starts=starts,
                until=until,
                reason=as_text(written.get("reason")),
            )
        )

    def _lifecycle(self, written: dict[str, Any] | None, source: Source) -> Lifecycle:
        if not written:
            return NO_LIFECYCLE
        starts, until = self._validity(written, ("lifecycle",), source)
        min_members = written.get("min_members")
        return Lifecycle(
            starts=starts,
            until=until,
            replace=Replace(written.get("replace", Replace.AUTOMATIC)),
            protected=written.get("protected", False),
            previously=tuple(map(as_text, written.get("previously", ()))),
            reason=as_text(written.get("reason")),
            # 2.0 is an integer for JSON Schema.
            min_members=None if min_members is None else int(min_members),
            required_members=tuple(map(as_text, written.get("required_members", ()))),
            privileged=written.get("privileged", False),
        )

    def _validity(
        self, written: dict[str, Any], path: tuple[str | int, ...], source: Source
    ) -> tuple[datetime | None, datetime | None]:
        stated_start, stated_end = written.get("from"), written.get("until")
        starts = None if stated_start is None else parse_start(stated_start)
        until = None if stated_end is None else parse_end(stated_end)
        if starts is not None and until is not None and starts >= until:
            origin = source.locate(*path, "from")
            self._problems.error("date-order", "from must be before until", origin, text=stated_start)
        return starts, until


def as_text(value: Any) -> Any:
    """Return a value with every number in it as its text: all of SCIM's attributes of users and groups are texts.

    Numbers print back as they were written (:mod:`reconciler.desired.plain_scalars`). What holds none is returned
    itself, not a copy.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return value if _settled(value.values()) else {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return value if _settled(value) else [as_text(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    return value


def _settled(values: Iterable[Any]) -> bool:
    return all(isinstance(value, (str, bool, NoneType)) for value in values)


def _long_form(values: list[Any], *, primary: bool) -> list[Any]:
    """Return a multi-valued attribute in SCIM's form, where texts may stand for work addresses.

    With ``primary``, a text that comes first is the primary value, unless another value is said to be.
    """
    long: list[dict[str, Any]] = [
        {"value": value, "type": "work"} if isinstance(value, str) else value for value in values
    ]
    stated = any(value.get("primary") is True for value in long)
    if primary and not stated and isinstance(values[0], str):
        long[0]["primary"] = True
    return long

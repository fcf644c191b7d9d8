"""Turns listed users and groups, valid by their schema, into desired ones: SCIM's own form, short forms written out."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from types import NoneType
from typing import Any, Final

from reconciler.attributes import ENTERPRISE_USER, fold, rfc7643
from reconciler.desired.moments import MomentError, parse_end, parse_start
from reconciler.desired.phrases import path_text
from reconciler.desired.positions import entries, item_offsets
from reconciler.desired.problems import Problems
from reconciler.desired.yaml_reader import Document
from reconciler.model import NO_LIFECYCLE, DesiredGroup, DesiredUser, Kind, Lifecycle, Member, Origin

_NOT_ATTRIBUTES: Final = frozenset({"id", "lifecycle", "members", "match"})
_SHORT_FORMS: Final = frozenset({"emails", "phoneNumbers"})


class ResourceSource:
    """Where a listed resource was written: its part of a file. Implements :class:`reconciler.model.Source`."""

    __slots__ = ("_document", "_member_offsets", "_offset", "_written")

    def __init__(self, document: Document, offset: int, written: Any) -> None:
        self._document = document
        self._offset = offset
        self._written = written
        self._member_offsets: array[int] | None = None

    def locate(self, *path: str | int) -> Origin:
        """Return the place of the value at a SCIM path, or of the nearest that encloses it."""
        match path:
            case ("members", int(index), *_):
                place = self._locate_member(index, path[2:])
            case (str(urn), *_) if urn.startswith("urn:"):
                place = self._find(*self._enterprise_path(urn, path[1:]))
            case _:
                place = self._find(*path)
        return Origin(self._document.file, *place)

    def _find(self, *path: str | int) -> tuple[int, int]:
        return self._document.places.find(self._written, self._offset, path)

    def _enterprise_path(self, urn: str, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        written: dict[str, Any] = self._written
        spelled = next((key for key in written if fold(key) == fold(urn)), None)
        short = bool(path) and path[0] in written and fold(urn) == fold(ENTERPRISE_USER)
        if spelled is None:
            return path if short else ()
        return path if short and path[0] not in (written[spelled] or {}) else (spelled, *path)

    def _locate_member(self, index: int, path: tuple[str | int, ...]) -> tuple[int, int]:
        members = self._written.get("members")
        if members is None or not 0 <= index < len(members):
            return self._find("members")
        if self._member_offsets is None:
            # Walking a long list again for each of its members would take quadratic time.
            entry = next(entry for entry in entries(self._written, self._offset) if entry.key == "members")
            self._member_offsets = item_offsets(members, entry.start + 1)
        return self._document.places.find(members[index], self._member_offsets[index], path)


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
    """Reads listed resources that are valid by their schema.

    Attributes:
        members: the memberships of the groups read so far.
    """

    def __init__(self, problems: Problems) -> None:
        self.members = Members()
        self._problems = problems
        self._enterprise = frozenset(
            attribute.name for attribute in rfc7643().user.extensions[ENTERPRISE_USER].values()
        )

    def user(self, written: dict[str, Any], source: ResourceSource) -> DesiredUser:
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

    def group(self, written: dict[str, Any], source: ResourceSource) -> DesiredGroup:
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

    def _attributes(self, written: dict[str, Any], source: ResourceSource) -> dict[str, Any]:
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

    def _members(self, written: list[Any], source: ResourceSource) -> tuple[Member, ...]:
        plain = self.members.plain
        return tuple(
            self._member(entry, index, source) if isinstance(entry, dict) else plain(as_text(entry))
            for index, entry in enumerate(written)
        )

    def _member(self, written: dict[str, Any], index: int, source: ResourceSource) -> Member:
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

    def _lifecycle(self, written: dict[str, Any] | None, source: ResourceSource) -> Lifecycle:
        if not written:
            return NO_LIFECYCLE
        starts, until = self._validity(written, ("lifecycle",), source)
        return Lifecycle(
            starts=starts,
            until=until,
            protected=written.get("protected", False),
            previously=tuple(map(as_text, written.get("previously", ()))),
            reason=as_text(written.get("reason")),
            min_members=written.get("min_members"),
        )

    def _validity(
        self, written: dict[str, Any], path: tuple[str | int, ...], source: ResourceSource
    ) -> tuple[datetime | None, datetime | None]:
        starts = self._moment(written, (*path, "from"), parse_start, source)
        until = self._moment(written, (*path, "until"), parse_end, source)
        if starts is not None and until is not None and starts >= until:
            message = f"{path_text((*path, 'from'))} must be before {path_text((*path, 'until'))}"
            self._problems.error("date-order", message, source.locate(*path, "from"), text=written["from"])
        return starts, until

    def _moment(
        self,
        written: dict[str, Any],
        path: tuple[str | int, ...],
        parse: Callable[[str], datetime],
        source: ResourceSource,
    ) -> datetime | None:
        text = written.get(str(path[-1]))
        if text is None:
            return None
        try:
            return parse(text)
        except MomentError:
            message = f"{path_text(path)} must be a date such as 2026-12-31, or a time such as 2026-12-31T18:00:00Z"
            self._problems.error("date", message, source.locate(*path), text=text)
            return None


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

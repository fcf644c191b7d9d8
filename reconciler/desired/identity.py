"""What makes a resource itself: names, ids and addresses must be usable, and must not be used twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

from reconciler.attributes import fold
from reconciler.desired.problems import Problems
from reconciler.model import DesiredResource, Kind

MAX_NAME_LENGTH: Final = 255
"""Characters of a name. No service provider is known to store longer ones."""

_EMAIL: Final = re.compile(r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+")
_DIRECTION_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MULTI_VALUED: Final = (
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509Certificates",
)


def check_resources(kind: Kind, resources: Sequence[DesiredResource], problems: Problems) -> None:
    """Check what can be told of resources of one kind by their identifying attributes alone."""
    for resource in resources:
        for attribute in (kind.naming_attribute, "externalId", "id"):
            identifier = _identifier(resource, attribute)
            if identifier is not None:
                _check_name(resource, attribute, identifier, problems)
        if kind is Kind.USER:
            _check_values(resource, problems)
    names = _unique(kind, resources, kind.naming_attribute, problems)
    _unique(kind, resources, "externalId", problems)
    _unique(kind, resources, "id", problems)
    _check_previous_names(kind, resources, names, problems)


def name_problem(name: str) -> str | None:
    """Return what is wrong with a name, as the end of "X …", or ``None``."""
    if not name.strip():
        return "must not be empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed"
    if name != name.strip():
        return "must not begin or end with white space"
    if not name.isprintable():
        for character in name:
            if unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _DIRECTION_CONTROLS:
                return f"must not hold the control character U+{ord(character):04X}"
    return None


def _check_name(resource: DesiredResource, attribute: str, name: str, problems: Problems) -> None:
    problem = name_problem(name)
    if problem is not None:
        problems.error("name", f"{attribute} {problem}", resource.source.locate(attribute), text=name)


def _identifier(resource: DesiredResource, attribute: str) -> str | None:
    value: str | None = resource.id if attribute == "id" else resource.attributes.get(attribute)
    return value


def _unique(
    kind: Kind, resources: Iterable[DesiredResource], attribute: str, problems: Problems
) -> dict[str, DesiredResource]:
    """Return resources by identifier; folded where it is the naming attribute, exact where it is an id."""
    first: dict[str, DesiredResource] = {}
    folded = attribute == kind.naming_attribute
    for resource in resources:
        identifier = _identifier(resource, attribute)
        if identifier is None:
            continue
        other = first.setdefault(fold(identifier) if folded else identifier, resource)
        if other is not resource:
            written = _identifier(other, attribute)
            spelling = f", spelled {written!r}," if written != identifier else ""
            problems.error(
                f"duplicate-{attribute}",
                f"the {kind.value.lower()} {attribute} {identifier!r} is listed already{spelling} "
                f"at {other.source.locate(attribute)}",
                resource.source.locate(attribute),
                text=identifier,
            )
    return first


def _check_previous_names(
    kind: Kind, resources: Iterable[DesiredResource], names: dict[str, DesiredResource], problems: Problems
) -> None:
    """Check that an earlier name belongs to one resource, and to none that is listed by it."""
    first: dict[str, tuple[DesiredResource, int]] = {}
    for resource in resources:
        for index, name in enumerate(resource.lifecycle.previously):
            origin = resource.source.locate("lifecycle", "previously", index)
            problem = name_problem(name)
            if problem is not None:
                problems.error("name", f"lifecycle.previously[{index}] {problem}", origin, text=name)
                continue
            listed = names.get(fold(name))
            other, other_index = first.setdefault(fold(name), (resource, index))
            if listed is not None:
                place = listed.source.locate(kind.naming_attribute)
                message = (
                    f"the earlier name {name!r} is the present one"
                    if listed is resource
                    else f"the earlier name {name!r} is that of a listed {kind.value.lower()} at {place}"
                )
            elif (other, other_index) != (resource, index):
                place = other.source.locate("lifecycle", "previously", other_index)
                message = f"the earlier name {name!r} is claimed already at {place}"
            else:
                continue
            problems.error("previously", message, origin, text=name)


def _check_values(user: DesiredResource, problems: Problems) -> None:
    for attribute in _MULTI_VALUED:
        values: list[dict[str, Any]] | None = user.attributes.get(attribute)
        if not values:
            continue
        primary = [index for index, value in enumerate(values) if value.get("primary") is True]
        for index in primary[1:]:
            problems.error(
                "primary",
                f"{attribute}[{index}] is primary, and so is {attribute}[{primary[0]}]; one may be",
                user.source.locate(attribute, index, "primary"),
            )
        if attribute == "emails":
            _check_emails(user, values, primary, problems)


def _check_emails(user: DesiredResource, emails: list[dict[str, Any]], primary: list[int], problems: Problems) -> None:
    if len(emails) > 1 and not primary:
        message = f"none of the {len(emails)} e-mail addresses is primary"
        problems.error("primary", message, user.source.locate("emails"), hint="write primary: true beside one of them")
    for index, email in enumerate(emails):
        address = email["value"]
        if address is None or not _EMAIL.fullmatch(address):
            origin = user.source.locate("emails", index, "value")
            problems.error("email", f"emails[{index}] is not an e-mail address", origin, text=address)

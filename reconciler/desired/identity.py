"""What makes a resource itself: names, ids and addresses must be usable, and must not be used twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from reconciler.attributes import fold
from reconciler.desired.doubts import Doubts
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


def check_resources(
    kind: Kind, resources: Sequence[DesiredResource], problems: Problems, doubts: Doubts | None = None
) -> None:
    """Check what can be told of resources of one kind by their identifying attributes alone.

    Args:
        kind: the kind.
        resources: all resources of that kind. Those that ``doubts`` knows may lack their naming attribute.
        problems: takes what is wrong.
        doubts: what of the resources could not be read.
    """
    doubts = doubts or Doubts()
    for resource in resources:
        for attribute in (kind.naming_attribute, "externalId", "id"):
            identifier = _identifier(resource, attribute)
            if identifier is not None:
                _check_name(resource, attribute, identifier, problems)
        if kind is Kind.USER:
            _check_values(resource, problems, doubts)
    names = _unique(kind, resources, kind.naming_attribute, problems)
    for attribute in ("externalId", "id"):
        _unique(kind, resources, attribute, problems, names)
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
    kind: Kind,
    resources: Iterable[DesiredResource],
    attribute: str,
    problems: Problems,
    names: Mapping[str, DesiredResource] | None = None,
) -> dict[str, DesiredResource]:
    """Return resources by identifier; folded where it is the naming attribute, exact where it is an id.

    Where ``names`` tells that two are one and the same entry written twice, that they share an id too goes unsaid.
    """
    first: dict[str, DesiredResource] = {}
    folded = attribute == kind.naming_attribute
    for resource in resources:
        identifier = _identifier(resource, attribute)
        if identifier is None:
            continue
        other = first.setdefault(fold(identifier) if folded else identifier, resource)
        if other is not resource and not _same_name(other, resource, names):
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


def _same_name(other: DesiredResource, resource: DesiredResource, names: Mapping[str, DesiredResource] | None) -> bool:
    name = _identifier(resource, resource.kind.naming_attribute)
    return names is not None and name is not None and names.get(fold(name)) is other


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
                problems.error("name", f"an earlier name {problem}", origin, text=name)
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


def _check_values(user: DesiredResource, problems: Problems, doubts: Doubts) -> None:
    for attribute in _MULTI_VALUED:
        values: list[dict[str, Any]] | None = user.attributes.get(attribute)
        if not values:
            continue
        primary = [index for index, value in enumerate(values) if value.get("primary") is True]
        for index in primary[1:]:
            first = user.source.locate(attribute, primary[0], "primary")
            problems.error(
                "primary",
                f"{attribute} has a primary value already, in line {first.line}",
                user.source.locate(attribute, index, "primary"),
                hint="one of them may be primary",
                text=values[index].get("value"),
            )
        if attribute != "emails":
            continue
        _check_emails(user, values, problems)
        if len(values) > 1 and not primary and not doubts.about(user, attribute):
            message = f"none of the {len(values)} e-mail addresses is primary"
            origin = user.source.locate(attribute)
            problems.error("primary", message, origin, hint="write primary: true beside one of them")


def _check_emails(user: DesiredResource, emails: list[dict[str, Any]], problems: Problems) -> None:
    for index, email in enumerate(emails):
        address = email["value"]
        if not _EMAIL.fullmatch(address):
            origin = user.source.locate("emails", index, "value")
            problems.error("email", "this is not an e-mail address", origin, text=address)

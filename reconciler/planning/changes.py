"""Which managed attributes of one resource differ, and what would have to be written.

A cheap equality decides whether anything differs at all; :mod:`reconciler.planning.explaining` then tells a person what
changed inside a multi-valued or complex value.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from reconciler.attributes import Attribute, Path, ResourceSchema, canonical, flatten, fold, unassigned
from reconciler.model import DesiredResource, Kind, LiveResource
from reconciler.planning.explaining import explain
from reconciler.planning.plan import Change

Skip = Callable[[Path], bool]


def compare(
    desired: DesiredResource,
    live: LiveResource,
    schema: ResourceSchema,
    *,
    skip: Skip,
    on_case_difference: Callable[[Path], None],
) -> tuple[Change, ...]:
    """Return the managed attributes whose live value is not the desired one, in the order they were written.

    Args:
        desired: the listed resource.
        live: the live one that it means.
        schema: the attribute definitions of the service provider.
        skip: tells which paths are left out; asked only for values that differ.
        on_case_difference: told of each text that differs in letter case where the schema says that case is nothing.
    """
    return tuple(_differences(desired, live, schema, skip, on_case_difference))


def _differences(
    desired: DesiredResource,
    live: LiveResource,
    schema: ResourceSchema,
    skip: Skip,
    on_case_difference: Callable[[Path], None],
) -> Iterator[Change]:
    attributes = live.attributes
    # Most attributes of most resources are equal to the letter: look closer only at the ones that are not.
    suspects = {
        name: value for name, value in desired.attributes.items() if name not in attributes or attributes[name] != value
    }
    for path, wanted in flatten(suspects, schema):
        found = path.get(attributes)
        if found == wanted:
            continue
        definition = path.definition(schema)
        if same(wanted, found, definition):
            if isinstance(wanted, str) and isinstance(found, str) and wanted != found:
                on_case_difference(path)
        elif not skip(path):
            yield _change(desired, path, found, wanted, definition)


def same(wanted: Any, found: Any, definition: Attribute | None) -> bool:
    """Tell whether a live value is what the YAML states, as far as the YAML states it.

    In a multi-valued complex attribute every element counts, but of each element only the sub-attributes that are
    stated: ``[{value: a@example.com}]`` says nothing of the ``type``.
    """
    alike = isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found)
    # Servers that add sub-attributes of their own do so for everybody, and mostly keep order and letters.
    if alike and all(map(_holds_to_the_letter, found, wanted)):
        return True
    if canonical(wanted, definition) == canonical(found, definition):
        return True
    return alike and _all_matched(wanted, found, definition)


def _holds_to_the_letter(live: Any, wanted: Any) -> bool:
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return all(name in live and live[name] == value for name, value in wanted.items())
    return bool(live == wanted)


def _all_matched(wanted: Sequence[Any], found: Sequence[Any], definition: Attribute | None) -> bool:
    """Tell whether every desired element can have a live one of its own that holds all that it states.

    A live element taken by one is handed over where the other can do with another (augmenting paths): what was
    written element by element is then always recognised, whatever order it comes back in.
    """
    by_value = defaultdict[Any, list[int]](list)
    for position, live in enumerate(found):
        by_value[_part(live, "value", definition)].append(position)
    taken_by: dict[int, int] = {}

    def place(number: int, tried: set[int]) -> bool:
        element = wanted[number]
        value = _part(element, "value", definition)
        for position in range(len(found)) if value is None else by_value[value]:
            if position in tried or not _holds(found[position], element, definition):
                continue
            tried.add(position)
            if position not in taken_by or place(taken_by[position], tried):
                taken_by[position] = number
                return True
        return False

    return all(place(number, set()) for number in range(len(wanted)))


def _part(element: Any, sub: str, definition: Attribute | None) -> Any:
    """Return the canonical form of one sub-attribute of an element; a plain element has only a ``value``."""
    if not isinstance(element, Mapping):
        return canonical(element, definition) if sub == "value" else None
    return canonical(Path(sub).get(element), definition.sub_attributes.get(sub) if definition else None)


def _holds(live: Any, wanted: Any, definition: Attribute | None) -> bool:
    if not (isinstance(live, Mapping) and isinstance(wanted, Mapping)):
        return bool(canonical(live, definition) == canonical(wanted, definition))
    stated = {fold(name) for name in wanted}
    restricted = {name: value for name, value in live.items() if fold(name) in stated}
    return bool(canonical(restricted, definition) == canonical(dict(wanted), definition))


def _change(desired: DesiredResource, path: Path, found: Any, wanted: Any, definition: Attribute | None) -> Change:
    after = _keep_unstated(wanted, found, definition)
    return Change(
        path=str(path),
        before=None if unassigned(found) else found,
        after=None if unassigned(after) else after,
        identity=is_identity(desired.kind, path, found, after),
        details=explain(found, after) or _likeness(found, after),
        origin=str(desired.source.locate(*path.keys)),
    )


def creation(desired: DesiredResource, schema: ResourceSchema, *, skip: Skip) -> tuple[Change, ...]:
    """Return the attributes that a new resource is made with: every managed one that has a value."""
    return tuple(
        Change(
            path=str(path),
            after=value,
            identity=is_identity(desired.kind, path, None, value),
            origin=str(desired.source.locate(*path.keys)),
        )
        for path, value in flatten(desired.attributes, schema)
        if not unassigned(value) and not skip(path)
    )


def is_identity(kind: Kind, path: Path, before: Any, after: Any) -> bool:
    """Tell whether a change touches what identifies a resource: its name, its externalId, its primary e-mail."""
    if path.urn is not None:
        return False
    if path.name in (kind.naming_attribute, "externalId"):
        return True
    return path.name == "emails" and fold(primary(before) or "") != fold(primary(after) or "")


def primary(emails: Any) -> str | None:
    """Return the primary address of an ``emails`` value; where none is marked, a single address counts as it."""
    if not isinstance(emails, list):
        return None
    addresses = [email for email in emails if isinstance(email, Mapping) and isinstance(email.get("value"), str)]
    marked = [email for email in addresses if _is_primary(email)]
    chosen = marked[0] if marked else addresses[0] if len(addresses) == 1 else None
    return str(chosen["value"]) if chosen else None


def _keep_unstated(wanted: Any, found: Any, definition: Attribute | None) -> Any:
    """Return what to write: desired elements, with what their live partner holds beyond what the YAML states.

    Replacing a multi-valued attribute as a whole would otherwise drop sub-attributes that nobody manages.
    """
    if not (isinstance(wanted, list) and isinstance(found, list) and definition is not None):
        return wanted
    remaining = [element for element in found if isinstance(element, Mapping)]
    # RFC 7643 §2.4: one element at most is the primary one.
    taken = {"primary"} if any(_is_primary(element) for element in wanted) else set[str]()
    kept: list[Any] = []
    for element in wanted:
        partner = _partner(element, remaining, definition) if isinstance(element, Mapping) else None
        if partner is None:
            kept.append(element)
            continue
        remaining = [live for live in remaining if live is not partner]
        stated = {fold(name) for name in element} | taken
        unstated = {
            name: value
            for name, value in partner.items()
            if fold(name) not in stated and not unassigned(value) and _writable(definition, name)
        }
        kept.append({**element, **unstated})
    return kept


def _partner(
    element: Mapping[str, Any], remaining: Sequence[Mapping[str, Any]], definition: Attribute
) -> Mapping[str, Any] | None:
    """Return the live element that a desired one goes on from: of the same value, and of the same type if there is one.

    Elements without a value, such as addresses, are told apart by their type alone, where that names just one.
    """
    value, kind = (_part(element, sub, definition) for sub in ("value", "type"))
    of_same_kind = [live for live in remaining if kind is not None and _part(live, "type", definition) == kind]
    if value is None:
        return of_same_kind[0] if len(of_same_kind) == 1 else None
    of_same_value = [live for live in remaining if _part(live, "value", definition) == value]
    return next((live for live in of_same_value if live in of_same_kind), next(iter(of_same_value), None))


def _is_primary(element: Any) -> bool:
    return isinstance(element, Mapping) and element.get("primary") in (True, "true", "True")


def _writable(definition: Attribute, sub: str) -> bool:
    attribute = definition.sub_attributes.get(fold(sub))
    return attribute is not None and attribute.comparable


def _likeness(before: Any, after: Any) -> tuple[str, ...]:
    """Return in what alone two texts differ, where that is what directories change on their own; mostly nothing."""
    if not isinstance(before, str) or not isinstance(after, str):
        return ()
    for what, form in _FORMS.items():
        if form(before) == form(after):
            return (f"! differs in {what} only, and the directory may store it so whatever is written",)
    return ()


def _without_blanks(text: str) -> str:
    return " ".join(text.split())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "white space": _without_blanks,
        "Unicode form": _composed,
        "letter case": str.casefold,
        "white space, letter case and Unicode form": lambda text: _without_blanks(_composed(text)).casefold(),
    }
)

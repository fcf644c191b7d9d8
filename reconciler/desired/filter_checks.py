"""The SCIM filters of a workspace: ``scope`` in ``directory.yaml`` and ``match`` of groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.attributes import ENTERPRISE_USER, ResourceSchema, fold, rfc7643
from reconciler.desired.doubts import Doubts
from reconciler.desired.problems import Problems
from reconciler.desired.suggestions import Suggester
from reconciler.desired.yaml_reader import Document
from reconciler.filters import Filter, FilterError, Predicate
from reconciler.model import DesiredGroup, DesiredResource, Kind, Origin


class FilterChecks:
    """Checks the filters of one workspace."""

    def __init__(self, doubts: Doubts, suggester: Suggester, problems: Problems) -> None:
        self._doubts = doubts
        self._suggester = suggester
        self._problems = problems

    def check_matches(self, groups: Iterable[DesiredGroup]) -> None:
        """Check the ``match`` of every group."""
        for group in groups:
            if group.match is not None:
                self._usable(group.match, "match", rfc7643().user, group.source.locate("match"))

    def check_scope(
        self, scope: Mapping[Kind, str], document: Document, resources: Mapping[Kind, Sequence[DesiredResource]]
    ) -> None:
        """Check the scope, and that what is listed is inside it as far as the files tell."""
        schemas = {Kind.USER: rfc7643().user, Kind.GROUP: rfc7643().group}
        for kind, text in scope.items():
            schema = schemas[kind]
            name = f"{kind.lower()}s"
            found = self._usable(text, f"scope.{name}", schema, document.locate("scope", name))
            if found is not None:
                self._check_inside(kind, *found, resources[kind])

    def _usable(self, text: str, name: str, schema: ResourceSchema, origin: Origin) -> tuple[Filter, Predicate] | None:
        """Return a filter that can be evaluated over the files, with its predicate."""
        try:
            parsed = Filter.parse(text)
            predicate = parsed.compile(schema)
        except FilterError as error:
            column = f" at its column {error.column}" if error.column is not None else ""
            message = f"{name} is not a usable SCIM filter{column}: {error.detail}"
            self._problems.error("filter", message, origin, text=text)
            return None
        unknown = parsed.unknown_attributes(schema)
        for attribute in unknown:
            if not _of_unknown_extension(attribute, schema):
                message = f"{name} uses the unknown attribute {attribute!r}"
                hint = self._suggester.hint(attribute, _known_paths(schema))
                self._problems.error("filter", message, origin, hint=hint, text=text)
        return None if unknown else (parsed, predicate)

    def _check_inside(self, kind: Kind, scope: Filter, inside: Predicate, resources: Iterable[DesiredResource]) -> None:
        names = [_attribute_name(path) for path in scope.attributes]
        for resource in resources:
            known = all(_stated(resource.attributes, name) for name in names)
            if known and not inside(resource.attributes) and not self._doubts.about(resource, *names):
                name = resource.attributes.get(kind.naming_attribute)
                self._problems.error(
                    "out-of-scope",
                    f"{kind.address(name) if name else f'this {kind.lower()}'} is outside the scope {scope.text!r}",
                    resource.source.locate(kind.naming_attribute),
                    hint=f"widen scope.{kind.lower()}s in directory.yaml, or do not list it",
                    text=name,
                )


def _of_unknown_extension(attribute: str, schema: ResourceSchema) -> bool:
    """Tell whether an attribute belongs to an extension that only the service provider knows."""
    if not fold(attribute).startswith("urn:"):
        return False
    return not any(fold(attribute).startswith(fold(urn)) for urn in (schema.urn, *schema.extensions))


def _known_paths(schema: ResourceSchema) -> list[str]:
    paths: list[str] = []
    for attributes in (schema.attributes, *schema.extensions.values()):
        for attribute in attributes.values():
            paths.append(attribute.name)
            paths.extend(f"{attribute.name}.{sub.name}" for sub in attribute.sub_attributes.values())
    return paths


def _attribute_name(path: str) -> str:
    """Return the name of the attribute that a filter's path begins with, folded."""
    return fold(path.rpartition(":")[2].partition(".")[0])


def _stated(attributes: Mapping[str, Any], name: str) -> bool:
    """Tell whether an attribute is managed, wherever it was written."""
    extension = attributes.get(ENTERPRISE_USER) or {}
    return any(fold(known) == name for known in (*attributes, *extension))

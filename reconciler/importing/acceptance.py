"""What loading and planning would say of a resource that an import writes: asked before it is written.

The judges are the loader's and the planner's own parts, so that an import cannot disagree with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from reconciler.attributes import ENTERPRISE_USER, Path, ResourceSchema, fold
from reconciler.desired.identity import check_resources
from reconciler.desired.problems import Problems
from reconciler.desired.resources import ResourceReader, ResourceSource
from reconciler.desired.schema import json_schema
from reconciler.model import DesiredResource, Kind, LiveResource, Origin
from reconciler.planning.changes import compare


class _Stated(ResourceSource):
    """The source of a resource that no file lists yet. The "file" of a place is the key that it belongs to."""

    __slots__ = ()

    def __init__(self) -> None:
        """Nothing was read from a file."""

    def locate(self, *path: str | int) -> Origin:
        return Origin(str(path[0]) if path else "", 1, 1)


class Acceptance:
    """Judges resources of one kind in the form of a file.

    Args:
        kind: the kind.
        schema: the service provider's attribute definitions.
    """

    def __init__(self, kind: Kind, schema: ResourceSchema) -> None:
        definitions = json_schema("resources")["$defs"]
        self._kind = kind
        self._schema = schema
        self._validator = jsonschema_rs.validator_for({**definitions[kind.lower()], "$defs": definitions})

    def objections(self, stated: dict[str, Any], live: LiveResource) -> Iterator[tuple[str, str]]:
        """Yield the keys that cannot stay as they are, each with the reason.

        Args:
            stated: the resource without its members.
            live: what it was made of.
        """
        if not self._validator.is_valid(stated):
            for error in self._validator.iter_errors(stated):
                place = [str(step) for step in error.instance_path]
                yield place[0] if place else "", f"a file cannot state it: {error.message}"
            return
        desired = self._read(stated)
        problems = Problems()
        check_resources(self._kind, [desired], problems)
        if problems.found:
            for problem in problems.found:
                yield problem.origin.file if problem.origin else "", f"a file cannot state it: {problem.message}"
            return
        for change in compare(
            desired,
            live,
            self._schema,
            skip=lambda path: path == Path("active"),
            on_case_difference=lambda _: None,
        ):
            yield _key(Path.parse(change.path)), "the next plan would change it, because its form is not SCIM's"

    def _read(self, stated: dict[str, Any]) -> DesiredResource:
        reader = ResourceReader(Problems())
        return reader.user(stated, _Stated()) if self._kind is Kind.USER else reader.group(stated, _Stated())


def _key(path: Path) -> str:
    if path.urn is None or fold(path.urn) == fold(ENTERPRISE_USER):
        return path.name
    return path.urn

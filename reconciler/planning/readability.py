"""Which stated attributes this directory cannot store, or cannot be compared with: told once, never planned forever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from reconciler.attributes import Path, fold
from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.plan import Note

_WHY = {
    "undeclared": "is in no schema of the directory and no live {kind}{seen} has it",
    "readOnly": "is read-only in this directory",
    "writeOnly": "can be written and never read back, so a difference cannot be seen",
    "unreturned": "is not returned in listings, so a difference cannot be seen",
    "immutable": "can only be set when the {kind} is created",
}


class Readability:
    """Classifies attribute paths of one kind by the service provider's schema, and counts what it had to pass over."""

    def __init__(self, context: Context, kind: Kind) -> None:
        self._context = context
        self._kind = kind
        self._obstacles: dict[Path, str | None] = {}
        self._passed_over: Counter[Path] = Counter()
        self._folded: Counter[Path] = Counter()

    def cannot_compare(self, path: Path) -> bool:
        """Tell whether a difference at this path must not be planned as an update."""
        return self._pass_over(path, self._obstacle(path) is not None)

    def cannot_store(self, path: Path) -> bool:
        """Tell whether a new resource must be made without this path. Nothing is made without its name.

        Atlassian, for one, calls the ``displayName`` of a group read-only and requires it all the same.
        """
        if path == Path(self._kind.naming_attribute):
            return False
        return self._pass_over(path, self._obstacle(path) in ("undeclared", "readOnly"))

    def differs_in_case(self, path: Path) -> None:
        """Count a value that is not equal to the letter and equal for SCIM."""
        self._folded[path] += 1

    def notes(self) -> Iterator[Note]:
        """Yield one note per attribute that was passed over."""
        for path, count in sorted(self._folded.items(), key=lambda item: str(item[0])):
            yield Note(
                severity="note",
                code="case-only",
                message=f"{path} differs only in letter case for {self._counted(count)}: the directory's schema calls "
                "such values equal, so nothing is planned",
            )
        seen = " that was read" if self._context.partial(self._kind) else ""
        for path, count in sorted(self._passed_over.items(), key=lambda item: str(item[0])):
            why = _WHY[self._obstacle(path) or "undeclared"].format(kind=self._kind.lower(), seen=seen)
            yield Note(
                severity="warning",
                code="not-planned",
                message=f"{path} {why}: left out of the plan for {self._counted(count)}. Stop managing it here",
            )

    def _counted(self, count: int) -> str:
        return f"{count:,} {self._kind.lower()}{'' if count == 1 else 's'}"

    def _pass_over(self, path: Path, obstacle: bool) -> bool:
        if obstacle:
            self._passed_over[path] += 1
        return obstacle

    def _obstacle(self, path: Path) -> str | None:
        if path not in self._obstacles:
            self._obstacles[path] = self._find_obstacle(path)
        return self._obstacles[path]

    def _find_obstacle(self, path: Path) -> str | None:
        schema = self._context.schema(self._kind)
        if path == Path(Kind.GROUP.naming_attribute) and self._kind is Kind.GROUP and self._cannot_rename:
            return "immutable"
        whole, part = schema.find(path.name, urn=path.urn), path.definition(schema)
        if whole is None or part is None:
            # A schema may be incomplete: an attribute that some live resource carries is stored all the same.
            return None if tuple(map(fold, path.keys)) in self._seen_live else "undeclared"
        for definition in (whole, part):
            if definition.mutability in ("readOnly", "writeOnly", "immutable"):
                return definition.mutability
            if not definition.comparable:
                return "unreturned"
        return None

    @property
    def _cannot_rename(self) -> bool:
        return not self._context.capabilities.group_rename

    @cached_property
    def _seen_live(self) -> frozenset[tuple[str, ...]]:
        """Every path that some live resource has, as folded keys; not below multi-valued attributes."""
        return frozenset(
            keys for resource in self._context.live.of_kind(self._kind) for keys in _paths(resource.attributes)
        )


def _paths(container: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in container.items():
        keys = (*above, fold(name))
        yield keys
        if isinstance(value, Mapping):
            yield from _paths(value, keys)

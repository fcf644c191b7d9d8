"""What every part of the planner needs to know, and who may be touched at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from reconciler.attributes import ResourceSchema, fold
from reconciler.capabilities import Capabilities
from reconciler.config import Policy
from reconciler.diagnostics import Diagnostic
from reconciler.filters import Filter
from reconciler.model import Desired, DesiredResource, Kind, Live, LiveResource
from reconciler.planning.plan import Note

Predicate = Callable[[Mapping[str, Any]], bool]


@dataclass(slots=True)
class Findings:
    """What a planning collects beside steps: errors that forbid a plan, notes, and counts of what was left alone."""

    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    left_alone: Counter[str] = field(default_factory=Counter)

    def warn(self, code: str, message: str, origin: object = None) -> None:
        """Add a warning that the plan carries."""
        self.notes.append(Note(severity="warning", code=code, message=message, origin=str(origin) if origin else None))


@dataclass(frozen=True, kw_only=True)
class Context:
    """The inputs of one planning, and what it finds out on the way for people to read."""

    desired: Desired
    live: Live
    policy: Policy
    as_of: datetime
    findings: Findings = field(default_factory=Findings)

    @property
    def capabilities(self) -> Capabilities:
        """What the service provider can do."""
        return self.live.capabilities

    def schema(self, kind: Kind) -> ResourceSchema:
        """Return the service provider's attribute definitions for one kind of resource."""
        return self.live.schemas.user if kind is Kind.USER else self.live.schemas.group

    @cached_property
    def _scopes(self) -> dict[Kind, Predicate]:
        texts = {Kind.USER: self.policy.scope_users, Kind.GROUP: self.policy.scope_groups}
        return {kind: _predicate(text, self.schema(kind)) for kind, text in texts.items()}

    def in_scope(self, resource: LiveResource) -> bool:
        """Tell whether the files speak for a live resource."""
        return self._scopes[resource.kind](resource.attributes)

    def will_be_in_scope(self, desired: DesiredResource, live: LiveResource | None) -> bool:
        """Tell whether a listed resource is in scope, given what the directory holds of it beyond what is stated."""
        attributes = {**(live.attributes if live else {}), **desired.attributes}
        return self._scopes[desired.kind](attributes)

    def reserved(self, resource: LiveResource) -> bool:
        """Tell whether a live group is kept by the server itself and never touched."""
        name = fold(resource.name)
        return resource.kind is Kind.GROUP and any(
            fnmatchcase(name, fold(pattern)) for pattern in self.capabilities.reserved_groups
        )


def _predicate(text: str | None, schema: ResourceSchema) -> Predicate:
    if text is None:
        return lambda _: True
    return Filter.parse(text).compile(schema)

"""What every part of the planner needs to know, and who may be touched at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.attributes import ResourceSchema, Schemas, fold, rfc7643
from reconciler.capabilities import Capabilities, UserDelete
from reconciler.config import Policy
from reconciler.diagnostics import Diagnostic
from reconciler.filter_syntax import Node
from reconciler.filters import Filter, FilterError, Predicate
from reconciler.model import NO_HISTORY, Desired, DesiredResource, History, Kind, Live, LiveResource, LiveUser, Origin
from reconciler.planning.leaving_out import Key, key
from reconciler.planning.plan import Note, Pending

if TYPE_CHECKING:
    from reconciler.planning.confinement import Confinement


@dataclass(slots=True)
class Findings:
    """What a planning collects beside steps: errors that forbid a plan, notes, what is pending, what is left alone.

    ``about`` holds by warning the resource whose steps it speaks of, where it means nothing without them.
    """

    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    left_alone: Counter[str] = field(default_factory=Counter)
    about: dict[Note, Key] = field(default_factory=dict)

    def warn(self, code: str, message: str, origin: object = None, *, about: LiveResource | None = None) -> None:
        """Add a warning that the plan carries, unless all steps of the resource that it is about are left out."""
        note = Note(severity="warning", code=code, message=message, origin=str(origin) if origin else None)
        self.notes.append(note)
        if about is not None:
            self.about[note] = key(about.kind, about.id, about.name)

    def forget(self, left_out: Collection[Key]) -> None:
        """Take back the warnings about resources to which nothing is done."""
        self.notes[:] = [note for note in self.notes if self.about.get(note) not in left_out]


class Meaning(NamedTuple):
    """A filter as this directory understands it: what it is made of, by which schema, and the test itself."""

    root: Node
    schema: ResourceSchema
    matches: Predicate


@dataclass(frozen=True, kw_only=True)
class Context:
    """The inputs of one planning, and what it finds out on the way for people to read."""

    desired: Desired
    live: Live
    policy: Policy
    as_of: datetime
    listed: frozenset[str] = frozenset()
    """Ids of the live users that the files list."""
    history: History = NO_HISTORY
    findings: Findings = field(default_factory=Findings)
    confinement: Confinement | None = None
    """What of everything belongs to the plan, where it is one of a change of the files alone."""

    @property
    def capabilities(self) -> Capabilities:
        """What the service provider can do."""
        return self.live.capabilities

    def schema(self, kind: Kind) -> ResourceSchema:
        """Return the service provider's attribute definitions for one kind of resource."""
        return _of_kind(kind, self.live.schemas)

    @cached_property
    def _stated_schemas(self) -> Schemas:
        """The definitions by which stated attributes are read; see :func:`_as_stated`."""
        own, server = rfc7643(), self.live.schemas
        return Schemas(user=_as_stated(own.user, server.user), group=_as_stated(own.group, server.group))

    def meaning(
        self, text: str, kind: Kind, *, stated: bool, what: str, origin: Origin | None = None
    ) -> Meaning | None:
        """Return what a filter means for resources of a kind, or report that it has no meaning here.

        A filter that reads an attribute which no schema knows has none: taken by the letter it would be false for
        everybody, or true behind a ``not``, and empty a group or open the scope to everybody.

        Args:
            text: the filter.
            kind: what it selects from.
            stated: whether it is evaluated on resources as files state them, or as the directory returns them.
            what: what the filter is, for a person.
            origin: where it stands.
        """
        as_stated = _of_kind(kind, self._stated_schemas)
        try:
            parsed = Filter.parse(text)
            for schema in (as_stated,) if stated else (self.schema(kind), as_stated):
                if not parsed.unknown_attributes(schema):
                    return Meaning(parsed.root, schema, parsed.compile(schema))
            unknown = ", ".join(parsed.unknown_attributes(as_stated))
            message = f"{what} reads {unknown}, which no schema of the directory has"
        except FilterError as error:
            message = f"{what} is {error}"
        self.findings.problems.append(Diagnostic(code="filter", message=message, origin=origin, text=text))
        return None

    def _scope(self, kind: Kind, *, stated: bool) -> Predicate | None:
        text = self.policy.scope_users if kind is Kind.USER else self.policy.scope_groups
        meaning = self.meaning(text, kind, stated=stated, what=scope_name(kind)) if text is not None else None
        return meaning.matches if meaning else None

    @cached_property
    def _scopes_of_stated(self) -> dict[Kind, Predicate | None]:
        return {kind: self._scope(kind, stated=True) for kind in Kind}

    @cached_property
    def _ids_in_scope(self) -> dict[Kind, frozenset[str] | None]:
        return {
            kind: None
            if scope is None
            else frozenset(resource.id for resource in self.live.of_kind(kind) if scope(resource.attributes))
            for kind in Kind
            for scope in [self._scope(kind, stated=False)]
        }

    def in_scope(self, resource: LiveResource) -> bool:
        """Tell whether the files speak for a live resource.

        A name that the directory made up on deactivation says nothing of whose account it is: there it counts that the
        files list the user.
        """
        ids = self._ids_in_scope[resource.kind]
        return ids is None or resource.id in ids or (resource.id in self.listed and self.rewritten(resource))

    def rewritten(self, resource: LiveResource) -> bool:
        """Tell whether the scope reads of a live resource what the directory made up when it was deactivated."""
        return isinstance(resource, LiveUser) and not resource.active and self._scope_reads_made_up

    @cached_property
    def _scope_reads_made_up(self) -> bool:
        scope = self.policy.scope_users
        if scope is None or self._scopes_of_stated[Kind.USER] is None:
            return False
        return any(map(self.capabilities.rewrites, Filter.parse(scope).attributes))

    @cached_property
    def _deleted_in_vain(self) -> frozenset[str]:
        return frozenset(one.id for one in self.history.observations if one.kind is Kind.USER and not one.path)

    def as_good_as_deleted(self, user: LiveUser) -> bool:
        """Tell whether deleting a user would change nothing: the directory keeps deleted users, as inactive ones."""
        soft = self.capabilities.user_delete is UserDelete.SOFT
        return not user.active and (soft or user.id in self._deleted_in_vain)

    def plans(self, desired: DesiredResource) -> bool:
        """Tell whether the plan is about a listed resource itself, and not about its memberships alone."""
        return self.confinement is None or self.confinement.plans(desired)

    def partial(self, kind: Kind) -> bool:
        """Tell whether resources of a kind that no file names are unknown."""
        return kind in self.live.partial

    def will_be(self, desired: DesiredResource, live: LiveResource | None) -> dict[str, Any]:
        """Return the attributes that a listed resource will have, with what the directory holds beyond the stated."""
        return _overlay(live.attributes if live else {}, desired.attributes)

    def will_be_in_scope(self, desired: DesiredResource, live: LiveResource | None) -> bool:
        """Tell whether a listed resource is in scope, given what the directory holds of it beyond what is stated."""
        scope = self._scopes_of_stated[desired.kind]
        return scope is None or scope(self.will_be(desired, live))

    def reserved(self, kind: Kind, name: str) -> bool:
        """Tell whether a group of this name is kept by the server itself and never touched."""
        return kind is Kind.GROUP and self.capabilities.reserves(name)

    @cached_property
    def _live_names(self) -> dict[Kind, Counter[str]]:
        return {kind: Counter(resource.name for resource in self.live.of_kind(kind)) for kind in Kind}

    def bearers(self, kind: Kind, name: str) -> int:
        """Return how many live resources have exactly this name."""
        return self._live_names[kind][name]


def scope_name(kind: Kind) -> str:
    """Return where ``directory.yaml`` says which resources of a kind the files speak for."""
    return f"scope.{kind.lower()}s"


def _of_kind(kind: Kind, schemas: Schemas) -> ResourceSchema:
    return schemas.user if kind is Kind.USER else schemas.group


def _as_stated(own: ResourceSchema, server: ResourceSchema) -> ResourceSchema:
    """Return the definitions by which stated attributes are read: RFC 7643's, with what the server has beyond it.

    ``department`` in a file is the enterprise extension's, as the short form is. A server may have an attribute of that
    name outside the extension as well (Atlassian has); read by the server's schema alone, ``match: department eq "X"``
    would look there, match nobody, and empty the group.
    """
    short = {name for attributes in own.extensions.values() for name in attributes}
    beyond = {name: attribute for name, attribute in server.attributes.items() if name not in short}
    extensions = {fold(urn): (urn, attributes) for urn, attributes in server.extensions.items()}
    for urn, attributes in own.extensions.items():
        name, found = extensions.get(fold(urn), (urn, {}))
        extensions[fold(urn)] = (name, {**attributes, **found})
    return ResourceSchema(urn=own.urn, attributes={**own.attributes, **beyond}, extensions=dict(extensions.values()))


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of ``below`` with those of ``above`` written over them, sub-attribute by sub-attribute."""
    merged = dict(below)
    for name, value in above.items():
        beneath = merged.get(name)
        merged[name] = (
            _overlay(beneath, value) if isinstance(value, Mapping) and isinstance(beneath, Mapping) else value
        )
    return merged

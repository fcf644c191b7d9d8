"""A directory in memory that carries out plans by the letter, as a correct apply does.

It stores what it is told as a correct server does, or makes of it what a test says.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Protocol

from reconciler.attributes import Path, canonical, fold, unassigned
from reconciler.model import Kind, Live, LiveGroup, LiveResource, LiveUser, Observation
from reconciler.planning import Action, Change, Plan, Step
from reconciler.planning.changes import same
from reconciler.planning.preconditions import digest


class RefusedError(AssertionError):
    """The plan asks for something that a server refuses, or that the plan itself has made impossible."""


class Stores(Protocol):
    """What a server makes of a value that is written to it."""

    def __call__(self, path: str, before: Any, value: Any) -> Any:
        """Return what is stored, given the path, what was there, and what was written."""


class SimulatedDirectory:
    """Holds a live state and changes it step by step.

    Attributes:
        observations: what was stored otherwise than it was written, in order.
    """

    def __init__(self, live: Live, stores: Stores | None = None) -> None:
        self.observations: list[Observation] = []
        self._live = live
        self._stores = stores
        self._resources: dict[str, LiveResource] = {
            one.id: replace(one, attributes=deepcopy(one.attributes)) for one in (*live.users, *live.groups)
        }
        self._created: dict[str, str] = {}
        self._done: set[str] = set()

    def apply(self, plan: Plan, *, first: int | None = None) -> Live:
        """Carry out the first so many steps of a plan, or all, and return what the directory then holds."""
        for step in plan.steps[:first]:
            self._carry_out(step)
            self._done.add(step.id)
        return replace(
            self._live,
            users=tuple(one for one in self._resources.values() if isinstance(one, LiveUser)),
            groups=tuple(one for one in self._resources.values() if isinstance(one, LiveGroup)),
        )

    def _carry_out(self, step: Step) -> None:
        if not self._done.issuperset(step.needs):
            raise RefusedError(f"{step.id} comes before what it needs: {step.needs}")
        if step.action is Action.CREATE:
            self._create(step)
            return
        resource = self._resources[step.resource_id or self._created[step.address]]
        schemas = self._live.schemas
        schema = schemas.user if step.kind is Kind.USER else schemas.group
        if step.precondition and digest(resource, step.precondition.paths, schema) != step.precondition.digest:
            raise RefusedError(f"{step.id} was made stale by the plan's own steps")
        if step.action is Action.DELETE:
            self._delete(resource.id)
        elif step.members:
            assert isinstance(resource, LiveGroup)
            self._change_members(resource, step)
        else:
            self._write(resource, step.changes)
            if step.action is Action.DEACTIVATE:
                for path in self._live.capabilities.deactivation_mutates:
                    resource.attributes[path] = [{"value": "off@x.invalid"}] if path == "emails" else "off"

    def _create(self, step: Step) -> None:
        taken = len(self._resources)
        resource_id = next(
            f"new-{number}" for number in range(taken, 2 * taken + 1) if f"new-{number}" not in self._resources
        )
        self._resources[resource_id] = (
            LiveUser(id=resource_id, attributes={})
            if step.kind is Kind.USER
            else LiveGroup(id=resource_id, attributes={}, members=() if self._tells_members else None)
        )
        self._created[step.address] = resource_id
        self._write(self._resources[resource_id], step.changes, new=True)

    @property
    def _tells_members(self) -> bool:
        return self._live.capabilities.groups_hold_members

    def _write(self, resource: LiveResource, changes: tuple[Change, ...], *, new: bool = False) -> None:
        schema = self._live.schemas.user if resource.kind is Kind.USER else self._live.schemas.group
        for change in changes:
            path = Path.parse(change.path)
            before = path.get(resource.attributes)
            written = deepcopy(change.after)
            stored = self._stores(change.path, before, written) if self._stores else written
            _set(resource.attributes, path, stored)
            if not same(change.after, stored, path.definition(schema)):
                self.observations.append(
                    Observation(
                        kind=resource.kind,
                        id=resource.id,
                        path=change.path,
                        wrote=change.after,
                        stored=stored,
                        unchanged=not new and canonical(before, None) == canonical(stored, None),
                    )
                )
        naming = resource.kind.naming_attribute
        if self._live.capabilities.unique(resource.kind, naming) and any(one.path == naming for one in changes):
            rivals = [
                other.name
                for other in self._resources.values()
                if other.kind is resource.kind and other is not resource and fold(other.name) == fold(resource.name)
            ]
            if rivals:
                raise RefusedError(f"409: {resource.address} is there already as {rivals}")

    def _change_members(self, group: LiveGroup, step: Step) -> None:
        if group.members is None:
            return
        ids = dict.fromkeys(edge.id or self._created[edge.address] for edge in step.members)
        if not self._resources.keys() >= ids.keys():
            raise RefusedError(
                f"404: {step.id} names members that are not there: {ids.keys() - self._resources.keys()}"
            )
        for member in ids if step.action is Action.ADD_MEMBERS else ():
            if group.id in self._groups_in(member):
                raise RefusedError(f"400: {step.id} puts {group.name} into itself")
        members = (
            {**dict.fromkeys(group.members), **ids}
            if step.action is Action.ADD_MEMBERS
            else [member for member in group.members if member not in ids]
        )
        self._resources[group.id] = replace(group, members=tuple(members))

    def _groups_in(self, start: str) -> set[str]:
        """A group, and all groups in it and in those."""
        found, pending = set[str](), [start]
        while pending:
            resource = self._resources.get(pending.pop())
            if isinstance(resource, LiveGroup) and resource.id not in found:
                found.add(resource.id)
                pending.extend(resource.members or ())
        return found

    def _delete(self, resource_id: str) -> None:
        del self._resources[resource_id]
        for group in list(self._resources.values()):
            if isinstance(group, LiveGroup) and group.members and resource_id in group.members:
                left = tuple(member for member in group.members if member != resource_id)
                self._resources[group.id] = replace(group, members=left)


def _set(attributes: dict[str, Any], path: Path, value: Any) -> None:
    *above, last = path.keys
    container = attributes
    for name in above:
        inner = container.setdefault(_spelled(container, name), {})
        if not isinstance(inner, dict):
            inner = container[_spelled(container, name)] = {}
        container = inner
    if unassigned(value):
        container.pop(_spelled(container, last), None)
    else:
        container[_spelled(container, last)] = value


def _spelled(container: Mapping[str, Any], name: str) -> str:
    return next((known for known in container if fold(known) == fold(name)), name)

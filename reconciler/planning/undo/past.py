"""What a run did, as its ledger tells: the input of an undo, gathered by resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from reconciler.attributes import Path, fold
from reconciler.model import Kind, Live
from reconciler.planning.plan import Action, Edge, Plan, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS

_DONE: Final = frozenset({"applied", "differs"})
_TRYING: Final = "trying"
_FAILED: Final = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStep:
    """One line of the ledger.

    Attributes:
        step: the step of the run's plan.
        status: ``not_tried``, ``trying``, or the status that it ended with.
        resource_id: the id of its resource, also of one that the step created.
        before: of a resource that the step deleted: its attributes in SCIM's JSON form, ``members`` as a list of ids.
        requests: how many writes were sent for it. 0 is a step that found everything done: there is nothing to undo.
            ``None`` where it is not known, and for a run that goes on with another one, whose requests they were.
    """

    step: Step
    status: str
    resource_id: str | None = None
    before: Mapping[str, Any] | None = None
    requests: int | None = None

    @property
    def counts(self) -> bool:
        """Whether the step changed something, or may have: a failed one was refused."""
        return self.status == _TRYING or (self.status in _DONE and self.requests != 0)

    @property
    def counts_in_part(self) -> bool:
        """Whether the step is a batch of memberships that failed and of which some may have been written."""
        return self.status == _FAILED and bool(self.requests) and bool(self.step.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A recorded run.

    Attributes:
        id: its name.
        plan: what it applied.
        steps: what became of each step, in the order of the plan.
    """

    id: str
    plan: Plan
    steps: tuple[PastStep, ...]


class Written(NamedTuple):
    """One attribute as it was before the run, and as the run wrote it."""

    before: Any
    after: Any


class Moved(NamedTuple):
    """One membership that the run added, or else removed. ``member`` is the id that the member had."""

    edge: Edge
    member: str
    added: bool


@dataclass(slots=True)
class Touched:
    """One existing resource that the run changed. ``name`` is the one by which the plan calls it."""

    name: str
    written: dict[Path, Written] = field(default_factory=dict)
    moved: dict[str, Moved] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    """The ids of the members that it added."""


@dataclass(slots=True)
class Deeds:
    """Everything that a run did.

    Attributes:
        created: its creations; their ids are in ``created_ids``.
        created_ids: by address, the id of what it created, where it is known or can be told from the directory.
        deleted: its deletions.
        touched: what it changed of other resources, by kind and id.
        in_part: batches of memberships that failed, and of which nobody knows what was written.
    """

    created: list[PastStep] = field(default_factory=list)
    created_ids: dict[str, str] = field(default_factory=dict)
    deleted: list[PastStep] = field(default_factory=list)
    touched: dict[tuple[Kind, str], Touched] = field(default_factory=dict)
    in_part: list[PastStep] = field(default_factory=list)

    @classmethod
    def of(cls, past: PastRun, live: Live) -> Deeds:
        """Gather what a run did. A creation of which nobody knows whether it happened is looked for by its name."""
        deeds = cls()
        for one in past.steps:
            if one.counts:
                deeds._add(one, live)
            elif one.counts_in_part:
                deeds.in_part.append(one)
        return deeds

    def given(self, group_id: str) -> AbstractSet[str]:
        """Return the ids of the members that the run added to a group."""
        touched = self.touched.get((Kind.GROUP, group_id))
        return touched.given if touched else frozenset()

    def _add(self, one: PastStep, live: Live) -> None:
        step = one.step
        if step.action is Action.CREATE:
            self.created.append(one)
            resource_id = one.resource_id or _only_one_named(live, step)
            if resource_id is not None:
                self.created_ids[step.address] = resource_id
            return
        if step.action is Action.DELETE:
            self.deleted.append(one)
            return
        resource_id = step.resource_id or one.resource_id or self.created_ids.get(step.address)
        if resource_id is None:
            return
        touched = self.touched.setdefault((step.kind, resource_id), Touched(step.name))
        if step.action in MEMBERSHIP_ACTIONS:
            added = step.action is Action.ADD_MEMBERS
            moved = dict(self._moved(step.members, added=added))
            touched.moved.update(moved)
            (touched.given.update if added else touched.given.difference_update)(moved)
        for change in step.changes:
            path = Path.parse(change.path)
            first = touched.written.get(path)
            touched.written[path] = Written(first.before if first else change.before, change.after)

    def _moved(self, edges: Iterable[Edge], *, added: bool) -> Iterable[tuple[str, Moved]]:
        for edge in edges:
            member = edge.id or self.created_ids.get(edge.address)
            if member is not None:
                yield member, Moved(edge, member, added)


def _only_one_named(live: Live, step: Step) -> str | None:
    found = [one.id for one in live.of_kind(step.kind) if fold(one.name) == fold(step.name)]
    return found[0] if len(found) == 1 else None

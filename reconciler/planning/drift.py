"""Drift told from what is pending: the directory changed, or the files did. Pure, like planning, and without guards.

Drift is what the plan of the *last applied* files would change, judged at the moment of that run: the run left it
otherwise. What only the plan of the files as they are *now* would change is pending.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

import msgspec

from reconciler.attributes import Path, Schemas, canonical, fold
from reconciler.config import Policy
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import NO_HISTORY, Desired, History, Kind, Live, utc
from reconciler.planning.plan import Action, Change, DirectoryIdentity, Edge, Note, Pending, Plan, Reason, Step
from reconciler.planning.planner import plan
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS

FORMAT: Final = "reconciler.drift/1"

_BATCH: Final = re.compile(r" \d+/\d+$")
_LOSSES: Final = frozenset({Action.DEACTIVATE, Action.DELETE})
_EXISTENCE: Final = "(resource)"
"""What a creation is about, and a loss: the resource itself."""


class Sort(StrEnum):
    """Who changed something, as far as that can be told."""

    DRIFT = "drift"
    """The directory is not as the last run left it, and the files want it as that run left it."""
    BOTH = "both"
    """The directory is not as the last run left it, and the files want something else again."""
    PENDING = "pending"
    """The directory is as the last run left it, or that run did not get so far, and the files want something else."""
    UNKNOWN = "unknown"
    """It is not known what the last run left."""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One difference between the directory and the files: an attribute, a membership, or a whole resource.

    Attributes:
        sort: who changed it.
        key: names the difference, the same in every run: the resource, and the path or the member.
        value: ``sha256:…`` of what the directory holds now. A difference is accepted by its key and this value.
        action: what an apply would do about it.
        kind: of the resource.
        name: its naming attribute as it is in the directory.
        reason: why an apply would.
        step: the id of the step that would do it, without the number of its batch.
        resource_id: its id; ``None`` for one that is missing.
        path: of the attribute that differs.
        member: the address of the member who is in the group and should not be, or the other way round.
        live: what the directory holds of the attribute.
        left: what the last run left there; only for drift.
        wanted: what the files state; of a missing resource, its attributes by path.
        origin: ``file:line`` of the YAML that states it.
    """

    sort: Sort
    key: str
    value: str
    action: Action
    kind: Kind
    name: str
    reason: Reason
    step: str = ""
    resource_id: str | None = None
    path: str | None = None
    member: str | None = None
    live: Any = None
    left: Any = None
    wanted: Any = None
    origin: str | None = None

    @property
    def address(self) -> str:
        """How messages name the resource."""
        return self.kind.address(self.name)


class Drift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the directory, the files, and what was last applied stand to each other.

    Attributes:
        directory: which directory it is about.
        as_of: RFC 3339 time at which the files of now were judged.
        last_run: the run whose files are compared with; ``None`` where it is not known what the last run left.
        last_as_of: RFC 3339 time at which that run judged them.
        items: every difference that is not accepted.
        accepted: drift that a person has accepted, and that has not changed since.
        adopted: the directory's own changes that the files have come to accept. ``wanted`` is what they stated before.
            Empty where ``--only`` or ``--exclude`` confine what is looked at.
        waiting: what unlisted resources are waiting for.
        notes: what a reader should know.
        format: the version of the document.
    """

    directory: DirectoryIdentity
    as_of: str
    last_run: str | None = None
    last_as_of: str | None = None
    items: tuple[Item, ...] = ()
    accepted: tuple[Item, ...] = ()
    adopted: tuple[Item, ...] = ()
    waiting: tuple[Pending, ...] = ()
    notes: tuple[Note, ...] = ()
    format: Literal["reconciler.drift/1"] = FORMAT

    def of(self, *sorts: Sort) -> tuple[Item, ...]:
        """Return the differences of some sorts, in the order of a plan."""
        return tuple(item for item in self.items if item.sort in sorts)

    @property
    def summary(self) -> str:
        """The last line of every rendering. What both sides changed counts on both."""
        if self.last_run is None:
            unknown = len(self.items)
            if not unknown and not self.accepted:
                return "No differences. The directory matches the files; what the last run left is not known."
            return f"Differences: {unknown} of unknown origin, {len(self.accepted)} accepted."
        if not self.items and not self.accepted:
            return "No drift. The directory is as the last run left it."
        changed, pending = len(self.of(Sort.DRIFT, Sort.BOTH)), len(self.of(Sort.PENDING, Sort.BOTH))
        return (
            f"Drift: {changed} changed in the directory, {pending} pending from the files, "
            f"{len(self.accepted)} accepted."
        )


def find_drift(
    *,
    last: Desired | None,
    last_as_of: datetime | None,
    desired: Desired,
    live: Live,
    as_of: datetime,
    policy: Policy | None = None,
    history: History = NO_HISTORY,
    unapplied: Collection[str] = (),
    accepted: Mapping[str, str] | None = None,
    last_run: str | None = None,
) -> Drift:
    """Tell what changed in the directory from what the files have still to change.

    Args:
        last: what the files stated when they were last applied, with the rules of that time in its policy; ``None``
            where no run is recorded. Then every difference is of unknown origin.
        last_as_of: the moment at which that run judged ``from`` and ``until``.
        desired: what the files state now.
        live: what the directory holds now, complete.
        as_of: the moment at which they are judged; must know its time zone.
        policy: the rules of planning now; what ``directory.yaml`` says unless given. Guards do not count.
        history: what earlier runs left.
        unapplied: ids of the steps of that run that were not applied: what they would change is pending.
        accepted: the baseline: by key, the value that was accepted.
        last_run: the name of that run.

    Returns:
        The differences of the plan for the files as they are now, each in one sort.

    Raises:
        DiagnosticsError: the files of now are in doubt, as in planning.
    """
    new = plan(desired, live, as_of=as_of, policy=policy, history=history)
    notes: list[Note] = []
    old = None if last is None or last_as_of is None else _last_plan(last, live, last_as_of, history, notes)
    units = [*_units(new, live.schemas)]
    olds = {unit.slot: unit for unit in _units(old, live.schemas)} if old is not None else None
    sorted_items = [_sorted(unit, olds, {*map(without_batch, unapplied)}, accepted or {}) for unit in units]
    selected = bool(new.only or new.exclude)
    known = {unit.slot for unit in units}
    return Drift(
        directory=new.directory,
        as_of=new.as_of,
        last_run=(last_run or "") if old is not None else None,
        last_as_of=utc(last_as_of) if old is not None and last_as_of is not None else None,
        items=tuple(item for item, is_accepted in sorted_items if not is_accepted),
        accepted=tuple(item for item, is_accepted in sorted_items if is_accepted),
        adopted=()
        if olds is None or selected
        else tuple(
            unit.item(Sort.DRIFT)
            for unit in olds.values()
            if unit.slot not in known and unit.step not in {*map(without_batch, unapplied)}
        ),
        waiting=new.pending,
        notes=tuple(notes),
    )


def _last_plan(last: Desired, live: Live, as_of: datetime, history: History, notes: list[Note]) -> Plan | None:
    """Return what the last applied files would change, or ``None`` where the directory is ambiguous for them now."""
    try:
        # Nothing is left out here: what is not asked about is looked up by nobody.
        policy = replace(last.config.policy, only=(), exclude=())
        return plan(last, live, as_of=as_of, policy=policy, history=history)
    except DiagnosticsError as error:
        first = next(iter(error.diagnostics)).message
        notes.append(
            Note(
                severity="warning",
                code="origin-unknown",
                message="the directory has changed so that what was last applied cannot be compared with it any more, "
                f"and every difference is of unknown origin: {first}",
            )
        )
        return None


class _Slot(NamedTuple):
    """What a difference is about, by which the two plans are compared."""

    kind: Kind
    resource: str
    part: str


class _Unit(NamedTuple):
    """The smallest thing that a plan changes, and that can differ on its own.

    Attributes:
        slot: what it is about.
        step: the id of the step, without the number of its batch.
        key: see :class:`Item`.
        value: see :class:`Item`.
        made_of: the step, and the change or membership where it is about one of several.
        after: the canonical form of what would be there after an apply.
    """

    slot: _Slot
    step: str
    key: str
    value: str
    made_of: tuple[Step, Change | Edge | None]
    after: Any

    def item(self, sort: Sort, left: Any = None) -> Item:
        """Return the difference as people see it."""
        step, part = self.made_of
        path, member, live, wanted = None, None, None, None
        if isinstance(part, Edge):
            member = part.address
        elif part is not None:
            path, live, wanted = part.path, part.before, part.after
        elif step.action is Action.CREATE:
            wanted = {change.path: change.after for change in step.changes}
        return Item(
            sort=sort,
            key=self.key,
            value=self.value,
            action=step.action,
            kind=step.kind,
            name=step.name,
            reason=part.reason if isinstance(part, Edge) else step.reason,
            step=self.step,
            resource_id=step.resource_id,
            path=path,
            member=member,
            live=live,
            left=left,
            wanted=wanted,
            origin=(part.origin if part is not None else None) or step.origin,
        )


def _units(made: Plan, schemas: Schemas) -> Iterator[_Unit]:
    """Yield everything that a plan changes, in its order. No two have the same key."""
    keys: set[str] = set()
    for step in made.steps:
        subject = without_batch(step.id).partition(" ")[2]
        for part, what, value, after in _parts(step, schemas):
            key = f"{subject} {what}"
            if key in keys and isinstance(part, Edge):
                key = f"{key} ({part.id})"
            keys.add(key)
            slot = _Slot(step.kind, step.resource_id or fold(step.name), _place(part))
            yield _Unit(slot, without_batch(step.id), key, _digest(value), (step, part), after)


def _parts(step: Step, schemas: Schemas) -> Iterable[tuple[Change | Edge | None, str, Any, Any]]:
    """Yield what a step changes: the part, how keys call it, what is there now, and what would be there after."""
    if step.action in MEMBERSHIP_ACTIONS:
        added = step.action is Action.ADD_MEMBERS
        for edge in step.members:
            yield edge, f"members {edge.address}", [not added, edge.id], added
    elif step.action in _LOSSES:
        yield None, _EXISTENCE, [step.resource_id], step.action
    elif step.action is Action.CREATE:
        yield None, _EXISTENCE, None, tuple(sorted(_forms(step, schemas), key=repr))
    else:
        for change, (path, after) in zip(step.changes, _forms(step, schemas), strict=True):
            definition = Path.parse(path).definition(_schema(step, schemas))
            yield change, path, canonical(change.before, definition), after


def _forms(step: Step, schemas: Schemas) -> Iterator[tuple[str, Any]]:
    schema = _schema(step, schemas)
    for change in step.changes:
        yield change.path, canonical(change.after, Path.parse(change.path).definition(schema))


def _schema(step: Step, schemas: Schemas) -> Any:
    return schemas.user if step.kind is Kind.USER else schemas.group


def _place(part: Change | Edge | None) -> str:
    if isinstance(part, Edge):
        return f"members {part.id or fold(part.address)}"
    return _EXISTENCE if part is None else fold(part.path)


def without_batch(step_id: str) -> str:
    """Return the id of a step without the number of its batch, which the size of the others decides."""
    return _BATCH.sub("", step_id)


def _digest(value: Any) -> str:
    encoded = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return "sha256:" + hashlib.sha256(encoded.encode()).hexdigest()


def _sorted(
    unit: _Unit, olds: Mapping[_Slot, _Unit] | None, unapplied: Collection[str], accepted: Mapping[str, str]
) -> tuple[Item, bool]:
    """Return a difference with its sort, and whether it is accepted. The files' own share in it never is."""
    is_accepted = accepted.get(unit.key) == unit.value
    if olds is None:
        return unit.item(Sort.UNKNOWN), is_accepted
    old = olds.get(unit.slot)
    if old is None or unit.step in unapplied:
        return unit.item(Sort.PENDING), False
    left = _left(old)
    if old.after == unit.after:
        return unit.item(Sort.DRIFT, left), is_accepted
    return (unit.item(Sort.PENDING) if is_accepted else unit.item(Sort.BOTH, left)), False


def _left(old: _Unit) -> Any:
    part = old.made_of[1]
    return part.after if isinstance(part, Change) else None

"""What separates two plans: a reviewed one, and the one that would be made today.

Compared is what would be done, to whom and why. What follows from other steps or from where things stand in the files
does not count: the order, chunks, batches, ``needs`` and ``origin``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.plan import Action, Change, Edge, Note, Plan, Step
from reconciler.planning.signing import signer
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS

_RISKS: Final = ("users.delete", "groups.delete", "users.deactivate", "members.remove", "identity.change")
"""The kinds of change that take something away, or make somebody another; the worst first."""
_FACTS: Final = ("name", "resource_id", "reason", "correlated_by", "replaces", "min_members", "note")


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the comparison as JSON. Fields at their default are left out."""


class Difference(_Value, frozen=True):
    """One fact that the two plans state otherwise.

    Attributes:
        what: its name: ``desired.commit``, ``capabilities.paging``, ``guard members.remove of group:team-core``.
        old: what the older plan states; ``None`` is nothing.
        new: what the newer one states.
    """

    what: str
    old: Any = None
    new: Any = None


class ChangeDifference(_Value, frozen=True):
    """One attribute that a step of both plans would write otherwise.

    Attributes:
        path: of the attribute.
        old: what the older plan would do with it; ``None`` is nothing.
        new: what the newer one would do.
    """

    path: str
    old: Change | None = None
    new: Change | None = None


class StepDifference(_Value, frozen=True):
    """A step that is in both plans, and not the same.

    Attributes:
        step: of the newer plan. The batches of one group are one step.
        moved: whether the directory has moved under it: the values that the step rests on are others now.
        facts: what else is said of it.
        changes: attributes that would be written otherwise.
        members_new: memberships that only the newer plan would change.
        members_gone: memberships that only the older one would.
    """

    step: Step
    moved: bool = False
    facts: tuple[Difference, ...] = ()
    changes: tuple[ChangeDifference, ...] = ()
    members_new: tuple[Edge, ...] = ()
    members_gone: tuple[Edge, ...] = ()

    @property
    def risks(self) -> Mapping[str, int]:
        """How many changes of each risky kind are in the newer step alone."""
        found: Counter[str] = Counter()
        if self.step.action is Action.REMOVE_MEMBERS and self.members_new:
            found["members.remove"] = len(self.members_new)
        if self.step.identity and any(one.new is not None and one.new.identity for one in self.changes):
            found["identity.change"] = 1
        return found


class Gone(_Value, frozen=True):
    """A step that only the older plan holds.

    Attributes:
        step: that step.
        why: what the newer plan says of it: ``left out: --only``, ``pending until 2026-12-01T00:00:00Z``; ``None``
            where it says nothing.
    """

    step: Step
    why: str | None = None


class Comparison(_Value, frozen=True, kw_only=True):
    """What separates two plans. Where something is taken away, it comes first.

    Attributes:
        alarms: what a reviewer must know before anything else, in sentences.
        new: steps that only the newer plan holds: nobody has reviewed them.
        changed: steps of both that are not the same.
        gone: steps that only the older plan holds.
        same: how many steps are the same. The batches of one group are one step.
        same_files: whether both plans were made from the same files. Then what is gone is done already, or its time
            has passed; otherwise it may be wanted no more.
        provenance: what the plans say of how they were made, where they differ.
        warnings: warnings that only the newer plan gives.
    """

    alarms: tuple[str, ...] = ()
    new: tuple[Step, ...] = ()
    changed: tuple[StepDifference, ...] = ()
    gone: tuple[Gone, ...] = ()
    same: int
    same_files: bool
    provenance: tuple[Difference, ...] = ()
    warnings: tuple[Note, ...] = ()

    @property
    def equivalent(self) -> bool:
        """Whether both plans would do the same, so that what was said of one holds for the other."""
        return not (self.alarms or self.new or self.changed or self.gone)

    @property
    def risks(self) -> Mapping[str, int]:
        """How many changes of each risky kind only the newer plan would make, by kind, the worst first."""
        found: Counter[str] = Counter()
        for step in self.new:
            found.update(_risks(step))
        for difference in self.changed:
            found.update(difference.risks)
        return {kind: found[kind] for kind in _RISKS if found[kind]}


def compare(old: Plan, new: Plan) -> Comparison:
    """Return what separates a newer plan from an older one, a reviewed one for instance."""
    pairs, only_old, only_new = _paired(_whole_steps(old), _whole_steps(new))
    differing = [difference for mine, theirs in pairs if (difference := _difference(mine, theirs)) is not None]
    return Comparison(
        alarms=tuple(_alarms(old, new)),
        new=tuple(sorted(only_new, key=lambda step: _rank(_risks(step)))),
        changed=tuple(sorted(differing, key=lambda difference: _rank(difference.risks))),
        gone=tuple(Gone(step=step, why=why) for step, why in _explained(only_old, new)),
        same=len(pairs) - len(differing),
        same_files=old.desired.digest == new.desired.digest,
        provenance=tuple(_provenance(old, new)),
        warnings=tuple(_new_warnings(old, new)),
    )


def _whole_steps(plan: Plan) -> list[Step]:
    """Return the steps with all batches of one group in one."""
    found: dict[tuple[object, ...], Step] = {}
    for step in plan.steps:
        batched = step.action in MEMBERSHIP_ACTIONS
        key = (step.action, step.kind, step.resource_id or step.name) if batched else (step.id,)
        first = found.get(key)
        whole = step if first is None else msgspec.structs.replace(first, members=first.members + step.members)
        found[key] = whole
    return list(found.values())


def _paired(old: Iterable[Step], new: Sequence[Step]) -> tuple[list[tuple[Step, Step]], list[Step], list[Step]]:
    """Return the steps that do the same kind of thing to the same resource, and what is left of both plans.

    A resource is known by its id, and by its name where one of the plans would create it. Two resources with the same
    name and different ids are two: whom somebody was asked about is not who is there now.
    """
    pairs: list[tuple[Step, Step]] = []
    left = list(old)
    for with_ids in (True, False):
        waiting: dict[tuple[object, ...], list[Step]] = {}
        for step in left:
            waiting.setdefault(_key(step, by_id=with_ids), []).append(step)
        taken = {id(theirs) for _, theirs in pairs}
        for theirs in new:
            fitting = [] if id(theirs) in taken else waiting.get(_key(theirs, by_id=with_ids), [])
            mine = next((one for one in fitting if with_ids or None in (one.resource_id, theirs.resource_id)), None)
            if mine is not None:
                fitting.remove(mine)
                pairs.append((mine, theirs))
        left = [step for steps in waiting.values() for step in steps]
    taken = {id(step) for pair in pairs for step in pair}
    return pairs, left, [step for step in new if id(step) not in taken]


def _key(step: Step, *, by_id: bool) -> tuple[object, ...]:
    known = (True, step.resource_id) if by_id and step.resource_id is not None else (False, fold(step.name))
    return (step.action, step.kind, *known)


def _difference(old: Step, new: Step) -> StepDifference | None:
    """Return how a step of both plans differs; ``None`` where it is the same."""
    mine, theirs = ({change.path: change for change in step.changes} for step in (old, new))
    changes = tuple(
        ChangeDifference(path=path, old=mine.get(path), new=theirs.get(path))
        for path in dict.fromkeys((*theirs, *mine))
        if _written(mine.get(path)) != _written(theirs.get(path))
    )
    difference = StepDifference(
        step=new,
        moved=_moved(old, new),
        facts=tuple(
            Difference(what=name, old=before, new=after)
            for name in _FACTS
            if (before := getattr(old, name)) != (after := getattr(new, name))
        ),
        changes=changes,
        members_new=_edges_without(new.members, old.members),
        members_gone=_edges_without(old.members, new.members),
    )
    return None if difference == StepDifference(step=new) else difference


def _written(change: Change | None) -> tuple[object, ...] | None:
    """Return what is compared of a change. Details follow from the values, and the origin only says where it stands."""
    return None if change is None else (change.before, change.after, change.identity)


def _moved(old: Step, new: Step) -> bool:
    if old.precondition is None or new.precondition is None:
        return False
    # Over other paths the digest is another, whatever the directory holds.
    same_paths = old.precondition.paths == new.precondition.paths
    return same_paths and old.precondition.digest != new.precondition.digest


def _edges_without(edges: Iterable[Edge], others: Iterable[Edge]) -> tuple[Edge, ...]:
    """Return the edges to members to whom there is none among the others."""
    ids: dict[tuple[Kind, str], set[str | None]] = {}
    for edge in others:
        ids.setdefault((edge.kind, fold(edge.name)), set()).add(edge.id)

    def known(edge: Edge) -> bool:
        found = ids.get((edge.kind, fold(edge.name)), set())
        return edge.id in found or (bool(found) and (edge.id is None or None in found))

    return tuple(edge for edge in edges if not known(edge))


def _risks(step: Step) -> Mapping[str, int]:
    return {kind: len(step.members) or 1 for kind in step.change_kinds if kind in _RISKS}


def _rank(risks: Mapping[str, int]) -> int:
    return min((_RISKS.index(kind) for kind in risks), default=len(_RISKS))


def _explained(gone: Sequence[Step], new: Plan) -> Iterator[tuple[Step, str | None]]:
    """Yield steps with what the newer plan says of them."""
    left_out = {one.step: one.why for one in new.left_out}
    pending = {(one.action, one.kind, one.id): one.until for one in new.pending}
    for step in gone:
        until = pending.get((step.action, step.kind, step.resource_id or ""))
        if step.id in left_out:
            why = left_out[step.id]
            yield step, f"left out: {f'--{why}' if why in ('only', 'exclude') else why}"
        else:
            yield step, None if until is None else f"pending until {until}"


def _alarms(old: Plan, new: Plan) -> Iterator[str]:
    if (old.directory.name, old.directory.base_url) != (new.directory.name, new.directory.base_url):
        yield "the plans are for different directories"
    refused = {(verdict.guard, verdict.subject) for verdict in old.refusals}
    for verdict in new.refusals:
        if (verdict.guard, verdict.subject) not in refused:
            of = f" of {verdict.subject}" if verdict.subject else ""
            yield f"the guard {verdict.guard}{of} refuses the newer plan, and did not refuse the older one"
    known = set(old.allowances)
    for allowed in new.allowances:
        if allowed not in known:
            yield f"the newer plan lifts a guard: {allowed.allowance} ({allowed.reason})"
    signers = [None if plan.signature is None else signer(plan.signature) for plan in (old, new)]
    if None not in signers and signers[0] != signers[1]:
        yield f"the plans are signed by different keys: {signers[0]} and {signers[1]}"


def _provenance(old: Plan, new: Plan) -> Iterator[Difference]:
    mine, theirs = _stated(old), _stated(new)
    for what in dict.fromkeys((*theirs, *mine)):
        before, after = mine.get(what), theirs.get(what)
        if before != after:
            yield Difference(what=what, old=before, new=after)


def _stated(plan: Plan) -> dict[str, Any]:
    """Return what a plan says of how it was made, by name, in the order of the document."""
    parts = {"directory": plan.directory, "desired": plan.desired, "live": plan.live}
    return {
        "tool": plan.tool,
        **{f"{part}.{name}": getattr(value, name) for part, value in parts.items() for name in value.__struct_fields__},
        "as_of": plan.as_of,
        **{f"capabilities.{name}": value for name, value in plan.capabilities.items()},
        "confirm_replace": plan.confirm_replace,
        "reason": plan.reason,
        "undoes": plan.undoes,
        "only": list(plan.only),
        "exclude": list(plan.exclude),
        "allowances": [f"{one.allowance} ({one.reason})" for one in plan.allowances],
        **{
            f"guard {verdict.guard}" + (f" of {verdict.subject}" if verdict.subject else ""): (
                f"{'passes' if verdict.passed else 'refuses'}: {verdict.number} counted, the limit is {verdict.limit}"
            )
            for verdict in plan.guards
        },
        "signed_by": None if plan.signature is None else signer(plan.signature),
    }


def _new_warnings(old: Plan, new: Plan) -> Iterator[Note]:
    known = {(note.code, note.message) for note in old.notes}
    yield from (note for note in new.notes if note.severity == "warning" and (note.code, note.message) not in known)

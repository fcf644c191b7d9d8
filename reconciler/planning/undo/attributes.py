"""Attributes that a run changed, back to what they were where they still are as it left them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from reconciler.attributes import Path, fold, unassigned
from reconciler.model import Kind, LiveResource, LiveUser
from reconciler.planning.changes import is_identity
from reconciler.planning.explaining import explain
from reconciler.planning.plan import Action, Change, Reason, Step
from reconciler.planning.preconditions import planned_from
from reconciler.planning.steps import step_id
from reconciler.planning.undo.past import Touched, Written
from reconciler.planning.undo.remarks import shown
from reconciler.planning.undo.today import ACTIVE, Today
from reconciler.planning.users import IDENTIFYING


@dataclass(slots=True, kw_only=True)
class Draft:
    """What is to be written to one existing resource, before names are settled.

    Attributes:
        live: the resource.
        changes: what to write, ``active`` among it.
        needs: ids of steps that must come before, because they free its name.
    """

    live: LiveResource
    changes: Sequence[Change]
    needs: tuple[str, ...] = ()

    @property
    def activation(self) -> Change | None:
        """The change of ``active``, if there is one."""
        return next((change for change in self.changes if change.path == str(ACTIVE)), None)

    @property
    def action(self) -> Action:
        """What the step is that writes everything but a deactivation."""
        activation = self.activation
        return Action.REACTIVATE if activation is not None and activation.after else Action.UPDATE

    def id(self, today: Today) -> str:
        """Return the id of that step."""
        return step_id(today.context, self.action, self.live.kind, self.live.name, self.live.id)


def drafts(today: Today) -> Iterator[Draft]:
    """Yield what is to be written back to resources that the run changed and that still exist."""
    gone = {one.step.resource_id for one in today.deeds.deleted}
    for (kind, resource_id), touched in today.deeds.touched.items():
        if not touched.written or resource_id in gone:
            continue
        live = today.find(kind, resource_id)
        if live is None:
            if not today.partial(kind, kind.address(touched.name)):
                address = kind.address(touched.name)
                today.remarks.not_as_left(f"{address} is not in the directory any more")
        elif today.ours(live):
            changes = tuple(_changes(today, live, touched))
            if changes:
                yield Draft(live=live, changes=changes)


def _changes(today: Today, live: LiveResource, touched: Touched) -> Iterator[Change]:
    switched_off = live.kind is Kind.USER and touched.written.get(ACTIVE, Written(None, True)).after is False
    made_up = switched_off and isinstance(live, LiveUser) and not live.active
    for path, written in touched.written.items():
        if today.is_already(live, path, written.before):
            continue
        # What a deactivation rewrites is the run's doing too, and nobody has seen what it was rewritten to.
        its_doing = made_up and today.context.capabilities.rewrites(str(path))
        if not (its_doing or today.is_as_left(live, path, written.after)):
            today.remarks.not_as_left(
                f"{live.address} keeps {path} {shown(today.value(live, path))}: the run left {shown(written.after)}"
            )
        elif path != ACTIVE and not today.writable(live.kind, path):
            today.remarks.cannot_undo(
                f"{live.address} keeps {path} {shown(today.value(live, path))}: the directory does not let it be "
                f"changed back to {shown(written.before)}"
            )
        else:
            yield change_back(today, live, path, written.before)
            if made_up and path == ACTIVE:
                _tell_rewritten(today, live, touched)


def change_back(today: Today, live: LiveResource, path: Path, before: object) -> Change:
    """Return the change that writes to a live resource what was there before."""
    found = today.value(live, path)
    return Change(
        path=str(path),
        before=None if unassigned(found) else found,
        after=None if unassigned(before) else before,
        identity=is_identity(live.kind, path, found, before),
        details=explain(found, before),
    )


def _tell_rewritten(today: Today, live: LiveResource, touched: Touched) -> None:
    known = {fold(path.name) for path in touched.written}
    unknown = [str(path) for path in today.made_up_on_deactivation if fold(path.name) not in known]
    if unknown:
        today.remarks.cannot_undo(
            f"{live.address} is reactivated, and the directory may have rewritten {', '.join(unknown)} when it was "
            "deactivated: what was there is not recorded"
        )


def reactivations(today: Today) -> Iterator[Draft]:
    """Yield what brings back users whom the run deleted and whom the directory keeps as inactive ones."""
    for one in today.deeds.deleted:
        live = today.find(one.step.kind, one.step.resource_id or "")
        if not isinstance(live, LiveUser) or live.active or not today.ours(live):
            continue
        if one.before is None:
            today.remarks.cannot_undo(f"{live.address} stays inactive: what it was before its deletion is not recorded")
            continue
        was = LiveUser(id=live.id, attributes=dict(one.before))
        if not was.active:
            continue
        changes = [change_back(today, live, ACTIVE, True)]
        for path in today.made_up_on_deactivation:
            before = path.get(was.attributes)
            if not today.is_already(live, path, before) and today.writable(live.kind, path):
                changes.append(change_back(today, live, path, before))
        yield Draft(live=live, changes=changes)


def steps_of(today: Today, drafted: Iterable[Draft]) -> Iterator[Step]:
    """Yield the steps that write the drafts: one each, and one more where an account is switched off."""
    for draft in drafted:
        activation = draft.activation
        off = activation is not None and not activation.after
        written = tuple(change for change in draft.changes if not (off and change is activation))
        if written:
            paths = tuple(change.path for change in written)
            yield msgspec.structs.replace(
                _step(today, draft.live, draft.action, paths), changes=written, needs=draft.needs
            )
        if off and activation is not None:
            paths = tuple({*IDENTIFYING} - {change.path for change in written})
            # What waits for a deletion comes last, and a deactivation must not rewrite anything under it.
            needs = (*draft.needs, draft.id(today)) if draft.needs else ()
            switch = _step(today, draft.live, Action.DEACTIVATE, paths)
            yield msgspec.structs.replace(switch, changes=(activation,), needs=needs)


def _step(today: Today, live: LiveResource, action: Action, paths: Sequence[str]) -> Step:
    return Step(
        id=step_id(today.context, action, live.kind, live.name, live.id),
        action=action,
        kind=live.kind,
        name=live.name,
        reason=Reason.UNDONE,
        resource_id=live.id,
        precondition=planned_from(live, paths, today.context.schema(live.kind)),
    )

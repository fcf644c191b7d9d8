"""What a run created: deleted again, where nobody has made it his own since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.attributes import Path, unassigned
from reconciler.capabilities import UserDelete
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.plan import Action, Change, Reason, Step
from reconciler.planning.preconditions import MEMBERS
from reconciler.planning.steps import deletion
from reconciler.planning.undo.attributes import Draft
from reconciler.planning.undo.deletions import Return
from reconciler.planning.undo.past import PastStep
from reconciler.planning.undo.remarks import shown
from reconciler.planning.undo.today import ACTIVE, Today
from reconciler.planning.users import IDENTIFYING

Returns = Mapping[tuple[Kind, str], Return]


def unmade(today: Today, returned: Returns) -> dict[str, PastStep]:
    """Return the creations to take back, by the id of what they created; what is not as it was made stays."""
    found: dict[str, PastStep] = {}
    for one in today.deeds.created:
        step = one.step
        resource_id = today.deeds.created_ids.get(step.address)
        live = today.find(step.kind, resource_id) if resource_id is not None else None
        if live is None:
            # Somebody deleted it, or it was never made: as it should be.
            today.partial(step.kind, step.address)
            continue
        if today.ours(live) and _as_made(today, one, live) and _free_to_go(today, one, live, returned):
            found[live.id] = one
    return found


def _as_made(today: Today, one: PastStep, live: LiveResource) -> bool:
    """Tell whether everything that the run gave a resource is there still, and say what is not."""
    if isinstance(live, LiveUser) and today.context.as_good_as_deleted(live):
        made_inactive = any(change.path == str(ACTIVE) and change.after is False for change in one.step.changes)
        if made_inactive:
            today.remarks.cannot_undo(f"{live.address} stays: the directory keeps deleted users as inactive ones")
        return False
    if one.resource_id is None and live.external_id is not None and not _gave_external_id(one.step):
        # All that tells the run's own from what somebody else has made of the same name meanwhile.
        today.remarks.not_as_left(
            f"{live.address} stays: it is not known whether the run made it, and its externalId is not of the run"
        )
        return False
    other = [
        path
        for change in one.step.changes
        for path in (Path.parse(change.path),)
        if today.writable(live.kind, path, new=True) and _comparable(today, live, path)
        if not today.is_as_left(live, path, change.after)
    ]
    if other:
        found = shown(today.value(live, other[0]))
        today.remarks.not_as_left(f"{live.address} stays: somebody has changed it since, {other[0]} is {found}")
    return not other


def _gave_external_id(step: Step) -> bool:
    return any(change.path == "externalId" and not unassigned(change.after) for change in step.changes)


def _comparable(today: Today, live: LiveResource, path: Path) -> bool:
    definition = path.definition(today.context.schema(live.kind))
    return definition is None or definition.comparable


def _free_to_go(today: Today, one: PastStep, live: LiveResource, returned: Returns) -> bool:
    """Tell whether nobody but the run has a hand in a resource that it made, and say who has."""
    if not isinstance(live, LiveGroup):
        _tell_of_memberships(today, live)
        return True
    if live.members is None:
        today.remarks.cannot_undo(f"{live.address} stays: the directory does not tell who is in it")
        return False
    given = today.deeds.given(live.id)
    others = [member for member in live.members if member not in given]
    if others:
        today.remarks.not_as_left(
            f"{live.address} stays: it has {len(others):,} member{'' if len(others) == 1 else 's'} that the run did "
            "not give it"
        )
        return False
    replaced = one.step.replaces
    if replaced is None or today.named(Kind.GROUP, replaced) or _replaced(replaced, returned) is not None:
        return True
    today.remarks.cannot_undo(f"{live.address} stays: the group {replaced!r} that it replaced cannot be made again")
    return False


def _replaced(name: str, returned: Returns) -> Return | None:
    return next((one for (kind, _), one in returned.items() if kind is Kind.GROUP and one.past.step.name == name), None)


def _tell_of_memberships(today: Today, live: LiveResource) -> None:
    others = [
        group
        for group in today.holders.get(live.id, ())
        if live.id not in today.deeds.given(group.id) and group.id not in today.made
    ]
    if others:
        today.remarks.not_as_left(
            f"{live.address} goes, and with it {len(others):,} membership{'' if len(others) == 1 else 's'} that "
            f"somebody else has given it, as in {others[0].address}"
        )


def switched_off(today: Today, unmaking: Mapping[str, PastStep]) -> Iterator[Draft]:
    """Yield the created users to deactivate, because the directory would never take them again after a deletion."""
    if today.context.capabilities.user_delete is not UserDelete.IRREVERSIBLE:
        return
    for resource_id in unmaking:
        live = today.find(Kind.USER, resource_id)
        if isinstance(live, LiveUser) and live.active:
            today.remarks.cannot_undo(
                f"{live.address} is deactivated and not deleted: the directory would not let the same person be "
                "provisioned again"
            )
            yield Draft(live=live, changes=(Change(path=str(ACTIVE), before=True, after=False),))


def deletions(
    today: Today, unmaking: Mapping[str, PastStep], returned: Returns, additions: Iterable[Step]
) -> Iterator[Step]:
    """Yield the deletions of what the run created. A replaced group is back with its members before its successor goes.

    Args:
        today: the directory.
        unmaking: the creations to take back.
        returned: what the run deleted.
        additions: the steps that add members.
    """
    added = list(additions)
    for resource_id, one in unmaking.items():
        step = one.step
        live = today.find(step.kind, resource_id)
        if live is None or (
            step.kind is Kind.USER and today.context.capabilities.user_delete is UserDelete.IRREVERSIBLE
        ):
            continue
        back = _replaced(step.replaces, returned) if step.replaces is not None else None
        needs = tuple(_makes(back, added)) if back is not None else ()
        made = deletion(today.context, live, Reason.UNDONE, _reviewed(today, live, step, unmaking), needs=needs)
        yield msgspec.structs.replace(made, replaces=step.replaces)


def _makes(back: Return, added: Iterable[Step]) -> Iterator[str]:
    if back.step is None:
        return
    yield back.step.id
    for step in added:
        if step.action is Action.ADD_MEMBERS and back.step.id in step.needs:
            yield step.id


def _reviewed(today: Today, live: LiveResource, made: Step, unmaking: Mapping[str, PastStep]) -> tuple[str, ...]:
    """Return what must not have changed under a deletion: all that the run gave it, and who is in a group.

    Not the members where one of them is a group that this plan deletes first: the membership goes with it.
    """
    given = [change.path for change in made.changes if _comparable(today, live, Path.parse(change.path))]
    if isinstance(live, LiveUser):
        return (*IDENTIFYING, *given)
    members = live.members if isinstance(live, LiveGroup) else None
    checkable = today.context.capabilities.groups_hold_members and not any(
        member in unmaking for member in members or ()
    )
    return (live.kind.naming_attribute, *given, *((MEMBERS,) if checkable else ()))

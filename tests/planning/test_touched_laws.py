"""A plan of a change is a part of the plan of everything, and all of it where nothing else is due."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import HealthCheck, assume, event, given, settings

from changed_files import Change, changes, read_for, touched_by
from desired_and_live import AS_OF
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Desired, Live
from reconciler.planning import Action, Plan, Reason, Step, plan
from reconciler.planning.correlation import AnyPair, correlate
from simulated_directory import SimulatedDirectory
from thoroughness import cases

law = settings(max_examples=cases(15, thorough=300), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def planned(now: Desired, live: Live) -> Plan | None:
    """The plan of everything, or ``None`` where there is none."""
    try:
        return plan(now, live, as_of=AS_OF)
    except DiagnosticsError as error:
        event("refused: " + ", ".join(sorted({diagnostic.code for diagnostic in error.diagnostics})))
        return None


def planned_since(before: Desired, now: Desired, live: Live) -> Plan:
    """The plan of a change, from no more than what is read for it."""
    change = touched_by(before, now, live)
    return plan(now, read_for(change, now, live), as_of=AS_OF, since=change)


def parts(made: Plan) -> Iterator[tuple[object, ...]]:
    """What a plan does, piece by piece: an attribute, a membership, a resource that comes or goes."""
    for step in made.steps:
        about = (step.action, step.kind, step.resource_id or step.name, step.reason)
        yield from ((*about, edge.kind, edge.id or edge.name, edge.reason, edge.origin) for edge in step.members)
        yield from ((*about, change.path, repr(change.before), repr(change.after)) for change in step.changes)
        if not step.members and not step.changes:
            yield about


_OF_LOSSES = frozenset({"protected", "break_glass", "privileged", "members.remove"})


def refusals(made: Plan) -> set[tuple[str, str | None, int]]:
    """Which guards refuse a plan because of what it takes from single users and groups."""
    return {(one.guard, one.subject, one.number) for one in made.refusals if one.guard in _OF_LOSSES}


def essence(step: Step) -> tuple[object, ...]:
    return (step.id, step.action, step.reason, step.changes, step.members, step.needs, step.precondition, step.chunk)


@given(changes())
@law
def test_a_plan_of_a_change_does_nothing_that_the_plan_of_everything_does_not(change: Change) -> None:
    whole = planned(change.now, change.live)
    assume(whole is not None and planned(change.before, change.live) is not None)
    assert whole is not None
    made = planned_since(change.before, change.now, change.live)
    event("does something" if made.steps else "does nothing")
    assert set(parts(made)) <= set(parts(whole))
    assert set(made.pending) <= set(whole.pending)


@given(changes())
@law
def test_where_the_directory_was_as_the_files_stated_both_plans_are_the_same(change: Change) -> None:
    first = planned(change.before, change.live)
    assume(first is not None)
    assert first is not None
    live = SimulatedDirectory(change.live).apply(first)
    settled = planned(change.before, live)
    # Where the directory does not tell who is in a group, its additions are repeated for ever.
    assume(settled is not None and not settled.steps)
    whole = planned(change.now, live)
    assume(whole is not None)
    assert whole is not None
    unknown = {group.id for group in live.groups if group.members is None}
    assume(not any(step.resource_id in unknown for step in whole.steps))
    made = planned_since(change.before, change.now, live)
    # An attribute of no schema is written where somebody has it: of those who were read, that is, and it is told.
    assume(not any(note.code == "not-planned" and "that was read" in note.message for note in made.notes))
    # A group whose lines mean another one now has members whom the change does not touch, and that is told, too.
    assume(not any(note.code == "members-later" for note in made.notes))
    event("does something" if made.steps else "does nothing")
    assert list(map(essence, made.steps)) == list(map(essence, whole.steps))
    assert refusals(made) == refusals(whole)
    # A group may have had too few members before: only whoever changes it answers for that.
    assert {(one.guard, one.subject) for one in made.refusals} <= {(one.guard, one.subject) for one in whole.refusals}


@given(changes())
@law
def test_nobody_goes_whom_the_files_did_not_mean_before(change: Change) -> None:
    assume(planned(change.now, change.live) is not None and planned(change.before, change.live) is not None)
    made = planned_since(change.before, change.now, change.live)
    before, live = change.before, change.live
    users = correlate(before.users, live.users).pairs
    groups = correlate(before.groups, live.groups, renamable=live.capabilities.group_rename).pairs
    pairs: tuple[AnyPair, ...] = (*users, *groups)
    meant = {(one.kind, one.id) for pair in pairs for one in (pair.live, pair.predecessor) if one is not None}
    goers = [step for step in made.steps if step.action in (Action.DEACTIVATE, Action.DELETE)]
    unlisted = [step for step in goers if step.reason is Reason.UNLISTED]
    assert {(step.kind, step.resource_id) for step in unlisted} <= meant


@given(changes())
@law
def test_files_that_did_not_change_give_a_plan_without_steps_and_without_questions(change: Change) -> None:
    touched = touched_by(change.before, change.before, change.live)
    read = read_for(touched, change.before, change.live)
    assert (read.users, read.groups) == ((), ())
    assert plan(change.before, read, as_of=AS_OF, since=touched).steps == ()

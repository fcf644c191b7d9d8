"""What a run leaves for the plans to come: how much there is, what waits, and what was learned."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from reconciler.applying.outcome import Outcome, Status
from reconciler.model import NO_HISTORY, Desired, Kind, LastRun, Observation, Timer, TimerName
from reconciler.planning import Action, Change, Edge, Reason, Step
from reconciler.planning.plan import Grace, Pending
from reconciler.store import RunStatus, Store, desired_states
from reconciler.store.lock import Lock
from reconciler.store.observing import recall, remember
from stores import ACTOR, OTHER_URL, URL, carry_out, config, locked, outcome, plan_of, running, update


def step(action: Action, kind: Kind = Kind.USER, name: str = "ada", **fields: Any) -> Step:
    known: dict[str, Any] = {"resource_id": f"id of {name}", "reason": Reason.UNLISTED, "changes": ()}
    return update(0, id=f"{action} {kind} {name}", action=action, kind=kind, name=name, **{**known, **fields})


def edges(number: int) -> tuple[Edge, ...]:
    return tuple(Edge(name=f"user{one}", id=f"u{one}", reason=Reason.LISTED) for one in range(number))


def last_run(store: Store, url: str = URL) -> LastRun:
    found = store.history(url).last_run
    assert found is not None
    return found


def test_nothing_is_known_before_the_first_run(store: Store) -> None:
    assert store.history(URL) == NO_HISTORY


class TestSizes:
    """How much the directory holds after a run. Before it: 10 users, 5 groups, 40 memberships."""

    def test_a_run_that_changed_nothing_leaves_what_was_read(self, store: Store) -> None:
        run_id = carry_out(store, plan_of())
        found = last_run(store)
        assert (found.run_id, found.at) == (run_id, store.run(run_id).ended)
        assert (found.users, found.groups, found.memberships) == (10, 5, 40)
        assert (found.desired_users, found.desired_groups) == (7, 3)

    @pytest.mark.parametrize(
        ("done", "status", "left"),
        [
            (step(Action.CREATE), Status.APPLIED, (11, 5, 40)),
            (step(Action.CREATE), Status.FAILED, (10, 5, 40)),
            (step(Action.CREATE, Kind.GROUP), Status.APPLIED, (10, 6, 40)),
            # Nothing was kept of it: it may have been in every group.
            (step(Action.DELETE), Status.APPLIED, (9, 5, 35)),
            (step(Action.DELETE), Status.FAILED, (10, 5, 40)),
            (step(Action.DELETE), Status.NOT_TRIED, (10, 5, 40)),
            (step(Action.DEACTIVATE), Status.APPLIED, (10, 5, 40)),
            (step(Action.ADD_MEMBERS, Kind.GROUP, members=edges(3)), Status.APPLIED, (10, 5, 43)),
            (step(Action.ADD_MEMBERS, Kind.GROUP, members=edges(3)), Status.DIFFERS, (10, 5, 40)),
            (step(Action.REMOVE_MEMBERS, Kind.GROUP, members=edges(3)), Status.APPLIED, (10, 5, 37)),
            (step(Action.REMOVE_MEMBERS, Kind.GROUP, members=edges(3)), Status.DIFFERS, (10, 5, 37)),
            (step(Action.REMOVE_MEMBERS, Kind.GROUP, members=edges(99)), Status.APPLIED, (10, 5, 0)),
        ],
    )
    def test_what_was_applied_is_counted(
        self, store: Store, done: Step, status: Status, left: tuple[int, int, int]
    ) -> None:
        carry_out(store, plan_of(done), lambda one: outcome(one, status))
        found = last_run(store)
        assert (found.users, found.groups, found.memberships) == left

    def test_a_user_who_stays_although_deleted_is_counted(self, store: Store) -> None:
        carry_out(store, plan_of(step(Action.DELETE), capabilities={"user_delete": "soft"}))
        assert last_run(store).users == 10

    def test_the_members_of_a_deleted_group_are_not_members_any_more(self, store: Store) -> None:
        before = {"displayName": "team", "members": ["u1", "u2"]}
        carry_out(store, plan_of(step(Action.DELETE, Kind.GROUP)), lambda one: outcome(one, before=before))
        assert last_run(store).memberships == 38

    def test_a_run_that_died_counts_with_all_that_it_may_have_taken(self, store: Store) -> None:
        deletions = [step(Action.DELETE, name=f"user{number}") for number in range(3)]
        with locked(store) as lock:
            _die(store, deletions, lock)
        carry_out(store, plan_of(url=OTHER_URL))
        # Not found dead yet; nobody who plans must take what is missing for a bad read.
        assert store.runs(URL)[0].status is RunStatus.RUNNING
        assert last_run(store).users == 8
        with running(store, plan_of()):
            assert last_run(store).users == 10

    def test_each_directory_has_its_own(self, store: Store) -> None:
        carry_out(store, plan_of())
        assert store.history(OTHER_URL) == NO_HISTORY


def _die(store: Store, steps: list[Step], lock: Lock) -> None:
    """Leave the first step applied, the second tried and the third not, and no end."""
    run = store.begin(plan_of(*steps), lock=lock, command="apply", actor=ACTOR)
    asyncio.run(run.intend(steps[:2]))
    asyncio.run(run.settle([outcome(steps[0])]))


def ended(store: Store, run_id: str) -> datetime:
    moment = store.run(run_id).ended
    assert moment is not None
    return moment


class TestTimers:
    """Grace periods go on from one run to the next."""

    def pending(self, **fields: Any) -> Pending:
        known: dict[str, Any] = {
            "action": Action.DEACTIVATE,
            "kind": Kind.USER,
            "id": "u1",
            "name": "ada",
            "timer": TimerName.UNLISTED,
            "since": "2026-05-01T00:00:00Z",
            "until": "2026-06-08T00:00:00Z",
        }
        return Pending(**{**known, **fields})

    def timers(self, store: Store, url: str = URL) -> list[tuple[Kind, str, TimerName]]:
        return [(timer.kind, timer.id, timer.name) for timer in store.history(url).timers]

    def test_what_is_pending_is_remembered_from_the_run_that_saw_it_first(self, store: Store) -> None:
        group = self.pending(kind=Kind.GROUP, action=Action.DELETE)
        first = carry_out(store, plan_of(pending=(self.pending(),)))
        second = carry_out(store, plan_of(pending=(self.pending(), group)))
        assert store.history(URL).timers == (
            Timer(kind=Kind.GROUP, id="u1", name=TimerName.UNLISTED, since=ended(store, second)),
            Timer(kind=Kind.USER, id="u1", name=TimerName.UNLISTED, since=ended(store, first)),
        )

    def test_a_plan_for_a_day_of_the_past_begins_no_period_in_the_past(self, store: Store) -> None:
        run = carry_out(store, plan_of(pending=(self.pending(since="2020-01-01T00:00:00Z"),)))
        (timer,) = store.history(URL).timers
        assert timer.since == ended(store, run)

    def test_what_is_not_pending_any_more_is_forgotten(self, store: Store) -> None:
        carry_out(store, plan_of(pending=(self.pending(), self.pending(id="u2")), url=OTHER_URL))
        carry_out(store, plan_of(pending=(self.pending(), self.pending(id="u2"))))
        carry_out(store, plan_of(pending=(self.pending(id="u2"),)))
        assert self.timers(store) == [(Kind.USER, "u2", TimerName.UNLISTED)]
        assert len(self.timers(store, OTHER_URL)) == 2

    @pytest.mark.parametrize("status", [Status.FAILED, Status.NOT_TRIED])
    def test_a_period_that_is_over_does_not_begin_again_because_a_step_failed(
        self, store: Store, status: Status
    ) -> None:
        first = carry_out(store, plan_of(pending=(self.pending(id="id of ada"),)))
        grace = Grace(timer=TimerName.UNLISTED, since="2026-05-01T00:00:00Z", until="2026-05-08T00:00:00Z")
        due = step(Action.DEACTIVATE, grace=grace)
        carry_out(store, plan_of(due), lambda one: outcome(one, status))
        assert [timer.since for timer in store.history(URL).timers] == [ended(store, first)]

    def test_one_starts_with_the_deactivation_of_an_unlisted_user(self, store: Store) -> None:
        stated = step(Action.DEACTIVATE, name="grace", reason=Reason.STATED_INACTIVE)
        failed = step(Action.DEACTIVATE, name="linus")
        run_id = carry_out(
            store,
            plan_of(step(Action.DEACTIVATE), stated, failed),
            lambda one: outcome(one, Status.FAILED if one is failed else Status.APPLIED),
        )
        (timer,) = store.history(URL).timers
        assert (timer.id, timer.name, timer.since) == ("id of ada", TimerName.DEACTIVATED, store.run(run_id).ended)

    def test_undoing_a_run_stops_none(self, store: Store) -> None:
        carry_out(store, plan_of(pending=(self.pending(),)))
        carry_out(store, plan_of(undoes="earlier"))
        assert self.timers(store) == [(Kind.USER, "u1", TimerName.UNLISTED)]

    def test_a_run_that_is_interrupted_has_seen_what_waits(self, store: Store) -> None:
        with running(store, plan_of(pending=(self.pending(),))):
            pass
        assert self.timers(store) == [(Kind.USER, "u1", TimerName.UNLISTED)]


class TestDesiredState:
    """What the files stated when a run applied them."""

    def test_it_is_there_from_the_beginning_of_a_run(self, store: Store) -> None:
        desired = Desired(config=config(), users=(), groups=(), digest="sha256:1", commit="abc")
        with running(store, plan_of(update(1)), desired=desired) as run, store.reading() as connection:
            found = desired_states.load(connection, URL, config())
            assert found is not None
            assert (found[0], found[2].digest, found[2].commit) == (run.run_id, "sha256:1", "abc")


class TestObservations:
    """What the directory made of what was written to it."""

    def seen(self, number: int = 1, **facts: Any) -> Observation:
        known: dict[str, Any] = {"kind": Kind.USER, "id": f"u{number}", "path": "title", "wrote": "Boss "}
        return Observation(**{**known, "stored": "Boss", **facts})

    def differs(self, *differences: Observation, action: Action = Action.UPDATE, before: Any = "Engineer") -> Outcome:
        changes = (Change(path="title", before=before, after="Boss "),)
        return outcome(update(1, action=action, changes=changes), Status.DIFFERS, differences=differences)

    def learn(self, store: Store, *outcomes: Outcome, url: str = URL, max_rows: int = 1000) -> None:
        with store.writing() as connection:
            remember(connection, url, "run", outcomes, max_rows=max_rows)

    def recalled(self, store: Store, url: str = URL) -> tuple[Observation, ...]:
        with store.reading() as connection:
            return recall(connection, url)

    def test_the_end_of_a_run_remembers_them(self, store: Store) -> None:
        differs = self.differs(self.seen())
        carry_out(store, plan_of(differs.step), lambda _: differs)
        assert store.history(URL).observations == (self.seen(),)
        assert store.history(OTHER_URL).observations == ()

    def test_they_come_back_as_they_were_and_in_order(self, store: Store) -> None:
        emails = self.seen(2, path="emails", wrote=[{"value": "A@example.com", "primary": True}], stored=None)
        self.learn(store, self.differs(self.seen(1)), self.differs(emails))
        self.learn(store, self.differs(self.seen(3, kind=Kind.GROUP, wrote="\x00")))
        assert self.recalled(store) == (self.seen(1), emails, self.seen(3, kind=Kind.GROUP, wrote="\x00"))

    @pytest.mark.parametrize(
        ("action", "before", "stored", "unchanged"),
        [
            (Action.UPDATE, "Engineer", "Engineer", True),
            (Action.UPDATE, None, None, True),
            (Action.UPDATE, "Engineer", "Boss", False),
            (Action.UPDATE, "Engineer", None, False),
            (Action.CREATE, None, None, False),
        ],
    )
    def test_a_write_that_changed_nothing_is_marked_as_such(
        self, store: Store, action: Action, before: Any, stored: Any, unchanged: bool
    ) -> None:
        self.learn(store, self.differs(self.seen(stored=stored), action=action, before=before))
        assert [one.unchanged for one in self.recalled(store)] == [unchanged]

    @pytest.mark.parametrize(
        ("action", "status", "requests", "kept"),
        [
            (Action.UPDATE, Status.APPLIED, 1, True),
            (Action.UPDATE, Status.APPLIED, 0, False),
            (Action.UPDATE, Status.FAILED, 1, False),
            (Action.CREATE, Status.APPLIED, 1, False),
        ],
        ids=["written", "was so already", "failed", "new"],
    )
    def test_what_an_existing_resource_kept_is_remembered_too(
        self, store: Store, action: Action, status: Status, requests: int, kept: bool
    ) -> None:
        changes = (Change(path="active", before=False, after=True), Change(path="title", before="x", after="Boss"))
        self.learn(store, outcome(update(1, action=action, changes=changes), status, requests=requests))
        assert self.recalled(store) == ((self.seen(wrote="Boss", stored="Boss"),) if kept else ())

    def test_they_are_bounded_and_the_oldest_are_forgotten_first(self, store: Store) -> None:
        for run in range(20):
            differences = [self.seen(number, stored=f"run {run}") for number in range(5)]
            self.learn(store, self.differs(*differences, self.seen(run + 10)), max_rows=40)
            assert len(self.recalled(store)) <= 40
        known = self.recalled(store)
        assert [one.stored for one in known if one.id == "u0"][-2:] == ["run 18", "run 19"]
        assert self.seen(10) not in known

    def test_forgetting_keeps_the_last_two_of_each_value_and_other_directories(self, store: Store) -> None:
        self.learn(store, self.differs(self.seen()), url=OTHER_URL)
        for run in range(6):
            self.learn(store, self.differs(self.seen(stored=f"run {run}")), max_rows=5)
        assert [one.stored for one in self.recalled(store)] == ["run 4", "run 5"]
        assert self.recalled(store, OTHER_URL) == (self.seen(),)

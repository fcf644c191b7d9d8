"""What is about to be tried is durable before it is, and what became of it as soon as it is known."""

from __future__ import annotations

from typing import Any

import pytest

from loopback import Reply, Request
from meddler import Forward, Interpose, pass_on, user
from memory_journal import MemoryJournal
from reconciler.applying import ApplyEvent, Status
from scenario import Start


def users(count: int) -> str:
    return "users:\n" + "".join(f"  - {{userName: user{number:02}@example.com}}\n" for number in range(count))


TEAM = users(3) + "groups:\n  - {displayName: team, members: [user00@example.com, user01@example.com]}\n"
SEED: dict[str, Any] = {"users": [user(f"user{number:02}", title="Intern") for number in range(12)]}
TITLES = "users:\n" + "".join(f"  - {{userName: user{n:02}@example.com, title: Engineer}}\n" for n in range(12))


def test_each_step_is_announced_once_and_settled_once(start: Start) -> None:
    scenario, _ = start()
    journal = MemoryJournal()
    result = scenario.write(TEAM).apply(journal=journal)
    ids = sorted(outcome.step.id for outcome in result.outcomes)
    assert sorted(step for what, step in journal.told if what == "intend") == ids
    assert sorted(step for what, step in journal.told if what == "settle") == ids
    assert journal.outcomes == {outcome.step.id: outcome for outcome in result.outcomes}
    assert journal.result == result
    assert result.run_id == journal.run_id


def test_a_step_is_announced_before_its_first_request_and_settled_after_its_last(start: Start) -> None:
    scenario, sandbox = start(seed=SEED, concurrency=1)
    planned, live = scenario.write(TITLES).plan(), scenario.live()
    counts: list[int] = []

    def count(_: MemoryJournal) -> bool:
        counts.append(sandbox.request_count)
        return False

    before = sandbox.request_count
    scenario.apply_to(planned, live, journal=MemoryJournal(fails=count))
    # One resource at a time: each is read, written and read back between the two.
    assert counts[:-1] == [before + 3 * ((call + 1) // 2) for call in range(24)]


def test_only_what_is_in_work_is_announced_and_not_settled(start: Start) -> None:
    scenario, _ = start(concurrency=3)
    most = 0

    def count(journal: MemoryJournal) -> bool:
        nonlocal most
        most = max(most, len(journal.trying))
        return False

    assert scenario.write(users(40)).apply(journal=MemoryJournal(fails=count)).complete
    assert 1 <= most <= 3


def test_what_is_told_of_a_step_is_durable_already(start: Start) -> None:
    scenario, _ = start()
    journal = MemoryJournal()
    missing: list[str] = []

    def durable(event: ApplyEvent) -> None:
        if event.outcome is not None and event.outcome.step.id not in journal.outcomes:
            missing.append(event.outcome.step.id)

    scenario.write(TEAM).apply(journal=journal, on_event=durable)
    assert missing == []


def test_what_is_not_tried_is_settled_chunk_by_chunk(between: Interpose) -> None:
    def no_creations(request: Request, forward: Forward) -> Reply:
        return Reply(401) if request.method == "POST" else forward(request)

    made = between(no_creations)
    made.scenario.concurrency, made.scenario.chunk_size = 1, 15
    journal = MemoryJournal()
    result = made.scenario.write(users(40)).apply(journal=journal)
    assert result.counts[Status.NOT_TRIED] == 39
    # The canary; then chunks of 15, of which nothing is tried.
    assert [len(call) - 1 for call in journal.calls[-2:]] == [15, 15]


def test_without_a_first_record_nothing_is_sent(start: Start) -> None:
    scenario, sandbox = start()
    planned, live = scenario.write(users(30)).plan(), scenario.live()
    before = sandbox.request_count
    result = scenario.apply_to(planned, live, journal=MemoryJournal(fails=lambda _: True))
    assert sandbox.request_count == before
    assert result.counts[Status.NOT_TRIED] == 30
    assert (result.stopped or "").startswith("the store cannot be written: no space left. Nothing further")
    assert not result.by_user


@pytest.mark.parametrize("calls", [5, 6, 9])
def test_a_journal_that_fails_ends_the_run_and_hides_nothing_that_was_done(start: Start, calls: int) -> None:
    scenario, _ = start(concurrency=2)
    journal = MemoryJournal(fails=lambda journal: len(journal.calls) >= calls)
    result = scenario.write(users(30)).apply(journal=journal)
    assert "no space left" in (result.stopped or "")
    # Everything that reached the directory is in the result; what was in flight is announced in the journal.
    applied = {outcome.step.name for outcome in result.outcomes if outcome.status is Status.APPLIED}
    assert applied == {found.name for found in scenario.live().users}
    announced = {step for what, step in journal.told if what == "intend"}
    assert {outcome.step.id for outcome in result.outcomes if outcome.status is Status.APPLIED} <= announced
    assert len(applied) <= 8
    assert journal.result is None


def test_a_run_whose_end_cannot_be_recorded_says_so(start: Start) -> None:
    scenario, _ = start()
    journal = MemoryJournal(fails=lambda journal: len(journal.outcomes) == 2)
    result = scenario.write(users(2)).apply(journal=journal)
    assert result.complete
    assert "no space left" in (result.stopped or "")


def writes(scenario_requests: list[Request]) -> int:
    return sum(request.method not in ("GET", "HEAD") for request in scenario_requests)


@pytest.mark.parametrize("bulk", [False, True])
def test_no_write_leaves_without_the_lock(between: Interpose, bulk: bool) -> None:
    made = between(pass_on, seed=SEED)
    made.scenario.bulk, made.scenario.canary = bulk, 50
    planned, live = made.scenario.write(TITLES).plan(), made.scenario.live()
    result = made.scenario.apply_to(planned, live, journal=MemoryJournal(lost=lambda _: True))
    assert writes(made.meddler.requests) == 0
    assert result.counts[Status.NOT_TRIED] == 12
    assert "the lock on the directory is not held any more" in (result.stopped or "")
    assert not result.by_user


def test_a_lock_that_is_lost_in_the_middle_lets_no_further_write_leave(between: Interpose) -> None:
    made = between(pass_on, seed=SEED)
    made.scenario.concurrency = 1
    planned, live = made.scenario.write(TITLES).plan(), made.scenario.live()
    journal = MemoryJournal(lost=lambda _: writes(made.meddler.requests) >= 5)
    result = made.scenario.apply_to(planned, live, journal=journal)
    assert writes(made.meddler.requests) == 5
    assert result.counts[Status.APPLIED] == 5
    assert result.counts[Status.NOT_TRIED] == 7


def test_a_write_that_the_server_turned_away_is_not_sent_again_without_the_lock(between: Interpose) -> None:
    turned_away: list[Request] = []

    def throttling(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            turned_away.append(request)
            return Reply(429, None, {"Retry-After": "0"})
        return forward(request)

    made = between(throttling, seed={"users": [user("user00", title="Intern")]})
    made.scenario.write("users: [{userName: user00@example.com, title: Engineer}]")
    journal = MemoryJournal(lost=lambda _: bool(turned_away))
    result = made.scenario.apply(journal=journal)
    assert len(turned_away) == 1
    assert result.counts[Status.NOT_TRIED] == 1


def test_memberships_are_not_written_without_the_lock(between: Interpose) -> None:
    names = [f"user{number:02}@example.com" for number in range(12)]
    made = between(pass_on, seed={**SEED, "groups": [{"displayName": "team", "members": names[:6]}]})
    made.scenario.write(
        "users:\n"
        + "".join(f"  - {{userName: {name}}}\n" for name in names)
        + f"groups:\n  - {{displayName: team, members: [{', '.join(names[6:])}]}}\n"
    )
    planned, live = made.scenario.plan(), made.scenario.live()
    result = made.scenario.apply_to(planned, live, journal=MemoryJournal(lost=lambda _: True))
    assert writes(made.meddler.requests) == 0
    assert {outcome.status for outcome in result.outcomes} == {Status.NOT_TRIED}
    assert made.scenario.members("team") == {*names[:6]}


@pytest.mark.parametrize("event_type", ["chunk_started", "step_finished", "chunk_completed"])
def test_a_second_ctrl_c_leaves_a_journal_without_an_end_and_a_directory_to_go_on_with(
    start: Start, event_type: str
) -> None:
    scenario, _ = start(chunk_size=10)
    scenario.write(users(30))
    journal = MemoryJournal()

    def interrupt(event: ApplyEvent) -> None:
        if event.type == event_type and event.chunk == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenario.apply(on_event=interrupt, journal=journal)
    assert journal.result is None
    assert len({step for what, step in journal.told if what == "intend"}) <= 20
    scenario.converge()
    assert len(scenario.live().users) == 30


def test_the_token_is_in_nothing_that_is_recorded_though_the_directory_repeats_it(between: Interpose) -> None:
    def repeating(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            token = request.headers["authorization"]
            return Reply(400, {"detail": f"cannot do this with {token}"}, {"X-Request-Id": token})
        return forward(request)

    made = between(repeating, seed=SEED)
    journal = MemoryJournal()
    result = made.scenario.write(TITLES).apply(journal=journal)
    assert result.counts[Status.FAILED] == 12
    assert "[token]" in result.outcomes[0].message
    assert made.scenario.token not in repr(journal.outcomes)

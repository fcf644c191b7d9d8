"""What an apply tells of its steps: when each starts and how it ends, in the order in which it is durable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from memory_journal import MemoryJournal
from reconciler.applying import ApplyEvent
from scenario import Scenario, Start

YAML = """\
users:
  - {userName: ada@example.com}
  - {userName: bob@example.com, title: Engineer}
groups:
  - {displayName: team, members: [ada@example.com, bob@example.com]}
"""
SEED: dict[str, Any] = {
    "users": [{"userName": "bob@example.com", "title": "Intern", "active": True}],
    "groups": [{"displayName": "gone"}],
}


def applied(scenario: Scenario, journal: MemoryJournal) -> list[ApplyEvent]:
    told: list[ApplyEvent] = []
    scenario.write(YAML).apply(on_event=told.append, journal=journal)
    return told


def steps_of(told: Sequence[ApplyEvent], type_: str) -> list[str]:
    return [event.step.id for event in told if event.type == type_ and event.step is not None]


def test_every_step_starts_and_finishes_once_with_the_run_and_the_chunk_that_it_is_in(start: Start) -> None:
    scenario, _ = start(seed=SEED, canary=2)
    journal = MemoryJournal()
    told = applied(scenario, journal)
    planned = sorted(journal.outcomes)
    assert sorted(steps_of(told, "step_started")) == sorted(steps_of(told, "step_finished")) == planned
    assert {event.run_id for event in told} == {journal.run_id}
    assert all(event.chunk == event.step.chunk for event in told if event.step is not None)
    assert [event.done for event in told if event.type == "step_finished"] == list(range(1, len(planned) + 1))
    assert all(event.recorded for event in told)


def test_a_step_starts_when_the_journal_has_it_and_before_its_first_request(start: Start) -> None:
    scenario, sandbox = start(seed=SEED, concurrency=1)
    journal = MemoryJournal()
    wrote: list[int] = []

    def look(event: ApplyEvent) -> None:
        if event.step is None:
            return
        written = sum(request.method != "GET" for request in sandbox.requests)
        if event.type == "step_started":
            assert ("intend", event.step.id) in journal.told
            assert event.step.id not in journal.outcomes
            wrote.append(written)
        else:
            assert journal.outcomes[event.step.id] is event.outcome

    scenario.write(YAML).apply(on_event=look, journal=journal)
    # One after the other: each starts after what was written for those before it.
    assert wrote == sorted(wrote)
    assert wrote[0] == 0


@pytest.mark.parametrize("intact", [0, 2, 4])
def test_what_the_journal_does_not_have_is_told_as_not_recorded(start: Start, intact: int) -> None:
    scenario, _ = start(seed=SEED, concurrency=1, canary=1)
    journal = MemoryJournal(fails=lambda journal: len(journal.calls) >= intact)
    told = applied(scenario, journal)
    finished = {event.step.id: event.recorded for event in told if event.outcome is not None and event.step is not None}
    assert finished == {step: step in journal.outcomes for step in finished}
    assert sum(finished.values()) == intact // 2

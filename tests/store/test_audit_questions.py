"""Asking the audit, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit_samples import ACME, BOT, NOON, STEPS, disarm, record
from reconciler.applying.outcome import Outcome, Status
from reconciler.model import Kind
from reconciler.planning.plan import Action, Edge, Reason
from reconciler.store.audit import Entry
from reconciler.store.audit_entries import RunEntries
from reconciler.store.audit_trail import AuditTrail, Question
from reconciler.store.database import Database
from reconciler.store.errors import StoreError
from reconciler.store.location import Location
from sample_plans import group_step, make_plan, user_step

OTHER = "https://scim.example.com/other"


@pytest.fixture
def database(store_location: str | None, tmp_path: Path) -> Iterator[Database]:
    location = Location(url=store_location) if store_location else Location(path=tmp_path / "store.db")
    database = Database.open(location)
    yield database
    database.close()


@pytest.fixture
def trail(database: Database) -> AuditTrail:
    with database.writing() as connection:
        record(connection)
        record(connection, run_id="run-2", directory=OTHER, reason=None)
    return AuditTrail(database)


def asked(trail: AuditTrail, **question: Any) -> list[str]:
    return [event.body.get("step", event.type) for event in trail.events(Question(directory=ACME, **question))]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"user": "new@example.com"}, ["create user:new@example.com", "add_members group:team-a"]),
        ({"user": "user:NEW@example.com"}, ["create user:new@example.com", "add_members group:team-a"]),
        ({"user": "id-ada@example.com"}, ["add_members group:team-a"]),
        ({"user": "old@example.com"}, ["update user:old@example.com"]),
        ({"user": "grace@EXAMPLE.com"}, ["update user:old@example.com"]),
        ({"user": "example.com"}, []),
        ({"user": "%"}, []),
        ({"group": "team-core"}, ["add_members group:team-a"]),
        ({"group": "group:team-new"}, ["create group:team-new"]),
        ({"user": "team-new"}, []),
        ({"action": "reactivate"}, ["reactivate user:back@example.com"]),
        ({"action": "run_ended"}, ["run_ended"]),
        ({"group": "team-a", "action": "remove_members"}, ["remove_members group:team-a"]),
        ({"user": "ada@example.com", "action": "delete"}, []),
        ({"since": NOON + timedelta(seconds=len(STEPS))}, ["delete user:gone@example.com", "run_ended"]),
        ({"run_id": "run-2"}, []),
    ],
    ids=str,
)
def test_all_that_is_asked_for_must_fit(question: dict[str, Any], found: list[str], trail: AuditTrail) -> None:
    assert asked(trail, **question) == found


@pytest.mark.parametrize("actor", ["deploy-bot", "RUNNER", "ada@example.com", "Ada Example"])
def test_an_actor_is_found_by_every_name(actor: str, trail: AuditTrail) -> None:
    assert len(asked(trail, actor=actor)) == len(STEPS) + 2


def test_nobody_else_is_found(trail: AuditTrail) -> None:
    assert asked(trail, actor="ada") == []


def test_everything_comes_directory_by_directory_in_the_order_of_each_chain(trail: AuditTrail) -> None:
    events = list(trail.events())
    numbers = [event.seq for event in events if event.directory == OTHER]
    assert numbers == list(range(1, len(STEPS) + 3))
    assert [event.directory for event in events] == sorted(event.directory for event in events)


def test_the_latest_come_last(trail: AuditTrail) -> None:
    latest = trail.latest(Question(directory=ACME), limit=3)
    assert [event.seq for event in latest] == [10, 11, 12]


def test_the_audit_of_either_database_is_intact(trail: AuditTrail) -> None:
    found = trail.verify()
    assert (found.intact, found.events) == (True, 2 * (len(STEPS) + 2))
    assert trail.verify(directory=ACME, head=found.chains[0].head).intact


def test_names_beyond_ascii_are_found_in_any_case(database: Database) -> None:
    entries = RunEntries(make_plan(), command="apply", actor=BOT)
    step = group_step(
        Action.ADD_MEMBERS, "ÄRZTE", members=(Edge(name='Zoë"\\%@example.com', kind=Kind.USER, reason=Reason.LISTED),)
    )
    told: Entry = entries.step(Outcome(step=step, status=Status.APPLIED), NOON)
    trail = AuditTrail(database)
    with database.writing() as connection:
        trail.append(connection, ACME, "run-1", [told])
    assert asked(trail, group="ärzte") == [step.id]
    assert asked(trail, user='ZOË"\\%@example.com') == [step.id]
    assert trail.verify().intact


def test_texts_that_no_database_takes_can_be_recorded_and_verified(database: Database) -> None:
    entries = RunEntries(make_plan(), command="apply", actor=BOT)
    step = user_step(Action.DELETE, "a\x00b\ud800", Reason.UNLISTED)
    told = entries.step(Outcome(step=step, status=Status.APPLIED, before={"title": "\x00\udfff"}), NOON)
    trail = AuditTrail(database)
    with database.writing() as connection:
        trail.append(connection, ACME, "run-1", [told])
    (event,) = trail.events(Question(user="a\x00b\ud800"))
    assert event.body["before"] == {"title": "\x00\udfff"}
    assert trail.verify().intact


@pytest.mark.parametrize("statement", ["UPDATE audit SET body = '{}'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_or_delete_events(
    statement: str, trail: AuditTrail, database: Database
) -> None:
    with pytest.raises(StoreError, match="the audit is append-only"), database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert trail.verify().events == 2 * (len(STEPS) + 2)


def test_an_event_that_was_altered_is_a_clear_error(database: Database) -> None:
    with database.writing() as connection:
        record(connection)
        disarm(connection)
        connection.exec_driver_sql("UPDATE audit SET body = '[]' WHERE seq = 3")
    with pytest.raises(StoreError, match=r"event 3 of .* cannot be read: it was altered. `reconciler audit verify`"):
        list(AuditTrail(database).events())


def test_two_at_once_make_one_chain(database: Database) -> None:

    def write(number: int) -> None:
        for _ in range(3):
            with database.writing() as connection:
                record(connection, run_id=f"run-{number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = AuditTrail(database).verify()
    assert (found.intact, found.events) == (True, 12 * (len(STEPS) + 2))

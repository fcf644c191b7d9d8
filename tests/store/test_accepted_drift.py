"""The baseline of drift, in both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.model import Kind
from reconciler.planning import Action, Reason
from reconciler.planning.drift import Item, Sort
from reconciler.store import Store, accepted_drift
from reconciler.store.audit_trail import Question
from stores import ACTOR, OTHER_URL, URL

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def item(name: str, value: str = "sha256:1") -> Item:
    return Item(
        sort=Sort.DRIFT,
        key=f"user:{name} title",
        value=value,
        action=Action.UPDATE,
        kind=Kind.USER,
        name=name,
        reason=Reason.DIFFERS,
        resource_id=f"id-of-{name}",
        path="title",
        live="Boss",
    )


def accept(store: Store, *items: Item, directory: str = URL) -> None:
    with store.writing() as connection:
        accepted_drift.accept(connection, directory, "run-1", items, reason="OPS-1", actor=ACTOR, now=NOW)


def values(store: Store, directory: str = URL) -> dict[str, str]:
    with store.reading() as connection:
        return {one.key: one.value for one in accepted_drift.read(connection, directory)}


def test_what_was_accepted_is_read_with_when_and_why(store: Store) -> None:
    accept(store, item("ada"))
    with store.reading() as connection:
        (found,) = accepted_drift.read(connection, URL)
    assert (found.key, found.value, found.at, found.reason) == ("user:ada title", "sha256:1", NOW, "OPS-1")


def test_a_difference_is_accepted_once_as_it_was_last(store: Store) -> None:
    accept(store, item("ada"), item("bob"))
    accept(store, item("ada", "sha256:2"))
    assert values(store) == {"user:ada title": "sha256:2", "user:bob title": "sha256:1"}


def test_directories_have_baselines_of_their_own(store: Store) -> None:
    accept(store, item("ada"))
    accept(store, item("ada", "sha256:2"), directory=OTHER_URL)
    with store.writing() as connection:
        keys = ["user:ada title"]
        accepted_drift.forget(connection, URL, "run-2", keys, reason=None, actor=ACTOR, now=NOW)
    assert (values(store), values(store, OTHER_URL)) == ({}, {"user:ada title": "sha256:2"})


def test_the_audit_finds_it_by_the_user_and_does_not_hold_the_value(store: Store) -> None:
    accept(store, item("ada"), item("bob"))
    (event,) = store.audit.events(Question(user="ada"))
    assert event.body["why"] == {"reason": "OPS-1", "note": "user:ada title"}
    assert "Boss" not in str(event.body)
    assert store.audit.verify().intact

"""The plan as a file: the same plan, the same bytes; and proof that it is intact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from desired_and_live import AS_OF, desired, group, live, live_user, planned, policy, user
from reconciler.config import Unlisted
from reconciler.planning import Plan, PlanFileError, Summary, as_json, decode, encode, plan

FOUND = live(live_user("u1", "ada@example.com", title="old"), live_user("u2", "bob@example.com"))


def made() -> Plan:
    """A plan with some of everything."""
    listed = [user("ada@example.com", title="new"), user("eve@example.com"), group("team", ["eve@example.com"])]
    return planned(listed, FOUND, policy(Unlisted.DEACTIVATE))


def test_a_plan_reads_back_as_it_was_written() -> None:
    assert decode(encode(made())) == made()
    assert encode(decode(encode(made()))) == encode(made())


def test_the_document_is_the_plan_field_by_field() -> None:
    document = as_json(made())
    assert document == json.loads(encode(made()))
    assert document["format"] == "reconciler.plan/1"
    assert document["as_of"] == "2026-06-01T00:00:00Z"
    assert document["directory"] == {"name": "test", "base_url": "https://scim.example.com", "dialect": "generic"}
    assert document["live"] == {"users": 2, "groups": 0, "memberships": 0}


def altered(**fields: Any) -> bytes:
    """The plan file with other values for some fields."""
    return json.dumps({**as_json(made()), **fields}).encode()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "its format is None"),
        (b"{}", "its format is None"),
        (altered(format="reconciler.plan/2"), "'reconciler.plan/2'"),
        (altered(extra=1), "not intact"),
        (altered(steps=[]), "does not match its digest"),
        (altered(steps=[{"id": "x"}]), "not intact"),
        (altered(as_of="2027-01-01T00:00:00Z"), "does not match its digest"),
        (altered(digest=""), "no digest"),
        (altered(digest="sha256:0"), "does not match its digest"),
    ],
)
def test_a_file_that_is_not_an_intact_plan_is_refused(file: bytes, told: str) -> None:
    with pytest.raises(PlanFileError, match=told):
        decode(file)


def test_a_plan_without_its_digest_is_refused() -> None:
    document = as_json(made())
    del document["digest"]
    with pytest.raises(PlanFileError, match="no digest"):
        decode(json.dumps(document).encode())


def test_the_numbers_are_counted_from_the_steps() -> None:
    assert made().summary == Summary(create=2, update=1, deactivate=1, add_members=1)
    assert str(made().summary) == (
        "Plan: 2 to create, 1 to update, 1 to deactivate, 0 to delete; 1 memberships to add, 0 to remove."
    )


def test_chunks_hold_consecutive_steps_of_one_phase() -> None:
    listed = [user(f"{number}@example.com") for number in range(5)]
    found = planned([*listed, group("team")], rules=policy(chunk_size=2))
    assert [(number, len(steps)) for number, steps in found.chunks()] == [(1, 2), (2, 2), (3, 1), (4, 1)]


def test_a_time_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        plan(desired(), live(), as_of=AS_OF.replace(tzinfo=None))


def test_other_rules_may_be_given_than_those_of_the_workspace() -> None:
    wanted = desired(rules=policy(Unlisted.IGNORE))
    assert len(plan(wanted, FOUND, as_of=AS_OF, policy=policy(Unlisted.DELETE)).steps) == 2
    assert plan(wanted, FOUND, as_of=AS_OF).steps == ()

"""The audit in the forms that other tools read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit_samples import ACME, NOON, STEPS, hostile_run, run_of
from reconciler.store.audit import Entry, append
from reconciler.store.audit_trail import AuditTrail
from reconciler.store.database import Database
from reconciler.store.exporting import Format, export
from reconciler.store.location import Location
from reconciler.store.records import AuditEvent


def events(tmp_path: Path, entries: Sequence[Entry]) -> Iterator[AuditEvent]:
    database = Database.open(Location(path=tmp_path / "store.db"))
    with database.writing() as connection:
        append(connection, ACME, "run-1", entries)
    yield from AuditTrail(database).events()
    database.close()


@pytest.fixture
def story(tmp_path: Path) -> list[AuditEvent]:
    return list(events(tmp_path, run_of(*STEPS)))


def documents(story: list[AuditEvent], form: Format) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export(story, form)]


def of_step(found: list[dict[str, Any]], story: list[AuditEvent], action: str, kind: str) -> list[dict[str, Any]]:
    """The documents about the step of an action on a kind of resource."""
    (event,) = [
        one for one in story if one.body["action"] == action and one.body.get("resource", {}).get("kind") == kind
    ]
    seqs = [(one.get("event") or one["metadata"])["sequence"] for one in found]
    return [one for one, seq in zip(found, seqs, strict=True) if seq == event.seq]


def test_a_line_of_jsonl_is_what_its_hash_is_about(story: list[AuditEvent]) -> None:
    lines = documents(story, Format.JSONL)
    assert len(lines) == len(STEPS) + 2
    previous = "0" * 64
    for event in lines:
        fields = [event[name] for name in ("seq", "directory", "run_id", "at", "type", "body", "previous")]
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert event["hash"] == hashlib.sha256(text.encode()).hexdigest()
        assert event["previous"] == previous
        previous = event["hash"]


def test_csv_is_a_row_per_event_with_one_header(story: list[AuditEvent]) -> None:
    rows = list(csv.DictReader(io.StringIO("".join(export(story, Format.CSV)), newline="")))
    assert [int(row["seq"]) for row in rows] == list(range(1, len(STEPS) + 3))
    created = rows[1]
    assert (created["action"], created["resource"], created["status"]) == ("create", "user:new@example.com", "applied")
    assert (created["http_status"], created["request_id"], created["actor"]) == ("201", "req-1", "deploy-bot")
    assert (created["run_reason"], created["ticket"]) == ("OPS-1234 weekly", "OPS-1234")
    assert len(json.loads(rows[6]["members"])) == 3


@pytest.mark.parametrize("form", list(Format))
def test_no_export_carries_what_a_terminal_would_obey(form: Format, tmp_path: Path) -> None:
    text = "".join(export(events(tmp_path, hostile_run()), form))
    assert all(character.isprintable() or character in "\r\n" for character in text)


def test_no_cell_of_csv_is_a_formula(tmp_path: Path) -> None:
    text = "".join(export(events(tmp_path, hostile_run()), Format.CSV))
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d", "\t", "\r"))]
    assert {"'=cmd|' /C calc'!A0", "'@SUM(1+1)", "'-2+3", "'+1", "'\uff1d1+1"} <= set(cells)


def test_every_document_of_ecs_has_what_the_schema_wants(story: list[AuditEvent]) -> None:
    found = documents(story, Format.ECS)
    assert len({one["event"]["id"] for one in found}) == len(found)
    for one in found:
        assert one["@timestamp"].startswith("2026-11-22T12:00:")
        assert one["ecs"]["version"].startswith("8.")
        assert one["event"]["kind"] == "event"
        assert one["event"]["category"] == ["iam"]
        assert one["event"]["outcome"] in ("success", "failure", "unknown")
        assert set(one["event"]["type"]) <= {"user", "group", "admin", "creation", "deletion", "change", "info"}
        assert one["user"]["name"] == "deploy-bot"
        assert one["host"]["name"] == "ci-1"
        assert one["labels"]["run_id"] == "run-1"
        assert all(isinstance(label, str) for label in one["labels"].values())


@pytest.mark.parametrize(
    ("action", "kind", "types", "outcome"),
    [
        ("create", "User", ["user", "creation"], "success"),
        ("update", "User", ["user", "change"], "success"),
        ("delete", "User", ["user", "deletion"], "failure"),
        ("create", "Group", ["group", "creation"], "success"),
        ("delete", "Group", ["group", "deletion"], "success"),
    ],
)
def test_ecs_names_the_kind_of_change_and_whose_it_is(
    action: str, kind: str, types: list[str], outcome: str, story: list[AuditEvent]
) -> None:
    (one,) = of_step(documents(story, Format.ECS), story, action, kind)
    assert (one["event"]["type"], one["event"]["action"], one["event"]["outcome"]) == (types, action, outcome)
    named = one["user"]["target"] if kind == "User" else one["group"]
    assert named["id"].startswith("id-")
    assert ("target" in one["user"]) == (kind == "User")


def test_ecs_has_a_document_for_each_membership(story: list[AuditEvent]) -> None:
    added = of_step(documents(story, Format.ECS), story, "add_members", "Group")
    assert [one["event"]["type"] for one in added] == [["user", "change"], ["user", "change"], ["group", "change"]]
    assert added[0]["user"]["target"] == {
        "name": "new@example.com",
        "id": "id-new@example.com",
        "group": {"name": "team-a", "id": "id-team-a"},
    }
    assert added[0]["related"]["user"] == ["deploy-bot", "new@example.com", "runner"]
    assert "target" not in added[2]["user"]


def test_ecs_tells_a_new_name_and_the_answer_of_the_server(story: list[AuditEvent]) -> None:
    found = documents(story, Format.ECS)
    (renamed,) = of_step(found, story, "update", "User")
    assert renamed["user"]["changes"] == {"name": "Grace@example.com"}
    (created,) = of_step(found, story, "create", "User")
    assert created["http"] == {"request": {"id": "req-1"}, "response": {"status_code": 201}}


REQUIRED = ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid")
"""Of every OCSF event class."""


def test_every_document_of_ocsf_has_what_the_schema_wants(story: list[AuditEvent]) -> None:
    found = documents(story, Format.OCSF)
    assert len({one["metadata"]["uid"] for one in found}) == len(found)
    for one in found:
        assert all(name in one for name in REQUIRED)
        assert one["metadata"]["version"] == "1.4.0"
        assert one["metadata"]["product"]["vendor_name"] == "reconciler"
        assert one["type_uid"] == one["class_uid"] * 100 + one["activity_id"]
        assert one["category_uid"] == one["class_uid"] // 1000
        assert one["time"] // 1000 in range(1_795_348_800, 1_795_348_860)  # milliseconds
        wanted = {3001: "user", 3006: "group", 6002: "app"}[one["class_uid"]]
        assert one[wanted]["name"]
        assert one["activity_id"] != 99 or one["activity_name"]


@pytest.mark.parametrize(
    ("action", "kind", "type_uids"),
    [
        ("create", "User", [300101]),
        ("reactivate", "User", [300102]),
        ("deactivate", "User", [300105]),
        ("delete", "User", [300106]),
        ("update", "User", [300199]),
        ("add_members", "Group", [300603, 300603, 300699]),
        ("remove_members", "Group", [300604]),
        ("delete", "Group", [300605]),
        ("create", "Group", [300606]),
        ("update", "Group", [300699]),
    ],
)
def test_ocsf_has_a_number_for_what_was_done(
    action: str, kind: str, type_uids: list[int], story: list[AuditEvent]
) -> None:
    found = of_step(documents(story, Format.OCSF), story, action, kind)
    assert [one["type_uid"] for one in found] == type_uids


def test_ocsf_tells_the_start_and_the_end_of_a_run_and_what_failed(story: list[AuditEvent]) -> None:
    found = documents(story, Format.OCSF)
    assert (found[0]["type_uid"], found[-1]["type_uid"]) == (600203, 600204)
    assert Counter(one["status"] for one in found) == {"Unknown": 1, "Failure": 2, "Success": len(found) - 3}
    (failed,) = of_step(found, story, "delete", "User")
    assert (failed["status_id"], failed["status_code"], failed["status_detail"]) == (2, "403", "403 Forbidden")


def test_an_export_holds_few_events_at_a_time() -> None:
    taken = 0

    def endless() -> Iterator[AuditEvent]:
        nonlocal taken
        body = run_of(*STEPS)[1].body
        while True:
            taken += 1
            yield AuditEvent(
                seq=1, directory=ACME, run_id="r", at=NOON, type="step", body=body, previous="0" * 64, hash="f" * 64
            )

    for form in Format:
        lines = export(endless(), form)
        next(lines)
        next(lines)
    assert taken == 2 * len(Format) - 1  # the first line of CSV is about no event

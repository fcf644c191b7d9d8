"""``reconciler audit`` from outside: what it prints, and what it exits with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from audit_samples import ACME, STEPS, disarm, hostile_run, record
from command_line import DIRECTORY, Done, call, environment
from reconciler import load_config
from reconciler.cli.entry import run
from reconciler.store import Store

EVENTS = len(STEPS) + 2


class Records:
    """A workspace whose store has an audit."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys
        self.head = ""
        text = DIRECTORY.format(dialect="generic", users="ignore", concurrency=1)
        (path / "directory.yaml").write_text(text, encoding="utf-8")

    def record(self, **options: Any) -> None:
        with Store.open(load_config(self.path), self.path, {}) as store, store.writing() as connection:
            self.head = record(connection, **options)

    def tamper(self, statement: str) -> None:
        with Store.open(load_config(self.path), self.path, {}) as store, store.writing() as connection:
            disarm(connection)
            connection.exec_driver_sql(statement)

    def call(self, *arguments: str) -> Done:
        """Run the command in this process, which saves the time of starting many."""
        code = run(["audit", *arguments, "--no-color", "-C", str(self.path)])
        shown = self._capsys.readouterr()
        return Done(code, shown.out, shown.err)


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Records:
    return Records(tmp_path, capsys)


@pytest.fixture
def records(empty: Records) -> Records:
    empty.record()
    return empty


def test_verify_needs_neither_the_directory_nor_its_credentials(records: Records) -> None:
    done = call(["audit", "verify"], env=environment(), cwd=records.path)
    assert (done.code, done.last_line) == (0, f"Audit: intact, {EVENTS} events verified.")


def test_verify_prints_the_count_and_the_head_to_keep(records: Records) -> None:
    done = records.call("verify")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == f"{ACME}: {EVENTS} events, head {records.head}\nAudit: intact, {EVENTS} events verified.\n"


def test_verify_is_1_and_names_the_first_wrong_event(records: Records) -> None:
    records.tamper("UPDATE audit SET body = replace(body, 'deploy-bot', 'nobody') WHERE seq = 4")
    done = records.call("verify")
    assert done.code == 1
    assert "  event 4 is altered\n" in done.stdout
    assert done.last_line == "Audit: NOT INTACT, 3 events verified."
    document = records.call("verify", "--json").document
    assert document["intact"] is False
    assert document["directories"][0]["problem"] == "event 4 is altered"


def test_verify_finds_a_head_that_was_kept_elsewhere(records: Records) -> None:
    kept = records.head
    records.record(run_id="run-2")
    assert records.call("verify", "--head", kept.upper()).code == 0
    done = records.call("verify", "--head", "0" * 63 + "1")
    assert done.code == 1
    assert "is not in the audit: it was rewritten, or cut off before it" in done.stdout


def test_a_store_that_is_gone_is_no_clean_audit(empty: Records) -> None:
    done = empty.call("verify")
    assert (done.code, done.stdout) == (1, "")
    assert "there is no store here" in done.stderr
    assert not (empty.path / ".reconciler").exists()


def test_query_shows_who_did_what_and_why(records: Records) -> None:
    done = records.call("query", "--user", "ada@example.com")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == (
        "2026-11-22T12:00:06Z  add members group:team-a: applied\n"
        "    by deploy-bot on ci-1, run run-1, event 7\n"
        "    because differs, groups/platform.yaml:2, OPS-1234 weekly\n"
        "    user:new@example.com\n"
        "    user:ada@example.com\n"
        "    group:team-core\n"
        "1 event.\n"
    )


def test_query_takes_all_its_options_together(records: Records) -> None:
    asked = ("--group", "team-a", "--actor", "deploy-bot", "--action", "remove_members", "--run", "run-1")
    done = records.call("query", *asked, "--since", "2026-11-01", "--directory", ACME, "--limit", "5", "--json")
    (event,) = done.document["events"]
    assert event["body"]["members"][0]["name"] == "leaver@example.com"


def test_query_shows_the_last_ones_the_latest_at_the_end(records: Records) -> None:
    events = records.call("query", "--limit", "2", "--json").document["events"]
    assert [event["seq"] for event in events] == [EVENTS - 1, EVENTS]


def test_since_may_be_a_length_of_time(records: Records) -> None:
    assert len(records.call("query", "--since", "9999d", "--json").document["events"]) == EVENTS


def test_what_is_hostile_is_escaped(records: Records) -> None:
    with Store.open(load_config(records.path), records.path, {}) as store, store.writing() as connection:
        store.audit.append(connection, ACME, "run-\x1b[2J", hostile_run())
    for arguments in (("query",), ("verify",), ("query", "--json"), ("export", "--format", "csv")):
        text = records.call(*arguments).stdout
        assert all(character.isprintable() or character in "\r\n" for character in text), arguments
        assert not [line for line in text.splitlines() if line.startswith("::")]


def test_export_writes_a_file_that_only_its_owner_reads(records: Records) -> None:
    file = records.path / "audit.csv"
    done = records.call("export", "--format", "csv", "-o", str(file))
    assert (done.code, done.stdout, done.stderr) == (0, "", f"Exported to {file}.\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))) == EVENTS + 1


@pytest.mark.parametrize("form", ["jsonl", "ecs", "ocsf"])
def test_export_writes_lines_of_json(form: str, records: Records) -> None:
    done = records.call("export", "--format", form, "--user", "leaver@example.com")
    assert (done.code, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()]


def test_an_altered_event_ends_an_export_and_leaves_the_file_that_was_there(records: Records) -> None:
    file = records.path / "audit.jsonl"
    file.write_text("before", encoding="utf-8")
    records.tamper("UPDATE audit SET body = '{}' WHERE seq = 4")
    done = records.call("export", "--format", "jsonl", "-o", str(file))
    assert done.code == 1
    assert "event 4 of" in done.stderr
    assert file.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Which one? There are: verify, query, export."),
        (("verify", "--head", "abc"), "'abc' is no hash: 64 hexadecimal digits"),
        (("query", "--since", "tomorrow"), "neither a date such as 2026-11-01, nor a time, nor a length of time"),
        (("query", "--limit", "0"), "0 is not in the range"),
        (("export",), "Missing option '--format'"),
        (("export", "--format", "jsonl", "--json"), "Add -o FILE"),
    ],
)
def test_wrong_usage_is_64(arguments: tuple[str, ...], told: str, empty: Records) -> None:
    done = empty.call(*arguments)
    assert done.code == 64
    assert told in done.stderr

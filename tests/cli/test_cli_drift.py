"""``reconciler drift``: who changed what, and what people have accepted."""

from __future__ import annotations

from typing import Any

import pytest

from desk import STATED, Desk

EVE: dict[str, Any] = {"userName": "eve@example.com"}
ALL: dict[str, Any] = {"users": [*STATED["users"], EVE], "groups": STATED["groups"]}


def applied(desk: Desk) -> Desk:
    """Everything is as the files state it."""
    desk.state(ALL)
    assert desk.call("apply", "--auto-approve").code == 0
    return desk


def promoted(title: str) -> dict[str, Any]:
    """The files, with another title for Ada."""
    ada = {"userName": "ada@example.com", "title": title}
    return {**ALL, "users": [ada, *ALL["users"][1:]]}


def test_before_any_run_nobody_can_tell_who_changed_what(desk: Desk) -> None:
    done = desk.call("drift")
    assert (done.code, done.last_line) == (0, "Differences: 5 of unknown origin, 0 accepted.")
    assert "no run has recorded what it left" in done.stderr
    assert desk.writes == 0
    # Not even a store is made.
    assert not (desk.path / ".reconciler").exists()


def test_after_a_run_there_is_no_drift(desk: Desk) -> None:
    done = applied(desk).call("drift", "--detailed-exitcode")
    assert (done.code, done.last_line) == (0, "No drift. The directory is as the last run left it.")


def test_what_the_directory_changed_is_told_from_what_the_files_changed(desk: Desk) -> None:
    applied(desk).set_title("bob@example.com", "Boss")
    desk.add_member("team-core", "bob@example.com")
    desk.state(
        {
            **promoted("Director"),
            "users": [
                {"userName": "ada@example.com", "title": "Director"},
                {"userName": "bob@example.com", "title": "Clerk"},
                EVE,
            ],
        }
    )
    found = desk.document("drift")
    assert [(item["key"], item["sort"]) for item in found["items"]] == [
        ("user:ada@example.com title", "pending"),
        ("user:bob@example.com title", "pending"),
        ("group:team-core members user:bob@example.com", "drift"),
    ]


def test_what_a_saved_plan_did_is_not_taken_for_the_directorys_doing(desk: Desk) -> None:
    applied(desk).state(promoted("Boss"))
    reviewed = str(desk.path / "reviewed.plan")
    desk.call("plan", "-o", reviewed)
    desk.state(promoted("Director"))
    assert desk.call("apply", reviewed).code == 0
    desk.add_member("team-core", "bob@example.com")
    found = desk.document("drift")
    assert [(item["key"], item["sort"]) for item in found["items"]] == [
        ("user:ada@example.com title", "pending"),
        ("group:team-core members user:bob@example.com", "drift"),
    ]


@pytest.mark.parametrize(("change", "code"), [("directory", 2), ("files", 0)])
def test_2_means_that_the_directory_has_changed(desk: Desk, change: str, code: int) -> None:
    applied(desk)
    if change == "directory":
        desk.set_title("ada@example.com", "Boss")
    else:
        desk.state(promoted("Boss"))
    assert desk.call("drift", "--detailed-exitcode").code == code
    assert desk.call("drift").code == 0


def test_nothing_is_written_to_the_directory(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    before = desk.writes
    desk.call("drift")
    desk.call("drift", "--accept", "--reason", "OPS-1")
    assert desk.writes == before


def test_what_is_accepted_is_not_told_again_until_it_changes_once_more(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    done = desk.call("drift", "--accept", "user:ada@example.com", "--reason", "OPS-1: as she wished")
    assert (done.code, done.last_line) == (0, "Accepted: 1 difference.")
    assert desk.call("drift", "--detailed-exitcode").code == 0
    assert "title" in desk.call("drift", "--full").stdout
    desk.set_title("ada@example.com", "Queen")
    assert desk.call("drift", "--detailed-exitcode").code == 2


def test_one_of_several_differences_is_accepted_by_its_key(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    desk.add_member("team-core", "bob@example.com")
    desk.call("drift", "--accept", "group:team-core members user:bob@example.com", "--reason", "OPS-1")
    (left,) = desk.document("drift")["items"]
    assert left["key"] == "user:ada@example.com title"


def test_an_apply_brings_about_what_the_files_state_whatever_is_accepted(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    done = desk.call("drift", "--accept", "--reason", "OPS-1")
    assert "an apply brings it about" in done.stderr
    desk.call("apply", "--auto-approve")
    assert desk.title("ada@example.com") == "Engineer"


def test_what_is_forgotten_is_told_again(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    desk.call("drift", "--accept", "--reason", "OPS-1")
    done = desk.call("drift", "--forget", "user:ada@example.com title")
    assert (done.code, done.last_line) == (0, "Not accepted any more: 1 difference.")
    assert desk.call("drift", "--detailed-exitcode").code == 2


def test_the_audit_knows_who_accepted_what_and_why(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    desk.call("drift", "--accept", "--reason", "OPS-1: as she wished")
    desk.call("drift", "--forget", "user:ada@example.com", "--reason", "not any more")
    events = desk.document("audit", "query")["events"]
    accepted, forgotten = events[-2:]
    assert (accepted["type"], accepted["body"]["resource"]["name"]) == ("drift_accepted", "ada@example.com")
    assert accepted["body"]["why"] == {"reason": "OPS-1: as she wished", "note": "user:ada@example.com title"}
    assert (forgotten["type"], forgotten["body"]["why"]["reason"]) == ("drift_forgotten", "not any more")
    assert desk.call("audit", "verify").code == 0


def test_what_is_pending_from_the_files_cannot_be_accepted(desk: Desk) -> None:
    applied(desk).state(promoted("Director"))
    done = desk.call("drift", "--accept", "user:ada@example.com", "--reason", "OPS-1")
    assert done.code == 1
    assert "is pending from the files" in done.stderr


def test_a_misspelt_key_is_guessed(desk: Desk) -> None:
    applied(desk).set_title("ada@example.com", "Boss")
    done = desk.call("drift", "--accept", "user:ade@example.com title", "--reason", "OPS-1")
    assert done.code == 1
    assert "Did you mean 'user:ada@example.com title'?" in done.stderr
    assert desk.call("drift", "--forget", "user:ada@example.com").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["user:ada@example.com"], "Add --accept"),
        (["--accept"], "--accept needs --reason"),
        (["--reason", "OPS-1"], "--reason is for"),
        (["--accept", "--forget", "user:ada@example.com", "--reason", "OPS-1"], "two things"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(desk: Desk, arguments: list[str], said: str) -> None:
    done = desk.call("drift", *arguments)
    assert (done.code, desk.sandbox.request_count) == (64, 0)
    assert said in done.stderr


def test_what_an_undo_took_back_is_pending_because_the_files_state_it_still(desk: Desk) -> None:
    applied(desk).state(promoted("Director"))
    desk.call("apply", "--auto-approve")
    desk.call("undo", desk.runs()[-1].id, "--auto-approve")
    assert desk.title("ada@example.com") == "Engineer"
    assert desk.call("drift").last_line == "Drift: 0 changed in the directory, 1 pending from the files, 0 accepted."


def test_an_undo_that_was_saved_and_applied_is_no_apply_of_the_files(desk: Desk) -> None:
    applied(desk).state(promoted("Director"))
    desk.call("apply", "--auto-approve")
    file = str(desk.path / "undo.plan")
    desk.call("undo", desk.runs()[-1].id, "-o", file)
    assert desk.call("apply", file).code == 0
    assert desk.call("drift").last_line == "Drift: 0 changed in the directory, 1 pending from the files, 0 accepted."


def test_what_waits_for_a_person_is_pending_until_a_later_run_applies_it(desk: Desk) -> None:
    applied(desk).state(promoted("Director"), reconcile={"auto_approve": ["users.create"]})
    desk.call("reconcile")
    assert desk.call("drift").last_line == "Drift: 0 changed in the directory, 1 pending from the files, 0 accepted."
    desk.call("apply", str(desk.pending_plan))
    desk.set_title("ada@example.com", "Boss")
    assert desk.call("drift").last_line == "Drift: 1 changed in the directory, 0 pending from the files, 0 accepted."

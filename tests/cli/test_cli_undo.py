"""``reconciler undo``: what it takes back, what it refuses, and what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from desk import STATED, Desk
from reconciler import load_config
from reconciler.planning import decode
from reconciler.store import Actor, Store, new_run_id

EVE: dict[str, Any] = {"userName": "eve@example.com"}
ALL: dict[str, Any] = {"users": [*STATED["users"], EVE], "groups": STATED["groups"]}
REPLACED: dict[str, Any] = {
    "users": [{"userName": "ada@example.com", "title": "Director"}, {"userName": "bob@example.com"}],
    "groups": [{"displayName": "team-core", "members": ["bob@example.com"]}],
}


@pytest.fixture
def run_id(desk: Desk) -> str:
    """A run that changed a title and two memberships, and deactivated Eve."""
    desk.state(ALL)
    desk.call("apply", "--auto-approve")
    desk.state(REPLACED)
    assert desk.call("apply", "--auto-approve").code == 0
    return desk.runs()[-1].id


def test_what_the_run_changed_is_as_it_was_before(desk: Desk, run_id: str) -> None:
    done = desk.call("undo", run_id, "--auto-approve")
    assert (done.code, done.last_line) == (
        0,
        "Applied: 4 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried.",
    )
    assert desk.title("ada@example.com") == "Engineer"
    assert desk.members("team-core") == {"ada@example.com"}
    assert desk.active("eve@example.com")


def test_the_run_and_its_undo_know_of_each_other(desk: Desk, run_id: str) -> None:
    desk.call("undo", run_id, "--auto-approve", "--reason", "OPS-1")
    undo = desk.runs()[-1]
    assert (undo.command, undo.undoes, undo.reason) == ("undo", run_id, "OPS-1")
    assert desk.document("runs", "show", run_id)["undone_by"] == [undo.id]
    assert f"Undoes:     {run_id}" in desk.call("runs", "show", undo.id).stdout


def test_the_next_apply_does_it_again_and_that_is_said(desk: Desk, run_id: str) -> None:
    done = desk.call("undo", run_id, "--auto-approve")
    assert "the next apply makes these changes again" in done.stdout
    assert "the next apply brings back" in done.stderr
    desk.call("apply", "--auto-approve")
    assert desk.title("ada@example.com") == "Director"


def test_a_saved_undo_writes_nothing_until_it_is_applied(desk: Desk, run_id: str) -> None:
    before, file = desk.writes, desk.path / "undo.plan"
    done = desk.call("undo", run_id, "-o", str(file))
    assert (done.code, desk.writes) == (0, before)
    assert decode(file.read_bytes()).undoes == run_id
    assert done.stderr.splitlines()[-1] == f"Saved to {file}."
    assert desk.call("apply", str(file)).code == 0
    assert desk.title("ada@example.com") == "Engineer"


def test_what_an_undo_leaves_out_is_listed_where_that_is_asked_for(desk: Desk, run_id: str) -> None:
    file, only = str(desk.path / "undo.plan"), "user:ada@example.com"
    assert "(--left-out lists them)" in desk.call("undo", run_id, "-o", file, "--only", only).stdout
    listed = desk.call("undo", run_id, "-o", file, "--only", only, "--left-out").stdout
    assert "reactivate user:eve@example.com  (by --only)" in listed


def test_what_somebody_has_changed_since_is_left_alone_and_named(desk: Desk, run_id: str) -> None:
    desk.set_title("ada@example.com", "Queen")
    done = desk.call("undo", run_id, "--auto-approve")
    assert done.code == 0
    assert 'user:ada@example.com keeps title "Queen"' in done.stdout
    assert desk.title("ada@example.com") == "Queen"
    assert desk.members("team-core") == {"ada@example.com"}


def test_guards_judge_an_undo_and_say_how_to_allow_it(desk: Desk) -> None:
    desk.state(ALL)
    desk.call("apply", "--auto-approve")
    desk.state(ALL, guards={"users": {"delete": {"count": 0}}})
    run_id, before = desk.runs()[-1].id, desk.writes
    done = desk.call("undo", run_id, "--auto-approve")
    assert (done.code, desk.writes) == (3, before)
    assert "--allow users.delete=2" in done.stdout
    allowed = ("--allow", "users.delete=2", "--allow", "members.remove=1", "--allow", "memberships.remove=1")
    assert desk.call("undo", run_id, "--auto-approve", *allowed, "--reason", "OPS-1").code == 0
    assert desk.users() == {"eve@example.com"}


def test_what_is_refused_is_saved_all_the_same_for_review(desk: Desk, run_id: str) -> None:
    desk.state(REPLACED, guards={"members": {"remove": {"count": 0}}})
    file = desk.path / "undo.plan"
    done = desk.call("undo", run_id, "-o", str(file))
    assert done.code == 3
    assert "It cannot be applied" in done.stderr
    assert desk.call("apply", str(file)).code == 3


def test_where_nobody_can_be_asked_nothing_is_read(desk: Desk, run_id: str) -> None:
    before = desk.sandbox.request_count
    done = desk.call("undo", run_id)
    assert (done.code, desk.sandbox.request_count) == (64, before)
    assert "--auto-approve" in done.stderr


def test_a_run_that_nobody_knows_is_guessed_before_the_directory_is_read(desk: Desk, run_id: str) -> None:
    before = desk.sandbox.request_count
    done = desk.call("undo", run_id[:-1], "--auto-approve")
    assert (done.code, desk.sandbox.request_count) == (1, before)
    assert f"did you mean {run_id}?" in done.stderr


def test_without_any_run_there_is_nothing_to_undo(desk: Desk) -> None:
    done = desk.call("undo", "20261122T012754Z-1c09cd", "--auto-approve")
    assert (done.code, desk.sandbox.request_count) == (1, 0)
    assert "no run was ever recorded" in done.stderr


def test_twice_is_harmless_and_says_so(desk: Desk, run_id: str) -> None:
    desk.call("undo", run_id, "--auto-approve")
    before = desk.writes
    done = desk.call("undo", run_id, "--auto-approve")
    assert (done.code, desk.writes) == (0, before)
    assert "There is nothing to undo" in done.stderr


def test_one_document_says_what_became_of_it(desk: Desk, run_id: str) -> None:
    document = desk.document("undo", run_id, "--auto-approve")
    assert document["plan"]["summary"]["update"] == 2
    assert document["result"]["counts"]["applied"] == 4
    assert desk.document("undo", run_id, "--auto-approve")["result"] is None


def test_a_run_that_goes_on_is_not_undone(desk: Desk, run_id: str) -> None:
    where, actor = desk.sandbox.base_url, Actor(user="grace", host="runner-7", pid=7)
    with Store.open(load_config(desk.path), desk.path, {}) as store:
        plan, going_on = store.plan_of(run_id), new_run_id()
        with (
            store.lock(where, "acme", run_id=going_on, actor=actor, lease=timedelta(minutes=1)) as lock,
            store.begin(plan, lock=lock, command="apply", actor=actor),
        ):
            done = desk.call("undo", going_on, "--auto-approve")
    assert done.code == 1
    assert "still goes on" in done.stderr


def test_an_undo_can_be_undone(desk: Desk, run_id: str) -> None:
    desk.call("undo", run_id, "--auto-approve")
    assert desk.call("undo", desk.runs()[-1].id, "--auto-approve").code == 0
    assert desk.title("ada@example.com") == "Director"
    assert desk.members("team-core") == {"bob@example.com"}

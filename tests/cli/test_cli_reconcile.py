"""``reconciler reconcile``: what a nightly job writes, what it leaves to a person, and what it exits with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from desk import STATED, Desk
from reconciler import load, load_config, read_live
from reconciler.api.reconciling import reconcile
from reconciler.live import Wanted
from reconciler.model import Desired, Live, TimerName
from reconciler.planning import decode
from reconciler.sandbox.faults.replies import Reply
from reconciler.sandbox.faults.rules import FaultRule, Requests
from reconciler.scim.errors import ScimError
from reconciler.store import Actor, RunStatus, Store, new_run_id

EVERYTHING = [
    "users.create",
    "users.update",
    "users.reactivate",
    "users.deactivate",
    "groups.create",
    "members.add",
    "members.remove",
    "identity.change",
]
ADDITIONS = ["users.create", "groups.create", "members.add"]


def approve(desk: Desk, kinds: list[str], **others: object) -> None:
    desk.state(STATED, reconcile={"auto_approve": kinds}, **others)


def test_without_a_policy_nothing_is_written_and_all_of_the_plan_waits(desk: Desk) -> None:
    done = desk.call("reconcile")
    assert (done.code, done.last_line) == (2, "Reconciled: 0 applied, 0 not applied, 5 waiting.")
    assert desk.writes == 0
    assert len(decode(desk.pending_plan.read_bytes()).steps) == 5
    assert f"reconciler apply {desk.pending_plan}" in done.stderr


def test_a_run_that_writes_nothing_is_recorded_too(desk: Desk) -> None:
    desk.call("reconcile", "--reason", "nightly")
    (run,) = desk.runs()
    assert (run.command, run.status, run.steps, run.reason) == ("reconcile", RunStatus.COMPLETE, 0, "nightly")


def test_a_grace_period_counts_from_a_run_that_wrote_nothing(desk: Desk) -> None:
    desk.state(STATED, unlisted={"users": {"deactivate": {"after": "7d"}}, "groups": "ignore"})
    desk.call("reconcile")
    with desk.store() as store:
        assert store is not None
        (timer,) = store.history(desk.sandbox.base_url).timers
    assert timer.name is TimerName.UNLISTED


def test_exactly_what_is_approved_is_applied_and_the_rest_waits(desk: Desk) -> None:
    approve(desk, ADDITIONS)
    done = desk.call("reconcile")
    assert (done.code, done.last_line) == (2, "Reconciled: 4 applied, 0 not applied, 1 waiting.")
    assert "Waiting for a person: 1 to deactivate." in done.stdout
    assert desk.users() == {"ada@example.com", "bob@example.com", "eve@example.com"}
    assert desk.active("eve@example.com")


def test_what_waits_can_be_applied_as_it_stands(desk: Desk) -> None:
    approve(desk, ADDITIONS)
    desk.call("reconcile")
    done = desk.call("apply", str(desk.pending_plan))
    assert (done.code, done.last_line) == (
        0,
        "Applied: 1 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried.",
    )
    assert not desk.active("eve@example.com")


def test_when_nothing_waits_any_more_the_old_plan_goes(desk: Desk) -> None:
    desk.call("reconcile")
    approve(desk, EVERYTHING)
    done = desk.call("reconcile")
    assert (done.code, done.last_line) == (0, "Reconciled: 5 applied, 0 not applied, 0 waiting.")
    assert f"nothing any more; {desk.pending_plan} was deleted" in done.stdout
    assert not desk.pending_plan.exists()


def test_a_file_that_is_no_plan_is_not_deleted(desk: Desk) -> None:
    approve(desk, EVERYTHING)
    other = desk.path / "notes.txt"
    other.write_text("keep me")
    done = desk.call("reconcile", "-o", str(other))
    assert (done.code, other.read_text()) == (0, "keep me")
    assert "is no intact plan, and was left alone" in done.stdout


def test_what_waits_is_saved_where_it_is_asked_for(desk: Desk) -> None:
    elsewhere = desk.path / "waiting.plan"
    desk.call("reconcile", "-o", str(elsewhere))
    assert decode(elsewhere.read_bytes()).steps
    assert not desk.pending_plan.exists()
    assert elsewhere.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_not_there_is_told_before_anything_is_read(desk: Desk) -> None:
    done = desk.call("reconcile", "-o", str(desk.path / "nowhere" / "a.plan"))
    assert (done.code, desk.sandbox.request_count) == (64, 0)


def test_what_a_guard_refuses_is_shown_saved_and_not_written_in_any_part(desk: Desk) -> None:
    approve(desk, EVERYTHING, guards={"users": {"deactivate": {"count": 0}}})
    done = desk.call("reconcile")
    assert (done.code, done.last_line) == (3, "Reconciled: refused, nothing was written.")
    assert "users.deactivate: 1 user would be deactivated" in done.stdout
    assert "To see what waits: reconciler show" in done.stderr
    assert desk.writes == 0
    # The next run's guards compare with the last run that was sound.
    assert desk.runs() == []
    assert desk.call("show", str(desk.pending_plan)).code == 3


def test_what_fails_is_5_and_does_not_wait_for_approval(desk: Desk) -> None:
    approve(desk, EVERYTHING)
    refused = Reply(status=400)
    desk.sandbox.use_faults([FaultRule(fault=refused, requests=Requests(methods=("POST",), body="team-core"))])
    done = desk.call("reconcile")
    assert done.code == 5
    assert desk.runs()[-1].status is RunStatus.PARTLY
    assert not desk.pending_plan.exists()
    assert "apply --resume" in done.stderr


def test_only_and_exclude_confine_a_run(desk: Desk) -> None:
    approve(desk, EVERYTHING)
    done = desk.call("reconcile", "--only", "user:ada@example.com")
    assert (done.code, done.last_line) == (0, "Reconciled: 1 applied, 0 not applied, 0 waiting.")
    desk.call("reconcile", "--exclude", "user:eve@example.com")
    assert desk.active("eve@example.com")
    assert desk.members("team-core") == {"ada@example.com"}


def test_what_a_confined_run_leaves_out_is_listed_where_that_is_asked_for(desk: Desk) -> None:
    assert "(--left-out lists them)" in desk.call("reconcile", "--only", "user:ada@example.com").stdout
    listed = desk.call("reconcile", "--only", "user:ada@example.com", "--left-out").stdout
    assert "deactivate user:eve@example.com  (by --only)" in listed


def test_a_confined_run_does_not_delete_the_plan_of_what_waits_elsewhere(desk: Desk) -> None:
    desk.call("reconcile")
    approve(desk, EVERYTHING)
    assert desk.call("reconcile", "--only", "user:ada@example.com").code == 0
    assert desk.pending_plan.exists()


def test_while_another_run_writes_it_ends_before_the_first_request(desk: Desk) -> None:
    where = desk.sandbox.base_url
    lease, actor = timedelta(minutes=1), Actor(user="grace", host="runner-7", pid=7)
    with (
        Store.open(load_config(desk.path), desk.path, {}) as store,
        store.lock(where, "acme", run_id=new_run_id(), actor=actor, lease=lease),
    ):
        done = desk.call("reconcile")
    assert (done.code, desk.sandbox.request_count) == (1, 0)
    assert "grace on runner-7" in done.stderr


def test_one_document_says_everything(desk: Desk) -> None:
    approve(desk, ADDITIONS)
    document = desk.document("reconcile")
    assert document["plan"]["summary"]["deactivate"] == 1
    assert document["approved"]["steps"] == 4
    assert document["result"]["counts"]["applied"] == 4
    assert document["pending"]["summary"]["deactivate"] == 1
    assert document["pending"]["file"] == str(desk.pending_plan)
    assert (document["refused"], document["removed"], document["warnings"]) == (False, None, [])


def test_drift_that_is_not_approved_is_drift_in_the_morning_still(desk: Desk) -> None:
    approve(desk, EVERYTHING)
    desk.call("reconcile")
    approve(desk, ADDITIONS)
    desk.set_title("ada@example.com", "Boss")
    desk.state(
        {"users": [*STATED["users"], {"userName": "cyd@example.com"}], "groups": STATED["groups"]},
        reconcile={"auto_approve": ["groups.create"]},
    )
    assert desk.call("reconcile").code == 2
    done = desk.call("drift")
    assert done.last_line == "Drift: 1 changed in the directory, 1 pending from the files, 0 accepted."


def second_time(answer: Callable[[Desired], Live]) -> Callable[[Desired], Live]:
    """Read once, and find the directory out of reach the second time."""
    answers: list[Live] = []

    def read(desired: Desired) -> Live:
        if answers:
            raise ScimError("the directory went away")
        answers.append(answer(desired))
        return answers[0]

    return read


def test_a_directory_that_goes_away_after_the_apply_hides_nothing_of_it(desk: Desk) -> None:
    approve(desk, ADDITIONS)

    def read(desired: Desired) -> Live:
        return read_live(desired.config, desk.path, wanted=Wanted.of(desired))

    found = reconcile(desk.path, directory=second_time(read))
    assert found.result is not None
    assert found.result.complete
    assert found.pending == found.plan
    assert found.saved == desk.pending_plan
    assert "the directory went away" in found.warnings[0]


def test_programs_see_the_plan_before_anything_is_written(desk: Desk) -> None:
    approve(desk, ADDITIONS)
    seen: list[tuple[int, int, int]] = []
    reconcile(
        desk.path,
        files=lambda: load(desk.path),
        on_plan=lambda planned, approved: seen.append((len(planned.steps), len(approved.steps), desk.writes)),
    )
    assert seen == [(5, 4, 0)]


@pytest.mark.parametrize("arguments", [["--allow", "users.delete=1"], ["--as-of", "2030-01-01"], ["--auto-approve"]])
def test_nobody_lifts_a_guard_or_moves_the_clock_while_everybody_sleeps(desk: Desk, arguments: list[str]) -> None:
    assert desk.call("reconcile", *arguments).code == 64
    assert desk.sandbox.request_count == 0


def test_a_disk_that_takes_no_plan_hides_nothing_of_what_was_applied(desk: Desk, tmp_path: Path) -> None:
    approve(desk, ADDITIONS)
    found = reconcile(desk.path, output=tmp_path / "nowhere" / "a.plan")
    assert found.result is not None
    assert found.result.complete
    assert found.saved is None
    assert "cannot be saved" in found.warnings[0]

"""Applies that meet others: a lock that is held, a plan that was applied before, a run that did not come to its end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import reconciler
from attending import attended
from command_line import Workspace
from reconciler.store import Store, desired_states
from reconciler.store.audit_trail import Question
from sandboxes import client_of
from terminals import asked, read_until

if TYPE_CHECKING:
    import httpx

DONE = "Applied: 3 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried."


def saved(workspace: Workspace, *options: str) -> str:
    file = str(workspace.path / "saved.plan")
    assert workspace.call("plan", "-q", "-o", file, *options).code == 0
    return file


def hold(workspace: Workspace) -> Any:
    """Hold the lock on the directory, as another run does."""
    config = reconciler.load_config(workspace.path)
    actor = reconciler.Actor(user="night", host="runner-7", pid=4711)
    return reconciler.hold(config, workspace.path, environ=workspace.env, actor=actor)


def test_who_meets_a_lock_is_told_who_holds_it_and_asks_the_directory_nothing(workspace: Workspace) -> None:
    with hold(workspace):
        done = workspace.call("apply", "--auto-approve")
    assert (done.code, done.stdout) == (1, "")
    assert "acme is locked by run " in done.stderr
    assert "(night on runner-7, process 4711) since 20" in done.stderr
    assert "--lock-timeout" in done.stderr
    assert workspace.sandbox.request_count == 0


def test_who_waits_for_a_lock_is_told_for_whom_and_goes_on_when_it_is_free(workspace: Workspace) -> None:
    arguments = ["apply", "--auto-approve", "--lock-timeout", "2m", "-C", str(workspace.path)]
    with ExitStack() as others:
        others.enter_context(hold(workspace))
        with attended(arguments, workspace.env) as process:
            read_until(process.stderr, "(night on runner-7, process 4711)")
            read_until(process.stderr, "waiting for it, for up to 2m")
            others.close()
            code, out, _ = process.rest()
    assert code == 0
    assert out.endswith(f"{DONE}\n")


def test_a_question_that_is_left_open_keeps_nobody_out(workspace: Workspace) -> None:
    with asked(workspace) as (process, person):
        assert workspace.call("apply", "--auto-approve").last_line == DONE
        before = workspace.sandbox.request_count
        os.write(person, b"yes\n")
        code, out, _ = process.rest()
    # What the other one has done is found done.
    assert (code, out.splitlines()[-1]) == (0, DONE)
    assert workspace.sandbox.request_count > before
    assert [user["userName"] for user in users(workspace)] == ["ada@example.com"]
    assert [len(ledger) for _, ledger in workspace.runs()] == [3, 3]


def test_after_the_yes_the_lock_must_be_free(workspace: Workspace) -> None:
    with asked(workspace) as (process, person), hold(workspace):
        os.write(person, b"yes\n")
        code, _, err = process.rest()
    assert code == 1
    assert "acme is locked by run " in err
    assert users(workspace) == []


def test_a_plan_that_was_applied_before_is_not_applied_again(workspace: Workspace) -> None:
    file = saved(workspace)
    assert workspace.call("apply", file).code == 0
    ((run, _),) = workspace.runs()
    # Somebody has taken it back since, on purpose.
    (user,) = users(workspace)
    request(workspace, "DELETE", f"/Users/{user['id']}")
    before = workspace.sandbox.request_count
    again = workspace.call("apply", file)
    assert again.code == 0
    assert f"This plan was applied before, by the run {run.id}, at 20" in again.stdout
    assert "nothing was left to do" in again.stdout
    assert workspace.call("apply", file, "--json").document["applied_before"]["run"] == run.id
    assert workspace.sandbox.request_count == before
    assert len(workspace.runs()) == 1


EMAIL = "emails: [{value: %s@example.com, type: work, primary: true}]"


def in_conflict(open_workspace: Callable[..., Workspace], count: int, *, bad: int) -> Workspace:
    """State users of whom one has the e-mail address of somebody else, which the directory refuses."""
    address = f"u{bad:02}@example.com"
    seed = {"users": [{"userName": "x@example.com", "emails": [{"value": address, "primary": True}]}]}
    workspace = open_workspace("atlassian", seed=seed)
    stated = "".join(f"  - userName: u{n:02}@example.com\n    {EMAIL % f'u{n:02}'}\n" for n in range(count))
    workspace.state(f"users:\n{stated}", users="ignore", dialect="atlassian", concurrency=1)
    return workspace


def test_a_plan_that_was_applied_in_part_is_gone_on_with(open_workspace: Callable[..., Workspace]) -> None:
    workspace = in_conflict(open_workspace, 3, bad=2)
    file = saved(workspace)
    first = workspace.call("apply", file)
    assert first.code == 5
    ((run, _),) = workspace.runs()
    assert "When what failed is put right, go on with what is left:" in first.stderr
    assert f"reconciler apply --resume {run.id} -C " in first.stderr
    (gone,) = (user for user in users(workspace) if user["userName"] == "u01@example.com")
    request(workspace, "DELETE", f"/Users/{gone['id']}")
    again = workspace.call("apply", file)
    assert again.code == 5
    assert f"Going on with the run {run.id}, which has done 2 of 3 steps." in again.stderr
    assert "u01@example.com" not in {user["userName"] for user in users(workspace)}


def test_the_circuit_breaker_is_5_and_says_what_tripped_it_and_what_to_do(
    open_workspace: Callable[..., Workspace],
) -> None:
    workspace = in_conflict(open_workspace, 20, bad=0)
    done = workspace.call("apply", "--auto-approve", "--json")
    assert done.code == 5
    result = done.document["result"]
    assert result["breaker"] is True
    assert "the circuit breaker stopped the run" in result["stopped"]
    assert result["counts"]["not_tried"] >= 15
    assert f"reconciler apply --resume {result['run']}" in done.stderr


def test_a_run_that_is_over_has_nothing_to_resume(workspace: Workspace) -> None:
    workspace.call("apply", "--auto-approve")
    ((run, _),) = workspace.runs()
    before = workspace.sandbox.request_count
    done = workspace.call("apply", "--resume", run.id)
    assert (done.code, "nothing was left to do" in done.stdout) == (0, True)
    assert workspace.sandbox.request_count == before


def test_a_run_that_nobody_knows_cannot_be_resumed(workspace: Workspace) -> None:
    without = workspace.call("apply", "--resume", "20260101T000000Z-000000")
    assert (without.code, "there is no store here" in without.stderr) == (1, True)
    assert not (workspace.path / ".reconciler").exists()
    with hold(workspace):
        pass
    done = workspace.call("apply", "--resume", "20260101T000000Z-000000")
    assert (done.code, "`reconciler runs` lists them" in done.stderr) == (1, True)


def test_the_end_of_an_apply_tells_where_it_is_recorded(workspace: Workspace) -> None:
    done = workspace.call("apply", "--auto-approve", "--json")
    ((run, _),) = workspace.runs()
    assert f"The run is recorded: reconciler runs show {run.id} -C " in done.stderr
    with Store.open(reconciler.load_config(workspace.path), workspace.path, workspace.env) as store:
        last = store.audit.latest(Question(run_id=run.id), limit=1)[-1]
    assert f"Audit head: {last.hash}\n" in done.stderr
    assert done.document["result"]["audit_head"] == last.hash


def test_drift_can_be_told_after_a_saved_plan_as_well(workspace: Workspace) -> None:
    workspace.call("apply", saved(workspace))
    config = reconciler.load_config(workspace.path)
    with Store.open(config, workspace.path, workspace.env) as store, store.reading() as connection:
        assert desired_states.load(connection, workspace.sandbox.base_url, config) is not None


def test_a_part_of_the_files_can_be_applied_alone(workspace: Workspace) -> None:
    done = workspace.call("apply", "--auto-approve", "--only", "user:ada@example.com", "--left-out")
    assert (done.code, done.last_line) == (0, DONE.replace("3 applied", "1 applied"))
    assert "create group:team-platform  (by --only)" in done.stdout
    assert [user["userName"] for user in users(workspace)] == ["ada@example.com"]


def users(workspace: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request(workspace, "GET", "/Users").content)["Resources"]
    return found


def request(workspace: Workspace, method: str, path: str) -> httpx.Response:
    with client_of(workspace.sandbox) as client:
        return client.request(method, path).raise_for_status()

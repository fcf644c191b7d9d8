from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from attending import Running, attended
from command_line import ADA_AND_TEAM, Workspace, call
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunStatus
from sandboxes import client_of, leaving
from terminals import asked, read_until

DONE = "Applied: 3 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried."
NO_CHANGES = "No changes. The directory matches the desired state."


def test_apply_shows_the_plan_applies_it_and_the_next_plan_is_empty(workspace: Workspace) -> None:
    done = workspace.call("apply", "--auto-approve")
    assert done.code == 0
    assert "+ ada@example.com  (listed, resources.yaml:6)" in done.stdout
    assert done.last_line == DONE
    assert workspace.call("plan").last_line == NO_CHANGES
    again = workspace.call("apply", "--auto-approve")
    assert (again.code, again.last_line) == (0, NO_CHANGES)
    # A run with nothing to do is recorded, too: grace periods and what was read last count from it.
    (run, ledger), (empty, nothing) = workspace.runs()
    assert run.status is empty.status is RunStatus.COMPLETE
    assert [line.state for line in ledger] == ["applied"] * 3
    assert nothing == []


def test_json_holds_the_numbers_of_the_plan_and_every_outcome(workspace: Workspace) -> None:
    document = workspace.call("apply", "--auto-approve", "--json").document
    assert document["plan"]["summary"]["create"] == 2
    assert document["result"]["counts"]["applied"] == 3
    assert [outcome["step"] for outcome in document["result"]["outcomes"]] == [
        "create user:ada@example.com",
        "create group:team-platform",
        "add_members group:team-platform",
    ]
    nothing = workspace.call("apply", "--auto-approve", "--json").document
    assert nothing["result"]["outcomes"] == []


def test_nothing_is_asked_where_nobody_can_answer(workspace: Workspace) -> None:
    done = workspace.call("apply")
    assert (done.code, done.stdout) == (64, "")
    assert "--auto-approve" in done.stderr
    assert workspace.sandbox.request_count == 0


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("y\n", 130), ("\n", 130), ("\x04", 130)])
def test_only_yes_applies(workspace: Workspace, answer: str, code: int) -> None:
    with asked(workspace) as (process, person):
        os.write(person, answer.encode())
        ended, out, _ = process.rest()
    assert ended == code
    assert ("Applied:" in out) == (code == 0)
    assert len(workspace.runs()) == (1 if code == 0 else 0)


def test_ctrl_c_is_an_answer_too(workspace: Workspace) -> None:
    with asked(workspace) as (process, _):
        # A signal between the question and the read for its answer is seen after the read; a person presses again.
        pressed = 0.0
        while not process.ended:
            if time.monotonic() - pressed > 2:
                process.signal(signal.SIGINT)
                pressed = time.monotonic()
            time.sleep(0.01)
        assert process.wait() == 130
    assert workspace.runs() == []


def test_a_saved_plan_is_applied_exactly(workspace: Workspace) -> None:
    file = str(workspace.path / "saved.plan")
    workspace.call("plan", "-o", file)
    workspace.state(ADA_AND_TEAM.replace("Engineer", "Director"))
    done = workspace.call("apply", file)
    assert (done.code, done.last_line) == (0, DONE)
    assert "the files have changed since this plan was made" in done.stderr
    (user,) = get(workspace.sandbox, "/Users")["Resources"]
    assert user["title"] == "Engineer"


def test_a_saved_plan_is_applied_while_the_files_cannot_be_read(workspace: Workspace) -> None:
    file = str(workspace.path / "saved.plan")
    workspace.call("plan", "-o", file)
    workspace.state("users: [")
    done = workspace.call("apply", file)
    assert (done.code, done.last_line) == (0, DONE)
    assert "the files have changed since this plan was made" in done.stderr


def test_a_saved_plan_of_unchanged_files_is_applied_without_a_warning(workspace: Workspace) -> None:
    file = str(workspace.path / "saved.plan")
    workspace.call("plan", "-o", file)
    assert "warning" not in workspace.call("apply", file).stderr


def test_a_plan_of_another_directory_is_4(workspace: Workspace) -> None:
    file = str(workspace.path / "saved.plan")
    workspace.call("plan", "-o", file)
    with leaving(Sandbox()) as other:
        done = call(
            ["apply", file, "-C", str(workspace.path)],
            env=workspace.env | {"SCIM_BASE_URL": other.base_url, "SCIM_TOKEN": other.token},
        )
        assert done.code == 4
        assert "the plan is for the directory 'acme' at" in done.stderr
        assert other.request_count == 0


def test_a_stale_step_is_named_and_4(workspace: Workspace) -> None:
    workspace.call("apply", "--auto-approve")
    workspace.state(ADA_AND_TEAM.replace("Engineer", "Director"))
    file = str(workspace.path / "saved.plan")
    workspace.call("plan", "-o", file)
    (user,) = get(workspace.sandbox, "/Users")["Resources"]
    replace_title(workspace.sandbox, user["id"], "Chief")
    done = workspace.call("apply", file)
    assert done.code == 4
    assert "update user ada@example.com" in done.stdout
    assert done.last_line == "Applied: 0 applied, 0 differ, 0 failed, 1 stale, 0 skipped, 0 not tried."


EMAIL = "emails: [{value: ada@example.com, type: work, primary: true}]"


def test_a_failed_step_is_named_and_5_and_others_are_applied(open_workspace: Callable[..., Workspace]) -> None:
    seed = {"users": [{"userName": "x@example.com", "emails": [{"value": "ada@example.com", "primary": True}]}]}
    workspace = open_workspace("atlassian", seed=seed)
    workspace.state(
        f"users:\n  - userName: ada@example.com\n    {EMAIL}\n"
        f"  - userName: bob@example.com\n    {EMAIL.replace('ada', 'bob')}\n",
        users="ignore",
        dialect="atlassian",
    )
    done = workspace.call("apply", "--auto-approve")
    assert done.code == 5
    assert "✗ create user ada@example.com: " in done.stdout
    assert done.last_line == "Applied: 1 applied, 0 differ, 1 failed, 0 stale, 0 skipped, 0 not tried."


def many_users(count: int) -> str:
    return "users:\n" + "".join(f"  - userName: u{n:03}@example.com\n" for n in range(count))


@pytest.mark.parametrize(("number", "resumed"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_the_first_signal_ends_the_run_in_order_and_the_next_one_completes_it(
    workspace: Workspace, number: signal.Signals, resumed: bool
) -> None:
    workspace.state(many_users(100), concurrency=1)
    with attended(["apply", "--auto-approve", "-C", str(workspace.path)], workspace.env) as process:
        wait_for_requests(workspace.sandbox, 20, process)
        process.signal(number)
        code, out, err = process.rest()
    assert code == 130
    assert "Stopping: what is in flight is finished and recorded." in err
    assert "Stopped: stopped by the user" in out
    assert " 0 failed" in out.splitlines()[-1]
    ((run, ledger),) = workspace.runs()
    assert run.status is RunStatus.STOPPED
    applied = [line for line in ledger if line.state == "applied"]
    assert get(workspace.sandbox, "/Users")["totalResults"] == len(applied)

    done = workspace.call("apply", *(["--resume", run.id] if resumed else ["--auto-approve"]))
    assert done.code == 0
    assert (f"Going on with the run {run.id}, which has done {len(applied)} of 100 steps." in done.stderr) == resumed
    assert get(workspace.sandbox, "/Users")["totalResults"] == 100


def test_the_second_signal_stops_at_once(workspace: Workspace) -> None:
    workspace.state(many_users(200), concurrency=1)
    with attended(["apply", "--auto-approve", "-C", str(workspace.path)], workspace.env) as process:
        wait_for_requests(workspace.sandbox, 20, process)
        with workspace.sandbox.directory.lock:
            # No request is answered now: as soon as none comes any more, one is in flight and cannot finish.
            wait_until_quiet(workspace.sandbox)
            process.signal(signal.SIGINT)
            read_until(process.stderr, "Stopping")
            process.signal(signal.SIGINT)
            assert process.wait() == 130
    ((run, _),) = workspace.runs()
    assert run.status is RunStatus.INTERRUPTED


def wait_until_quiet(sandbox: Sandbox, seconds: float = 0.5) -> None:
    seen, since = sandbox.request_count, time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.01)
        if sandbox.request_count != seen:
            seen, since = sandbox.request_count, time.monotonic()


def wait_for_requests(sandbox: Sandbox, count: int, process: Running) -> None:
    while sandbox.request_count < count:
        assert not process.ended, f"the apply ended after {sandbox.request_count} requests"
        time.sleep(0.001)


def test_a_reader_that_goes_away_does_not_stop_an_apply(workspace: Workspace) -> None:
    with attended(["apply", "--auto-approve", "-C", str(workspace.path)], workspace.env) as process:
        process.stdout.close()
        assert "Broken pipe" not in process.stderr.read()
        assert process.wait() == 0
    assert get(workspace.sandbox, "/Users")["totalResults"] == 1


def get(sandbox: Sandbox, path: str) -> dict[str, Any]:
    with client_of(sandbox) as client:
        document: dict[str, Any] = client.get(path).raise_for_status().json()
    return document


def replace_title(sandbox: Sandbox, user_id: str, title: str) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": title}],
    }
    with client_of(sandbox) as client:
        client.patch(f"/Users/{user_id}", json=body).raise_for_status()

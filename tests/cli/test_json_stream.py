"""``--json-stream``: what happens, line by line, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

import reconciler
from command_line import Workspace
from desk import CAREFUL_OF_NOTHING, STATED, Desk
from reconciler.planning import as_json, decode
from reconciler.sandbox.faults import FaultRule, Reply, Requests, Reset, Throttle, When
from sample_plans import HOSTILE
from told_events import Stream, assert_ended, read_stream

Open = Callable[..., Workspace]

REFUSING = {**CAREFUL_OF_NOTHING, "users": {**CAREFUL_OF_NOTHING["users"], "create": {"count": 0}}}
SINGLE = {
    "name": "acme",
    "base_url": "${SCIM_BASE_URL}",
    "token": {"env": "SCIM_TOKEN"},
    "capabilities": {"bulk_operations": 0},
}
"""A directory that takes one request for each resource."""


def told(desk: Desk, *arguments: str) -> Stream:
    done = desk.call(*arguments, "--json-stream")
    return read_stream(done.stdout, done.code)


def test_a_plan_is_told_from_the_version_to_the_summary(desk: Desk) -> None:
    stream = told(desk, "plan")
    assert stream.types == ["version", "read_start", "read_complete", "planned_step", "guard", "summary"]
    version, summary = stream.lines[0], stream.summary
    assert (version["format"], version["command"]) == ("reconciler.events/1", "plan")
    (read,) = stream.of("read_complete")
    assert (read["users"], read["groups"], read["directory"]) == (1, 0, "acme")
    assert read["requests"] == desk.sandbox.request_count
    assert (summary["changes"], summary["exit_code"]) == (True, 0)
    assert summary["message"].startswith("Plan: 3 to create, 0 to update, 1 to deactivate")
    assert "counts" not in summary
    assert "run" not in summary


def test_steps_and_guards_are_those_of_the_plan_document(desk: Desk) -> None:
    file = desk.path / "acme.plan"
    stream = told(desk, "plan", "-o", str(file), "--detailed-exitcode")
    document = as_json(decode(file.read_bytes()))
    assert [line["planned"] for line in stream.of("planned_step")] == document["steps"]
    assert [line["verdict"] for line in stream.of("guard")] == document["guards"]
    assert {line["step"]: line["change_kinds"] for line in stream.of("planned_step")} == {
        "create user:ada@example.com": ["users.create"],
        "create user:bob@example.com": ["users.create"],
        "create group:team-core": ["groups.create"],
        "add_members group:team-core": ["members.add"],
        "deactivate user:eve@example.com": ["users.deactivate"],
    }
    assert stream.summary["plan"]["digest"] == document["digest"]
    assert stream.summary["saved"] == str(file)
    assert stream.summary["exit_code"] == 2


def test_an_apply_is_told_step_by_step(desk: Desk) -> None:
    stream = told(desk, "apply", "--auto-approve")
    assert_ended(stream)
    assert set(stream.statuses().values()) == {"applied"}
    started = [line["step"] for line in stream.of("step_started")]
    assert sorted(started) == sorted(stream.statuses())
    chunks = stream.of("chunk_complete")
    assert [line["chunk"] for line in chunks] == list(range(1, chunks[0]["chunks"] + 1))
    assert (chunks[-1]["done"], chunks[-1]["total"]) == (5, 5)
    assert stream.summary["message"] == "Applied: 5 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried."
    (run,) = desk.runs()
    assert {line["run"] for line in stream.of("step_started", "step_applied", "chunk_complete")} == {run.id}
    assert stream.summary["run"] == run.id
    with desk.store() as store:
        assert store is not None
        ledger = {line.step: (line.resource_id, line.requests) for line in store.steps_of(run.id)}
        assert stream.summary["audit_head"] == store.audit.latest(limit=1)[-1].hash
    ends = stream.of("step_applied")
    assert {line["step"]: (line["resource_id"], line["requests"]) for line in ends} == ledger


def test_where_nothing_is_to_do_that_is_told(desk: Desk) -> None:
    desk.call("apply", "--auto-approve")
    for command in (("plan",), ("apply", "--auto-approve"), ("reconcile",)):
        stream = told(desk, *command)
        assert (stream.summary["changes"], stream.summary["exit_code"]) == (False, 0)
        assert not stream.of("planned_step", "step_started", "diagnostic")
        assert stream.of("guard")


def saved(desk: Desk) -> str:
    file = desk.path / "acme.plan"
    desk.call("plan", "-o", str(file))
    return str(file)


@pytest.mark.parametrize(
    "command",
    [
        lambda _: ("plan",),
        lambda _: ("apply", "--auto-approve"),
        lambda desk: ("apply", saved(desk)),
        lambda _: ("reconcile",),
    ],
    ids=["plan", "apply", "apply FILE", "reconcile"],
)
def test_a_guard_that_refuses_is_told_and_nothing_is_written(
    desk: Desk, command: Callable[[Desk], tuple[str, ...]]
) -> None:
    desk.state(STATED, guards=REFUSING)
    stream = told(desk, *command(desk))
    (refusal,) = [line for line in stream.of("guard") if not line["passed"]]
    assert (refusal["guard"], refusal["verdict"]["number"]) == ("users.create", 2)
    assert refusal["message"] == "users.create refuses the plan: 2 users would be created; the limit is 0"
    assert [line["code"] for line in stream.errors] == ["plan-refused"]
    assert stream.summary["exit_code"] == 3
    assert len(stream.of("planned_step")) == 5
    assert not stream.of("step_started", "step_skipped")
    assert desk.writes == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "--nope"), "No such option '--nope'"),
        (("plan", "--json"), "Choose one"),
        (("--json", "plan"), "Choose one"),
        (("plan", "--format", "text"), "without --format"),
        (("plan", "--compare", "old.plan"), "--compare"),
        (("plan", "--redact"), "--redact"),
        (("plan", "--user", "ada@example.com"), "--user"),
        (("plan", "--group-by", "group"), "--group-by"),
        (("apply",), "There is nobody to ask"),
        (("undo", "20261122T012754Z-1c09cd"), "There is nobody to ask"),
        (("apply", "acme.plan", "--resume", "x"), "--resume"),
        (("reconcile", "--lock-timeout", "soon"), "--lock-timeout"),
        (("aply",), "Did you mean 'apply'?"),
        (("validate",), "No such option '--json-stream'"),
    ],
)
def test_wrong_usage_is_a_diagnostic_and_a_summary(desk: Desk, arguments: tuple[str, ...], message: str) -> None:
    stream = told(desk, *arguments)
    assert stream.types == ["version", "diagnostic", "summary"]
    assert stream.summary["exit_code"] == 64
    assert stream.errors[0]["code"] == "usage"
    assert message in stream.errors[0]["message"]
    assert desk.sandbox.request_count == 0


def test_the_option_as_the_value_of_another_one_asks_for_nothing(desk: Desk) -> None:
    done = desk.call("plan", "--reason", "--json-stream")
    assert done.code == 0
    assert done.stdout.startswith("Directory:")


def test_help_is_help(desk: Desk) -> None:
    done = desk.call("plan", "--json-stream", "--help")
    assert (done.code, done.stdout.startswith("Usage: ")) == (0, True)


def test_what_is_wrong_with_the_files_is_told_with_its_place(desk: Desk) -> None:
    (desk.path / "resources.yaml").write_text("users:\n  - userName: ada@example.com\n    titel: x\n", encoding="utf-8")
    stream = told(desk, "plan")
    (error,) = stream.errors
    assert (error["code"], error["file"], error["line"], error["column"]) == ("unknown-key", "resources.yaml", 3, 5)
    assert "title" in error["hint"]
    assert error["text"] == "titel"
    assert (stream.summary["exit_code"], stream.types) == (1, ["version", "diagnostic", "summary"])


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("reconcile",)])
def test_a_directory_that_cannot_be_read_is_told(desk: Desk, command: tuple[str, ...]) -> None:
    desk.sandbox.use_faults([FaultRule(fault=Reply(status=401, detail="\x1b[31mno\n::error::"))])
    stream = told(desk, *command)
    assert stream.types == ["version", "read_start", "diagnostic", "summary"]
    assert stream.summary["exit_code"] == 1
    assert len(stream.errors) == 1


@pytest.mark.parametrize("content", ["", "{}", "no plan"])
def test_a_file_that_is_no_plan_is_told(desk: Desk, content: str) -> None:
    file = desk.path / "acme.plan"
    file.write_text(content, encoding="utf-8")
    stream = told(desk, "apply", str(file))
    assert (stream.summary["exit_code"], stream.errors[0]["code"]) == (4, "plan-file")


def test_a_saved_plan_is_told_like_a_fresh_one_and_so_is_what_is_stale(desk: Desk) -> None:
    desk.call("apply", "--auto-approve")
    changed = {**STATED, "users": [{"userName": "ada@example.com", "title": "Director"}, STATED["users"][1]]}
    desk.state(changed)
    file = saved(desk)
    desk.set_title("ada@example.com", "Queen")
    desk.state(STATED)
    stream = told(desk, "apply", file)
    assert_ended(stream)
    assert stream.statuses() == {"update user:ada@example.com": "stale"}
    assert [line["type"] for line in stream.lines[-3:]] == ["step_failed", "chunk_complete", "summary"]
    assert "changed since it was planned" in stream.of("step_failed")[0]["why"]
    assert [line["code"] for line in stream.of("diagnostic")] == ["files-changed"]
    assert stream.summary["exit_code"] == 4


def test_a_plan_that_was_applied_before_says_by_which_run(desk: Desk) -> None:
    file = saved(desk)
    desk.call("apply", file)
    stream = told(desk, "apply", file)
    (run,) = desk.runs()
    assert stream.summary["applied_before"] == run.id
    assert stream.summary["exit_code"] == 0
    assert not stream.of("step_started", "step_applied")


def test_what_fails_and_what_waited_for_it_is_told_and_gone_on_with(desk: Desk) -> None:
    desk.sandbox.use_faults(
        [FaultRule(fault=Reply(status=400, detail="no\x1b[2J"), requests=Requests(methods=("POST",), path="/Groups"))]
    )
    desk.state(STATED, directory=SINGLE, apply={"max_failures": {"count": 100}})
    stream = told(desk, "apply", "--auto-approve")
    assert_ended(stream)
    assert stream.summary["exit_code"] == 5
    (failed,) = stream.of("step_failed")
    assert (failed["step"], failed["status"], failed["http_status"]) == ("create group:team-core", "failed", 400)
    assert (failed["requests"], failed.get("resource_id")) == (1, None)
    (skipped,) = stream.of("step_skipped")
    assert (skipped["step"], skipped["status"]) == ("add_members group:team-core", "skipped")
    assert "create group:team-core" in skipped["why"]

    desk.sandbox.use_faults([])
    again = told(desk, "apply", "--resume", stream.summary["run"])
    assert_ended(again)
    assert set(again.statuses().values()) == {"applied"}
    assert {line["step"] for line in again.of("step_started")} == {failed["step"], skipped["step"]}
    earlier = [
        line for line in again.of("step_applied") if f"done by the run {stream.summary['run']}" in line.get("why", "")
    ]
    assert len(earlier) == 3
    assert again.summary["resumes"] == stream.summary["run"]


def test_a_run_that_a_lost_token_ends_is_told(desk: Desk) -> None:
    lost = FaultRule(fault=Reply(status=401), requests=Requests(methods=("POST",)), when=When(skip=1))
    desk.sandbox.use_faults([lost])
    desk.state(STATED, apply={"concurrency": 1}, directory=SINGLE)
    stream = told(desk, "apply", "--auto-approve")
    assert_ended(stream)
    assert stream.summary["exit_code"] == 5
    assert "token" in stream.summary["stopped"]
    assert [line["code"] for line in stream.errors] == ["stopped"]
    assert {"applied", "failed", "not_tried"} <= set(stream.statuses().values())


def test_requests_that_wait_are_told(desk: Desk) -> None:
    busy = FaultRule(fault=Throttle(header="reset_epoch_ms", wait=0.01), when=When(skip=3, count=2))
    desk.sandbox.use_faults([busy])
    stream = told(desk, "apply", "--auto-approve")
    waits = stream.of("throttled")
    assert len(waits) == 2
    assert {(line["status"], line["attempt"] >= 1, line["seconds"] < 60) for line in waits} == {(429, True, True)}
    assert all(line["method"] and line["path"] for line in waits)
    assert stream.summary["exit_code"] == 0


def test_a_connection_that_breaks_is_told_as_a_wait_without_an_answer(desk: Desk) -> None:
    desk.sandbox.use_faults([FaultRule(fault=Reset(), when=When(count=1))])
    (wait,) = told(desk, "plan").of("throttled")
    assert "status" not in wait
    assert "cannot be reached" in wait["message"]


def test_what_waits_for_a_person_is_told_as_such(desk: Desk) -> None:
    desk.state(STATED, reconcile={"auto_approve": ["users.create", "members.add"]})
    stream = told(desk, "reconcile")
    assert_ended(stream)
    assert stream.summary["exit_code"] == 2
    assert {step for step, status in stream.statuses().items() if status == "waiting"} == {
        "create group:team-core",
        "add_members group:team-core",
        "deactivate user:eve@example.com",
    }
    waiting = {line["step"]: line.get("waiting", 0) for line in stream.of("planned_step")}
    assert waiting["create user:ada@example.com"] == 0
    assert waiting["deactivate user:eve@example.com"] == 1
    assert stream.summary["counts"]["applied"] == 2
    assert stream.summary["message"] == "Reconciled: 2 applied, 0 not applied, 3 waiting."
    assert stream.summary["saved"] == str(desk.pending_plan)
    # What waits is planned anew once something was applied.
    assert len(stream.of("read_start")) == len(stream.of("read_complete")) == 2


def test_of_memberships_some_may_wait(desk: Desk) -> None:
    desk.call("apply", "--auto-approve")
    grown: Mapping[str, Any] = {
        "users": [*STATED["users"], {"userName": "cyd@example.com"}],
        "groups": [{"displayName": "team-core", "members": ["ada@example.com", "bob@example.com", "cyd@example.com"]}],
    }
    desk.state(grown, reconcile={"auto_approve": ["members.add"]})
    stream = told(desk, "reconcile")
    assert_ended(stream)
    assert stream.statuses() == {"create user:cyd@example.com": "waiting", "add_members group:team-core": "applied"}
    assert [line.get("waiting", 0) for line in stream.of("planned_step")] == [1, 1]
    assert desk.members("team-core") == {"ada@example.com", "bob@example.com"}


def test_an_undo_is_told(desk: Desk) -> None:
    run = told(desk, "apply", "--auto-approve").summary["run"]
    stream = told(desk, "undo", run, "--auto-approve", "--allow", "users.delete=2", "--reason", "OPS-1")
    assert_ended(stream)
    assert stream.lines[0]["command"] == "undo"
    assert stream.summary["exit_code"] == 0
    assert desk.users() == {"eve@example.com"}
    file = desk.path / "undo.plan"
    assert told(desk, "undo", run, "-o", str(file)).summary["saved"] == str(file)


def test_another_run_that_writes_is_told(desk: Desk) -> None:
    with reconciler.hold(reconciler.load_config(desk.path), desk.path):
        stream = told(desk, "apply", "--auto-approve")
    assert (stream.summary["exit_code"], stream.errors[0]["code"]) == (1, "locked")


def test_names_that_attack_harm_no_reader_of_the_stream(open_workspace: Open) -> None:
    names = [HOSTILE, "::error::x", "a\u2028b", "\U0001f600", "x" * 900]
    workspace = open_workspace(seed={"users": [{"userName": name, "active": True} for name in names]})
    allowed = ("--allow", "users.deactivate=9", "--reason", HOSTILE)
    done = workspace.call("apply", "--auto-approve", *allowed, "--json-stream")
    stream = read_stream(done.stdout, done.code)
    assert done.code == 0
    assert_ended(stream)
    assert {line["name"] for line in stream.of("step_applied") if line["action"] == "deactivate"} == set(names)

"""``reconciler ci``, as a job calls it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from code_hosts import At, Desk
from command_line import ADA_AND_TEAM, Done, Workspace, call, environment
from fake_github import REPOSITORY
from reconciler.planning import Plan, encode
from reconciler.sandbox.server import Sandbox
from sample_plans import ALL

PLACELESS = ("GITHUB_", "GITLAB_", "CI_")


@dataclass
class Job:
    """A job at a host, with a saved plan."""

    folder: Path
    desk: Desk | None = None

    def save(self, plan: Plan, name: str = "acme.plan") -> Path:
        path = self.folder / name
        path.write_bytes(encode(plan))
        return path

    def call(self, *arguments: str, **variables: str) -> Done:
        clean = {name: value for name, value in environment().items() if not name.startswith(PLACELESS)}
        env = clean | dict(self.desk.environ if self.desk else {}) | variables
        done = call(["ci", *arguments], env=env, cwd=self.folder)
        if self.desk:
            assert self.desk.token not in done.stdout + done.stderr
        return done


@pytest.fixture
def job(tmp_path: Path, at: At) -> Job:
    """A job of a GitHub workflow on a pull request; its plan creates Ada."""
    job = Job(tmp_path, at("github"))
    job.save(ALL["tiny"]())
    return job


def test_a_comment_is_created_then_updated_then_left(job: Job) -> None:
    assert job.desk
    done = job.call("comment", "acme.plan")
    assert (done.code, done.stdout) == (0, "Comment created: https://github.example/c/1001.\n")
    job.save(ALL["every_kind"]())
    done = job.call("comment", "acme.plan", "--json")
    url = "https://github.example/c/1001"
    assert done.document == {"provider": "github", "outcome": "updated", "url": url, "replaced": 0}
    assert job.call("comment", "acme.plan").stdout == f"Comment unchanged: {url}.\n"
    (body,) = job.desk.bodies
    assert "Plan: 2 to create, 4 to update, 3 to deactivate, 2 to delete; 5 memberships to add, 4 to remove." in body


def test_gitlab_gets_a_note(tmp_path: Path, at: At) -> None:
    job = Job(tmp_path, at("gitlab"))
    job.save(ALL["refused"]())
    done = job.call("comment", "acme.plan")
    url = "https://gitlab.example/acme/directory/-/merge_requests/7#note_9001"
    assert (done.code, done.stdout) == (0, f"Comment created: {url}.\n")
    assert job.desk
    assert "[!CAUTION]" not in job.desk.bodies[0]


def test_two_jobs_for_one_directory_have_a_comment_each(job: Job) -> None:
    assert job.desk
    for key in ("people", "groups", "people"):
        assert job.call("comment", "acme.plan", "--key", key).code == 0
    assert len(job.desk.bodies) == 2


def test_a_plan_of_ten_thousand_steps_fits(job: Job) -> None:
    assert job.desk
    job.save(ALL["ten_thousand"]())
    run = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "77"}
    assert job.call("comment", "acme.plan", **run).code == 0
    (body,) = job.desk.bodies
    assert len(body) <= 65_536
    assert f"https://github.example/{REPOSITORY}/actions/runs/77" in body


def test_stdout_shows_the_comment_and_sends_nothing(job: Job) -> None:
    assert job.desk
    done = job.call("comment", "acme.plan", "--provider", "stdout", "--redact", "--where", "https://ci.example.com/7")
    assert done.stdout.startswith("<!-- reconciler:plan directory=acme-")
    assert "ada@example.com" not in done.stdout
    assert "https://ci.example.com/7" in done.stdout
    assert job.desk.fake.requests == []


@pytest.mark.parametrize("command", ["comment", "annotations", "summary"])
def test_in_a_public_repository_nobody_is_named_unless_that_is_wanted(job: Job, command: str) -> None:
    event = job.folder / "event.json"
    event.write_text('{"pull_request": {"number": 7}, "repository": {"private": false}}', encoding="utf-8")
    given = [command, "acme.plan", *([] if command == "summary" else ["--provider", "stdout"])]
    assert "ada@example.com" not in job.call(*given, GITHUB_EVENT_PATH=str(event)).stdout
    assert "ada@example.com" in job.call(*given, "--no-redact", GITHUB_EVENT_PATH=str(event)).stdout
    assert "ada@example.com" in job.call(*given).stdout


def test_an_event_that_cannot_be_read_is_an_error_and_no_private_repository(job: Job) -> None:
    event = job.folder / "event.json"
    event.write_text("{", encoding="utf-8")
    done = job.call("summary", "acme.plan", GITHUB_EVENT_PATH=str(event))
    assert (done.code, done.stdout) == (1, "")
    assert "GITHUB_EVENT_PATH" in done.stderr


def test_without_a_pull_request_it_is_an_error_or_nothing(job: Job) -> None:
    done = job.call("comment", "acme.plan", GITHUB_REF="refs/heads/main")
    assert (done.code, done.stdout) == (1, "")
    assert "does not run for a pull request" in done.stderr
    done = job.call("comment", "acme.plan", "--if-pull-request", GITHUB_REF="refs/heads/main")
    assert (done.code, done.stdout) == (0, "No pull request: nothing was written.\n")


def test_a_token_of_a_file_and_a_number_of_the_command_line(job: Job) -> None:
    assert job.desk
    (job.folder / "token").write_text(job.desk.fake.token, encoding="utf-8")
    given = ("--token-file", "token", "--number", "7", "--repository", REPOSITORY, "--api-url", job.desk.fake.api_url)
    variables = {"GITHUB_TOKEN": "", "GITHUB_REF": "", "GITHUB_REPOSITORY": "", "GITHUB_API_URL": ""}
    assert job.call("comment", "acme.plan", *given, **variables).code == 0


def test_a_refusal_of_the_host_is_exit_code_1_with_what_to_do(job: Job) -> None:
    assert job.desk
    job.desk.github.rights.clear()
    done = job.call("comment", "acme.plan", "--json")
    assert done.code == 1
    assert "permissions: {pull-requests: write}" in done.stderr
    assert done.document["error"]["type"] == "HostRefusedError"


@pytest.mark.parametrize("command", ["comment", "annotations", "summary"])
def test_a_plan_that_is_not_intact_is_exit_code_4(job: Job, command: str) -> None:
    path = job.folder / "acme.plan"
    path.write_bytes(path.read_bytes().replace(b"ada", b"eve"))
    assert job.call(command, "acme.plan").code == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ["comment"],
        ["comment", "acme.plan", "--number", "0"],
        ["comment", "acme.plan", "--where", "javascript:alert(1)"],
        ["comment", "acme.plan", "--token-env", "A", "--token-file", "acme.plan"],
        ["issue"],
        ["issue", "--plan", "acme.plan", "--reconciled", "acme.plan"],
        ["issue", "--drift", "-", "--reconciled", "-"],
        ["issue", "--plan", "acme.plan", "--label", "a,b"],
        ["issue", "--plan", "acme.plan", "--label", " "],
        ["annotations", "acme.plan", "--provider", "bitbucket"],
        [],
    ],
)
def test_wrong_usage_is_exit_code_64(job: Job, arguments: list[str]) -> None:
    done = job.call(*arguments)
    assert (done.code, done.stdout) == (64, "")


@pytest.mark.parametrize("name", ["comment", "annotations", "issue", "summary"])
def test_help_has_examples_and_fits_a_terminal_of_80_columns(job: Job, name: str) -> None:
    done = job.call(name, "--help", COLUMNS="80")
    assert f"Examples:\n  reconciler ci {name} " in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []


def repository(folder: Path) -> Path:
    """A Git repository with a workspace two folders below its root."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    workspace = folder / "directories" / "acme"
    workspace.mkdir(parents=True)
    return workspace


def test_annotations_name_files_from_the_root_of_the_repository(job: Job) -> None:
    workspace = repository(job.folder)
    job.save(ALL["tiny"]())
    lines = job.call("annotations", "acme.plan", "-C", str(workspace)).stdout.splitlines()
    assert lines[0].startswith("::notice file=directories/acme/groups/platform.yaml,line=4,col=1,title=add-members::")
    lines = job.call("annotations", "acme.plan", "--prefix", "conf").stdout.splitlines()
    assert lines[1].startswith("::notice file=conf/users/engineering.yaml,line=2,")


def test_gitlab_gets_a_code_quality_report(job: Job) -> None:
    job.save(ALL["every_kind"]())
    report = job.call("annotations", "acme.plan", "--provider", "gitlab").document
    assert {entry["severity"] for entry in report} == {"major", "info"}
    assert len({entry["fingerprint"] for entry in report}) == len(report)
    assert all(
        entry.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        and entry["location"]["lines"]["begin"] >= 1
        and not entry["location"]["path"].startswith(("/", "./"))
        for entry in report
    )


def test_annotations_can_be_redacted_and_read_by_programs(job: Job) -> None:
    done = job.call("annotations", "acme.plan", "--redact", "--json")
    assert "ada@example.com" not in done.stdout
    assert [one["code"] for one in done.document["annotations"]] == ["add-members", "create"]
    assert "note: creates user ada@example.com" in job.call("annotations", "acme.plan", "--provider", "stdout").stdout


def test_validate_writes_a_code_quality_report_too(tmp_path: Path) -> None:
    workspace = repository(tmp_path)
    (workspace / "directory.yaml").write_text("directory: {name: acme}\n", encoding="utf-8")
    (workspace / "users.yaml").write_text("users:\n  - userName: a@example.com\n    titel: x\n", encoding="utf-8")
    done = call(["validate", "-C", str(workspace), "--format", "gitlab"], cwd=tmp_path)
    assert done.code == 1
    (found,) = [entry for entry in done.document if entry["check_name"] == "unknown-key"]
    assert found["location"] == {"path": "directories/acme/users.yaml", "lines": {"begin": 3}}
    assert found["severity"] == "critical"
    (workspace / "users.yaml").write_text(
        "# a line more\nusers:\n  - userName: a@example.com\n    titel: x\n", encoding="utf-8"
    )
    again = call(["validate", "-C", str(workspace), "--format", "gitlab"], cwd=tmp_path).document
    assert found["fingerprint"] in {entry["fingerprint"] for entry in again}


def test_the_summary_is_appended_and_never_too_long(job: Job) -> None:
    file = job.folder / "summary.md"
    file.write_text("before\n", encoding="utf-8")
    done = job.call("summary", "acme.plan", GITHUB_STEP_SUMMARY=str(file))
    text = file.read_text(encoding="utf-8")
    assert (done.code, text.startswith("before\n\n\n<!-- ")) == (0, True)
    assert done.stdout == f"Summary written: {len(text.encode()) - 7:,} bytes.\n"
    job.save(ALL["ten_thousand"]())
    assert job.call("summary", "acme.plan", GITHUB_STEP_SUMMARY=str(file)).code == 0
    assert 500_000 < file.stat().st_size <= 1024 * 1024
    held = file.read_bytes() + b"." * (1024 * 1024 - file.stat().st_size)
    file.write_bytes(held)
    done = job.call("summary", "acme.plan", GITHUB_STEP_SUMMARY=str(file))
    assert (done.code, file.read_bytes() == held) == (1, True)
    assert "in a step of its own" in done.stderr


def test_without_a_page_the_summary_is_printed(job: Job) -> None:
    assert job.call("summary", "acme.plan").stdout.startswith("<!-- reconciler:plan")


def test_an_issue_of_a_plan_that_waits(job: Job) -> None:
    assert job.desk
    done = job.call("issue", "--plan", "acme.plan", "--label", "identity")
    assert (done.code, done.stdout) == (0, "Issue opened: https://github.example/issues/41.\n")
    job.save(ALL["empty"]())
    done = job.call("issue", "--plan", "acme.plan", "--label", "identity", "--json")
    assert (done.document["outcome"], done.document["waiting"]) == ("closed", False)
    done = job.call("issue", "--plan", "acme.plan", "--label", "identity")
    assert done.stdout == "No issue, and none is needed.\n"


@pytest.mark.parametrize(
    "arguments", [["--plan", "gone.plan"], ["--drift", "failed.json"]], ids=["no file", "an error"]
)
def test_what_is_not_known_closes_no_issue(job: Job, arguments: list[str]) -> None:
    assert job.desk
    job.call("issue", "--plan", "acme.plan")
    error: dict[str, Any] = {"error": {"type": "ConnectionFailed", "message": "out of reach"}}
    (job.folder / "failed.json").write_text(json.dumps(error), encoding="utf-8")
    assert job.call("issue", *arguments).code == 1
    assert len(job.desk.open_bodies) == 1


def test_a_night_from_the_run_to_the_issue_and_the_morning_after(job: Job) -> None:
    assert job.desk
    with Sandbox() as sandbox:
        path = job.folder / "workspace"
        path.mkdir()
        workspace = Workspace(path, sandbox)
        workspace.state(ADA_AND_TEAM)

        def night() -> str:
            for command in ("reconcile", "drift"):
                (job.folder / f"{command}.json").write_text(workspace.call(command, "--json").stdout, encoding="utf-8")
            done = job.call("issue", "--drift", "drift.json", "--reconciled", "reconcile.json")
            return done.stdout.partition(":")[0]

        assert night() == "Issue opened"
        assert "3 steps waiting for approval" in job.desk.open_bodies[0]
        assert "+ ada@example.com" in job.desk.open_bodies[0]
        assert workspace.call("apply", str(path / ".reconciler" / "pending.plan"), "--auto-approve").code == 0
        assert night() == "Issue closed"
    assert job.desk.open_bodies == []

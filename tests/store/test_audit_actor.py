"""Who runs a command: what the system, the CI job, Git and the reason tell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.store.actor import current_actor, find_ticket


def test_outside_ci_and_git_it_is_the_user_of_the_system(tmp_path: Path) -> None:
    actor = current_actor(tmp_path, {})
    assert (actor.pid, actor.ci, actor.ci_actor, actor.ci_job) == (os.getpid(), None, None, None)
    assert (actor.commit, actor.author, actor.ticket) == (None, None, None)
    assert actor.host


GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ada",
    "GITHUB_SERVER_URL": "https://github.example.com",
    "GITHUB_REPOSITORY": "acme/identity",
    "GITHUB_RUN_ID": "77",
}


@pytest.mark.parametrize(
    ("environ", "ci", "actor", "job"),
    [
        (GITHUB, "github", "ada", "https://github.example.com/acme/identity/actions/runs/77"),
        (
            GITHUB | {"GITHUB_TRIGGERING_ACTOR": "grace"},
            "github",
            "grace",
            "https://github.example.com/acme/identity/actions/runs/77",
        ),
        (
            {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ada", "CI_JOB_URL": "https://gitlab.example.com/acme/-/jobs/7"},
            "gitlab",
            "ada",
            "https://gitlab.example.com/acme/-/jobs/7",
        ),
        (
            {
                "TF_BUILD": "True",
                "BUILD_REQUESTEDFOR": "Ada Example",
                "SYSTEM_COLLECTIONURI": "https://dev.example.com/acme/",
                "SYSTEM_TEAMPROJECT": "identity",
                "BUILD_BUILDID": "7",
            },
            "azure",
            "Ada Example",
            "https://dev.example.com/acme/identity/_build/results?buildId=7",
        ),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_BUILD_CREATOR": "Ada Example",
                "BUILDKITE_BUILD_URL": "https://buildkite.example.com/acme/identity/builds/7",
                "BUILDKITE_JOB_ID": "0a1b",
            },
            "buildkite",
            "Ada Example",
            "https://buildkite.example.com/acme/identity/builds/7#0a1b",
        ),
        (
            {
                "JENKINS_URL": "https://ci.example.com/",
                "BUILD_URL": "https://ci.example.com/7/",
                "BUILD_USER_ID": "ada",
            },
            "jenkins",
            "ada",
            "https://ci.example.com/7/",
        ),
        ({"CI": "true"}, "ci", None, None),
        ({"CI": "false"}, None, None, None),
        ({"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.example.com"}, "github", None, None),
    ],
)
def test_a_ci_job_says_who_started_it_and_where_it_is(
    environ: dict[str, str], ci: str | None, actor: str | None, job: str | None, tmp_path: Path
) -> None:
    found = current_actor(tmp_path, environ)
    assert (found.ci, found.ci_actor, found.ci_job) == (ci, actor, job)


def test_what_is_not_valid_text_is_still_told(tmp_path: Path) -> None:
    assert current_actor(tmp_path, GITHUB | {"GITHUB_ACTOR": "a\udcffda\x00"}).ci_actor == "a?da"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=Ada Example", "-c", "user.email=ada@example.com")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "--no-gpg-sign", "-m", "first")
    return tmp_path


def head(repository: Path) -> str:
    done = subprocess.run(["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_the_author_of_the_commit_is_named(repository: Path) -> None:
    for commit in (None, head(repository), f"{head(repository)}+dirty"):
        found = current_actor(repository, {}, commit=commit)
        assert (found.commit, found.author) == (commit, "Ada Example <ada@example.com>")


def test_nobody_is_named_for_a_commit_that_is_not_there(repository: Path) -> None:
    assert current_actor(repository, {}, commit="0" * 40).author is None


def test_a_commit_from_a_plan_file_is_no_option_of_git(repository: Path) -> None:
    file = repository / "written"
    assert current_actor(repository, {}, commit=f"--output={file}").author == "Ada Example <ada@example.com>"
    assert not file.exists()


@pytest.mark.parametrize(
    ("reason", "ticket"),
    [
        ("OPS-1234", "OPS-1234"),
        ("leavers of October, see OPS-1234 and OPS-1235", "OPS-1234"),
        ("(#123)", "#123"),
        ("fixes #7", "#7"),
        ("on-call", None),
        ("issue#7", None),
        ("ops-12", None),
        ("", None),
        (None, None),
    ],
)
def test_a_ticket_is_found_in_the_reason(reason: str | None, ticket: str | None) -> None:
    assert find_ticket(reason) == ticket

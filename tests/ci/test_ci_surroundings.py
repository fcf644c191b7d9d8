"""What a runner tells a job: which repository, which pull request, which API, and with which token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.ci import surroundings
from reconciler.ci.errors import NotInReviewError, SurroundingsError
from reconciler.ci.surroundings import Given
from reconciler.scim.tokens import TokenError

TOKEN = {"GITHUB_TOKEN": "ghs_1"}
LAB = {"CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_PROJECT_ID": "42", "GITLAB_TOKEN": "glpat-1"}


@pytest.mark.parametrize(
    ("event", "ref", "number"),
    [
        ({"pull_request": {"number": 12}}, "refs/heads/main", 12),
        ({"pull_request": {"number": 12}}, "refs/pull/13/merge", 12),
        ({"issue": {"number": 5, "pull_request": {}}}, "refs/heads/main", 5),
        ({}, "refs/pull/13/merge", 13),
        ([], "refs/pull/13/head", 13),
        (None, "refs/pull/13/merge", 13),
    ],
    ids=["pull_request_target", "pull_request", "issue_comment", "ref", "no object", "no event"],
)
def test_the_pull_request_is_that_of_the_event_or_the_ref(tmp_path: Path, event: Any, ref: str, number: int) -> None:
    file = tmp_path / "event.json"
    if event is not None:
        file.write_text(json.dumps(event), encoding="utf-8")
    environ = {"GITHUB_EVENT_PATH": str(file), "GITHUB_REF": ref}
    assert surroundings.github_pull_request(Given(), environ) == number
    assert surroundings.github_pull_request(Given(number=99), environ) == 99


@pytest.mark.parametrize(
    ("event", "ref"),
    [
        ({"issue": {"number": 5}}, "refs/heads/main"),
        ({"pull_request": {"number": "12"}}, ""),
        ({"pull_request": {"number": -1}}, "refs/pull/x/merge"),
        ({"pull_request": None}, "refs/tags/refs/pull/1/merge"),
    ],
)
def test_no_pull_request_is_said_with_what_to_do(tmp_path: Path, event: Any, ref: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    with pytest.raises(NotInReviewError, match="--if-pull-request"):
        surroundings.github_pull_request(Given(), {"GITHUB_EVENT_PATH": str(file), "GITHUB_REF": ref})


def test_an_event_that_cannot_be_read_is_no_missing_pull_request(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(b"{")
    with pytest.raises(SurroundingsError, match="GITHUB_EVENT_PATH"):
        surroundings.github_pull_request(Given(), {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})


@pytest.mark.parametrize("text", ["", "x", "-7", "\u0667", "9" * 5000])
def test_no_merge_request_is_said_with_what_to_do(text: str) -> None:
    with pytest.raises(NotInReviewError, match="--if-pull-request"):
        surroundings.gitlab_merge_request(Given(), {"CI_MERGE_REQUEST_IID": text})


def test_the_command_line_comes_before_the_runner(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    environ = {**TOKEN, "GITHUB_REPOSITORY": "a/b", "GITHUB_API_URL": "https://ghe.example.com/api/v3"}
    place = surroundings.github_place(Given(), environ)
    assert (place.repository, place.api_url, place.token) == ("a/b", "https://ghe.example.com/api/v3", "ghs_1")
    given = Given(repository="c/d", api_url="https://api.github.com/", token_file=tmp_path / "token")
    place = surroundings.github_place(given, environ)
    assert (place.repository, place.api_url, place.token) == ("c/d", "https://api.github.com", "from-file")
    assert "from-file" not in repr(place)


@pytest.mark.parametrize("repository", ["acme", "a/b/c", "../x", "a/..", "a/b?x=1", "a b/c", "a/b\n", "a%2f/b"])
def test_a_repository_of_github_has_an_owner_and_a_name(repository: str) -> None:
    with pytest.raises(SurroundingsError, match="OWNER/NAME"):
        surroundings.github_place(Given(repository=repository), TOKEN)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://api.example.com", "https://"),
        ("https://user:secret@api.example.com", "credentials"),
        ("https://api.example.com?x=1", "query"),
        ("ftp://api.example.com", "in full"),
        ("https://${HOST}", "HOST"),
        ("not a url", "white space"),
    ],
)
def test_a_token_is_sent_nowhere_where_it_could_be_read(url: str, problem: str) -> None:
    with pytest.raises(SurroundingsError, match="--api-url") as caught:
        surroundings.github_place(Given(repository="a/b", api_url=url), TOKEN)
    assert problem in str(caught.value)


@pytest.mark.parametrize("missing", ["CI_API_V4_URL", "CI_PROJECT_ID"])
def test_what_a_runner_of_gitlab_would_tell_is_asked_for(missing: str) -> None:
    with pytest.raises(SurroundingsError, match=missing):
        surroundings.gitlab_place(Given(), {name: value for name, value in LAB.items() if name != missing})


def test_of_a_merge_request_from_a_fork_the_project_is_the_one_that_it_is_for() -> None:
    """Such a pipeline may run in the fork, whose merge request of that number is another one."""
    environ = {**LAB, "CI_MERGE_REQUEST_PROJECT_ID": "7"}
    assert surroundings.gitlab_place(Given(), environ, of_review=True).repository == "7"
    assert surroundings.gitlab_place(Given(), environ).repository == "42"
    assert surroundings.gitlab_place(Given(), LAB, of_review=True).repository == "42"
    assert surroundings.gitlab_place(Given(repository="a/b"), environ, of_review=True).repository == "a/b"


@pytest.mark.parametrize(
    ("event", "environ", "public"),
    [
        ({"repository": {"private": False}}, {}, True),
        ({"repository": {"private": True}}, {}, False),
        ({"repository": {}}, {}, False),
        ({"repository": None}, {}, False),
        ([], {}, False),
        ({}, {"CI_PROJECT_VISIBILITY": "public"}, True),
        ({}, {"CI_PROJECT_VISIBILITY": "internal"}, False),
    ],
)
def test_the_runner_tells_whether_everybody_may_read_the_repository(
    tmp_path: Path, event: Any, environ: dict[str, str], public: bool
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    assert surroundings.is_public({"GITHUB_EVENT_PATH": str(file), **environ}) is public
    assert surroundings.is_public(environ) is ("CI_PROJECT_VISIBILITY" in environ and public)


def test_the_job_token_of_gitlab_cannot_write_notes_and_that_is_said_before_anything_is_sent() -> None:
    environ = {**LAB, "GITLAB_TOKEN": "", "CI_JOB_TOKEN": "job-token"}
    with pytest.raises(SurroundingsError, match="project access token") as caught:
        surroundings.gitlab_place(Given(), environ)
    assert "job-token" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ü"])
def test_a_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(TokenError) as caught:
        surroundings.github_place(Given(repository="a/b"), {"GITHUB_TOKEN": token})
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "provider"),
    [({"GITHUB_ACTIONS": "true"}, "github"), ({"GITLAB_CI": "true"}, "gitlab"), ({"CI": "true"}, "stdout")],
)
def test_whose_runner_it_is_decides_the_provider(environ: dict[str, str], provider: str) -> None:
    assert surroundings.provider_of(environ) == provider


@pytest.mark.parametrize(
    ("rest", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example.com/api/v3", "https://ghe.example.com/api/graphql"),
    ],
)
def test_graphql_is_beside_rest(rest: str, graphql: str) -> None:
    assert surroundings.graphql_url(rest) == graphql


def test_where_the_full_plan_is_the_runner_tells() -> None:
    github = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "77"}
    assert surroundings.run_url(github) == "https://github.com/a/b/actions/runs/77"
    assert surroundings.run_url({"CI_JOB_URL": "https://gitlab.com/a/-/jobs/1"}) == "https://gitlab.com/a/-/jobs/1"
    assert surroundings.run_url({}) is None


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "https://x/)[y](z", "https://x/\n", "https://u:p@x/", "https://", "//x", "https://[", ""],
)
def test_what_is_no_plain_address_does_not_get_into_a_comment(text: str) -> None:
    assert surroundings.web_url(text) is None

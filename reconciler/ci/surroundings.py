"""What a runner tells a job about where it runs: the repository, the pull request, the API, and where its log is.

Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/variables and
https://docs.gitlab.com/ci/variables/predefined_variables/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec

from reconciler.ci.errors import NotInReviewError, SurroundingsError
from reconciler.config import TokenSource

Provider: TypeAlias = Literal["github", "gitlab", "stdout"]

_REF: Final = re.compile(r"refs/pull/([0-9]{1,18})/(?:merge|head)")
_GITHUB_REPOSITORY: Final = re.compile(r"(?!\.\.?/)[\w.-]+/(?!\.\.?\Z)[\w.-]+")
_LARGEST_EVENT: Final = 64 * 1024 * 1024  # bytes; a webhook's payload is "capped at 25 MB"
_TOKENS: Final = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line says of where the job runs, in place of what the runner says.

    Attributes:
        repository: ``owner/name`` at GitHub, the id or the path of the project at GitLab.
        number: of the pull request or merge request.
        api_url: the URL of the REST API.
        token_env: the variable that holds the token.
        token_file: the file that holds it.
    """

    repository: str | None = None
    number: int | None = None
    api_url: str | None = None
    token_env: str | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository at a code host, and how to get in.

    Attributes:
        api_url: the REST API, without a trailing slash.
        repository: ``owner/name`` at GitHub, the id or the path of the project at GitLab.
        token: the token.
    """

    api_url: str
    repository: str
    token: str = field(repr=False)


def provider_of(environ: Mapping[str, str]) -> Provider:
    """Return whose runner this is; ``stdout`` where it is nobody's that is known."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else "stdout"


def github_place(given: Given, environ: Mapping[str, str]) -> Place:
    """Return which repository of GitHub is meant.

    Raises:
        SurroundingsError: that is not known, or cannot be used.
        TokenError: there is no usable token.
    """
    repository = given.repository or _known(environ, "GITHUB_REPOSITORY", "--repository OWNER/NAME")
    if not _GITHUB_REPOSITORY.fullmatch(repository):
        raise SurroundingsError("--repository", f"{repository!r} is not of the form OWNER/NAME")
    api_url = given.api_url or environ.get("GITHUB_API_URL") or "https://api.github.com"
    return Place(api_url=_checked(api_url), repository=repository, token=_token("github", given, environ))


def graphql_url(api_url: str) -> str:
    """Return where GraphQL is: beside REST at github.com, and at ``/api/graphql`` where REST is at ``/api/v3``."""
    return api_url.removesuffix("/v3") + "/graphql"


def gitlab_place(given: Given, environ: Mapping[str, str], *, of_review: bool = False) -> Place:
    """Return which project of GitLab is meant.

    Args:
        given: what the command line says.
        environ: what the runner says.
        of_review: whether that of the merge request is meant. A pipeline for a merge request from a fork may run in the
            fork, whose merge requests have the same numbers and are others.

    Raises:
        SurroundingsError: that is not known, or cannot be used.
        TokenError: there is no usable token.
    """
    of_target = environ.get("CI_MERGE_REQUEST_PROJECT_ID") if of_review else None
    project = given.repository or of_target or _known(environ, "CI_PROJECT_ID", "--repository GROUP/NAME")
    api_url = given.api_url or _known(environ, "CI_API_V4_URL", "--api-url https://gitlab.example.com/api/v4")
    if not (given.token_env or given.token_file or environ.get("GITLAB_TOKEN")) and environ.get("CI_JOB_TOKEN"):
        raise SurroundingsError(
            "GITLAB_TOKEN",
            "not set. The job's own CI_JOB_TOKEN reads notes and cannot write any "
            "(https://docs.gitlab.com/ci/jobs/ci_job_token/): make a project access token with the scope `api` and the "
            "role Reporter, and keep it as the masked variable GITLAB_TOKEN",
        )
    return Place(api_url=_checked(api_url), repository=project, token=_token("gitlab", given, environ))


def github_pull_request(given: Given, environ: Mapping[str, str]) -> int:
    """Return the number of the pull request that the job runs for: by the event, else by the name of the ref.

    A ``pull_request_target`` has the base branch as its ref, and only the event tells.

    Raises:
        NotInReviewError: it runs for none.
        SurroundingsError: the event cannot be read.
    """
    if given.number is not None:
        return given.number
    found = _number_of(_event(environ.get("GITHUB_EVENT_PATH")))
    ref = _REF.fullmatch(environ.get("GITHUB_REF", ""))
    if found is not None:
        return found
    if ref is not None:
        return int(ref[1])
    raise NotInReviewError(
        "this job does not run for a pull request: neither the event nor GITHUB_REF names one. Say which one is meant "
        "with --number, run on `pull_request`, or do nothing then with --if-pull-request"
    )


def gitlab_merge_request(given: Given, environ: Mapping[str, str]) -> int:
    """Return the number of the merge request that the job runs for.

    Raises:
        NotInReviewError: it runs for none.
    """
    if given.number is not None:
        return given.number
    text = environ.get("CI_MERGE_REQUEST_IID", "")
    if re.fullmatch("[0-9]{1,18}", text):
        return int(text)
    raise NotInReviewError(
        "this job does not run for a merge request: CI_MERGE_REQUEST_IID is not set. Say which one is meant with "
        "--number, run in merge request pipelines, or do nothing then with --if-pull-request"
    )


def gitlab_review_url(number: int, environ: Mapping[str, str]) -> str | None:
    """Return where people read a merge request of the project that :func:`gitlab_place` means, if the runner tells."""
    project = web_url(environ.get("CI_MERGE_REQUEST_PROJECT_URL") or environ.get("CI_PROJECT_URL"))
    return f"{project}/-/merge_requests/{number}" if project else None


def is_public(environ: Mapping[str, str]) -> bool:
    """Return whether the runner says that everybody may read the repository, and with it what its jobs write.

    Raises:
        SurroundingsError: the event cannot be read.
    """
    if environ.get("CI_PROJECT_VISIBILITY") == "public":
        return True
    match _event(environ.get("GITHUB_EVENT_PATH")):
        case {"repository": {"private": False}}:
            return True
    return False


def run_url(environ: Mapping[str, str]) -> str | None:
    """Return where people read this job, and find its artifacts; ``None`` where the runner does not tell."""
    if environ.get("CI_JOB_URL"):
        return web_url(environ["CI_JOB_URL"])
    server, repository, run = (environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if not (server and repository and run):
        return None
    return web_url(f"{server}/{quote(repository)}/actions/runs/{quote(run, safe='')}")


def web_url(text: str | None) -> str | None:
    """Return a URL that can stand in a comment, without a trailing slash; ``None`` for any other text."""
    if not text or not text.isascii() or not text.isprintable() or re.search(r"[\s<>()\[\]\"'`\\|]", text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text.rstrip("/") if parts.scheme in ("https", "http") and parts.hostname and not parts.username else None


def _known(environ: Mapping[str, str], name: str, option: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SurroundingsError(name, f"not set, as the host's own runners do. Give {option}")
    return value


def _token(provider: Literal["github", "gitlab"], given: Given, environ: Mapping[str, str]) -> str:
    # Imported now, because help must not wait for an HTTP client.
    from reconciler.scim.tokens import read_token

    if given.token_file is not None:
        return read_token(TokenSource(file=os.fspath(given.token_file)), Path(), environ)
    return read_token(TokenSource(env=given.token_env or _TOKENS[provider]), Path(), environ)


def _checked(api_url: str) -> str:
    """Return the URL of an API without a trailing slash. A token is sent there: https, or http on this machine."""
    from reconciler.scim.endpoint import BaseUrlError, resolve_base_url

    try:
        return resolve_base_url(api_url, {})
    except BaseUrlError as error:
        raise SurroundingsError("--api-url", f"{api_url!r}: {error.problem}") from None


def _event(path: str | None) -> Any:
    """Return the event that started the workflow: the payload of its webhook."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_EVENT))
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SurroundingsError("GITHUB_EVENT_PATH", f"{path!r} cannot be read: {error}") from None


def _number_of(event: Any) -> int | None:
    """Return the pull request of an event: its own, or the one that an ``issue_comment`` was written on."""
    match event:
        case {"pull_request": {"number": int(number)}} | {"issue": {"number": int(number), "pull_request": _}}:
            return number if number > 0 else None
    return None

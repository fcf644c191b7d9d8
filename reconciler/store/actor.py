"""Who runs this, where, and for what: as far as the system, the CI job, Git and the reason tell."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.desired.workspace import git_author
from reconciler.store.records import Actor

_TICKET: Final = re.compile(r"\b[A-Z][A-Z0-9_]+-[0-9]+\b|(?<!\w)#[0-9]+\b")
"""``OPS-1234`` of Jira and its like, ``#123`` of GitHub and GitLab."""

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


class _Variables(NamedTuple):
    """Where a CI system says who and where: environment variables.

    Attributes:
        name: what the system is called.
        present: the variable that is set where jobs of the system run.
        actors: the variables that name a person, the one to be believed first.
        job: the URL of the job, with variables in braces.
    """

    name: str
    present: str
    actors: tuple[str, ...]
    job: str


_SYSTEMS: Final = (
    # https://docs.github.com/en/actions/reference/variables-reference: who started a re-run is the triggering actor.
    _Variables(
        "github",
        "GITHUB_ACTIONS",
        ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    ),
    # https://docs.gitlab.com/ci/variables/predefined_variables/
    _Variables("gitlab", "GITLAB_CI", ("GITLAB_USER_LOGIN", "GITLAB_USER_EMAIL"), "{CI_JOB_URL}"),
    # https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
    _Variables(
        "azure",
        "TF_BUILD",
        ("BUILD_REQUESTEDFOREMAIL", "BUILD_REQUESTEDFOR"),
        "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
    ),
    # https://buildkite.com/docs/pipelines/environment-variables
    _Variables(
        "buildkite",
        "BUILDKITE",
        ("BUILDKITE_BUILD_CREATOR_EMAIL", "BUILDKITE_BUILD_CREATOR"),
        "{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}",
    ),
    # https://www.jenkins.io/doc/book/pipeline/jenkinsfile/; who started it is told by the build user vars plugin.
    _Variables("jenkins", "JENKINS_URL", ("BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"), "{BUILD_URL}"),
)
_VARIABLE: Final = re.compile(r"\{(\w+)\}")


def current_actor(
    workspace: Path, environ: Mapping[str, str], *, reason: str | None = None, commit: str | None = None
) -> Actor:
    """Return who runs this process.

    Nothing of it is proven: it is what the machine and the job say of themselves. What they do not say is empty.

    Args:
        workspace: the folder with ``directory.yaml``, which may be in a Git repository.
        environ: the environment variables.
        reason: why this is done; a ticket is looked for in it.
        commit: the commit of the desired state, as :attr:`reconciler.model.Desired.commit` has it.
    """
    system = next((system for system in _SYSTEMS if _says_yes(environ.get(system.present))), None)
    return Actor(
        user=_valid(_user()),
        host=_valid(platform.node()),
        pid=os.getpid(),
        ci=system.name if system else ("ci" if _says_yes(environ.get("CI")) else None),
        ci_actor=_first(environ, system.actors) if system else None,
        ci_job=_filled(environ, system.job) if system else None,
        commit=commit,
        author=_author(workspace, commit),
        ticket=find_ticket(reason),
    )


def find_ticket(reason: str | None) -> str | None:
    """Return the first thing in a reason that looks like the key of a ticket: ``OPS-1234``, ``#123``."""
    found = _TICKET.search(reason or "")
    return found[0] if found else None


def _user() -> str:
    try:
        return getpass.getuser()
    # No name for the user of this process: a container that runs as a number.
    except (KeyError, OSError):
        return ""


def _says_yes(value: str | None) -> bool:
    return (value or "").lower() not in ("", "0", "false", "no")


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((_valid(environ[name]) for name in names if environ.get(name)), None)


def _filled(environ: Mapping[str, str], template: str) -> str | None:
    """Return a template with its variables, or ``None`` where one is not set: half a URL leads nowhere."""
    if not all(environ.get(name) for name in _VARIABLE.findall(template)):
        return None
    return _valid(_VARIABLE.sub(lambda variable: environ[variable[1]], template))


def _author(workspace: Path, commit: str | None) -> str | None:
    # The commit may come from a plan file.
    name = (commit or "").partition("+")[0]
    return git_author(workspace, name) if _COMMIT.fullmatch(name) else git_author(workspace)


def _valid(text: str) -> str:
    """Return text that a database and a JSON file take: what a system says of itself need not be valid."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")

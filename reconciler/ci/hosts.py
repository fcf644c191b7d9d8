"""From what a runner tells to the pull request, and to the issues, at the host that it is of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeAlias

from reconciler.ci import github, gitlab
from reconciler.ci.issues import Tracker
from reconciler.ci.rest import PATIENCE, RestApi, Wait
from reconciler.ci.reviews import Thread
from reconciler.ci.surroundings import (
    Given,
    github_place,
    github_pull_request,
    gitlab_merge_request,
    gitlab_place,
    gitlab_review_url,
    graphql_url,
)
from reconciler.scim.retry import RetryPolicy

Host: TypeAlias = Literal["github", "gitlab"]


@contextmanager
def review(
    host: Host,
    given: Given,
    environ: Mapping[str, str],
    *,
    patience: RetryPolicy = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
    on_wait: Callable[[Wait], None] | None = None,
) -> Iterator[Thread]:
    """Open the conversation on the pull request or merge request that a job runs for.

    Nothing is sent before it is used.

    Args:
        host: whose it is.
        given: what the command line says of it.
        environ: what the runner says.
        patience: how often to try a request, and how long to wait.
        sleep: waits that many seconds.
        on_wait: called before each wait.

    Raises:
        NotInReviewError: the job runs for none.
        SurroundingsError: what is needed is not known.
        TokenError: there is no usable token.
    """
    number = github_pull_request(given, environ) if host == "github" else gitlab_merge_request(given, environ)
    with _opened(host, given, environ, number, patience=patience, sleep=sleep, on_wait=on_wait) as found:
        yield found


@contextmanager
def tracker(
    host: Host,
    given: Given,
    environ: Mapping[str, str],
    *,
    patience: RetryPolicy = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
    on_wait: Callable[[Wait], None] | None = None,
) -> Iterator[Tracker]:
    """Open the issues of the repository that a job runs in. Arguments and errors are those of :func:`review`."""
    with _opened(host, given, environ, None, patience=patience, sleep=sleep, on_wait=on_wait) as found:
        yield found


@contextmanager
def _opened(
    host: Host,
    given: Given,
    environ: Mapping[str, str],
    number: int | None,
    *,
    patience: RetryPolicy,
    sleep: Callable[[float], None],
    on_wait: Callable[[Wait], None] | None,
) -> Iterator[github.GitHub | gitlab.GitLab]:
    place = (
        github_place(given, environ) if host == "github" else gitlab_place(given, environ, of_review=number is not None)
    )
    of_host = github if host == "github" else gitlab
    with RestApi(
        "GitHub" if host == "github" else "GitLab",
        place.api_url,
        headers=of_host.headers(place.token),
        secret=place.token,
        advice=of_host.advice,
        patience=patience,
        sleep=sleep,
        on_wait=on_wait,
    ) as api:
        if host == "github":
            url = graphql_url(place.api_url)
            yield github.GitHub(api, graphql=url, repository=place.repository, number=number)
        else:
            # The runner knows the address of its own project alone.
            at = gitlab_review_url(number, environ) if number and given.repository is None else None
            yield gitlab.GitLab(api, project=place.repository, number=number, review_url=at)

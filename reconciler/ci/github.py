"""GitHub: the comments of a pull request, and the issues of a repository.

Every pull request is an issue, and its comments are those of the issue. Sources, read for the version below:
https://docs.github.com/en/rest/issues/comments, https://docs.github.com/en/rest/issues/issues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.ci.errors import HostRefusedError, UnreadableAnswerError
from reconciler.ci.issues import Issue
from reconciler.ci.rest import RestApi
from reconciler.ci.reviews import Comment

HEADERS: Final[Mapping[str, str]] = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

LONGEST_BODY: Final = 65_536
"""Characters of a comment or an issue: "body is too long (maximum is 65536 characters)", says the API with 422."""

_ACTIONS: Final = "github-actions[bot]"
"""Who speaks with the token that a workflow gets by itself."""


def headers(token: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {**HEADERS, "Authorization": f"Bearer {token}"}


def advice(status: int, words: str) -> str:
    """Return what to do about a refusal."""
    if status == 401:
        return "The token was not accepted. Check where it comes from, and that it has not expired"
    if status == 403 and "locked" in words.lower():
        return "Nobody can write there while it is locked"
    if status == 403:
        return (
            "The token may not do this. In a workflow, give the job `permissions: {pull-requests: write}` for comments "
            "and `permissions: {issues: write}` for issues. A pull request from a fork gets a token that only reads"
        )
    if status == 404:
        return (
            "There is no such repository or pull request, or the token may not see it. Check --repository and "
            "--number, and that the job has `permissions: {pull-requests: write}` or `{issues: write}`"
        )
    if status == 410:
        return "The repository has its issues switched off"
    return "The request was refused"


class GitHub:
    """One repository, and in it one pull request where a number is given.

    Args:
        api: the REST API, https://api.github.com for example, with :func:`headers`.
        graphql: the URL of the GraphQL API.
        repository: ``owner/name``.
        number: of the pull request.
    """

    def __init__(self, api: RestApi, *, graphql: str, repository: str, number: int | None = None) -> None:
        self._api = api
        self._graphql = graphql
        self._issues = f"/repos/{repository}/issues"
        self._number = number

    def myself(self) -> str:
        """Return the login that the token speaks for.

        ``GET /user`` is refused to the token of a workflow, and so GraphQL is asked, which answers every kind of token.
        Where it does not, the workflow's own account is meant: a wrong guess makes a second comment, and never edits
        what somebody else wrote.
        """
        try:
            answer = self._api.ask(self._graphql, {"query": "query { viewer { login } }"})
        except (HostRefusedError, UnreadableAnswerError) as error:
            if error.status == 401:
                raise
            return _ACTIONS
        match answer:
            case {"data": {"viewer": {"login": str(login)}}}:
                return login
        return _ACTIONS

    def comments(self) -> Iterator[Comment]:
        """Yield all comments, in ascending order of their ids."""
        for row in self._api.pages(f"{self._issues}/{self._number}/comments", {}):
            yield self._comment(row)

    def create(self, body: str) -> Comment:
        """Write a comment."""
        return self._comment(self._api.make(f"{self._issues}/{self._number}/comments", {"body": body}))

    def edit(self, comment: Comment, body: str) -> Comment:
        """Give a comment another body."""
        return self._comment(self._api.replace("PATCH", f"{self._issues}/comments/{comment.id}", {"body": body}))

    def open_issues(self, label: str) -> Iterator[Issue]:
        """Yield all open issues that have a label, without pull requests, which the endpoint lists too."""
        for row in self._api.pages(self._issues, {"state": "open", "labels": label}):
            if "pull_request" not in row:
                yield self._issue(row)

    def open_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue. "Labels are silently dropped" where the token may not set them, as the documents say."""
        return self._issue(self._api.make(self._issues, {"title": title, "body": body, "labels": [label]}))

    def edit_issue(self, issue: Issue, title: str, body: str) -> Issue:
        """Give an issue another title and body."""
        return self._issue(self._api.replace("PATCH", self._of(issue), {"title": title, "body": body}))

    def close_issue(self, issue: Issue, body: str) -> None:
        """Close an issue, with a last body."""
        self._api.replace("PATCH", self._of(issue), {"body": body, "state": "closed", "state_reason": "completed"})

    def comment_on_issue(self, issue: Issue, body: str) -> None:
        """Write a comment below an issue."""
        self._api.make(f"{self._of(issue)}/comments", {"body": body})

    def pause(self, attempt: int) -> None:
        """Wait before looking again."""
        self._api.pause(attempt)

    def _of(self, issue: Issue) -> str:
        return f"{self._issues}/{issue.number}"

    def _comment(self, row: Any) -> Comment:
        match row:
            case {"id": int(number), "html_url": str(url)}:
                return Comment(id=number, author=_login(row), body=str(row.get("body") or ""), url=url)
        raise self._unreadable("a comment")

    def _issue(self, row: Any) -> Issue:
        match row:
            case {"number": int(number), "title": str(title), "html_url": str(url)}:
                body = str(row.get("body") or "")
                labels = tuple(map(_label, row.get("labels") or ()))
                return Issue(number=number, author=_login(row), title=title, body=body, url=url, labels=labels)
        raise self._unreadable("an issue")

    def _unreadable(self, what: str) -> UnreadableAnswerError:
        message = f"the answer is not {what}. Check the URL of the API"
        return UnreadableAnswerError(message, host=self._api.host, method="GET", path=self._issues)


def _label(found: Any) -> str:
    """Return the name of a label: the endpoint gives objects, and allows itself plain strings."""
    return str(found.get("name")) if isinstance(found, dict) else str(found)


def _login(row: Mapping[str, Any]) -> str | None:
    """Return who wrote something; ``None`` where the account is gone."""
    user = row.get("user")
    return str(user["login"]) if isinstance(user, dict) and "login" in user else None

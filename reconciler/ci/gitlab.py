"""GitLab: the notes of a merge request, and the issues of a project.

Sources: https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/users/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from reconciler.ci.errors import UnreadableAnswerError
from reconciler.ci.issues import Issue
from reconciler.ci.rest import RestApi
from reconciler.ci.reviews import Comment

LONGEST_BODY: Final = 1_000_000
"""Characters of a note (https://docs.gitlab.com/api/notes/); the description of an issue takes 1,048,576."""


def headers(token: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {"PRIVATE-TOKEN": token}


def advice(status: int, words: str) -> str:  # noqa: ARG001  GitHub's takes the words too
    """Return what to do about a refusal."""
    if status == 401:
        return (
            "The token was not accepted. Check where it comes from and that it has not expired. The job's own token "
            "reads notes and cannot write any: make a project access token"
        )
    if status == 403:
        return "The token may not do this. It needs the scope `api`, and its user the role Reporter or more"
    if status == 404:
        return (
            "There is no such project, merge request or note, or the token may not see it. Check --repository and "
            "--number, and that the token's user is a member of the project"
        )
    return "The request was refused"


class GitLab:
    """One project, and in it one merge request where a number is given.

    Args:
        api: the REST API, https://gitlab.com/api/v4 for example, with :func:`headers`.
        project: its id or its whole path, ``group/subgroup/name``.
        number: the merge request's, as its project counts (``iid``).
        review_url: where people read the merge request; notes do not say where they are.
    """

    def __init__(self, api: RestApi, *, project: str, number: int | None = None, review_url: str | None = None) -> None:
        self._api = api
        self._project = f"/projects/{quote(project, safe='')}"
        self._notes = f"{self._project}/merge_requests/{number}/notes"
        self._review_url = review_url or ""

    def myself(self) -> str:
        """Return the user that the token speaks for; a project access token has one of its own."""
        match self._api.get("/user"):
            case {"id": int(number)}:
                return str(number)
        raise self._unreadable("GET", "/user", "a user")

    def comments(self) -> Iterator[Comment]:
        """Yield all notes that somebody wrote, the oldest first. System notes tell of labels and commits."""
        for row in self._api.pages(self._notes, {"sort": "asc", "order_by": "created_at"}):
            if not row.get("system"):
                yield self._note(row)

    def create(self, body: str) -> Comment:
        """Write a note."""
        return self._note(self._api.make(self._notes, {"body": body}))

    def edit(self, comment: Comment, body: str) -> Comment:
        """Give a note another body."""
        return self._note(self._api.replace("PUT", f"{self._notes}/{comment.id}", {"body": body}))

    def open_issues(self, label: str) -> Iterator[Issue]:
        """Yield all open issues that have a label."""
        query = {"state": "opened", "labels": label, "scope": "all", "sort": "asc", "order_by": "created_at"}
        for row in self._api.pages(f"{self._project}/issues", query):
            yield self._issue(row)

    def open_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue. A label that the project does not have yet is made."""
        fields = {"title": title, "description": body, "labels": label}
        return self._issue(self._api.make(f"{self._project}/issues", fields))

    def edit_issue(self, issue: Issue, title: str, body: str) -> Issue:
        """Give an issue another title and description."""
        return self._issue(self._api.replace("PUT", self._of(issue), {"title": title, "description": body}))

    def close_issue(self, issue: Issue, body: str) -> None:
        """Close an issue, with a last description."""
        self._api.replace("PUT", self._of(issue), {"description": body, "state_event": "close"})

    def comment_on_issue(self, issue: Issue, body: str) -> None:
        """Write a note below an issue."""
        self._api.make(f"{self._of(issue)}/notes", {"body": body})

    def pause(self, attempt: int) -> None:
        """Wait before looking again."""
        self._api.pause(attempt)

    def _of(self, issue: Issue) -> str:
        return f"{self._project}/issues/{issue.number}"

    def _note(self, row: Any) -> Comment:
        match row:
            case {"id": int(number), "body": str(body)}:
                url = f"{self._review_url}#note_{number}" if self._review_url else ""
                return Comment(id=number, author=_author(row), body=body, url=url)
        raise self._unreadable("GET", self._notes, "a note")

    def _issue(self, row: Any) -> Issue:
        match row:
            case {"iid": int(number), "title": str(title), "web_url": str(url)}:
                body = str(row.get("description") or "")
                labels = tuple(map(str, row.get("labels") or ()))
                return Issue(number=number, author=_author(row), title=title, body=body, url=url, labels=labels)
        raise self._unreadable("GET", f"{self._project}/issues", "an issue")

    def _unreadable(self, method: str, path: str, what: str) -> UnreadableAnswerError:
        message = f"the answer is not {what}. Check the URL of the API"
        return UnreadableAnswerError(message, host=self._api.host, method=method, path=path)


def _author(row: Mapping[str, Any]) -> str | None:
    author = row.get("author")
    return str(author["id"]) if isinstance(author, dict) and "id" in author else None

"""A GitHub with just the endpoints that ``reconciler ci`` uses, over real HTTP.

Written after https://docs.github.com/en/rest/issues/comments, https://docs.github.com/en/rest/issues/issues,
https://docs.github.com/en/rest/using-the-rest-api (pagination, rate limits, and that a User-Agent is required), and the
messages that people quote in public threads.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from code_host import CodeHost, Endpoint, Row
from loopback import Reply, Request

BOT = "github-actions[bot]"
REPOSITORY = "acme/directory"
_LONGEST = 65_536
_R = r"/api/v3/repos/([\w.-]+/[\w.-]+)"


@dataclass
class FakeGitHub(CodeHost):
    """One repository.

    Attributes:
        viewer: who the token speaks for.
        rights: what it may write: ``pull-requests``, ``issues``.
        sees: whether it may see the repository at all.
        labels_dropped: whether it may not set labels.
        graphql: whether GraphQL answers.
        comments: by number of the issue or pull request.
        issues: all, the pull requests too.
    """

    token: str = "ghs_0123456789abcdef"
    viewer: str = BOT
    rights: set[str] = field(default_factory=lambda: {"pull-requests", "issues"})
    sees: bool = True
    labels_dropped: bool = False
    graphql: bool = True
    comments: dict[int, list[Row]] = field(default_factory=lambda: {7: []})
    issues: list[Row] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1001))
    _numbers: Any = field(default_factory=lambda: count(41))

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v3"

    def write(self, author: str | None, body: str, *, on: int = 7) -> Row:
        """Let somebody write a comment."""
        number = next(self._ids)
        user = None if author is None else {"login": author, "id": 1, "type": "Bot" if "[bot]" in author else "User"}
        row = {"id": number, "user": user, "body": body, "html_url": f"https://github.example/c/{number}"}
        self.comments.setdefault(on, []).append(row)
        return row

    def open(self, author: str, title: str, body: str, *labels: str, **more: Any) -> Row:
        """Let somebody open an issue."""
        number = next(self._numbers)
        row = {
            "number": number,
            "user": {"login": author},
            "title": title,
            "body": body,
            "state": "open",
            "labels": [{"name": label} for label in labels],
            "html_url": f"https://github.example/issues/{number}",
            **more,
        }
        self.issues.append(row)
        return row

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            ("POST", "/api/graphql", self._graphql),
            ("GET", rf"{_R}/issues/(\d+)/comments", self._list_comments),
            ("POST", rf"{_R}/issues/(\d+)/comments", self._create_comment),
            ("PATCH", rf"{_R}/issues/comments/(\d+)", self._edit_comment),
            ("GET", rf"{_R}/issues", self._list_issues),
            ("POST", rf"{_R}/issues", self._create_issue),
            ("PATCH", rf"{_R}/issues/(\d+)", self._edit_issue),
        )

    def admit(self, request: Request) -> None:
        headers = request.headers
        if not headers.get("user-agent"):
            raise self.refused(403, "Request forbidden by administrative rules.")
        if headers.get("authorization") != f"Bearer {self.token}":
            raise self.refused(401, "Bad credentials")
        if headers.get("accept") != "application/vnd.github+json" or "x-github-api-version" not in headers:
            self.problems.append(f"{request.method} {request.path}: headers")

    def _dressed(self, reply: Reply) -> Reply:
        # Every answer tells of the hour's window, also one that has nothing to do with it.
        usual = {"x-ratelimit-remaining": "4999", "x-ratelimit-reset": str(int(time.time()) + 3600)}
        return super()._dressed(Reply(reply.status, reply.body, {**usual, **reply.headers}, reset=reply.reset))

    def _graphql(self, request: Request) -> Reply:
        self.fields(request, needed={"query"})
        if not self.graphql:
            raise self.refused(403, "Resource not accessible by integration")
        return Reply(200, {"data": {"viewer": {"login": self.viewer}}})

    def _list_comments(self, request: Request, repository: str, number: str) -> Reply:
        return self.page(request, self._thread(repository, number), known={"since"}, usual=30)

    def _create_comment(self, request: Request, repository: str, number: str) -> Reply:
        self._thread(repository, number)
        self._allow("pull-requests" if int(number) == 7 else "issues")
        body = self._body(self.fields(request, needed={"body"})["body"], "IssueComment")
        return Reply(201, self.write(self.viewer, body, on=int(number)))

    def _edit_comment(self, request: Request, repository: str, number: str) -> Reply:
        self._see(repository)
        self._allow("pull-requests")
        body = self._body(self.fields(request, needed={"body"})["body"], "IssueComment")
        for row in (row for rows in self.comments.values() for row in rows):
            if row["id"] == int(number):
                # Whoever may write pull requests may edit what anybody wrote.
                row["body"] = body
                return Reply(200, row)
        raise self.refused(404, "Not Found")

    def _list_issues(self, request: Request, repository: str) -> Reply:
        self._see(repository)
        state, label = request.query.get("state", "open"), request.query.get("labels")
        names = [{found["name"].lower() for found in row["labels"]} for row in self.issues]
        rows = [
            row
            for row, labels in zip(self.issues, names, strict=True)
            if row["state"] == state and (label is None or label.lower() in labels)
        ]
        return self.page(request, rows[::-1], known={"state", "labels"}, usual=30)

    def _create_issue(self, request: Request, repository: str) -> Reply:
        self._see(repository)
        self._allow("issues")
        fields = self.fields(request, needed={"title", "body", "labels"})
        labels = () if self.labels_dropped else fields["labels"]
        body = self._body(fields["body"], "Issue")
        return Reply(201, self.open(self.viewer, fields["title"], body, *labels))

    def _edit_issue(self, request: Request, repository: str, number: str) -> Reply:
        self._see(repository)
        self._allow("issues")
        changes = self.fields(request, needed={"body"}, allowed={"title", "state", "state_reason"})
        self._body(changes["body"], "Issue")
        for row in self.issues:
            if row["number"] == int(number):
                row.update(changes)
                return Reply(200, row)
        raise self.refused(404, "Not Found")

    def _thread(self, repository: str, number: str) -> list[Row]:
        self._see(repository)
        known = {row["number"] for row in self.issues}
        if int(number) not in self.comments and int(number) not in known:
            raise self.refused(404, "Not Found")
        return self.comments.setdefault(int(number), [])

    def _see(self, repository: str) -> None:
        if repository != REPOSITORY or not self.sees:
            raise self.refused(404, "Not Found")

    def _allow(self, right: str) -> None:
        if right not in self.rights:
            raise self.refused(403, "Resource not accessible by integration")

    def _body(self, body: str, resource: str) -> str:
        if len(body) > _LONGEST:
            message = f"body is too long (maximum is {_LONGEST} characters)"
            error = {"resource": resource, "code": "unprocessable", "field": "data", "message": message}
            raise self.refused(422, "Validation Failed", errors=[error])
        return body

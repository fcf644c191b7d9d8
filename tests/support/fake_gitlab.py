"""A GitLab with just the endpoints that ``reconciler ci`` uses, over real HTTP.

Written after https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/users/,
https://docs.gitlab.com/api/rest/ (pagination, encoding of project paths) and
https://docs.gitlab.com/ci/jobs/ci_job_token/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from code_host import CodeHost, Endpoint, Row
from loopback import Reply, Request

ME = 501
PROJECT = "acme/identity/directory"
_ENCODED = "acme%2Fidentity%2Fdirectory"
_ID = "42"
_LONGEST_NOTE = 1_000_000
_P = r"/api/v4/projects/([^/]+)"


@dataclass
class FakeGitLab(CodeHost):
    """One project.

    Attributes:
        me: the user that the token speaks for.
        may_write: whether that user may.
        notes: of merge request 7.
        issues: of the project.
        issue_notes: by issue.
    """

    token: str = "glpat-0123456789abcdef"
    me: int = ME
    may_write: bool = True
    notes: list[Row] = field(default_factory=list)
    issues: list[Row] = field(default_factory=list)
    issue_notes: dict[int, list[Row]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: count(9001))
    _iids: Any = field(default_factory=lambda: count(11))

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v4"

    def write(self, author: int, body: str, *, system: bool = False) -> Row:
        """Let somebody write a note on the merge request."""
        row = {"id": next(self._ids), "author": {"id": author}, "body": body, "system": system}
        self.notes.append(row)
        return row

    def open(self, author: int, title: str, description: str, *labels: str) -> Row:
        """Let somebody open an issue."""
        iid = next(self._iids)
        row = {
            "iid": iid,
            "author": {"id": author},
            "title": title,
            "description": description,
            "state": "opened",
            "labels": list(labels),
            "web_url": f"https://gitlab.example/acme/-/issues/{iid}",
        }
        self.issues.append(row)
        return row

    def endpoints(self) -> Sequence[Endpoint]:
        return (
            ("GET", "/api/v4/user", lambda _: Reply(200, {"id": self.me, "username": "project_42_bot"})),
            ("GET", rf"{_P}/merge_requests/(\d+)/notes", self._list_notes),
            ("POST", rf"{_P}/merge_requests/(\d+)/notes", self._create_note),
            ("PUT", rf"{_P}/merge_requests/(\d+)/notes/(\d+)", self._edit_note),
            ("GET", rf"{_P}/issues", self._list_issues),
            ("POST", rf"{_P}/issues", self._create_issue),
            ("PUT", rf"{_P}/issues/(\d+)", self._edit_issue),
            ("POST", rf"{_P}/issues/(\d+)/notes", self._create_issue_note),
        )

    def admit(self, request: Request) -> None:
        if request.headers.get("private-token") != self.token:
            raise self.refused(401, "401 Unauthorized")

    def _list_notes(self, request: Request, project: str, iid: str) -> Reply:
        self._see(project, iid)
        return self.page(request, self.notes, known={"sort", "order_by"}, usual=20)

    def _create_note(self, request: Request, project: str, iid: str) -> Reply:
        self._see(project, iid)
        self._allow()
        return Reply(201, self.write(self.me, self._body(self.fields(request, needed={"body"})["body"])))

    def _edit_note(self, request: Request, project: str, iid: str, number: str) -> Reply:
        self._see(project, iid)
        self._allow()
        body = self._body(self.fields(request, needed={"body"})["body"])
        for row in self.notes:
            if row["id"] == int(number):
                row["body"] = body
                return Reply(200, row)
        raise self.refused(404, "404 Note Not Found")

    def _list_issues(self, request: Request, project: str) -> Reply:
        self._see(project)
        query = request.query
        rows = [row for row in self.issues if row["state"] == query["state"] and query["labels"] in row["labels"]]
        known = {"state", "labels", "scope", "sort", "order_by"}
        return self.page(request, rows, known=known, usual=20)

    def _create_issue(self, request: Request, project: str) -> Reply:
        self._see(project)
        self._allow()
        fields = self.fields(request, needed={"title", "description", "labels"})
        labels = fields["labels"].split(",")
        return Reply(201, self.open(self.me, fields["title"], fields["description"], *labels))

    def _edit_issue(self, request: Request, project: str, iid: str) -> Reply:
        self._see(project)
        self._allow()
        changes = self.fields(request, needed={"description"}, allowed={"title", "state_event"})
        for row in self.issues:
            if row["iid"] == int(iid):
                if changes.pop("state_event", None) == "close":
                    row["state"] = "closed"
                row.update(changes)
                return Reply(200, row)
        raise self.refused(404, "404 Not found")

    def _create_issue_note(self, request: Request, project: str, iid: str) -> Reply:
        self._see(project)
        self._allow()
        note = {"id": next(self._ids), "body": self.fields(request, needed={"body"})["body"]}
        self.issue_notes.setdefault(int(iid), []).append(note)
        return Reply(201, note)

    def _see(self, project: str, iid: str = "7") -> None:
        if project not in (_ID, _ENCODED):
            raise self.refused(404, "404 Project Not Found")
        if iid != "7":
            raise self.refused(404, "404 Not found")

    def _allow(self) -> None:
        if not self.may_write:
            raise self.refused(403, "403 Forbidden")

    def _body(self, body: str) -> str:
        if len(body) > _LONGEST_NOTE:
            raise self.refused(400, {"note": [f"is too long (maximum is {_LONGEST_NOTE} characters)"]})
        return body

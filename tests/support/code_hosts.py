"""Both code hosts, as a job of theirs finds them: who was there before, and how the job gets in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from code_host import Row
from fake_github import REPOSITORY, FakeGitHub
from fake_gitlab import ME, FakeGitLab
from reconciler.ci.hosts import Host, review, tracker
from reconciler.ci.issues import Tracker
from reconciler.ci.reviews import Thread
from reconciler.ci.surroundings import Given
from reconciler.scim.retry import RetryPolicy

HOSTS: tuple[Host, ...] = ("github", "gitlab")
PATIENCE = RetryPolicy(attempts=4, base_delay=0.0, max_delay=600.0, budget=900.0, random=lambda: 0.0)


@dataclass
class Desk:
    """A fake of one host, pull request 7 on it, and what a job of it gets to know.

    Attributes:
        host: which.
        fake: the host itself.
        slept: the seconds that the job has waited, none of which has passed.
        token: what the job was given; the right one, unless a test gives another.
    """

    host: Host
    fake: FakeGitHub | FakeGitLab
    slept: list[float] = field(default_factory=list)
    token: str = ""

    def __post_init__(self) -> None:
        self.token = self.token or self.fake.token

    @property
    def github(self) -> FakeGitHub:
        assert isinstance(self.fake, FakeGitHub)
        return self.fake

    @property
    def gitlab(self) -> FakeGitLab:
        assert isinstance(self.fake, FakeGitLab)
        return self.fake

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of a job."""
        if self.host == "github":
            return {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": self.fake.api_url,
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_TOKEN": self.token,
            }
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.fake.api_url,
            "CI_PROJECT_ID": "42",
            "CI_PROJECT_URL": "https://gitlab.example/acme/directory",
            "CI_MERGE_REQUEST_IID": "7",
            "GITLAB_TOKEN": self.token,
        }

    @contextmanager
    def thread(self, given: Given | None = None) -> Iterator[Thread]:
        with review(
            self.host, given or Given(), self.environ, patience=PATIENCE, sleep=self.slept.append
        ) as conversation:
            yield conversation

    @contextmanager
    def issues(self) -> Iterator[Tracker]:
        with tracker(self.host, Given(), self.environ, patience=PATIENCE, sleep=self.slept.append) as found:
            yield found

    def wrote(self, body: str) -> Row:
        """We have written a comment before."""
        fake = self.fake
        return fake.write(fake.viewer, body) if isinstance(fake, FakeGitHub) else fake.write(fake.me, body)

    def stranger_wrote(self, body: str) -> Row:
        fake = self.fake
        return fake.write("mallory", body) if isinstance(fake, FakeGitHub) else fake.write(ME + 1, body)

    def opened(self, title: str, body: str, *labels: str) -> Row:
        """We have opened an issue before."""
        fake = self.fake
        return (
            fake.open(fake.viewer, title, body, *labels)
            if isinstance(fake, FakeGitHub)
            else fake.open(fake.me, title, body, *labels)
        )

    def stranger_opened(self, title: str, body: str, *labels: str) -> Row:
        fake = self.fake
        return (
            fake.open("mallory", title, body, *labels)
            if isinstance(fake, FakeGitHub)
            else fake.open(ME + 1, title, body, *labels)
        )

    @property
    def bodies(self) -> list[str]:
        """What the comments say, the oldest first."""
        rows = self.fake.comments[7] if isinstance(self.fake, FakeGitHub) else self.fake.notes
        return [row["body"] for row in rows]

    @property
    def open_bodies(self) -> list[str]:
        """What the open issues say, the oldest first."""
        if isinstance(self.fake, FakeGitHub):
            return [row["body"] for row in self.fake.issues if row["state"] == "open"]
        return [row["description"] for row in self.fake.issues if row["state"] == "opened"]

    def issue_comments(self, issue: Row) -> list[str]:
        if isinstance(self.fake, FakeGitHub):
            return [row["body"] for row in self.fake.comments.get(issue["number"], [])]
        return [row["body"] for row in self.fake.issue_notes.get(issue["iid"], [])]


At: TypeAlias = Callable[..., Desk]
"""Starts a fake: gets the host, and the fields of the fake."""


@contextmanager
def open_desks() -> Iterator[At]:
    """Start fakes that live as long as this."""
    with ExitStack() as stack:

        def start(host: Host, **fields: Any) -> Desk:
            fake: FakeGitHub | FakeGitLab = FakeGitHub(**fields) if host == "github" else FakeGitLab(**fields)
            stack.enter_context(fake.running())
            desk = Desk(host, fake)
            stack.callback(_made_for_everything, desk)
            return desk

        yield start


def _made_for_everything(desk: Desk) -> None:
    assert desk.fake.problems == []

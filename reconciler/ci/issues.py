"""One issue that tells what waits for a person, opened, brought up to date and closed, whoever hosts it.

It is found by its label, by the hidden marker that its body begins with, and by being ours. There is never more than
one: of several, which two jobs at the same moment may have made, the oldest stays and the others are closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from reconciler.ci.errors import AnswerLostError, LabelError
from reconciler.ci.reviews import same_text

Outcome: TypeAlias = Literal["opened", "updated", "unchanged", "closed", "none"]
WhenDone: TypeAlias = Literal["close", "comment"]

_LOOKS: Final = 4
"""How often it is looked whether an issue is there whose opening got no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An open issue.

    Attributes:
        number: by which people name it.
        author: the host's name for who opened it.
        title: its title.
        body: its Markdown.
        url: where people read it.
        labels: the names of its labels.
    """

    number: int
    author: str | None
    title: str
    body: str
    url: str
    labels: tuple[str, ...] = ()


class Tracker(Protocol):
    """The issues of one repository."""

    def myself(self) -> str:
        """Return the host's name for who the token speaks for, as :attr:`Issue.author` has it."""

    def open_issues(self, label: str) -> Iterator[Issue]:
        """Yield all open issues that have a label."""

    def open_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue.

        Raises:
            AnswerLostError: it may be there or not.
        """

    def edit_issue(self, issue: Issue, title: str, body: str) -> Issue:
        """Give an issue another title and body."""

    def close_issue(self, issue: Issue, body: str) -> None:
        """Close an issue, with a last body."""

    def comment_on_issue(self, issue: Issue, body: str) -> None:
        """Write a comment below an issue, which tells those who follow it."""

    def pause(self, attempt: int) -> None:
        """Wait before looking again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the issue is to say.

    Attributes:
        title: its title.
        body: its Markdown, which begins with ``marker``.
        marker: how the issue of this directory begins.
        label: what it is found by.
        waiting: whether anything waits for a person; without, no issue is opened, and one that is open is done.
    """

    title: str
    body: str
    marker: str
    label: str
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of the issue.

    Attributes:
        outcome: ``opened``, ``updated``, ``unchanged``, ``closed``, or ``none`` where there is none and none is needed.
        url: where people read it; ``None`` where there is none.
        closed: how many more of ours were closed, because there is one too many.
    """

    outcome: Outcome
    url: str | None = None
    closed: int = 0


def keep_issue(tracker: Tracker, report: Report, *, when_done: WhenDone = "close") -> Kept:
    """Open the issue, bring it up to date, or end it.

    Args:
        tracker: the issues of the repository.
        report: what it is to say.
        when_done: what happens to it when nothing waits any more: it is closed, or stays open and says so in its body
            and, once, in a comment.

    Raises:
        HostError: the host refuses, or cannot be reached.
        LabelError: the token may not set the label, without which the next run would open another issue.
    """
    me = tracker.myself()
    opened: Issue | None = None
    for attempt in range(1, _LOOKS + 1):
        ours = _ours(tracker, report, me)
        if ours or not report.waiting:
            break
        try:
            opened = tracker.open_issue(report.title, report.body, report.label)
        except AnswerLostError:
            if attempt == _LOOKS:
                raise
            tracker.pause(attempt)
            continue
        if report.label.lower() not in map(str.lower, opened.labels):
            tracker.close_issue(opened, report.body)
            raise LabelError(opened.url, report.label)
        # Another job may have opened one meanwhile. A listing that is behind shows none, and the next run looks again.
        ours = _ours(tracker, report, me) or [opened]
        break
    if not ours:
        return Kept(outcome="none")
    oldest, *others = ours
    for other in others:
        tracker.close_issue(other, f"*Replaced by #{oldest.number}.*")
    if opened is not None and opened.number == oldest.number:
        return Kept(outcome="opened", url=opened.url, closed=len(others))
    return _bring_up_to_date(tracker, oldest, report, when_done, len(others))


def _ours(tracker: Tracker, report: Report, me: str) -> list[Issue]:
    """Return the open issues that are this report's, the oldest first."""
    found = tracker.open_issues(report.label)
    ours = [one for one in found if one.author == me and one.body.lstrip().startswith(report.marker)]
    return sorted(ours, key=lambda one: one.number)


def _bring_up_to_date(tracker: Tracker, issue: Issue, report: Report, when_done: WhenDone, closed: int) -> Kept:
    if not report.waiting and when_done == "close":
        tracker.close_issue(issue, report.body)
        return Kept(outcome="closed", url=issue.url, closed=closed)
    if issue.title == report.title and same_text(issue.body, report.body):
        return Kept(outcome="unchanged", url=issue.url, closed=closed)
    tracker.edit_issue(issue, report.title, report.body)
    if not report.waiting:
        tracker.comment_on_issue(issue, report.body.removeprefix(report.marker).strip())
    return Kept(outcome="updated", url=issue.url, closed=closed)

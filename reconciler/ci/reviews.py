"""One comment on a pull request or merge request, kept up to date in place, whoever hosts it.

A comment is ours when it begins with the hidden marker **and** we wrote it: anybody can copy a marker, and a token that
may comment may also edit what others wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from reconciler.ci.errors import AnswerLostError

Outcome: TypeAlias = Literal["created", "updated", "unchanged"]

REPLACED: Final = "*Replaced by a newer comment below.*"
"""What is left of an older comment of ours: an outdated plan must not be taken for the one that will be applied. It has
no marker, so that it is never found again."""

_LOOKS: Final = 4
"""How often it is looked whether a comment is there whose making got no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment.

    Attributes:
        id: the host's; a newer comment has a larger one.
        author: the host's name for who wrote it; ``None`` where that account is gone.
        body: its Markdown.
        url: where people read it.
    """

    id: int
    author: str | None
    body: str
    url: str


class Thread(Protocol):
    """The conversation on one pull request or merge request."""

    def myself(self) -> str:
        """Return the host's name for who the token speaks for, as :attr:`Comment.author` has it."""

    def comments(self) -> Iterator[Comment]:
        """Yield all comments, page by page."""

    def create(self, body: str) -> Comment:
        """Write a comment.

        Raises:
            AnswerLostError: it may be there or not.
        """

    def edit(self, comment: Comment, body: str) -> Comment:
        """Give a comment another body."""

    def pause(self, attempt: int) -> None:
        """Wait before looking again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of a comment.

    Attributes:
        outcome: ``created``, ``updated``, or ``unchanged`` where it said so already.
        url: where people read it.
        replaced: how many older ones of ours were emptied.
    """

    outcome: Outcome
    url: str
    replaced: int = 0


def keep_comment(thread: Thread, body: str, marker: str) -> Posted:
    """Write the comment, or bring the one that is there up to date.

    Of several of ours, which two jobs at the same moment may have made, the newest is kept, and the others say that
    they were replaced. Nothing is deleted.

    Args:
        thread: the conversation.
        body: what the comment is to say; it begins with ``marker``.
        marker: how the comment of this plan's workspace begins.

    Raises:
        HostError: the host refuses, or cannot be reached.
    """
    me = thread.myself()
    for attempt in range(1, _LOOKS + 1):
        ours = _ours(thread, me, marker)
        if ours:
            return _update(thread, ours, body)
        try:
            created = thread.create(body)
        except AnswerLostError:
            if attempt == _LOOKS:
                raise
            thread.pause(attempt)
        else:
            # Another job may have made one meanwhile. A listing that is behind shows none; the next plan looks again.
            replaced = _leave_newest(thread, _ours(thread, me, marker))
            return Posted(outcome="created", url=created.url, replaced=replaced)
    raise AssertionError("unreachable")  # pragma: no cover


def _ours(thread: Thread, me: str, marker: str) -> list[Comment]:
    """Return the comments that are this plan's, the oldest first."""
    found = (one for one in thread.comments() if one.author == me and one.body.lstrip().startswith(marker))
    return sorted(found, key=lambda one: one.id)


def _update(thread: Thread, ours: Sequence[Comment], body: str) -> Posted:
    newest = ours[-1]
    same = same_text(newest.body, body)
    url = newest.url if same else thread.edit(newest, body).url
    return Posted(outcome="unchanged" if same else "updated", url=url, replaced=_leave_newest(thread, ours))


def _leave_newest(thread: Thread, ours: Sequence[Comment]) -> int:
    """Empty all of ours but the newest, and return how many these were. Jobs at the same moment keep the same one."""
    older = ours[:-1]
    for one in older:
        thread.edit(one, REPLACED)
    return len(older)


def same_text(held: str, wanted: str) -> bool:
    """Tell whether a host holds a text already. Some store CRLF for LF and drop white space at the end."""
    return held.replace("\r\n", "\n").rstrip() == wanted.rstrip()

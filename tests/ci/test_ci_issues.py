"""One issue about what waits for a person, whoever hosts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from code_host import LOST, When
from code_hosts import At, Desk
from loopback import Reply
from reconciler.ci.errors import HostRefusedError, LabelError
from reconciler.ci.issues import Kept, Report, WhenDone, keep_issue

MARKER = "<!-- reconciler:issue 1234 -->"
LABEL = "reconciler"
WAITING = Report(title="acme", body=f"{MARKER}\n\n1 change\n", marker=MARKER, label=LABEL, waiting=True)
MORE = replace(WAITING, body=f"{MARKER}\n\n2 changes\n")
NOTHING = replace(WAITING, body=f"{MARKER}\n\nNothing waits.\n", waiting=False)


def keep(desk: Desk, report: Report = WAITING, *, when_done: WhenDone = "close") -> Kept:
    with desk.issues() as issues:
        return keep_issue(issues, report, when_done=when_done)


def test_an_issue_is_opened_updated_and_closed(desk: Desk) -> None:
    opened = keep(desk)
    assert (opened.outcome, desk.open_bodies) == ("opened", [WAITING.body])
    assert keep(desk).outcome == "unchanged"
    updated = keep(desk, MORE)
    assert (updated.outcome, updated.url, desk.open_bodies) == ("updated", opened.url, [MORE.body])
    closed = keep(desk, NOTHING)
    assert (closed.outcome, closed.url, desk.open_bodies) == ("closed", opened.url, [])
    assert keep(desk, NOTHING).outcome == "none"
    assert len(desk.fake.issues) == 1


def test_after_one_was_closed_the_next_is_a_new_one(desk: Desk) -> None:
    keep(desk)
    keep(desk, NOTHING)
    assert keep(desk, MORE).outcome == "opened"
    assert desk.open_bodies == [MORE.body]


def test_one_that_stays_open_says_once_that_nothing_waits(desk: Desk) -> None:
    row = desk.opened("acme", WAITING.body, LABEL)
    assert keep(desk, NOTHING, when_done="comment").outcome == "updated"
    assert keep(desk, NOTHING, when_done="comment").outcome == "unchanged"
    assert desk.open_bodies == [NOTHING.body]
    assert desk.issue_comments(row) == ["Nothing waits."]


def test_issues_of_others_and_of_other_directories_are_left_alone(desk: Desk) -> None:
    bodies = [f"{MARKER}\nforged", "<!-- reconciler:issue 99 -->\nanother directory", f"remark: {MARKER}"]
    desk.stranger_opened("acme", bodies[0], LABEL)
    desk.opened("other", bodies[1], LABEL)
    desk.opened("ours, by hand", bodies[2], LABEL)
    desk.opened("without the label", WAITING.body)
    assert keep(desk, NOTHING).outcome == "none"
    assert keep(desk).outcome == "opened"
    assert desk.open_bodies == [*bodies, WAITING.body, WAITING.body]


def test_of_several_the_oldest_stays_and_the_others_are_closed(desk: Desk) -> None:
    for _ in range(3):
        desk.opened("acme", WAITING.body, LABEL)
    kept = keep(desk, MORE)
    assert (kept.outcome, kept.closed, desk.open_bodies) == ("updated", 2, [MORE.body])


def test_one_on_a_late_page_is_found(desk: Desk) -> None:
    desk.opened("acme", WAITING.body, LABEL)
    for number in range(130):
        desk.stranger_opened(f"{number}", "something else", LABEL)
    assert keep(desk, MORE).outcome == "updated"


@pytest.mark.parametrize("what", [LOST, Reply(504, {"message": "Timeout"})], ids=["carried out", "not carried out"])
def test_an_answer_that_was_lost_never_opens_two(desk: Desk, what: Reply | str) -> None:
    if desk.host == "github":
        desk.fake.faults.append(When("POST", Reply(200, {"data": {"viewer": {"login": desk.github.viewer}}})))
    desk.fake.faults.append(When("POST", what))
    keep(desk)
    assert desk.open_bodies == [WAITING.body]


def test_two_jobs_at_the_same_moment_leave_one(desk: Desk) -> None:
    # The other job opened its own after we had looked and found none.
    desk.opened("acme", WAITING.body, LABEL)
    desk.fake.faults.append(When("GET", Reply(200, [])))
    if desk.host == "gitlab":
        desk.fake.faults.appendleft(When("GET", Reply(200, {"id": desk.gitlab.me})))
    kept = keep(desk, MORE)
    assert (kept.outcome, kept.closed, desk.open_bodies) == ("updated", 1, [MORE.body])


def test_a_label_that_may_not_be_set_leaves_no_issue_that_nobody_finds(at: At) -> None:
    desk = at("github", labels_dropped=True)
    for _ in range(2):
        with pytest.raises(LabelError, match="may not set labels"):
            keep(desk)
    assert desk.open_bodies == []


def test_a_pull_request_with_our_label_is_no_issue(at: At) -> None:
    desk = at("github")
    desk.github.open(desk.github.viewer, "acme", WAITING.body, LABEL, pull_request={})
    assert keep(desk).outcome == "opened"


def test_no_right_to_write_issues_is_said(at: At) -> None:
    with pytest.raises(HostRefusedError, match=r"issues: write"):
        keep(at("github", rights={"pull-requests"}))

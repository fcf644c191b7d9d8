"""What a plan does not do is told: what waits, and what was left out."""

from __future__ import annotations

import pytest

from golden_files import assert_golden
from reconciler.planning.plan import LeftOut
from reconciler.rendering import render_text
from sample_plans import SAMPLES, inactive, make_plan, unlisted

SEEN, LATER = "2026-11-22T00:00:00Z", "2026-12-22T06:30:00Z"


def test_what_was_left_out_is_listed_where_that_is_asked_for() -> None:
    plan = SAMPLES["waiting_and_left_out"]()
    assert_golden("waiting_and_left_out.listed.txt", render_text(plan, color=False, left_out=True))


def test_what_was_left_out_is_counted_otherwise() -> None:
    left_out = tuple(LeftOut(step=f"create user:u{number}", why="only") for number in range(1200))
    text = render_text(make_plan(left_out=left_out), color=False)
    assert "Left out: 1,200 steps by --only (--left-out lists them)" in text
    assert "user:u1\n" not in text


@pytest.mark.parametrize(
    ("following", "told"),
    [
        ((LeftOut(step="delete group:a", why="needs “create group:b”"),), "1 step that needs one of these"),
        ((LeftOut(step="add_members group:a", why="needs “create user:u”", members=1),), "1 membership that needs"),
        ((LeftOut(step="add_members group:a", why="needs “create user:u”", members=2),), "2 memberships that need one"),
    ],
)
def test_what_needs_something_left_out_is_counted_after_it(following: tuple[LeftOut, ...], told: str) -> None:
    plan = make_plan(left_out=(*following, LeftOut(step="create group:b", why="exclude")))
    assert f"Left out: 1 step by --exclude; {told}" in render_text(plan, color=False)


def test_what_is_pending_has_its_time() -> None:
    plan = make_plan(pending=(unlisted("ada@example.com", since=SEEN, until=LATER),))
    text = render_text(plan, color=False)
    assert "  pending until 2026-12-22 06:30 UTC: deactivate user:ada@example.com" in text
    assert text.endswith("No changes. The directory matches the desired state.\n")


@pytest.mark.parametrize(("full", "lines"), [(False, 20), (True, 50)])
def test_many_that_are_pending_are_folded(full: bool, lines: int) -> None:
    pending = tuple(inactive(f"u{number:02}@example.com", since=SEEN, until=LATER) for number in range(50))
    text = render_text(make_plan(pending=pending), color=False, full=full)
    assert "Pending: 50" in text
    assert text.count("pending until") == lines
    assert ("30 more (--full shows all)" in text) is not full


def test_a_plan_without_either_says_nothing_of_them() -> None:
    text = render_text(make_plan(), color=False)
    assert "Pending" not in text
    assert "Left out" not in text

"""Every guard says in words what it counted, and what it allows."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.planning import Verdict
from reconciler.planning.guarding import LIFTABLE
from reconciler.rendering import render_text
from reconciler.rendering.refusals import refusal
from sample_plans import make_plan

BEYOND_LIFTING = (
    "protected",
    "break_glass",
    "required_members",
    "min_members",
    "limits.users",
    "limits.groups",
    "limits.group_members",
    "limits.memberships",
)


def no(guard: str, number: int = 2, limit: str = "1", **fields: Any) -> Verdict:
    return Verdict(guard=guard, passed=False, number=number, limit=limit, **fields)


@pytest.mark.parametrize("guard", [*LIFTABLE, *BEYOND_LIFTING])
def test_every_guard_has_words_of_its_own(guard: str) -> None:
    assert "counted;" not in refusal(no(guard))


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (no("users.create", 1200, "500"), "1,200 users would be created; the limit is 500"),
        (no("users.update", 1, "0"), "1 user would be changed; the limit is 0"),
        (
            no("memberships.remove", 30, "25 % of 40 = 10"),
            "30 memberships would end, also by deletions; the limit is 25 % of 40 = 10",
        ),
        (
            no("live.shrink", 30, "20 % of 100 = 20", subject="users"),
            "30 of the users that the last recorded run left are gone; the limit is 20 % of 100 = 20",
        ),
        (no("users.empty", 7), "no file lists a user; 7 users were listed at the last recorded run"),
        (
            no("groups.empty", 7, resources=("group:a",)),
            "no file lists a group, and 7 groups in the directory would be lost",
        ),
        (
            no("limits.group_members", 12, "at most 10", subject="group:all staff"),
            "group:all staff would have 12 members; the directory takes at most 10 in a group",
        ),
        (no("new.guard", 1200, "5"), "the plan: 1,200 counted; the limit is 5"),
    ],
    ids=lambda value: value.guard if isinstance(value, Verdict) else "",
)
def test_what_a_guard_counted_is_told_in_a_sentence(verdict: Verdict, words: str) -> None:
    assert refusal(verdict) == words


def test_groups_that_lose_memberships_are_not_counted_as_if_they_were_memberships() -> None:
    groups = tuple(f"group:team-{number}" for number in range(20))
    few, many = (
        render_text(make_plan(guards=(no("memberships.remove", 900, resources=named),)), color=False)
        for named in (groups[:8], groups)
    )
    assert "group:team-7\n" in few
    assert "group:team-19 (the 20 that lose most)\n" in many


def test_the_first_twenty_that_a_guard_counted_are_named() -> None:
    users = tuple(f"user:u{number:02}@example.com" for number in range(20))
    text = render_text(make_plan(guards=(no("users.deactivate", 42, "20", resources=users),)), color=False)
    assert all(user in text for user in users)
    assert "user:u19@example.com and 22 more\n" in text

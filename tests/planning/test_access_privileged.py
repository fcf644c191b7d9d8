"""Steps say whether they are about a privileged group, so that a reviewer sees them first."""

from __future__ import annotations

from typing import Any

import pytest

from access_words import ADA, BOB, CYD, DELETING, PEOPLE
from desired_and_live import group, live, live_group, live_user, nested, planned, policy, step_ids, user
from reconciler.config import Allowance, Protection, Unlisted
from reconciler.model import DesiredResource, Live
from reconciler.planning import Plan, encode

PROTECTION = Protection(privileged=("admin*",))


def marked(listed: list[DesiredResource], found: Live, *settings: Unlisted, **more: Any) -> list[str]:
    made = planned(listed, found, policy(*settings, protection=PROTECTION, **more))
    return privileged(made)


def privileged(made: Plan) -> list[str]:
    return [step.id for step in made.steps if step.privileged]


def test_memberships_changes_and_deletions_of_a_privileged_group_are_marked_and_no_others() -> None:
    groups = [
        live_group("g1", "admins", ["u-ada"]),
        live_group("g2", "admins-eu", ["u-cyd"]),
        live_group("g3", "team", ["u-ada"]),
    ]
    listed = [*PEOPLE, group("admins", ["bob@example.com"], externalId="1"), group("team", ["bob@example.com"])]
    assert marked(listed, live(ADA, BOB, CYD, *groups), Unlisted.DEACTIVATE, Unlisted.DELETE) == [
        "update group:admins",
        "add_members group:admins",
        "remove_members group:admins",
        "delete group:admins-eu",
    ]


@pytest.mark.parametrize("allowed", [True, False])
def test_they_are_marked_whether_or_not_they_are_allowed(allowed: bool) -> None:
    allowances = (Allowance(guard="privileged", subject="group:admins"),) if allowed else ()
    rules = policy(protection=PROTECTION, allowances=allowances, reason="OPS-1")
    made = planned([*PEOPLE, group("admins", ["ada@example.com"])], live(ADA, BOB, CYD), rules)
    assert privileged(made) == ["create group:admins", "add_members group:admins"]
    assert bool(made.refusals) is not allowed


def test_a_group_that_says_so_of_itself_is_privileged() -> None:
    made = planned([*PEOPLE, group("ops", ["ada@example.com"], privileged=True)], live(ADA, BOB, CYD))
    assert privileged(made) == step_ids(made)


def test_a_group_inside_a_privileged_one_is_privileged_where_the_directory_nests() -> None:
    groups = [live_group("g1", "admins", ["g2"]), live_group("g2", "on-call")]
    listed = [*PEOPLE, group("admins"), group("on-call", ["ada@example.com"])]
    assert marked(listed, live(ADA, BOB, CYD, *groups, nested_groups=True)) == ["add_members group:on-call"]


def test_a_group_that_the_plan_puts_inside_is_privileged() -> None:
    listed = [*PEOPLE, group("admins", [nested("new")]), group("new", ["ada@example.com"])]
    made = planned(
        listed, live(ADA, BOB, CYD, live_group("g1", "admins"), nested_groups=True), policy(protection=PROTECTION)
    )
    assert privileged(made) == step_ids(made)


def test_accounts_of_people_in_a_privileged_group_before_or_after_are_marked() -> None:
    off = live_user("u-bob", "bob@example.com", active=False)
    found = live(ADA, off, CYD, live_group("g1", "admins", ["u-ada", "u-bob"]), live_group("g2", "team", ["u-cyd"]))
    listed = [user("bob@example.com"), user("new@example.com"), user("other@example.com")]
    admins = group("admins", ["bob@example.com", "new@example.com"])
    assert marked([*listed, admins], found, Unlisted.DEACTIVATE) == [
        "create user:new@example.com",
        "reactivate user:bob@example.com",
        "add_members group:admins",
        "remove_members group:admins",
        "deactivate user:ada@example.com",
    ]
    assert "delete user:ada@example.com" in marked([*listed, admins], found, Unlisted.DELETE)


def test_a_group_whose_deletion_takes_people_out_of_a_privileged_one_is_marked() -> None:
    groups = [live_group("g1", "admins", ["g2"]), live_group("g2", "gone", ["u-ada"]), live_group("g3", "other")]
    found = live(ADA, BOB, CYD, *groups)
    assert marked([*PEOPLE, group("admins")], found, Unlisted.DEACTIVATE, Unlisted.DELETE) == ["delete group:gone"]


def test_where_nothing_is_privileged_the_document_does_not_speak_of_it() -> None:
    listed = [*PEOPLE[1:], group("team", ["bob@example.com"])]
    made = planned(listed, live(ADA, BOB, CYD, live_group("g1", "team", ["u-ada"])), DELETING)
    assert made.steps
    assert b"privileged" not in encode(made)

"""Groups that are replaced only when a person has granted product access again (`lifecycle.replace`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desired_and_live import (
    UNGUARDED,
    edges,
    group,
    live,
    live_group,
    live_user,
    member,
    only_step,
    planned,
    policy,
    step_ids,
    user,
    warnings,
)
from reconciler.config import Limit, Unlisted
from reconciler.model import DesiredResource, Live, Replace
from reconciler.planning import Action, decode, encode
from simulated_directory import SimulatedDirectory

ADA, BOB, EVE = (
    live_user("u1", "ada@example.com"),
    live_user("u2", "bob@example.com"),
    live_user("u9", "e@example.org"),
)
USERS: list[DesiredResource] = [user("ada@example.com"), user("bob@example.com")]
WAITING = policy(groups=Unlisted.DELETE)
CONFIRMED = policy(groups=Unlisted.DELETE, confirm_replace=True)


def new(*members: str, **stated: Any) -> list[DesiredResource]:
    return [*USERS, group("new", members, **{"previously": ("old",), "replace": Replace.MANUAL_REGRANT, **stated})]


def directory(*groups: Any) -> Live:
    return live(ADA, BOB, EVE, *(groups or (live_group("g1", "old", ["u1"]),)), group_rename=False)


def test_it_stops_after_adding_the_members() -> None:
    made = planned(new("ada@example.com"), directory(), WAITING)
    assert step_ids(made) == ["create group:new", "add_members group:new"]
    assert (made.steps[0].reason, made.steps[0].replaces) == ("replaced", "old")


def test_a_warning_says_what_waits_for_what_and_how_to_go_on() -> None:
    [message] = warnings(planned(new("ada@example.com"), directory(), WAITING))["replacement-waits"]
    assert "group:new replaces group:old" in message
    assert "stays until a person has granted its product access to the new group" in message
    assert "reconciler apply --confirm-replace" in message


@pytest.mark.parametrize("stated", [{}, {"previously": (), "externalId": "7"}], ids=["previously", "externalId"])
def test_while_it_waits_there_is_nothing_to_do_and_the_old_group_keeps_what_it_has(stated: dict[str, Any]) -> None:
    listed = new("bob@example.com", **stated)
    found = directory(live_group("g1", "old", ["u1"], externalId="7"))
    after = SimulatedDirectory(found).apply(planned(listed, found, WAITING))
    again = planned(listed, after, WAITING)
    assert again.steps == ()
    assert str(again.summary).startswith("No changes.")
    assert "has taken the place of group:old" in warnings(again)["replacement-waits"][0]
    assert after.groups_by_id["g1"].members == ("u1",)


def test_confirming_deletes_the_old_group_and_the_plan_records_it() -> None:
    after = SimulatedDirectory(directory()).apply(planned(new("ada@example.com"), directory(), WAITING))
    made = planned(new("ada@example.com"), after, CONFIRMED)
    assert only_step(made).id == "delete group:old"
    assert decode(encode(made)).confirm_replace
    assert not planned(new("ada@example.com"), after, WAITING).confirm_replace
    [message] = warnings(made)["replaced-group"]
    assert "which this plan deletes, as --confirm-replace says. Product access" in message


def test_confirming_before_all_members_are_there_adds_them_first() -> None:
    found = directory(live_group("g1", "old", ["u1"]), live_group("g2", "new", ["u1"]))
    made = planned(new("ada@example.com", "bob@example.com"), found, CONFIRMED)
    assert step_ids(made) == ["add_members group:new", "delete group:old"]
    assert made.steps[1].needs == ("add_members group:new",)


def test_confirming_at_once_replaces_in_one_run() -> None:
    made = planned(new("ada@example.com"), directory(), CONFIRMED)
    assert step_ids(made) == ["create group:new", "add_members group:new", "delete group:old"]


def test_members_that_are_not_ours_are_carried_over_while_it_waits() -> None:
    rules = policy(scope_users='userName ew "@example.com"')
    made = planned(new("ada@example.com"), directory(live_group("g1", "old", ["u1", "u9"])), rules)
    assert edges(made, Action.ADD_MEMBERS)["new"] == {"ada@example.com": "listed", "e@example.org": "carried_over"}


def test_whom_the_replacement_leaves_behind_counts_only_when_the_old_group_goes() -> None:
    guards = replace(UNGUARDED, members_remove=Limit(count=0))
    listed = new("bob@example.com")
    assert planned(listed, directory(), policy(guards=guards)).refusals == ()
    [refusal] = planned(listed, directory(), policy(guards=guards, confirm_replace=True)).refusals
    assert (refusal.guard, refusal.resources) == ("members.remove", ("user:ada@example.com",))


def test_automatic_replacements_do_not_wait() -> None:
    made = planned([*USERS, group("new", [member("ada@example.com")], previously=("old",))], directory(), WAITING)
    assert step_ids(made)[-1] == "delete group:old"
    assert "Product access" in warnings(made)["replaced-group"][0]


def test_where_groups_can_be_renamed_there_is_nothing_to_confirm() -> None:
    found = live(ADA, BOB, live_group("g1", "old", ["u1"]))
    made = planned(new("ada@example.com"), found, WAITING)
    assert step_ids(made) == ["update group:old"]
    assert warnings(made) == {}

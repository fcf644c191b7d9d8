"""What becomes of users: created, updated, reactivated, deactivated, deleted, or left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from desired_and_live import FUTURE, PAST, changes, live, live_user, notes, only_step, planned, policy, step_ids, user
from reconciler.attributes import rfc7643
from reconciler.config import Unlisted
from reconciler.planning import Action, Reason
from reconciler.planning.preconditions import digest

ADA = live_user("u1", "ada@example.com")


def test_a_listed_user_that_the_directory_does_not_have_is_created_with_what_is_stated() -> None:
    listed = user("ada@example.com", title=None, name={"givenName": "Ada", "familyName": None}, emails=[])
    step = only_step(planned([listed]))
    assert (step.action, step.reason, step.precondition) == (Action.CREATE, Reason.NOT_IN_DIRECTORY, None)
    assert changes(step) == {
        "userName": (None, "ada@example.com"),
        "active": (None, True),
        "name.givenName": (None, "Ada"),
    }
    assert not step.identity


def test_a_listed_user_that_is_as_stated_is_left_as_it_is() -> None:
    made = planned([user("ada@example.com")], [ADA])
    assert str(made.summary) == "No changes. The directory matches the desired state."


@pytest.mark.parametrize("inactive", [False, "false", "False"])
def test_a_listed_user_that_is_inactive_is_reactivated(inactive: Any) -> None:
    found = live_user("u1", "ada@example.com", active=inactive, title="old")
    step = only_step(planned([user("ada@example.com", title="new")], [found]))
    assert (step.action, step.reason) == (Action.REACTIVATE, Reason.INACTIVE)
    assert changes(step) == {"active": (False, True), "title": ("old", "new")}


def test_a_user_stated_inactive_is_updated_and_then_deactivated() -> None:
    made = planned([user("new@example.com", id="u1", active=False)], [ADA])
    assert [(step.action, step.reason) for step in made.steps] == [
        (Action.UPDATE, Reason.RENAMED),
        (Action.DEACTIVATE, Reason.STATED_INACTIVE),
    ]
    assert made.steps[1].origin == "new@example.com/active:1"
    # The name is changed by the plan itself, so it cannot make the deactivation stale.
    assert made.steps[1].precondition is not None
    assert made.steps[1].precondition.paths == ("active", "externalId")


@pytest.mark.parametrize("listed", [user("ada@example.com", active=False), user("ada@example.com", until=PAST)])
def test_a_user_that_is_inactive_already_is_not_deactivated_again(listed: Any) -> None:
    assert step_ids(planned([listed], [live_user("u1", "ada@example.com", active=False)])) == []


def test_a_user_whose_until_has_passed_is_deactivated_and_nothing_else_is_changed() -> None:
    listed = user("ada@example.com", title="new", until=PAST, reason="OPS-1")
    step = only_step(planned([listed], [ADA]))
    assert (step.action, step.reason, step.note) == (Action.DEACTIVATE, Reason.EXPIRED, "OPS-1")
    assert step.origin == "ada@example.com/lifecycle/until:1"
    assert changes(step) == {"active": (True, False)}


@pytest.mark.parametrize(("moment", "steps"), [(PAST, 1), (PAST - timedelta(seconds=1), 0)])
def test_until_is_the_first_moment_that_does_not_count(moment: datetime, steps: int) -> None:
    assert len(planned([user("ada@example.com", until=PAST)], [ADA], as_of=moment).steps) == steps


@pytest.mark.parametrize(("moment", "steps"), [(FUTURE, 1), (FUTURE - timedelta(seconds=1), 0)])
def test_from_is_the_first_moment_that_counts(moment: datetime, steps: int) -> None:
    assert len(planned([user("ada@example.com", from_=FUTURE)], as_of=moment).steps) == steps


def test_a_user_whose_until_has_passed_is_not_created() -> None:
    assert step_ids(planned([user("ada@example.com", until=PAST)])) == []


@pytest.mark.parametrize("found", [[], [live_user("u1", "ada@example.com", active=False, title="old")]])
def test_a_user_whose_from_has_not_come_is_left_alone_and_counted(found: list[Any]) -> None:
    made = planned([user("ada@example.com", title="new", from_=FUTURE)], found, policy(Unlisted.DELETE))
    assert step_ids(made) == []
    assert notes(made) == ["left alone: 1 user whose `from` has not come"]


@pytest.mark.parametrize(
    ("unlisted", "steps"),
    [
        (Unlisted.IGNORE, []),
        (Unlisted.DEACTIVATE, ["deactivate user:bob@example.com"]),
        (Unlisted.DELETE, ["delete user:bob@example.com", "delete user:cyd@example.com"]),
    ],
)
def test_the_policy_says_what_becomes_of_users_that_no_file_lists(unlisted: Unlisted, steps: list[str]) -> None:
    found = [ADA, live_user("u2", "bob@example.com"), live_user("u3", "cyd@example.com", active=False)]
    made = planned([user("ada@example.com")], found, policy(unlisted))
    assert step_ids(made) == steps
    assert {step.reason for step in made.steps} <= {Reason.UNLISTED}
    assert {step.origin for step in made.steps} <= {None}


def test_users_outside_the_scope_are_left_alone_and_counted() -> None:
    rules = policy(Unlisted.DELETE, scope_users='userName ew "@example.com"')
    made = planned([], [live_user("u1", "eve@example.org"), live_user("u2", "ada@example.com")], rules)
    assert step_ids(made) == ["delete user:ada@example.com"]
    assert notes(made) == ["left alone: 1 user outside the scope"]


@pytest.mark.parametrize("action", [Unlisted.DEACTIVATE, Unlisted.DELETE])
@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ({"userName": "grace@example.com"}, True),
        ({"externalId": "2"}, True),
        ({"active": False}, True),
        ({"userName": "BOB@example.com"}, False),
        ({"title": "x"}, False),
    ],
)
def test_a_removal_is_void_once_the_account_is_somebody_elses(
    action: Unlisted, changed: dict[str, Any], stale: bool
) -> None:
    found = live_user("u2", "bob@example.com", externalId="1")
    step = only_step(planned([], [found], policy(action)))
    now = replace(found, attributes={**found.attributes, **changed})
    assert step.precondition is not None
    assert (digest(now, step.precondition.paths, rfc7643().user) != step.precondition.digest) is stale


def test_an_update_is_void_once_a_value_that_it_changes_is_another() -> None:
    step = only_step(planned([user("ada@example.com", title="new")], [live_user("u1", "ada@example.com", title="old")]))
    assert step.precondition is not None
    assert step.precondition.paths == ("title",)


def test_steps_of_users_with_the_same_name_are_told_apart() -> None:
    found = live(live_user("u2", "bob@example.com"), live_user("u1", "bob@example.com"), unique_keys=())
    assert step_ids(planned([], found, policy(Unlisted.DEACTIVATE))) == [
        "deactivate user:bob@example.com (u1)",
        "deactivate user:bob@example.com (u2)",
    ]


def test_an_account_without_active_works() -> None:
    found = replace(ADA, attributes={"userName": "ada@example.com"})
    assert step_ids(planned([user("ada@example.com")], [found])) == []
    assert step_ids(planned([], [found], policy(Unlisted.DEACTIVATE))) == ["deactivate user:ada@example.com"]

"""Directories that rewrite an account's name and e-mails when they switch it off, as GitHub EMU does."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import (
    PAST,
    changes,
    edges,
    group,
    live,
    live_group,
    live_user,
    only_step,
    planned,
    policy,
    step_ids,
    user,
    warnings,
)
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Kind, Live, LiveUser, Observation
from reconciler.planning import Action
from simulated_directory import SimulatedDirectory

EMAILS = [{"value": "ada@example.com", "primary": True}]
MUTATES = ("userName", "emails")
OFF = live_user("u1", "a1b2c3", active=False, externalId="7", emails=[{"value": "a1b2c3@x.invalid"}], title="Boss")


def stated(**more: Any) -> Any:
    return user("ada@example.com", externalId="7", emails=EMAILS, **more)


def directory(found: LiveUser = OFF) -> Live:
    return live(found, deactivation_mutates=MUTATES)


def test_what_was_rewritten_is_left_while_the_account_stays_off_and_told_once() -> None:
    made = planned([stated(active=False)], directory())
    assert made.steps == ()
    [note] = [note for note in made.notes if note.code == "rewritten"]
    assert note.severity == "note"
    assert note.message.startswith("emails, userName: ")
    assert "1 inactive user" in note.message


def test_other_attributes_are_still_written() -> None:
    step = only_step(planned([stated(active=False, title="Engineer")], directory()))
    assert changes(step) == {"title": ("Boss", "Engineer")}


def test_a_reactivation_writes_them_again_in_the_same_step() -> None:
    step = only_step(planned([stated()], directory()))
    assert step.action is Action.REACTIVATE
    assert set(changes(step)) == {"active", "userName", "emails"}


def test_a_reactivation_writes_them_also_where_they_were_not_kept_before() -> None:
    seen = Observation(kind=Kind.USER, id="u1", path="userName", wrote="ada@example.com", stored="a1b2c3")
    assert "userName" in changes(only_step(planned([stated()], directory(), observations=[seen])))


def test_a_name_that_the_directory_made_up_does_not_put_anybody_out_of_scope() -> None:
    rules = policy(scope_users='userName ew "@example.com"')
    assert planned([stated(active=False)], directory(), rules).steps == ()
    assert step_ids(planned([stated()], directory(), rules)) == ["reactivate user:a1b2c3"]


def test_elsewhere_they_are_written_to_inactive_accounts_too() -> None:
    assert set(changes(only_step(planned([stated(active=False)], live(OFF))))) == {"userName", "emails"}


def test_a_deactivation_states_nothing_of_what_it_rewrites() -> None:
    on = live_user("u1", "ada@example.com", externalId="7", emails=EMAILS)
    made = planned([stated(active=False)], directory(on))
    assert changes(only_step(made)) == {"active": (True, False)}
    after = SimulatedDirectory(directory(on)).apply(made)
    assert planned([stated(active=False)], after).steps == ()


@pytest.mark.parametrize(
    ("listed", "rules", "told"),
    [
        ([], policy(Unlisted.DEACTIVATE), True),
        ([user("ada@example.com", active=False)], policy(), True),
        ([user("ada@example.com", until=PAST)], policy(), True),
        ([user("ada@example.com", active=False, externalId="7")], policy(), False),
        ([user("ada@example.com", active=False, id="u1")], policy(), False),
    ],
    ids=["unlisted", "inactive", "expired", "with an externalId", "with an id"],
)
def test_who_could_not_be_found_again_is_told_before(listed: Any, rules: Any, told: bool) -> None:
    made = planned(listed, directory(live_user("u1", "ada@example.com")), rules)
    assert made.steps[-1].action is Action.DEACTIVATE
    assert ("no-external-id" in warnings(made)) is told


def test_a_listed_user_is_ours_under_a_rewritten_name_and_leaves_groups_at_once() -> None:
    scoped = policy(scope_users='userName ew "@example.com"')
    stranger = live_user("u2", "d4e5f6", active=False, externalId="8")
    found = live(OFF, stranger, live_group("g1", "team", ["u1", "u2"]), deactivation_mutates=MUTATES)
    made = planned([stated(active=False), group("team", [])], found, scoped)
    assert edges(made, Action.REMOVE_MEMBERS) == {"team": {"a1b2c3": "not_listed"}}


def test_a_name_outside_the_scope_that_no_deactivation_rewrites_is_somebody_elses() -> None:
    scoped = policy(scope_users='userName ew "@example.com"')
    found = live(live_user("u1", "zoe@example.org", active=False, externalId="7"), deactivation_mutates=("emails",))
    with pytest.raises(DiagnosticsError, match=r"outside scope\.users"):
        planned([stated()], found, scoped)

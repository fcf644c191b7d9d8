"""Which live resource a listed one means."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import (
    FUTURE,
    PAST,
    changes,
    group,
    live,
    live_group,
    live_user,
    only_step,
    planned,
    policy,
    step_ids,
    user,
)
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.planning import Action, Reason

DELETE_BOTH = policy(Unlisted.DELETE, Unlisted.DELETE)


def problems(*arguments: Any, **settings: Any) -> dict[str, str]:
    """What planning refuses, by code."""
    with pytest.raises(DiagnosticsError) as refusal:
        planned(*arguments, **settings)
    return {diagnostic.code: diagnostic.message for diagnostic in refusal.value.diagnostics}


@pytest.mark.parametrize(
    ("listed", "by", "reason"),
    [
        (user("new@example.com", id="u1"), "id", Reason.RENAMED),
        (user("new@example.com", externalId="1001"), "externalId", Reason.RENAMED),
        (user("ADA@example.com", title="x"), "userName", Reason.DIFFERS),
        (user("new@example.com", previously=("x@example.com", "Ada@Example.com")), "previously", Reason.RENAMED),
    ],
)
def test_a_listed_user_is_found_by_id_external_id_name_or_previous_name(listed: Any, by: str, reason: Reason) -> None:
    step = only_step(planned([listed], [live_user("u1", "ada@example.com", externalId="1001")]))
    assert (step.action, step.resource_id, step.correlated_by, step.reason) == (Action.UPDATE, "u1", by, reason)


def test_composed_and_decomposed_letters_are_one_name() -> None:
    assert step_ids(planned([user("zoe\u0308@example.com")], [live_user("u1", "zo\u00eb@example.com")])) == []


def test_an_external_id_is_compared_by_case() -> None:
    found = [live_user("u1", "ada@example.com", externalId="A1")]
    assert step_ids(planned([user("new@example.com", externalId="a1")], found)) == ["create user:new@example.com"]


def test_an_equal_email_alone_means_nobody() -> None:
    emails = [{"value": "ada@example.com", "primary": True}]
    made = planned([user("new@example.com", emails=emails)], [live_user("u1", "old@example.com", emails=emails)])
    assert step_ids(made) == ["create user:new@example.com"]


def test_a_first_external_id_is_an_adoption() -> None:
    step = only_step(planned([user("ada@example.com", externalId="1")], [live_user("u1", "ada@example.com")]))
    assert step.reason is Reason.ADOPTED
    assert step.identity


def test_an_id_that_the_directory_does_not_have_is_an_error() -> None:
    found = problems([user("ada@example.com", id="gone")], [live_user("u1", "ada@example.com")])
    assert found.keys() == {"unknown-id"}


@pytest.mark.parametrize(
    "listed",
    [user("new@example.com", externalId="7"), user("new@example.com", previously=("twin@example.com",))],
    ids=["externalId", "previously"],
)
def test_two_live_resources_that_fit_are_an_error_that_names_both(listed: Any) -> None:
    twins = [live_user(f"u{number}", "twin@example.com", externalId="7") for number in (2, 1)]
    message = problems([listed], live(*twins, unique_keys=()))["ambiguous"]
    assert message.index("(id u1") < message.index("(id u2")


def test_two_listed_resources_that_mean_one_live_one_are_an_error_that_names_both() -> None:
    listed = [user("ada@example.com", externalId="1001"), user("new@example.com", id="u1")]
    message = problems(listed, [live_user("u1", "ada@example.com", externalId="1001")])["claimed-twice"]
    assert "user:ada@example.com" in message
    assert "user:new@example.com" in message


@pytest.mark.parametrize(
    "listed",
    [
        user("ada@example.com", externalId="1"),
        user("ada@example.com", id="u1"),
        user("new@example.com", externalId="1", previously=("ada@example.com",)),
    ],
    ids=["externalId", "id", "previously"],
)
def test_a_name_that_an_unlisted_live_user_has_is_an_error(listed: Any) -> None:
    found = [live_user("u1", "old@example.com", externalId="1"), live_user("u2", "ada@example.com")]
    assert problems([listed], found).keys() == {"name-taken"}


def test_a_stated_id_tells_apart_two_live_groups_of_one_name() -> None:
    found = live(live_group("g1", "team"), live_group("g2", "team"))
    assert step_ids(planned([group("team", id="g2", externalId="9")], found)) == ["update group:team (g2)"]


def test_somebody_is_renamed_away_before_a_newcomer_takes_the_name() -> None:
    listed = [user("ada@example.com", externalId="2"), user("ada.old@example.com", externalId="1")]
    made = planned(listed, [live_user("u1", "ada@example.com", externalId="1")], DELETE_BOTH)
    assert step_ids(made) == ["update user:ada@example.com", "create user:ada@example.com"]
    assert made.steps[1].needs == ("update user:ada@example.com",)
    assert [number for number, _ in made.chunks()] == [1, 2]


def test_a_chain_of_renames_runs_from_its_free_end() -> None:
    listed = [user(f"n{number + 1}@example.com", externalId=str(number)) for number in range(4)]
    found = [live_user(f"u{number}", f"n{number}@example.com", externalId=str(number)) for number in range(4)]
    assert step_ids(planned(listed, found)) == [f"update user:n{number}@example.com" for number in (3, 2, 1, 0)]


def test_many_renames_that_do_not_touch_each_other_share_a_chunk() -> None:
    listed = [user(f"b{number}@example.com", externalId=f"a{number}") for number in range(20)]
    listed += [user(f"a{number}@example.com", externalId=f"new{number}") for number in range(20)]
    found = [live_user(f"u{number}", f"a{number}@example.com", externalId=f"a{number}") for number in range(20)]
    made = planned(listed, found, policy(canary=20))
    assert [len(steps) for _, steps in made.chunks()] == [20, 20]


def test_two_users_that_swap_names_are_an_error_that_names_both() -> None:
    listed = [user("a@example.com", externalId="2"), user("b@example.com", externalId="1")]
    found = [live_user("u1", "a@example.com", externalId="1"), live_user("u2", "b@example.com", externalId="2")]
    message = problems(listed, found)["name-cycle"]
    assert "user:a@example.com, user:b@example.com" in message


@pytest.mark.parametrize("dates", [{"until": PAST}, {"from_": FUTURE}])
def test_a_name_whose_holder_is_listed_and_not_renamed_is_an_error(dates: dict[str, Any]) -> None:
    listed = [user("ada@example.com", externalId="2"), user("ada.old@example.com", externalId="1", **dates)]
    message = problems(listed, [live_user("u1", "ada@example.com", externalId="1")])["name-held"]
    assert "id u1" in message


def test_a_leaver_whose_account_counts_as_somebody_elses_is_an_error_and_does_not_stay_active() -> None:
    listed = [user("leaver@example.com", until=PAST), user("joiner@example.com", externalId="1", from_=FUTURE)]
    message = problems(listed, [live_user("u1", "leaver@example.com", externalId="1")])["name-held"]
    assert "user:leaver@example.com" in message


def test_the_same_where_the_leaver_is_found_by_an_earlier_name() -> None:
    listed = [
        user("leaver@example.com", until=PAST, previously=("cyd@example.com",)),
        user("joiner@example.com", id="u1", from_=FUTURE),
    ]
    found = [live_user("u1", "leaver@example.com"), live_user("u2", "cyd@example.com")]
    assert "user:leaver@example.com" in problems(listed, found)["name-held"]


def test_a_leaver_whose_old_account_is_renamed_for_somebody_else_is_gone() -> None:
    listed = [user("leaver@example.com", until=PAST), user("joiner@example.com", externalId="1")]
    made = planned(listed, [live_user("u1", "leaver@example.com", externalId="1")])
    assert step_ids(made) == ["update user:leaver@example.com"]


def test_a_directory_that_allows_equal_names_lets_a_group_take_one() -> None:
    found = live(live_group("g1", "a", externalId="1"), live_group("g2", "b", externalId="2"), group_rename=True)
    made = planned([group("b", externalId="1"), group("c", externalId="2")], found)
    assert made.steps[1].needs == ("update group:b",)


def test_an_out_of_scope_listing_is_an_error_before_and_after_the_change() -> None:
    rules = policy(scope_users='userName ew "@example.com"')
    outside = problems([user("ada@example.org")], [], rules)
    assert "outside scope.users" in outside["out-of-scope"]
    found = [live_user("u1", "ada@example.org", externalId="1")]
    taken_over = problems([user("ada@example.com", externalId="1")], found, rules)
    assert "id u1" in taken_over["out-of-scope"]


def test_the_scope_sees_what_is_stated_over_what_the_directory_holds() -> None:
    rules = policy(scope_users='name.familyName eq "Example"')
    found = [live_user("u1", "ada@example.com", name={"familyName": "Example"})]
    listed = user("ada@example.com", name={"givenName": "Ada"})
    assert step_ids(planned([listed], found, rules)) == ["update user:ada@example.com"]


@pytest.mark.parametrize("found", [[], [live_group("g1", "All Members")]], ids=["created", "existing"])
def test_a_group_that_the_directory_keeps_itself_cannot_be_listed(found: list[Any]) -> None:
    codes = problems([group("all members")], live(*found, reserved_groups=("All *",)))
    assert codes.keys() == {"reserved"}


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ('not (shoeSize eq "44")', "scope.users reads shoeSize"),
        ("active gt true", "scope.users is not a usable SCIM filter"),
        ("userName eq", "scope.users is not a usable SCIM filter"),
    ],
)
def test_a_scope_that_means_nothing_here_is_an_error_and_does_not_mean_everybody(scope: str, told: str) -> None:
    rules = policy(Unlisted.DELETE, scope_users=scope)
    assert told in problems([], [live_user("u1", "ada@example.com")], rules)["filter"]


def test_changes_show_both_names() -> None:
    step = only_step(planned([user("new@example.com", id="u1")], [live_user("u1", "old@example.com")]))
    assert changes(step) == {"userName": ("old@example.com", "new@example.com")}
    assert step.changes[0].origin == "new@example.com/userName:1"

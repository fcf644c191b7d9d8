"""Directories that have no groups, or no listing of what they have, and others that take members in their own way."""

from __future__ import annotations

import pytest

from desired_and_live import edges, group, live, live_group, live_user, planned, policy, step_ids, user, warnings
from reconciler.capabilities import MemberRemove
from reconciler.config import Guards, Limit, Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Kind
from reconciler.planning import Action

ADA, BOB = live_user("u1", "ada@example.com"), live_user("u2", "bob@example.com")


class TestNoGroups:
    def test_each_listed_group_is_an_error_at_its_place(self) -> None:
        with pytest.raises(DiagnosticsError) as refused:
            planned([user("ada@example.com"), group("a"), group("b", [])], live(ADA, groups=False))
        told = [(one.code, str(one.origin), bool(one.hint)) for one in refused.value.diagnostics]
        assert told == [("no-groups", "a:1", True), ("no-groups", "b:1", True)]

    def test_users_are_planned(self) -> None:
        assert step_ids(planned([user("ada@example.com")], live(groups=False))) == ["create user:ada@example.com"]


class TestPartial:
    """Only what the files name was read."""

    @pytest.mark.parametrize("unlisted", [Unlisted.DEACTIVATE, Unlisted.DELETE])
    def test_nobody_is_lost_for_being_in_no_file(self, unlisted: Unlisted) -> None:
        found = live(ADA, BOB, live_group("g1", "x"), partial=Kind)
        made = planned([user("ada@example.com")], found, policy(unlisted, Unlisted.DELETE))
        assert made.steps == ()
        of_users, of_groups = warnings(made)["partial"]
        assert f"`unlisted: {{users: {unlisted}}}` has no effect" in of_users
        assert "no listing of groups" in of_groups

    def test_a_policy_that_leaves_them_alone_is_only_noted(self) -> None:
        made = planned([user("ada@example.com")], live(ADA, partial=[Kind.USER]))
        assert [(note.severity, note.code) for note in made.notes] == [("note", "partial")]

    def test_the_other_kind_is_complete(self) -> None:
        made = planned([], live(ADA, live_group("g1", "x"), partial=[Kind.USER]), policy(groups=Unlisted.DELETE))
        assert step_ids(made) == ["delete group:x"]

    def test_what_a_line_states_still_happens(self) -> None:
        made = planned([user("ada@example.com", active=False)], live(ADA, partial=[Kind.USER]))
        assert step_ids(made) == ["deactivate user:ada@example.com"]

    def test_percentages_are_of_what_is_known(self) -> None:
        rules = policy(guards=Guards(users_deactivate=Limit(percent=60)))
        listed = [user("ada@example.com", active=False), user("bob@example.com", active=False)]
        [refusal] = planned(listed, live(ADA, BOB, partial=[Kind.USER]), rules).refusals
        assert refusal.limit == "60 % of 2 known = 1"


@pytest.mark.parametrize(
    ("form", "batches"),
    [
        (MemberRemove.PATH_FILTER, [2, 2, 1]),
        (MemberRemove.VALUE_ARRAY, [4, 1]),
        (MemberRemove.NESTED_VALUE, [4, 1]),
        (MemberRemove.PUT, [4, 1]),
    ],
)
def test_only_a_path_filter_takes_an_operation_for_each_removed_member(form: MemberRemove, batches: list[int]) -> None:
    people = [live_user(f"u{number}", f"{number}@example.com") for number in range(5)]
    team = live_group("g1", "team", [one.id for one in people])
    found = live(*people, team, member_remove=form, max_operations_per_patch=2, max_members_per_patch=4)
    made = planned([group("team", [])], found)
    assert [len(step.members) for step in made.steps] == batches
    assert len(edges(made, Action.REMOVE_MEMBERS)["team"]) == 5

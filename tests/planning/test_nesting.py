"""Groups as members of groups, where the directory knows such members itself."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import (
    edges,
    group,
    live,
    live_group,
    live_user,
    nested,
    planned,
    policy,
    step_ids,
    user,
)
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Live
from reconciler.planning import Action
from simulated_directory import SimulatedDirectory

ADA = live_user("u1", "ada@example.com")


def directory(*groups: Any, **capabilities: Any) -> Live:
    return live(ADA, *groups, nested_groups=True, **capabilities)


def refusal(*arguments: Any, **settings: Any) -> tuple[str, str]:
    with pytest.raises(DiagnosticsError) as refused:
        planned(*arguments, **settings)
    [diagnostic] = refused.value.diagnostics
    return diagnostic.code, diagnostic.message


class TestCycles:
    @pytest.mark.parametrize("native", [True, False])
    def test_groups_that_the_files_put_into_each_other_are_an_error(self, native: bool) -> None:
        listed = [group("a", [nested("b")]), group("b", [nested("c")]), group("c", [nested("a")])]
        code, message = refusal(listed, live(nested_groups=native))
        assert code == "group-cycle"
        assert any(way in message for way in ("a → b → c → a", "b → c → a → b", "c → a → b → c"))

    def test_a_group_in_itself_is_an_error(self) -> None:
        assert refusal([group("a", [nested("a")])], directory())[1].endswith("a → a")

    @pytest.mark.parametrize("listed_too", [True, False], ids=["its members are not stated", "no file lists it"])
    def test_what_the_directory_nests_counts_where_no_file_states_it(self, listed_too: bool) -> None:
        found = directory(live_group("g1", "a"), live_group("g2", "B", ["g1"]))
        listed = [group("a", [nested("b")]), *([group("b")] if listed_too else [])]
        assert refusal(listed, found, members_may_be_unlisted=True)[0] == "group-cycle"

    def test_members_out_of_scope_stay_and_count(self) -> None:
        found = directory(live_group("g1", "team-a", ["g2"]), live_group("g2", "x", ["g3"]), live_group("g3", "team-b"))
        listed = [group("team-a", []), group("team-b", [nested("team-a")])]
        assert refusal(listed, found, policy(scope_groups='displayName sw "team-"'))[0] == "group-cycle"

    def test_a_circle_that_is_there_already_and_not_ours_is_left_alone(self) -> None:
        found = directory(live_group("g1", "x", ["g2"]), live_group("g2", "y", ["g1"]), live_group("g3", "a"))
        assert step_ids(planned([group("a", [nested("b")]), group("b", [])], found)) == [
            "create group:b",
            "add_members group:a",
        ]

    def test_what_a_replaced_group_hands_on_counts(self) -> None:
        found = directory(live_group("g1", "old", ["g2"]), live_group("g2", "b"), group_rename=False)
        assert refusal([group("new", previously=("old",)), group("b", [nested("new")])], found)[0] == "group-cycle"

    @pytest.mark.parametrize(
        "groups",
        [
            (live_group("g1", "old", ["g1"]),),
            (live_group("g1", "old", ["g2"]), live_group("g2", "x", ["g1"])),
            (live_group("g1", "old", ["g2"]), live_group("g2", "x", ["g3"]), live_group("g3", "new")),
        ],
        ids=["itself", "in a circle", "around the new one"],
    )
    def test_a_circle_is_not_carried_over(self, groups: Any) -> None:
        made = planned([group("new", previously=("old",))], directory(*groups, group_rename=False))
        assert edges(made, Action.ADD_MEMBERS) == {}

    def test_groups_of_one_name_that_nobody_lists_are_not_taken_for_one(self) -> None:
        found = directory(live_group("g1", "x", ["g3"]), live_group("g2", "x"), live_group("g3", "a", ["g2"]))
        assert planned([group("a")], found).steps == ()


class TestOrder:
    """A group cannot be put into one that it holds: that waits until it does not hold it any more."""

    TURNED = (group("inner", [nested("outer"), "ada@example.com"]), group("outer", []))

    def turned(self, **capabilities: Any) -> Live:
        return directory(live_group("g1", "outer", ["g2"]), live_group("g2", "inner"), **capabilities)

    def test_turning_two_groups_round_takes_before_it_gives(self) -> None:
        made = planned([user("ada@example.com"), *self.TURNED], self.turned())
        assert step_ids(made) == [
            "add_members group:inner 1/2",
            "remove_members group:outer",
            "add_members group:inner 2/2",
        ]
        prompt, removal, late = made.steps
        assert [edge.name for edge in prompt.members] == ["ada@example.com"]
        assert [edge.name for edge in late.members] == ["outer"]
        assert late.needs == (removal.id,)
        assert [step.chunk for step in made.steps] == [1, 2, 3]

    def test_the_directory_is_never_in_a_circle_on_the_way(self) -> None:
        found = self.turned(max_members_per_patch=1)
        made = planned([user("ada@example.com"), *self.TURNED], found)
        after = SimulatedDirectory(found).apply(made)
        assert planned([user("ada@example.com"), *self.TURNED], after).steps == ()

    def test_a_way_back_over_other_groups_waits_too(self) -> None:
        found = directory(live_group("g1", "a", ["g2"]), live_group("g2", "b", ["g3"]), live_group("g3", "c"))
        made = planned([group("a", []), group("b", [nested("c")]), group("c", [nested("a")])], found)
        assert step_ids(made) == ["remove_members group:a", "add_members group:c"]
        assert made.steps[1].needs == ("remove_members group:a",)

    def test_a_new_group_between_waits_where_it_closes_the_way(self) -> None:
        found = directory(live_group("g1", "a", ["g2"]), live_group("g2", "b"))
        listed = [group("a", []), group("n", [nested("a")]), group("b", [nested("n")])]
        made = planned(listed, found)
        assert SimulatedDirectory(found).apply(made)
        assert step_ids(made)[0] == "create group:n"
        assert all("remove_members group:a" in step.needs for step in made.steps if step.action is Action.ADD_MEMBERS)

    def test_additions_that_close_no_circle_come_first_as_ever(self) -> None:
        found = directory(live_group("g1", "a", ["g3"]), live_group("g2", "b"), live_group("g3", "c"))
        made = planned([group("a", [nested("b")]), group("b", [nested("c")]), group("c", [])], found)
        assert step_ids(made) == ["add_members group:a", "add_members group:b", "remove_members group:a"]


def test_the_way_through_groups_is_shown_where_it_is_flattened() -> None:
    listed = [user("ada@example.com"), group("team-core", ["ada@example.com"]), group("all", [nested("team-core")])]
    made = planned(listed, live(ADA, live_group("g1", "all"), live_group("g2", "team-core", ["u1"])))
    assert edges(made, Action.ADD_MEMBERS) == {"all": {"ada@example.com": "nested"}}
    assert made.steps[0].members[0].via == ("team-core",)

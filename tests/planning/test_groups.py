"""What becomes of groups: created, updated, renamed, replaced, deleted, or left alone."""

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
    nested,
    notes,
    only_step,
    planned,
    policy,
    step_ids,
    user,
)
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.planning import Action, Reason
from simulated_directory import SimulatedDirectory

ADA, BOB = live_user("u1", "ada@example.com"), live_user("u2", "bob@example.com")
EVE = live_user("u9", "eve@example.org")
LISTED = (user("ada@example.com"), user("bob@example.com"))
OURS = policy(scope_users='userName ew "@example.com"')


def refusal(*arguments: Any, **settings: Any) -> tuple[str, ...]:
    """The codes of what planning refuses."""
    with pytest.raises(DiagnosticsError) as refused:
        planned(*arguments, **settings)
    return tuple(diagnostic.code for diagnostic in refused.value.diagnostics)


def test_a_new_group_is_created_empty_and_then_filled() -> None:
    made = planned([*LISTED, group("team", ["ada@example.com", "bob@example.com"])], [ADA, BOB])
    assert step_ids(made) == ["create group:team", "add_members group:team"]
    assert made.steps[1].needs == ("create group:team",)
    assert made.steps[1].resource_id is None


def test_a_group_is_renamed_where_the_directory_can() -> None:
    step = only_step(planned([group("new", previously=("old",))], [live_group("g1", "old", ["u1"])]))
    assert (step.action, step.reason, step.resource_id, step.name) == (Action.UPDATE, Reason.RENAMED, "g1", "old")


@pytest.mark.parametrize(("unlisted", "steps"), [(Unlisted.IGNORE, []), (Unlisted.DELETE, ["delete group:loose"])])
def test_the_policy_says_what_becomes_of_groups_that_no_file_lists(unlisted: Unlisted, steps: list[str]) -> None:
    found = [live_group("g1", "loose"), live_group("g2", "other"), live_group("g3", "loose-all")]
    rules = policy(groups=unlisted, scope_groups='displayName sw "loose"')
    made = planned([], live(*found, reserved_groups=("*-all",)), rules)
    assert step_ids(made) == steps
    assert len(notes(made)) == (3 if unlisted is Unlisted.IGNORE else 2)


def test_a_group_with_dates_is_an_error_and_not_ignored() -> None:
    assert refusal([group("team", [], until=PAST)], [live_group("g1", "team", ["u1"])]) == ("group-dates",)


class TestReplacement:
    """Where the directory cannot rename groups, a new one takes over and the old one goes."""

    def test_create_then_add_then_delete(self) -> None:
        found = live(ADA, live_group("g1", "old", ["u1"]), group_rename=False)
        made = planned([*LISTED[:1], group("new", ["ada@example.com"], previously=("old",))], found)
        assert step_ids(made) == ["create group:new", "add_members group:new", "delete group:old"]
        create, _, delete = made.steps
        assert (create.reason, create.replaces) == (Reason.REPLACED, "old")
        assert (delete.reason, delete.replaces, delete.origin) == (Reason.REPLACED, "new", "new:1")
        assert delete.needs == ("create group:new", "add_members group:new")
        assert any("Product access" in note for note in notes(made))

    def test_members_that_no_file_states_are_carried_over(self) -> None:
        found = live(ADA, EVE, live_group("g1", "old", ["u1", "u9"]), group_rename=False)
        made = planned([group("new", previously=("old",))], found, OURS)
        assert edges(made, Action.ADD_MEMBERS) == {
            "new": {"ada@example.com": "carried_over", "eve@example.org": "carried_over"}
        }

    def test_of_a_managed_membership_only_what_is_not_ours_is_carried_over(self) -> None:
        found = live(ADA, BOB, EVE, live_group("g1", "old", ["u1", "u9"]), group_rename=False)
        made = planned([*LISTED, group("new", ["bob@example.com"], previously=("old",))], found, OURS)
        assert edges(made, Action.ADD_MEMBERS) == {
            "new": {"bob@example.com": "listed", "eve@example.org": "carried_over"}
        }

    def test_nested_groups_are_carried_over_and_their_successors_follow(self) -> None:
        found = live(
            live_group("g1", "old", ["g2", "g3"]),
            live_group("g2", "inner"),
            live_group("g3", "inner-old"),
            group_rename=False,
            nested_groups=True,
        )
        made = planned([group("new", previously=("old",)), group("inner-new", previously=("inner-old",))], found)
        assert edges(made, Action.ADD_MEMBERS) == {"new": {"inner": "carried_over", "inner-new": "carried_over"}}

    def test_members_that_cannot_be_carried_over_are_told(self) -> None:
        found = live(live_group("g1", "old", ["ghost"]), group_rename=False)
        made = planned([group("new", previously=("old",))], found)
        assert "members-lost" in {note.code for note in made.notes}

    @pytest.mark.parametrize(
        ("members", "rules", "refused"),
        [(None, policy(), True), ([], OURS, True), ([], policy(), False)],
        ids=["unmanaged", "some are not ours", "all are ours and stated"],
    )
    def test_unknown_members_are_never_given_up(self, members: list[str] | None, rules: Any, refused: bool) -> None:
        found = live(live_group("g1", "old", None), group_rename=False)
        listed = [group("new", members, previously=("old",))]
        if refused:
            assert refusal(listed, found, rules) == ("members-unknown",)
        else:
            assert step_ids(planned(listed, found, rules)) == ["create group:new", "delete group:old"]

    def test_an_id_cannot_be_stated_because_it_goes_with_the_old_group(self) -> None:
        assert refusal([group("new", id="g1")], live(live_group("g1", "old"), group_rename=False)) == (
            "id-of-replaced",
        )

    @pytest.mark.parametrize("stated", [{"previously": ("old",)}, {"externalId": "7"}])
    def test_a_replacement_that_stopped_half_way_is_finished_and_not_begun_again(self, stated: dict[str, Any]) -> None:
        listed = [*LISTED, group("new", ["ada@example.com", "bob@example.com"], **stated)]
        found = live(
            ADA, BOB, live_group("g1", "old", ["u1", "u2"], externalId="7"), group_rename=False, max_members_per_patch=1
        )
        made = planned(listed, found)
        for stopped_after in range(len(made.steps)):
            half_way = SimulatedDirectory(found).apply(made, first=stopped_after)
            rest = planned(listed, half_way)
            assert step_ids(rest)[-1] == "delete group:old"
            assert len([step for step in rest.steps if step.action is Action.CREATE]) == (stopped_after == 0)
            assert step_ids(planned(listed, SimulatedDirectory(half_way).apply(rest))) == []

    def test_only_the_case_of_the_name_is_no_reason_to_replace(self) -> None:
        found = live(live_group("g1", "TEAM"), group_rename=False)
        assert step_ids(planned([group("team")], found)) == []

    def test_two_live_predecessors_are_an_error(self) -> None:
        found = live(live_group("g1", "old"), live_group("g2", "older"), group_rename=False)
        assert refusal([group("new", previously=("old", "older"))], found) == ("name-taken",)

    @pytest.mark.parametrize(("first", "second"), [("old", "older"), ("old", "OLD")])
    def test_nor_are_they_chosen_from_where_an_id_tells_which_group_the_successor_is(
        self, first: str, second: str
    ) -> None:
        found = live(live_group("g0", "new"), live_group("g1", first), live_group("g2", second), group_rename=False)
        assert refusal([group("new", id="g0", previously=("old", "older"))], found) == ("ambiguous",)

    def test_a_name_that_another_group_still_has_cannot_be_taken(self) -> None:
        found = live(live_group("g1", "a", externalId="1"), live_group("g2", "b", externalId="2"), group_rename=False)
        assert refusal([group("b", externalId="1"), group("c", externalId="2")], found) == ("name-held",)

    @pytest.mark.parametrize(
        ("rules", "reserved", "code"),
        [(policy(scope_groups='displayName sw "new"'), (), "out-of-scope"), (policy(), ("old",), "reserved")],
    )
    def test_an_old_group_that_is_not_ours_is_not_deleted(
        self, rules: Any, reserved: tuple[str, ...], code: str
    ) -> None:
        found = live(live_group("g1", "new"), live_group("g2", "old"), group_rename=False, reserved_groups=reserved)
        assert refusal([group("new", previously=("old",))], found, rules) == (code,)

    def test_a_predecessor_whose_name_is_listed_again_is_that_other_group(self) -> None:
        found = live(live_group("g1", "new"), live_group("g2", "old"), group_rename=False)
        assert step_ids(planned([group("new", previously=("old",)), group("old")], found)) == []

    def test_foreign_members_that_are_carried_over_do_not_enter_the_groups_around(self) -> None:
        found = live(EVE, live_group("g1", "old", ["u9"]), live_group("g2", "outer"), group_rename=False)
        listed = [group("outer", [nested("new")]), group("new", [], previously=("old",))]
        assert edges(planned(listed, found, OURS), Action.ADD_MEMBERS) == {"new": {"eve@example.org": "carried_over"}}


def test_a_group_is_not_deleted_once_somebody_joined_it() -> None:
    found = [ADA, live_group("g1", "loose", ["u1"]), live_group("g2", "holds-a-group", ["g1"])]
    made = planned([], found, policy(groups=Unlisted.DELETE))
    assert [step.precondition.paths for step in made.steps if step.precondition] == [
        ("displayName",),
        ("displayName", "members"),
    ]


def test_what_is_written_to_a_new_group_is_what_is_stated() -> None:
    assert changes(only_step(planned([group("team", externalId="7")]))) == {
        "displayName": (None, "team"),
        "externalId": (None, "7"),
    }

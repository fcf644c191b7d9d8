"""An undo returns what a run touched to what it was, where it still is as the run left it, and says what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from desired_and_live import (
    AS_OF,
    changes,
    desired,
    edges,
    group,
    live,
    live_group,
    live_user,
    nested,
    only_step,
    policy,
    step_ids,
    user,
)
from past_runs import past_run
from reconciler.capabilities import UserDelete
from reconciler.config import Guards, Limit, Policy, Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import NO_HISTORY, Desired, DesiredResource, History, Kind, Live, LiveResource, Observation
from reconciler.planning import Action, Plan, Reason, Step, plan
from reconciler.planning.undo import PastRun, plan_undo
from simulated_directory import SimulatedDirectory

DELETING = policy(Unlisted.DELETE, Unlisted.DELETE)
ADA = live_user("u1", "ada@example.com", title="Engineer")


class Story:
    """A run, and what may happen between it and its undo."""

    def __init__(
        self, listed: Iterable[DesiredResource], found: Live, rules: Policy | None = None, **past: Callable[[Step], str]
    ) -> None:
        self.desired: Desired = desired(*listed, rules=rules)
        self.before = found
        self.made = plan(self.desired, found, as_of=AS_OF)
        self.after = SimulatedDirectory(found).apply(self.made)
        self.past: PastRun = past_run(self.made, found, self.after, **past)

    def meanwhile(self, *resources: LiveResource) -> Story:
        """Put these in the place of the live resources of the same ids."""
        changed = {one.id: one for one in resources}
        users = [*(one for one in self.after.users if one.id not in changed)]
        groups = [*(one for one in self.after.groups if one.id not in changed)]
        rest = live(*users, *groups, *resources)
        self.after = replace(self.after, users=rest.users, groups=rest.groups)
        return self

    def undo(self, rules: Policy | None = None, history: History = NO_HISTORY) -> Plan:
        return plan_undo(self.past, self.desired, self.after, as_of=AS_OF, policy=rules, history=history)

    def of(self, name: str) -> str:
        """The id of what has this name after the run."""
        return next(one.id for one in (*self.after.users, *self.after.groups) if one.name == name)


def told(made: Plan, code: str) -> list[str]:
    return [note.message for note in made.notes if note.code == code]


def test_an_update_is_written_back_and_the_plan_names_the_run() -> None:
    undo = Story([user("ada@example.com", title="Boss")], live(ADA)).undo()
    step = only_step(undo)
    assert (step.action, step.reason, changes(step)) == (Action.UPDATE, Reason.UNDONE, {"title": ("Boss", "Engineer")})
    assert step.precondition is not None
    assert undo.undoes == "run-1"


def test_an_attribute_that_was_not_set_is_unset_again() -> None:
    story = Story([user("ada@example.com", nickName="A")], live(live_user("u1", "ada@example.com")))
    assert changes(only_step(story.undo())) == {"nickName": ("A", None)}


def test_only_the_attribute_that_somebody_changed_since_is_left_alone() -> None:
    story = Story([user("ada@example.com", title="Boss", nickName="A")], live(ADA))
    undo = story.meanwhile(live_user("u1", "ada@example.com", title="Intern", nickName="A")).undo()
    assert changes(only_step(undo)) == {"nickName": ("A", None)}
    assert told(undo, "not-as-left") == ['user:ada@example.com keeps title "Intern": the run left "Boss"']


def test_what_is_already_as_it_was_needs_nothing() -> None:
    undo = Story([user("ada@example.com", title="Boss")], live(ADA)).meanwhile(ADA).undo()
    assert undo.steps == ()
    assert undo.notes == ()


def test_what_the_directory_made_of_a_value_counts_as_left_by_the_run() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(ADA))
    story.meanwhile(live_user("u1", "ada@example.com", title="Boss."))
    seen = Observation(kind=Kind.USER, id="u1", path="title", wrote="Boss", stored="Boss.")
    assert changes(only_step(story.undo(history=History(observations=(seen,))))) == {"title": ("Boss.", "Engineer")}
    assert story.undo().steps == ()


def test_a_created_user_is_deleted_again() -> None:
    story = Story([user("ada@example.com", title="Boss")], live())
    assert step_ids(story.undo()) == ["delete user:ada@example.com"]


def test_a_created_user_whom_somebody_changed_stays() -> None:
    story = Story([user("ada@example.com", title="Boss")], live())
    story.meanwhile(live_user(story.of("ada@example.com"), "ada@example.com", title="Chair"))
    undo = story.undo()
    assert undo.steps == ()
    assert told(undo, "not-as-left") == [
        'user:ada@example.com stays: somebody has changed it since, title is "Chair"',
    ]


def test_the_deletion_of_a_created_user_tells_what_else_goes_with_it() -> None:
    story = Story([user("ada@example.com")], live(live_group("g1", "team-a")))
    undo = story.meanwhile(live_group("g1", "team-a", [story.of("ada@example.com")])).undo()
    assert step_ids(undo) == ["delete user:ada@example.com"]
    assert "1 membership that somebody else has given it, as in group:team-a" in told(undo, "not-as-left")[0]


def test_a_created_group_goes_with_the_members_that_the_run_gave_it() -> None:
    listed = [user("ada@example.com", title="Engineer"), group("team-a", ["ada@example.com"])]
    assert step_ids(Story(listed, live(ADA)).undo()) == ["delete group:team-a"]


def test_a_created_group_with_members_of_others_stays() -> None:
    listed = [user("ada@example.com", title="Engineer"), group("team-a", ["ada@example.com"])]
    bob = live_user("u2", "bob@example.com")
    story = Story(listed, live(ADA, bob))
    undo = story.meanwhile(live_group(story.of("team-a"), "team-a", ["u1", "u2"])).undo()
    assert undo.steps == ()
    assert told(undo, "not-as-left") == ["group:team-a stays: it has 1 member that the run did not give it"]


def test_a_deactivated_user_works_again_and_a_reactivated_one_does_not() -> None:
    off = Story([], live(ADA), policy(Unlisted.DEACTIVATE)).undo()
    assert (only_step(off).action, changes(only_step(off))) == (Action.REACTIVATE, {"active": (False, True)})
    inactive = live_user("u1", "ada@example.com", active=False)
    on = Story([user("ada@example.com", title="Boss")], live(inactive)).undo()
    assert step_ids(on) == ["update user:ada@example.com", "deactivate user:ada@example.com"]


def test_memberships_go_back_one_by_one() -> None:
    bob = live_user("u2", "bob@example.com")
    listed = [user("ada@example.com"), user("bob@example.com"), group("team-a", ["ada@example.com"])]
    undo = Story(listed, live(ADA, bob, live_group("g1", "team-a", ["u2"]))).undo()
    assert edges(undo, Action.ADD_MEMBERS) == {"team-a": {"bob@example.com": "undone"}}
    assert edges(undo, Action.REMOVE_MEMBERS) == {"team-a": {"ada@example.com": "undone"}}


def test_a_membership_that_somebody_took_back_already_needs_nothing() -> None:
    listed = [user("ada@example.com"), group("team-a", ["ada@example.com"])]
    story = Story(listed, live(ADA, live_group("g1", "team-a")))
    assert story.meanwhile(live_group("g1", "team-a")).undo().steps == ()


def test_a_member_who_is_gone_does_not_come_back() -> None:
    bob = live_user("u2", "bob@example.com")
    story = Story([user("ada@example.com"), group("team-a", [])], live(ADA, bob, live_group("g1", "team-a", ["u2"])))
    story.after = replace(story.after, users=(ADA,))
    undo = story.undo()
    assert undo.steps == ()
    assert told(undo, "cannot-undo") == [
        "user:bob@example.com does not come back into group:team-a: the directory does not have it any more"
    ]


def test_a_deleted_user_is_created_again_with_its_groups() -> None:
    found = live(ADA, live_group("g1", "team-a", ["u1"]))
    undo = Story([group("team-a")], found, DELETING).undo()
    assert step_ids(undo) == ["create user:ada@example.com", "add_members group:team-a"]
    assert changes(undo.steps[0]) == {
        "userName": (None, "ada@example.com"),
        "active": (None, True),
        "title": (None, "Engineer"),
    }
    assert undo.steps[1].members[0].id is None


def test_what_only_the_server_fills_in_is_not_written() -> None:
    story = Story([], live(ADA), DELETING)
    recorded = {
        "id": "u1",
        "meta": {"version": "1"},
        "userName": "ada@example.com",
        "groups": [],
        "emails": [{"value": "ada@example.com"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "manager": {"value": "u9", "displayName": "Grace"},
            "department": "Platform",
        },
    }
    undo = _with_before(story, recorded).undo()
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert set(changes(only_step(undo))) == {
        "userName",
        "emails",
        f"{enterprise}:manager.value",
        f"{enterprise}:department",
    }


def test_a_deleted_user_whose_groups_nobody_recorded_comes_back_without_them_and_that_is_said() -> None:
    undo = _with_before(Story([], live(ADA), DELETING), {"userName": "ada@example.com"}).undo()
    assert step_ids(undo) == ["create user:ada@example.com"]
    assert "comes back without the groups that it was in" in told(undo, "cannot-undo")[0]


def _with_before(story: Story, before: Mapping[str, Any] | None) -> Story:
    [one] = story.past.steps
    story.past = replace(story.past, steps=(replace(one, before=before),))
    return story


def test_a_deletion_of_which_nothing_is_recorded_cannot_be_undone() -> None:
    undo = _with_before(Story([], live(ADA), DELETING), None).undo()
    assert undo.steps == ()
    assert told(undo, "cannot-undo") == ["user:ada@example.com stays deleted: what it was is not recorded"]


def test_an_irreversible_deletion_cannot_be_undone() -> None:
    undo = Story([], live(ADA, user_delete=UserDelete.IRREVERSIBLE), DELETING).undo()
    assert undo.steps == ()
    assert "does not let the same person be provisioned again" in told(undo, "cannot-undo")[0]


def test_where_deletions_are_irreversible_a_created_user_is_deactivated_instead() -> None:
    undo = Story([user("ada@example.com")], live(user_delete=UserDelete.IRREVERSIBLE)).undo()
    assert step_ids(undo) == ["deactivate user:ada@example.com"]
    assert "is deactivated and not deleted" in told(undo, "cannot-undo")[0]


def test_a_user_whom_the_directory_kept_as_inactive_is_reactivated() -> None:
    story = Story([], live(ADA, user_delete=UserDelete.SOFT), DELETING)
    undo = story.meanwhile(live_user("u1", "ada@example.com", active=False, title="Engineer")).undo()
    assert step_ids(undo) == ["reactivate user:ada@example.com"]


def test_somebody_who_was_made_again_by_hand_is_left_alone() -> None:
    story = Story([], live(ADA), DELETING)
    undo = story.meanwhile(live_user("u7", "ada@example.com", title="Boss")).undo()
    assert undo.steps == ()
    assert "is in the directory again, with another title" in told(undo, "not-as-left")[0]


def test_a_deleted_group_comes_back_with_its_members() -> None:
    undo = Story([user("ada@example.com")], live(ADA, live_group("g1", "team-a", ["u1"])), DELETING).undo()
    assert step_ids(undo) == ["create group:team-a", "add_members group:team-a"]
    assert undo.steps[1].needs == ("create group:team-a",)


def test_a_replaced_group_is_back_with_its_members_before_its_successor_goes() -> None:
    listed = [user("ada@example.com"), group("team-b", ["ada@example.com"], previously=("team-a",))]
    undo = Story(listed, live(ADA, live_group("g1", "team-a", ["u1"]), group_rename=False)).undo()
    assert step_ids(undo) == ["create group:team-a", "add_members group:team-a", "delete group:team-b"]
    assert set(undo.steps[2].needs) == {"create group:team-a", "add_members group:team-a"}


def test_a_successor_stays_where_the_group_that_it_replaced_cannot_come_back() -> None:
    listed = [user("ada@example.com"), group("team-b", ["ada@example.com"], previously=("team-a",))]
    story = Story(listed, live(ADA, live_group("g1", "team-a", ["u1"]), group_rename=False))
    story.past = replace(story.past, steps=tuple(replace(one, before=None) for one in story.past.steps))
    undo = story.undo()
    assert undo.steps == ()
    assert any("the group 'team-a' that it replaced cannot be made again" in one for one in told(undo, "cannot-undo"))


def test_a_name_is_given_back_after_the_one_who_has_it_now_is_gone() -> None:
    listed = [user("grace@example.com", id="u1", title="Engineer"), user("ada@example.com", title="New")]
    undo = Story(listed, live(ADA)).undo()
    assert step_ids(undo) == ["delete user:ada@example.com", "update user:grace@example.com"]
    assert undo.steps[1].needs == ("delete user:ada@example.com",)


def test_a_name_that_somebody_else_has_now_is_not_taken_away() -> None:
    story = Story([user("grace@example.com", id="u1", title="Boss")], live(ADA))
    undo = story.meanwhile(live_user("u9", "ada@example.com")).undo()
    assert changes(only_step(undo)) == {"title": ("Boss", "Engineer")}
    assert told(undo, "cannot-undo") == [
        "user:grace@example.com keeps its name: its old one is that of user:ada@example.com"
    ]


def test_groups_change_places_in_each_other_only_one_after_the_other() -> None:
    listed = [group("team-a", [nested("team-b")]), group("team-b", [])]
    found = live(live_group("g1", "team-a"), live_group("g2", "team-b", ["g1"]), nested_groups=True)
    undo = Story(listed, found).undo()
    assert step_ids(undo) == ["remove_members group:team-a", "add_members group:team-b"]
    assert undo.steps[1].needs == ("remove_members group:team-a",)


@pytest.mark.parametrize("status", ["failed", "stale", "skipped", "not_tried"])
def test_steps_that_were_not_applied_are_not_undone(status: str) -> None:
    story = Story([user("ada@example.com", title="Boss")], live(ADA), status=lambda _: status)
    assert story.undo().steps == ()


def test_a_step_that_found_everything_done_is_not_undone() -> None:
    story = Story(
        [user("ada@example.com"), group("team-a", ["ada@example.com"])], live(ADA, live_group("g1", "team-a"))
    )
    story.past = replace(story.past, steps=tuple(replace(one, requests=0) for one in story.past.steps))
    assert story.undo().steps == ()


def test_a_creation_of_unknown_outcome_is_looked_for_in_the_directory() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(), status=lambda _: "trying")
    [one] = story.past.steps
    story.past = replace(story.past, steps=(replace(one, resource_id=None),))
    assert step_ids(story.undo()) == ["delete user:ada@example.com"]
    story.after = live()
    assert story.undo().steps == ()


def test_a_creation_of_unknown_outcome_is_not_taken_for_an_account_that_somebody_has_linked_to_another_system() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(), status=lambda _: "trying")
    [one] = story.past.steps
    story.past = replace(story.past, steps=(replace(one, resource_id=None),))
    story.after = live(live_user("u9", "ada@example.com", title="Boss", externalId="77"))
    undo = story.undo()
    assert undo.steps == ()
    assert told(undo, "not-as-left") == [
        "user:ada@example.com stays: it is not known whether the run made it, and its externalId is not of the run"
    ]


def test_what_a_failed_batch_may_have_changed_is_told() -> None:
    bob = live_user("u2", "bob@example.com")
    listed = [user("ada@example.com"), user("bob@example.com"), group("team-a", ["ada@example.com", "bob@example.com"])]
    story = Story(listed, live(ADA, bob, live_group("g1", "team-a")), status=lambda _: "failed")
    story.past = replace(story.past, steps=tuple(replace(one, requests=1) for one in story.past.steps))
    assert told(story.meanwhile(live_group("g1", "team-a", [])).undo(), "cannot-undo") == []
    undo = story.meanwhile(live_group("g1", "team-a", ["u2"])).undo()
    assert undo.steps == ()
    assert told(undo, "cannot-undo") == [
        "1 of 2 memberships of group:team-a that the run was to add are there, and stay so: that step failed, and it "
        "is not known which of them it had changed before"
    ]


def test_guards_judge_an_undo_like_any_other_plan() -> None:
    story = Story([user("ada@example.com")], live())
    refusing = story.undo(policy(guards=Guards(users_delete=Limit(count=0))))
    assert [verdict.guard for verdict in refusing.refusals] == ["users.delete"]


def test_what_the_files_protect_is_protected_although_it_can_no_longer_be_told_from_another() -> None:
    story = Story([group("team-a", [], protected=True)], live(unique_keys=()))
    story.meanwhile(live_group("g9", "team-a"))
    assert [verdict.guard for verdict in story.undo().refusals] == ["protected"]


def test_an_undo_with_nothing_to_do_does_not_say_that_the_directory_is_as_it_should_be() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(ADA)).meanwhile(
        live_user("u1", "ada@example.com", title="Chief")
    )
    undo = story.undo()
    assert (undo.steps, len(told(undo, "not-as-left"))) == ((), 1)
    assert str(undo.summary).startswith("Plan: 0 to create, 0 to update")


def test_an_undo_of_a_removal_is_told_how_many_members_must_stay() -> None:
    bob = live_user("u2", "bob@example.com")
    listed = [user("ada@example.com"), user("bob@example.com")]
    team = group("team-a", ["ada@example.com", "bob@example.com"], min_members=1)
    undo = Story([*listed, team], live(ADA, bob, live_group("g1", "team-a", ["u1"]))).undo()
    assert only_step(undo).min_members == 1


def test_files_that_state_it_still_are_told_of() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(ADA))
    assert len(told(story.undo(), "files-unchanged")) == 1
    story.desired = replace(story.desired, digest="sha256:reverted")
    assert told(story.undo(), "files-unchanged") == []


def test_a_resource_that_left_the_scope_is_left_alone() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(ADA))
    undo = story.undo(policy(scope_users='userName ew "@example.org"'))
    assert undo.steps == ()
    assert told(undo, "not-as-left") == ["user:ada@example.com is left alone: it is outside scope.users now"]


def test_a_run_on_another_directory_is_refused() -> None:
    story = Story([user("ada@example.com", title="Boss")], live(ADA))
    there = msgspec.structs.replace(story.made.directory, base_url="https://other.example.com")
    story.past = replace(story.past, plan=msgspec.structs.replace(story.made, directory=there))
    with pytest.raises(DiagnosticsError, match=r"https://other\.example\.com"):
        story.undo()


def test_only_so_many_things_are_told_by_name() -> None:
    users = [live_user(f"u{number}", f"u{number}@example.com", title="a") for number in range(30)]
    story = Story([user(one.name, title="b") for one in users], live(*users))
    undo = story.meanwhile(*(live_user(one.id, one.name, title="c") for one in users)).undo()
    messages = told(undo, "not-as-left")
    assert len(messages) == 21
    assert messages[-1] == "10 more like these are not named"


def test_a_part_of_a_run_can_be_undone() -> None:
    bob = live_user("u2", "bob@example.com", title="a")
    story = Story([user("ada@example.com", title="b"), user("bob@example.com", title="b")], live(ADA, bob))
    assert step_ids(story.undo(policy(only=("user:bob@example.com",)))) == ["update user:bob@example.com"]

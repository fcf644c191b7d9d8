"""Directories that keep a deleted user, as an inactive one: not deleted again on every run."""

from __future__ import annotations

import pytest

from desired_and_live import live, live_user, planned, policy, step_ids, warnings
from reconciler.capabilities import UserDelete
from reconciler.config import Unlisted
from reconciler.model import Kind, Observation

DELETE = policy(Unlisted.DELETE)
OFF, ON = live_user("u1", "ada@example.com", active=False), live_user("u2", "bob@example.com")
STAYED = Observation(kind=Kind.USER, id="u1", path="", wrote=None, stored=None)


def test_where_deletion_is_soft_who_is_inactive_is_as_good_as_deleted() -> None:
    made = planned([], live(OFF, ON, user_delete=UserDelete.SOFT), DELETE)
    assert step_ids(made) == ["delete user:bob@example.com"]
    [note] = [note for note in made.notes if note.code == "deleted-and-kept"]
    assert note.severity == "note"


@pytest.mark.parametrize("deletion", [way for way in UserDelete if way is not UserDelete.SOFT])
def test_elsewhere_the_inactive_are_deleted_too(deletion: UserDelete) -> None:
    made = planned([], live(OFF, ON, user_delete=deletion), DELETE)
    assert step_ids(made) == ["delete user:ada@example.com", "delete user:bob@example.com"]


def test_who_stayed_after_a_deletion_is_not_deleted_again_and_it_is_told_what_to_state() -> None:
    made = planned([], live(OFF), DELETE, observations=[STAYED])
    assert made.steps == ()
    assert "State `user_delete: soft`" in warnings(made)["deleted-and-kept"][0]


def test_who_stayed_and_works_again_is_deleted_again() -> None:
    back = live_user("u1", "ada@example.com")
    assert step_ids(planned([], live(back), DELETE, observations=[STAYED])) == ["delete user:ada@example.com"]

"""Groups that name nobody by id are not taken at their word."""

from __future__ import annotations

import pytest

from reconciler.capabilities import MembersRead
from reconciler.model import LiveGroup, LiveUser
from reconciler.reading.anonymous import another_way


def user(*, groups: bool) -> LiveUser:
    told = {"groups": [{"value": "g"}]} if groups else {}
    return LiveUser(id="1", attributes={"id": "1", "userName": "ada@example.com", **told})


def group(*members: str, unknown: bool = False) -> LiveGroup:
    attributes = {"id": "g", "displayName": "team"}
    return LiveGroup(id="g", attributes=attributes, members=None if unknown else members)


@pytest.mark.parametrize(
    "found",
    [group("1"), group(), group("1", "Ada@example.com"), group("somebody-who-was-deleted"), group("g")],
    ids=["by id", "empty", "some by id", "strangers only", "a group by id"],
)
def test_members_that_are_known_or_strangers_are_taken_as_they_are(found: LiveGroup) -> None:
    assert another_way([found], [user(groups=True)]) is None


@pytest.mark.parametrize("found", [group("Ada@example.com"), group(unknown=True)], ids=["by userName", "by no id"])
@pytest.mark.parametrize(("groups", "way"), [(True, MembersRead.USER_GROUPS), (False, MembersRead.NONE)])
def test_users_are_asked_where_they_tell_and_nobody_where_they_do_not(
    found: LiveGroup, groups: bool, way: MembersRead
) -> None:
    other = another_way([found], [user(groups=groups)])
    assert other is not None
    assert other[0] is way
    assert other[1].code == "anonymous-members"

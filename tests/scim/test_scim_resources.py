"""From what servers send to live users and groups: unknown is never empty."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import LiveGroup, LiveUser
from reconciler.scim.errors import MalformedAnswer
from reconciler.scim.resources import ResourceReader


def group(row: dict[str, Any], *, members_returned: bool = True) -> LiveGroup:
    return ResourceReader().group(row, members_returned=members_returned)


def test_a_user_is_kept_without_schemas_and_meta_but_with_its_version() -> None:
    row = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "1",
        "userName": "ada@example.com",
        "active": "False",
        "emails": [{"value": "ada@example.com", "type": "work"}],
        "meta": {"version": 'W/"7"', "location": "https://example.com/Users/1"},
    }

    user = ResourceReader().user(row)

    assert user == LiveUser(
        id="1",
        attributes={
            "id": "1",
            "userName": "ada@example.com",
            "active": "False",
            "emails": [{"value": "ada@example.com", "type": "work"}],
        },
        version='W/"7"',
    )
    assert not user.active


def test_the_names_that_others_look_up_are_spelled_as_the_rfc_does() -> None:
    row = {"ID": 7, "USERNAME": "ada", "externalid": "1001", "Meta": {"VERSION": "1"}, "SCHEMAS": [], "nickname": "A"}

    user = ResourceReader().user(row)

    assert user.attributes == {"id": "7", "userName": "ada", "externalId": "1001", "nickname": "A"}
    assert (user.id, user.name, user.external_id, user.version) == ("7", "ada", "1001", "1")


def test_reading_changes_nothing_in_what_was_sent() -> None:
    row = {"id": "1", "Members": [{"value": "2"}], "meta": {}}

    group(row)

    assert row == {"id": "1", "Members": [{"value": "2"}], "meta": {}}


@pytest.mark.parametrize(
    ("row", "members"),
    [
        pytest.param({"members": [{"value": "a"}, {"value": "b"}]}, ("a", "b"), id="by value"),
        pytest.param({"Members": [{"Value": "a"}]}, ("a",), id="in another case"),
        pytest.param({"members": [{"value": "a"}, {"value": "a"}]}, ("a",), id="sent twice"),
        pytest.param({"members": ["a", "b"]}, ("a", "b"), id="plain ids"),
        pytest.param({"members": [7, {"value": 8}]}, ("7", "8"), id="numbers"),
        pytest.param({"members": {"value": "a"}}, ("a",), id="one object in place of a list"),
        pytest.param({"members": [{"$ref": "https://example.com/Users/a%20b"}]}, ("a b",), id="by reference"),
        pytest.param({"members": []}, (), id="empty"),
        pytest.param({"members": None}, (), id="null"),
        pytest.param({}, (), id="left out"),
        pytest.param({"members": [{"value": "a"}, {"display": "Bob"}]}, None, id="one that tells no id"),
        pytest.param({"members": [{"value": ""}]}, None, id="an empty id"),
        pytest.param({"members": [None]}, None, id="null as a member"),
        pytest.param({"members": "a,b"}, None, id="no list at all"),
    ],
)
def test_the_members_of_a_group_are_ids_or_unknown(row: dict[str, Any], members: tuple[str, ...] | None) -> None:
    read = group({"id": "1", "displayName": "team", **row})

    assert read.members == members
    assert read.attributes == {"id": "1", "displayName": "team"}


@pytest.mark.parametrize("row", [{}, {"members": []}, {"members": [{"value": "a"}]}])
def test_members_are_unknown_where_the_server_is_known_not_to_tell(row: dict[str, Any]) -> None:
    read = group({"id": "1", **row}, members_returned=False)

    assert read.members is None
    assert "members" not in read.attributes


def test_strings_that_resources_share_are_held_once() -> None:
    reader = ResourceReader()
    user = reader.user({"id": "".join(["user", "-1"]), "title": "".join(["Engi", "neer"])})
    other = reader.user({"id": "2", "title": "".join(["Eng", "ineer"])})
    team = reader.group({"id": "3", "members": [{"value": "".join(["user-", "1"])}]}, members_returned=True)

    assert user.attributes["title"] is other.attributes["title"]
    assert team.members is not None
    assert team.members[0] is user.id


def test_a_resource_that_nests_without_end_is_malformed_and_no_crash() -> None:
    value: object = "x"
    for _ in range(100):
        value = [{"a": value}]

    with pytest.raises(MalformedAnswer, match="more than 32 levels deep"):
        ResourceReader().user({"id": "1", "x": value})

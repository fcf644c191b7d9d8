"""What an import states of a directory, and what it reports instead of stating it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from live_states import ACME_URN, group, in_other_order, live_state, user
from reconciler.attributes import ENTERPRISE_USER, Schemas, rfc7643_documents
from reconciler.capabilities import Capabilities
from reconciler.config import Policy, Unlisted
from reconciler.importing import LeftOut
from reconciler.importing.documents import Documents, documents
from reconciler.model import LiveUser


def only_user(**attributes: Any) -> dict[str, Any]:
    """What is stated of one live user beside its name."""
    (stated,) = documents(live_state(user("u1", **attributes))).users
    return {key: value for key, value in stated.items() if key != "userName"}


def reasons(found: Documents) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(entry.code, entry.what): entry.addresses for entry in found.left_out}


@pytest.mark.parametrize(
    ("live", "stated"),
    [
        ({"title": "Engineer"}, {"title": "Engineer"}),
        ({"title": None, "nickName": "", "roles": [], "name": {"givenName": ""}}, {}),
        ({"active": True}, {}),
        ({"active": False}, {"active": False}),
        ({"active": "False"}, {"active": False}),
        ({ENTERPRISE_USER: "not an object", ACME_URN: ["neither"]}, {}),
        ({"password": "secret", "groups": [{"value": "g1"}]}, {}),
        (
            {"name": {"familyName": "Example", "givenName": "Ada", "formatted": ""}},
            {"name": {"familyName": "Example", "givenName": "Ada"}},
        ),
        ({"TITLE": "Engineer"}, {"title": "Engineer"}),
        ({"externalId": 1001}, {"externalId": "1001"}),
        ({ENTERPRISE_USER: {"department": "Platform"}}, {"department": "Platform"}),
        ({ENTERPRISE_USER: {"manager": {"value": "u2", "displayName": "Grace"}}}, {"manager": {"value": "u2"}}),
        ({"department": "Platform", ENTERPRISE_USER: {"department": "Platform"}}, {"department": "Platform"}),
        ({ACME_URN: {"badge": 7, "gone": None}}, {ACME_URN: {"badge": 7}}),
        (
            {ACME_URN: {"mail": [{"host": "a", "password": "secret"}], "password": "secret"}},
            {ACME_URN: {"mail": [{"host": "a"}]}},
        ),
    ],
)
def test_only_what_carries_information_is_stated(live: dict[str, Any], stated: dict[str, Any]) -> None:
    assert only_user(**live) == stated


@pytest.mark.parametrize(
    ("live", "stated"),
    [
        ([{"value": "a@example.com", "type": "work", "primary": True}], ["a@example.com"]),
        ([{"value": "a@example.com", "type": "work", "primary": "true", "display": ""}], ["a@example.com"]),
        ([{"value": "a@example.com", "primary": True}], [{"value": "a@example.com", "primary": True}]),
        (
            [{"value": "a@example.com", "type": "home", "primary": True}],
            [{"value": "a@example.com", "type": "home", "primary": True}],
        ),
        (
            [{"value": "b@example.com"}, {"value": "a@example.com", "type": "work", "primary": True}],
            [{"value": "a@example.com", "type": "work", "primary": True}, {"value": "b@example.com"}],
        ),
    ],
)
def test_the_short_form_of_an_address_is_used_only_where_it_says_the_same(live: list[Any], stated: list[Any]) -> None:
    assert only_user(emails=live) == {"emails": stated}


@pytest.mark.parametrize(
    ("live", "left_out"),
    [
        ({"favourite": "tea"}, "favourite"),
        ({"name": {"givenName": "Ada", "nobility": "Countess"}}, "name.nobility"),
        ({"department": "Platform"}, "department"),
        ({"emails": [{"value": "not an address"}]}, "emails"),
        ({"emails": [{"value": "a@example.com"}, {"value": "b@example.com"}]}, "emails"),
        ({"emails": ["a@example.com"]}, "emails"),
        ({"phoneNumbers": [{"type": "work"}]}, "phoneNumbers"),
        ({"externalId": " 1001"}, "externalId"),
        ({"roles": [{"value": "admin"}, None]}, "roles"),
        ({"title": {"en": "Engineer"}}, "title.en"),
        ({"nickName": "Ada", "NICKNAME": "Countess"}, "NICKNAME"),
        ({ENTERPRISE_USER: {"shoeSize": "38"}}, f"{ENTERPRISE_USER}:shoeSize"),
    ],
)
def test_what_a_file_cannot_state_is_left_out_and_reported(live: dict[str, Any], left_out: str) -> None:
    found = documents(live_state(user("u1", **live)))
    assert len(found.users) == 1
    assert left_out not in found.users[0]
    assert [(entry.what, entry.addresses) for entry in found.left_out] == [(left_out, ("user:u1@example.com",))]


def test_what_the_directory_calls_read_only_is_not_stated() -> None:
    schema = rfc7643_documents()["urn:ietf:params:scim:schemas:core:2.0:User"]
    attributes = [
        {**attribute, "mutability": "readOnly"} if attribute["name"] == "title" else attribute
        for attribute in schema["attributes"]
    ]
    schemas = Schemas.parse([{**schema, "attributes": attributes}])
    found = documents(live_state(user("u1", title="Engineer", nickName="Ada"), schemas=schemas))
    assert found.users == ({"userName": "u1@example.com", "nickName": "Ada"},)
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [("ada@example.com", "ADA@example.com"), ("straße", "STRASSE"), ("é", "e\u0301"), ("ada", "ada")],
)
def test_names_that_are_one_name_are_both_left_out(first: str, second: str) -> None:
    users = [user("u1", userName=first), user("u2", userName=second), user("u3")]
    found = documents(live_state(*users, group("g1", displayName=first), group("g2", displayName=second)))
    assert [stated["userName"] for stated in found.users] == ["u3@example.com"]
    assert found.groups == ()
    both = {
        ("duplicate-name", kind): tuple(sorted({f"{kind}:{first}", f"{kind}:{second}"})) for kind in ("user", "group")
    }
    assert reasons(found) == both


@pytest.mark.parametrize("name", [None, "", 7, " ada", "a\u202eb", "x" * 256])
def test_a_user_that_no_file_can_name_is_left_out_and_reported(name: Any) -> None:
    found = documents(live_state(user("u1", userName=name)))
    assert found.users == ()
    assert [entry.what for entry in found.left_out] == ["user"]


def test_an_external_id_that_two_users_share_identifies_neither() -> None:
    found = documents(live_state(user("u1", externalId="7"), user("u2", externalId="7"), user("u3", externalId="8")))
    assert [stated.get("externalId") for stated in found.users] == [None, None, "8"]
    assert reasons(found) == {("duplicate-external-id", "externalId"): ("user:u1@example.com", "user:u2@example.com")}


def test_members_are_named_and_sorted() -> None:
    found = documents(live_state(user("u2"), user("u1"), group("g1", "u2", "u1", "u2"), group("g2")))
    assert found.groups == (
        {"displayName": "g1", "members": ["u1@example.com", "u2@example.com"]},
        {"displayName": "g2", "members": []},
    )
    assert found.memberships == 2


def test_members_that_are_no_users_are_left_out_and_counted() -> None:
    found = documents(live_state(user("u1"), group("g1", "u1", "g2", "gone", "gone too"), group("g2")))
    assert found.groups[0]["members"] == ["u1@example.com"]
    assert {entry.code: entry.count for entry in found.left_out} == {"nested-group": 1, "unknown-member": 2}


def test_groups_are_members_where_the_directory_nests_them() -> None:
    live = live_state(user("u1"), group("g1", "g2", "u1"), group("g2"), capabilities=Capabilities(nested_groups=True))
    found = documents(live)
    assert found.groups[0]["members"] == ["u1@example.com", {"group": "g2"}]
    assert found.left_out == ()


def test_groups_that_hold_each_other_are_taken_apart() -> None:
    nested = Capabilities(nested_groups=True)
    found = documents(
        live_state(group("g1", "g2"), group("g2", "g3"), group("g3", "g1"), group("g4", "g4"), capabilities=nested)
    )
    assert found.groups == (
        {"displayName": "g1"},
        {"displayName": "g2", "members": [{"group": "g3"}]},
        {"displayName": "g3", "members": [{"group": "g1"}]},
        {"displayName": "g4"},
    )
    assert [(entry.code, entry.addresses) for entry in found.left_out] == [
        ("members-unmanaged", ("group:g1", "group:g4"))
    ]


def test_a_group_with_a_member_that_cannot_be_listed_keeps_its_members_unmanaged() -> None:
    found = documents(live_state(user("u1"), user("u2", userName=None), group("g1", "u1", "u2")))
    assert found.groups == ({"displayName": "g1"},)
    assert reasons(found)[("members-unmanaged", "members")] == ("group:g1",)


def test_unknown_membership_is_not_stated_as_empty() -> None:
    found = documents(live_state(replace(group("g1"), members=None)))
    assert found.groups == ({"displayName": "g1"},)
    assert reasons(found) == {("members-unmanaged", "members"): ("group:g1",)}


def test_groups_that_the_directory_keeps_itself_are_left_out() -> None:
    reserved = Capabilities(reserved_groups=("all members*",))
    found = documents(live_state(group("g1", displayName="All Members for 7"), group("g2"), capabilities=reserved))
    assert [stated["displayName"] for stated in found.groups] == ["g2"]
    assert reasons(found) == {("reserved", "group"): ("group:All Members for 7",)}


def test_resources_outside_the_scope_are_left_out_and_their_memberships_left_alone() -> None:
    policy = Policy(
        unlisted_users=Unlisted.DEACTIVATE,
        unlisted_groups=Unlisted.DELETE,
        scope_users='userName ew "@example.com"',
        scope_groups='displayName sw "team"',
    )
    live = live_state(user("u1"), user("u2", userName="x@example.org"), group("team", "u1", "u2"), group("other"))
    found = documents(live, policy)
    assert found.groups == ({"displayName": "team", "members": ["u1@example.com"]},)
    assert reasons(found) == {
        ("out-of-scope", "user"): ("user:x@example.org",),
        ("out-of-scope", "group"): ("group:other",),
        ("out-of-scope", "memberships"): ("group:team",),
    }


def test_nested_groups_outside_the_scope_are_left_alone() -> None:
    policy = Policy(
        unlisted_users=Unlisted.IGNORE, unlisted_groups=Unlisted.IGNORE, scope_groups='displayName sw "team"'
    )
    live = live_state(group("team", "other"), group("other"), capabilities=Capabilities(nested_groups=True))
    found = documents(live, policy)
    assert found.groups == ({"displayName": "team", "members": []},)
    assert reasons(found)[("out-of-scope", "memberships")] == ("group:team",)


def test_the_order_in_which_a_server_lists_things_does_not_matter() -> None:
    emails = [{"value": "b@example.com"}, {"value": "a@example.com", "primary": True}]
    live = live_state(user("u1", emails=emails, title="x"), user("u2"), group("g1", "u1", "u2"), group("g2"))
    users = tuple(
        LiveUser(id=each.id, attributes=dict(reversed(each.attributes.items()))) for each in reversed(live.users)
    )
    assert documents(replace(in_other_order(live), users=users)) == documents(live)


def test_what_was_left_out_is_told_in_one_line_and_in_full_as_json() -> None:
    entry = LeftOut(
        code="unstatable", what="shoeSize", why="no file can state it", addresses=("a", "b", "c", "d"), count=4
    )
    assert str(entry) == "shoeSize: no file can state it (a, b, c and 1 more)"
    assert entry.as_json()["addresses"] == ["a", "b", "c", "d"]

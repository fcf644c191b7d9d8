"""Which attributes differ, and what would be written: managed ones only, equal as the directory's schemas say."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import changes, group, live, live_group, live_user, notes, only_step, planned, step_ids, user
from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, Schemas, rfc7643_documents
from reconciler.planning import Plan
from reconciler.planning.changes import same

WORK = {"value": "ada@example.com", "type": "work", "primary": True}
HOME = {"value": "home@example.com", "type": "home"}


def updated(stated: dict[str, Any], found: dict[str, Any], **settings: Any) -> Plan:
    """The plan for one user with these stated and these live attributes."""
    return planned([user("ada@example.com", **stated)], live(live_user("u1", "ada@example.com", **found), **settings))


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ({}, {"title": "x", "emails": [WORK]}),
        ({"title": None}, {}),
        ({"title": None}, {"title": None}),
        ({"emails": []}, {}),
        ({"emails": None}, {"emails": []}),
        ({"name": None}, {"name": {}}),
        ({"name": {"givenName": "Ada"}}, {"name": {"givenName": "Ada", "familyName": "Other", "formatted": "x"}}),
        ({"name": {}}, {"name": {"givenName": "Ada"}}),
        ({"title": "x"}, {"Title": "x"}),
        ({"emails": [WORK, HOME]}, {"emails": [HOME, WORK]}),
        ({"emails": [{"value": "ada@example.com"}]}, {"emails": [{**WORK, "display": "Ada"}]}),
        ({"emails": [{"value": "ADA@example.com", "primary": True}]}, {"emails": [WORK]}),
        ({"emails": [{**HOME, "primary": False}]}, {"emails": [HOME]}),
        ({"emails": [HOME, HOME]}, {"emails": [HOME]}),
        ({ENTERPRISE_USER: {"department": "IT"}}, {ENTERPRISE_USER.upper(): {"Department": "it", "division": "x"}}),
        ({ENTERPRISE_USER: None}, {}),
        ({ENTERPRISE_USER: {"manager": {"value": "1"}}}, {ENTERPRISE_USER: {"manager": {"value": "1", "$ref": "x"}}}),
        ({CORE_USER: {"title": "x"}}, {"title": "x"}),
    ],
)
def test_what_is_not_stated_or_is_equal_for_scim_is_no_change(stated: dict[str, Any], found: dict[str, Any]) -> None:
    assert step_ids(updated(stated, found)) == []


@pytest.mark.parametrize(
    ("stated", "found", "difference"),
    [
        ({"title": "new"}, {"title": "old"}, {"title": ("old", "new")}),
        ({"title": "new"}, {}, {"title": (None, "new")}),
        ({"title": None}, {"title": "old"}, {"title": ("old", None)}),
        ({"title": ""}, {"title": "old"}, {"title": ("old", "")}),
        ({"emails": []}, {"emails": [WORK]}, {"emails": ([WORK], None)}),
        ({"emails": None}, {"emails": [WORK]}, {"emails": ([WORK], None)}),
        ({"name": None}, {"name": {"givenName": "Ada"}}, {"name": ({"givenName": "Ada"}, None)}),
        (
            {"name": {"givenName": None}},
            {"name": {"givenName": "A", "familyName": "B"}},
            {"name.givenName": ("A", None)},
        ),
        ({"emails": [{**HOME, "type": None}]}, {"emails": [HOME]}, {"emails": ([HOME], [{**HOME, "type": None}])}),
        (
            {ENTERPRISE_USER: {"department": "IT", "manager": {"value": "2"}}},
            {ENTERPRISE_USER: {"department": "HR", "manager": {"value": "1"}}},
            {
                f"{ENTERPRISE_USER}:department": ("HR", "IT"),
                f"{ENTERPRISE_USER}:manager.value": ("1", "2"),
            },
        ),
        (
            {ENTERPRISE_USER: None},
            {ENTERPRISE_USER: {"department": "HR"}},
            {f"{ENTERPRISE_USER}:department": ("HR", None)},
        ),
    ],
)
def test_each_difference_is_a_change_of_the_smallest_part_that_patch_can_address(
    stated: dict[str, Any], found: dict[str, Any], difference: dict[str, Any]
) -> None:
    assert changes(only_step(updated(stated, found))) == difference


ADDRESS_OF_WORK = {"type": "work", "streetAddress": "Way 1", "locality": "Ulm"}
ADDRESS_AT_HOME = {"type": "home", "streetAddress": "Lane 2", "locality": "Bonn"}


@pytest.mark.parametrize(
    ("attribute", "stated", "found", "written"),
    [
        (
            "emails",
            [{"value": "ada@example.com", "type": "other"}],
            [{**WORK, "display": "Ada"}],
            [{"value": "ada@example.com", "type": "other", "primary": True, "display": "Ada"}],
        ),
        ("emails", [{"value": "ada@example.com"}, {**HOME, "primary": True}], [WORK], None),
        ("emails", [{"value": "new@example.com"}], [WORK], [{"value": "new@example.com"}]),
        (
            "phoneNumbers",
            [{"value": "1", "type": "home"}, {"value": "2"}],
            [{"value": "1", "type": "work", "display": "W"}, {"value": "1", "type": "home", "display": "H"}],
            [{"value": "1", "type": "home", "display": "H"}, {"value": "2"}],
        ),
        (
            "addresses",
            [{"type": "work", "locality": "Kiel"}],
            [ADDRESS_AT_HOME, ADDRESS_OF_WORK],
            [{**ADDRESS_OF_WORK, "locality": "Kiel"}],
        ),
        ("addresses", [{"locality": "Kiel"}], [ADDRESS_AT_HOME], [{"locality": "Kiel"}]),
        (
            "addresses",
            [{"type": "work", "locality": "Kiel"}],
            [ADDRESS_OF_WORK] * 2,
            [{"type": "work", "locality": "Kiel"}],
        ),
        ("emails", [{"value": "ada@example.com", "type": "x"}], [{**WORK, "vendor": 1, "display": ""}], None),
    ],
    ids=[
        "same value",
        "another primary",
        "another value",
        "same value twice",
        "type",
        "no type",
        "types",
        "undeclared",
    ],
)
def test_rewriting_a_multi_valued_attribute_keeps_what_nobody_manages(
    attribute: str, stated: list[Any], found: list[Any], written: list[Any] | None
) -> None:
    [change] = only_step(updated({attribute: stated}, {attribute: found})).changes
    if written is not None:
        assert change.after == written
    else:
        assert sum(element.get("primary") is True for element in change.after) == 1
        assert not any("vendor" in element for element in change.after)


def test_elements_are_matched_so_that_each_finds_one_of_its_own() -> None:
    wanted = [{"value": "a"}, {"type": "x"}, {"value": "a", "type": "y"}]
    found = [{"value": "a", "type": "x"}, {"value": "a", "type": "y"}, {"value": "a", "type": "z"}]
    assert same(wanted, found, None)
    assert not same([*wanted, {"value": "a"}], [*found, {"value": "b"}], None)


def test_lists_of_plain_values_compare_without_order() -> None:
    assert same(["b", "a"], ["a", "b"], None)
    assert not same(["b", "a"], ["a", "c"], None)


@pytest.mark.parametrize(
    ("stated", "found", "identity"),
    [
        ({"externalId": "2"}, {"externalId": "1"}, True),
        ({"title": "2"}, {"title": "1"}, False),
        ({"emails": [{**WORK, "value": "new@example.com"}]}, {"emails": [WORK]}, True),
        ({"emails": [WORK, HOME]}, {"emails": [WORK]}, False),
        ({"emails": [{"value": "new@example.com"}]}, {"emails": [{"value": "old@example.com"}]}, True),
        ({"emails": [HOME]}, {"emails": [{**HOME, "value": None}]}, True),
        ({ENTERPRISE_USER: {"userName": "x"}}, {ENTERPRISE_USER: {"userName": "y"}}, False),
    ],
)
def test_identity_changes_are_marked(stated: dict[str, Any], found: dict[str, Any], identity: bool) -> None:
    step = only_step(updated(stated, found))
    assert step.identity is identity


def schemas(**overrides: dict[str, Any]) -> Schemas:
    """RFC 7643's schemas with other characteristics for some attributes of users and groups."""
    documents = []
    for urn, document in rfc7643_documents().items():
        attributes = [
            {**attribute, **overrides.get(attribute["name"], {})} if urn in (CORE_USER, CORE_GROUP) else attribute
            for attribute in document.get("attributes", [])
        ]
        documents.append({**document, "attributes": [one for one in attributes if not one.get("left_out")]})
    return Schemas.parse(documents)


@pytest.mark.parametrize(
    ("characteristic", "why"),
    [
        ({"mutability": "readOnly"}, "is read-only"),
        ({"mutability": "writeOnly"}, "never read back"),
        ({"mutability": "immutable"}, "only be set when the user is created"),
        ({"returned": "request"}, "not returned in listings"),
        ({"returned": "never"}, "not returned in listings"),
        ({"left_out": True}, "is in no schema"),
    ],
)
def test_what_the_directory_cannot_take_or_tell_is_told_once_and_never_planned(
    characteristic: dict[str, Any], why: str
) -> None:
    listed = [user(f"u{number}@example.com", title="new") for number in range(3)]
    found = [live_user(f"{number}", f"u{number}@example.com") for number in range(3)]
    made = planned(listed, live(*found, schemas=schemas(title=characteristic)))
    assert step_ids(made) == []
    [note] = notes(made)
    assert note.startswith("title ")
    assert why in note
    assert "for 3 users" in note


@pytest.mark.parametrize(
    ("characteristic", "stored"),
    [
        ({"mutability": "readOnly"}, False),
        ({"left_out": True}, False),
        ({"mutability": "writeOnly"}, True),
        ({"mutability": "immutable"}, True),
        ({"returned": "request"}, True),
    ],
)
def test_a_new_user_gets_what_the_directory_can_store(characteristic: dict[str, Any], stored: bool) -> None:
    made = planned([user("ada@example.com", title="x")], live(schemas=schemas(title=characteristic)))
    assert ("title" in changes(only_step(made))) is stored
    assert len(notes(made)) == (not stored)


def test_the_parts_of_a_read_only_attribute_are_read_only() -> None:
    made = updated({"name": {"givenName": "new"}}, {}, schemas=schemas(name={"mutability": "readOnly"}))
    assert step_ids(made) == []


def test_a_name_is_always_written_even_where_the_schema_calls_it_read_only() -> None:
    found = live(schemas=schemas(displayName={"mutability": "readOnly"}))
    assert changes(only_step(planned([group("team")], found))) == {"displayName": (None, "team")}


def test_an_attribute_that_no_schema_declares_is_managed_once_some_live_user_has_it() -> None:
    found = live(live_user("u1", "ada@example.com"), live_user("u2", "bob@example.com", shoe={"size": 44}))
    made = planned([user("ada@example.com", shoe={"size": 40, "colour": "red"})], found)
    assert changes(only_step(made)) == {"shoe.size": (None, 40)}
    assert [note.message.partition(" is ")[0] for note in made.notes if note.code == "not-planned"] == ["shoe.colour"]


def test_names_and_accounts_are_understood_where_the_schema_forgets_them() -> None:
    forgetful = schemas(userName={"left_out": True}, active={"left_out": True}, displayName={"left_out": True})
    found = live(live_user("u1", "ADA@example.com", active="True"), live_group("g1", "TEAM"), schemas=forgetful)
    assert step_ids(planned([user("ada@example.com"), group("team")], found)) == []


def test_a_difference_in_case_counts_where_the_schema_says_so() -> None:
    assert step_ids(updated({"title": "Boss"}, {"title": "boss"}, schemas=schemas(title={"caseExact": True})))


def test_a_name_may_change_its_case_where_case_counts() -> None:
    found = live(live_group("g1", "team"), group_rename=True, schemas=schemas(displayName={"caseExact": True}))
    assert changes(only_step(planned([group("Team")], found))) == {"displayName": ("team", "Team")}


def test_a_name_that_cannot_change_its_case_is_told() -> None:
    found = live(live_group("g1", "team"), group_rename=False, schemas=schemas(displayName={"caseExact": True}))
    made = planned([group("Team")], found)
    assert step_ids(made) == []
    assert "displayName can only be set when the group is created" in notes(made)[0]


def test_a_difference_in_case_that_does_not_count_is_told_once() -> None:
    made = updated({"title": "Boss"}, {"title": "boss"})
    assert step_ids(made) == []
    assert [(note.severity, note.code) for note in made.notes] == [("note", "case-only")]
    assert "title differs only in letter case for 1 user:" in notes(made)[0]

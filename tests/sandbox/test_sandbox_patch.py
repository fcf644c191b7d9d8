"""PATCH (RFC 7644 §3.5.2) on plain SCIM JSON."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.attributes import ENTERPRISE_USER, rfc7643
from reconciler.sandbox.errors import RequestRefusedError
from reconciler.sandbox.patch import PATCH_URN, apply_operation, parse_operations

USER = rfc7643().user
WORK = {"value": "ada@example.com", "type": "work", "primary": True}
HOME = {"value": "ada@home.example.com", "type": "home"}
ADA: dict[str, Any] = {
    "userName": "ada",
    "title": "Engineer",
    "name": {"givenName": "Ada", "familyName": "Example"},
    "emails": [WORK, HOME],
    ENTERPRISE_USER: {"department": "Platform", "manager": {"value": "m1"}},
}


def patch(attributes: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    for operation in parse_operations({"schemas": [PATCH_URN], "Operations": list(operations)}, USER):
        attributes = apply_operation(attributes, operation)
    return attributes


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ADA.items() if name not in names}


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "replace a simple attribute": (
        {"op": "replace", "path": "title", "value": "Boss"},
        ADA | {"title": "Boss"},
    ),
    "names and operations match in any case": (
        {"OP": "Replace", "Path": "TITLE", "Value": "Boss"},
        ADA | {"title": "Boss"},
    ),
    "add sets a simple attribute": (
        {"op": "add", "path": "nickName", "value": "A"},
        ADA | {"nickName": "A"},
    ),
    "remove unsets": ({"op": "remove", "path": "title"}, without("title")),
    "remove of what is not there is no change": ({"op": "remove", "path": "nickName"}, ADA),
    "replace by null unsets": ({"op": "replace", "path": "title", "value": None}, without("title")),
    "replace by an empty list unsets": ({"op": "replace", "path": "emails", "value": []}, without("emails")),
    "a sub-attribute": (
        {"op": "replace", "path": "name.givenName", "value": "Augusta"},
        ADA | {"name": {"givenName": "Augusta", "familyName": "Example"}},
    ),
    "a complex attribute keeps what the value does not state": (
        {"op": "replace", "path": "name", "value": {"givenName": "Augusta", "middleName": None}},
        ADA | {"name": {"givenName": "Augusta", "familyName": "Example"}},
    ),
    "a path below the core schema's own URN": (
        {"op": "replace", "path": f"{USER.urn}:name.givenName", "value": "Augusta"},
        ADA | {"name": {"givenName": "Augusta", "familyName": "Example"}},
    ),
    "an attribute of an extension": (
        {"op": "replace", "path": f"{ENTERPRISE_USER}:department", "value": "Sales"},
        ADA | {ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m1"}}},
    ),
    "a sub-attribute in an extension": (
        {"op": "replace", "path": f"{ENTERPRISE_USER.lower()}:manager.value", "value": "m2"},
        ADA | {ENTERPRISE_USER: {"department": "Platform", "manager": {"value": "m2"}}},
    ),
    "an extension as a whole": (
        {"op": "add", "path": ENTERPRISE_USER, "value": {"costCenter": "7"}},
        ADA | {ENTERPRISE_USER: {"department": "Platform", "manager": {"value": "m1"}, "costCenter": "7"}},
    ),
    "remove of an extension": ({"op": "remove", "path": ENTERPRISE_USER}, without(ENTERPRISE_USER)),
    "add appends to a multi-valued attribute": (
        {"op": "add", "path": "emails", "value": [{"value": "x@example.com"}]},
        ADA | {"emails": [WORK, HOME, {"value": "x@example.com"}]},
    ),
    "add of one value needs no list": (
        {"op": "add", "path": "emails", "value": {"value": "x@example.com"}},
        ADA | {"emails": [WORK, HOME, {"value": "x@example.com"}]},
    ),
    "add of a value that is there, in other case, is no change": (
        {"op": "add", "path": "emails", "value": [{**HOME, "value": "ADA@HOME.example.com"}]},
        ADA,
    ),
    "a new primary value takes it from the old": (
        {"op": "add", "path": "emails", "value": [{"value": "x@example.com", "primary": True}]},
        ADA | {"emails": [WORK | {"primary": False}, HOME, {"value": "x@example.com", "primary": True}]},
    ),
    "primary moves by a filter": (
        {"op": "replace", "path": 'emails[type eq "home"].primary', "value": True},
        ADA | {"emails": [WORK | {"primary": False}, HOME | {"primary": True}]},
    ),
    "a value filter with a sub-attribute": (
        {"op": "replace", "path": 'emails[type eq "WORK" and primary eq true].value', "value": "x@example.com"},
        ADA | {"emails": [WORK | {"value": "x@example.com"}, HOME]},
    ),
    "a value filter replaces the whole value": (
        {"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "x@example.com"}},
        ADA | {"emails": [WORK, {"value": "x@example.com"}]},
    ),
    "a value filter with add keeps the other sub-attributes": (
        {"op": "add", "path": 'emails[type eq "home"]', "value": {"display": "Home"}},
        ADA | {"emails": [WORK, HOME | {"display": "Home"}]},
    ),
    "remove by a value filter": (
        {"op": "remove", "path": 'emails[value ew "@home.example.com"]'},
        ADA | {"emails": [WORK]},
    ),
    "remove of the last value unsets the attribute": ({"op": "remove", "path": "emails[type pr]"}, without("emails")),
    "remove whose filter matches nothing is no change": ({"op": "remove", "path": 'emails[type eq "x"]'}, ADA),
    "no path, with dotted and URN keys": (
        {
            "op": "replace",
            "value": {
                "title": "Boss",
                "name.givenName": "Augusta",
                f"{ENTERPRISE_USER}:department": "Sales",
                ENTERPRISE_USER: {"costCenter": "7"},
                "id": "not mine to say",
                "no such attribute": 1,
            },
        },
        ADA
        | {
            "title": "Boss",
            "name": {"givenName": "Augusta", "familyName": "Example"},
            ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m1"}, "costCenter": "7"},
        },
    ),
}


@pytest.mark.parametrize(("operation", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_an_operation_changes_what_its_path_names_and_nothing_else(
    operation: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = copy.deepcopy(ADA)

    assert patch(before, operation) == expected
    assert before == ADA, "the attributes that were given must stay as they are"


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "remove without a path": ({"op": "remove"}, "noTarget"),
    "remove with a value": ({"op": "remove", "path": "emails", "value": [HOME]}, "invalidSyntax"),
    "an unknown operation": ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax"),
    "no operation": ({"path": "title", "value": "x"}, "invalidSyntax"),
    "add without a value": ({"op": "add", "path": "title"}, "invalidSyntax"),
    "a path that is no string": ({"op": "add", "path": 7, "value": "x"}, "invalidSyntax"),
    "replace that selects nothing": (
        {"op": "replace", "path": 'emails[type eq "x"].value', "value": "x"},
        "noTarget",
    ),
    "an unknown attribute": ({"op": "add", "path": "shoeSize", "value": 1}, "invalidPath"),
    "an unknown sub-attribute": ({"op": "add", "path": "name.shoeSize", "value": 1}, "invalidPath"),
    "an unknown extension": ({"op": "add", "path": "urn:example:ext:1.0:x", "value": 1}, "invalidPath"),
    "a path that is none": ({"op": "add", "path": "emails[", "value": 1}, "invalidPath"),
    "a path that is a filter": ({"op": "add", "path": 'title eq "x"', "value": 1}, "invalidPath"),
    "a path that nests without end": ({"op": "add", "path": "emails[" + "(" * 5000, "value": 1}, "invalidPath"),
    "a filter on an attribute with one value": (
        {"op": "replace", "path": 'name[givenName eq "Ada"]', "value": {}},
        "invalidPath",
    ),
    "a filter that does not fit its type": ({"op": "remove", "path": "emails[primary gt true]"}, "invalidFilter"),
    "a read-only attribute": ({"op": "replace", "path": "groups", "value": []}, "mutability"),
    "a read-only sub-attribute": (
        {"op": "replace", "path": f"{ENTERPRISE_USER}:manager.displayName", "value": "M"},
        "mutability",
    ),
    "a value of another type": ({"op": "replace", "path": "active", "value": "False"}, "invalidValue"),
    "two primary values": (
        {"op": "add", "path": "emails", "value": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        "invalidValue",
    ),
    "no path and no object": ({"op": "add", "value": "x"}, "invalidValue"),
}


@pytest.mark.parametrize(("operation", "scim_type"), REFUSALS.values(), ids=REFUSALS.keys())
def test_an_operation_that_makes_no_sense_is_refused_by_the_rfc_s_keyword(
    operation: dict[str, Any], scim_type: str
) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        patch(ADA, operation)

    assert (refusal.value.status, refusal.value.scim_type) == (400, scim_type)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"Operations": [{"op": "remove", "path": "title"}]},
        {"schemas": [PATCH_URN]},
        {"schemas": [PATCH_URN], "Operations": []},
        {"schemas": [PATCH_URN], "Operations": ["remove"]},
    ],
)
def test_a_body_that_is_no_patch_is_invalid_syntax(body: object) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        parse_operations(body, USER)

    assert refusal.value.scim_type == "invalidSyntax"


def test_operations_apply_in_order() -> None:
    after = patch(ADA, {"op": "remove", "path": "emails"}, {"op": "add", "path": "emails", "value": [HOME]})

    assert after["emails"] == [HOME]


VALUES = st.sampled_from(["a@example.com", "b@example.com", "c@example.com"])
EMAIL = st.fixed_dictionaries(
    {"value": VALUES, "type": st.sampled_from(["work", "home"])}, optional={"primary": st.booleans()}
)
PATHS = st.one_of(
    st.sampled_from(["emails", "title", "name.givenName"]),
    st.builds('emails[value eq "{}"]'.format, VALUES),
    st.builds('emails[type eq "{}"].primary'.format, st.sampled_from(["work", "home"])),
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace"])},
    optional={
        "path": PATHS,
        "value": st.one_of(st.text(max_size=3), st.booleans(), EMAIL, st.lists(EMAIL, max_size=3)),
    },
)


@settings(deadline=None)
@given(st.lists(OPERATIONS, max_size=6))
def test_whatever_is_sent_there_is_never_a_second_primary_nor_an_empty_value(operations: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(ADA)
    after = before
    for operation in operations:
        with contextlib.suppress(RequestRefusedError):
            after = patch(after, operation)
    emails = after.get("emails")
    assert emails is None or (emails and all(emails))
    assert sum(email.get("primary") is True for email in emails or ()) <= 1
    assert before == ADA


@settings(deadline=None)
@given(st.lists(EMAIL.map(lambda email: email | {"primary": False}), max_size=4))
def test_adding_the_same_values_twice_is_adding_them_once(emails: list[dict[str, Any]]) -> None:
    add = {"op": "add", "path": "emails", "value": emails}

    once = patch(ADA, add)

    assert patch(once, add) == once

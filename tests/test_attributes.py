"""SCIM attribute definitions, paths, and when two values are equal (RFC 7643 §2 and §7)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.attributes import (
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    Attribute,
    Path,
    Schemas,
    canonical,
    flatten,
    fold,
    rfc7643,
    rfc7643_documents,
    unassigned,
)
from reconciler.capabilities import AttributeRule

USER = rfc7643().user
EMAILS = USER.attributes["emails"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("ADA", "ada"), ("\u00c9", "e\u0301"), ("STRASSE", "stra\u00dfe"), ("\u1e9e", "ss"), ("\u03a3", "\u03c2")],
)
def test_names_that_differ_in_case_or_composition_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def of_type(kind: str, **characteristics: Any) -> Attribute:
    """A definition of some type."""
    return Attribute(name="x", type=kind, **characteristics)


@pytest.mark.parametrize(
    ("one", "other", "attribute", "equal"),
    [
        ("A", "a", of_type("string"), True),
        ("A", "a", of_type("string", case_exact=True), False),
        ("A", "a", None, False),
        ("A", "a", of_type("reference"), False),
        (None, [], of_type("string"), True),
        (None, {}, None, True),
        (None, "", of_type("string"), False),
        (True, "True", of_type("boolean"), True),
        (False, "false", of_type("boolean"), True),
        (False, None, of_type("boolean"), False),
        ("yes", "no", of_type("boolean"), False),
        (1, "1.0", of_type("decimal"), True),
        ("one", 1, of_type("integer"), False),
        ("nan", "nan", of_type("decimal"), True),
        ("inf", "Infinity", of_type("decimal"), False),
        (5, "5", of_type("string"), True),
        ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", of_type("dateTime"), True),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z", of_type("dateTime"), True),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00", of_type("dateTime"), True),
        ("soon", "later", of_type("dateTime"), False),
        (["a", "b"], ["B", "A", "b"], of_type("string", multi_valued=True), True),
        ([{"value": "a", "primary": False}], [{"Value": "A", "type": None}], EMAILS, True),
        ([{"value": "a", "primary": True}], [{"value": "a"}], EMAILS, False),
        ([{"value": "a", "primary": "true"}], [{"value": "a", "primary": True}], EMAILS, True),
        ({"value": "a", "$ref": "x"}, {"value": "a"}, USER.attributes["groups"], True),
        ({"x": 1}, {"x": 2}, None, False),
    ],
)
def test_values_are_equal_as_their_definition_says(one: Any, other: Any, attribute: Any, equal: bool) -> None:
    assert (canonical(one, attribute) == canonical(other, attribute)) is equal


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from([None, EMAILS, USER.attributes["name"], USER.attributes["active"], of_type("dateTime")]))
def test_every_value_is_equal_to_itself_and_can_be_a_key(value: Any, attribute: Attribute | None) -> None:
    assert {canonical(value, attribute)} == {canonical(value, attribute)}


@pytest.mark.parametrize(("value", "nothing"), [(None, True), ([], True), ({}, True), ("", False), (False, False)])
def test_null_absent_and_empty_are_the_same_state(value: object, nothing: bool) -> None:
    assert unassigned(value) is nothing


def test_attributes_are_walked_down_to_what_patch_can_address() -> None:
    attributes = {
        "userName": "ada",
        "name": {"givenName": "Ada", "familyName": None},
        "emails": [{"value": "a"}],
        "nickName": None,
        ENTERPRISE_USER: {"department": "IT", "manager": {"value": "1"}},
        CORE_USER: {"title": "x"},
        "urn:example:unknown": None,
    }
    assert {str(path): value for path, value in flatten(attributes, USER)} == {
        "userName": "ada",
        "name.givenName": "Ada",
        "name.familyName": None,
        "emails": [{"value": "a"}],
        "nickName": None,
        f"{ENTERPRISE_USER}:department": "IT",
        f"{ENTERPRISE_USER}:manager.value": "1",
        "title": "x",
    }


def test_an_extension_that_is_null_unsets_all_that_it_declares() -> None:
    declared = USER.extensions[ENTERPRISE_USER]
    walked = dict(flatten({ENTERPRISE_USER.lower(): None}, USER))
    assert {path.name for path in walked} == {attribute.name for attribute in declared.values()}
    assert set(walked.values()) == {None}


@pytest.mark.parametrize("text", ["title", "name.givenName", f"{ENTERPRISE_USER}:manager.value", "urn:x:y"])
def test_a_path_reads_back_as_it_was_written(text: str) -> None:
    assert str(Path.parse(text)) == text


def test_a_path_finds_values_in_any_case() -> None:
    attributes = {"NAME": {"GivenName": "Ada"}, ENTERPRISE_USER.upper(): {"DEPARTMENT": "IT"}, "title": "x"}
    assert Path("name", sub="givenName").get(attributes) == "Ada"
    assert Path("department", urn=ENTERPRISE_USER).get(attributes) == "IT"
    assert Path("title", sub="x").get(attributes) is None
    assert Path("gone", sub="x").get(attributes) is None


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (Path("TITLE"), "string"),
        (Path("title", urn=CORE_USER.upper()), "string"),
        (Path("name", sub="GIVENNAME"), "string"),
        (Path("manager", urn=ENTERPRISE_USER.lower()), "complex"),
        (Path("gone"), None),
        (Path("name", sub="gone"), None),
        (Path("department", urn="urn:gone"), None),
    ],
)
def test_a_path_finds_its_definition_in_any_case(path: Path, kind: str | None) -> None:
    definition = path.definition(USER)
    assert (definition.type if definition else None) == kind


@pytest.mark.parametrize(
    ("characteristics", "comparable"),
    [
        ({}, True),
        ({"returned": "always"}, True),
        ({"mutability": "immutable"}, True),
        ({"mutability": "readOnly"}, False),
        ({"mutability": "writeOnly"}, False),
        ({"returned": "never"}, False),
        ({"returned": "request"}, False),
    ],
)
def test_what_can_be_written_and_read_back_can_be_compared(characteristics: dict[str, str], comparable: bool) -> None:
    assert of_type("string", **characteristics).comparable is comparable


def test_a_definition_that_leaves_things_out_has_the_defaults_of_the_rfc() -> None:
    assert Attribute.parse({"name": "x", "type": None, "caseExact": "true"}) == Attribute(name="x")


def test_schemas_that_a_server_leaves_out_are_those_of_the_rfc() -> None:
    assert Schemas.parse([]).user.attributes == rfc7643().user.attributes
    assert Schemas.parse([{"name": "no id"}]).user.extensions == {}


def test_names_and_active_are_defined_even_where_a_server_forgets_them() -> None:
    schemas = Schemas.parse([{"id": CORE_USER, "attributes": [{"type": "string"}]}, {"id": CORE_GROUP}])
    assert schemas.user.find("userName") == rfc7643().user.find("userName")
    assert schemas.user.find("active") == rfc7643().user.find("active")
    assert schemas.group.find("displayName") == rfc7643().group.find("displayName")
    assert schemas.user.find("title") is None
    assert schemas.user.find("externalId") is not None


def test_a_servers_own_definition_wins() -> None:
    server = {"id": CORE_USER.lower(), "attributes": [{"name": "userName", "caseExact": True}]}
    definition = Schemas.parse([server]).user.find("USERNAME")
    assert definition is not None
    assert definition.case_exact


def test_extensions_belong_to_users_unless_they_say_group() -> None:
    extension = {"attributes": [{"name": "floor"}]}
    schemas = Schemas.parse(
        [
            {"id": "urn:example:User", **extension},
            {"id": "urn:example:Group", **extension},
            *rfc7643_documents().values(),
        ]
    )
    assert set(schemas.user.extensions) == {"urn:example:User", ENTERPRISE_USER}
    assert set(schemas.group.extensions) == {"urn:example:Group"}
    assert schemas.user.find("floor", urn="URN:example:user") is not None
    assert schemas.user.extension("urn:other") is None


def case_exact(schemas: Schemas, kind: str, path: str) -> bool | None:
    schema = schemas.user if kind == "User" else schemas.group
    definition = Path.parse(path).definition(schema)
    return definition.case_exact if definition else None


@pytest.mark.parametrize(
    ("kind", "path", "stated"),
    [
        ("User", "userName", "User.userName"),
        ("User", "userName", "USER.USERNAME"),
        ("User", "emails.value", "User.emails.value"),
        ("User", f"{ENTERPRISE_USER}:department", f"User.{ENTERPRISE_USER}:department"),
        ("User", f"{ENTERPRISE_USER}:department", "User.department"),
        ("User", f"{ENTERPRISE_USER}:manager.displayName", "User.manager.displayName"),
        ("User", f"{CORE_USER}:userName", f"User.{CORE_USER}:userName"),
        ("Group", "displayName", "Group.displayName"),
    ],
)
def test_a_rule_changes_the_attribute_that_it_names_and_no_other(kind: str, path: str, stated: str) -> None:
    before = rfc7643()

    after = before.with_rules([AttributeRule(path=stated, case_exact=True)])

    assert (case_exact(before, kind, path), case_exact(after, kind, path)) == (False, True)
    back = after.with_rules([AttributeRule(path=stated, case_exact=False)])
    assert back == before


def test_a_rule_leaves_what_it_does_not_speak_of() -> None:
    rules = [
        AttributeRule(path="User.title", mutability="readOnly"),
        AttributeRule(path="User.title", returned="never"),
        AttributeRule(path="User.title", case_exact=True),
    ]

    title = rfc7643().with_rules(rules).user.find("title")

    assert title == Attribute(name="title", mutability="readOnly", returned="never", case_exact=True)
    assert not title.comparable


@pytest.mark.parametrize(
    "path", ["User.shoeSize", "User.name.shoeSize", "Device.userName", "userName", "", "Group.title"]
)
def test_a_rule_for_what_nobody_knows_changes_nothing_and_is_named(path: str) -> None:
    rules = [AttributeRule(path="User.title", case_exact=True), AttributeRule(path=path, case_exact=True)]

    assert rfc7643().unknown_rules(rules) == (path,)
    assert rfc7643().with_rules(rules) == rfc7643().with_rules(rules[:1])


def test_a_name_that_two_extensions_have_is_no_name_for_either() -> None:
    documents = [{"id": urn, "attributes": [{"name": "badge"}]} for urn in ("urn:example:a", "urn:example:b")]
    schemas = Schemas.parse(documents)

    assert schemas.unknown_rules([AttributeRule(path="User.badge")]) == ("User.badge",)
    assert schemas.unknown_rules([AttributeRule(path="User.urn:example:b:badge")]) == ()

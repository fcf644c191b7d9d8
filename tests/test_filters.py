"""What a SCIM filter means for a resource: RFC 7644 §3.4.2.2, its examples and its laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.attributes import ENTERPRISE_USER, Schemas, rfc7643, rfc7643_documents
from reconciler.filters import Filter, FilterError, eq, quote

USER = rfc7643().user
GROUP = rfc7643().group

BARBARA: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_USER],
    "id": "2819c223",
    "externalId": "Bjensen",
    "userName": "bjensen@example.com",
    "name": {"familyName": "O'Malley", "givenName": "Barbara"},
    "userType": "Employee",
    "title": "",
    "nickName": None,
    "locale": "de\u00e9",
    "active": True,
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@home.example.org", "type": "home"},
    ],
    "photos": [],
    "addresses": [{}],
    "ims": [{"type": "xmpp", "value": "foobar"}],
    "meta": {"lastModified": "2011-05-13T04:42:34Z", "resourceType": "User"},
    ENTERPRISE_USER: {"department": "Platform", "employeeNumber": "0042", "manager": {"value": "26118915"}},
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        # RFC 7644 §3.4.2.2, figure by figure
        ('userName Eq "bjensen@example.com"', True),
        ('Username eq "BJENSEN@example.com"', True),
        ('name.familyName co "O\'Malley"', True),
        ('userName sw "B"', True),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B"', True),
        ("title pr", False),
        ('meta.lastModified gt "2011-05-13T04:42:34Z"', False),
        ('meta.lastModified ge "2011-05-13T04:42:34Z"', True),
        ('meta.lastModified lt "2011-05-13T04:42:34Z"', False),
        ('meta.lastModified le "2011-05-13T04:42:34Z"', True),
        ('title pr and userType eq "Employee"', False),
        ('title pr or userType eq "Intern"', False),
        ('schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"', True),
        ('userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', True),
        ('userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', False),
        ('userType eq "Employee" and (emails.type eq "work")', True),
        ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', True),
        (
            'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
            True,
        ),
        ('emails[type eq "home" and value co "@example.com"]', False),
    ],
)
def test_an_example_of_the_rfc(text: str, *, matches: bool) -> None:
    assert Filter.parse(text).matches(BARBARA, USER) is matches


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param('externalId eq "bjensen"', False, id="caseExact attributes compare exactly"),
        pytest.param('externalId eq "Bjensen"', True, id="caseExact attributes compare exactly, and match"),
        pytest.param('externalId sw "bj"', False, id="caseExact holds for substrings too"),
        pytest.param('USERNAME ew "@EXAMPLE.COM"', True, id="other strings compare in any case"),
        pytest.param('locale eq "dee\u0301"', True, id="two ways to write one letter are equal"),
        pytest.param("nickName pr", False, id="null is not present"),
        pytest.param("photos pr", False, id="an empty list is not present"),
        pytest.param("addresses pr", False, id="a list of empty values is not present"),
        pytest.param("name pr", True, id="a complex value that holds something is present"),
        pytest.param("emails.primary pr", True, id="present when any value has the sub-attribute"),
        pytest.param("nickName eq null", True, id="eq null means not present"),
        pytest.param("userName ne null", True, id="ne null means present"),
        pytest.param('nickName ne "Babs"', True, id="ne holds where the attribute is missing"),
        pytest.param('nickName eq "Babs"', False, id="eq does not hold where the attribute is missing"),
        pytest.param('emails.type ne "work"', False, id="ne fails when any value is equal"),
        pytest.param('emails.type ne "other"', True, id="ne holds when no value is equal"),
        pytest.param("active eq true", True, id="boolean"),
        pytest.param('active eq "True"', True, id="boolean literal as a string"),
        pytest.param("active ne false", True, id="boolean, not equal"),
        pytest.param("emails[primary eq true].value ew '.com'".replace("'", '"'), True, id="Entra's form"),
        pytest.param('meta.lastModified eq "2011-05-13T06:42:34+02:00"', True, id="dateTimes are instants"),
        pytest.param('meta.lastModified lt "2011-05-13T04:42:34.001Z"', True, id="fractions of a second count"),
        pytest.param('meta.lastModified sw "2011-05"', True, id="a dateTime can be searched as text"),
        pytest.param(f'{ENTERPRISE_USER}:department eq "platform"', True, id="extension by URN"),
        pytest.param(f'{ENTERPRISE_USER.upper()}:Department eq "platform"', True, id="URNs in any case"),
        pytest.param('department eq "Platform"', True, id="extension attribute written short"),
        pytest.param('manager.value eq "26118915"', True, id="sub-attribute of an extension written short"),
        pytest.param('manager eq "26118915"', True, id="a complex attribute is compared by its value"),
        pytest.param(f"{ENTERPRISE_USER} pr", True, id="a whole extension is present"),
        pytest.param("costCenter pr", False, id="missing from the extension"),
        pytest.param('employeeNumber gt "0041"', True, id="strings are ordered by their characters"),
        pytest.param('nosuch eq "x"', False, id="unknown attribute: no match"),
        pytest.param('nosuch ne "x"', False, id="unknown attribute: no match with ne either"),
        pytest.param("emails[nosuch pr]", False, id="unknown sub-attribute in a value path"),
        pytest.param('emails.nosuch eq "x"', False, id="unknown sub-attribute"),
        pytest.param('urn:example:nosuch:department eq "Platform"', False, id="unknown URN"),
        pytest.param('schemas[value ew ":User"]', True, id="value path on simple values"),
        pytest.param('emails[not (type eq "work")]', True, id="not inside a value path looks at each value"),
        pytest.param('emails[type eq "work" or primary eq true]', True, id="or inside a value path"),
        pytest.param('not (emails[type eq "other"])', True, id="not over a value path"),
        pytest.param("title pr and title pr or userName pr", True, id="and binds tighter than or"),
        pytest.param("title pr and (title pr or userName pr)", False, id="parentheses group"),
    ],
)
def test_what_a_filter_means(text: str, *, matches: bool) -> None:
    assert Filter.parse(text).matches(BARBARA, USER) is matches


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        pytest.param({"USERNAME": "ada"}, 'userName eq "ada"', id="names in another case"),
        pytest.param({"active": "False"}, "active eq false", id="boolean as a string"),
        pytest.param({"emails": ["ada@example.com"]}, 'emails eq "ada@example.com"', id="emails as plain strings"),
        pytest.param({"emails": ["ada@example.com"]}, 'emails[value sw "ada"]', id="plain strings in a value path"),
        pytest.param({"emails": {"value": "ada@x"}}, 'emails.value eq "ada@x"', id="a list sent as one object"),
        pytest.param({ENTERPRISE_USER.lower(): {"DEPARTMENT": "IT"}}, 'department eq "it"', id="URN in another case"),
        pytest.param({"title": 42}, 'title eq "42"', id="a number where a string belongs"),
    ],
)
def test_lax_servers_are_understood(resource: dict[str, Any], text: str) -> None:
    assert Filter.parse(text).matches(resource, USER)


def test_numbers_compare_as_numbers() -> None:
    urn = "urn:example:params:scim:schemas:extension:badge:1.0:User"
    document = {
        "id": urn,
        "attributes": [{"name": "badges", "type": "integer"}, {"name": "weight", "type": "decimal"}],
    }
    schema = Schemas.parse([*rfc7643_documents().values(), document]).user
    resource = {urn: {"badges": 10, "weight": "2.5"}}

    texts = ["badges gt 9", "badges eq 10.0", 'badges eq "10"', "weight lt 10", "not (badges lt 10)"]

    assert [text for text in texts if not Filter.parse(text).matches(resource, schema)] == []


def test_an_attribute_that_two_extensions_have_is_not_guessed() -> None:
    other = {"id": "urn:example:params:scim:schemas:extension:other:1.0:User", "attributes": [{"name": "department"}]}
    schema = Schemas.parse([*rfc7643_documents().values(), other]).user

    assert Filter.parse('department eq "Platform"').unknown_attributes(schema) == ("department",)
    assert Filter.parse(f'{ENTERPRISE_USER}:department eq "Platform"').matches(BARBARA, schema)


def test_members_of_a_group_match_by_value() -> None:
    group = {"displayName": "Team", "members": [{"value": "Ab"}, {"value": "Cd"}]}

    assert Filter.parse('members eq "Cd"').matches(group, GROUP)
    assert not Filter.parse('members eq "cd"').matches(group, GROUP)


@pytest.mark.parametrize(
    ("text", "column", "detail"),
    [
        ("", 1, "expected an attribute, found the end"),
        ("userName", 9, "expected an operator"),
        ("userName eq 'ada'", 13, '"text" in double quotes'),
        ('userName eq "ada', 13, '"text" in double quotes'),
        ('userName like "a"', 10, "expected an operator"),
        ("(title pr", 10, "expected a closing bracket, found the end"),
        ("emails[type pr", 15, "expected a closing bracket, found the end"),
        ("title pr title pr", 10, "expected and, or"),
        ("not title pr", 5, "expected (, found 'title pr'"),
        ('userName eq\n"a" "b"', 17, "found '\"b\"'"),
        ("badges gt 1e999", None, "number out of range"),
        ("not (" * 33 + "title pr" + ")" * 33, None, "more than 32"),
    ],
)
def test_a_filter_that_cannot_be_read_says_where_and_what_was_expected(
    text: str, column: int | None, detail: str
) -> None:
    with pytest.raises(FilterError) as caught:
        Filter.parse(text)

    assert caught.value.text == text
    assert caught.value.column == column
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("active gt true", "gt cannot be used on active, which is boolean"),
        ('active co "t"', "co cannot be used on active, which is boolean"),
        ('active eq "maybe"', 'active is true or false, not "maybe"'),
        ('x509Certificates.value gt "a"', "which is binary"),
        ('meta.created lt "soon"', 'meta.created is a dateTime, not "soon"'),
        ("title gt null", "gt cannot compare title with null"),
        ('name eq "Ada"', "name is complex; compare one of its sub-attributes"),
    ],
)
def test_a_comparison_that_the_type_does_not_allow_is_refused(text: str, detail: str) -> None:
    with pytest.raises(FilterError, match="not a usable SCIM filter") as caught:
        Filter.parse(text).compile(USER)

    assert detail in caught.value.detail


def test_attributes_are_all_paths_that_the_filter_reads() -> None:
    text = (
        f'userName pr and not (emails[type eq "work" or value pr]) or name.givenName pr or {ENTERPRISE_USER}:title pr'
    )

    read = Filter.parse(text)

    assert read.attributes == {
        "userName",
        "emails.type",
        "emails.value",
        "name.givenName",
        f"{ENTERPRISE_USER}:title",
    }


def test_unknown_attributes_are_named_once_in_reading_order() -> None:
    read = Filter.parse('departmnt pr and emails[typ eq "x"] and userName pr and not (departmnt eq "x")')

    assert read.unknown_attributes(USER) == ("departmnt", "emails.typ")


@pytest.mark.parametrize(
    ("text", "equality"),
    [
        ('userName EQ "ada"', ("userName", "ada")),
        ('(name.givenName eq "Ada")', ("name.givenName", "Ada")),
        ("active eq true", None),
        ('userName sw "ada"', None),
        ('userName eq "a" and title pr', None),
        ('emails[type eq "work"]', None),
        ('not (userName eq "ada")', None),
    ],
)
def test_a_single_eq_on_a_string_is_recognised(text: str, equality: tuple[str, str] | None) -> None:
    assert Filter.parse(text).equality == equality


def test_a_filter_is_equal_to_itself_in_other_white_space_and_keeps_its_text() -> None:
    spaced = Filter.parse('( userName  eq "ada" )')

    assert spaced == Filter.parse('userName eq "ada"')
    assert str(spaced) == spaced.text == '( userName  eq "ada" )'


@given(st.text())
def test_any_text_survives_quoting(value: str) -> None:
    assert Filter.parse(eq("externalId", value)).equality == ("externalId", value)


@given(st.text())
def test_a_quoted_value_matches_itself_and_cannot_add_syntax(value: str) -> None:
    read = Filter.parse(f"externalId eq {quote(value)}")

    assert read.matches({"externalId": value}, USER)
    assert not read.matches({"externalId": value + "x"}, USER)


_COMPARISONS = st.builds(
    "{} {} {}".format,
    st.sampled_from(["userName", "emails.type", "emails", "department", "name.givenName", "nickName"]),
    st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]),
    st.sampled_from(["work", "ada", "", "A", "\u00c9"]).map(quote),
)
_ATOMS = _COMPARISONS | st.sampled_from(["title pr", "emails pr", 'emails[type eq "work" and value sw "a"]'])
_FILTERS = st.recursive(
    _ATOMS,
    lambda inner: (
        st.builds("not ({})".format, inner)
        | st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
    ),
    max_leaves=6,
)
_WORDS = st.sampled_from(["", "ada", "A", "work", "\u00e9"])
_RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "userName": _WORDS,
        "title": _WORDS | st.none(),
        "name": st.fixed_dictionaries({}, optional={"givenName": _WORDS}),
        "emails": st.lists(st.fixed_dictionaries({}, optional={"value": _WORDS, "type": _WORDS}), max_size=3),
        ENTERPRISE_USER: st.fixed_dictionaries({}, optional={"department": _WORDS}),
    },
)


@given(_FILTERS, _RESOURCES)
def test_not_turns_a_filter_round(text: str, resource: dict[str, Any]) -> None:
    once, twice = Filter.parse(f"not ({text})"), Filter.parse(f"not (not ({text}))")
    plain = Filter.parse(text).matches(resource, USER)

    assert once.matches(resource, USER) is not plain
    assert twice.matches(resource, USER) is plain


@given(_FILTERS, _FILTERS, _RESOURCES)
def test_and_and_or_are_those_of_python(left: str, right: str, resource: dict[str, Any]) -> None:
    a, b = Filter.parse(left).matches(resource, USER), Filter.parse(right).matches(resource, USER)

    assert Filter.parse(f"({left}) and ({right})").matches(resource, USER) is (a and b)
    assert Filter.parse(f"({left}) or ({right})").matches(resource, USER) is (a or b)


@given(_COMPARISONS, _RESOURCES)
def test_ne_is_the_opposite_of_eq(text: str, resource: dict[str, Any]) -> None:
    attribute, _operator, literal = text.split(" ", 2)

    equal = Filter.parse(f"{attribute} eq {literal}").matches(resource, USER)

    assert Filter.parse(f"{attribute} ne {literal}").matches(resource, USER) is not equal


@given(_FILTERS, _RESOURCES)
def test_matching_changes_nothing(text: str, resource: dict[str, Any]) -> None:
    before = repr(resource)

    Filter.parse(text).matches(resource, USER)

    assert repr(resource) == before

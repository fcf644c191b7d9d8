"""Values checked against attribute definitions (RFC 7643 §2.3)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.attributes import ENTERPRISE_USER, Attribute, rfc7643
from reconciler.sandbox.errors import RequestRefusedError
from reconciler.sandbox.validation import normalise_resource, normalise_value

FITS: list[tuple[str, object]] = [
    ("string", ""),
    ("reference", "https://example.com"),
    ("boolean", False),
    ("integer", -7),
    ("decimal", 1.5),
    ("decimal", 2),
    ("dateTime", "2026-01-01T00:00:00Z"),
    ("dateTime", "2026-01-01T00:00:00.123+02:00"),
    ("binary", "YQ=="),
]
DOES_NOT_FIT: list[tuple[str, object]] = [
    ("string", 1),
    ("string", {"value": "x"}),
    ("reference", ["x"]),
    ("boolean", "true"),
    ("boolean", 1),
    ("integer", 1.5),
    ("integer", True),
    ("decimal", "1"),
    ("decimal", False),
    ("dateTime", "2026-01-01"),
    ("dateTime", "Thursday"),
    ("dateTime", 7),
    ("binary", "not base64!"),
    ("binary", 7),
    ("complex", "x"),
]


@pytest.mark.parametrize(("type_name", "value"), FITS)
def test_a_value_of_the_attribute_s_type_stays_as_it_is(type_name: str, value: object) -> None:
    assert normalise_value(value, Attribute(name="a", type=type_name)) == value


@pytest.mark.parametrize(("type_name", "value"), DOES_NOT_FIT)
def test_a_value_of_another_type_is_refused_with_the_attribute_s_name(type_name: str, value: object) -> None:
    with pytest.raises(RequestRefusedError, match=r"^shoeSize must be") as refusal:
        normalise_value(value, Attribute(name="shoeSize", type=type_name))

    assert refusal.value.scim_type == "invalidValue"


def test_a_refusal_tells_the_place_inside_the_resource() -> None:
    body = {"userName": "ada", "emails": [{"value": "a"}, {"value": "b", "primary": "yes"}]}

    with pytest.raises(RequestRefusedError, match=r"^emails\[1\]\.primary must be true or false, not the string 'yes'"):
        normalise_resource(body, rfc7643().user)


def test_a_name_given_twice_in_different_case_is_refused() -> None:
    bodies: list[dict[str, Any]] = [
        {"userName": "ada", "USERNAME": "grace"},
        {ENTERPRISE_USER: {}, ENTERPRISE_USER.upper(): {}},
    ]
    for body in bodies:
        with pytest.raises(RequestRefusedError, match="given twice") as refusal:
            normalise_resource(body, rfc7643().user)
        assert refusal.value.scim_type == "invalidSyntax"


def test_a_value_given_twice_is_kept_once() -> None:
    email = {"value": "ada@example.com", "type": "work"}

    assert normalise_resource({"emails": [email, dict(email)]}, rfc7643().user) == {"emails": [email]}


def test_what_it_was_given_stays_as_it_is() -> None:
    body: dict[str, Any] = {"USERNAME": "ada", "emails": [{"VALUE": "a", "shoeSize": 1}], "name": None}
    before = copy.deepcopy(body)

    assert normalise_resource(body, rfc7643().user) == {"userName": "ada", "emails": [{"value": "a"}]}
    assert body == before

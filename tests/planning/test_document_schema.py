"""The published schema of the plan document says what each field means, and refuses what the program refuses."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.planning import Reason, as_json
from reconciler.planning.document_schema import document_schema
from sample_plans import ALL, tiny

SCHEMA = document_schema()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:reconciler:schema:plan:1"
    assert SCHEMA["title"] == "reconciler.plan/1"


@pytest.mark.parametrize("name", SCHEMA["$defs"])
def test_every_type_and_field_is_described(name: str) -> None:
    definition = SCHEMA["$defs"][name]
    assert definition["description"]
    assert [field for field, of in definition.get("properties", {}).items() if not of.get("description")] == []


def test_every_reason_is_explained() -> None:
    described = SCHEMA["$defs"]["Reason"]["description"]
    assert all(f"- `{reason.value}`: " in described for reason in Reason)


def test_descriptions_are_without_the_markup_of_docstrings() -> None:
    texts = [of["description"] for name in SCHEMA["$defs"].values() for of in name.get("properties", {}).values()]
    assert not [text for text in texts if "``" in text or ":mod:" in text or "`None`" in text]


@pytest.mark.parametrize("name", ["empty", "every_kind", "hostile", "refused"])
def test_another_validator_agrees(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(as_json(ALL[name]()))


@pytest.mark.parametrize(
    "altered",
    [
        {"format": "reconciler.plan/2"},
        {"steps": {}},
        {"steps": [{"id": "x"}]},
        {"confirm_replace": "yes"},
        {"unknown": None},
        {"live": {"users": 1.5, "groups": 0, "memberships": 0}},
        {"notes": [{"severity": "error", "code": "x", "message": "y"}]},
    ],
)
def test_what_is_no_plan_is_refused(altered: dict[str, Any]) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid({**as_json(tiny()), **altered})

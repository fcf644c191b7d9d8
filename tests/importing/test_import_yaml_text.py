"""What an import writes is what the loader reads, and what a person can review."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from live_states import keys, loose_values, texts
from reconciler.desired.problems import Problems
from reconciler.desired.yaml_reader import read_yaml
from reconciler.importing.yaml_text import flow_text, yaml_text
from thoroughness import cases


def read_back(text: str) -> Any:
    problems = Problems()
    document = read_yaml(text.encode(), "users.yaml", problems)
    assert problems.found == []
    assert document is not None
    return document.value


@settings(max_examples=cases(50, thorough=500), deadline=None)
@given(st.lists(st.dictionaries(keys, loose_values, min_size=1), min_size=1))
def test_the_loader_reads_back_what_was_written(items: list[dict[str, Any]]) -> None:
    assert read_back(yaml_text("users", items)) == {"users": items}


@given(st.lists(texts, min_size=1))
def test_a_reader_of_yaml_1_1_sees_the_same_texts(members: list[str]) -> None:
    text = yaml_text("groups", [{"displayName": "team", "members": members}])
    assert yaml.safe_load(text) == {"groups": [{"displayName": "team", "members": members}]}


@given(st.lists(texts, min_size=1))
def test_every_character_can_be_seen(members: list[str]) -> None:
    text = yaml_text("groups", [{"displayName": "team", "members": members}])
    assert all(line.replace("\u200c", "").replace("\u200d", "").isprintable() for line in text.split("\n"))


def test_the_layout_has_a_line_for_each_thing_that_changes_by_itself() -> None:
    users = [
        {
            "userName": "ada@example.com",
            "externalId": "1001",
            "name": {"givenName": "Ada", "familyName": "Example"},
            "emails": ["ada@example.com"],
            "phoneNumbers": ["+1", {"value": "+2", "type": "home"}],
            "urn:example:User": {"badge": {"number": 7}},
        }
    ]
    groups: list[dict[str, Any]] = [
        {"displayName": "team", "members": ["ada@example.com", {"group": "core"}]},
        {"displayName": "empty", "members": []},
    ]
    assert yaml_text("users", users) == (
        "users:\n"
        "  - userName: ada@example.com\n"
        "    externalId: '1001'\n"
        "    name: {givenName: Ada, familyName: Example}\n"
        "    emails: [ada@example.com]\n"
        "    phoneNumbers:\n"
        "      - '+1'\n"
        "      - {value: '+2', type: home}\n"
        "    urn:example:User: {badge: {number: 7}}\n"
    )
    assert yaml_text("groups", groups) == (
        "groups:\n"
        "  - displayName: team\n"
        "    members:\n"
        "      - ada@example.com\n"
        "      - {group: core}\n"
        "  - displayName: empty\n"
        "    members: []\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Ada", "Ada"),
        ("Zoë 𠮷野 हि\u200dन्दी", '"Zoë 𠮷野 हि\u200dन्दी"'),
        ("Zoë", "Zoë"),
        ("👩\u200d🚀", '"👩\u200d🚀"'),
        ("NO", "'NO'"),
        ("Null", "'Null'"),
        ("1001", "'1001'"),
        ("1e+16", "'1e+16'"),
        (" lead", "' lead'"),
        ("a\u202eb", '"a\\u202Eb"'),
        ("line\nbreak", '"line\\nbreak"'),
        ("C:\\U0001F600", '"C:\\\\U0001F600"'),
        (1e16, "1e+16"),
        (1.5, "1.5"),
        ({"env": "SCIM_TOKEN"}, "{env: SCIM_TOKEN}"),
    ],
)
def test_a_value_is_quoted_only_where_that_says_more(value: Any, written: str) -> None:
    assert flow_text(value) == written
    assert read_back(f"users: [{written}]") == {"users": [value]}

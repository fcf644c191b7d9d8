"""Every resource gets one file, whose name any file system takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.attributes import fold
from reconciler.importing.layout import Split, lay_out, letter, slug


@pytest.mark.parametrize(
    ("department", "expected"),
    [
        ("Platform", "platform"),
        ("Research & Development", "research-development"),
        ("R&D / Labs", "r-d-labs"),
        ("Österreich", "österreich"),
        ("हिन्दी विभाग", "हिन्दी-विभाग"),
        ("開発部", "開発部"),
        ("e\u0301quipe", "équipe"),
        ("../../etc/passwd", "etc-passwd"),
        ("con", "con-"),
        ("COM1", "com1-"),
        ("a\u202eb", "ab"),
        ("🚀", "other"),
        ("...", "other"),
        ("", "other"),
        ("x" * 400, "x" * 120),
        ("ö" * 400, "ö" * 60),
    ],
)
def test_a_department_gives_a_readable_file_name(department: str, expected: str) -> None:
    assert slug(department) == expected


@given(st.text())
def test_a_file_name_is_safe_everywhere(text: str) -> None:
    name = slug(text)
    assert name
    assert len(name.encode()) <= 121
    assert not set(name) & set('/\\:*?"<>|. \n\t\0')
    assert name.isprintable()


@given(st.text(), st.text())
def test_file_names_never_differ_in_letter_case_alone(one: str, other: str) -> None:
    assert (fold(slug(one)) == fold(slug(other))) == (slug(one) == slug(other))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada", "a"),
        ("émile", "é"),
        ("7up", "0-9"),
        ("²x", "0-9"),
        ("@home", "h"),
        ("🚀", "other"),
        ("other", "o"),
        ("山", "山"),
    ],
)
def test_a_name_goes_by_its_first_letter(name: str, expected: str) -> None:
    assert letter(name) == expected


USERS: list[dict[str, Any]] = [
    {"userName": "ada", "department": "Platform"},
    {"userName": "Bob", "department": "PLATFORM"},
    {"userName": "eve"},
]
GROUPS: list[dict[str, Any]] = [{"displayName": "core"}, {"displayName": "Team"}]


@pytest.mark.parametrize(
    ("split", "files"),
    [
        (Split.DEPARTMENT, {"users/platform": ["ada", "Bob"], "users/other": ["eve"], "groups": ["core", "Team"]}),
        (
            Split.LETTER,
            {"users/a": ["ada"], "users/b": ["Bob"], "users/e": ["eve"], "groups/c": ["core"], "groups/t": ["Team"]},
        ),
        (Split.NONE, {"users": ["ada", "Bob", "eve"], "groups": ["core", "Team"]}),
    ],
)
def test_each_split_has_its_files(split: Split, files: dict[str, list[str]]) -> None:
    laid_out = lay_out(USERS, GROUPS, split)
    names = {
        path: [item.get("userName") or item["displayName"] for item in items] for path, (_, items) in laid_out.items()
    }
    assert names == files
    assert all(path.startswith(key) for path, (key, _) in laid_out.items())

"""Every problem that files can have: its exact message and its place, as in the tables below ``cases``.

A case is a title, the content of one file, and what is printed for it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.desired.conftest import Problems


CASES = Path(__file__).parent / "cases"


def cases(*tables: str) -> list[object]:
    found: list[object] = []
    for table in tables:
        for case in re.split(r"^== ", (CASES / f"{table}.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, body = case.partition("\n")
            content, *expected = re.split(r"^=> ", body, flags=re.MULTILINE)
            found.append(pytest.param(content, [message.rstrip() for message in expected], id=f"{table}: {title}"))
    return found


@pytest.mark.parametrize(("content", "expected"), cases("yaml", "file", "user", "meaning"))
def test_tells_what_is_wrong_with_a_file_and_where(problems: Problems, content: str, expected: list[str]) -> None:
    assert problems({"a.yaml": content}) == expected


@pytest.mark.parametrize(("content", "expected"), cases("directory"))
def test_tells_what_is_wrong_with_directory_yaml(problems: Problems, content: str, expected: list[str]) -> None:
    assert problems({"directory.yaml": content}) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"users:\n- \x00", "a.yaml:2:3: error: YAML does not allow the character U+0000"),
        ("é: \u0081".encode(), "a.yaml:1:4: error: YAML does not allow the character U+0081"),
        (b"users:\n  - userName: a\xff", "a.yaml:2:16: error: not valid UTF-8: byte 0xff (save the file as UTF-8)"),
        (b"users: \xc3", "a.yaml:1:8: error: not valid UTF-8: byte 0xc3 (save the file as UTF-8)"),
        ("users:".encode("utf-16"), "a.yaml:1:1: error: the file is UTF-16 (save the file as UTF-8)"),
        ("users:".encode("utf-16-be"), "a.yaml:1:1: error: YAML does not allow the character U+0000"),
    ],
)
def test_tells_which_bytes_are_not_text(problems: Problems, content: bytes, expected: str) -> None:
    [problem] = problems({"a.yaml": content})
    assert problem.startswith(expected)


def test_reports_the_problems_of_all_files_in_one_run_sorted_by_place(problems: Problems) -> None:
    found = problems(
        {
            "directory.yaml": "directory: {name: acme, base_url: x, token: {env: T}}\nunlisted: {users: ignore}\n",
            "b/users.yaml": "users:\n  - userName: ada\n    titel: x\n  - userName: ada\n    active: maybe\n",
            "a/broken.yaml": "users: [a",
            "a/groups.yaml": "groups: [{displayName: g, lifecycle: {until: never}}]",
        }
    )
    assert [problem.split(" error: ")[0] for problem in found] == [
        "a/broken.yaml:1:8:",
        "a/groups.yaml:1:39:",
        "b/users.yaml:3:5:",
        "b/users.yaml:5:5:",
        "directory.yaml:1:25:",
        "directory.yaml:2:1:",
    ]


def test_a_member_is_not_called_unlisted_when_the_file_that_may_list_it_cannot_be_read(problems: Problems) -> None:
    found = problems({"a.yaml": "users: [", "b.yaml": "groups: [{displayName: g, members: [ada]}]"})
    assert [problem[:7] for problem in found] == ["a.yaml:"]


def test_a_member_is_not_called_unlisted_when_only_its_entry_is_wrong(problems: Problems) -> None:
    found = problems(
        {"a.yaml": "users: [{userName: ada, titel: x}]\ngroups: [{displayName: g, members: [ada]}]"},
    )
    assert len(found) == 1


@pytest.mark.parametrize("secret", ["token: s3cret", "token: {env: s3cret-}", "token: {file: [s3cret]}"])
def test_a_token_is_never_repeated(problems: Problems, secret: str) -> None:
    content = (
        f'directory: {{name: a, base_url: "https://a.example.com", {secret}}}\nunlisted: {{users: a, groups: a}}\n'
    )
    assert "s3cret" not in "\n".join(problems({"directory.yaml": content}))

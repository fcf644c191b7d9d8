"""Every problem that files can have: its exact message and its place, as in the tables below ``cases``.

A case is a title, the content of one file, and what is printed for it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.attributes import ENTERPRISE_USER
from reconciler.desired import load
from reconciler.diagnostics import DiagnosticsError, has_errors

if TYPE_CHECKING:
    from tests.desired.conftest import Problems, Write


CASES = Path(__file__).parent / "cases"
DIRECTORY = """\
directory: {name: acme, base_url: "https://scim.example.com", token: {env: T}}
unlisted: {users: ignore, groups: ignore}
"""


def cases(*tables: str) -> list[object]:
    found: list[object] = []
    for table in tables:
        for case in re.split(r"^== ", (CASES / f"{table}.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, body = case.partition("\n")
            content, *expected = re.split(r"^=> ", body, flags=re.MULTILINE)
            found.append(pytest.param(content, [message.rstrip() for message in expected], id=f"{table}: {title}"))
    return found


@pytest.mark.parametrize(("content", "expected"), cases("yaml", "file", "user", "meaning", "together"))
def test_tells_what_is_wrong_with_a_file_and_where(problems: Problems, content: str, expected: list[str]) -> None:
    assert problems({"a.yaml": content}) == expected


@pytest.mark.parametrize(("content", "expected"), cases("directory", "directory_together"))
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
        "b/users.yaml:4:5:",
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


def test_a_line_break_at_the_end_does_not_pass_a_pattern(problems: Problems) -> None:
    content = (
        'directory: {name: acme, base_url: "https://scim.example.com", token: {env: T}, dialect: "generic\\n"}\n'
        "unlisted: {users: ignore, groups: ignore}\n"
    )
    assert problems({"directory.yaml": content}) == [
        "directory.yaml:1:80: error: directory.dialect is not allowed",
    ]


MANY = 5_000


@pytest.mark.parametrize(
    "content",
    [
        "".join(f"k{number}: 1\n" for number in range(MANY)),
        "users: []\n" + "users: []\n" * MANY,
        "users:\n" + "  - titel: x\n" * MANY,
        "users: [{userName: a, emails: [" + "a, " * MANY + "]}]",
        "users: [{userName: a, " + ", ".join(f"k{number}: 1" for number in range(MANY)) + "}]",
        "users: [{userName: a, lifecycle: {previously: [a" + ", []" * MANY + "]}}]",
        "groups: [{displayName: g, members: [" + "true, " * MANY + "]}]",
    ],
)
def test_thousands_of_problems_in_one_place_are_all_told(problems: Problems, content: str) -> None:
    assert len(problems({"a.yaml": content})) in range(MANY, 2 * MANY + 1)


def test_a_long_circle_of_groups_is_told_in_short(problems: Problems) -> None:
    groups = [f"{{displayName: g{number}, members: [{{group: g{(number + 1) % 99}}}]}}" for number in range(99)]
    [problem] = problems({"a.yaml": f"groups: [{', '.join(groups)}]"})
    assert problem.endswith("themselves: g0 → g1 → g2 → g3 → g4 → g5 → g6 → g7 → g8 → … → g98 → g0")


def test_what_a_broken_directory_yaml_says_of_members_still_counts(problems: Problems) -> None:
    group = "groups: [{displayName: g, members: [eve]}]"
    for line, told in (
        ("members_may_be_unlisted: true", 0),
        ("members_may_be_unlisted: 1", 0),
        ("members_may_be_unlistd: true", 0),
        ("members_may_be_unlisted: false", 1),
        ("", 1),
    ):
        found = problems({"directory.yaml": f"directory: {{}}\n{line}\n", "a.yaml": group})
        assert sum(problem.startswith("a.yaml") for problem in found) == told


def test_the_scope_is_checked_though_something_else_is_wrong(problems: Problems) -> None:
    directory = 'scope: {users: department eq "a" and active eq true, groups: displayName sw "team-"}\n'
    listed = """
users:
  - {userName: out, department: b, titel: x}
  - {username: out, department: b}
  - {userName: unknown, department: [b]}
  - {userName: unclear, department: a, active: maybe}
groups: [{displayName: out, x: y}]
"""
    found = problems({"directory.yaml": directory, "a.yaml": listed})
    assert [problem.partition(" is outside")[0] for problem in found if "is outside" in problem] == [
        "a.yaml:3:6: error: user:out",
        "a.yaml:4:5: error: this user",
        "a.yaml:7:11: error: group:out",
    ]


SECRETS = [
    "base_url: ftp://ada:s3cret@scim.example.com, token: {env: T}",
    "base_url: https://ada:s3cret@scim.example.com, token: {env: T}",
    "base_url: https://ada:s3cret@scim\N{ACCOUNT OF}.example.com, token: {env: T}",
    "base_url: https://scim.example.com, token: s3cret",
    "base_url: https://scim.example.com, token: {value: s3cret}",
    "base_url: https://scim.example.com, token: {env: s3cret-}",
    "base_url: https://scim.example.com, token: {file: [s3cret]}",
    "base_url: https://scim.example.com, tokken: s3cret",
]


@pytest.mark.parametrize("keys", SECRETS)
def test_a_secret_is_never_repeated(write: Write, keys: str) -> None:
    content = f"directory: {{name: acme, {keys}}}\nunlisted: {{users: ignore, groups: ignore}}\n"
    user = "users: [{userName: ada, password: s3cret}]"
    with pytest.raises(DiagnosticsError) as refused:
        load(write({"directory.yaml": content, "a.yaml": user}))
    assert len(refused.value.diagnostics) >= 2
    assert "s3cret" not in json.dumps([problem.as_json() for problem in refused.value.diagnostics])


STORES = [
    "postgresql://ada:s3cret@db.example.com/reconciler",
    "postgresql://ada:${A}s3cret@db.example.com/reconciler",
    "postgresql://db.example.com/reconciler?password=s3cret",
    "postgresql://ada:1/s3cret@db.example.com/reconciler",
    "postgresql://ada:1?s3cret@db.example.com/reconciler",
    "postgresql://ada:1#s3cret@db.example.com/reconciler",
    "postgresql://db.example.com:s3cret/reconciler",
    "postgresql://[s3cret/reconciler",
    "postgres://ada:s3cret@db.example.com/reconciler",
    "mysql://ada:s3cret@db.example.com/reconciler",
    "${A}://${ada:s3cret}",
    "${A}://ada:s3cret@db.example.com/reconciler",
    "${A}s3cret",
    "[s3cret]",
]


@pytest.mark.parametrize("store", STORES)
def test_a_secret_in_the_address_of_the_store_is_refused_and_never_repeated(write: Write, store: str) -> None:
    written = store if store.startswith("[") else f"'{store}'"
    content = f"{DIRECTORY}store: {written}\n"
    with pytest.raises(DiagnosticsError) as refused:
        load(write({"directory.yaml": content}))
    [problem] = refused.value.diagnostics
    assert problem.origin is not None
    assert problem.origin.line == 3
    assert "s3cret" not in json.dumps(problem.as_json())


NAMES = st.sampled_from(["ada", "bob", "Ada", "team", "", " x", "a@example.com"])
SCALARS = NAMES | st.none() | st.booleans() | st.integers(-2, 2000) | st.sampled_from(["2026-01-01", "active pr"])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=6
)
MEMBER = NAMES | st.fixed_dictionaries(
    {}, optional={"user": NAMES, "group": NAMES, "from": SCALARS, "until": SCALARS, "reason": ANYTHING}
)
LIFECYCLE = st.fixed_dictionaries(
    {},
    optional={
        "previously": st.lists(NAMES, max_size=2) | ANYTHING,
        "until": SCALARS,
        "min_members": SCALARS,
        "required_members": st.lists(NAMES, max_size=2) | ANYTHING,
    },
)
EMAIL = NAMES | st.fixed_dictionaries({}, optional={"value": SCALARS, "primary": SCALARS, "type": ANYTHING})
USER = st.fixed_dictionaries(
    {"userName": NAMES},
    optional={
        **dict.fromkeys(["id", "externalId", "title", "department", "name", "active", "manager", "x"], ANYTHING),
        "emails": st.lists(EMAIL, max_size=3) | ANYTHING,
        "lifecycle": LIFECYCLE | ANYTHING,
        ENTERPRISE_USER: ANYTHING,
        "urn:example:extra": ANYTHING,
    },
)
GROUP = st.fixed_dictionaries(
    {"displayName": NAMES},
    optional={"members": st.lists(MEMBER, max_size=4) | ANYTHING, "match": ANYTHING, "lifecycle": LIFECYCLE | ANYTHING},
)
FILE = st.fixed_dictionaries(
    {}, optional={"users": st.lists(USER, max_size=3) | ANYTHING, "groups": st.lists(GROUP, max_size=3) | ANYTHING}
)


LIMIT = st.fixed_dictionaries({}, optional={"count": SCALARS, "percent": SCALARS}) | ANYTHING
AFTER = st.fixed_dictionaries({}, optional={"after": st.sampled_from(["7d", "7", 7, "0d"]), "after_deactivated": NAMES})
SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "scope": ANYTHING,
    "unlisted": st.fixed_dictionaries(
        {"groups": st.just("ignore")},
        optional={"users": st.fixed_dictionaries({}, optional={"deactivate": AFTER, "delete": AFTER}) | ANYTHING},
    ),
    "guards": st.fixed_dictionaries({}, optional={"users": st.fixed_dictionaries({"create": LIMIT}), "live": ANYTHING}),
    "protect": st.fixed_dictionaries(
        {},
        optional={
            "break_glass": st.lists(NAMES, max_size=2) | ANYTHING,
            "min_members": st.dictionaries(NAMES, SCALARS, max_size=2) | ANYTHING,
            "required_members": st.dictionaries(NAMES, st.lists(NAMES, max_size=2) | ANYTHING, max_size=2),
        },
    ),
    "apply": st.fixed_dictionaries({}, optional={"max_failures": LIMIT, "lock_lease": SCALARS, "canary": SCALARS}),
    "store": st.sampled_from(
        ["postgresql://", "postgresql://h/d", "${A", "${A}", "postgresql://h:99999", "postgresql:// "]
    ),
    "domains": st.lists(st.sampled_from(["example.com", "x"])) | ANYTHING,
}


@settings(deadline=None)
@given(FILE | ANYTHING, st.fixed_dictionaries({}, optional=SETTINGS))
def test_whatever_files_hold_they_are_loaded_or_refused_with_every_problem_placed(
    listed: Any, extra: dict[str, Any]
) -> None:
    with TemporaryDirectory() as folder:
        workspace = Path(folder)
        directory = {
            "directory": {"name": "acme", "base_url": "https://scim.example.com", "token": {"env": "T"}},
            "unlisted": {"users": "ignore", "groups": "ignore"},
            **extra,
        }
        workspace.joinpath("directory.yaml").write_text(yaml.safe_dump(directory))
        workspace.joinpath("a.yaml").write_text(yaml.safe_dump(listed))
        try:
            users = load(workspace).desired.users
        except DiagnosticsError as error:
            users, found, refused = (), error.diagnostics, True
        else:
            found, refused = (), False
    assert has_errors(found) == refused
    assert all(problem.origin is not None for problem in found)
    assert all(user.attributes["active"] in (True, False) for user in users)

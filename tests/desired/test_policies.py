"""How careful ``directory.yaml`` says to be: unlisted, guards, protect, apply, reconcile, store."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.config import ApplySettings, DirectoryConfig, Guards, Limit, Protection, Unlisted
from reconciler.desired import json_schema, load
from reconciler.desired.whole_numbers import with_whole_numbers
from reconciler.durations import parse_duration
from reconciler.planning.vocabulary import CHANGE_KINDS

if TYPE_CHECKING:
    from tests.desired.conftest import Write

DIRECTORY = 'directory: {name: acme, base_url: "https://scim.example.com", token: {env: T}}\n'
IGNORED = "unlisted: {users: ignore, groups: ignore}\n"
PROPERTIES = json_schema("directory")["properties"]


def config(write: Write, lines: str) -> DirectoryConfig:
    """Return what a valid ``directory.yaml`` says that ends with these lines."""
    unlisted = "" if lines.startswith("unlisted:") else IGNORED
    return load(write({"directory.yaml": DIRECTORY + unlisted + lines})).desired.config


def days(number: int) -> timedelta:
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("ignore", (Unlisted.IGNORE, days(0), None)),
        ("deactivate", (Unlisted.DEACTIVATE, days(0), None)),
        ("delete", (Unlisted.DELETE, days(0), None)),
        ("{deactivate: {after: 7d}}", (Unlisted.DEACTIVATE, days(7), None)),
        ("{delete: {after: 2w}}", (Unlisted.DELETE, days(14), None)),
        ("{delete: {after_deactivated: 30d}}", (Unlisted.DEACTIVATE, days(0), days(30))),
        (
            "{deactivate: {after: 12h}, delete: {after_deactivated: 30d}}",
            (Unlisted.DEACTIVATE, timedelta(hours=12), days(30)),
        ),
    ],
)
def test_unlisted_users_are_dealt_with_at_once_or_after_some_time(write: Write, stated: str, expected: Any) -> None:
    policy = config(write, f"unlisted: {{users: {stated}, groups: ignore}}").policy
    assert (policy.unlisted_users, policy.unlisted_users_after, policy.delete_after_deactivated) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("ignore", (Unlisted.IGNORE, days(0))),
        ("delete", (Unlisted.DELETE, days(0))),
        ("{delete: {after: 7d}}", (Unlisted.DELETE, days(7))),
    ],
)
def test_unlisted_groups_are_dealt_with_at_once_or_after_some_time(write: Write, stated: str, expected: Any) -> None:
    policy = config(write, f"unlisted: {{users: ignore, groups: {stated}}}").policy
    assert (policy.unlisted_groups, policy.unlisted_groups_after) == expected


def test_every_guard_can_be_stated(write: Write) -> None:
    stated = {
        "users": {"create": 1, "update": 2, "deactivate": 3, "delete": 4},
        "groups": {"create": 5, "delete": 6},
        "members": {"remove": 7},
        "memberships": {"remove": 8},
        "identity": {"change": 9},
        "live": {"shrink": 10},
    }
    limits = {kind: {name: {"percent": number} for name, number in of.items()} for kind, of in stated.items()}
    found = config(write, yaml.safe_dump({"guards": limits})).policy.guards
    assert {guard.name: getattr(found, guard.name) for guard in fields(Guards)} == {
        f"{kind}_{name}": Limit(percent=number) for kind, of in stated.items() for name, number in of.items()
    }


@pytest.mark.parametrize("stated", ["", "guards:", "guards: {users: null}"])
def test_guards_hold_without_being_written(write: Write, stated: str) -> None:
    assert config(write, stated).policy.guards == Guards()


def told_default(description: str) -> Any:
    """Return the default that a description tells at its end."""
    found = re.search(r"(\{[^{}]*\}|\S+) if left out\.$", description)
    assert found is not None, description
    return yaml.safe_load(found[1])


@pytest.mark.parametrize("guard", fields(Guards), ids=lambda guard: guard.name)
def test_the_schema_tells_the_default_of_a_guard(guard: Any) -> None:
    kind, _, name = guard.name.partition("_")
    part = PROPERTIES["guards"]["properties"][kind]["properties"][name]
    assert Limit(**told_default(part["description"])) == guard.default


def test_the_schema_knows_no_other_guards() -> None:
    kinds = PROPERTIES["guards"]["properties"]
    assert [f"{kind}_{name}" for kind in kinds for name in kinds[kind]["properties"]] == [
        guard.name for guard in fields(Guards)
    ]


def test_the_schema_tells_the_default_of_every_setting_of_apply() -> None:
    defaults = ApplySettings()
    for name, part in PROPERTIES["apply"]["properties"].items():
        default = getattr(defaults, name)
        if isinstance(default, Limit):
            assert Limit(**told_default(part["description"])) == default
        elif isinstance(default, timedelta):
            assert part["default"] == told_default(part["description"])
            assert parse_duration(part["default"]) == default
        else:
            assert part.get("default") == with_whole_numbers(default)
    assert set(PROPERTIES["apply"]["properties"]) == {one.name for one in fields(ApplySettings)}


DOCUMENT = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def documented(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below a heading of the document, by their first cell without its quotes."""
    section = DOCUMENT.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:3] == "| `"
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_document_tells_the_default_of_every_guard() -> None:
    told = {guard: Limit(**yaml.safe_load(cells[-1].strip("`"))) for guard, cells in documented("Guards").items()}
    assert told == {guard.name.replace("_", ".", 1): guard.default for guard in fields(Guards)}


def test_the_document_tells_the_default_of_every_setting_of_apply() -> None:
    first = {name: cells[0] for name, cells in documented("`apply`").items()}
    told = {name: None if cell == "none" else yaml.safe_load(cell.strip("`")) for name, cell in first.items()}
    parts = PROPERTIES["apply"]["properties"]
    expected = {name: part.get("default") for name, part in parts.items()}
    expected["max_failures"] = told_default(parts["max_failures"]["description"])
    assert told == expected


def test_the_document_tells_every_key_of_protect() -> None:
    assert list(documented("`protect`")) == list(PROPERTIES["protect"]["properties"])


def test_apply_is_read_in_full(write: Write) -> None:
    lines = """
apply:
  chunk_size: 50
  canary: 3
  concurrency: 2
  timeout: 5
  max_failures: {count: 2.0, percent: 50}
  stop_on_difference: false
  max_plan_age: 12h
  lock_lease: 90s
  verify_key: keys/plans.pub
"""
    found = config(write, lines)
    assert found.apply == ApplySettings(
        chunk_size=50,
        canary=3,
        concurrency=2,
        timeout=5,
        max_failures=Limit(count=2, percent=50),
        stop_on_difference=False,
        max_plan_age=timedelta(hours=12),
        lock_lease=timedelta(seconds=90),
        verify_key="keys/plans.pub",
    )
    assert (found.policy.chunk_size, found.policy.canary) == (50, 3)
    assert isinstance(found.apply.max_failures.count, int)


def test_what_is_protected_is_read_in_full(write: Write) -> None:
    lines = """
protect:
  users: ["*-admin@example.com", 7]
  groups: [org-*]
  break_glass: [emergency@example.com, 911]
  privileged: ["*-admins"]
  min_members: {org-admins: 2, 7: 3.0}
  required_members: {org-admins: [ada@example.com, 1001], 7: [ada@example.com]}
"""
    assert config(write, lines).policy.protection == Protection(
        users=("*-admin@example.com", "7"),
        groups=("org-*",),
        break_glass=("emergency@example.com", "911"),
        privileged=("*-admins",),
        min_members={"org-admins": 2, "7": 3},
        required_members={"org-admins": ("ada@example.com", "1001"), "7": ("ada@example.com",)},
    )


@pytest.mark.parametrize("stated", ["", "protect:", "protect: {users: null, min_members: null}"])
def test_nothing_is_protected_unless_it_is_stated(write: Write, stated: str) -> None:
    assert config(write, stated).policy.protection == Protection()


LISTED = "users: [{userName: ada@example.com}]\ngroups: [{displayName: Admins}]\n"


def warned(write: Write, protect: str, listed: str = LISTED) -> list[str]:
    directory = f"{DIRECTORY}{IGNORED}protect: {protect}\n"
    return [str(warning) for warning in load(write({"directory.yaml": directory, "a.yaml": listed})).warnings]


def test_protected_names_that_no_file_lists_are_warned_of(write: Write) -> None:
    protect = (
        "{break_glass: [adda@example.com, emergency], min_members: {admns: 1}, "
        "required_members: {owners: [bob, ADA@example.com]}}"
    )
    where = "nothing is wrong where only the directory has it"
    assert warned(write, protect) == [
        "directory.yaml:3:25: warning: protect.break_glass names the user 'adda@example.com', which no file lists "
        "(did you mean 'ada@example.com'?)",
        f"directory.yaml:3:43: warning: protect.break_glass names the user 'emergency', which no file lists ({where})",
        "directory.yaml:3:69: warning: protect.min_members names the group 'admns', which no file lists "
        "(did you mean 'Admins'?)",
        f"directory.yaml:3:99: warning: protect.required_members names the group 'owners', which no file lists "
        f"({where})",
        f"directory.yaml:3:108: warning: protect.required_members names the user 'bob', which no file lists ({where})",
    ]


def test_protected_names_that_are_listed_and_patterns_are_not_warned_of(write: Write) -> None:
    protect = "{users: [nobody*], break_glass: [ADA@example.com], min_members: {admins: 1}, privileged: [x]}"
    assert warned(write, protect) == []


def test_a_group_says_who_is_required_in_it_and_that_it_is_privileged(write: Write) -> None:
    listed = "groups: [{displayName: g, members: [ada, 7], lifecycle: {required_members: [ADA, 7], privileged: true}}]"
    desired = load(write({"a.yaml": f"users: [{{userName: ada}}, {{userName: 7}}]\n{listed}"})).desired
    lifecycle = desired.groups[0].lifecycle
    assert (lifecycle.required_members, lifecycle.privileged) == (("ADA", "7"), True)
    assert desired.groups[0].source.locate("lifecycle", "required_members", 1).column == 82


def test_a_required_member_may_be_one_that_no_file_lists_where_members_may(write: Write) -> None:
    group = "groups: [{displayName: g, members: [eve], lifecycle: {required_members: [eve]}}]"
    directory = f"{DIRECTORY}{IGNORED}members_may_be_unlisted: true\n"
    [found] = load(write({"directory.yaml": directory, "a.yaml": group})).desired.groups
    assert found.lifecycle.required_members == ("eve",)


def test_the_kinds_of_change_are_those_of_plans(write: Write) -> None:
    items = PROPERTIES["reconcile"]["properties"]["auto_approve"]["items"]
    assert tuple(items["enum"]) == CHANGE_KINDS
    stated = "reconcile: {auto_approve: [users.create, members.add, users.create]}"
    assert config(write, stated).auto_approve == ("users.create", "members.add")


@pytest.mark.parametrize("stated", ["", "reconcile:", "reconcile: {auto_approve: null}", "reconcile: {}"])
def test_nothing_is_approved_without_a_person_unless_it_is_stated(write: Write, stated: str) -> None:
    assert config(write, stated).auto_approve == ()


@pytest.mark.parametrize(
    "store",
    [
        "postgresql://db.example.com/reconciler",
        "postgresql://reconciler@db.example.com:5432/reconciler?sslmode=verify-full",
        "postgresql://${STORE_USER}:${STORE_PASSWORD}@${STORE_HOST}:${STORE_PORT}/reconciler",
        "postgresql://db.example.com/reconciler?password=${STORE_PASSWORD}",
        "postgresql:///reconciler?host=/run/postgresql",
        "postgresql://[::1]:5432/reconciler",
        "${STORE}",
    ],
)
def test_the_store_is_a_postgresql_address_without_a_password_of_its_own(write: Write, store: str) -> None:
    assert config(write, f"store: '{store}'").store == store


def test_the_store_is_a_file_of_the_workspace_unless_it_is_stated(write: Write) -> None:
    assert config(write, "").store is None
    assert config(write, "store: null").store is None


def test_domains_keep_their_letters_apart_from_case(write: Write) -> None:
    found = config(write, "domains: [Example.com, EXAMPLE.com, Straße.example]").policy.domains
    assert found == ("example.com", "straße.example")

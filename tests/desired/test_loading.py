"""What files state, once they are read: SCIM's form, places, digest and commit."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.attributes import ENTERPRISE_USER
from reconciler.capabilities import Authority, Statement
from reconciler.config import ApplySettings, DirectoryConfig, Guards, Limit, Policy, TokenSource, Unlisted
from reconciler.desired import json_schema, load
from reconciler.desired.schema import SCHEMA_NAMES, SchemaName
from reconciler.diagnostics import DiagnosticsError, Severity
from reconciler.model import DesiredGroup, DesiredUser, Kind, Member, Origin, Replace

if TYPE_CHECKING:
    from tests.desired.conftest import Write


def user(write: Write, lines: str) -> DesiredUser:
    [found] = load(write({"a.yaml": "users:\n  - userName: ada\n" + lines})).desired.users
    return found


def groups(write: Write, content: str) -> tuple[DesiredGroup, ...]:
    users = "users: [{userName: ada}, {userName: 1001}]\n"
    return load(write({"a.yaml": users + content})).desired.groups


@pytest.mark.parametrize(
    ("line", "attributes"),
    [
        ("", {}),
        ("active: false", {"active": False}),
        ("externalId: 1001", {"externalId": "1001"}),
        ("title: 1.5", {"title": "1.5"}),
        ("title: null", {"title": None}),
        ("emails: []", {"emails": []}),
        ("emails: null", {"emails": None}),
        (
            "emails: [a@example.com, b@example.com]",
            {
                "emails": [
                    {"value": "a@example.com", "type": "work", "primary": True},
                    {"value": "b@example.com", "type": "work"},
                ]
            },
        ),
        (
            "emails: [a@example.com, {value: b@example.com, primary: true}]",
            {"emails": [{"value": "a@example.com", "type": "work"}, {"value": "b@example.com", "primary": True}]},
        ),
        ("emails: [{value: a@example.com, type: home}]", {"emails": [{"value": "a@example.com", "type": "home"}]}),
        (
            "phoneNumbers: [4930, +49 31]",
            {"phoneNumbers": [{"value": "4930", "type": "work"}, {"value": "+49 31", "type": "work"}]},
        ),
        ("addresses: [{postalCode: 10115, primary: true}]", {"addresses": [{"postalCode": "10115", "primary": True}]}),
        ("name: {givenName: 7, familyName: null}", {"name": {"givenName": "7", "familyName": None}}),
        ("department: 7", {ENTERPRISE_USER: {"department": "7"}}),
        ("manager: {value: x}", {ENTERPRISE_USER: {"manager": {"value": "x"}}}),
        (f"{ENTERPRISE_USER}: null", {ENTERPRISE_USER: None}),
        (f"{ENTERPRISE_USER}: {{division: 1}}", {ENTERPRISE_USER: {"division": "1"}}),
        (
            f"department: a\n    {ENTERPRISE_USER}: {{division: b}}",
            {ENTERPRISE_USER: {"division": "b", "department": "a"}},
        ),
        ("urn:example:extra: {level: 3}", {"urn:example:extra": {"level": 3}}),
    ],
)
def test_a_user_is_brought_into_the_form_of_scim(write: Write, line: str, attributes: dict[str, Any]) -> None:
    assert user(write, f"    {line}\n").attributes == {"userName": "ada", "active": True, **attributes}


def test_what_is_the_tools_own_is_kept_apart_from_the_attributes(write: Write) -> None:
    found = user(
        write,
        "    id: 12\n"
        "    lifecycle: {protected: true, previously: [eda, 7], from: 2026-01-01, until: 2026-01-31, reason: 5}\n",
    )
    assert found.attributes == {"userName": "ada", "active": True}
    assert found.id == "12"
    assert found.lifecycle.protected
    assert found.lifecycle.previously == ("eda", "7")
    assert found.lifecycle.starts == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.lifecycle.until == datetime(2026, 2, 1, tzinfo=UTC)
    assert found.lifecycle.reason == "5"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ("[]", ()),
        ("[ada, 1001]", (Member(kind=Kind.USER, name="ada"), Member(kind=Kind.USER, name="1001"))),
        ("[{group: h}]", (Member(kind=Kind.GROUP, name="h"),)),
        (
            "[{user: ADA, from: 2026-01-01, until: null, reason: x}]",
            (Member(kind=Kind.USER, name="ADA", starts=datetime(2026, 1, 1, tzinfo=UTC), reason="x"),),
        ),
    ],
)
def test_members_are_as_many_as_were_written(write: Write, members: str, expected: tuple[Member, ...]) -> None:
    first, _ = groups(write, f"groups: [{{displayName: g, members: {members}}}, {{displayName: h}}]")
    assert first.members == expected
    assert first.manages_members


def test_a_group_may_leave_its_membership_alone_or_have_a_rule(write: Write) -> None:
    unmanaged, ruled = groups(write, "groups: [{displayName: g}, {displayName: h, match: active eq true}]")
    assert (unmanaged.members, unmanaged.match, unmanaged.manages_members) == (None, None, False)
    assert (ruled.members, ruled.match, ruled.manages_members) == (None, "active eq true", True)


def test_a_group_says_how_it_is_replaced(write: Write) -> None:
    automatic, manual = groups(
        write, "groups: [{displayName: g}, {displayName: h, lifecycle: {replace: manual-regrant}}]"
    )
    assert (automatic.lifecycle.replace, manual.lifecycle.replace) == (Replace.AUTOMATIC, Replace.MANUAL_REGRANT)


def test_equal_memberships_of_all_groups_are_one_object(write: Write) -> None:
    first, second = groups(
        write,
        "groups:\n"
        "  - {displayName: g, members: [ada, {user: 1001, until: 2026-01-01}]}\n"
        "  - {displayName: h, members: [{user: 1001, until: 2026-01-01}, {user: ada}]}\n",
    )
    assert first.members is not None
    assert second.members is not None
    assert first.members[0] is second.members[1]
    assert first.members[1] is second.members[0]


def test_members_may_be_unlisted_where_directory_yaml_says_so(write: Write) -> None:
    directory = write({}).joinpath("directory.yaml").read_text() + "members_may_be_unlisted: true\n"
    workspace = write({"directory.yaml": directory, "a.yaml": "groups: [{displayName: g, members: [eve]}]"})
    assert load(workspace).desired.groups[0].members == (Member(kind=Kind.USER, name="eve"),)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 2, 5),
        (("userName",), 2, 5),
        (("active",), 2, 5),
        (("emails", 0, "value"), 3, 14),
        ((ENTERPRISE_USER, "department"), 4, 5),
        ((ENTERPRISE_USER,), 5, 5),
        ((ENTERPRISE_USER, "division"), 5, 66),
        (("urn:example:other", "x"), 2, 5),
        (("lifecycle", "previously", 0), 6, 30),
        (("members", 0), 2, 5),
    ],
)
def test_a_value_of_a_user_is_found_by_its_scim_path(
    write: Write, path: tuple[str | int, ...], line: int, column: int
) -> None:
    found = user(
        write,
        "    emails: [a@example.com]\n"
        "    department: a\n"
        f"    {ENTERPRISE_USER}: {{division: b}}\n"
        "    lifecycle: {previously: [b]}\n",
    )
    assert found.source.locate(*path) == Origin("a.yaml", line, column)


def test_an_attribute_written_short_is_found_without_its_urn(write: Write) -> None:
    source = user(write, "    department: a\n").source
    assert source.locate(ENTERPRISE_USER, "department").line == 3
    assert source.locate(ENTERPRISE_USER).line == 2
    assert source.locate(ENTERPRISE_USER, "division").line == 2


def test_a_member_is_found_by_its_index(write: Write) -> None:
    content = (
        "groups:\n"
        "  - lifecycle: {previously: [f]}\n"
        "    displayName: g\n"
        "    members: [ada, {user: 1001, until: 2030-01-01}]\n"
    )
    source = groups(write, content)[0].source
    assert source.locate("members", 0) == Origin("a.yaml", 5, 15)
    assert source.locate("members", 1) == Origin("a.yaml", 5, 20)
    assert source.locate("members", 1, "until") == Origin("a.yaml", 5, 33)
    assert source.locate("members", 2) == Origin("a.yaml", 5, 5)
    assert source.locate("members") == Origin("a.yaml", 5, 5)


def test_directory_yaml_is_read_in_full(write: Write) -> None:
    content = """
directory:
  name: acme
  dialect: atlassian
  base_url: https://api.example.com/scim/${DIRECTORY_ID}
  token: {command: [pass, show, 7], expires: 2027-03-01}
  capabilities: {page_size: 50}
domains: [Example.com, EXAMPLE.org, example.com]
scope: {users: 'userName ew "@example.com"', groups: null}
unlisted: {users: deactivate, groups: delete}
guards:
  users: {deactivate: {count: 5}, delete: {percent: 1.5}}
  groups:
apply: {chunk_size: 10, concurrency: 2, timeout: 2.5}
members_may_be_unlisted: true
"""
    assert load(write({"directory.yaml": content})).desired.config == DirectoryConfig(
        name="acme",
        dialect="atlassian",
        base_url="https://api.example.com/scim/${DIRECTORY_ID}",
        token=TokenSource(command=("pass", "show", "7"), expires=date(2027, 3, 1)),
        policy=Policy(
            unlisted_users=Unlisted.DEACTIVATE,
            unlisted_groups=Unlisted.DELETE,
            scope_users='userName ew "@example.com"',
            guards=Guards(users_deactivate=Limit(count=5), users_delete=Limit(percent=1.5)),
            chunk_size=10,
            domains=("example.com", "example.org"),
        ),
        capabilities={
            "page_size": Statement(value=50, authority=Authority.OVERRIDE, source="directory.yaml:7"),
        },
        apply=ApplySettings(chunk_size=10, concurrency=2, timeout=2.5),
        members_may_be_unlisted=True,
    )


def test_whole_numbers_may_be_written_with_a_point(write: Write) -> None:
    directory = write({}).joinpath("directory.yaml").read_text()
    settings = "guards: {users: {delete: {count: 5.0}}}\napply: {chunk_size: 10.0}\n"
    group = "groups: [{displayName: g, members: [], lifecycle: {min_members: 0.0}}]"
    desired = load(write({"directory.yaml": directory + settings, "a.yaml": group})).desired
    numbers = (
        desired.config.policy.guards.users_delete.count,
        desired.config.policy.chunk_size,
        desired.groups[0].lifecycle.min_members,
    )
    assert numbers == (5, 10, 0)
    assert all(isinstance(number, int) for number in numbers)


SCOPED = """
directory: {name: a, base_url: "https://scim.example.com", token: {env: T}}
unlisted: {users: ignore, groups: ignore}
scope:
  users: department eq "Platform" and userName ew "@example.com"
  groups: displayName sw "team-"
"""


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://localhost/scim", "http://[::1]:1", "${URL}"])
def test_plain_http_is_for_this_machine(write: Write, base_url: str) -> None:
    content = SCOPED.replace("https://scim.example.com", base_url)
    assert load(write({"directory.yaml": content})).desired.config.base_url == base_url


def test_what_is_listed_must_be_inside_the_scope_as_far_as_the_files_tell(write: Write) -> None:
    content = """
users:
  - {userName: in@example.com, department: Platform}
  - {userName: unknown@example.com}
  - {userName: out@example.com, department: Support}
groups:
  - {displayName: team-a}
  - {displayName: a}
"""
    with pytest.raises(DiagnosticsError) as refused:
        load(write({"directory.yaml": SCOPED, "a.yaml": content}))
    found = {(problem.code, problem.text, problem.origin) for problem in refused.value.diagnostics}
    assert found == {
        ("out-of-scope", "out@example.com", Origin("a.yaml", 5, 6)),
        ("out-of-scope", "a", Origin("a.yaml", 8, 6)),
    }


def test_attributes_of_an_extension_that_only_the_directory_knows_are_allowed_in_filters(write: Write) -> None:
    [found] = groups(write, "groups: [{displayName: g, match: 'urn:example:extra:level eq 3'}]")
    assert found.match == "urn:example:extra:level eq 3"


def test_what_works_and_is_probably_not_meant_is_a_warning(write: Write) -> None:
    loaded = load(
        write({"a.yaml": "groups: [{displayName: g, lifecycle: {min_members: 1}}]", "users.YAML": "not read"})
    )
    assert [(warning.severity, warning.code) for warning in loaded.warnings] == [
        (Severity.WARNING, "min-members"),
        (Severity.WARNING, "file-name"),
    ]


def test_many_misspelt_members_do_not_take_for_ever(write: Write) -> None:
    users = "users:\n" + "".join(f"  - userName: user{number}\n" for number in range(1_000))
    members = "groups:\n  - displayName: g\n    members:\n" + "".join(f"      - usr{n}\n" for n in range(1_500))
    with pytest.raises(DiagnosticsError) as refused:
        load(write({"a.yaml": users, "b.yaml": members}))
    assert len(refused.value.diagnostics) == 1_500


def test_the_digest_tells_whether_any_file_changed_or_moved(write: Write, tmp_path: Path) -> None:
    digests = [
        load(write({"a.yaml": "users: []"})).desired.digest,
        load(write({"a.yaml": "users: [] "})).desired.digest,
        load(write({"a.yaml": "users: []", "b.yaml": ""})).desired.digest,
    ]
    (tmp_path / "workspace" / "b.yaml").rename(tmp_path / "workspace" / "c.yaml")
    digests.append(load(tmp_path / "workspace").desired.digest)
    assert len(set(digests)) == 4
    assert load(tmp_path / "workspace").desired.digest == digests[-1]
    assert load(tmp_path / "workspace").desired.files == 3
    assert digests[0].startswith("sha256:")


def git(workspace: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada Example", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", workspace, *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commit_of_the_workspace_is_told_and_whether_files_differ_from_it(write: Write) -> None:
    workspace = write({"a.yaml": "users: []"})
    assert load(workspace).desired.commit is None
    git(workspace, "init", "--quiet")
    assert load(workspace).desired.commit is None
    git(workspace, "add", "-A")
    git(workspace, "commit", "--quiet", "-m", "first")
    commit = git(workspace, "rev-parse", "HEAD")
    (workspace / ".reconciler").mkdir()
    (workspace / ".reconciler" / "lock").touch()
    assert load(workspace).desired.commit == commit
    write({"a.yaml": "users: [] # changed"})
    assert load(workspace).desired.commit == f"{commit}+dirty"


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_the_schemas_are_valid_and_their_examples_too(name: SchemaName) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)


def test_the_schemas_explain_every_key() -> None:
    def undescribed(part: Any, path: str) -> list[str]:
        if not isinstance(part, dict):
            return []
        found = [
            f"{path}.{name}"
            for name, inner in part.get("properties", {}).items()
            if isinstance(inner, dict) and "description" not in inner
        ]
        for name, inner in part.items():
            found += undescribed(inner, f"{path}.{name}")
        return found

    assert [undescribed(json_schema(name), name) for name in SCHEMA_NAMES] == [[], [], []]


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_the_schemas_refer_to_nothing_outside_of_themselves(name: SchemaName) -> None:
    references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(json_schema(name)))
    assert references
    assert all(reference.startswith("#/$defs/") for reference in references)


EXAMPLE = Path(__file__).parents[2] / "desired_state"


def test_the_example_workspace_is_valid() -> None:
    loaded = load(EXAMPLE)
    assert loaded.warnings == ()
    assert (len(loaded.desired.users), len(loaded.desired.groups)) == (14, 6)


def test_the_example_names_schemas_that_exist_for_editors() -> None:
    for path in EXAMPLE.rglob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        schema = (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()
        kind: SchemaName = "directory" if path.name == "directory.yaml" else "resources"
        assert json.loads(schema.read_text(encoding="utf-8"))["$id"] == json_schema(kind)["$id"]


def test_the_seed_of_the_example_is_a_state_that_a_strict_directory_accepts() -> None:
    seed = json.loads((EXAMPLE / ".sandbox" / "seed.json").read_text(encoding="utf-8"))
    names = [user["userName"] for user in seed["users"]]
    assert len(set(names)) == len(names)
    assert len({user["externalId"] for user in seed["users"]}) == len(names)
    assert all([email["primary"] for email in user["emails"] if "primary" in email] == [True] for user in seed["users"])
    assert {member for group in seed["groups"] for member in group["members"]} <= set(names)

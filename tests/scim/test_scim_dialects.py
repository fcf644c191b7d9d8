"""The dialects of the package: facts about real service providers, each with where it is documented."""

from __future__ import annotations

import itertools
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.attributes import rfc7643
from reconciler.capabilities import (
    Authority,
    Capabilities,
    MemberAdd,
    MemberRemove,
    MembersRead,
    Paging,
    UserDelete,
    capability_names,
    resolve,
)
from reconciler.desired import json_schema, load
from reconciler.filters import Filter
from reconciler.scim.dialects import (
    DialectError,
    dialect_names,
    dialect_of,
    is_dialect_file,
    load_dialect,
    read_dialect,
    read_statement,
)

NAMES = (
    "atlassian",
    "aws-identity-center",
    "databricks",
    "entra-style",
    "generic",
    "github-emu",
    "gitlab",
    "hcp-terraform",
    "keycloak",
    "miro",
    "okta-style",
    "salesforce",
    "slack",
    "snowflake",
)

SERVERS_SPEAK_OF = {
    "paging",
    "page_size",
    "group_page_size",
    "groups",
    "user_filters",
    "group_filters",
    "filter_operators",
    "patch_users",
    "patch_groups",
    "group_rename",
    "nested_groups",
    "unique_keys",
    "etag",
    "bulk_operations",
    "bulk_bytes",
}
"""What /ServiceProviderConfig, /Schemas or /ResourceTypes may say something of that a dialect knows better."""

MEMBERSHIP_WRITES = {
    "member_add",
    "member_remove",
    "members_read",
    "max_members_per_patch",
    "max_operations_per_patch",
    "max_body_bytes",
}
"""What a documented fact is worth more in than a default that may move: the wrong form can empty a group."""


def documents() -> dict[str, dict[str, Any]]:
    folder = resources.files("reconciler.scim.dialects")
    return {name: yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in dialect_names()}


def capabilities(name: str) -> Capabilities:
    return resolve(load_dialect(name).capabilities)[0]


def test_every_dialect_can_be_loaded() -> None:
    assert dialect_names() == NAMES
    assert [load_dialect(name).name for name in NAMES] == list(NAMES)
    assert all(load_dialect(name).description.endswith(".") for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_keeps_to_the_schema_that_users_files_keep_to(name: str) -> None:
    Draft202012Validator(json_schema("dialect")).validate(documents()[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_dialect_has_a_source(name: str) -> None:
    stated = documents()[name]["capabilities"]
    without = [capability for capability, line in stated.items() if not str(line.get("source", "")).strip()]
    assert without == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_dialect_assumes_it_says_why(name: str) -> None:
    sources = [statement.source for statement in load_dialect(name).capabilities.values()]
    assumed = [source for source in sources if "assum" in source.lower()]
    assert all(source.startswith("assumed; ") for source in assumed)


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_repeats_a_default_only_where_a_server_could_be_believed_instead(name: str) -> None:
    default = Capabilities()
    stated = load_dialect(name).capabilities
    repeated = {capability for capability in stated if stated[capability].value == getattr(default, capability)}
    assert repeated <= SERVERS_SPEAK_OF | MEMBERSHIP_WRITES


@pytest.mark.parametrize("name", NAMES)
def test_what_a_dialect_states_fits_together(name: str) -> None:
    found = capabilities(name)
    assert found.put_groups or MemberRemove.PUT is not found.member_remove
    assert found.put_groups or MemberAdd.PUT is not found.member_add
    assert found.patch_users or found.put_users
    assert found.patch_groups or found.put_groups
    assert found.paging is not Paging.FILTER_ONLY or found.filters("User", "userName")
    assert found.members_read is not MembersRead.PROBE or {"id", "members"} <= set(found.group_filters or ())
    assert found.members_read is not MembersRead.USERS_BY_GROUP or found.filters("User", "groups.value")


@pytest.mark.parametrize("name", NAMES)
def test_the_attributes_that_a_dialect_lets_a_filter_name_exist(name: str) -> None:
    found = capabilities(name)
    named = [
        *(Filter.parse(f'{name} eq "x"').unknown_attributes(rfc7643().user) for name in found.user_filters or ()),
        *(Filter.parse(f'{name} eq "x"').unknown_attributes(rfc7643().group) for name in found.group_filters or ()),
    ]
    assert not any(named)


def test_the_generic_dialect_overrides_nothing() -> None:
    assert load_dialect("generic").capabilities == {}


def test_the_atlassian_dialect_says_what_its_documents_say() -> None:
    found, statements = resolve(load_dialect("atlassian").capabilities)

    assert found.user_filters == ("userName", "externalId")
    assert not found.group_rename
    assert found.unique("Group", "displayName")
    assert found.reserves("All members for directory - 123")
    assert statements["group_rename"].source == "Atlassian REST, Update a group by ID (PATCH)"
    assert statements["throttle_markers"].authority is Authority.DEFAULT


@pytest.mark.parametrize(
    ("name", "reserved"),
    [("[sys] admins", True), ("[SYS] Admins of acme", True), ("s admins", False), ("[sys] users", False)],
)
def test_asterisk_and_question_mark_alone_are_special_in_names_of_reserved_groups(name: str, reserved: bool) -> None:
    assert Capabilities(reserved_groups=("[sys] ?dmins*",)).reserves(name) is reserved


def test_aws_never_lists_members_and_takes_a_hundred_at_a_time() -> None:
    found = capabilities("aws-identity-center")

    assert found.members_read is MembersRead.USERS_BY_GROUP
    assert not found.groups_hold_members
    assert (found.paging, found.page_size) == (Paging.CURSOR, 100)
    assert found.max_members_per_patch == 100
    assert not found.put_groups


def test_github_rewrites_whom_it_deactivates_and_never_takes_back_whom_it_deleted() -> None:
    found = capabilities("github-emu")

    assert found.deactivation_mutates == ("userName", "emails")
    assert found.user_delete is UserDelete.IRREVERSIBLE


def test_databricks_tells_of_too_many_requests_with_a_marker() -> None:
    found = capabilities("databricks")

    assert found.throttle_markers == ("REQUEST_LIMIT_EXCEEDED",)
    assert found.max_concurrency == 4
    assert [(rule.path, rule.case_exact) for rule in found.attributes] == [("User.userName", False)]


def test_the_listings_of_gitlab_and_snowflake_are_not_believed() -> None:
    assert {capabilities(name).paging for name in ("gitlab", "snowflake")} == {Paging.FILTER_ONLY}
    assert not capabilities("gitlab").groups


@pytest.mark.parametrize(
    ("name", "add", "remove"),
    [
        ("salesforce", MemberAdd.NESTED_VALUE, MemberRemove.NESTED_VALUE),
        ("entra-style", MemberAdd.VALUE_ARRAY, MemberRemove.VALUE_ARRAY),
        ("okta-style", MemberAdd.VALUE_ARRAY, MemberRemove.PATH_FILTER),
        ("databricks", MemberAdd.VALUE_ARRAY, MemberRemove.PATH_FILTER),
    ],
)
def test_members_are_written_in_the_form_that_the_server_knows(name: str, add: MemberAdd, remove: MemberRemove) -> None:
    found = capabilities(name)
    assert (found.member_add, found.member_remove) == (add, remove)


def test_a_paces_burst_is_no_more_than_its_requests() -> None:
    rates = [rate for name in NAMES for rate in capabilities(name).rates]
    assert rates
    assert all(rate.burst is None or rate.burst <= rate.requests for rate in rates)


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("atlasian", "did you mean 'atlassian'?"),
        ("Atlassian", "did you mean 'atlassian'?"),
        ("zzz", "known are atlassian, aws-identity-center,"),
        ("../generic", "did you mean 'generic'?"),
    ],
)
def test_an_unknown_dialect_names_the_nearest(name: str, guess: str) -> None:
    with pytest.raises(DialectError) as caught:
        load_dialect(name)

    assert guess in str(caught.value)
    assert caught.value.known == dialect_names()


def test_a_dialect_takes_over_what_it_extends_and_does_not_state_itself() -> None:
    document = {
        "description": "Acme's directory.",
        "extends": "entra-style",
        "capabilities": {"put_groups": True, "page_size": {"value": 50, "source": "its manual"}},
    }

    found = read_dialect("acme", document)

    base = load_dialect("entra-style").capabilities
    assert found.capabilities.keys() == base.keys() | {"page_size"}
    assert found.capabilities["member_remove"] == base["member_remove"]
    assert (found.capabilities["put_groups"].value, found.capabilities["page_size"].source) == (True, "its manual")


@pytest.mark.parametrize(
    ("capability", "value", "problem"),
    [
        ("page_sise", 50, "there is no capability 'page_sise'"),
        ("page_size", "50", "Expected `int`, got `str`"),
        ("member_remove", {"value": "guess"}, "Invalid enum value 'guess'"),
    ],
)
def test_a_capability_that_cannot_be_is_refused_by_name(capability: str, value: Any, problem: str) -> None:
    with pytest.raises(DialectError) as caught:
        read_dialect("acme", {"description": "x", "capabilities": {capability: value}})

    assert f"dialect 'acme': {capability}: {problem}" in str(caught.value)


@pytest.mark.parametrize(
    ("stated", "place", "source"),
    [
        (50, "", ""),
        (50, "a.yaml:3", "a.yaml:3"),
        ({"value": 50}, "a.yaml:3", "a.yaml:3"),
        ({"value": 50, "source": "its manual"}, "", "its manual"),
        ({"value": 50, "source": "its manual"}, "a.yaml:3", "a.yaml:3 (its manual)"),
    ],
)
def test_a_statement_says_where_it_stands_and_then_what_it_cites(stated: Any, place: str, source: str) -> None:
    statement = read_statement("page_size", stated, Authority.DIALECT, place)

    assert (statement.value, statement.authority, statement.source) == (50, Authority.DIALECT, source)


def test_the_file_of_a_dialect_is_told_from_a_name_by_its_ending() -> None:
    assert is_dialect_file("ways/acme.dialect.yaml")
    assert not any(map(is_dialect_file, NAMES))


def test_the_schema_names_every_capability_in_the_same_order() -> None:
    properties = json_schema("dialect")["properties"]["capabilities"]["properties"]
    assert tuple(properties) == capability_names()


DOCUMENT = Path(__file__).parents[2] / "docs" / "dialects.md"


def table(first: str) -> list[list[str]]:
    """Return the rows of the table in the document whose first column is called ``first``."""
    lines = iter(DOCUMENT.read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {first} |"))
    next(lines)
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_document_lists_every_capability_with_its_default() -> None:
    default = Capabilities().as_json()
    expected = [(f"`{name}`", default[name]) for name in capability_names()]
    assert [(row[0], json.loads(row[1].strip("`"))) for row in table("capability")] == expected


def test_the_example_in_the_document_can_be_loaded(tmp_path: Path) -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name, text in zip(("acme.dialect.yaml", "directory.yaml"), examples, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with (tmp_path / "directory.yaml").open("a", encoding="utf-8") as file:
        file.write("unlisted: {users: ignore, groups: ignore}\n")

    found = dialect_of(load(tmp_path).desired.config).capabilities

    assert found["page_size"].source == "acme.dialect.yaml:6 (https://docs.example.com/scim#paging)"
    assert found["max_concurrency"].source == "directory.yaml:8"
    assert found["put_groups"] == load_dialect("entra-style").capabilities["put_groups"]


def test_the_document_lists_every_dialect_with_its_description() -> None:
    assert [(row[0], row[1]) for row in table("dialect")] == [
        (f"`{name}`", load_dialect(name).description) for name in dialect_names()
    ]

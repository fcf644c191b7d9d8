"""A workspace's own dialects, and the capabilities that ``directory.yaml`` states."""

from __future__ import annotations

import enum
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import jsonschema_rs
import msgspec
import pytest

from reconciler.capabilities import Authority, Capabilities, MemberRemove, Statement, capability_names, read_value
from reconciler.desired import files_digest, json_schema, load, load_config
from reconciler.desired.whole_numbers import with_whole_numbers
from reconciler.diagnostics import DiagnosticsError
from reconciler.scim.dialects import dialect_of, load_dialect

if TYPE_CHECKING:
    from tests.desired.conftest import Problems, Write

USING = """\
directory: {name: acme, base_url: "https://scim.example.com", token: {env: T}, dialect: acme.dialect.yaml}
unlisted: {users: ignore, groups: ignore}
"""

OWN = """\
description: Acme's directory.
extends: entra-style
capabilities:
  page_size: {value: 50, source: its manual}
  member_remove: path-filter
"""


def using(path: str) -> str:
    return USING.replace("acme.dialect.yaml", path)


def refusals(workspace: Path) -> list[str]:
    with pytest.raises(DiagnosticsError) as refused:
        load_config(workspace)
    return [str(diagnostic) for diagnostic in refused.value.diagnostics]


@pytest.mark.parametrize("path", ["acme.dialect.yaml", "ways/of/acme.dialect.yaml", "Our ways.dialect.yaml"])
def test_a_file_of_the_workspace_says_what_its_directory_can_do(write: Write, path: str) -> None:
    config = load(write({"directory.yaml": using(path), path: OWN})).desired.config
    dialect = dialect_of(config)

    assert config.dialect == path
    assert (dialect.name, dialect.description) == (path, "Acme's directory.")
    assert dialect.capabilities["page_size"] == Statement(
        value=50, authority=Authority.DIALECT, source=f"{path}:4 (its manual)"
    )
    assert dialect.capabilities["member_remove"] == Statement(
        value=MemberRemove.PATH_FILTER, authority=Authority.DIALECT, source=f"{path}:5"
    )


def test_what_it_does_not_state_is_that_of_the_dialect_it_extends(write: Write) -> None:
    config = load(write({"directory.yaml": USING, "acme.dialect.yaml": OWN})).desired.config

    found, base = dialect_of(config).capabilities, load_dialect("entra-style").capabilities
    assert found.keys() == base.keys() | {"page_size"}
    assert found["put_groups"] == base["put_groups"]


@pytest.mark.parametrize(
    "content", ["description: x", "description: x\ncapabilities:", "description: x\nextends: slack"]
)
def test_a_dialect_needs_no_more_than_a_description(write: Write, content: str) -> None:
    config = load(write({"directory.yaml": USING, "acme.dialect.yaml": content})).desired.config
    assert config.own_dialect is not None


def test_directory_yaml_outranks_the_dialect(write: Write) -> None:
    directory = USING.replace("dialect: acme", "capabilities: {page_size: {value: 10.0, source: tried}}, dialect: acme")
    config = load(write({"directory.yaml": directory, "acme.dialect.yaml": OWN})).desired.config

    found = dialect_of(config).capabilities
    assert found["page_size"] == Statement(value=10, authority=Authority.OVERRIDE, source="directory.yaml:1 (tried)")
    assert found["member_remove"].authority is Authority.DIALECT


def test_rates_and_rules_for_attributes_are_read_in_full(write: Write) -> None:
    own = """\
description: x
capabilities:
  rates:
    - {requests: 5.0, seconds: 1.5, methods: [GET], endpoints: [Users]}
  attributes: [{path: User.userName, case_exact: false}]
  user_filters: null
  max_concurrency: null
  throttle_statuses: [429, 500]
"""
    dialect = dialect_of(load(write({"directory.yaml": USING, "acme.dialect.yaml": own})).desired.config)

    [rate] = dialect.capabilities["rates"].value
    [rule] = dialect.capabilities["attributes"].value
    assert (rate.requests, rate.seconds, rate.methods, rate.endpoints) == (5, 1.5, ("GET",), ("Users",))
    assert (rule.path, rule.case_exact, rule.mutability) == ("User.userName", False, None)
    assert dialect.capabilities["throttle_statuses"].value == (429, 500)
    assert dialect.capabilities["user_filters"].value is None


def test_every_problem_of_a_dialect_is_told_with_those_of_all_other_files(problems: Problems) -> None:
    own = """\
extends: entra-stile
capabilities:
  page_sise: 50
  page_size: 0
  nested_groups: {value: maybe}
  etag: {source: its manual}
  page_size: 1
users: []
"""
    found = problems({"directory.yaml": USING, "acme.dialect.yaml": own, "a.yaml": "users: [{userNaem: ada}]"})
    assert found == [
        "a.yaml:1:10: error: unknown key 'userNaem' (did you mean 'userName'?)",
        "acme.dialect.yaml:1:1: error: description is missing",
        "acme.dialect.yaml:1:1: error: there is no dialect 'entra-stile' (did you mean 'entra-style'?)",
        "acme.dialect.yaml:3:3: error: unknown key 'page_sise' in capabilities (did you mean 'page_size'?)",
        "acme.dialect.yaml:4:3: error: capabilities.page_size must be at least 1, not 0",
        "acme.dialect.yaml:5:19: error: capabilities.nested_groups.value must be true or false, not text",
        "acme.dialect.yaml:6:3: error: capabilities.etag.value is missing",
        "acme.dialect.yaml:7:3: error: the key 'page_size' is here twice; it was first written at 4:3",
        "acme.dialect.yaml:8:1: error: unknown key 'users'",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "acme.dialect.yaml:1:1: error: description is missing"),
        ("- a", "acme.dialect.yaml:1:1: error: the file must be a mapping, not a list"),
        (
            "description: x\nextends: ../slack",
            "acme.dialect.yaml:2:1: error: extends must be the name of a dialect, in small letters",
        ),
        (
            "description: x\nextends: slakc",
            "acme.dialect.yaml:2:1: error: there is no dialect 'slakc' (did you mean 'slack'?)",
        ),
        ("description: [", "acme.dialect.yaml:2:1: error: expected a value here"),
    ],
)
def test_a_dialect_that_cannot_be_read_is_told_once(
    problems: Problems, write: Write, content: str, expected: str
) -> None:
    files = {"directory.yaml": USING, "acme.dialect.yaml": content}
    [found] = problems(files)
    assert found.startswith(expected)
    assert refusals(write(files)) == [found]


def test_a_dialect_that_is_not_there_names_the_nearest(problems: Problems, write: Write) -> None:
    files = {"directory.yaml": using("acne.dialect.yaml"), "acme.dialect.yaml": OWN}
    place = "directory.yaml:1:80: error: "
    hint = "there is no file 'acne.dialect.yaml' in the workspace (did you mean 'acme.dialect.yaml'?)"
    assert place + hint in problems(files)
    assert refusals(write(files)) == [place + hint]


def test_a_link_out_of_the_workspace_is_no_dialect_of_it(write: Write, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(OWN, encoding="utf-8")
    workspace = write({"directory.yaml": USING})
    (workspace / "acme.dialect.yaml").symlink_to(tmp_path / "outside.yaml")
    expected = ["acme.dialect.yaml:1:1: error: the symbolic link leaves the workspace (put a copy here)"]
    assert refusals(workspace) == expected
    with pytest.raises(DiagnosticsError) as refused:
        load(workspace)
    assert [str(diagnostic) for diagnostic in refused.value.diagnostics] == expected


def test_a_dialect_is_checked_where_directory_yaml_cannot_be_read(problems: Problems) -> None:
    found = problems({"directory.yaml": "directory: [", "acme.dialect.yaml": "description: 5"})
    assert [problem.split(":")[0] for problem in found] == ["acme.dialect.yaml", "directory.yaml"]


def test_a_broken_dialect_does_not_make_members_doubtful(problems: Problems) -> None:
    found = problems(
        {
            "directory.yaml": USING,
            "acme.dialect.yaml": "description: [",
            "a.yaml": "users: [{userName: ada}]\ngroups: [{displayName: g, members: [eve]}]",
        }
    )
    assert [problem.split(":")[0] for problem in found] == ["a.yaml", "acme.dialect.yaml"]


def test_a_dialect_is_never_read_as_users_and_groups(write: Write) -> None:
    loaded = load(write({"directory.yaml": USING, "acme.dialect.yaml": OWN, "a.yaml": "users: [{userName: ada}]"}))
    assert [user.name for user in loaded.desired.users] == ["ada"]
    assert loaded.warnings == ()
    assert loaded.desired.files == 3


def test_a_dialect_that_is_not_used_is_a_warning(write: Write) -> None:
    loaded = load(write({"directory.yaml": USING, "acme.dialect.yaml": OWN, "b/old.dialect.yaml": OWN}))
    assert [str(warning) for warning in loaded.warnings] == [
        "b/old.dialect.yaml:1:1: warning: not used: directory.dialect is 'acme.dialect.yaml' "
        "(write dialect: b/old.dialect.yaml in directory.yaml, or remove the file)"
    ]


def test_another_ending_is_a_mistake(problems: Problems) -> None:
    assert problems({"acme.dialect.yml": OWN}) == [
        "acme.dialect.yml:1:1: error: the name of a dialect's file ends in .dialect.yaml (rename it)"
    ]


def test_the_dialect_counts_in_the_digest(write: Write) -> None:
    workspace = write({"directory.yaml": USING, "acme.dialect.yaml": OWN})
    before = load(workspace).desired.digest
    assert files_digest(workspace) == before
    write({"directory.yaml": USING, "acme.dialect.yaml": OWN.replace("50", "51")})
    assert load(workspace).desired.digest == files_digest(workspace) != before


def test_directory_yaml_alone_says_the_same_as_the_whole_workspace(write: Write) -> None:
    workspace = write({"directory.yaml": USING, "acme.dialect.yaml": OWN, "a.yaml": "users: [{userName: ada}]"})
    assert load_config(workspace) == load(workspace).desired.config


def test_directory_yaml_alone_does_not_ask_whether_dialects_are_right_that_it_does_not_name(write: Write) -> None:
    workspace = write({"directory.yaml": USING, "acme.dialect.yaml": OWN, "old.dialect.yaml": "["})
    assert load_config(workspace).dialect == "acme.dialect.yaml"


# The schema of capabilities against the type that they are read into.

SCHEMA = json_schema("dialect")
CAPABILITIES = SCHEMA["properties"]["capabilities"]["properties"]
PLACES = [
    pytest.param(json_schema("directory")["properties"]["directory"]["properties"]["capabilities"], id="directory"),
    pytest.param(SCHEMA["properties"]["capabilities"], id="dialect"),
]


def value_schema(name: str) -> dict[str, Any]:
    return resolved(CAPABILITIES[name]["else"])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    found = SCHEMA["$defs"][reference.removeprefix("#/$defs/")] if reference is not None else schema
    return typing.cast("dict[str, Any]", found)


def takes(schema: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema takes; texts that are listed are ``enum``."""
    if "enum" in schema:
        return {"enum"}
    kinds = schema["type"]
    return {kinds} if isinstance(kinds, str) else set(kinds)


def wanted(hint: Any) -> set[str]:
    """Return the JSON types that a type hint takes."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return set().union(*map(wanted, get_args(hint)))
    if get_origin(hint) is tuple:
        return {"array"}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum"}
    return {{bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}[hint]}


@pytest.mark.parametrize("place", PLACES)
def test_both_places_know_every_capability_and_no_other(place: dict[str, Any]) -> None:
    assert tuple(place["properties"]) == capability_names()
    assert place["additionalProperties"] is False
    assert place["properties"] == CAPABILITIES


@pytest.mark.parametrize("name", capability_names())
def test_a_capability_has_the_same_type_in_the_schema_and_in_the_program(name: str) -> None:
    hint = get_type_hints(Capabilities)[name]
    assert takes(value_schema(name)) == wanted(hint)
    assert CAPABILITIES[name]["then"]["properties"]["value"]["$ref"] == CAPABILITIES[name]["else"]["$ref"]


@pytest.mark.parametrize("name", ["paging", "members_read", "member_add", "member_remove", "user_delete"])
def test_the_words_of_a_capability_are_the_same_in_the_schema_and_in_the_program(name: str) -> None:
    assert value_schema(name)["enum"] == [word.value for word in get_type_hints(Capabilities)[name]]


@pytest.mark.parametrize(("name", "type_name"), [("rates", "Rate"), ("attributes", "AttributeRule")])
def test_the_parts_of_a_capability_are_the_same_in_the_schema_and_in_the_program(name: str, type_name: str) -> None:
    program = msgspec.json.schema(Capabilities)["$defs"][type_name]
    stated = value_schema(name)["items"]
    assert list(stated["properties"]) == list(program["properties"])
    assert stated["required"] == program["required"]


ACCEPTED: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, 1, 5.0, 429, 1000, 1_000_000, 1e6],
    "enum": ["index", "listing", "value-array", "put", "hard"],
    "null": [None],
    "array": [
        [],
        ["x"],
        ["eq", "and"],
        ["User.userName"],
        [429.0],
        [{"requests": 1, "seconds": 2}],
        [{"requests": 1.0, "seconds": 2.5, "burst": 3.0, "methods": ["GET"], "endpoints": ["Users"]}],
        [{"path": "User.x"}],
        [{"path": "Group.x.y", "case_exact": True, "mutability": "readOnly", "returned": "never"}],
    ],
}


@pytest.mark.parametrize("name", capability_names())
def test_whatever_the_schema_accepts_the_program_can_read(name: str) -> None:
    accepts = jsonschema_rs.validator_for({"$defs": SCHEMA["$defs"], **CAPABILITIES[name]}).is_valid
    accepted = [value for kind in takes(value_schema(name)) for value in ACCEPTED[kind] if accepts(value)]
    assert accepted
    for value in accepted:
        read_value(name, with_whole_numbers(value))


@pytest.mark.parametrize("name", capability_names())
def test_the_schema_accepts_every_default(name: str) -> None:
    default = msgspec.to_builtins(getattr(Capabilities(), name))
    assert jsonschema_rs.validator_for({"$defs": SCHEMA["$defs"], **CAPABILITIES[name]}).is_valid(default)

"""Seeds: what an embedded directory holds when it starts, and what it keeps between runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import SandboxError, SeedError
from reconciler.sandbox.seed import dump, load_seed, read_seed, write_data

ADA = {"userName": "ada", "emails": [{"value": "ada@example.com", "primary": True}]}
GRACE = {"userName": "grace", "emails": [{"value": "grace@example.com", "primary": True}]}


def directory(seed: dict[str, Any], dialect: str = "generic") -> Directory:
    made = Directory(behaviour(dialect), "http://127.0.0.1:1")
    load_seed(made, seed)
    return made


def members(made: Directory, name: str) -> list[str]:
    (found,) = [group for group in made.resources(Kind.GROUP) if group["displayName"] == name]
    everybody = [*made.resources(Kind.USER), *made.resources(Kind.GROUP)]
    names = {one["id"]: one.get("displayName") or one["userName"] for one in everybody}
    return [names[member["value"]] for member in found.get("members", [])]


def test_members_are_named_by_user_name_in_any_case_or_by_id_or_as_scim_does() -> None:
    made = directory(
        {
            "users": [ADA, GRACE | {"id": "g1"}, {"userName": "alan", "id": "a1"}],
            "groups": [{"displayName": "team", "members": ["ADA", "g1", {"value": "a1"}]}],
        }
    )

    assert members(made, "team") == ["ada", "grace", "alan"]


def test_groups_name_each_other_in_any_order() -> None:
    made = directory({"groups": [{"displayName": "team", "members": ["core"]}, {"displayName": "core"}]})

    assert members(made, "team") == ["core"]


def test_ids_are_kept_or_made_up_the_same_way_every_time() -> None:
    seed = {"users": [ADA | {"id": "1"}, GRACE]}

    first, second = (directory(seed).resources(Kind.USER) for _ in range(2))

    assert first[0]["id"] == "1"
    assert [user["id"] for user in first] == [user["id"] for user in second]


@pytest.mark.parametrize(
    ("seed", "place", "problem"),
    [
        ({"user": []}, "user", "unknown key"),
        ({"users": {}}, "users", "must be a list"),
        ({"users": ["ada"]}, "users[0]", "must be an object"),
        ({"users": [{}]}, "users[0]", "userName must have a value"),
        ({"users": [ADA, ADA]}, "users[1]", "already exists"),
        ({"users": [ADA | {"active": "yes"}]}, "users[0]", "active must be true or false"),
        ({"users": [ADA | {"id": 7}]}, "users[0].id", "must be a string"),
        ({"users": [ADA | {"id": "1"}], "groups": [{"displayName": "g", "id": "1"}]}, "groups[0].id", "another"),
        ({"users": [ADA | {"meta": {"created": 1}}]}, "users[0].meta.created", "RFC 3339"),
        ({"groups": [{"displayName": "g", "members": "ada"}]}, "groups[0].members", "must be a list"),
        ({"groups": [{"displayName": "g", "members": ["x"]}]}, "groups[0].members[0]", "'x' is no user"),
        ({"groups": [{"displayName": "g", "members": ["g"]}]}, "groups[0].members", "itself"),
        ({"created": "7"}, "created", "whole number"),
    ],
)
def test_a_seed_that_cannot_be_used_is_an_error_that_tells_the_place(
    seed: dict[str, Any], place: str, problem: str
) -> None:
    with pytest.raises(SeedError) as error:
        directory(seed)

    assert error.value.place == place
    assert problem in error.value.problem
    assert place in str(error.value)


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
def test_what_a_directory_holds_survives_being_saved(tmp_path: Path, dialect: str) -> None:
    made = directory(
        {"users": [ADA, GRACE], "groups": [{"displayName": "team", "externalId": "t", "members": ["ada"]}]}, dialect
    )
    path = tmp_path / "data.json"

    write_data(path, made)
    again = directory(dict(read_seed(path)), dialect)

    assert dump(again) == dump(made)
    assert members(again, "team") == ["ada"]
    assert list(tmp_path.iterdir()) == [path]


def test_an_id_of_before_is_not_given_out_again(tmp_path: Path) -> None:
    made = directory({"users": [ADA]})
    ada = made.resources(Kind.USER)[0]["id"]
    made.delete(Kind.USER, ada)
    write_data(tmp_path / "data.json", made)

    again = directory(dict(read_seed(tmp_path / "data.json")))
    load_seed(again, {"users": [GRACE]})

    assert again.resources(Kind.USER)[0]["id"] != ada


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_file_that_holds_no_seed_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "seed.json"
    path.write_bytes(content)

    with pytest.raises(SandboxError, match=r"seed\.json"):
        read_seed(path)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"seed\.json: No such file"):
        read_seed(tmp_path / "seed.json")


def test_data_that_cannot_be_written_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"data\.json"):
        write_data(tmp_path / "no such folder" / "data.json", directory({}))


def test_the_data_is_json_that_people_can_read(tmp_path: Path) -> None:
    write_data(tmp_path / "data.json", directory({"users": [ADA]}))

    text = (tmp_path / "data.json").read_text(encoding="utf-8")

    assert json.loads(text)["users"][0]["userName"] == "ada"
    assert len(text.splitlines()) > 5

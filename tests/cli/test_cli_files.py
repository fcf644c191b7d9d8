"""The commands that write or print files: init, schema, import, sandbox."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import jsonschema_rs
import pytest

from attending import attended
from command_line import Workspace, call, environment


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
def test_a_new_workspace_is_valid_and_lists_nobody(dialect: str, tmp_path: Path) -> None:
    done = call(["init", "-C", "acme", "--name", 'acme: "x"', "--dialect", dialect], cwd=tmp_path)
    assert done.code == 0
    assert "acme/directory.yaml\n" in done.stdout
    valid = call(["validate", "-C", "acme", "--json"], cwd=tmp_path)
    assert valid.document == {"valid": True, "files": 3, "users": 0, "groups": 0, "diagnostics": []}


def test_the_examples_in_a_new_workspace_are_valid_too(tmp_path: Path) -> None:
    call(["init"], cwd=tmp_path)
    for file in ("users", "groups"):
        path = tmp_path / file / "example.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        example = lines[lines.index(f"# {file}:") :]
        path.write_text("\n".join(line.removeprefix("# ") for line in example), encoding="utf-8")
    document = call(["validate", "--json"], cwd=tmp_path).document
    assert document == {"valid": True, "files": 3, "users": 2, "groups": 3, "diagnostics": []}


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "example.yaml").write_text("mine", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("mine", encoding="utf-8")
    done = call(["init"], cwd=tmp_path)
    assert done.code == 1
    assert "users/example.yaml" in done.stderr
    assert ".gitignore" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "users"]
    (tmp_path / "users" / "example.yaml").unlink()
    done = call(["init"], cwd=tmp_path)
    assert done.code == 0
    assert ".gitignore is left as it is; add .reconciler/ and *.key to it if it lacks them" in done.stderr
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "mine"


def test_init_knows_the_dialects(tmp_path: Path) -> None:
    done = call(["init", "--dialect", "atlasian"], cwd=tmp_path)
    assert done.code == 1
    assert "did you mean 'atlassian'?" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "title"),
    [([], "users"), (["resources"], "users"), (["directory"], "directory"), (["faults"], "rules")],
)
def test_schema_prints_a_json_schema(arguments: list[str], title: str) -> None:
    schema = call(["schema", *arguments]).document
    assert title in schema["properties"]
    jsonschema_rs.meta.validate(schema)


def test_an_import_can_be_planned_and_is_empty(open_workspace: Callable[..., Workspace]) -> None:
    seed = {
        "users": [{"userName": "ada@example.com", "title": "Engineer"}, {"userName": "bob@example.com"}],
        "groups": [{"displayName": "team-platform", "members": ["ada@example.com"]}],
    }
    workspace = open_workspace(seed=seed)
    for file in workspace.path.iterdir():
        file.unlink()
    options = ("import", "--base-url", "${SCIM_BASE_URL}", "--name", "acme", "--split", "none")
    done = workspace.call(*options)
    assert done.code == 0
    assert "Imported 2 users, 1 group, 1 membership into 3 files." in done.last_line
    assert workspace.call("plan").last_line == "No changes. The directory matches the desired state."

    again = workspace.call("import", "--split", "none")
    assert again.code == 1
    assert "--force-overwrite" in again.stderr
    forced = workspace.call("import", "--split", "none", "--force-overwrite", "--json")
    assert (forced.code, forced.document["users"], forced.document["left_out"]) == (0, 2, [])


def test_an_import_into_nowhere_asks_for_the_directory(tmp_path: Path) -> None:
    done = call(["import"], cwd=tmp_path)
    assert done.code == 64
    assert "--base-url" in done.stderr


def test_an_import_does_not_ignore_a_base_url(workspace: Workspace) -> None:
    assert workspace.call("import", "--base-url", "https://scim.example.com").code == 64


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_sandbox_prints_what_a_workspace_needs_and_keeps_its_data(flags: list[str], tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text('{"users": [{"userName": "ada@example.com"}]}', encoding="utf-8")
    serve = ["sandbox", "--seed", "seed.json", "--data", "data.json", *flags]
    with attended(serve, environment(), cwd=tmp_path) as process:
        assert "Ctrl-C" in process.stderr.readline()
        if flags:
            ready = json.loads("".join(process.stdout.readline() for _ in range(4)))
            variables = {"SCIM_BASE_URL": ready["base_url"], "SCIM_TOKEN": ready["token"]}
        else:
            lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(2)]
            variables = dict(line.split("=", 1) for line in lines)
        arguments = ["import", "-C", "acme", "--base-url", "${SCIM_BASE_URL}", "--json"]
        done = call(arguments, env=environment(**variables), cwd=tmp_path)
        process.signal(signal.SIGINT)
        code, _, _ = process.rest()
    assert done.document["users"] == 1
    assert code == 0
    assert json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))["users"][0]["userName"] == "ada@example.com"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--dialect", "nonsense"], "there is no dialect"), (["--seed", "missing.json"], "missing.json: No such file")],
)
def test_a_sandbox_that_cannot_start_says_why(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = call(["sandbox", *arguments], cwd=tmp_path)
    assert done.code == 1
    assert told in done.stderr

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import call, environment

GOOD = """\
directory: {name: acme, base_url: "${SCIM_BASE_URL}", token: {env: SCIM_TOKEN}}
unlisted: {users: ignore, groups: ignore}
"""
BAD = "users:\n  - userName: ada@example.com\n    titel: Engineer\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "directory.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def test_good_files_are_told_by_their_numbers(folder: Path) -> None:
    done = call(["validate", "-C", "acme"], cwd=folder)
    assert (done.code, done.stdout, done.stderr) == (0, "Valid: 1 file, 0 users, 0 groups.\n", "")


def test_a_problem_is_told_with_a_path_that_can_be_clicked_on(folder: Path) -> None:
    (folder / "acme" / "users.yaml").write_text(BAD, encoding="utf-8")
    done = call(["validate", "-C", "acme"], cwd=folder)
    assert done.code == 1
    assert done.stdout.startswith("acme/users.yaml:3:5: error: ")
    assert done.last_line == "Not valid: 1 error."


def test_github_gets_annotations_and_nothing_else(folder: Path) -> None:
    (folder / "acme" / "users.yaml").write_text(BAD, encoding="utf-8")
    done = call(["validate", "-C", "acme", "--format", "github"], cwd=folder)
    assert done.code == 1
    assert done.stdout.startswith("::error file=acme/users.yaml,line=3,col=5,title=")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("flags", [["--json"], ["--format", "json"]])
def test_json_tells_validity_and_every_problem(folder: Path, flags: list[str]) -> None:
    assert call(["validate", "-C", "acme", *flags], cwd=folder).document == {
        "valid": True,
        "files": 1,
        "users": 0,
        "groups": 0,
        "diagnostics": [],
    }
    (folder / "acme" / "users.yaml").write_text(BAD, encoding="utf-8")
    done = call(["validate", "-C", "acme", *flags], cwd=folder)
    assert done.code == 1
    assert done.document["valid"] is False
    (problem,) = done.document["diagnostics"]
    assert (problem["file"], problem["line"], problem["severity"]) == ("users.yaml", 3, "error")


def test_no_network_and_no_credentials_are_needed(folder: Path) -> None:
    assert call(["validate", "-C", "acme"], cwd=folder, env=environment()).code == 0

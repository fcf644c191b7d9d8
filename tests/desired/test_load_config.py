"""``directory.yaml`` alone, for what needs no users and groups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.desired import files_digest, load, load_config
from reconciler.diagnostics import DiagnosticsError

if TYPE_CHECKING:
    from tests.desired.conftest import Write

SCOPED = """\
directory: {name: acme, base_url: "https://scim.example.com", token: {env: SCIM_TOKEN}}
unlisted: {users: ignore, groups: ignore}
scope: {users: 'userName ew "@example.com"'}
"""


def refusals(workspace: Path) -> list[str]:
    with pytest.raises(DiagnosticsError) as refused:
        load_config(workspace)
    return [str(diagnostic) for diagnostic in refused.value.diagnostics]


def test_says_the_same_as_the_whole_workspace(write: Write) -> None:
    workspace = write({"directory.yaml": SCOPED, "a.yaml": "users: [{userName: ada@example.com}]"})
    assert load_config(workspace) == load(workspace).desired.config


@pytest.mark.parametrize("content", ["users: [", "users: [{userName: out@example.org}]", b"\xff", "directory: {}"])
def test_does_not_ask_whether_other_files_are_right(write: Write, content: str | bytes) -> None:
    workspace = write({"directory.yaml": SCOPED, "a.yaml": content})
    with pytest.raises(DiagnosticsError):
        load(workspace)
    assert load_config(workspace).name == "acme"


def test_tells_every_problem_of_the_file(write: Write) -> None:
    workspace = write({"directory.yaml": SCOPED.replace("ignore, g", "ignored, g").replace("userName", "usrName")})
    assert refusals(workspace) == [
        "directory.yaml:2:12: error: unlisted.users must be ignore, deactivate or delete (did you mean 'ignore'?)",
        "directory.yaml:3:9: error: scope.users uses the unknown attribute 'usrName' (did you mean 'userName'?)",
    ]


def test_tells_that_there_is_none(write: Write, tmp_path: Path) -> None:
    workspace = write({"users/a.yaml": "users: ["})
    (workspace / "directory.yaml").unlink()
    assert refusals(workspace) == [
        f"error: directory.yaml is missing in '{workspace}' (`reconciler init` writes one)",
    ]
    assert refusals(tmp_path / "nowhere") == [f"error: there is no folder '{tmp_path / 'nowhere'}'"]


def test_the_digest_of_files_is_that_of_the_loaded_workspace(write: Write) -> None:
    workspace = write({"a.yaml": "users: []", "b/c.yml": "groups: []"})
    assert files_digest(workspace) == load(workspace).desired.digest
    write({"a.yaml": "users: ["})
    assert files_digest(workspace).startswith("sha256:")

"""Which files of a workspace are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.desired import load
from reconciler.diagnostics import DiagnosticsError

if TYPE_CHECKING:
    from tests.desired.conftest import Problems, Write


USER = "users: [{{userName: {}}}]"


def names(workspace: Path) -> list[str]:
    return [user.name for user in load(workspace).desired.users]


def refusals(workspace: Path) -> list[str]:
    with pytest.raises(DiagnosticsError) as refused:
        load(workspace)
    return [str(problem) for problem in refused.value.diagnostics]


def test_every_yaml_file_is_read_in_the_order_of_paths(write: Write) -> None:
    files = ["b.yml", "a.yaml", "c/d/e.yaml", "c/b.yaml"]
    assert names(write({file: USER.format(file) for file in files})) == sorted(files)


@pytest.mark.parametrize(
    "file", [".a.yaml", ".git/a.yaml", "b/.reconciler/a.yaml", "a.json", "a.yaml.bak", "README.md"]
)
def test_hidden_and_other_files_are_not_read(write: Write, file: str) -> None:
    assert names(write({file: USER.format("hidden")})) == []


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path / "nowhere") == [f"error: there is no folder '{tmp_path}/nowhere'"]


def test_directory_yaml_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("users: [{titel: x}]")
    assert refusals(tmp_path) == [
        f"error: directory.yaml is missing in '{tmp_path}' (`reconciler init` writes one)",
        "a.yaml:1:9: error: userName is missing",
        "a.yaml:1:10: error: unknown key 'titel' (did you mean 'title'?)",
    ]


def test_a_link_to_a_hidden_file_is_read(write: Write) -> None:
    workspace = write({"..data/users.yaml": USER.format("ada")})
    (workspace / "users.yaml").symlink_to("..data/users.yaml")
    assert names(workspace) == ["ada"]


def test_a_link_to_a_hidden_folder_is_read(write: Write) -> None:
    workspace = write({".version-7/users.yaml": USER.format("ada")})
    (workspace / "current").symlink_to(".version-7")
    assert names(workspace) == ["ada"]


@pytest.mark.parametrize(
    ("link", "target", "problem"),
    [
        ("a.yaml", "../outside.yaml", "the symbolic link leaves the workspace (put a copy here)"),
        ("a", "../outside", "the symbolic link leaves the workspace (put a copy here)"),
        ("a.yaml", "users.yaml", "the symbolic link leads to what is read already (remove it)"),
        ("a", ".", "the symbolic link leads to what is read already (remove it)"),
        ("a.yaml", "a.yaml", "the symbolic link leads nowhere"),
        ("a.yaml", "missing.yaml", "the symbolic link leads nowhere"),
    ],
)
def test_other_links_are_refused(write: Write, tmp_path: Path, link: str, target: str, problem: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside.yaml").touch()
    workspace = write({"users.yaml": USER.format("ada")})
    (workspace / link).symlink_to(target)
    assert refusals(workspace) == [f"{link}:1:1: error: {problem}"]


@pytest.mark.parametrize("target", ["missing", "../outside.txt"])
def test_links_that_are_not_about_yaml_do_not_matter(write: Write, tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.txt").touch()
    workspace = write({})
    (workspace / "a.txt").symlink_to(target)
    assert names(workspace) == []


def test_a_pipe_is_not_waited_for(write: Write) -> None:
    workspace = write({})
    os.mkfifo(workspace / "a.yaml")
    assert refusals(workspace) == ["a.yaml:1:1: error: not a regular file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_must_not_be_read_is_told(write: Write) -> None:
    workspace = write({"a.yaml": "", "b/c.yaml": ""})
    (workspace / "a.yaml").chmod(0)
    (workspace / "b").chmod(0)
    found = refusals(workspace)
    (workspace / "b").chmod(0o755)
    assert found == [
        "a.yaml:1:1: error: cannot be read: Permission denied",
        "b:1:1: error: cannot be read: Permission denied",
    ]


def test_a_file_whose_name_is_not_utf8_can_be_named(write: Write) -> None:
    workspace = write({})
    (workspace / os.fsdecode(b"\xff.yaml")).write_text("users: 5")
    assert refusals(workspace) == ["\ufffd.yaml:1:1: error: users must be a list, not 5"]


DIRECTORY = "directory: {}\nunlisted: {}\n"


def test_a_directory_yaml_below_the_top_is_one_mistake(problems: Problems) -> None:
    assert problems({"sub/directory.yaml": DIRECTORY}) == [
        "sub/directory.yaml:1:1: error: only the file directory.yaml at the top of the workspace can say this "
        "(rename, move or remove sub/directory.yaml)",
    ]


def test_a_directory_yml_is_told_its_right_name(tmp_path: Path) -> None:
    (tmp_path / "directory.yml").write_text(DIRECTORY)
    assert refusals(tmp_path) == [
        f"error: directory.yaml is missing in '{tmp_path}' (rename directory.yml)",
        "directory.yml:1:1: error: only the file directory.yaml at the top of the workspace can say this "
        "(rename, move or remove directory.yml)",
    ]


def test_users_may_be_listed_in_a_folder_in_a_file_of_that_name(write: Write) -> None:
    assert names(write({"sub/directory.yaml": USER.format("ada")})) == ["ada"]


def test_a_folder_may_be_named_like_a_file(write: Write) -> None:
    assert names(write({"x.yaml/y.yaml": USER.format("ada")})) == ["ada"]

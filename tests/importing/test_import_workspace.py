"""An import writes whole files, and none that is there already."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from live_states import TEMPLATE, group, imported, in_other_order, live_state, user
from reconciler.config import TokenSource, Unlisted
from reconciler.desired import load
from reconciler.importing import FilesInTheWayError, Split, WorkspaceWriteError, write_workspace

LIVE = live_state(user("ada", department=None), user("bob"), group("team", "ada", "bob"))


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, with what begins with a dot."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_report_names_the_files_and_counts_what_is_in_them(tmp_path: Path) -> None:
    report = imported(LIVE, tmp_path / "new", Split.LETTER)
    names = [file.relative_to(tmp_path / "new").as_posix() for file in report.files]
    assert names == ["directory.yaml", "groups/t.yaml", "users/a.yaml", "users/b.yaml"]
    assert (report.users, report.groups, report.memberships) == (2, 1, 2)
    assert sorted(contents(tmp_path / "new")) == names


def test_the_same_directory_gives_the_same_bytes(tmp_path: Path) -> None:
    imported(LIVE, tmp_path / "one")
    imported(in_other_order(LIVE), tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_new_directory_file_touches_nothing_that_is_not_listed(tmp_path: Path) -> None:
    template = replace(TEMPLATE, name="ac: me", dialect="atlassian")
    write_workspace(LIVE, tmp_path, directory=template)
    config = load(tmp_path).desired.config
    assert (config.name, config.dialect, config.base_url) == ("ac: me", "atlassian", TEMPLATE.base_url)
    assert (config.policy.unlisted_users, config.policy.unlisted_groups) == (Unlisted.IGNORE, Unlisted.IGNORE)


@pytest.mark.parametrize(
    "token",
    [
        TokenSource(env="TOKEN", expires=date(2027, 3, 1)),
        TokenSource(file="secrets/token"),
        TokenSource(command=("pass", "show", "scim: acme")),
    ],
)
def test_a_new_directory_file_says_where_the_token_comes_from(tmp_path: Path, token: TokenSource) -> None:
    write_workspace(LIVE, tmp_path, directory=replace(TEMPLATE, token=token))
    assert load(tmp_path).desired.config.token == token


def test_a_directory_file_that_exists_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text("mine")
    report = write_workspace(LIVE, tmp_path, directory=TEMPLATE, split=Split.NONE, force_overwrite=True)
    assert (tmp_path / "directory.yaml").read_text() == "mine"
    assert [file.name for file in report.files] == ["groups.yaml", "users.yaml"]


def test_without_a_template_no_directory_file_is_written(tmp_path: Path) -> None:
    write_workspace(LIVE, tmp_path, directory=None)
    assert not (tmp_path / "directory.yaml").exists()


def test_a_file_in_the_way_stops_the_import_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").write_text("mine")
    with pytest.raises(FilesInTheWayError, match=r"users\.yaml") as caught:
        imported(LIVE, tmp_path)
    assert caught.value.files == (tmp_path / "users.yaml",)
    assert contents(tmp_path) == {"users.yaml": "mine"}


def test_a_file_in_the_way_is_replaced_when_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").write_text("mine")
    write_workspace(LIVE, tmp_path, directory=TEMPLATE, split=Split.NONE, force_overwrite=True)
    assert len(load(tmp_path).desired.users) == 2


def test_a_dangling_link_in_the_way_counts_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FilesInTheWayError):
        imported(LIVE, tmp_path)


def test_other_files_of_the_workspace_are_named(tmp_path: Path) -> None:
    imported(LIVE, tmp_path, Split.NONE)
    report = imported(LIVE, tmp_path, Split.LETTER)
    assert report.other_files == (tmp_path / "groups.yaml", tmp_path / "users.yaml")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("# only a comment\n", False),
        ("users: []\ngroups:\n", False),
        ("users: [{userName: ada@example.com}]", True),
        ("- a list", True),
        ("users: [", True),
        (b"\xff", True),
    ],
)
def test_only_files_that_may_list_somebody_are_named(tmp_path: Path, content: str | bytes, named: bool) -> None:
    (tmp_path / "example.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    report = imported(LIVE, tmp_path)
    assert report.other_files == ((tmp_path / "example.yaml",) if named else ())


def test_a_file_that_states_a_dialect_lists_nobody(tmp_path: Path) -> None:
    (tmp_path / "acme.dialect.yaml").write_text("description: Acme's directory.\ncapabilities: {page_size: 50}\n")
    assert imported(LIVE, tmp_path).other_files == ()


def test_a_folder_that_cannot_be_made_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("a file")
    with pytest.raises(WorkspaceWriteError, match=r"users/a\.yaml cannot be written: "):
        imported(LIVE, tmp_path, Split.LETTER)


def test_no_temporary_file_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").mkdir()
    with pytest.raises(WorkspaceWriteError):
        write_workspace(LIVE, tmp_path, directory=None, split=Split.NONE, force_overwrite=True)
    assert sorted(contents(tmp_path)) == ["groups.yaml"]


def test_an_empty_directory_gives_a_workspace_that_loads(tmp_path: Path) -> None:
    report = imported(live_state(), tmp_path)
    assert [file.name for file in report.files] == ["directory.yaml"]
    assert load(tmp_path).desired.users == ()


@pytest.mark.slow
def test_a_file_beyond_what_the_loader_reads_comfortably_is_written_in_parts(tmp_path: Path) -> None:
    bulk = [{"value": "x" * 1_000_000}]
    users = [user(f"u{number:02}", x509Certificates=bulk) for number in range(34)]
    report = imported(live_state(*users), tmp_path)
    assert [file.name for file in report.files] == ["directory.yaml", "users-1.yaml", "users-2.yaml"]
    assert len(load(tmp_path).desired.users) == 34

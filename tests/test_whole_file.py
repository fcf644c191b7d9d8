"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.whole_file import write_whole


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_bytes(b"before")
    write_whole(path, b"after")
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("private", "others"), [(True, 0), (False, 0o044)])
def test_a_private_file_is_read_by_its_owner_alone(tmp_path: Path, private: bool, others: int) -> None:
    path = tmp_path / "plan"
    write_whole(path, b"", private=private)
    assert path.stat().st_mode & 0o044 == others


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"before")
    link.symlink_to(target)
    write_whole(link, b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"


def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder") as error:
        write_whole(folder, b"")
    assert error.value.filename == str(folder)
    assert list(tmp_path.iterdir()) == [folder]

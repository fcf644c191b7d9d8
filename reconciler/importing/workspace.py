"""Writes an import into a workspace: every file whole, and none that is there already unless told to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reconciler.config import Policy
from reconciler.desired.problems import Problems
from reconciler.desired.workspace import DIRECTORY_FILE, WorkspaceFile, find_files, read_file
from reconciler.desired.yaml_reader import read_yaml
from reconciler.diagnostics import ReconcilerError
from reconciler.importing.directory_file import DirectoryTemplate, directory_text
from reconciler.importing.documents import documents
from reconciler.importing.layout import Item, Split, lay_out
from reconciler.importing.left_out import LeftOut
from reconciler.importing.yaml_text import yaml_text
from reconciler.model import Live
from reconciler.scim.dialects import is_dialect_file
from reconciler.whole_file import write_whole

_FILE_BYTES = 32 * 1024 * 1024
"""Files are kept below half of what the loader reads, so that there is room to grow."""


class FilesInTheWayError(ReconcilerError):
    """Files that an import would have overwritten. Nothing was written.

    Attributes:
        files: their paths.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = tuple(files)
        shown = "".join(f"\n  {file}" for file in self.files[:10])
        more = f"\n  and {len(self.files) - 10} more" if len(self.files) > 10 else ""
        super().__init__(
            f"these files exist, and nothing was written:{shown}{more}\n"
            "Import into another folder, or write --force-overwrite to replace them."
        )


class WorkspaceWriteError(ReconcilerError):
    """A file of the workspace could not be written. Those written before it are whole.

    Attributes:
        file: its path.
        reason: why, in the operating system's words.
    """

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file} cannot be written: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes:
        files: the files written, sorted.
        users: how many users they list.
        groups: how many groups they list.
        memberships: how many memberships they state.
        left_out: what the directory holds and they do not.
        other_files: YAML files with users or groups that were in the workspace before and were not written. Whatever
            they list may be listed twice now.
    """

    files: tuple[Path, ...]
    users: int
    groups: int
    memberships: int
    left_out: tuple[LeftOut, ...]
    other_files: tuple[Path, ...] = ()


def write_workspace(
    live: Live,
    target: Path,
    *,
    directory: DirectoryTemplate | None,
    split: Split = Split.DEPARTMENT,
    policy: Policy | None = None,
    force_overwrite: bool = False,
) -> ImportReport:
    """Write what a directory holds as a workspace. Loaded again and planned against ``live``, it changes nothing.

    Args:
        live: what the directory holds, complete.
        target: the folder; made if it is missing.
        directory: what a new ``directory.yaml`` says. One that exists is never touched, and ``None`` writes none.
        split: how resources are spread over files.
        policy: what an existing ``directory.yaml`` says: resources outside its scope are not written.
        force_overwrite: replace files that exist.

    Raises:
        FilesInTheWayError: files exist and may not be overwritten. Nothing was written.
        WorkspaceWriteError: the operating system refuses a file.
    """
    stated = documents(live, policy)
    texts: dict[Path, str] = {}
    for path, (key, items) in lay_out(stated.users, stated.groups, split).items():
        texts |= {target / f"{path}{part}.yaml": text for part, text in _parts(key, items)}
    existing = [path for path in sorted(texts) if os.path.lexists(path)]
    if existing and not force_overwrite:
        raise FilesInTheWayError(existing)
    if directory is not None and not os.path.lexists(target / DIRECTORY_FILE):
        texts[target / DIRECTORY_FILE] = directory_text(directory)
    others = [file for file in _yaml_files(target) if file.path not in texts and _may_list_resources(file)]
    for file in sorted(texts):
        _write(file, texts[file])
    return ImportReport(
        files=tuple(sorted(texts)),
        users=len(stated.users),
        groups=len(stated.groups),
        memberships=stated.memberships,
        left_out=stated.left_out,
        other_files=tuple(file.path for file in others),
    )


def _parts(key: str, items: list[Item]) -> list[tuple[str, str]]:
    """Return the text of one file, or of several with numbers behind their names where one would be too large."""
    texts = _halves(key, items)
    if len(texts) == 1:
        return [("", texts[0])]
    return [(f"-{number}", text) for number, text in enumerate(texts, start=1)]


def _halves(key: str, items: list[Item]) -> list[str]:
    text = yaml_text(key, items)
    if len(items) == 1 or len(text) * 4 <= _FILE_BYTES or len(text.encode()) <= _FILE_BYTES:
        return [text]
    middle = len(items) // 2
    return [*_halves(key, items[:middle]), *_halves(key, items[middle:])]


def _yaml_files(target: Path) -> list[WorkspaceFile]:
    return find_files(target, Problems()) if target.is_dir() else []


def _may_list_resources(file: WorkspaceFile) -> bool:
    """Tell whether a file lists users or groups, or cannot be read well enough to tell."""
    if file.name == DIRECTORY_FILE or is_dialect_file(file.name):
        return False
    problems = Problems()
    data = read_file(file, problems)
    document = read_yaml(data, file.name, problems) if data is not None else None
    if document is None or not isinstance(document.value, dict):
        return document is None or document.value is not None
    return any(document.value.values())


def _write(path: Path, text: str) -> None:
    """Put a file into place whole: a reader sees all of it or what was there before."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise WorkspaceWriteError(path, error.strerror or str(error)) from error

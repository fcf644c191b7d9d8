"""Finds and reads the files of a workspace, and tells which state of them was read."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reconciler.desired.problems import Problems
from reconciler.desired.yaml_limits import MAX_BYTES
from reconciler.model import Origin

DIRECTORY_FILE: Final = "directory.yaml"
_MISNAMED_DIRECTORY_FILE: Final = "directory.yml"
_SUFFIXES: Final = (".yaml", ".yml")
_MISNAMED_DIALECT_SUFFIX: Final = ".dialect.yml"
_GIT_SECONDS: Final = 10
_OF_ANOTHER_PLACE: Final = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX"),
        *("GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_LITERAL_PATHSPECS"),
    }
)


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """One YAML file of a workspace: where it is, and its path below the workspace with ``/``, as messages name it."""

    path: Path
    name: str


class _Finder:
    """Walks a workspace: real files and folders first, then what symbolic links add to them."""

    def __init__(self, workspace: Path, problems: Problems) -> None:
        self.files: list[WorkspaceFile] = []
        self._workspace = workspace
        self._root = workspace.resolve()
        self._problems = problems
        self._seen: set[Path] = set()
        self._links: deque[Path] = deque()

    def find(self) -> None:
        self._walk(self._workspace)
        while self._links:
            self._follow(self._links.popleft())
        self.files.sort(key=lambda file: file.name)

    def _walk(self, folder: Path) -> None:
        folders = [folder]
        while folders:
            current = folders.pop()
            self._seen.add(current.resolve())
            try:
                found = sorted(current.iterdir())
                folders.extend(path for path in found if self._enter(path))
            except OSError as error:
                self._problems.error("file", f"cannot be read: {error.strerror}", self._origin(current))

    def _enter(self, path: Path) -> bool:
        """Tell whether a path is a folder to walk; note what else it is."""
        if path.name.startswith("."):
            return False
        if path.is_symlink():
            self._links.append(path)
            return False
        if path.is_dir():
            return True
        self._file(path)
        return False

    def _follow(self, link: Path) -> None:
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):
            # Python up to 3.12 reports a loop as RuntimeError, later ones as OSError.
            if link.suffix in _SUFFIXES:
                self._problems.error("symlink", "the symbolic link leads nowhere", self._origin(link))
            return
        if not target.is_dir() and link.suffix not in _SUFFIXES:
            return
        if not target.is_relative_to(self._root):
            self._problems.error(
                "symlink", "the symbolic link leaves the workspace", self._origin(link), hint="put a copy here"
            )
        elif target in self._seen:
            self._problems.error(
                "symlink", "the symbolic link leads to what is read already", self._origin(link), hint="remove it"
            )
        elif target.is_dir():
            self._walk(link)
        else:
            self._file(link)

    def _file(self, path: Path) -> None:
        if path.suffix not in _SUFFIXES:
            if path.suffix.lower() in _SUFFIXES:
                self._problems.warning(
                    "file-name",
                    f"not read, because its name ends in {path.suffix}",
                    self._origin(path),
                    hint="rename it",
                )
            return
        self._seen.add(path.resolve())
        if not path.is_file():
            self._problems.error("file", "not a regular file", self._origin(path))
            return
        self.files.append(WorkspaceFile(path, self._name(path)))

    def _name(self, path: Path) -> str:
        # A name that is not UTF-8 could not be printed.
        return os.fsencode(path.relative_to(self._workspace).as_posix()).decode(errors="replace")

    def _origin(self, path: Path) -> Origin:
        return Origin(self._name(path), 1, 1)


def find_files(workspace: Path, problems: Problems) -> list[WorkspaceFile]:
    """Return every ``*.yaml`` and ``*.yml`` below a workspace, sorted by path.

    What begins with a dot is skipped (``.git``, ``.reconciler``). A symbolic link is followed where it leads to
    something inside the workspace that is not read anyway; all others are problems.
    """
    if not workspace.is_dir():
        problems.error("workspace", f"there is no folder {str(workspace)!r}", None)
        return []
    finder = _Finder(workspace, problems)
    finder.find()
    if not any(file.name == DIRECTORY_FILE for file in finder.files):
        problems.error(
            "workspace",
            f"{DIRECTORY_FILE} is missing in {str(workspace)!r}",
            None,
            hint=_rename_hint(finder.files) or _below_hint(finder.files) or "`reconciler init` writes one",
        )
    return finder.files


def _rename_hint(files: Iterable[WorkspaceFile]) -> str | None:
    return next((f"rename {file.name}" for file in files if file.name == _MISNAMED_DIRECTORY_FILE), None)


def holds_workspaces(files: Iterable[WorkspaceFile]) -> bool:
    """Tell whether a folder is none itself, but has workspaces below it: then its files do not belong together."""
    names = {file.name for file in files}
    return DIRECTORY_FILE not in names and any(name.endswith(f"/{DIRECTORY_FILE}") for name in names)


def _below_hint(files: Iterable[WorkspaceFile]) -> str | None:
    below = next((file.path.parent for file in files if file.path.name == DIRECTORY_FILE), None)
    return f"there is one below: -C {shlex.quote(str(below))}" if below is not None else None


def is_misplaced_directory_file(file: str, value: Any) -> bool:
    """Tell whether a file, by its name and content, is a ``directory.yaml`` that is not where it should be."""
    name = file.rpartition("/")[2]
    return name in (DIRECTORY_FILE, _MISNAMED_DIRECTORY_FILE) and isinstance(value, dict) and "directory" in value


def is_misnamed_dialect_file(file: str) -> bool:
    """Tell whether a file, by its name, is a dialect's with another ending than a dialect's file has."""
    return file.endswith(_MISNAMED_DIALECT_SUFFIX)


def read_file(file: WorkspaceFile, problems: Problems) -> bytes | None:
    """Return the content of a file, at most one byte more than the limit, or ``None`` where it cannot be read."""
    try:
        with file.path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        problems.error("file", f"cannot be read: {error.strerror}", Origin(file.name, 1, 1))
        return None


class Digest:
    """A digest over the paths and contents of files, in the order in which they are added."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, data: bytes) -> None:
        """Add one file. Lengths come first, so that no two sets of files look alike."""
        encoded = name.encode()
        self._hash.update(b"%d %d\n" % (len(encoded), len(data)))
        self._hash.update(encoded)
        self._hash.update(data)

    def __str__(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def files_digest(workspace: Path) -> str:
    """Return :attr:`reconciler.model.Desired.digest` for a workspace whose files need not be valid.

    A file that cannot be read at all is left out.
    """
    problems, digest = Problems(), Digest()
    for file in find_files(workspace, problems):
        data = read_file(file, problems)
        if data is not None:
            digest.add(file.name, data)
    return str(digest)


def git_commit(workspace: Path) -> str | None:
    """Return the Git commit of a workspace, with ``+dirty`` appended when its files differ from it.

    ``None`` where there is no Git, no repository or no commit yet.
    """
    commit = _git(workspace, "rev-parse", "--verify", "HEAD")
    changes = _git(workspace, "status", "--porcelain", "--", ".", ":(exclude,glob)**/.reconciler/**")
    if commit is None or changes is None:
        return None
    return f"{commit}+dirty" if changes else commit


def git_author(workspace: Path, commit: str = "HEAD") -> str | None:
    """Return who wrote a Git commit, as ``Ada Example <ada@example.com>``.

    ``None`` where there is no Git, no repository or no such commit.
    """
    # No signature is looked at: a repository may name the program that does so.
    return _git(workspace, "log", "-1", "--no-show-signature", "--format=%an <%ae>", "--end-of-options", commit)


def git_prefix(workspace: Path) -> str | None:
    """Return the path from the root of its Git repository to a workspace, ``directories/acme/``; ``""`` at the root.

    ``None`` where there is no Git or no repository.
    """
    return _git(workspace, "rev-parse", "--show-prefix")


def git_environment() -> Mapping[str, str]:
    """Return the environment in which Git is asked about a workspace: about the repository that the workspace is in.

    Git tells the programs that it starts, hooks for one, which repository they are to look at, as seen from another
    folder; and how paths are meant.
    """
    return {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_PLACE}


def _git(workspace: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    # A repository may name a program in core.fsmonitor that Git would run.
    command = [program, "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(workspace), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=_GIT_SECONDS, check=False, env=git_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None

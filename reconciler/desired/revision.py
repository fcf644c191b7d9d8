"""The desired state as the files of a workspace stated it at a Git revision.

The files are taken out of Git's object store and written to a folder of their own, which is read like any workspace.
Nothing is checked out: no filter, no hook and no program that the repository names is run, and the working tree and the
index stay as they are.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from reconciler.desired.loading import load
from reconciler.desired.workspace import DIRECTORY_FILE, git_environment
from reconciler.desired.yaml_limits import MAX_BYTES
from reconciler.diagnostics import Diagnostic, DiagnosticsError, ReconcilerError, Severity
from reconciler.model import Desired

_SECONDS: Final = 60
_SUFFIXES: Final = (".yaml", ".yml")
_MERGE_BASE: Final = "..."
_SYMLINK, _SUBMODULE = "120000", "160000"
_MOST_LINKS: Final = 40
"""Symbolic links behind each other; Linux follows as many."""

_SAFELY: Final = (
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    # A repository may name programs here that Git would run, and a partial clone would fetch what it lacks.
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.allow=never"),
)
_SETTINGS: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class RevisionError(ReconcilerError):
    """The files of a workspace cannot be had as they were at a Git revision.

    Attributes:
        ref: the revision, as it was given.
    """

    def __init__(self, ref: str, message: str) -> None:
        self.ref = ref
        super().__init__(message)


class RevisionInvalidError(RevisionError):
    """What the files stated at a Git revision cannot be used.

    Attributes:
        commit: what the revision stands for.
        diagnostics: every problem, with places in the files as they were then.
    """

    def __init__(self, ref: str, commit: str, diagnostics: Sequence[Diagnostic]) -> None:
        self.commit = commit
        self.diagnostics = tuple(one for one in diagnostics if one.severity is Severity.ERROR)
        first = next(iter(self.diagnostics), None)
        number = len(self.diagnostics)
        others = "" if number <= 1 else f", and {number - 1:,} more problem{'' if number == 2 else 's'}"
        super().__init__(
            ref,
            f"what the files stated at {ref} ({commit[:12]}) is not valid, so that nothing can be compared with it: "
            f"{first or 'they cannot be read'}{others}. Compare with another revision, or plan without --since",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A desired state of the past.

    Attributes:
        ref: the Git revision, as it was given.
        commit: what it stands for.
        desired: what the files stated then.
    """

    ref: str
    commit: str
    desired: Desired


def load_at(workspace: Path, ref: str) -> Earlier:
    """Read and check a workspace as it was at a Git revision.

    Args:
        workspace: the folder with ``directory.yaml``, in a Git repository.
        ref: any name of a commit: ``origin/main``, ``HEAD~1``, ``v1.2``. With ``...`` behind it: the commit at which
            the present one branched off from it (its merge base with ``HEAD``), which is what a pull request changes.

    Raises:
        RevisionError: there is no Git, no repository, or no such revision; or the files were not there then, or in a
            submodule.
        RevisionInvalidError: what they stated then cannot be used.
    """
    repository = _Repository(workspace, ref)
    commit = repository.commit()
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        repository.write(commit, Path(folder))
        try:
            desired = load(Path(folder)).desired
        except DiagnosticsError as error:
            raise RevisionInvalidError(ref, commit, error.diagnostics) from error
    return Earlier(ref=ref, commit=commit, desired=replace(desired, commit=commit))


class _Entry(NamedTuple):
    """A file at a revision: its mode, the name of its content, and its path below the workspace."""

    mode: str
    blob: str
    path: PurePosixPath


class _Repository:
    """The Git repository of a workspace, asked about one revision."""

    def __init__(self, workspace: Path, ref: str) -> None:
        program = shutil.which("git")
        if program is None:
            raise RevisionError(ref, "there is no Git here, so that nothing can be compared with a revision")
        self._command = (program, *_SAFELY, "-C", str(workspace))
        self._workspace = workspace
        self._ref = ref
        self._complaint = ""

    def commit(self) -> str:
        """Return the commit that is compared with."""
        if self._ask("rev-parse", "--is-inside-work-tree") is None:
            complaint = f" ({self._complaint})" if self._complaint else ""
            raise self._error(f"{str(self._workspace)!r} is not in a Git repository that can be read{complaint}")
        base = self._ref.removesuffix(_MERGE_BASE)
        found = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
        if not base or found is None:
            unfetched = ": fetch it first (`git fetch`)" if "/" in base else ""
            raise self._error(f"there is no Git revision {base!r}{self._advice() or unfetched}")
        if base == self._ref:
            return found
        merged = self._ask("merge-base", found, "HEAD")
        if merged is None:
            raise self._error(f"{base!r} and HEAD have no commit in common{self._advice()}")
        return merged

    def write(self, commit: str, folder: Path) -> None:
        """Write what the workspace was made of at a commit into an empty folder."""
        try:
            _write(self.entries(commit), folder, self)
        except OSError as error:
            raise self._error(f"the files at {self._ref!r} cannot be written to {str(folder)!r}: {error}") from error

    def entries(self, commit: str) -> list[_Entry]:
        """Return the files of the workspace at a commit."""
        # Empty at the top of the repository; otherwise it ends in a slash.
        prefix = self._ask("rev-parse", "--show-prefix") or ""
        listed = self._run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *([prefix] if prefix else []))
        if listed is None:
            raise self._error(f"the files at {self._ref!r} cannot be listed{self._advice()}")
        entries = [_entry(line, prefix) for line in os.fsdecode(listed).split("\0") if line]
        submodule = next((one.path for one in entries if one.mode == _SUBMODULE and not _hidden(one.path)), None)
        if submodule is not None:
            raise self._error(f"{str(submodule)!r} was a submodule at {self._ref!r}, and what is in it is not known")
        if not any(str(one.path) == DIRECTORY_FILE for one in entries):
            raise self._error(f"there was no {DIRECTORY_FILE} at {self._ref!r} ({commit[:12]}): the workspace is new")
        return entries

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """Yield the contents of some files, in their order."""
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        answer = self._run("cat-file", "--batch", standard_input=asked)
        position = 0
        for _ in blobs:
            end = -1 if answer is None else answer.find(b"\n", position)
            head = b"" if answer is None or end < 0 else answer[position:end]
            name_type_size = head.split()
            if answer is None or len(name_type_size) != 3:
                raise self._error(f"the files at {self._ref!r} cannot be read{self._advice()}")
            size = int(name_type_size[2])
            # One byte more than a file may have is enough to be told so.
            yield answer[end + 1 : end + 1 + min(size, MAX_BYTES + 1)]
            position = end + 1 + size + 1

    def _error(self, what: str) -> RevisionError:
        return RevisionError(self._ref, f"{what}. Compare with another revision, or plan without --since")

    def _advice(self) -> str:
        if self._ask("rev-parse", "--is-shallow-repository") == "true":
            return ": this is a shallow clone. Fetch the history (`fetch-depth: 0`, or `git fetch --unshallow`)"
        if self._ask("config", "--get-regexp", r"^remote\..*\.promisor$") is not None:
            return ": this is a partial clone. Clone without a filter, or fetch all (`git fetch --refetch --no-filter`)"
        return ""

    def _ask(self, *arguments: str) -> str | None:
        """Return the one line that Git answers, or ``None`` where it answers none or refuses."""
        found = self._run(*arguments)
        return None if found is None else os.fsdecode(found).removesuffix("\n") or None

    def _run(self, *arguments: str, standard_input: bytes = b"") -> bytes | None:
        environment: Mapping[str, str] = {**git_environment(), **_SETTINGS}
        try:
            done = subprocess.run(  # noqa: S603  # the program is Git's, and what a person gave is never an option
                [*self._command, *arguments],
                input=standard_input,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                env=environment,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise self._error(f"Git cannot be asked: {error}") from error
        self._complaint = next(iter(os.fsdecode(done.stderr).splitlines()), "")
        return done.stdout if done.returncode == 0 else None


def _entry(line: str, prefix: str) -> _Entry:
    facts, _, path = line.partition("\t")
    mode, _, blob = facts.split(" ")[:3]
    return _Entry(mode, blob, PurePosixPath(path.removeprefix(prefix)))


def _safe(path: PurePosixPath) -> bool:
    """Tell whether a path stays below the workspace. Git makes no others, and somebody may have."""
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _hidden(path: PurePosixPath) -> bool:
    """Tell whether a workspace leaves a file out: it skips all that begins with a dot."""
    return any(part.startswith(".") for part in path.parts)


def _write(entries: Sequence[_Entry], folder: Path, repository: _Repository) -> None:
    """Write the YAML files and the symbolic links of a workspace into an empty folder.

    The links come last, so that nothing is ever written through one.

    Raises:
        OSError: two files cannot both be there, or the folder is full.
    """
    known = [one for one in entries if _safe(one.path)]
    links = {one.path: os.fsdecode(to) for one, to in _read([one for one in known if one.mode == _SYMLINK], repository)}
    reached = {place for path, target in links.items() for place in _reached(path, target, links)}
    files = [one for one in known if one.mode != _SYMLINK and _is_read(one.path, reached)]
    for entry, content in _read(files, repository):
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for link, target in links.items():
        path = folder / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def _is_read(path: PurePosixPath, reached: Collection[PurePosixPath]) -> bool:
    """Tell whether a workspace may read a file: by its own name, or through a symbolic link to it or to a folder."""
    if path in reached:
        return True
    return path.suffix in _SUFFIXES and (not _hidden(path) or not set(path.parents).isdisjoint(reached))


def _read(entries: Sequence[_Entry], repository: _Repository) -> Iterator[tuple[_Entry, bytes]]:
    return zip(entries, repository.contents([one.blob for one in entries]), strict=True)


def _reached(path: PurePosixPath, target: str, links: Mapping[PurePosixPath, str]) -> Iterator[PurePosixPath]:
    """Yield where a symbolic link leads, through others."""
    for _ in range(_MOST_LINKS):
        path = PurePosixPath(posixpath.normpath(path.parent / target))
        yield path
        if path not in links:
            return
        target = links[path]

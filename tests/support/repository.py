"""A Git repository for a test, with an author who is nobody."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_WHO = (
    *("-c", "user.name=Ada Example"),
    *("-c", "user.email=ada@example.com"),
    *("-c", "commit.gpgsign=false"),
    *("-c", "protocol.file.allow=always"),
    *("-c", "core.autocrlf=false"),
)
_GIT = shutil.which("git") or "git"


@dataclass(frozen=True)
class Repository:
    """A repository whose working tree is a folder."""

    path: Path

    @classmethod
    def new(cls, path: Path) -> Repository:
        """Make one with the branch ``main``."""
        path.mkdir(parents=True, exist_ok=True)
        repository = cls(path)
        repository.git("init", "-q", "-b", "main")
        return repository

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """Call Git, and return what it prints."""
        command = [_GIT, "-C", str(self.path), *_WHO, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, input=given)
        return done.stdout.decode().strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files into the working tree."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """Commit the whole working tree, with some files written before, and return the commit."""
        self.write(files or {})
        self.git("add", "-A", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "State something")
        return self.git("rev-parse", "HEAD")

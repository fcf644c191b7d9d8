"""Where the store is: a file of the workspace, or a database that several machines share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from reconciler.config import DirectoryConfig
from reconciler.store.errors import StoreError

FILE: Final = Path(".reconciler") / "store.db"
"""The store of a workspace whose ``directory.yaml`` names none."""

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a store is: exactly one of the two.

    Attributes:
        path: a SQLite file.
        url: of a PostgreSQL database, with its password.
    """

    path: Path | None = None
    url: str | None = None

    @property
    def missing(self) -> bool:
        """Whether it is a file, and there is none.

        Raises:
            StoreError: nobody can tell.
        """
        try:
            return self.path is not None and not self.path.exists()
        except OSError as error:
            raise StoreError(f"the store {self.path} cannot be opened: {error.strerror or error}") from error

    def __repr__(self) -> str:
        return f"Location(path={self.path!r})" if self.path else "Location(url=…)"


def locate(config: DirectoryConfig, workspace: Path, environ: Mapping[str, str]) -> Location:
    """Return where the store of a workspace is.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        environ: the environment variables that ``store`` may name.

    Raises:
        StoreError: ``store`` names a variable that is not set, or is no ``postgresql://…`` URL.
    """
    if config.store is None:
        return Location(path=workspace / FILE)
    url = _expand(config.store, environ)
    if not url.startswith(("postgresql://", "postgres://")):
        raise StoreError(f"store {config.store!r}: only postgresql://… is known. Without it, the store is {FILE}")
    return Location(url=url)


def _expand(template: str, environ: Mapping[str, str]) -> str:
    """Fill in the variables. What stands before the host is user and password, and is encoded for the URL."""
    account, at, rest = template.rpartition("@")

    def value(match: re.Match[str]) -> str:
        found = environ.get(match[1], "").strip()
        if not match[0].endswith("}") or not found:
            raise StoreError(f"store {template!r}: the environment variable {match[1]} is not set")
        return found

    return _VARIABLE.sub(lambda match: quote(value(match), safe=""), account) + at + _VARIABLE.sub(value, rest)

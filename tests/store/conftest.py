"""What the tests of the store share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.store import Store
from stores import Workspace


@pytest.fixture
def workspace(tmp_path: Path, store_location: str | None) -> Workspace:
    """Give a workspace whose store does not exist yet."""
    return Workspace(tmp_path, store_location)


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    """Open a new store."""
    with workspace.open() as opened:
        yield opened

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from command_line import ADA_AND_TEAM, Workspace
from desk import STATED, Desk
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving

Open = Callable[..., Workspace]


@pytest.fixture
def open_workspace(tmp_path: Path) -> Iterator[Open]:
    """Make a workspace for a sandbox of its own; it states one user in one group until a test states otherwise."""
    with ExitStack() as stack:

        def make(dialect: str = "generic", *, seed: dict[str, Any] | None = None) -> Workspace:
            path = tmp_path / "workspace"
            path.mkdir()
            workspace = Workspace(path, stack.enter_context(leaving(Sandbox(dialect, seed=seed))))
            workspace.state(ADA_AND_TEAM, dialect=dialect)
            return workspace

        yield make


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    return open_workspace()


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Make a workspace for a sandbox that holds eve; it states ada and bob, and ada in a group."""
    path = tmp_path / "desk"
    path.mkdir()
    with leaving(Sandbox(seed={"users": [{"userName": "eve@example.com", "active": True}]}, record=True)) as sandbox:
        monkeypatch.setenv("SCIM_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("SCIM_TOKEN", sandbox.token)
        desk = Desk(path, sandbox, capsys)
        desk.state(STATED)
        yield desk

"""What every test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from scenario import Scenario

from reconciler.sandbox.server import Sandbox

Start = Callable[..., tuple[Scenario, Sandbox]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a sandbox directory and return a scenario against it."""
    with ExitStack() as stack:

        def make(
            dialect: str = "generic", *, seed: dict[str, Any] | None = None, **fields: Any
        ) -> tuple[Scenario, Sandbox]:
            sandbox = stack.enter_context(Sandbox(dialect, seed=seed, record=True))
            workspace = tmp_path / f"workspace{len(list(tmp_path.iterdir()))}"
            workspace.mkdir()
            return Scenario(workspace, sandbox.base_url, sandbox.token, dialect=dialect, **fields), sandbox

        yield make

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from disasters import Case, people, row_of, teams
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """Yield a company whose files and directory agree, and the row of docs/safety.md that names the test."""
    with leaving(Sandbox(seed={"users": people(), "groups": teams()}, record=True)) as sandbox:
        case = Case(row_of(request.function.__name__), tmp_path, sandbox)
        case.state()
        yield case

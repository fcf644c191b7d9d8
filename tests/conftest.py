"""What every test may use."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from postgres import PostgreSQL
    from reconciler.sandbox.server import Sandbox
    from scenario import Scenario, Start


_COVERED = {"planning", "desired"}
"""The folders whose tests are measured; see ``tool.coverage`` in pyproject.toml."""

_LAWS = "_laws.py"
"""Tests of invariants, over what is drawn at random: what they happen to run does not count as tested. The examples
alone are held to the share of the branches, and the laws take a third of the time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure the coverage of no test that it does not count for."""
    here = Path(__file__).parent
    for item in items:
        counts = item.path.relative_to(here).parts[0] in _COVERED and not item.path.name.endswith(_LAWS)
        if not counts and item.config.pluginmanager.has_plugin("pytest_cov"):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of the garbage collector's way, which would look through it again and
    again: a third of a million objects, which stay to the end."""
    gc.freeze()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start sandbox directories that live as long as the test."""
    # Imported here, so that tests of one package do not need all others to be importable.
    from reconciler.sandbox.server import Sandbox
    from sandboxes import leaving
    from scenario import Scenario

    with ExitStack() as stack:

        def make(
            dialect: str = "generic", *, seed: Mapping[str, Any] | None = None, **fields: Any
        ) -> tuple[Scenario, Sandbox]:
            sandbox = stack.enter_context(leaving(Sandbox(dialect, seed=seed, record=True)))
            workspace = tmp_path / f"workspace{len(list(tmp_path.iterdir()))}"
            workspace.mkdir()
            return Scenario(workspace, sandbox.base_url, sandbox.token, dialect=dialect, **fields), sandbox

        yield make


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server for the tests of this process."""
    from postgres import PostgreSQL

    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_location(request: pytest.FixtureRequest) -> str | None:
    """Say what ``store`` of ``directory.yaml`` is: ``None`` for the workspace's own SQLite file, or a new, empty place
    in PostgreSQL. Every test of it runs with both."""
    if request.param == "sqlite":
        return None
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_place()

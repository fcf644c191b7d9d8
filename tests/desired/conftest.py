from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.desired import load
from reconciler.diagnostics import DiagnosticsError

DIRECTORY = """\
directory: {name: acme, base_url: "https://scim.example.com", token: {env: SCIM_TOKEN}}
unlisted: {users: ignore, groups: ignore}
"""

Write = Callable[[Mapping[str, str | bytes]], Path]
Problems = Callable[[Mapping[str, str | bytes]], list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a workspace; its directory.yaml is a small valid one where none is given."""

    def write_files(files: Mapping[str, str | bytes]) -> Path:
        workspace = tmp_path / "workspace"
        for name, content in {"directory.yaml": DIRECTORY, **files}.items():
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return workspace

    return write_files


@pytest.fixture
def problems(write: Write) -> Problems:
    """Loads a workspace that must be refused, and returns every problem as it is printed."""

    def load_and_fail(files: Mapping[str, str | bytes]) -> list[str]:
        with pytest.raises(DiagnosticsError) as refused:
            load(write(files))
        return [str(diagnostic) for diagnostic in refused.value.diagnostics]

    return load_and_fail

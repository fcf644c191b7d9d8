"""Golden files: what a rendering gave when somebody last looked at it.

To write them anew, look at the difference, and commit it:

    UPDATE_GOLDEN=1 pytest tests/rendering && git diff tests/rendering/golden
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def matches_golden() -> Callable[[str, str], None]:
    """Assert that a text is the content of the golden file of that name, or write it where that was asked for."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; conftest.py tells how to write it anew"

    return check

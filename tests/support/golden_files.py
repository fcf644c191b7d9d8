"""Golden files: what a rendering gave when somebody last looked at it.

To write them anew, look at the difference, and commit it:

    UPDATE_GOLDEN=1 pytest tests/rendering && git diff tests/rendering/golden
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "rendering" / "golden"


def assert_golden(name: str, text: str) -> None:
    """Assert that a text is the content of the golden file of that name, or write it where that was asked for."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs; golden_files.py tells how to write it anew"

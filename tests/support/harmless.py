"""What must hold of every text that goes to a terminal or a log."""

from __future__ import annotations

import re

SGR = re.compile(r"\x1b\[[0-9;]*m")


def assert_harmless(text: str, *, color: bool = False) -> None:
    """Assert that a text is whole lines of printable characters that no runner of pipelines takes for a command."""
    plain = SGR.sub("", text) if color else text
    assert plain.endswith("\n")
    for line in plain[:-1].split("\n"):
        assert line.isprintable(), line
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line
        assert "##vso[" not in line.lower()

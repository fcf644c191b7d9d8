"""The page on how to read a plan shows what is really printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.rendering import render_text
from reconciler.rendering.person import render_person
from reconciler.rendering.risk import CODES
from sample_plans import nested_access

PAGE = (Path(__file__).parents[2] / "docs" / "reviewing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_piece_of_output_is_real(block: str) -> None:
    plan = nested_access()
    assert block in render_text(plan, color=False) or block in render_person(plan, "eve@example.com", color=False)


@pytest.mark.parametrize("code", CODES)
def test_every_risk_is_explained(code: str) -> None:
    assert f"`{code}`" in PAGE

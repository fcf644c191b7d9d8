"""``show NEW --compare OLD``: what is new since a review, without asking the directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import call
from reconciler.planning import encode
from sample_plans import ALL


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    for name in ("tiny", "every_kind", "refused"):
        (tmp_path / f"{name}.plan").write_bytes(encode(ALL[name]()))
    (tmp_path / "notes.txt").write_text("no plan", encoding="utf-8")
    return tmp_path


def test_what_separates_two_saved_plans_stands_before_the_last_line(plans: Path) -> None:
    done = call(["show", "every_kind.plan", "--compare", "tiny.plan"], cwd=plans)
    assert done.code == 0
    assert "Only in the newer plan, reviewed by nobody:" in done.stdout
    assert done.last_line == str(ALL["every_kind"]().summary)
    assert done.stdout.count(done.last_line) == 1


def test_programs_get_both(plans: Path) -> None:
    document = call(["show", "tiny.plan", "--compare", "tiny.plan", "--json"], cwd=plans).document
    assert document.keys() == {"plan", "comparison"}
    assert document["comparison"]["equivalent"] is True


def test_a_refused_plan_still_ends_with_3(plans: Path) -> None:
    assert call(["show", "refused.plan", "--compare", "tiny.plan"], cwd=plans).code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--compare", "notes.txt"], 4, "notes.txt: not a plan"),
        (["--compare", "tiny.plan", "--redact"], 64, "not with --redact"),
        (["--compare", "tiny.plan", "--format", "html"], 64, "text or JSON only"),
    ],
)
def test_what_cannot_be_compared_is_told(plans: Path, arguments: list[str], code: int, told: str) -> None:
    done = call(["show", "every_kind.plan", *arguments], cwd=plans)
    assert (done.code, done.stdout) == (code, "")
    assert told in done.stderr

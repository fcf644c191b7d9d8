"""What ``plan`` and ``show`` print for reviewers who may not see names, and as a comment."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Workspace, call
from reconciler import render
from reconciler.planning import decode, encode
from reconciler.rendering.redacting import redacted
from sample_plans import SAMPLES


def test_a_plan_is_shown_redacted_and_saved_whole(workspace: Workspace) -> None:
    file = workspace.path / "acme.plan"
    done = workspace.call("plan", "--redact", "-o", str(file))
    assert done.code == 0
    assert "ada@example.com" not in done.stdout
    assert "Redacted:" in done.stdout
    saved = decode(file.read_bytes())
    assert saved.digest in done.stdout
    assert call(["show", str(file), "--format", "markdown"]).stdout == render(saved, "markdown")
    assert call(["show", str(file), "--format", "markdown", "--redact"]).stdout == render(
        saved, "markdown", redact=True
    )


def test_a_redacted_document_is_refused_with_what_it_was_made_from(tmp_path: Path) -> None:
    plan = SAMPLES["tiny"]()
    file = tmp_path / "redacted.plan"
    file.write_bytes(encode(redacted(plan)))
    done = call(["show", str(file)])
    assert done.code == 4
    assert "the plan is redacted" in done.stderr
    assert plan.digest in done.stderr


@pytest.mark.parametrize("options", [("--redact",), ("--format", "markdown"), ("--format", "html")])
def test_a_comparison_which_names_people_goes_with_neither(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = call(["plan", "-C", str(tmp_path), "--compare", str(tmp_path / "old.plan"), *options])
    assert done.code == 64
    assert "--compare is written as text or JSON only" in done.stderr

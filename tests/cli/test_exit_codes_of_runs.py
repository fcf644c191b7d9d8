"""The exit code of a run: what a pipeline learns of how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.applying import RunResult, Status
from reconciler.cli.applying import exit_code_of
from reconciler.cli.exit_codes import ExitCode
from stores import outcome, update

LOST = "the store cannot be used: database or disk is full"


@pytest.mark.parametrize(
    ("statuses", "facts", "code"),
    [
        ("applied applied", {}, ExitCode.DONE),
        # Everything was written, and the record of it is not complete: nobody may take that for a good night.
        ("applied applied", {"stopped": LOST}, ExitCode.ERROR),
        ("applied not_tried", {"stopped": LOST}, ExitCode.PARTLY),
        ("not_tried not_tried", {"stopped": LOST}, ExitCode.ERROR),
        ("applied not_tried", {"stopped": "stopped by the user", "by_user": True}, ExitCode.STOPPED),
        ("failed not_tried", {"stopped": "too many failures", "breaker": True}, ExitCode.PARTLY),
        ("applied stale skipped", {}, ExitCode.STALE),
        ("applied differs", {}, ExitCode.PARTLY),
        ("failed", {}, ExitCode.PARTLY),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(statuses: str, facts: dict[str, Any], code: ExitCode) -> None:
    outcomes = tuple(outcome(update(number), Status(one)) for number, one in enumerate(statuses.split()))
    assert exit_code_of(RunResult(run_id="run-1", outcomes=outcomes, **facts)) is code

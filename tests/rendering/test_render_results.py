from __future__ import annotations

from typing import Any

from golden_files import assert_golden
from reconciler.applying import Outcome, RunResult, Status
from reconciler.planning import Action, Reason
from reconciler.rendering.results import render_result, result_document
from sample_plans import HOSTILE, group_step, listed, user_step


def outcome(name: str, status: Status, message: str = "", **fields: Any) -> Outcome:
    return Outcome(
        step=user_step(Action.UPDATE, name, Reason.DIFFERS), status=status, message=message, resource_id="1", **fields
    )


MIXED = RunResult(
    run_id="20261122T000000Z-abc123",
    outcomes=(
        outcome("ada@example.com", Status.APPLIED, requests=1),
        outcome(
            "bob@example.com", Status.FAILED, "PATCH /Users/1: 400 invalidValue: title is too long", http_status=400
        ),
        outcome("eve@example.com", Status.DIFFERS, "title was not stored"),
        outcome("kay@example.com", Status.STALE, "title was changed since"),
        Outcome(
            step=group_step(Action.ADD_MEMBERS, "team-platform", members=(listed("bob@example.com"),) * 2),
            status=Status.SKIPPED,
            message="needs create user:bob@example.com",
        ),
        outcome("zoe@example.com", Status.NOT_TRIED),
    ),
    stopped="stopped by the user",
    by_user=True,
)


def test_a_mixed_result_reads_as_it_did_when_it_was_last_looked_at() -> None:
    assert_golden("result_mixed.txt", render_result(MIXED, color=False))


def test_the_last_line_counts_every_status() -> None:
    assert render_result(MIXED, color=False).endswith(
        "\nApplied: 1 applied, 1 differ, 1 failed, 1 stale, 1 skipped, 1 not tried.\n"
    )


def test_many_failures_are_counted_and_full_names_them() -> None:
    result = RunResult(
        run_id="r", outcomes=tuple(outcome(f"u{n:02}@example.com", Status.FAILED, "no") for n in range(50))
    )
    short, full = render_result(result, color=False), render_result(result, color=False, full=True)
    assert "… and 30 more" in short
    assert "u49" not in short
    assert "u49@example.com" in full


def test_what_a_server_wrote_stays_on_its_line() -> None:
    result = RunResult(run_id="r", outcomes=(outcome(HOSTILE, Status.FAILED, HOSTILE),), stopped=HOSTILE)
    lines = render_result(result, color=False).splitlines()
    assert all(line.isprintable() and not line.lstrip().startswith("::") for line in lines)


def test_the_json_form_names_every_step_with_what_is_known() -> None:
    document = result_document(MIXED)
    assert document["counts"] == dict.fromkeys(map(str, Status), 1)
    assert document["outcomes"][1] == {
        "step": "update user:bob@example.com",
        "status": "failed",
        "message": "PATCH /Users/1: 400 invalidValue: title is too long",
        "resource_id": "1",
        "http_status": 400,
        "requests": 0,
    }

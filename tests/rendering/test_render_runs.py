from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from golden_files import assert_golden
from reconciler.api.history import RunDetails, RunOverview
from reconciler.planning.plan import Allowed
from reconciler.rendering.runs import render_run, render_runs
from reconciler.store import Actor, RunRecord, RunStatus, StepRecord
from sample_plans import HOSTILE
from stores import plan_of, update

STARTED = datetime(2026, 11, 22, 2, 0, 3, tzinfo=UTC)
BOT = Actor(
    user="runner",
    host="runner-7",
    pid=4711,
    ci="github",
    ci_actor="deploy-bot",
    ci_job="https://github.example.com/acme/directory/actions/runs/1",
    commit="0123456789abcdef",
    author="Ada <ada@example.com>",
    ticket="OPS-1234",
)


def record(number: int, status: RunStatus, **fields: Any) -> RunRecord:
    started = STARTED + timedelta(days=number)
    known: dict[str, Any] = {
        "id": f"{started:%Y%m%dT%H%M%SZ}-00000{number}",
        "directory": "https://scim.example.com/a",
        "name": "acme",
        "command": "reconcile",
        "started": started,
        "ended": None if status is RunStatus.RUNNING else started + timedelta(seconds=5),
        "actor": BOT,
    }
    return RunRecord(**{**known, "status": status, **fields})


def details(run: RunRecord, **fields: Any) -> RunDetails:
    known: dict[str, Any] = {
        "dead": False,
        "holder": None,
        "plan": plan_of(
            *(update(number) for number in range(1, 6)),
            allowances=(Allowed(allowance="users.update=9", reason="OPS-1234 a move"),),
            exclude=("group:team-core",),
        ),
        "damage": None,
        "steps": tuple(
            StepRecord(number=number, step=f"update user:user{number}@example.com", state=state, message=message)
            for number, (state, message) in enumerate(
                [
                    ("applied", ""),
                    ("differs", "title was not stored"),
                    ("failed", "PATCH /Users/3: 400 invalidValue: title is too long"),
                    ("trying", ""),
                    ("not_tried", ""),
                ],
                1,
            )
        ),
        "resumed_by": (),
        "undone_by": ("20261124T090000Z-00000a",),
    }
    return RunDetails(**{"run": run, **known, **fields})


PARTLY = record(
    1,
    RunStatus.INTERRUPTED,
    steps=5,
    reason="OPS-1234 a move",
    resumes="20261121T020000Z-000000",
    stopped="its process died",
    counts={"applied": 1, "differs": 1, "failed": 1, "trying": 1, "not_tried": 1},
)


def test_the_table_reads_as_it_did_when_it_was_last_looked_at() -> None:
    found = [
        RunOverview(run=record(3, RunStatus.RUNNING, steps=7), dead=True),
        RunOverview(run=record(2, RunStatus.COMPLETE, steps=1200, counts={"applied": 1200}, command="apply")),
        RunOverview(run=PARTLY),
        RunOverview(run=record(0, RunStatus.COMPLETE)),
    ]
    assert_golden("runs.txt", render_runs(found, color=False, limit=20))


def test_one_run_reads_as_it_did_when_it_was_last_looked_at() -> None:
    assert_golden("run.txt", render_run(details(PARTLY), color=False))


def test_many_steps_are_counted_and_full_names_them() -> None:
    steps = tuple(StepRecord(number=n, step=f"update user:u{n:02}", state="failed", message="no") for n in range(50))
    found = details(PARTLY, steps=steps)
    assert "… 30 more (--full shows all)" in render_run(found, color=False)
    assert "u49" in render_run(found, color=False, full=True)


def test_what_a_run_says_of_itself_stays_on_its_line() -> None:
    evil = Actor(user=HOSTILE, host=HOSTILE, ci=HOSTILE, ci_job=HOSTILE, commit=HOSTILE, author=HOSTILE, ticket=HOSTILE)
    run = record(
        1,
        RunStatus.PARTLY,
        name=HOSTILE,
        command=HOSTILE,
        actor=evil,
        reason=HOSTILE,
        stopped=HOSTILE,
        resumes=HOSTILE,
        directory=HOSTILE,
    )
    steps = (StepRecord(number=1, step=HOSTILE, state="failed", message=HOSTILE),)
    found = details(run, plan=None, damage=HOSTILE, steps=steps)
    shown = render_run(found, color=False, full=True) + render_runs([RunOverview(run=run)], color=False, limit=1)
    assert all(line.isprintable() for line in shown.split("\n"))


def test_nothing_is_coloured_unless_asked() -> None:
    assert "\x1b" not in render_run(details(PARTLY), color=False)
    assert "\x1b[" in render_run(details(PARTLY), color=True)

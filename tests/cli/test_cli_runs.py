"""``reconciler runs``: what was done before, and what can be done about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.applying import Status
from reconciler.cli.entry import run
from reconciler.planning import Step
from reconciler.planning.plan import Allowed, LeftOut
from reconciler.store import Actor, Store
from stores import ACTOR, URL, carry_out, config, locked, outcome, plan_of, update

DIRECTORY = f"""\
directory: {{name: acme, base_url: "{URL}", token: {{env: TOKEN}}}}
unlisted: {{users: ignore, groups: ignore}}
"""


class History:
    """A workspace whose store knows some runs; the directory is out of reach, and nobody has credentials for it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys
        (path / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")

    def store(self) -> Store:
        return Store.open(config(), self.path, {})

    def record(self, *steps: Step, fail: int = 0, **fields: Any) -> str:
        """Record a run in which so many steps have failed."""
        failing = set(steps[:fail])
        with self.store() as store:
            return carry_out(
                store,
                plan_of(*steps, **fields),
                lambda step: (
                    outcome(step, Status.FAILED, message="the server said no") if step in failing else outcome(step)
                ),
            )

    def die(self, *steps: Step) -> str:
        """Begin a run whose process is killed."""
        with self.store() as store, locked(store) as lock:
            return store.begin(plan_of(*steps), lock=lock, command="apply", actor=ACTOR).run_id

    def call(self, *arguments: str) -> tuple[int, str, str]:
        code = run(["runs", *arguments, "--no-color", "-C", str(self.path)])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err


@pytest.fixture
def history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> History:
    return History(tmp_path, capsys)


def test_before_the_first_run_there_are_none_and_no_store_is_made(history: History) -> None:
    assert history.call() == (0, "No runs.\n", "")
    assert not (history.path / ".reconciler").exists()


def test_the_newest_run_comes_first_with_who_and_how_it_ended(history: History) -> None:
    first = history.record(update(1), update(2))
    second = history.record(update(1), update(2), fail=1)
    code, out, _ = history.call()
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["RUN", "STARTED", "COMMAND", "BY", "STATUS", "STEPS"]
    assert lines[1].startswith(second)
    assert lines[1].endswith("apply    ada on laptop  partly    1 applied, 1 failed")
    assert lines[2].startswith(first)
    assert lines[2].endswith("complete  2 applied")
    assert lines[-1] == "2 runs."


def test_the_last_ones_are_shown_and_that_there_may_be_more(history: History) -> None:
    runs = [history.record(update(1)) for _ in range(3)]
    _, out, _ = history.call("--limit", "1")
    assert runs[2] in out
    assert runs[1] not in out
    assert out.splitlines()[-1] == "1 run. There may be more (--limit)."


def test_the_directory_is_named_where_a_store_serves_several(history: History) -> None:
    history.record(update(1))
    _, out, _ = history.call()
    assert "DIRECTORY" not in out
    with history.store() as store:
        carry_out(store, plan_of(update(1), url="https://scim.example.com/b"))
    _, out, _ = history.call()
    assert "DIRECTORY" in out


def test_a_run_whose_process_died_is_shown_as_dead_with_what_nobody_knows(history: History) -> None:
    run_id = history.die(update(1))
    assert "dead" in history.call()[1]
    _, out, err = history.call("show", run_id)
    assert "Status:     dead: its process died" in out
    assert f"reconciler apply --resume {run_id}" in err


def test_a_run_that_holds_the_lock_is_running(history: History) -> None:
    with history.store() as store, locked(store) as lock:
        started = store.begin(plan_of(update(1)), lock=lock, command="apply", actor=ACTOR)
        _, out, err = history.call("show", started.run_id)
    assert "Status:     running: process 42 on laptop holds the lock" in out
    assert err == ""


def test_show_tells_what_was_not_applied_why_and_the_ways_on(history: History) -> None:
    allowed = (Allowed(allowance="users.update=9", reason="OPS-1234"),)
    run_id = history.record(update(1), update(2), fail=1, reason="OPS-1234", allowances=allowed)
    code, out, err = history.call("show", run_id)
    assert code == 0
    assert "By:         ada on laptop, process 42" in out
    assert "Reason:     OPS-1234" in out
    assert "Allowed:    users.update=9: OPS-1234" in out
    assert "Failed (1 step):\n  ✗ update user:user1@example.com: the server said no" in out
    assert "user2" not in out
    assert out.splitlines()[-1] == "Steps: 1 applied, 1 failed."
    assert f"apply --resume {run_id}" in err
    assert f"undo {run_id}" in err


def test_show_names_every_step_when_asked(history: History) -> None:
    run_id = history.record(update(1), update(2))
    assert "✓ update user:user2@example.com" in history.call("show", run_id, "--full")[1]


def test_a_run_that_is_undone_or_resumed_offers_no_more_of_it(history: History) -> None:
    first = history.record(update(1), update(2), fail=1)
    undo = history.record(update(3), undoes=first)
    with history.store() as store:
        again = carry_out(store, plan_of(update(1), update(2)), resumes=first)
    _, out, err = history.call("show", first)
    assert f"Undone by:  {undo}" in out
    assert f"Resumed by: {again}" in out
    assert err == ""


def test_what_a_run_left_out_is_counted_and_why(history: History) -> None:
    left = (LeftOut(step="delete user:eve@example.com", why="auto_approve"),)
    run_id = history.record(update(1), left_out=left)
    assert "Left out:   1 step not approved to go unattended\n" in history.call("show", run_id)[1]


def test_a_program_gets_all_of_it(history: History) -> None:
    run_id = history.record(update(1), update(2), fail=1)
    (listed,) = json.loads(history.call("--json")[1])["runs"]
    shown = json.loads(history.call("show", run_id, "--json")[1])
    assert (listed["id"], listed["status"], listed["counts"]) == (run_id, "partly", {"applied": 1, "failed": 1})
    assert [line["state"] for line in shown["ledger"]] == ["failed", "applied"]
    assert (shown["resumable"], shown["undoable"]) == (True, True)


def test_a_plan_that_was_altered_is_told_and_the_ledger_shown(history: History) -> None:
    run_id = history.record(update(1))
    with history.store() as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET plan = x'00'")
    code, out, err = history.call("show", run_id)
    assert code == 0
    assert "Plan:       not intact" in out
    assert out.splitlines()[-1] == "Steps: 1 applied."
    assert err == ""


def test_a_misspelt_run_is_guessed(history: History) -> None:
    run_id = history.record(update(1))
    code, _, err = history.call("show", run_id[:-1])
    assert code == 1
    assert f"did you mean {run_id}?" in err


def test_what_a_machine_says_of_itself_cannot_repaint_the_terminal(history: History) -> None:
    evil = Actor(user="a\x1b[2J", host="b\u202e", pid=1)
    with history.store() as store, locked(store) as lock:
        run_id = store.begin(plan_of(update(1), reason="\x1b]0;x\x07"), lock=lock, command="apply", actor=evil).run_id
    shown = history.call()[1] + history.call("show", run_id)[1]
    assert shown.replace("\n", "").isprintable()

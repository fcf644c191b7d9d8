"""The ledger of a run: durable, private, readable after anything, and written before anything is done."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, user
from reconciler.applying import ApplyEvent, Ledger, RunResult, Status, read_ledger
from reconciler.applying.ledger import LEDGER, RUNS
from reconciler.planning import Plan, decode
from scenario import Scenario, Start

HOSTILE = "o'neil\"\\ \u2028\u202e ünïcode 🐘 </script>@example.com"


def users(count: int) -> str:
    return "users:\n" + "".join(f"  - {{userName: user{number:02}@example.com}}\n" for number in range(count))


def folder_of(scenario: Scenario, result: RunResult) -> Path:
    return scenario.workspace / RUNS / result.run_id


def only_folder(scenario: Scenario) -> Path:
    (folder,) = (scenario.workspace / RUNS).iterdir()
    return folder


@pytest.fixture
def planned(start: Start) -> tuple[Scenario, Plan]:
    scenario, _ = start()
    return scenario, scenario.write(users(1)).plan()


def test_a_run_keeps_the_very_plan_that_it_carries_out(planned: tuple[Scenario, Plan]) -> None:
    scenario, made = planned
    result = scenario.apply(made)
    assert decode((folder_of(scenario, result) / "plan.json").read_bytes()) == made


def test_only_the_owner_can_read_what_a_run_keeps(planned: tuple[Scenario, Plan]) -> None:
    scenario, made = planned
    folder = folder_of(scenario, scenario.apply(made))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.parents[:2], *folder.iterdir())}
    assert modes == {folder.name: 0o700, "runs": 0o700, ".reconciler": 0o700, "plan.json": 0o600, LEDGER: 0o600}


def test_the_token_is_in_no_file_of_a_run_though_the_directory_repeats_it(between: Interpose) -> None:
    def repeating(request: Request, forward: Forward) -> Reply:
        if request.method == "PATCH":
            return error(400, f"cannot do this with {request.headers['authorization']}")
        return forward(request)

    made = between(repeating, seed={"users": [user("ada", title="Intern")]})
    result = made.scenario.write("users: [{userName: ada@example.com, title: Engineer}]").apply()
    assert result.counts[Status.FAILED] == 1
    assert "[token]" in result.outcomes[0].message
    for file in folder_of(made.scenario, result).iterdir():
        assert made.scenario.token not in file.read_text(encoding="utf-8")


def test_every_line_is_json_whatever_names_there_are(start: Start) -> None:
    # The files refuse such names; a directory may hold them.
    scenario, _ = start(seed={"users": [{"userName": HOSTILE}]}, unlisted=("delete", "ignore"))
    planned = scenario.write("").plan()
    result = scenario.apply(planned)
    lines = (folder_of(scenario, result) / LEDGER).read_bytes().split(b"\n")
    assert lines.pop() == b""
    documents = [json.loads(line) for line in lines]
    assert documents[2]["type"] == "step_finished"
    assert documents[2]["step"] == planned.steps[0].id
    assert "ünïcode 🐘 </script>" in documents[2]["step"]


def test_an_actor_whose_name_is_no_valid_text_is_recorded_all_the_same(planned: tuple[Scenario, Plan]) -> None:
    scenario, made = planned
    with Ledger.open(scenario.workspace, made, actor={"user": "gr\udce4ce", "host": "ci"}) as ledger:
        pass
    assert read_ledger(ledger.folder)[0]["actor"] == {"user": "gr?ce", "host": "ci"}


def test_nothing_begins_without_a_ledger(planned: tuple[Scenario, Plan]) -> None:
    scenario, made = planned
    (scenario.workspace / ".reconciler").write_text("in the way")
    with pytest.raises(OSError, match=r"\.reconciler"):
        scenario.apply(made)
    assert scenario.live().users == ()


@contextmanager
def full_disk_at(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, in bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 30], ids=["at the end of a line", "in the middle of a line"])
def test_a_disk_that_fills_up_ends_the_run_and_loses_nothing_that_was_done(start: Start, room: int) -> None:
    scenario, _ = start(concurrency=2, chunk_size=10)
    scenario.write(users(30))
    with ExitStack() as stack:
        full = False

        def fill(event: ApplyEvent) -> None:
            nonlocal full
            if event.done == 5 and not full:
                full = True
                stack.enter_context(full_disk_at((only_folder(scenario) / LEDGER).stat().st_size + room))

        result = scenario.apply(on_event=fill)
    assert result.stopped is not None
    assert "cannot be written any more: File too large" in result.stopped
    assert not result.by_user
    # Everything that reached the directory is in the result, and the ledger is whole up to where it ends.
    applied = {outcome.step.name for outcome in result.outcomes if outcome.status is Status.APPLIED}
    assert applied == {found.name for found in scenario.live().users}
    assert 6 <= len(applied) <= 8
    recorded = [line for line in read_ledger(folder_of(scenario, result)) if line["type"] == "step_finished"]
    assert len(recorded) == 5
    assert (folder_of(scenario, result) / LEDGER).read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("event_type", ["chunk_started", "step_finished", "chunk_completed"])
def test_a_second_ctrl_c_leaves_a_ledger_that_says_so_and_a_directory_to_go_on_with(
    start: Start, event_type: str
) -> None:
    scenario, _ = start(chunk_size=10)
    scenario.write(users(30))

    def interrupt(event: ApplyEvent) -> None:
        if event.type == event_type and event.chunk == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenario.apply(on_event=interrupt)
    lines = read_ledger(only_folder(scenario))
    assert lines[-1]["type"] == "run_interrupted"
    finished = {line["step"] for line in lines if line["type"] == "step_finished"}
    announced = {step for line in lines if line["type"] == "chunk_started" for step in line["steps"]}
    assert len(announced) == 20
    assert finished <= announced
    scenario.converge()
    assert len(scenario.live().users) == 30

"""What is remembered of a directory between one apply and the next plan."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from reconciler.applying.outcome import Outcome, Status
from reconciler.model import Kind, Observation
from reconciler.observations import OBSERVATIONS, recall, remember
from reconciler.planning import Action, Change, Reason, Step

URL, OTHER_URL = "https://scim.example.com/a", "https://scim.example.com/b"


def seen(number: int = 1, **facts: Any) -> Observation:
    known = {"kind": Kind.USER, "id": f"u{number}", "path": "title", "wrote": " Boss", "stored": "Boss"}
    return Observation(**{**known, **facts})


def outcome(*differences: Observation, action: Action = Action.UPDATE, before: Any = "Engineer") -> Outcome:
    changes = (Change(path="title", before=before, after=" Boss"),)
    step = Step(id="x", action=action, kind=Kind.USER, name="ada", reason=Reason.DIFFERS, changes=changes)
    return Outcome(step=step, status=Status.DIFFERS, differences=differences)


def test_nothing_is_known_before_the_first_apply(tmp_path: Path) -> None:
    assert recall(tmp_path, URL) == ()
    remember(tmp_path, URL, "run-1", [outcome()])
    assert not (tmp_path / OBSERVATIONS).exists()


def test_what_is_remembered_comes_back_in_order(tmp_path: Path) -> None:
    emails = seen(2, path="emails", wrote=[{"value": "A@example.com", "primary": True}], stored=None)
    remember(tmp_path, URL, "run-1", [outcome(seen(1)), outcome(emails)])
    remember(tmp_path, URL, "run-2", [outcome(seen(3, kind=Kind.GROUP))])
    assert recall(str(tmp_path), URL) == (seen(1), emails, seen(3, kind=Kind.GROUP))


def test_each_directory_has_its_own_memory(tmp_path: Path) -> None:
    remember(tmp_path, URL, "run-1", [outcome(seen(1))])
    remember(tmp_path, OTHER_URL, "run-2", [outcome(seen(2))])
    assert recall(tmp_path, OTHER_URL) == (seen(2),)


@pytest.mark.parametrize(
    ("action", "before", "stored", "unchanged"),
    [
        (Action.UPDATE, "Engineer", "Engineer", True),
        (Action.UPDATE, None, None, True),
        (Action.UPDATE, "Engineer", "Boss", False),
        (Action.UPDATE, "Engineer", None, False),
        (Action.CREATE, None, None, False),
    ],
)
def test_a_write_that_changed_nothing_is_marked_as_such(
    tmp_path: Path, action: Action, before: Any, stored: Any, unchanged: bool
) -> None:
    remember(tmp_path, URL, "run-1", [outcome(seen(stored=stored), action=action, before=before)])
    assert [one.unchanged for one in recall(tmp_path, URL)] == [unchanged]


@pytest.mark.parametrize(
    ("action", "status", "requests", "kept"),
    [
        (Action.UPDATE, Status.APPLIED, 1, True),
        (Action.UPDATE, Status.APPLIED, 0, False),
        (Action.UPDATE, Status.FAILED, 1, False),
        (Action.CREATE, Status.APPLIED, 1, False),
    ],
    ids=["written", "was so already", "failed", "new"],
)
def test_what_an_existing_resource_kept_is_remembered_too(
    tmp_path: Path, action: Action, status: Status, requests: int, kept: bool
) -> None:
    changes = (Change(path="active", before=False, after=True), Change(path="title", before="x", after="Boss"))
    step = Step(id="x", action=action, kind=Kind.USER, name="ada", reason=Reason.DIFFERS, changes=changes)
    remember(tmp_path, URL, "run-1", [Outcome(step=step, status=status, resource_id="u1", requests=requests)])
    assert recall(tmp_path, URL) == ((seen(wrote="Boss", stored="Boss"),) if kept else ())


def test_something_else_in_its_place_is_no_memory(tmp_path: Path) -> None:
    (tmp_path / ".reconciler").touch()
    assert recall(tmp_path, URL) == ()


@pytest.mark.parametrize("torn", [b'{"base_url":"https://scim.ex', b'{"base_url": 1}\n', b"\xff\n", b"[" * 5000])
def test_a_torn_or_foreign_line_costs_nothing_but_itself(tmp_path: Path, torn: bytes) -> None:
    remember(tmp_path, URL, "run-1", [outcome(seen(1))])
    with (tmp_path / OBSERVATIONS).open("ab") as file:
        file.write(torn)
    assert recall(tmp_path, URL) == (seen(1),)
    remember(tmp_path, URL, "run-2", [outcome(seen(2))])
    assert recall(tmp_path, URL) == (seen(1), seen(2))


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    remember(tmp_path, URL, "run-1", [outcome(seen())])
    assert stat.S_IMODE((tmp_path / OBSERVATIONS).stat().st_mode) == 0o600


def test_it_is_bounded_and_forgets_the_oldest_first(tmp_path: Path) -> None:
    def learn(run: int) -> None:
        differences = [seen(number, stored=f"run {run}") for number in range(5)]
        remember(tmp_path, URL, f"run-{run}", [outcome(*differences, seen(run + 10))], max_bytes=4000)

    for run in range(40):
        learn(run)
        assert (tmp_path / OBSERVATIONS).stat().st_size <= 4000
    known = recall(tmp_path, URL)
    assert [one.stored for one in known if one.id == "u0"][-1] == "run 39"
    assert seen(10) not in known


def test_what_it_forgets_keeps_the_last_two_of_each_value(tmp_path: Path) -> None:
    for run in range(6):
        remember(tmp_path, URL, f"run-{run}", [outcome(seen(stored=f"run {run}"))], max_bytes=600)
    assert [one.stored for one in recall(tmp_path, URL)][-2:] == ["run 4", "run 5"]

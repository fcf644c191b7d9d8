"""What ends a run, what does not, and what it cost by then."""

from __future__ import annotations

from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, Meddle, pass_on, user
from reconciler.applying import Status, StopSignal

NAMES = [f"user{number:02}" for number in range(40)]


def seed() -> dict[str, Any]:
    return {"users": [user(name, title="Intern") for name in NAMES]}


def files(title: str = "Engineer") -> str:
    return "users:\n" + "".join(f"  - {{userName: {name}@example.com, title: {title}}}\n" for name in NAMES)


def on_users(reply: Reply, *methods: str) -> Meddle:
    def meddle(request: Request, forward: Forward) -> Reply:
        return reply if request.method in methods and "/Users/" in request.path else forward(request)

    return meddle


@pytest.mark.parametrize(
    ("meddle", "why"),
    [
        pytest.param(on_users(Reply(reset=True), "GET"), "connection broke", id="the server is down"),
        pytest.param(
            on_users(error(429, "", Retry_After="0"), "GET"), "turning requests away", id="throttled for good"
        ),
        pytest.param(on_users(Reply(502), "GET"), "the server failed", id="a gateway without a server behind it"),
        pytest.param(on_users(Reply(500), "PATCH"), "may have been carried out or not", id="no write is answered"),
        pytest.param(on_users(Reply(200, b"<html>"), "GET"), "HTML", id="a login page"),
        pytest.param(on_users(error(403, "read only"), "PATCH"), "the token may not do this", id="a token for reading"),
        pytest.param(
            on_users(Reply(302, headers={"Location": "https://login.example.com/"}), "GET"),
            "another origin",
            id="sent elsewhere",
        ),
    ],
)
def test_a_directory_that_fails_on_and_on_ends_the_run(between: Interpose, meddle: Meddle, why: str) -> None:
    made = between(meddle, seed=seed())
    made.scenario.concurrency = 4
    result = made.scenario.write(files()).apply()
    assert result.stopped is not None
    assert result.stopped.startswith("10 steps in a row failed, the last one so: ")
    assert why in result.stopped
    # Ten, and what was in flight with the tenth.
    assert 10 <= result.counts[Status.FAILED] <= 13
    assert result.counts[Status.FAILED] + result.counts[Status.NOT_TRIED] == len(NAMES)
    assert not result.by_user


@pytest.mark.parametrize(
    "refusal", [error(403, "administrators are not yours"), Reply(500), Reply(reset=True)], ids=["403", "500", "reset"]
)
def test_one_resource_that_cannot_be_touched_stops_no_other(between: Interpose, refusal: Reply) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return refusal if request.path.endswith(untouchable[0]) else forward(request)

    untouchable = ["none yet"]
    made = between(meddle, seed=seed())
    untouchable[0] = made.id_of("user03@example.com")
    result = made.scenario.write(files()).apply()
    assert result.counts[Status.FAILED] == 1
    assert result.counts[Status.APPLIED] == len(NAMES) - 1
    assert result.stopped is None


def test_refusals_that_are_about_resources_never_end_a_run(between: Interpose) -> None:
    made = between(on_users(error(400, "no such title", "invalidValue"), "PATCH"), seed=seed())
    result = made.scenario.write(files()).apply()
    assert result.counts[Status.FAILED] == len(NAMES)
    assert result.stopped is None


def test_work_that_is_done_already_counts_as_a_directory_that_works(between: Interpose) -> None:
    """Every other user cannot be read; those between need no write, and still show that the server is there."""

    def meddle(request: Request, forward: Forward) -> Reply:
        return Reply(500) if request.path.rpartition("/")[2] in broken else forward(request)

    broken: set[str] = set()
    made = between(meddle, seed=seed())
    made.scenario.concurrency = 1
    planned = made.scenario.write(files()).plan()
    made.direct.apply(planned)
    broken |= {made.id_of(f"{name}@example.com") for name in NAMES[::2]}
    result = made.scenario.apply(planned)
    assert result.counts[Status.FAILED] == result.counts[Status.APPLIED] == len(NAMES) // 2
    assert result.stopped is None


def test_a_stop_after_the_last_step_stopped_nothing(between: Interpose) -> None:
    stop = StopSignal()
    made = between(pass_on, seed=seed())
    made.scenario.write(files())
    result = made.scenario.apply(
        stop=stop, on_event=lambda event: stop.request() if event.done == event.total else None
    )
    assert result.complete
    assert result.stopped is None
    assert not result.by_user

"""What goes wrong with many steps, or with the first ones, is not done to the others as well."""

from __future__ import annotations

from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, Meddle, pass_on, user
from reconciler.applying import Breaker, Outcome, RunResult, Status
from reconciler.applying.breaker import Watch, stored_otherwise
from reconciler.config import Limit
from reconciler.model import Kind, Observation
from reconciler.planning import Action, Reason, Step

COUNT = 40
NAMES = [f"user{number:02}@example.com" for number in range(COUNT)]
SEED: dict[str, Any] = {"users": [user(f"user{number:02}", title="Intern") for number in range(COUNT)]}
TITLES = "users:\n" + "".join(f"  - {{userName: {name}, title: Engineer}}\n" for name in NAMES)
NO_LIMIT = Breaker(limit=Limit())


def failing(made_ids: set[str]) -> Meddle:
    """Refuse every change of these users."""

    def meddle(request: Request, forward: Forward) -> Reply:
        refused = request.method == "PATCH" and request.path.rpartition("/")[2] in made_ids
        return error(400, "no such title", "invalidValue") if refused else forward(request)

    return meddle


def apply_with_failures(between: Interpose, names: list[str], breaker: Breaker | None) -> RunResult:
    ids: set[str] = set()
    made = between(failing(ids), seed=SEED)
    ids |= {made.id_of(name) for name in names}
    made.scenario.concurrency = 1
    return made.scenario.write(TITLES).apply(breaker=breaker)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        pytest.param(Limit(count=3), "4 steps failed and max_failures is 3;", id="by count"),
        pytest.param(Limit(percent=8), "4 steps failed and max_failures is 8 % of 40 = 3;", id="by percent"),
        pytest.param(Limit(count=3, percent=50), "max_failures is 3;", id="the lower binds: the count"),
        pytest.param(Limit(count=20, percent=9.9), "max_failures is 9.9 % of 40 = 3;", id="the integer part"),
    ],
)
def test_more_failures_than_allowed_end_the_run(between: Interpose, limit: Limit, told: str) -> None:
    result = apply_with_failures(between, NAMES[10:], Breaker(limit=limit))
    assert result.breaker
    assert told in (result.stopped or "")
    assert "no such title" in (result.stopped or "")
    # Ten in the first chunk work; of the second, four fail.
    assert result.counts[Status.APPLIED] == 10
    assert result.counts[Status.FAILED] == 4
    assert result.counts[Status.NOT_TRIED] == 26
    assert not result.by_user


def test_as_many_failures_as_allowed_end_nothing(between: Interpose) -> None:
    result = apply_with_failures(between, NAMES[10:13], Breaker(limit=Limit(count=3)))
    assert result.counts[Status.FAILED] == 3
    assert result.counts[Status.APPLIED] == COUNT - 3
    assert not result.breaker
    assert result.stopped is None


@pytest.mark.parametrize("limit", [Limit(count=0), Limit(percent=2)])
def test_a_limit_of_less_than_one_step_ends_the_run_with_the_first(between: Interpose, limit: Limit) -> None:
    result = apply_with_failures(between, NAMES[20:], Breaker(limit=limit))
    assert result.counts[Status.FAILED] == 1
    assert result.counts[Status.APPLIED] == 20


def test_a_failure_in_the_first_chunk_ends_the_run_after_it(between: Interpose) -> None:
    result = apply_with_failures(between, [NAMES[3]], NO_LIMIT)
    assert result.breaker
    assert "1 step of the first chunk failed" in (result.stopped or "")
    assert result.counts[Status.FAILED] == 1
    assert result.counts[Status.APPLIED] == 9
    assert result.counts[Status.NOT_TRIED] == 30


def test_what_fails_in_the_only_chunk_stopped_nothing(between: Interpose) -> None:
    ids: set[str] = set()
    made = between(failing(ids), seed={"users": SEED["users"][:3]})
    ids.add(made.id_of(NAMES[0]))
    files = "users:\n" + "".join(f"  - {{userName: {name}, title: Engineer}}\n" for name in NAMES[:3])
    result = made.scenario.write(files).apply(breaker=NO_LIMIT)
    assert result.counts[Status.APPLIED] == 2
    assert not result.breaker
    assert result.stopped is None


def test_what_is_in_flight_when_the_circuit_breaks_comes_to_its_end(between: Interpose) -> None:
    ids: set[str] = set()
    made = between(failing(ids), seed=SEED)
    ids.add(made.id_of(NAMES[10]))
    made.scenario.concurrency = 4
    result = made.scenario.write(TITLES).apply(breaker=Breaker(limit=Limit(count=0)))
    assert result.breaker
    settled = {Status.APPLIED, Status.FAILED, Status.NOT_TRIED}
    assert {outcome.status for outcome in result.outcomes} == settled
    assert result.counts[Status.APPLIED] + result.counts[Status.FAILED] <= 10 + 4
    titles = {found.name: found.attributes["title"] for found in made.direct.live().users}
    for outcome in result.outcomes:
        assert (titles[outcome.step.name] == "Engineer") == (outcome.status is Status.APPLIED)


def test_a_stale_step_is_no_failure(between: Interpose) -> None:
    made = between(pass_on, seed=SEED)
    planned = made.scenario.write(TITLES).plan()
    made.direct.write(TITLES.replace("Engineer", "Boss")).apply()
    result = made.scenario.apply(planned, breaker=Breaker(limit=Limit(count=0)))
    assert result.counts[Status.STALE] == COUNT
    assert not result.breaker


def trimming(request: Request, forward: Forward) -> Reply:
    """Store titles in small letters."""
    if request.method == "PATCH":
        body = request.body.replace(b"Engineer", b"engineer_")
        return forward(Request(request.method, request.target, request.headers, body))
    return forward(request)


def test_a_value_that_reads_back_otherwise_ends_the_run_when_that_is_new(between: Interpose) -> None:
    made = between(trimming, seed=SEED)
    made.scenario.concurrency = 1
    result = made.scenario.write(TITLES).apply(breaker=NO_LIMIT)
    assert result.breaker
    assert result.counts[Status.DIFFERS] == 1
    assert result.counts[Status.NOT_TRIED] == COUNT - 1
    assert "reads back differently from what was written" in (result.stopped or "")
    assert "title is 'engineer_', not 'Engineer'" in (result.stopped or "")


def test_the_next_run_knows_it_and_goes_on(between: Interpose) -> None:
    made = between(trimming, seed=SEED)
    made.scenario.concurrency = 1
    first = made.scenario.write(TITLES).apply(breaker=NO_LIMIT)
    learned = stored_otherwise(made.scenario.memory[made.scenario.base_url])
    assert learned == {(Kind.USER, "title")}
    again = made.scenario.apply(breaker=Breaker(limit=Limit(), known=learned))
    assert first.breaker
    assert not again.breaker
    assert again.counts[Status.DIFFERS] == len(again.outcomes) >= COUNT - 1


def test_a_difference_can_be_let_pass(between: Interpose) -> None:
    made = between(trimming, seed=SEED)
    result = made.scenario.write(TITLES).apply(breaker=Breaker(limit=Limit(), stop_on_difference=False))
    assert result.counts[Status.DIFFERS] == COUNT
    assert not result.breaker


def test_an_account_that_stays_active_ends_the_run_whatever_else_is_known(between: Interpose) -> None:
    def deactivating_nobody(request: Request, forward: Forward) -> Reply:
        return Reply(200, {}) if request.method == "PATCH" else forward(request)

    made = between(deactivating_nobody, seed=SEED)
    made.scenario.concurrency = 1
    known = frozenset({(Kind.USER, "title"), (Kind.USER, "active")})
    result = made.scenario.write("users: []").apply(breaker=Breaker(limit=Limit(), known=known))
    assert result.breaker
    assert result.counts[Status.DIFFERS] == 1


@pytest.mark.parametrize("action", [Action.ADD_MEMBERS, Action.REMOVE_MEMBERS])
def test_a_membership_that_reads_back_otherwise_always_breaks_the_circuit(action: Action) -> None:
    step = Step(id="a step", action=action, kind=Kind.GROUP, name="team", reason=Reason.LISTED)
    known = frozenset({(Kind.GROUP, "members"), (Kind.GROUP, "")})
    watch = Watch(Breaker(limit=Limit(), known=known), steps=100)
    told = watch.notice(7, Outcome(step=step, status=Status.DIFFERS, message="1 memberships are not as written: ada"))
    assert told is not None
    assert "“a step”: 1 memberships are not as written: ada" in told


def test_without_a_breaker_all_is_tried(between: Interpose) -> None:
    result = apply_with_failures(between, NAMES, None)
    assert result.counts[Status.FAILED] == COUNT


def test_what_a_directory_kept_is_nothing_that_it_stores_otherwise() -> None:
    def seen(path: str, wrote: str | None, stored: str | None) -> Observation:
        return Observation(kind=Kind.USER, id="1", path=path, wrote=wrote, stored=stored)

    observations = (seen("title", "a", "a"), seen("nickName", "a", "A"), seen("", None, None))
    assert stored_otherwise(observations) == {(Kind.USER, "nickName"), (Kind.USER, "")}

"""The pace that is found against simulated servers, in simulated time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.capabilities import Rate
from reconciler.scim.pace import Pacer, Sent
from reconciler.scim.quotas import Announced
from simulated_servers import (
    Changing,
    ConcurrentLimit,
    FixedWindow,
    Server,
    Tell,
    TokenBucket,
    ask_all_the_time,
    nothing,
    whole_seconds,
)

MOST = 8
USERS = ("POST", "Users")


@pytest.mark.parametrize("rate", [20, 50, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tell", [whole_seconds, nothing])
@pytest.mark.parametrize(
    "server",
    [
        pytest.param(lambda rate: TokenBucket(rate, rate), id="a bucket of a second"),
        pytest.param(lambda rate: TokenBucket(rate, 3 * rate), id="a bucket of three seconds"),
        pytest.param(lambda rate: TokenBucket(rate, rate // 10), id="a bucket of a tenth of a second"),
        pytest.param(lambda rate: FixedWindow(rate, 1), id="a window of a second"),
        pytest.param(lambda rate: FixedWindow(rate, 1, announces=True), id="a window of a second, announced"),
    ],
)
def test_a_settled_pace_is_95_percent_of_what_is_admitted_with_2_percent_turned_away(
    server: Callable[[int], Server], tell: Tell, rate: int
) -> None:
    settled = ask_all_the_time(Pacer(MOST), server(rate), seconds=70, tell=tell).between(30, 70)

    assert settled.rate >= 0.95 * rate
    assert settled.throttled < 0.02


@pytest.mark.parametrize("burst", [20, 60])
def test_the_pace_is_found_also_far_away(burst: int) -> None:
    settled = ask_all_the_time(Pacer(MOST), TokenBucket(20, burst), seconds=120, latency=0.3).between(40, 120)

    assert settled.rate >= 0.95 * 20
    assert settled.throttled < 0.02


@pytest.mark.parametrize("announces", [True, False])
def test_a_quota_by_the_minute_is_used_up_and_not_run_into(*, announces: bool) -> None:
    server = FixedWindow(600, 60, announces=announces)

    whole = ask_all_the_time(Pacer(MOST), server, seconds=600, latency=0.1).between(0, 600)

    assert whole.rate >= 0.95 * 10
    assert whole.throttled < 0.02


def test_an_announced_quota_is_spread_over_its_time() -> None:
    server = FixedWindow(600, 60, announces=True, offset=0)
    record = ask_all_the_time(Pacer(MOST), server, seconds=59, latency=0.1)

    assert [round(record.between(at, at + 10).rate) for at in (5, 15, 25, 35, 45)] == [10] * 5


def test_a_declared_rate_is_never_run_into() -> None:
    """Slack's: 600 requests a minute, of which 180 may come at once."""
    declared = Rate(requests=600, seconds=60, burst=180)
    record = ask_all_the_time(Pacer(MOST, rates=[declared]), TokenBucket(10, 180), seconds=120, latency=0.1)

    assert record.between(0, 120).throttled == 0
    assert record.between(40, 120).rate >= 0.95 * 10


def test_a_declared_rate_holds_for_its_methods_and_endpoints_only() -> None:
    pacer = Pacer(MOST, rates=[Rate(requests=1, seconds=10, methods=("POST",), endpoints=("Users",))])
    pacer.good(pacer.send(0.0, *USERS), 0.0)

    assert pacer.wait(0.0, *USERS) == pytest.approx(10, rel=0.02)
    assert pacer.wait(0.0, "GET", "Users") == 0
    assert pacer.wait(0.0, "POST", "Groups") == 0


@pytest.mark.parametrize(("limit", "most"), [(4, 8), (2, 16), (1, 8)])
def test_a_limit_of_requests_at_once_is_found_and_kept(limit: int, most: int) -> None:
    """Databricks: four at once, without a word on when to come back."""
    server = ConcurrentLimit(limit)
    settled = ask_all_the_time(Pacer(most), server, seconds=120, latency=0.1, jitter=0, tell=nothing).between(20, 120)

    assert settled.rate >= 0.9 * limit / 0.1
    assert settled.throttled < 0.02


def test_a_server_that_admits_less_than_before_is_followed_at_once() -> None:
    record = ask_all_the_time(Pacer(MOST), Changing(50, 50, at=40, to=20), seconds=120)

    assert record.between(45, 60).throttled < 0.05
    assert record.between(60, 120).rate >= 0.95 * 20
    assert record.between(60, 120).throttled < 0.02


def test_a_server_that_admits_more_than_before_is_found_out() -> None:
    record = ask_all_the_time(Pacer(MOST), Changing(50, 50, at=40, to=100), seconds=240)

    assert record.between(40, 160).throttled < 0.02
    assert record.between(160, 240).rate >= 0.95 * 100


def test_without_limits_nothing_is_held_back_but_by_the_number_in_flight() -> None:
    pacer = Pacer(MOST)
    record = ask_all_the_time(pacer, TokenBucket(100_000, 100_000), seconds=20, latency=0.1, jitter=0)

    assert pacer.rate is None
    assert pacer.concurrency == MOST
    assert record.between(5, 20).rate == pytest.approx(MOST / 0.1, rel=0.1)


def in_flight(pacer: Pacer, count: int, now: float = 0.0) -> list[Sent]:
    sent = []
    for _ in range(count):
        assert pacer.wait(now, *USERS) == 0
        sent.append(pacer.send(now, *USERS))
    return sent


def grown() -> Pacer:
    """Return a pacer that has come to trust a server with as many as are ever wanted."""
    pacer = Pacer(MOST)
    for _ in range(30):
        for sent in in_flight(pacer, pacer.concurrency):
            pacer.good(sent, 0.0)
    return pacer


def test_it_starts_with_four_and_grows_while_answers_are_good() -> None:
    assert Pacer(MOST).concurrency == 4
    assert Pacer(2).concurrency == 2
    assert grown().concurrency == MOST


def test_one_request_that_is_turned_away_makes_all_wait() -> None:
    pacer = grown()
    first, second, *_ = in_flight(pacer, 4)

    assert pacer.throttled(first, 10.0, asked=7.0) == 7.0
    assert pacer.wait(12.0, "GET", "Groups") == 5.0

    # Another one that was in flight asks for longer.
    assert pacer.throttled(second, 12.0, asked=30.0) == 30.0
    assert pacer.wait(12.0, *USERS) == 30.0


def test_after_a_pause_one_goes_ahead_and_the_others_follow_when_it_is_admitted() -> None:
    pacer = grown()
    (sent,) = in_flight(pacer, 1)
    pacer.throttled(sent, 0.0, asked=5.0)

    (ahead,) = in_flight(pacer, 1, now=5.0)
    assert pacer.wait(5.0, *USERS) is None

    pacer.good(ahead, 6.0)
    assert pacer.wait(7.0, *USERS) == 0
    assert pacer.concurrency == MOST // 2


@pytest.mark.parametrize("lost", [True, False])
def test_who_goes_ahead_is_replaced_when_nobody_knows_what_became_of_it(*, lost: bool) -> None:
    pacer = grown()
    (sent,) = in_flight(pacer, 1)
    pacer.throttled(sent, 0.0, asked=5.0)
    (ahead,) = in_flight(pacer, 1, now=5.0)
    if lost:
        pacer.lost(ahead)
    else:
        pacer.throttled(ahead, 5.0, asked=0.0)

    assert pacer.wait(6.0, *USERS) == 0
    assert pacer.concurrency == 1


def test_requests_that_were_in_flight_together_halve_once() -> None:
    pacer = grown()
    for sent in in_flight(pacer, MOST):
        pacer.throttled(sent, 0.0, asked=0.0)
    (ahead,) = in_flight(pacer, 1, now=1.0)
    pacer.good(ahead, 1.0)

    assert pacer.concurrency == MOST // 2
    assert pacer.rounds == 0


def test_where_the_server_does_not_say_how_long_pauses_grow_to_a_limit_and_end() -> None:
    pacer = Pacer(MOST, first_pause=0.25, longest_pause=60, patience=6)
    pauses, now = [], 0.0
    for _ in range(8):
        (sent,) = in_flight(pacer, 1, now)
        pauses.append(pacer.throttled(sent, now))
        now += pauses[-1]

    assert pauses == [0.25, 1, 4, 16, 60, 60, 0.25, 0.25]
    assert pacer.rounds == 8


def test_a_server_that_always_asks_for_too_little_is_left_in_peace_for_longer() -> None:
    pacer = Pacer(MOST, first_pause=0.25, longest_pause=60, patience=6)
    pauses, now = [], 0.0
    for _ in range(5):
        (sent,) = in_flight(pacer, 1, now)
        pauses.append(pacer.throttled(sent, now, asked=0.0))
        now += pauses[-1]

    assert pauses == [0, 0.25, 1, 4, 16]


def test_no_pause_is_longer_than_the_longest() -> None:
    pacer = Pacer(MOST, longest_pause=60)
    (sent,) = in_flight(pacer, 1)

    assert pacer.throttled(sent, 0.0, asked=31_536_000.0) == 60


@pytest.mark.parametrize(("limit", "believed"), [("5", False), ("1", True)])
@pytest.mark.parametrize("reset", [1, 60])
def test_a_server_that_always_says_that_nothing_is_left_is_not_believed_for_ever(
    reset: int, limit: str, *, believed: bool
) -> None:
    pacer, now = Pacer(MOST), 0.0
    for _ in range(20):
        wait = pacer.wait(now, *USERS)
        assert wait is not None
        now += wait
        pacer.good(pacer.send(now, *USERS), now, Announced(limit=limit, remaining=0, reset=reset))

    assert (now > 10 * reset) is believed


def test_a_quota_far_from_its_end_does_not_slow_down_a_short_job() -> None:
    """5,000 an hour: the first hundred need seconds, not minutes."""
    pacer, now = Pacer(MOST), 0.0
    for number in range(100):
        wait = pacer.wait(now, *USERS)
        assert wait is not None
        now += wait
        left = Announced(limit="5000", remaining=4999 - number, reset=3600 - now)
        pacer.good(pacer.send(now, *USERS), now, left)

    assert now < 5


Verdicts = st.lists(st.tuples(st.sampled_from(["good", "throttled", "lost"]), st.floats(0, 5), st.integers(0, 7)))


@settings(max_examples=60)
@given(st.integers(1, MOST), Verdicts, st.none() | st.floats(0, 1e6), st.integers(0, 3))
def test_whatever_a_server_answers_somebody_may_go_before_long_and_never_too_many(
    most: int, verdicts: list[tuple[str, float, int]], asked: float | None, remaining: int
) -> None:
    pacer, flying, now = Pacer(most), list[Sent](), 0.0
    for verdict, passed, which in verdicts:
        now += passed
        while (wait := pacer.wait(now, *USERS)) == 0:
            flying.append(pacer.send(now, *USERS))
        assert len(flying) <= most + 1  # the one that goes ahead does not wait for those from before
        if not flying:
            assert wait is not None
            assert wait <= 60.001  # of what floats make of sums
            continue
        sent = flying.pop(which % len(flying))
        if verdict == "good":
            pacer.good(sent, now, Announced(limit="9", remaining=remaining, reset=asked or 0))
        elif verdict == "throttled":
            assert 0 <= pacer.throttled(sent, now, asked) <= 60
        else:
            pacer.lost(sent)

"""Which requests a fault meets, when, and how it is counted; and the limiters behind a rate."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.faults import FaultRule, Reply, Requests, When, WrongTotal
from reconciler.sandbox.faults.exchange import Answer, Incoming, json_answer
from reconciler.sandbox.faults.rate import FixedWindow, TokenBucket
from reconciler.sandbox.faults.rules import ActiveRule, activate

HEALTHY = json_answer({"totalResults": 1, "Resources": [{"id": "1"}]})
READ = Incoming(method="GET", path="/Users", query="startIndex=1")
GROUP_PATCH = Incoming(method="PATCH", path="/Groups/7", body=b'{"path": "members"}')
FAILS = FaultRule(fault=Reply())


async def healthy(_request: Incoming) -> Answer:
    return HEALTHY


def active(rule: FaultRule, seed: int = 0) -> ActiveRule:
    (only,) = activate([rule], seed)
    return only


def acts(rule: ActiveRule, *requests: Incoming) -> list[bool]:
    """Send requests one after the other, and tell in which of them something happened."""

    async def send() -> list[bool]:
        return [await rule.answer(request, healthy, []) is not HEALTHY for request in requests]

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("requests", "read", "patch"),
    [
        (Requests(), True, True),
        (Requests(methods=("PATCH", "PUT")), False, True),
        (Requests(path="/Users"), True, False),
        (Requests(path="/Groups/*"), False, True),
        (Requests(path="/groups/*"), False, False),
        (Requests(query="startIndex"), True, False),
        (Requests(body='"members"'), False, True),
        (Requests(methods=("GET",), path="/Groups*"), False, False),
    ],
    ids=str,
)
def test_a_rule_is_for_some_requests(requests: Requests, read: bool, patch: bool) -> None:
    rule = active(replace(FAILS, requests=requests))
    assert acts(rule, READ, GROUP_PATCH) == [read, patch]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When(), "xxxxxx"),
        (When(skip=2), "..xxxx"),
        (When(count=2), "xx...."),
        (When(every=3), "..x..x"),
        (When(skip=1, every=2, count=1), "..x..."),
        (When(probability=0), "......"),
    ],
    ids=str,
)
def test_a_rule_acts_when_its_time_has_come(when: When, expected: str) -> None:
    rule = active(replace(FAILS, when=when))
    assert acts(rule, *[READ] * 6) == [mark == "x" for mark in expected]
    assert (rule.count.matched, rule.count.injected) == (6, expected.count("x"))


def test_only_what_a_healthy_server_would_not_do_counts() -> None:
    rule = active(FaultRule(fault=WrongTotal(form="page"), when=When(count=1)))
    assert acts(rule, READ) == [False]
    assert rule.count.injected == 0


def test_requests_that_come_at_once_do_not_exceed_the_count() -> None:
    rule = active(replace(FAILS, fault=Reply(took_effect=True), when=When(count=2)))

    async def slowly(request: Incoming) -> Answer:
        await asyncio.sleep(0)
        return await healthy(request)

    async def send() -> list[Answer]:
        return await asyncio.gather(*[rule.answer(READ, slowly, []) for _ in range(5)])

    assert sum(answer is not HEALTHY for answer in asyncio.run(send())) == 2


def test_chance_repeats_with_its_seed_and_differs_with_another() -> None:
    even = replace(FAILS, when=When(probability=0.5))
    requests = [READ] * 60
    first = acts(active(even, seed=1), *requests)
    assert acts(active(even, seed=1), *requests) == first
    assert acts(active(even, seed=2), *requests) != first
    assert 15 < sum(first) < 45


@given(st.permutations([replace(READ, path=f"/Users/{number}") for number in range(12)]))
def test_chance_does_not_depend_on_the_order_of_different_requests(requests: list[Incoming]) -> None:
    even = replace(FAILS, when=When(probability=0.5))
    in_order = sorted(requests, key=lambda request: request.path)
    one = dict(zip(in_order, acts(active(even), *in_order), strict=True))
    other = dict(zip(requests, acts(active(even), *requests), strict=True))
    assert one == other


@given(st.integers(1, 50), st.integers(1, 20), st.lists(st.floats(0, 0.5), min_size=1, max_size=100))
def test_a_token_bucket_never_admits_more_than_its_burst_and_its_rate(
    rate: int, burst: int, pauses: list[float]
) -> None:
    bucket = TokenBucket(rate, burst)
    now = admitted = 0.0
    for pause in pauses:
        now += pause
        verdict = bucket.ask(now)
        admitted += verdict.admitted
        assert verdict.remaining <= burst
    assert admitted <= burst + rate * now + 1e-6


def test_a_token_bucket_tells_when_the_next_request_may_come() -> None:
    bucket = TokenBucket(4, 1)
    assert bucket.ask(0.0) == (True, 0, 0.25)
    early = bucket.ask(0.1)
    assert not early.admitted
    assert early.reset == pytest.approx(0.15)
    assert bucket.ask(0.26).admitted


def test_a_fixed_window_admits_all_of_its_limit_at_its_start() -> None:
    window = FixedWindow(2, 10)
    assert [window.ask(at) for at in (5.0, 6.0, 7.0)] == [(True, 1, 10), (True, 0, 9), (False, 0, 8)]
    assert window.ask(15.0) == (True, 1, 10)
    assert window.ask(39.0) == (True, 1, 6)

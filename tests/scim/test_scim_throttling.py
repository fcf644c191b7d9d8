"""What the client makes of a server that turns requests away, against real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable

import pytest

from asking import CALLS, OK, ask
from loopback import Reply, Request, error, in_turn, serving
from reconciler.capabilities import Capabilities
from reconciler.sandbox.faults import FaultRule, Rate
from reconciler.sandbox.server import Sandbox
from reconciler.scim.client import ScimClient
from reconciler.scim.errors import OutcomeUnknown, ServerError, Throttled
from reconciler.scim.retry import RetryPolicy, ThrottleEvent
from sandboxes import leaving


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("turned_away", [error(429, "later"), error(503, "later", Retry_After="0")])
def test_a_request_turned_away_for_now_is_tried_again_whatever_it_is(method: str, turned_away: Reply) -> None:
    with serving(in_turn(turned_away, OK)) as server:
        assert ask(server.url, CALLS[method]).status == 200

    assert [request.method for request in server.requests] == [method, method]


@pytest.mark.parametrize("method", CALLS)
def test_a_503_that_names_no_time_is_no_promise_that_nothing_was_made(method: str) -> None:
    with serving(in_turn(error(503, "upstream timed out"), OK)) as server:
        if method == "POST":
            with pytest.raises(OutcomeUnknown, match="503: upstream timed out"):
                ask(server.url, CALLS[method])
        else:
            assert ask(server.url, CALLS[method]).status == 200

    assert len(server.requests) == (1 if method == "POST" else 2)


@pytest.mark.parametrize("method", CALLS)
def test_a_request_that_is_always_turned_away_ends_as_throttled(method: str) -> None:
    with serving(in_turn(error(429, "slow down"))) as server, pytest.raises(Throttled) as caught:
        ask(server.url, CALLS[method])

    assert (caught.value.status, caught.value.detail, len(server.requests)) == (429, "slow down", 3)


def test_the_wait_that_the_server_asks_for_is_kept_and_reported() -> None:
    slept: list[float] = []
    events: list[ThrottleEvent] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    retry = RetryPolicy(sleep=sleep, random=lambda: 0.0)
    with serving(in_turn(error(429, "later", Retry_After="7"), OK)) as server:
        ask(server.url, CALLS["PATCH"], retry=retry, on_throttle=events.append)

    assert slept == [7.0]
    assert events == [ThrottleEvent(method="PATCH", path="/Users/1", status=429, attempt=1, wait=7.0)]


def test_requests_that_were_turned_away_are_counted() -> None:
    async def use(client: ScimClient) -> ScimClient:
        await client.get("/Users/1")
        return client

    with serving(in_turn(error(429, "later"), error(503, "later"), OK)) as server:
        statistics = ask(server.url, use).statistics

    assert (statistics.requests, statistics.throttled) == (3, 2)


def create(client: ScimClient) -> Awaitable[object]:
    return client.post("/Users", {"userName": "ada"})


def read(client: ScimClient) -> Awaitable[object]:
    return client.get("/Users/1")


def test_a_failure_that_is_throttling_in_disguise_is_tried_again_also_for_a_write() -> None:
    databricks = Capabilities(throttle_markers=("REQUEST_LIMIT_EXCEEDED",))
    with serving(in_turn(error(500, "Error: REQUEST_LIMIT_EXCEEDED, 4 at once"), OK)) as server:
        ask(server.url, create, capabilities=databricks)

    assert len(server.requests) == 2


def test_a_failure_without_the_mark_is_none() -> None:
    databricks = Capabilities(throttle_markers=("REQUEST_LIMIT_EXCEEDED",))
    with serving(in_turn(error(500, "INTERNAL_ERROR"), OK)) as server, pytest.raises(OutcomeUnknown):
        ask(server.url, create, capabilities=databricks)


def test_the_mark_means_nothing_where_the_server_did_not_fail() -> None:
    databricks = Capabilities(throttle_markers=("REQUEST_LIMIT_EXCEEDED",))
    with serving(in_turn(Reply(200, {"displayName": "REQUEST_LIMIT_EXCEEDED"}))) as server:
        ask(server.url, create, capabilities=databricks)

    assert len(server.requests) == 1


def test_a_server_says_by_which_statuses_it_turns_away() -> None:
    with serving(in_turn(error(420, "enhance your calm"), OK)) as server:
        ask(server.url, create, capabilities=Capabilities(throttle_statuses=(420,)))

    assert len(server.requests) == 2


def test_a_status_that_does_not_turn_away_leaves_a_write_unknown() -> None:
    with serving(in_turn(error(503, "broken"), OK)) as server, pytest.raises(OutcomeUnknown):
        ask(server.url, create, capabilities=Capabilities(throttle_statuses=(429,)))


@pytest.mark.parametrize(("most", "concurrency"), [(3, 3), (None, 8), (20, 8)])
def test_no_more_at_once_than_the_server_is_known_to_bear(most: int | None, concurrency: int) -> None:
    client = ScimClient("http://127.0.0.1:1", "t0ken", capabilities=Capabilities(max_concurrency=most))

    assert client.concurrency == concurrency


@pytest.mark.parametrize("status", [408, 500])
def test_a_wait_that_a_failing_server_asks_for_is_kept(status: int) -> None:
    events: list[ThrottleEvent] = []
    with serving(in_turn(error(status, "oops", Retry_After="7"), OK)) as server:
        ask(server.url, read, on_throttle=events.append)

    assert [(event.status, event.wait) for event in events] == [(status, 7.0)]


def test_one_failing_resource_holds_up_nobody_else() -> None:
    def respond(request: Request) -> Reply:
        return error(500, "oops", Retry_After="60") if request.path == "/Users/1" else OK

    retry = RetryPolicy(attempts=3, random=lambda: 0.0, budget=1)
    with serving(respond) as server:

        async def use(client: ScimClient) -> list[object]:
            others = [client.get(f"/Users/{number}") for number in range(2, 12)]
            return await asyncio.gather(read(client), *others, return_exceptions=True)

        first, *others = ask(server.url, use, retry=retry)

    assert isinstance(first, ServerError)
    assert not any(isinstance(other, Exception) for other in others)


def test_many_requests_to_a_server_that_turns_everybody_away_end_soon() -> None:
    async def use(client: ScimClient) -> list[object]:
        return await asyncio.gather(*(read(client) for _ in range(20)), return_exceptions=True)

    with serving(in_turn(error(429, "later", Retry_After="30"))) as server:
        outcomes = ask(server.url, use)

    assert [type(outcome) for outcome in outcomes] == [Throttled] * 20
    # The four that were in flight at first, and one more in each of the other two rounds.
    assert len(server.requests) == 6


def test_nobody_waits_longer_than_the_budget() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    patient = RetryPolicy(attempts=100, budget=100, sleep=sleep, random=lambda: 0.0)
    with serving(in_turn(error(429, "later", Retry_After="31536000"))) as server, pytest.raises(Throttled):
        ask(server.url, read, retry=patient)

    assert slept == [60.0]


def test_a_client_works_on_after_requests_were_stopped() -> None:
    release, hanging = threading.Event(), threading.Event()

    def respond(request: Request) -> Reply:
        if request.path == "/Users/hang":
            hanging.set()
            release.wait(timeout=30)
        return OK

    async def use(client: ScimClient) -> object:
        tasks = [asyncio.ensure_future(client.get("/Users/hang")) for _ in range(5)]
        await asyncio.to_thread(hanging.wait, 30)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await read(client)

    with serving(respond) as server:
        assert ask(server.url, use, concurrency=1) is not None
        release.set()


def test_an_announced_quota_is_kept_without_ever_being_run_into() -> None:
    limit = Rate(requests=8, seconds=3, algorithm="fixed_window", header="reset_seconds", announce=True)
    with leaving(Sandbox(faults=[FaultRule(fault=limit)])) as sandbox:

        async def use(client: ScimClient) -> None:
            await client.get("/Users")
            await asyncio.gather(*(client.get("/Users") for _ in range(8)))

        ask(sandbox.base_url, use, token=sandbox.token)

        assert (sandbox.request_count, sandbox.fault_counts[0].injected) == (9, 0)


def test_the_pace_of_a_server_is_kept_by_all_requests_together() -> None:
    with leaving(Sandbox(faults=[FaultRule(fault=Rate(requests=60, burst=15, header="none"))])) as sandbox:

        async def use(client: ScimClient) -> float:
            await asyncio.gather(*(client.get("/Users") for _ in range(150)))
            return client.statistics.throttled / 150

        throttled = ask(sandbox.base_url, use, token=sandbox.token, retry=RetryPolicy())

    assert 0 < throttled < 0.2

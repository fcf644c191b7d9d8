"""Who waits for a turn gets it, in the right order, whatever happens to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from reconciler.capabilities import Rate
from reconciler.scim.pace import Pacer
from reconciler.scim.turns import Turns


async def no_sleep(_seconds: float) -> None:
    """Let a test not wait."""


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(30):
            await body()

    asyncio.run(limited())


async def go(turns: Turns, ticket: int, gone: list[int], method: str = "GET") -> None:
    async with turns.turn(ticket, method, "Users") as turn:
        gone.append(ticket)
        await asyncio.sleep(0)
        turn.good()


async def started(*coroutines: Awaitable[None]) -> list[asyncio.Task[None]]:
    """Start them, in this order, and let each come as far as it can without an answer."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_the_older_goes_first() -> None:
    async def body() -> None:
        turns, gone = Turns(Pacer(1), no_sleep), list[int]()
        async with turns.turn(0, "GET", "Users"):
            tasks = await started(*(go(turns, ticket, gone) for ticket in (3, 1, 4, 2)))
            assert gone == []
        await asyncio.gather(*tasks)
        assert gone == [1, 2, 3, 4]

    run(body)


def test_who_gives_up_waiting_takes_nobodys_place() -> None:
    async def body() -> None:
        turns, gone = Turns(Pacer(1), no_sleep), list[int]()
        async with turns.turn(0, "GET", "Users"):
            tasks = await started(*(go(turns, ticket, gone) for ticket in (1, 2, 3)))
            tasks[0].cancel()
            tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert gone == [3]

    run(body)


def test_who_is_stopped_when_just_called_up_gives_the_place_back() -> None:
    async def body() -> None:
        turns, gone = Turns(Pacer(1), no_sleep), list[int]()
        async with turns.turn(0, "GET", "Users"):
            first, second = await started(*(go(turns, ticket, gone) for ticket in (1, 2)))
        first.cancel()  # its turn has come, and it does not know yet
        await asyncio.gather(first, second, return_exceptions=True)
        assert (first.cancelled(), gone) == (True, [2])

    run(body)


def test_who_is_stopped_in_the_middle_gives_the_place_back() -> None:
    async def body() -> None:
        turns, gone = Turns(Pacer(1), no_sleep), list[int]()

        async def hang() -> None:
            async with turns.turn(0, "GET", "Users"):
                await asyncio.Event().wait()

        hanging, waiting = await started(hang(), go(turns, 1, gone))
        hanging.cancel()
        await asyncio.gather(hanging, waiting, return_exceptions=True)
        assert gone == [1]

    run(body)


def test_a_limit_on_writes_does_not_hold_up_reads() -> None:
    async def body() -> None:
        declared = Rate(requests=1, seconds=3600, methods=("POST",))
        turns, gone = Turns(Pacer(4, rates=[declared]), no_sleep), list[int]()
        writes = await started(*(go(turns, ticket, gone, "POST") for ticket in (1, 2, 3)))
        await go(turns, 4, gone, "GET")
        assert gone == [1, 4]
        for task in writes:
            task.cancel()
        await asyncio.gather(*writes, return_exceptions=True)
        turns.close()

    run(body)


def test_those_who_must_wait_come_when_their_time_has_come() -> None:
    async def body() -> None:
        declared = Rate(requests=1000, seconds=1, burst=1)
        turns, gone = Turns(Pacer(4, rates=[declared]), no_sleep), list[int]()
        await asyncio.gather(*(go(turns, ticket, gone) for ticket in range(20)))
        assert gone == list(range(20))

    run(body)


def test_what_was_slept_is_over_however_long_it_took() -> None:
    async def body() -> None:
        turns = Turns(Pacer(4), no_sleep)
        async with turns.turn(1, "GET", "Users") as turn:
            wait = turn.throttled(3600.0)
        await turns.pause(wait)
        gone: list[int] = []
        await go(turns, 1, gone)
        assert (wait, gone) == (60.0, [1])

    run(body)


def test_there_is_one_verdict_on_a_request() -> None:
    async def body() -> None:
        async with Turns(Pacer(1), no_sleep).turn(1, "GET", "Users") as turn:
            turn.good()
            with pytest.raises(RuntimeError, match="one verdict"):
                turn.good()

    run(body)

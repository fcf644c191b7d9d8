"""Running requests together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a task group whose first failure cancels the others and is raised as itself, not wrapped in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__


async def for_each(items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], workers: int) -> list[ResultT]:
    """Do the same work for every item, ``workers`` items at a time, and return the results in the order of the items.

    The first failure cancels the rest and is raised as itself. Items are taken as workers come free, so that as many
    tasks exist as there are workers, however many items there are.
    """
    results: dict[int, ResultT] = {}
    waiting = enumerate(items)

    async def take() -> None:
        for position, item in waiting:
            results[position] = await work(item)

    async with together() as group:
        for _ in range(workers):
            group.create_task(take())
    return [results[position] for position in sorted(results)]

"""What arrives while something is being written is written together, and nobody is told too early."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from reconciler.store.group_commit import GroupCommit


class Disk:
    """Takes entries, and waits with each write until it may go on."""

    def __init__(self) -> None:
        self.writes: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Semaphore(0)
        self.refuses: set[int] = set()

    def write(self, entries: Sequence[int]) -> None:
        self.begun.release()
        self.may_go_on.acquire()
        if self.refuses.intersection(entries):
            raise OSError("full")
        self.writes.append(list(entries))


async def wait_for(semaphore: threading.Semaphore) -> None:
    await asyncio.to_thread(semaphore.acquire)


def test_what_arrives_during_a_write_is_written_together_in_the_next_one() -> None:
    disk = Disk()
    commit = GroupCommit(disk.write)

    async def go() -> None:
        first = asyncio.create_task(commit.add(1))
        await wait_for(disk.begun)
        others = [asyncio.create_task(commit.add(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        assert not first.done()
        disk.may_go_on.release()
        await first
        await wait_for(disk.begun)
        assert not any(other.done() for other in others)
        disk.may_go_on.release()
        await asyncio.gather(*others)

    asyncio.run(go())
    commit.close()
    assert disk.writes == [[1], [2, 3, 4]]


def test_an_error_reaches_those_whose_entries_were_not_written_and_nobody_else() -> None:
    disk = Disk()
    disk.refuses = {2}
    disk.may_go_on.release(3)
    commit = GroupCommit(disk.write)

    async def go() -> None:
        await commit.add(1)
        with pytest.raises(OSError, match="full"):
            await commit.add(2)
        await commit.add(3)

    asyncio.run(go())
    commit.close()
    assert disk.writes == [[1], [3]]


def test_one_that_gives_up_waiting_disturbs_nobody() -> None:
    disk = Disk()
    commit = GroupCommit(disk.write)

    async def go() -> None:
        impatient = asyncio.create_task(commit.add(1))
        await wait_for(disk.begun)
        impatient.cancel()
        patient = asyncio.create_task(commit.add(2))
        disk.may_go_on.release(2)
        await patient
        assert impatient.cancelled()

    asyncio.run(go())
    commit.close()
    assert disk.writes == [[1], [2]]


def test_a_loop_that_ends_in_the_middle_leaves_the_write_whole() -> None:
    disk = Disk()
    commit = GroupCommit(disk.write)

    async def go() -> None:
        waiting = asyncio.create_task(commit.add(1))
        await wait_for(disk.begun)
        waiting.cancel()
        disk.may_go_on.release()

    asyncio.run(go())
    commit.close()
    assert disk.writes == [[1]]

"""Commits that are shared: what arrives while a transaction is being written is written together in the next one.

A commit waits for the disk, and the disk takes many records as fast as one. So the more is going on, the fewer commits
there are for each record, and nobody waits longer than for two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

_Entry = TypeVar("_Entry")


class GroupCommit(Generic[_Entry]):
    """Writes entries in their order on a thread of its own, so that the event loop never waits for the disk.

    Args:
        write: writes some entries in one transaction; what it raises reaches everyone whose entries they are.
    """

    def __init__(self, write: Callable[[Sequence[_Entry]], None]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._waiting: list[tuple[_Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, entry: _Entry) -> None:
        """Return when an entry is durable. It is written even if the caller is cancelled meanwhile."""
        durable = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, durable))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await durable

    async def call(self, last: Callable[[], None]) -> None:
        """Call something on the same thread, after whatever is being written."""
        await asyncio.get_running_loop().run_in_executor(self._thread, last)

    def close(self) -> None:
        """Wait for what is being written, and write nothing more."""
        self._thread.shutdown()

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            together, self._waiting = self._waiting, []
            futures = [durable for _, durable in together]
            try:
                await loop.run_in_executor(self._thread, self._write, [entry for entry, _ in together])
            except asyncio.CancelledError:
                for durable in futures:
                    durable.cancel()
                raise
            # Whatever it is, those who wait for the record must hear of it, and nobody else can.
            except Exception as error:
                for durable in futures:
                    if not durable.done():
                        durable.set_exception(error)
            else:
                for durable in futures:
                    if not durable.done():
                        durable.set_result(None)

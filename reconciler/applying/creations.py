"""The resources that one chunk creates, for those who build on them in the same chunk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from reconciler.planning.plan import Action, Step

REFERENCE: Final = "bulkId:"
"""What stands before the ``bulkId`` of a creation where its id would stand (RFC 7644 §3.7.2)."""


class Creations:
    """What is about to be created, by address, and how others of the same bulk request call it."""

    def __init__(self) -> None:
        self._bulk_ids: dict[str, str] = {}
        self._settled: dict[str, asyncio.Event] = {}

    def expect(self, steps: Iterable[Step]) -> None:
        """Announce the creations among these steps, which are about to be tried."""
        for step in steps:
            if step.action is Action.CREATE:
                self._bulk_ids[step.address] = f"{step.kind.lower()}-{len(self._bulk_ids) + 1}"
                self._settled[step.address] = asyncio.Event()

    def settle(self, address: str) -> None:
        """Tell those who wait for a creation that it succeeded, or that it will not."""
        if address in self._settled:
            self._settled[address].set()

    def bulk_id(self, address: str) -> str | None:
        """Return what a creation is called in a bulk request, or ``None`` where it is none of this run."""
        return self._bulk_ids.get(address)

    def under_way(self, address: str) -> bool:
        """Tell whether a resource may still be created."""
        return address in self._settled and not self._settled[address].is_set()

    async def wait(self, addresses: Iterable[str]) -> None:
        """Wait until each of these is created, or will not be."""
        for address in addresses:
            if address in self._settled:
                await self._settled[address].wait()

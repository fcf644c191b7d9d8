"""Waiting for reads that lag behind writes, without waiting again and again for what never comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from reconciler.model import Kind

SETTLING_SECONDS: Final = (0.2, 0.5, 1.0)
"""The waits between reads back, in seconds."""
_IN_VAIN = 3
"""How often a topic is waited for to no avail before it is waited for no more."""


class Topic(NamedTuple):
    """What a read back can disagree about: an attribute path of a kind, ``members``, or ``""``: whether it exists."""

    kind: Kind
    path: str


VERSION: Final = "meta.version"
"""The path of a topic: the version that is shown is the one that was refused."""


class Patience:
    """How long to wait in one run, learned topic by topic.

    A server that rewrites an attribute does so for everybody: 10,000 resources would be 10,000 waits for nothing. So a
    topic is waited for as long as waiting has helped about as often as it has not.

    Args:
        waits: seconds before each further read; none means that the first read decides.
    """

    def __init__(self, waits: Sequence[float]) -> None:
        self.waits = tuple(waits)
        self._in_vain: Counter[Topic] = Counter()
        self._helped: Counter[Topic] = Counter()

    async def until_proven(self, read: Callable[[], Awaitable[frozenset[Topic]]]) -> frozenset[Topic]:
        """Read until nothing is unproven, or until waiting is of no use, and return what is unproven then.

        Args:
            read: reads the resource and returns what it does not hold as written.
        """
        unproven = await read()
        waited = False
        for seconds in self.waits:
            if not any(self._in_vain[topic] < _IN_VAIN + self._helped[topic] for topic in unproven):
                break
            await asyncio.sleep(seconds)
            waited = True
            before, unproven = unproven, await read()
            self._helped.update(before - unproven)
        if waited:
            self._in_vain.update(unproven)
        return unproven

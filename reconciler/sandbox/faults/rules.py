"""Which requests a fault meets, and when."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Protocol

from reconciler.sandbox.faults.exchange import Action, Answer, Forward, Incoming, Turn

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Fault(Protocol):
    """What a rule does, as data: the frozen dataclasses of this package."""

    def begin(self) -> Action:
        """Return the fault at work in one directory, at its start."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Which requests a rule is for; what is empty leaves all.

    Attributes:
        methods: HTTP methods.
        path: a pattern (:mod:`fnmatch`, the case counts) of the path below the base path: ``/Groups/*``.
        query: a text in the query as it was sent.
        body: a text in the body.
    """

    methods: tuple[str, ...] = ()
    path: str = "*"
    query: str = ""
    body: str = ""

    def include(self, request: Incoming) -> bool:
        """Tell whether a request is one of these."""
        return (
            (not self.methods or request.method in self.methods)
            and fnmatchcase(request.path, self.path)
            and self.query in request.query
            and self.body.encode() in request.body
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """How often a rule acts on the requests that it is for. All conditions hold together.

    Attributes:
        skip: how many of them pass before the first.
        count: how often it acts at most; without limit if left out.
        every: it acts on each that follows ``every`` - 1 others.
        probability: from 0 to 1. It is drawn from the seed and the request itself, so that it does not depend on the
            order in which requests of different content arrive; a repeated request is drawn anew.
    """

    skip: int = 0
    count: int | None = None
    every: int = 1
    probability: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """A fault, the requests that it meets, and when.

    Attributes:
        fault: what happens.
        requests: to which requests.
        when: how often.
        name: what it is called where it is counted; the name of the fault if left out.
    """

    fault: Fault
    requests: Requests = field(default_factory=Requests)
    when: When = field(default_factory=When)
    name: str = ""

    @property
    def title(self) -> str:
        """The name, or that of the fault: ``wrong_total``."""
        return self.name or fault_name(type(self.fault))


def fault_name(fault: type) -> str:
    """Return what files call a kind of fault: ``wrong_total`` for ``WrongTotal``."""
    return _WORD.sub("_", fault.__name__).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """What became of a rule so far.

    Attributes:
        name: the rule's.
        matched: requests that it was for.
        injected: requests in which something happened that a healthy server would not do.
    """

    name: str
    matched: int
    injected: int


class ActiveRule:
    """A rule at work in one directory."""

    def __init__(self, rule: FaultRule, seed: str) -> None:
        self.name = rule.title
        self._requests = rule.requests
        self._when = rule.when
        self._seed = seed.encode()
        self._action = rule.fault.begin()
        self._occurrences: Counter[bytes] = Counter()
        self._matched = 0
        self._acting = 0
        self._injected = 0

    @property
    def count(self) -> RuleCount:
        """What became of it so far."""
        return RuleCount(name=self.name, matched=self._matched, injected=self._injected)

    async def answer(self, request: Incoming, forward: Forward, injected: list[str]) -> Answer:
        """Answer a request, and add the rule's name to ``injected`` where it did something."""
        chosen = self._requests.include(request) and self._choose(request)
        if not chosen and not self._action.sees_all:
            return await forward(request)
        turn = Turn(request=request, forward=forward, chosen=chosen)
        # Counted before it is known whether it acts: others come while this one waits, and must not exceed the count.
        self._acting += 1
        try:
            return await self._action(turn)
        finally:
            self._acting -= 1
            if turn.injected:
                self._injected += 1
                injected.append(self.name)

    def _choose(self, request: Incoming) -> bool:
        when = self._when
        number = self._matched - when.skip
        self._matched += 1
        if number < 0 or (number + 1) % when.every:
            return False
        if when.count is not None and self._injected + self._acting >= when.count:
            return False
        return when.probability >= 1 or self._draw(request) < when.probability

    def _draw(self, request: Incoming) -> float:
        parts = (request.method, request.path, request.query)
        key = b"\0".join((self._seed, *(part.encode() for part in parts), request.body))
        content = blake2b(key, digest_size=16).digest()
        occurrence = self._occurrences[content]
        self._occurrences[content] += 1
        drawn = blake2b(content + str(occurrence).encode(), digest_size=7).digest()
        return int.from_bytes(drawn) / (1 << 56)


def activate(rules: Iterable[FaultRule], seed: int) -> tuple[ActiveRule, ...]:
    """Return the rules at work, each with draws of its own."""
    return tuple(ActiveRule(rule, f"{seed}:{number}") for number, rule in enumerate(rules))

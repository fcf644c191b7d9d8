"""When the next request to a directory may be sent. All requests to it share one pacer.

Four things are held together: what the service provider has documented, what its headers announce, how many requests
at once it bears, and how many a second it admits. The last two are found by experience. A request that is turned away
makes all others wait as long as the server asks; then one goes ahead, and the others follow when it is admitted.

Everything here is pure: time is an argument, in seconds of any clock that never goes back. The waiting itself is in
:mod:`reconciler.scim.turns`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.capabilities import Rate
from reconciler.scim.concurrency import ConcurrencySearch
from reconciler.scim.quotas import Announced, Bucket, Quota
from reconciler.scim.rate_search import RateSearch

_GROWTH = 4.0  # of the pause from one round to the next, where the server does not say how long
_NO_ACCIDENT = 3  # rounds in which nobody was admitted
_MOST_QUOTAS = 16  # that a server can make us remember
_DOUBTS = 3  # answers in a row that make no sense, after which what a server announces is not believed any more


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A request that is in flight. Exactly one of the pacer's verdicts on it must follow.

    Attributes:
        method: its HTTP method.
        endpoint: ``Users``.
        period: which of the times between two pauses it was sent in.
        level: how many were in flight with it.
        at: when it was sent.
    """

    method: str
    endpoint: str
    period: int
    level: int
    at: float


class Pacer:
    """Says when requests to one directory may be sent, and learns from their answers.

    Args:
        most: requests in flight at once, at most.
        rates: the paces that the service provider asks for.
        first_pause: seconds of the first pause where the server does not say how long.
        longest_pause: seconds of any pause, also where the server asks for more.
        patience: rounds in which nobody is admitted, after which it is not worth while to wait any more.

    Attributes:
        rounds: how often in a row a request was turned away that was sent after the pause of the one before.
    """

    def __init__(
        self,
        most: int,
        *,
        rates: Iterable[Rate] = (),
        first_pause: float = 0.25,
        longest_pause: float = 60.0,
        patience: int = 6,
    ) -> None:
        self._declared = [Bucket(rate) for rate in rates]
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._patience = patience
        self._concurrency = ConcurrencySearch(most)
        self._search = RateSearch()
        self._quotas: dict[str, Quota] = {}
        self._quota_of: dict[tuple[str, str], Quota] = {}
        self._doubts = 0
        self._in_flight = 0
        self._period = 0
        self._closed_until = float("-inf")
        self._ahead: Sent | None = None  # the one that goes ahead after a pause
        self._reopening = False
        self.rounds = 0

    @property
    def exhausted(self) -> bool:
        """Whether the server has turned everybody away for as many rounds as anybody is patient."""
        return self.rounds >= max(self._patience, _NO_ACCIDENT)

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight at once now."""
        return 1 if self._reopening else self._concurrency.limit

    @property
    def rate(self) -> float | None:
        """How many requests a second are sent at most; ``None`` while nothing but the answers limits them."""
        return self._search.rate

    def wait(self, now: float, method: str, endpoint: str) -> float | None:
        """Return the seconds until such a request may be sent, 0 for now; ``None`` for not before the next verdict."""
        if now < self._closed_until:
            return self._closed_until - now
        if self._ahead is not None or (not self._reopening and self._in_flight >= self._concurrency.limit):
            return None
        wait = self._search.wait(now)
        quota = self._quota_of.get((method, endpoint))
        if quota is not None:
            wait = max(wait, quota.wait(now))
        for bucket in self._declared:
            if bucket.covers(method, endpoint):
                wait = max(wait, bucket.wait(now))
        return wait

    def send(self, now: float, method: str, endpoint: str) -> Sent:
        """Take note of a request that is sent now."""
        self._in_flight += 1
        self._search.sent(now)
        quota = self._quota_of.get((method, endpoint))
        if quota is not None:
            quota.sent(now)
        for bucket in self._declared:
            if bucket.covers(method, endpoint):
                bucket.sent(now)
        sent = Sent(method, endpoint, self._period, self._in_flight, now)
        if self._reopening:
            self._ahead = sent
        return sent

    def good(self, sent: Sent, now: float, announced: Announced | None = None) -> None:
        """Verdict: the server did not turn it away. ``announced`` is what its answer says of the requests left."""
        self._land(sent)
        self._search.admitted()
        self._concurrency.good(min(sent.level, self._concurrency.limit))
        if sent.period == self._period:
            self._reopening = False
            self.rounds = 0
        if announced is not None and self._doubts < _DOUBTS:
            self._heed(sent, now, announced)

    def throttled(self, sent: Sent, now: float, asked: float | None = None) -> float:
        """Verdict: the server turned it away. Return the seconds that everybody waits.

        Args:
            sent: the request.
            now: the time.
            asked: seconds that the server asks for, if it does.
        """
        self._land(sent)
        first = sent.period == self._period
        if first:
            self.rounds += 1
            self._concurrency.throttled(min(sent.level, self._concurrency.limit))
            self._refused(now)
        if first and asked is None:
            asked = self._own_pause(self.rounds)
        elif first and asked is not None and self.rounds > 1:
            # It has asked for too little before: clocks differ, and times are rounded.
            asked = max(asked, self._own_pause(self.rounds - 1))
        if asked is not None:
            asked = min(asked, self._longest_pause)
            if now + asked >= self._closed_until:
                self._closed_until = now + asked
                return asked
        return max(0.0, self._closed_until - now)

    def lost(self, sent: Sent) -> None:
        """Verdict: nobody knows, because it failed for another reason or was given up."""
        self._land(sent)

    def _land(self, sent: Sent) -> None:
        self._in_flight -= 1
        if sent is self._ahead:
            self._ahead = None

    def _refused(self, now: float) -> None:
        """Begin a new period: what was sent before says nothing new about the server's limits."""
        self._search.refused(now)
        self._period += 1
        self._ahead = None
        self._reopening = True

    def _own_pause(self, rounds: int) -> float:
        if rounds > self._patience:
            return self._first_pause
        return float(min(self._longest_pause, self._first_pause * _GROWTH ** (rounds - 1)))

    def _heed(self, sent: Sent, now: float, announced: Announced) -> None:
        if len(self._quotas) >= _MOST_QUOTAS and announced.limit not in self._quotas:
            self._quotas.clear()
        quota = self._quotas.setdefault(announced.limit, Quota(self._longest_pause))
        # A quota of more than one that the first request after its reset uses up: so it seems not to be one.
        nonsense = quota.was_out_before(sent.at) and not announced.remaining and announced.limit != "1"
        quota.announce(now, announced, self._in_flight)
        self._quota_of[sent.method, sent.endpoint] = quota
        if announced.remaining:
            self._doubts = 0
            return
        self._doubts += nonsense
        if self._doubts >= _DOUBTS:
            self._quota_of.clear()
        elif sent.period == self._period and not quota.long and not self._search.settled:
            # As good as being turned away, and nothing was. Later the last one of a short window is often just used.
            self._refused(now)
            self._closed_until = max(self._closed_until, now + min(announced.reset, self._longest_pause))

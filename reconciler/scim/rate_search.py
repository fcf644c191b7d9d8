"""Finding out how many requests a second a server admits, from which ones it admitted.

A server that limits its rate says so only by turning requests away, and each of those costs a pause. So the rate must
be found with few of them. Two bounds are had for nothing at each: a server that has just turned a request away has
nothing left, so what it admitted from one such moment to the next, over that time, is a rate that it does sustain; and
the rate at which requests were sent when it refused is one that it does not.

Between the two the search goes as congestion control in networks does (CUBIC, RFC 9438 §4.2): settle just below the
estimate, stay near it for long, then grow ever faster, for a server that has come to admit more. Everything here is
pure: time is an argument, in seconds of any clock that never goes back.
"""

from __future__ import annotations

from collections import deque
from math import sqrt

_DIP = 0.02  # how far below the estimate it settles, as a share
_TOWARDS_REFUSED = 0.75  # where between the bounds the estimate lies once they are close: too high is noticed soon
_CLOSE = 0.7  # the bounds are close when the lower is this share of the upper
_GAP_SECONDS = 5.0  # to walk through the gap between bounds that are far apart
_PLATEAU_SECONDS = 24.0  # from settling back to the estimate
_BEYOND = 1.5  # plateaus beyond the first at which the server is taken to admit more now
_DOUBLING_SECONDS = 10.0  # of the rate, from there on
_CATCH_UP = 0.05  # seconds; timers are late, and a request that is late by less is made up for
_SHORT = 1.0  # seconds; over less than a window of the server, an average tells nothing
_SOON = 2.0  # seconds after which being turned away again speaks against the lower bound …
_DOUBT = 0.9  # … of which so much is left then
_SPEED_OVER = 32  # requests from which the speed of sending is measured
_SLOWEST = 0.1  # requests a second


class RateSearch:
    """The rate at which requests are sent. There is none until a request was turned away for the first time.

    Attributes:
        rate: requests a second; ``None`` while nothing limits them.
    """

    def __init__(self) -> None:
        self._estimate: float | None = None
        self._refused_at: float | None = None  # the upper bound, while it is far away
        self._floor = 0.0  # the lower bound
        self._grows_over = _GAP_SECONDS
        self._grown_for = 0.0  # seconds in which the rate was in use since it was set
        self._began = 0.0  # when a request was last turned away: the server had nothing left
        self._resumed: float | None = None  # when sending went on after that
        self._admitted = 0  # since then
        self._last: tuple[int, float] | None = None  # what was admitted in the phase before, and in how many seconds
        self._next = 0.0
        self._held = False
        self._sent: deque[float] = deque(maxlen=_SPEED_OVER)

    @property
    def rate(self) -> float | None:
        """Requests a second; ``None`` while nothing limits them."""
        if self._estimate is None:
            return None
        if self._refused_at is not None:
            return float(self._estimate * (self._refused_at / self._estimate) ** (self._grown_for / self._grows_over))
        position = self._grown_for / self._grows_over - 1
        if position <= _BEYOND:
            return float(self._estimate * (1 + _DIP * position**3))
        doublings = (position - _BEYOND) * self._grows_over / _DOUBLING_SECONDS
        return float(self._estimate * (1 + _DIP * _BEYOND**3) * 2**doublings)

    @property
    def settled(self) -> bool:
        """Whether the rate is near the one that the server admits, as far as is known."""
        return self._estimate is not None and self._refused_at is None

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may be sent."""
        if self._estimate is None or now >= self._next:
            return 0.0
        self._held = True
        return self._next - now

    def sent(self, now: float) -> None:
        """Take note of a request that is sent."""
        if self._resumed is None:
            self._resumed = self._next = now  # no catching up after a pause: it would be a burst
        rate = self.rate
        if rate is not None:
            self._next = max(self._next, now - _CATCH_UP) + 1 / rate
            # Only a rate that is used in full may grow: nothing is known of one that was never tried.
            if self._held and self._sent:
                self._grown_for += min(now - self._sent[-1], 3 / rate)
            self._held = False
        self._sent.append(now)

    def admitted(self) -> None:
        """Take note of a request that was not turned away."""
        self._admitted += 1

    def refused(self, now: float) -> None:
        """Take note that the server has nothing left. To be called once for all requests that were in flight together.

        Where nothing was admitted since the last time, the server is still closed, and nothing new is known.
        """
        if self._resumed is not None and (self._admitted or self._estimate is None):
            self._learn(now, self._resumed)
            self._began = now
            self._admitted = 0
            self._grown_for = 0.0
        self._resumed = None
        self._sent.clear()

    def _learn(self, now: float, resumed: float) -> None:
        speed = self._speed()
        rate = self.rate
        if rate is None:
            # The server may have been full of unused requests, so what it admitted is no bound yet.
            self._walk(speed / 2, speed)
            return
        upper = min(rate, speed * 1.05)  # slower than it might be sent is what was tried
        lower = min(upper, self._admitted / max(now - self._began, _SHORT))
        if upper < 0.97 * self._floor:
            self._floor = lower  # the server admits less than it did
        elif now - resumed < _SOON:
            self._floor = min(upper, max(_DOUBT * self._floor, lower))
        else:
            self._floor = min(upper, max(self._floor, lower))
        if self._floor >= _CLOSE * upper:
            self._settle(self._floor + _TOWARDS_REFUSED * (upper - self._floor))
        else:
            self._walk(self._between(upper, now - resumed), upper)

    def _settle(self, estimate: float) -> None:
        self._estimate = max(estimate, _SLOWEST)
        self._refused_at = self._last = None
        self._grows_over = _PLATEAU_SECONDS

    def _walk(self, start: float, end: float) -> None:
        self._estimate = max(start, _SLOWEST)
        self._refused_at = end if end > 1.05 * self._estimate else None
        self._grows_over = _GAP_SECONDS

    def _between(self, upper: float, seconds: float) -> float:
        """Return an estimate between bounds that are far apart.

        What the pause filled up is used first, and as much each time, so two phases of unequal length differ by what
        the server admitted in the difference. Where that tells nothing, it is the middle.
        """
        estimate = sqrt(self._floor * upper)
        if self._last is not None:
            requests, longer = self._admitted - self._last[0], seconds - self._last[1]
            if abs(requests) >= 10 and abs(longer) > 0.2 and requests / longer > 0:
                estimate = min(max(requests / longer, self._floor), upper)
        self._last = (self._admitted, seconds)
        return estimate

    def _speed(self) -> float:
        """Return how many requests a second were sent lately."""
        return max(len(self._sent) - 1, 1) / max(self._sent[-1] - self._sent[0], 0.001)

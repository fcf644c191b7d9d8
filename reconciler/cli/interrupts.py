"""Ctrl-C during an apply: the first one ends the run in good order, the second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from reconciler.applying import StopSignal

_MESSAGE = b"\nStopping: what is in flight is finished and recorded. Once more stops at once.\n"


@contextmanager
def giving_back() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, so that a lock is given back on the way out.

    Otherwise they end the process where it stands, and whoever comes next waits for the end of the lease.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        # What that does is asyncio's to say while it runs something: raising here would break into the middle of it.
        signal.raise_signal(signal.SIGINT)

    ending = [number for number in _stopping_signals() if number != signal.SIGINT]
    previous = {number: signal.signal(number, handle) for number in ending}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def stopping_in_order(stop: StopSignal) -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP ask for the end of a run, and the second raise ``KeyboardInterrupt``.

    A SIGHUP that is ignored (``nohup``) stays so.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.request()
        # Buffered streams must not be written to from a handler: it may have interrupted such a write.
        with suppress(OSError):
            os.write(2, _MESSAGE)

    previous = {number: signal.signal(number, handle) for number in _stopping_signals()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stopping_signals() -> tuple[signal.Signals, ...]:
    # Windows has no SIGHUP.
    hang_up: signal.Signals | None = getattr(signal, "SIGHUP", None)
    if hang_up is None or signal.getsignal(hang_up) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hang_up

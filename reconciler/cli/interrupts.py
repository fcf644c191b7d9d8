"""Ctrl-C during an apply: the first one ends the run in good order, the second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reconciler.applying import StopSignal

_MESSAGE = b"\nStopping: what is in flight is finished and recorded. Once more stops at once.\n"


@contextmanager
def stopping_in_order(stop: StopSignal) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM ask for the end of a run, and the second raise ``KeyboardInterrupt``."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.request()
        # Buffered streams must not be written to from a handler: it may have interrupted such a write.
        os.write(2, _MESSAGE)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

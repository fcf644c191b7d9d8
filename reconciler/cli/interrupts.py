"""Ctrl-C during an apply: the first one ends the run in good order, the second one at once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from reconciler.applying import StopSignal

_MESSAGE = b"\nStopping: what is in flight is finished and recorded. Once more stops at once.\n"

_SECONDS_TO_END = 3


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
            # Not where a run was ended at once meanwhile: then the process is on its way out.
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)


@contextmanager
def stopping_in_order(stop: StopSignal) -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP ask for the end of a run, and the second end it at once.

    Whoever is impatient disturbs nobody: what comes shortly after the second does not break into what is recorded of
    the end. What comes later raises ``KeyboardInterrupt``. A SIGHUP that is ignored (``nohup``) stays so.
    """
    ends_by: float | None = None

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal ends_by
        if ends_by is not None and time.monotonic() < ends_by:
            return
        if stop.requested:
            again, ends_by = ends_by is not None, time.monotonic() + _SECONDS_TO_END
            if again or not _cancelled_everything():
                raise KeyboardInterrupt
            return
        stop.request()
        # Buffered streams must not be written to from a handler: it may have interrupted such a write.
        with suppress(OSError):
            os.write(2, _MESSAGE)

    previous = {number: signal.signal(number, handle) for number in _stopping_signals()}
    try:
        yield
    finally:
        # Ended at once, the process is on its way out, and has a lock to give back.
        if ends_by is None:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _cancelled_everything() -> bool:
    """Cancel all that is running asynchronously, and tell whether anything was.

    An exception that is raised here would break into the middle of whatever is at work, and asyncio would tell of it.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False

    def cancel() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    loop.call_soon_threadsafe(cancel)
    return True


def _stopping_signals() -> tuple[signal.Signals, ...]:
    # Windows has no SIGHUP.
    hang_up: signal.Signals | None = getattr(signal, "SIGHUP", None)
    if hang_up is None or signal.getsignal(hang_up) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hang_up

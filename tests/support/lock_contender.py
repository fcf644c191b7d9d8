"""A process that wants the lock of a directory, for tests that kill, stop and count such processes.

What to do comes as JSON in the first argument; what happens is told line by line on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from reconciler.store.errors import LockedError, LockLostError
from reconciler.store.lock import Lock
from reconciler.store.records import Actor


def main() -> None:
    """Take the lock as the first argument says."""
    orders: dict[str, Any] = json.loads(sys.argv[1])
    lock = Lock(
        create_engine(orders["url"]),
        orders["directory"],
        "acme",
        run_id=orders["run_id"],
        actor=Actor(user="deploy", host="ci-1", pid=os.getpid()),
        lease=timedelta(seconds=orders["lease"]),
        wait=timedelta(seconds=orders["wait"]),
    )
    try:
        with lock:
            _say("taken", lock.token)
            _hold(lock, orders)
    except LockedError as error:
        _say("locked", str(error))


def _hold(lock: Lock, orders: dict[str, Any]) -> None:
    if orders["enter"]:
        # Only one process can make this file: two holders at a time would meet here.
        for _ in range(orders["enter"]):
            room = Path(orders["room"])
            room.touch(exist_ok=False)
            time.sleep(0.01)
            room.unlink()
    else:
        with suppress(EOFError):
            while input() == "held?":
                _say("held" if lock.held else "not held", _checked(lock, orders["url"]))


def _checked(lock: Lock, url: str) -> str:
    try:
        with create_engine(url).begin() as connection:
            lock.check(connection)
    except LockLostError as error:
        return f"lost: {error}"
    return "mine"


def _say(*words: Any) -> None:
    print(*words, flush=True)

"""How a run is asked to end early."""

from __future__ import annotations

import threading


class StopSignal:
    """Asks a run to finish what is in flight, write its ledger and end. Any thread or signal handler may ask."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    def request(self) -> None:
        """Ask for the end. Asking twice is asking once."""
        self._requested.set()

    @property
    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._requested.is_set()

"""Serve a directory in the foreground until a signal comes; the file of its data is the only argument."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.sandbox.server import serve


def main() -> None:
    """Serve, and say where and with which token, and in the end that it stopped."""
    serve("generic", token="letmein", data=Path(sys.argv[1]), on_ready=lambda url, token: print(url, token, flush=True))
    print("stopped")

"""Real SCIM servers that are not ours, each as its own process on a free loopback port."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_START_SECONDS = 30.0


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def scim2_server() -> Iterator[tuple[str, str]]:
    """Run ``scim2-server`` as its authors ship it; yields its base URL and token."""
    port, token = free_port(), secrets.token_urlsafe(16)
    command = [str(Path(sys.executable).with_name("scim2-server")), "--port", str(port), "--bearer-token", token]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            base_url = f"http://127.0.0.1:{port}/v2"
            _wait_until_ready(process, base_url, token)
            yield base_url, token
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], base_url: str, token: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = httpx.get(f"{base_url}/ServiceProviderConfig", headers={"Authorization": f"Bearer {token}"})
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not answer on {base_url} (exit code {process.poll()})")

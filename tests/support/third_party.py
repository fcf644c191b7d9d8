"""Real SCIM servers that are not ours, each as its own process on a free loopback port."""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fork_server import Process, forks
from sandboxes import client_for

_START_SECONDS = 60.0
_SUPPORT = Path(__file__).parent

SCIM2_SERVER_MODES = (
    "all-features",
    "no-patch",
    "no-bulk",
    "no-filter",
    "no-etag-and-no-sort",
    "short-pages",
    "cursor",
    "cursor-or-index",
    "bare",
)
"""What ``run_scim2_server.py`` offers."""


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def scim2_server(mode: str | None = None) -> Iterator[tuple[str, str]]:
    """Run ``scim2-server``; yields its base URL and token.

    Args:
        mode: one of ``SCIM2_SERVER_MODES``; without one, its own command as its authors ship it.
    """
    if mode in ("cursor", "cursor-or-index") and importlib.util.find_spec("cryptography") is None:
        pytest.skip("the extra scim2-server[cursor] is not installed: it cannot page by cursor without cryptography")
    token = secrets.token_urlsafe(16)
    if mode is None:
        port = free_port()
        command = [str(Path(sys.executable).with_name("scim2-server")), "--port", str(port), "--bearer-token", token]
        with _running(command, f"http://127.0.0.1:{port}/v2", {"SCIM_TOKEN": token}):
            yield f"http://127.0.0.1:{port}/v2", token
        return
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        output.touch()
        process = forks().start([mode], os.environ | {"SCIM_TOKEN": token}, output, program="run_scim2_server")
        try:
            yield f"http://127.0.0.1:{_port(process)}/v2", token
        finally:
            process.kill()
            process.wait()


def _port(process: Process) -> int:
    """Return the port that a process listens on, which is the first thing that it says, if not why it cannot."""
    deadline = time.monotonic() + _START_SECONDS
    while not process.said.endswith("\n"):
        assert time.monotonic() < deadline, process.said
        time.sleep(0.002)
    return int(process.said)


@contextmanager
def django_scim2() -> Iterator[tuple[str, str]]:
    """Run a minimal Django project with ``django-scim2`` on an empty database; yields its base URL and token."""
    port, token = free_port(), secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "SCIM_TOKEN": token,
            "DJANGO_DIRECTORY_DATABASE": str(Path(folder) / "directory.sqlite3"),
            "PYTHONPATH": os.pathsep.join((str(_SUPPORT), *os.environ.get("PYTHONPATH", "").split(os.pathsep))),
        }
        command = [sys.executable, "-m", "django_directory", str(port)]
        with _running(command, f"http://127.0.0.1:{port}/scim/v2", environment):
            yield f"http://127.0.0.1:{port}/scim/v2", token


@contextmanager
def _running(command: Sequence[str], base_url: str, environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with process:
        try:
            _wait_until_ready(process, base_url, environment["SCIM_TOKEN"])
            yield
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], base_url: str, token: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with client_for(base_url, token) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get("/ServiceProviderConfig").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
    raise AssertionError(f"the server did not answer on {base_url} (exit code {process.poll()})")

"""The embedded directory as tests hold it, and how they talk to it without any of our own client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from reconciler.sandbox.server import Sandbox
from reconciler.scim.endpoint import trusted


@contextmanager
def leaving(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Let a directory live as long as a block. It takes a fifth of a second to stop, for which nobody waits."""
    try:
        yield sandbox
    finally:
        threading.Thread(target=sandbox.stop).start()


def client_of(sandbox: Sandbox) -> httpx.Client:
    """Return a client that carries the token of a directory."""
    return client_for(sandbox.base_url, sandbox.token)


def client_for(base_url: str, token: str | None = None) -> httpx.Client:
    """Return a client for what is served on this machine. It does without the certificates of the world, which take
    longer to load than most tests take."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return httpx.Client(base_url=base_url, headers=headers, verify=trusted(base_url), trust_env=False)

"""What tests of applying share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from loopback import Reply, Request, serving
from meddler import Between, Interpose, Meddle
from reconciler.sandbox.server import Sandbox
from reconciler.scim.retry import RetryPolicy
from scenario import Scenario


@pytest.fixture(scope="session")
def stopping() -> Iterator[ThreadPoolExecutor]:
    """Stops servers while the next tests run: each takes a moment for it, which nobody has to wait for."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def between(tmp_path: Path, stopping: ThreadPoolExecutor) -> Iterator[Interpose]:
    """Start directories with a meddler in front that live as long as the test."""
    with ExitStack() as stack:

        def make(meddle: Meddle, *, dialect: str = "generic", seed: Mapping[str, Any] | None = None) -> Between:
            sandbox = Sandbox(dialect, seed=seed, record=True)
            stack.callback(stopping.submit, sandbox.stop)
            origin = sandbox.base_url.partition("/scim")[0]
            # Without the certificates of the world, whose reading takes longer than most tests.
            http = stack.enter_context(httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))

            def forward(request: Request) -> Reply:
                wanted = ("authorization", "content-type", "if-match")
                kept = {name: value for name, value in request.headers.items() if name in wanted}
                answer = http.request(request.method, origin + request.target, content=request.body, headers=kept)
                body = answer.content or None
                return Reply(answer.status_code, body, {"Content-Type": answer.headers.get("content-type", "")})

            server = stack.enter_context(serving(lambda request: meddle(request, forward)))
            base_url = server.url + sandbox.base_url.removeprefix(origin)
            patient = RetryPolicy(attempts=3, base_delay=0.01)
            scenario = Scenario(
                tmp_path, base_url, sandbox.token, dialect=dialect, retry=patient, settling=(0.01, 0.02)
            )
            return Between(scenario, replace(scenario, base_url=sandbox.base_url), sandbox, server)

        yield make

"""The embedded directory in its generic dialect, under the eyes of ``scim2-tester``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.slow


def test_the_checker_finds_no_error() -> None:
    # Imported here: they take half a second, in each process that only looks for tests, too.
    from scim2_client import BaseSyncSCIMClient
    from scim2_tester import Status, check_server

    class Client(BaseSyncSCIMClient):
        """What carries the checker's requests: its own engines need packages that nothing else here does."""

        def __init__(self, client: httpx.Client) -> None:
            super().__init__()
            self._client = client

        def _stays_under_base_url(self, endpoint: str) -> bool:
            return str(self._client.build_request("GET", endpoint).url).startswith(str(self._client.base_url))

        def _parse_json(self, response: Any) -> Any:
            return response.json()

        def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
            return self._client.request(method, url, **kwargs)

    with (
        leaving(Sandbox("generic")) as sandbox,
        client_of(sandbox) as client,
    ):
        results = check_server(Client(client))
    found = [
        f"{result.status.name} {result.title} ({result.resource_type}): {result.reason}"
        for result in results
        if result.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION)
    ]
    assert found == []
    counted = Counter(result.status for result in results)
    assert counted[Status.SUCCESS] > 100, counted

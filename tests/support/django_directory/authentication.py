"""One bearer token, and whoever has it is let in."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class BearerToken:
    """Say of every request whether it has the token; ``django-scim2`` refuses those that have not."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._expected = f"Bearer {os.environ['SCIM_TOKEN']}"

    def __call__(self, request: Any) -> Any:
        sent = request.headers.get("Authorization", "")
        request.user = SimpleNamespace(is_authenticated=secrets.compare_digest(sent, self._expected))
        return self._get_response(request)

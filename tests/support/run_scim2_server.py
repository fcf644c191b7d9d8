"""Serve ``scim2-server`` in one of its degraded modes, the only argument; the token comes from SCIM_TOKEN.

It listens on a free loopback port, says which, and answers as soon as it can.

The modes are what its option ``--service-provider-config`` offers. Its own command closes every connection after one
answer, so its ASGI application is served by uvicorn instead.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
from scim2_models import ScimProvider, ServiceProviderConfig, UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.service import ScimService
from scim2_server.utils import load_default_resource_types, load_default_schemas, load_json_resource

if TYPE_CHECKING:
    from scim2_server.requests import ScimRequest

_OFF = {"supported": False}
_NO_BULK = {"bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}}
_PAGE = 5
_CURSOR = {"cursor": True, "index": False, "defaultPageSize": _PAGE, "maxPageSize": _PAGE}

MODES: dict[str, dict[str, Any]] = {
    "all-features": {},
    "no-patch": {"patch": _OFF},
    "no-bulk": _NO_BULK,
    "no-filter": {"filter": {"supported": False, "maxResults": 1000}},
    "no-etag-and-no-sort": {"etag": _OFF, "sort": _OFF},
    "short-pages": {"filter": {"supported": True, "maxResults": _PAGE}},
    "cursor": {"pagination": _CURSOR},
    "cursor-or-index": {"pagination": _CURSOR | {"index": True, "defaultPaginationMethod": "index"}},
    "bare": {
        "patch": _OFF,
        **_NO_BULK,
        "filter": {"supported": False, "maxResults": _PAGE},
        "etag": _OFF,
        "sort": _OFF,
    },
}


class Directory(ASGIApplication):
    """The application, open to one token."""

    def __init__(self, provider: ScimProvider, service: ScimService, token: str) -> None:
        super().__init__(AsyncInMemoryStorage(), provider, service)
        self._token = token

    def check_auth(self, request: ScimRequest) -> None:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(token, self._token):
            raise UnauthorizedException


def main() -> None:
    """Serve until the end of this process."""
    mode = sys.argv[1]
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)
    config = ServiceProviderConfig.model_validate(
        load_json_resource("default-service-provider-config.json") | MODES[mode]
    )
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(), load_default_resource_types().values(), config=config
    )
    service = ScimService(provider, secret=secrets.token_urlsafe(32))
    directory = Directory(provider, service, os.environ["SCIM_TOKEN"])
    uvicorn.Server(uvicorn.Config(directory, log_level="critical", access_log=False)).run(sockets=[listener])

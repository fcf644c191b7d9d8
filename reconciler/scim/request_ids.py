"""What servers call a request, so that those who run them find it in their logs. No standard names the header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

REQUEST_ID_HEADERS: Final = (
    "x-okta-request-id",  # Okta
    "request-id",  # Microsoft Graph
    "x-ms-request-id",  # Azure
    "x-amzn-requestid",  # AWS
    "x-amz-request-id",  # AWS, older services
    "atl-traceid",  # Atlassian
    "atl-request-id",  # Atlassian
    "x-arequestid",  # Atlassian, older services
    "x-github-request-id",  # GitHub
    "x-slack-req-id",  # Slack
    "x-request-id",  # frameworks and proxies
    "x-correlation-id",  # likewise
    "x-trace-id",  # likewise
    "cf-ray",  # Cloudflare in front of anybody
)
"""A server's own names come before those of whatever stands in front of it."""


def request_id(headers: httpx.Headers) -> str | None:
    """Return what the server called the request that it answers, as sent, or ``None`` where it does not say."""
    return next((value for name in REQUEST_ID_HEADERS if (value := headers.get(name))), None)

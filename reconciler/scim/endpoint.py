"""The base URL of a SCIM endpoint: ``${NAME}`` filled in, and checked before a token is sent to it."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.diagnostics import ReconcilerError

if TYPE_CHECKING:
    # Imported where it is used: a shell that completes a command line must not wait for an HTTP client.
    import httpx

_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BaseUrlError(ReconcilerError):
    """A ``base_url`` that no request can be sent to.

    Attributes:
        template: the URL as written. The expanded one is not kept: a directory's id is not for logs.
        problem: what is wrong with it, and what to do.
    """

    def __init__(self, template: str, problem: str) -> None:
        self.template = template
        self.problem = problem
        super().__init__(f"base_url {template!r}: {problem}")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address stays on this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return the origin of a URL (RFC 6454 §4): scheme, host and port, with the scheme's default port filled in."""
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def resolve_base_url(template: str, environ: Mapping[str, str]) -> str:
    """Return the endpoint's URL with every ``${NAME}`` taken from ``environ``, without a trailing slash.

    Raises:
        BaseUrlError: a name is not set, or the URL is not https (http is for loopback alone), carries credentials, a
            query or a fragment, or is no URL.
    """
    import httpx

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not match[0].endswith("}") or not _NAME.fullmatch(name):
            raise BaseUrlError(template, f"{match[0]!r} is not the name of an environment variable in ${{…}}")
        if not environ.get(name, "").strip():
            raise BaseUrlError(template, f"the environment variable {name} is not set")
        return environ[name].strip()

    text = _VARIABLE.sub(value, template)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise BaseUrlError(template, "it holds white space or control characters once filled in")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise BaseUrlError(template, "it is no URL") from None
    if url.scheme not in ("https", "http") or not url.host:
        raise BaseUrlError(template, "write it in full, as in https://directory.example.com/scim/v2")
    if url.scheme == "http" and not is_loopback(url.host):
        raise BaseUrlError(template, "it must begin with https://, so that the token cannot be read on the way")
    if url.userinfo:
        raise BaseUrlError(template, "it must not hold credentials; name their source under token")
    if url.query or url.fragment or text.endswith(("?", "#")):
        raise BaseUrlError(template, "it must not have a query or a fragment")
    return text.rstrip("/")


def trusted(base_url: str) -> ssl.SSLContext:
    """Return whose certificates an endpoint may have: those of the authorities that the machine trusts.

    A plain http endpoint has none, so nobody is trusted there: loading the authorities takes as much time as many
    requests, and would be for nothing.
    """
    import httpx

    if httpx.URL(base_url).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context()

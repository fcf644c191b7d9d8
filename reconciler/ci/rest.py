"""One REST API, asked politely: authentication, waiting when told to, paging, and errors that say what to do.

What is read or replaced is tried again after a fault. What is made is not: an answer that was lost is
:class:`~reconciler.ci.errors.AnswerLostError`, and who asked looks first whether it is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
import msgspec

from reconciler._version import TOOL
from reconciler.ci.errors import (
    AnswerLostError,
    HostError,
    HostRefusedError,
    HostUnavailableError,
    UnreadableAnswerError,
)
from reconciler.scim.endpoint import is_loopback, trusted
from reconciler.scim.errors import printable
from reconciler.scim.failures import hopeless, never_sent, tls_error
from reconciler.scim.retry import RetryPolicy, asked_wait

PATIENCE: Final = RetryPolicy(attempts=5, base_delay=1.0, max_delay=600.0, budget=900.0)
"""Tries of one request, and seconds: a runner costs money while it waits, and a limit of requests may last an hour."""

_SECONDARY_LIMIT: Final = 60.0
"""Seconds to wait where GitHub speaks of a rate limit and names no time: "wait for at least one minute"
(https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""

_TIMEOUT: Final = 30.0  # seconds
_MOST_PAGES: Final = 1000
PAGE: Final = 100
"""Entries of a page; neither host gives more."""

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A request has to wait before it is tried again.

    Attributes:
        host: who asks for it, or does not answer.
        status: what the host answered; ``None`` for a connection fault.
        seconds: how long.
    """

    host: str
    status: int | None
    seconds: float


class RestApi:
    """A REST API. Use it as a context manager. TLS certificates are always verified.

    Args:
        host: what people call it.
        base_url: where it is, without a trailing slash; checked already.
        headers: sent with every request.
        secret: the token in them, which must not appear in any error.
        advice: says what to do about a status, from the status and the host's own words.
        patience: how often to try, and how long to wait.
        sleep: waits that many seconds.
        on_wait: called before each wait.
    """

    def __init__(
        self,
        host: str,
        base_url: str,
        *,
        headers: Mapping[str, str],
        secret: str,
        advice: Callable[[int, str], str],
        patience: RetryPolicy = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[Wait], None] | None = None,
    ) -> None:
        self.host = host
        self._base_url = base_url
        self._secret = secret
        self._advice = advice
        self._patience = patience
        self._sleep = sleep
        self._on_wait = on_wait
        self._http = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": TOOL.replace(" ", "/"), **headers},
            timeout=_TIMEOUT,
            verify=trusted(base_url),
            # No proxy on the way to this machine itself.
            trust_env=not is_loopback(httpx.URL(base_url).host),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, query: Query | None = None) -> Any:
        """Return what is there, as JSON. Tried again after faults."""
        return self._json("GET", path, self._tried("GET", path, query=query))

    def pages(self, path: str, query: Query) -> Iterator[dict[str, Any]]:
        """Yield the entries of all pages.

        Both hosts name the next page in a ``Link`` header (RFC 8288). Only its query is taken: behind a proxy its
        address may be one that no client should send a token to.
        """
        wanted: str | Query = {**query, "per_page": PAGE}
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            response = self._tried("GET", path, query=wanted)
            yield from self._entries(path, response)
            following = response.links.get("next", {}).get("url")
            if following is None:
                return
            wanted = _query_of(following)
            if not wanted or wanted in seen:
                break
            seen.add(wanted)
        raise self._error(UnreadableAnswerError, "GET", path, "the pages come to no end", response.status_code)

    def replace(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Change what is there, with ``PATCH`` or ``PUT``, and return the answer. Tried again after faults."""
        return self._json(method, path, self._tried(method, path, body=body))

    def make(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make something with ``POST`` and return the answer.

        Raises:
            AnswerLostError: it may have been made or not.
        """
        return self._json("POST", path, self._tried("POST", path, body=body))

    def ask(self, url: str, body: Mapping[str, Any]) -> Any:
        """Return the answer to a question that is sent as ``POST`` to a whole URL (GraphQL). It makes nothing."""
        return self._json("POST", url, self._tried("POST", url, body=body, makes=False))

    def pause(self, attempt: int) -> None:
        """Wait before it is looked whether something was made, longer each time: listings may be behind."""
        self._wait(self._patience.base_delay * 2 ** (attempt - 1), None)

    def _tried(
        self,
        method: str,
        path: str,
        *,
        query: str | Query | None = None,
        body: Mapping[str, Any] | None = None,
        makes: bool = True,
    ) -> httpx.Response:
        """Return the answer that is a success, or raise what the last try ended in."""
        unclear = AnswerLostError if makes and method == "POST" else HostUnavailableError
        attempt, waited = 0, 0.0
        while True:
            attempt += 1
            asked: float | None = None
            final = False
            status: int | None = None
            try:
                response = self._sent(method, path, query, body)
            except httpx.RequestError as fault:
                error, final = self._fault(method, path, fault, unclear), hopeless(fault)
            else:
                if response.is_success:
                    return response
                status, asked = response.status_code, _asked(response)
                error = self._failure(method, path, response, unclear)
            too_long = asked is not None and asked > self._patience.max_delay
            wait = None if too_long or final else self._patience.wait(attempt, waited, asked)
            if wait is None or not isinstance(error, HostUnavailableError):
                raise error
            self._wait(wait, status)
            waited += wait

    def _sent(
        self, method: str, path: str, query: str | Query | None, body: Mapping[str, Any] | None
    ) -> httpx.Response:
        url = path if path.startswith(("https://", "http://")) else f"{self._base_url}{path}"
        if isinstance(query, str):
            url, query = f"{url}?{query}", None
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._http.request(method, url, params=query, content=content, headers=headers)

    def _wait(self, seconds: float, status: int | None) -> None:
        if self._on_wait is not None:
            self._on_wait(Wait(host=self.host, status=status, seconds=seconds))
        self._sleep(seconds)

    def _json(self, method: str, path: str, response: httpx.Response) -> Any:
        try:
            return msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            message = "the answer is not JSON. Check the URL of the API"
            raise self._error(UnreadableAnswerError, method, path, message, response.status_code) from None

    def _entries(self, path: str, response: httpx.Response) -> list[dict[str, Any]]:
        rows = self._json("GET", path, response)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            message = "the answer is no list. Check the URL of the API"
            raise self._error(UnreadableAnswerError, "GET", path, message, response.status_code)
        return rows

    def _failure(self, method: str, path: str, response: httpx.Response, unclear: type[HostError]) -> HostError:
        """Return the error for an answer that is no success. ``unclear`` is that for one that tells nothing."""
        status, words = response.status_code, self._words(response)
        said = f"{status}: {words}" if words else str(status)
        kind: type[HostError] = HostRefusedError
        asked = _asked(response)
        if asked is not None:
            kind, message = HostUnavailableError, f"too many requests ({said}). They are let in again in {asked:,.0f} s"
        elif status == 408 or status >= 500:
            kind, message = unclear, f"the server failed ({said})"
        elif response.is_redirect:
            message = f"{said}. It has moved: check the name of the repository and the URL of the API"
        else:
            message = f"{said}. {self._advice(status, words)}"
        return self._error(kind, method, path, message, status)

    def _fault(self, method: str, path: str, fault: httpx.RequestError, unclear: type[HostError]) -> HostError:
        """Return the error for a request that got no whole answer."""
        what = "timed out" if isinstance(fault, httpx.TimeoutException) else self._quote(str(fault))
        message = f"no answer: {what or type(fault).__name__}. Check the URL of the API and the network"
        if tls_error(fault) is not None:
            message += ". SSL_CERT_FILE can name the certificates of a private authority"
        return self._error(HostUnavailableError if never_sent(fault) else unclear, method, path, message, None)

    def _error(self, kind: type[HostError], method: str, path: str, message: str, status: int | None) -> HostError:
        return kind(message, host=self.host, method=method, path=self._quote(path), status=status)

    def _words(self, response: httpx.Response) -> str:
        """Return what the host says of a refusal: ``message`` of GitHub; ``message`` or ``error`` of GitLab."""
        try:
            body = msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
        if not isinstance(body, dict):
            return ""
        words = body.get("message") or body.get("error") or ""
        details = body.get("errors")
        return self._quote(" ".join(str(part) for part in (words, details) if part))

    def _quote(self, text: str) -> str:
        return printable(text.replace(self._secret, "***") if self._secret else text)


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _turned_away(response: httpx.Response) -> bool:
    """Tell whether the host did nothing because there were too many requests.

    GitHub says so with 403 as well as 429: with ``x-ratelimit-remaining: 0``, with ``retry-after``, or in words.
    """
    headers = response.headers
    if response.status_code == 429 or (response.status_code == 503 and "retry-after" in headers):
        return True
    if response.status_code != 403:
        return False
    spent = headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in headers or "rate limit" in response.text.lower()


def _asked(response: httpx.Response) -> float | None:
    """Return the seconds that the host asks to wait, where it turned a request away.

    GitHub names the end of the hour's window in every answer; it counts where nothing is left of it.
    """
    if not _turned_away(response):
        return None
    headers = dict(response.headers)
    if headers.get("x-ratelimit-remaining", headers.get("ratelimit-remaining", "0")) != "0":
        headers = {name: value for name, value in headers.items() if not name.endswith("ratelimit-reset")}
    asked = asked_wait(headers, datetime.now(UTC))
    return _SECONDARY_LIMIT if asked is None else asked

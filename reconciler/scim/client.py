"""The HTTP client for one SCIM endpoint: authentication, retries, limits, and errors in SCIM's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote, urlencode

import msgspec

from reconciler.capabilities import Capabilities
from reconciler.scim.endpoint import is_loopback, origin, trusted
from reconciler.scim.errors import MalformedAnswer, ScimError
from reconciler.scim.failures import Exchange, Meaning, hopeless, never_sent
from reconciler.scim.pace import Pacer
from reconciler.scim.quotas import read_announced
from reconciler.scim.retry import (
    DEFAULT_RETRY,
    RetryPolicy,
    ThrottleEvent,
    asked_wait,
    outcome_unclear,
    refused_for_now,
)
from reconciler.scim.turns import NobodyAdmittedError, Turn, Turns

if TYPE_CHECKING:
    # Imported where it is used: a shell that completes a command line must not wait for an HTTP client.
    import httpx

MAX_BODY = 256 * 1024 * 1024  # bytes; a group of 290,000 members, the largest any vendor documents, takes about 60 MB
_MAX_REDIRECTS = 3
_READINGS = 2  # tries of a read whose answer is no SCIM
_UNKNOWN = Capabilities()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimResponse:
    """A successful answer.

    Attributes:
        status: the HTTP status, 2xx.
        body: the JSON object; ``None`` where there is no body. A bare list is given as ``{"Resources": list}``.
        location: the ``Location`` header: the URL of what was created.
        etag: the ``ETag`` header: the resource's version (RFC 7644 §3.14).
        request_id: what the server called the request, where it says so.
    """

    status: int
    body: dict[str, Any] | None
    location: str | None = None
    etag: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatistics:
    """What a client has done so far.

    Attributes:
        requests: HTTP requests sent, retries and redirects too.
        bytes: size of all response bodies after decompression.
        by_method: requests by HTTP method.
        throttled: requests that the server turned away for now.
    """

    requests: int
    bytes: int
    by_method: Mapping[str, int]
    throttled: int = 0


class _Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    content: bytes


class _Failure(NamedTuple):
    """A request that did not succeed.

    ``asked`` is how many seconds the server wants it to wait; ``pause`` how many everybody has to wait; ``tries`` how
    often it is tried at most, where that is less than the policy allows.
    """

    error: ScimError
    again: bool
    status: int | None = None
    asked: float | None = None
    pause: float | None = None
    tries: int | None = None


def resource_path(endpoint: str, resource_id: str) -> str:
    """Return the path of one resource, ``/Users/2819c223``, with the id percent-encoded as a single segment.

    Raises:
        MalformedAnswer: the id cannot be one: an empty one would address all resources, dots another path.
    """
    if resource_id in ("", ".", ".."):
        raise MalformedAnswer(f"{resource_id!r} cannot be the id of a resource in /{endpoint}")
    return f"/{endpoint}/{quote(resource_id, safe='')}"


class ScimClient:
    """An asynchronous client for one SCIM endpoint. Use it as an async context manager.

    Requests wait in front of the connection pool until the server's pace lets them go (:mod:`reconciler.scim.pace`);
    one that was turned away comes before all that are younger. TLS certificates are always verified.

    Args:
        base_url: the endpoint, without a trailing slash.
        token: the bearer token. It is sent to this endpoint's origin alone and appears in no error.
        concurrency: requests in flight at once, at most.
        timeout: seconds to connect, and seconds without a byte until a request counts as lost.
        retry: when and how often to try again.
        on_throttle: called before each wait; must not block.
        max_body: bytes of one answer, after decompression, beyond which it is refused.
        capabilities: what is known of the server before it is asked: the paces it wants, and how it says "not now".

    Attributes:
        base_url: the endpoint.
        concurrency: requests in flight at once, at most; not more than the server is known to bear.
        before_write: called right before each try of a write, when it has waited for its turn; a ScimError that it
            raises is what the request ends in, and nothing is sent.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        concurrency: int = 8,
        timeout: float = 30.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        on_throttle: Callable[[ThrottleEvent], None] | None = None,
        max_body: int = MAX_BODY,
        capabilities: Capabilities = _UNKNOWN,
    ) -> None:
        import httpx

        self.base_url = base_url.rstrip("/")
        self.concurrency = max(1, min(concurrency, capabilities.max_concurrency or concurrency))
        self.before_write: Callable[[], None] | None = None
        self._statuses = frozenset(capabilities.throttle_statuses)
        self._markers = tuple(marker.encode() for marker in capabilities.throttle_markers)
        self._token = token
        self._retry = retry
        self._on_throttle = on_throttle
        self._max_body = max_body
        pacer = Pacer(
            self.concurrency,
            rates=capabilities.rates,
            first_pause=retry.base_delay / 2,
            longest_pause=retry.max_delay,
            patience=retry.attempts,
        )
        # They also keep requests out of httpx's own pool, whose cost is quadratic in those that wait for a connection.
        self._turns = Turns(pacer, retry.sleep)
        self._tickets = count()
        self._throttled = 0
        self._by_method: Counter[str] = Counter()
        self._bytes = 0
        self._http = httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/scim+json, application/json",
                "User-Agent": f"reconciler/{version('reconciler')}",
            },
            timeout=httpx.Timeout(timeout, pool=None),
            limits=httpx.Limits(max_connections=self.concurrency, max_keepalive_connections=self.concurrency),
            follow_redirects=False,
            verify=trusted(self.base_url),
            # Proxy settings of the environment are for the network outside; a loopback address is never behind one.
            trust_env=not is_loopback(httpx.URL(self.base_url).host),
        )

    def __repr__(self) -> str:
        return f"ScimClient({self.base_url!r})"

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._turns.close()
        await self._http.__aexit__(kind, error, traceback)

    @property
    def statistics(self) -> ClientStatistics:
        """What this client has done so far; a copy."""
        return ClientStatistics(
            requests=self._by_method.total(),
            bytes=self._bytes,
            by_method=dict(sorted(self._by_method.items())),
            throttled=self._throttled,
        )

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> ScimResponse:
        """Read ``path``, which starts with a slash, with ``params`` as the query. The answer always has a body.

        Raises:
            ScimError: of every kind but ``OutcomeUnknown``.
        """
        # quote, not quote_plus: some servers take "+" in a filter for a plus sign.
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        return await self._send("GET", path, query=query)

    async def post(self, path: str, body: Mapping[str, Any]) -> ScimResponse:
        """Create a resource (RFC 7644 §3.3). Raises ScimError; ``OutcomeUnknown`` when the answer was lost."""
        return await self._send("POST", path, body=body)

    async def put(self, path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> ScimResponse:
        """Replace a resource (RFC 7644 §3.5.1). Raises ScimError; ``OutcomeUnknown`` when the answer was lost."""
        return await self._send("PUT", path, body=body, if_match=if_match)

    async def patch(self, path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> ScimResponse:
        """Change a resource (RFC 7644 §3.5.2). Raises ScimError; ``OutcomeUnknown`` when the answer was lost."""
        return await self._send("PATCH", path, body=body, if_match=if_match)

    async def delete(self, path: str, *, if_match: str | None = None) -> ScimResponse:
        """Delete a resource (RFC 7644 §3.6). Raises ScimError; ``OutcomeUnknown`` when the answer was lost."""
        return await self._send("DELETE", path, if_match=if_match)

    def exchange(self, method: str, path: str) -> Exchange:
        """Return a request of this client as far as errors speak of it, also one that was sent inside another."""
        return Exchange(method=method, path=path, secret=self._token)

    def meaning(self, status: int, content: bytes) -> Meaning:
        """Return what the status and the body of an answer say of what became of the request."""
        if status < 300:
            return Meaning.SUCCESS
        if refused_for_now(status, self._statuses):
            return Meaning.TURNED_AWAY
        if status >= 500 and any(marker in content for marker in self._markers):
            return Meaning.TURNED_AWAY
        return Meaning.UNCLEAR if outcome_unclear(status, self._statuses) else Meaning.OTHER

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: Mapping[str, Any] | None = None,
        if_match: str | None = None,
    ) -> ScimResponse:
        headers = {}
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/scim+json"
        if if_match is not None:
            headers["If-Match"] = if_match
        request = self._http.build_request(method, self.base_url + path + query, content=content, headers=headers)
        return await self._try(request, self.exchange(method, path))

    async def _try(self, request: httpx.Request, exchange: Exchange) -> ScimResponse:
        """Send until there is an answer that another try would not change."""
        ticket = next(self._tickets)
        attempt, waited, pause = 0, 0.0, 0.0
        while True:
            attempt += 1
            try:
                async with self._turns.turn(ticket, exchange.method, exchange.endpoint, after=pause) as turn:
                    outcome = await self._once(request, exchange, turn)
            except NobodyAdmittedError:
                raise exchange.nobody_admitted() from None
            if isinstance(outcome, ScimResponse):
                return outcome
            asked = outcome.asked if outcome.pause is None else outcome.pause
            again = outcome.again and (outcome.tries is None or attempt < outcome.tries)
            wait = self._retry.wait(attempt, waited, asked) if again else None
            if wait is None:
                raise outcome.error
            self._tell(exchange, outcome, attempt, wait)
            waited += wait
            pause = outcome.pause or 0.0
            if outcome.pause is None:
                await self._turns.pause(wait)

    def _tell(self, exchange: Exchange, outcome: _Failure, attempt: int, wait: float) -> None:
        if self._on_throttle is not None:
            self._on_throttle(
                ThrottleEvent(
                    method=exchange.method, path=exchange.path, status=outcome.status, attempt=attempt, wait=wait
                )
            )

    async def _once(self, request: httpx.Request, exchange: Exchange, turn: Turn) -> ScimResponse | _Failure:
        import httpx

        reads = exchange.method == "GET"
        if not reads and self.before_write is not None:
            self.before_write()
        try:
            answer = await self._receive(request, exchange)
        except (httpx.TransportError, httpx.DecodingError) as fault:
            again = (reads or never_sent(fault)) and not hopeless(fault)
            return _Failure(exchange.fault(fault), again)
        exchange = exchange.answered(answer.headers)
        meaning = self.meaning(answer.status, answer.content)
        if meaning is Meaning.TURNED_AWAY:
            return self._turned_away(answer, exchange, turn)
        now = datetime.now(UTC)
        if meaning is Meaning.UNCLEAR:
            error = exchange.failure(answer.status, answer.content, meaning)
            return _Failure(error, reads, answer.status, asked_wait(answer.headers, now))
        turn.good(read_announced(answer.headers, now))
        if meaning is Meaning.OTHER:
            return _Failure(exchange.failure(answer.status, answer.content, meaning), again=False)
        try:
            return ScimResponse(
                status=answer.status,
                body=exchange.body(answer.status, answer.content),
                location=answer.headers.get("location"),
                etag=answer.headers.get("etag"),
                request_id=exchange.request_id,
            )
        except MalformedAnswer as malformed:
            # A gateway's page of one moment, or a cut answer; a wrong base_url says the same again at once.
            return _Failure(malformed, again=True, status=answer.status, tries=_READINGS)

    def _turned_away(self, answer: _Answer, exchange: Exchange, turn: Turn) -> _Failure:
        self._throttled += 1
        asked = asked_wait(answer.headers, datetime.now(UTC))
        pause = turn.throttled(asked)
        if exchange.method == "POST" and answer.status == 503 and asked is None:
            # Gateways answer so, too, when what is behind them has taken the request and not answered in time. What is
            # made twice cannot be unmade; all other methods may be repeated.
            return _Failure(exchange.failure(503, answer.content, Meaning.UNCLEAR), again=False, status=503)
        exhausted = self._turns.pacer.exhausted
        if exhausted:
            self._turns.dissolve()
        error = exchange.failure(answer.status, answer.content, Meaning.TURNED_AWAY)
        return _Failure(error, not exhausted, answer.status, pause=pause)

    async def _receive(self, request: httpx.Request, exchange: Exchange) -> _Answer:
        """Send once, and follow a few redirects of a GET inside this origin."""
        answer = await self._receive_one(request, exchange)
        for _ in range(_MAX_REDIRECTS):
            if not 300 <= answer.status < 400:
                return answer
            target = self._redirect_target(request, answer, exchange)
            request = self._http.build_request("GET", target)
            answer = await self._receive_one(request, exchange)
        if 300 <= answer.status < 400:
            raise exchange.redirect_refused(answer.status, f"redirected more than {_MAX_REDIRECTS} times")
        return answer

    def _redirect_target(self, request: httpx.Request, answer: _Answer, exchange: Exchange) -> httpx.URL:
        import httpx

        try:
            target = request.url.join(answer.headers["location"])
        except (KeyError, httpx.InvalidURL):
            raise exchange.redirect_refused(answer.status, "redirected without a usable Location") from None
        if origin(target) != origin(httpx.URL(self.base_url)):
            there = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
            raise exchange.redirect_refused(
                answer.status, f"redirected to another origin, {there}, where the token was not sent"
            )
        if request.method != "GET":
            raise exchange.redirect_refused(answer.status, "a write was redirected, which is not followed")
        return target

    async def _receive_one(self, request: httpx.Request, exchange: Exchange) -> _Answer:
        self._by_method[request.method] += 1
        response = await self._http.send(request, stream=True)
        content = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                content += chunk
                self._bytes += len(chunk)
                if len(content) > self._max_body:
                    raise exchange.unreadable(response.status_code, f"it is larger than {self._max_body} bytes")
        finally:
            await response.aclose()
        return _Answer(response.status_code, response.headers, bytes(content))

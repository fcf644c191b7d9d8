"""One request and its answer as values, so that a fault is a plain function between the two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from reconciler.sandbox.errors import RequestRefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope

_MEDIA_TYPE = "application/scim+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request, whole.

    Attributes:
        method: its HTTP method.
        path: below the base path, ``/Users/2819c223``.
        query: what follows the question mark, as it was sent.
        body: the bytes received.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query; the last of a name counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def asking(self, **parameters: str | int | None) -> Self:
        """Return the same request with other parameters in its query; ``None`` takes one away."""
        asked = {**self.parameters, **parameters}
        query = urlencode({name: value for name, value in asked.items() if value is not None}, quote_via=quote)
        return replace(self, query=query)

    def reading(self, path: str) -> Incoming:
        """Return a request that reads ``path``, as whoever sent this one could send it."""
        return Incoming(method="GET", path=path)

    def json(self) -> Any:
        """Return the body as JSON, or ``None`` where it is none."""
        return _decoded(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, and how it goes over the wire.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name, without Content-Length.
        body: the bytes.
        reset: the connection is reset, and nothing of this is sent.
        wait: seconds before the first byte.
        spread: seconds over which the body is sent, in pieces.
        send_only: bytes of the body that are sent before the connection is closed; ``None`` for all.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: bool = False
    wait: float = 0.0
    spread: float = 0.0
    send_only: int | None = None

    def json(self) -> Any:
        """Return the body as JSON, or ``None`` where it is none."""
        return _decoded(self.body)

    def with_json(self, document: object) -> Self:
        """Return the same answer with another document as its body."""
        return replace(self, body=msgspec.json.encode(document))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Return the same answer with more headers; names are in lower case."""
        return replace(self, headers={**self.headers, **headers})


Forward: TypeAlias = Callable[[Incoming], Awaitable[Answer]]


@dataclass(slots=True, kw_only=True)
class Turn:
    """One request that has come to one rule.

    Attributes:
        request: the request.
        forward: passes a request on, as often as the fault likes.
        chosen: whether the rule is for this request and its time has come. Only an action with ``sees_all`` ever finds
            this false.
        injected: to be set by the action where it did something that a healthy server would not.
    """

    request: Incoming
    forward: Forward
    chosen: bool = True
    injected: bool = False


class Action(Protocol):
    """A fault at work in one directory: it may hold state."""

    @property
    def sees_all(self) -> bool:
        """Whether it is called for every request, not only for those chosen."""
        ...

    async def __call__(self, turn: Turn) -> Answer:
        """Answer a request. Called in the thread of the server, for many requests at the same time."""
        ...


class Stateless(ABC):
    """A fault that remembers nothing: the data is itself what works."""

    __slots__ = ()
    sees_all: ClassVar[bool] = False

    def begin(self) -> Action:
        """Return the fault at work in one directory."""
        return self

    @abstractmethod
    async def __call__(self, turn: Turn) -> Answer:
        """Answer a request."""


def refusal(status: int, detail: str, scim_type: str | None = None) -> Answer:
    """Return an error as SCIM words it (RFC 7644 §3.12)."""
    return json_answer(RequestRefusedError(status, detail, scim_type).as_json(), status=status)


def json_answer(document: object, status: int = 200) -> Answer:
    """Return an answer with a JSON document."""
    return Answer(status=status, headers={"content-type": _MEDIA_TYPE}, body=msgspec.json.encode(document))


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def whole_body(receive: Receive) -> bytes | None:
    """Return the body of a request, or ``None`` where whoever sent it has gone."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def forwarding(app: ASGIApp, scope: Scope, base_path: str) -> Forward:
    """Return what passes requests on to an application, in the name of whoever sent the one of ``scope``."""

    async def forward(request: Incoming) -> Answer:
        path = base_path + request.path
        passed = {
            **scope,
            "method": request.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": request.query.encode("latin-1"),
            "headers": [
                *((name, value) for name, value in scope["headers"] if name != b"content-length"),
                (b"content-length", str(len(request.body)).encode()),
            ],
        }
        start: dict[str, Any] = {}
        content = bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                content.extend(message.get("body", b""))

        await app(passed, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        headers.pop("content-length", None)
        return Answer(status=start["status"], headers=headers, body=bytes(content))

    return forward

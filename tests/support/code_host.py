"""What the fakes of GitHub and GitLab have in common: a table of endpoints, pages, and what goes wrong.

Each knows just the endpoints that are used, and is stricter than the real one: whatever it was not made for is kept in
``problems``, of which there must be none.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlencode, urlsplit

from loopback import Reply, Request, serving

Row: TypeAlias = dict[str, Any]
Fault: TypeAlias = Callable[[Request], Reply]

LOST: Final = "lost"
"""Do what was asked, and reset the connection in place of an answer."""

_MOST_PER_PAGE: Final = 100


@dataclass(frozen=True)
class When:
    """What goes wrong, once, with the next request of a method: a reply in place of the answer, or :data:`LOST`."""

    method: str
    what: Reply | str


class RefusalError(Exception):
    """An answer that is no success."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(str(reply.body))


Endpoint: TypeAlias = tuple[str, str, Callable[..., Reply]]
"""A method, a pattern of the raw path, and what answers: it gets the request and the groups of the pattern."""


@dataclass
class CodeHost:
    """A code host.

    Attributes:
        token: what requests must carry.
        faults: what goes wrong, in turn.
        problems: what it was asked and not made for.
        requests: everything that it was asked.
        url: where it is.
    """

    token: str
    url: str = ""
    faults: deque[When] = field(default_factory=deque)
    problems: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[Self]:
        with serving(self.respond) as loopback:
            self.url, self.requests = loopback.url, loopback.requests
            yield self

    def endpoints(self) -> Sequence[Endpoint]:
        raise NotImplementedError

    def admit(self, request: Request) -> None:
        """Refuse a request that does not say who asks, or not in the right form."""
        raise NotImplementedError

    def refused(self, status: int, message: Any, **more: Any) -> RefusalError:
        return RefusalError(Reply(status, {"message": message, **more}))

    def said(self, method: str) -> list[str]:
        """The paths of the requests of a method."""
        return [request.path for request in self.requests if request.method == method]

    def respond(self, request: Request) -> Reply:
        with self._lock:
            fault = self.faults.popleft() if self.faults and self.faults[0].method == request.method else None
            if fault is not None and isinstance(fault.what, Reply):
                return self._dressed(fault.what)
            try:
                self.admit(request)
                reply = self._answer(request)
            except RefusalError as refusal:
                reply = refusal.reply
            return Reply(reset=True) if fault is not None else self._dressed(reply)

    def _answer(self, request: Request) -> Reply:
        for method, pattern, answer in self.endpoints():
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                return answer(request, *found.groups())
        self.problems.append(f"{request.method} {request.target}")
        raise self.refused(404, "Not Found")

    def _dressed(self, reply: Reply) -> Reply:
        """Add what every answer of such a host carries."""
        return replace(reply, headers={"Content-Type": "application/json; charset=utf-8", **reply.headers})

    def fields(self, request: Request, *, needed: set[str], allowed: set[str] | None = None) -> Row:
        """Return the body of a request, which must hold these fields and no others."""
        if request.headers.get("content-type") != "application/json":
            self.problems.append(f"{request.method} {request.path}: Content-Type")
        body = json.loads(request.body)
        if not (isinstance(body, dict) and needed <= body.keys() <= needed | (allowed or set())):
            self.problems.append(f"{request.method} {request.path}: fields {sorted(body)}")
            raise self.refused(422, "Validation Failed")
        return body

    def page(self, request: Request, rows: Sequence[Row], *, known: set[str], usual: int) -> Reply:
        """Return one page of a listing, with the ``Link`` header (RFC 8288) that names the next."""
        query = request.query
        if not query.keys() <= known | {"per_page", "page"}:
            self.problems.append(f"{request.method} {request.target}: query")
        length = min(int(query.get("per_page", usual)), _MOST_PER_PAGE)
        number = int(query.get("page", 1))
        start = (number - 1) * length
        links = []
        if start + length < len(rows):
            following = urlencode({**query, "page": number + 1})
            # The name that the host knows itself by, which need not be the one that it was asked by.
            links.append(f'<https://host.internal{urlsplit(request.target).path}?{following}>; rel="next"')
        return Reply(200, list(rows[start : start + length]), {"Link": ", ".join(links)} if links else {})


def soon(**headers: str) -> Mapping[str, str]:
    """Headers of a limit that is over at once."""
    return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time())), **headers}

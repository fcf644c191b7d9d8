"""A SCIM directory that keeps who wrote what and when, by the token of the writer, and strikes at a given request."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import uvicorn

from reconciler.model import Kind
from reconciler.sandbox.app import build_app
from reconciler.sandbox.behaviour import Behaviour, behaviour
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.seed import load_seed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Phase: TypeAlias = Literal["unseen", "unanswered", "answered"]
"""When a strike comes: before the request is handled (it never is then), before its answer is sent, or after that."""

_VOLATILE = ("id", "meta", "schemas", "groups")
"""What differs between two directories that hold the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A request that was to write, or one operation of a bulk request.

    Attributes:
        writer: the token that it carried.
        method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
        path: below the base URL.
        body: its JSON.
        status: how it was answered; 0 where it was never handled.
        began: when it came, in requests and answers that the directory had seen before.
        ended: likewise, when it had been handled.
    """

    writer: str
    method: str
    path: str
    body: str
    status: int
    began: int
    ended: int

    @property
    def done(self) -> bool:
        """Whether it changed something."""
        return 200 <= self.status < 300

    @property
    def what(self) -> tuple[str, str, str]:
        """What it was to do."""
        return self.method, self.path, self.body


@dataclass(slots=True)
class _Strike:
    at: int
    phase: Phase
    blow: Callable[[str], None]


@dataclass
class Witness:
    """A directory over HTTP. Whoever carries a token may write, and is remembered by it.

    Attributes:
        base_url: where it is.
        directory: what it holds.
        requests: how many it has seen since :meth:`strike` or its beginning.
        writes: what was written, in the order in which it was handled.
    """

    base_url: str
    directory: Directory
    app: ASGIApp
    requests: int = 0
    writes: list[Write] = field(default_factory=list)
    _moments: int = 0
    _strike: _Strike | None = None

    def strike(self, at: int, phase: Phase, blow: Callable[[str], None]) -> None:
        """Do something to whoever sends a certain request, counted from 1 and from now on; the token is told."""
        self.requests = 0
        self._strike = _Strike(at, phase, blow)

    def spare(self) -> None:
        """Strike nobody any more."""
        self._strike = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and remember it."""
        self.requests += 1
        strike = self._strike if self._strike is not None and self._strike.at == self.requests else None
        began = self._moment()
        body = await _whole(receive)
        if strike is not None and strike.phase == "unseen":
            strike.blow(_writer(scope))
            self._remember(scope, body, [], began)
            return
        answer: list[Message] = []

        async def given() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, given, keep)
        self._remember(scope, body, answer, began)
        if strike is not None and strike.phase == "unanswered":
            strike.blow(_writer(scope))
        for message in answer:
            await send(message)
        if strike is not None and strike.phase == "answered":
            strike.blow(_writer(scope))

    def _moment(self) -> int:
        self._moments += 1
        return self._moments

    def _remember(self, scope: Scope, body: bytes, answer: list[Message], began: int) -> None:
        path = scope["path"].removeprefix(self.directory.behaviour.base_path)
        if scope["method"] == "GET" or path.endswith("/.search"):
            return
        status = answer[0]["status"] if answer else 0
        write = Write(
            writer=_writer(scope),
            method=scope["method"],
            path=path,
            body=_canonical(json.loads(body)) if body else "",
            status=status,
            began=began,
            ended=self._moment(),
        )
        if path != "/Bulk" or not write.done:
            self.writes.append(write)
            return
        results = json.loads(b"".join(message.get("body", b"") for message in answer[1:]))["Operations"]
        for operation, result in zip(json.loads(body)["Operations"], results, strict=True):
            self.writes.append(
                replace(
                    write,
                    method=operation["method"],
                    path=operation["path"],
                    body=_canonical(operation["data"]) if "data" in operation else "",
                    status=int(result["status"]),
                )
            )

    @property
    def writers(self) -> list[str]:
        """Who wrote, in the order of their first writes."""
        return list(dict.fromkeys(write.writer for write in self.writes))

    def spans(self) -> list[tuple[int, int]]:
        """From when to when each writer wrote: from its first request to the end of its last one."""
        ours = [[write for write in self.writes if write.writer == writer] for writer in self.writers]
        return sorted((min(write.began for write in each), max(write.ended for write in each)) for each in ours)

    def doubles(self) -> list[tuple[str, str, str]]:
        """What was done more than once: the same method, path and body, with success."""
        done = Counter(write.what for write in self.writes if write.done)
        return [what for what, times in done.items() if times > 1]

    def content(self) -> dict[str, Any]:
        """What the directory holds, by names: equal for two directories in which the same is."""
        with self.directory.lock:
            users, groups = (self.directory.resources(kind) for kind in Kind)
        names = {user["id"]: user["userName"] for user in users} | {
            group["id"]: group["displayName"] for group in groups
        }
        members = {
            group["displayName"]: sorted(names[member["value"]] for member in group.get("members", ()))
            for group in groups
        }
        plain = [_without(resource, *_VOLATILE, "members") for resource in (*users, *groups)]
        return {
            "users": sorted(map(_canonical, (one for one in plain if "userName" in one))),
            "groups": sorted(map(_canonical, (one for one in plain if "userName" not in one))),
            "members": members,
        }


@contextmanager
def witnessing(dialect: str | Behaviour = "generic", *, seed: Mapping[str, Any] | None = None) -> Iterator[Witness]:
    """Serve a directory on a free loopback port."""
    rules = behaviour(dialect) if isinstance(dialect, str) else dialect
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}{rules.base_path}"
    directory = Directory(rules, base_url)
    if seed is not None:
        load_seed(directory, seed)
    witness = Witness(base_url, directory, build_app(directory, base_url))
    # Who is killed leaves connections behind, which nobody need wait for.
    server = uvicorn.Server(
        uvicorn.Config(
            witness,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,
        )
    )
    # It closes the listener in the end, for which nobody need wait either.
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="witness").start()
    try:
        yield witness
    finally:
        server.should_exit = True


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _writer(scope: Scope) -> str:
    token: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return token.decode().removeprefix("Bearer ")


def _canonical(document: object) -> str:
    return json.dumps(document, sort_keys=True)


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}

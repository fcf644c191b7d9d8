"""Sending writes: each by itself, or those that wait at the same time as one bulk request (RFC 7644 §3.7).

Many resources are in work at once, each in a *lane* of its own. A lane that has something to write hands it in and
waits. When every lane of a chunk waits, or a bulk is full, what was handed in goes out together, and each lane gets the
answer, or the very error, that a plain request would have ended in. So nothing else has to know of bulks.

A bulk is an offer. Whatever it does not do, plain requests do: an operation that it left out or failed at, operations
of a kind that it never got done, and all of them where the server refuses bulks as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, TypeAlias, TypeVar

import msgspec

from reconciler.applying.bulk import Result, bulk_request, operation, read_results
from reconciler.applying.requests import Request
from reconciler.attributes import fold
from reconciler.capabilities import Capabilities
from reconciler.diagnostics import ReconcilerError
from reconciler.scim.client import ScimClient, ScimResponse
from reconciler.scim.errors import OutcomeUnknown, RedirectRefused, RequestRefused, ScimError
from reconciler.scim.failures import Meaning

_TOO_LARGE = 413
_PRECONDITION_FAILED = 412
_FAILED_DEPENDENCY = 424
_LOST_IN_A_ROW = 2
"""Bulks whose answer told nothing after which none is sent any more."""
_ENVELOPE = 200
"""Bytes of a bulk request around its operations, and more."""

_T = TypeVar("_T")
_Subject: TypeAlias = tuple[str, str]
_Verb: TypeAlias = tuple[str, str]


class UnresolvedReferenceError(ReconcilerError):
    """A write that names what another one creates, and that did not come about in one bulk request with it.

    Attributes:
        path: the resource that was to be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} was not written: it names resources that are not there yet")


class _Alone(Enum):
    """The answer to a write that has to be sent by itself."""

    UNPROVEN = auto()
    """The bulk refused it, and has not done anything of that kind yet: the bulk itself may be the reason."""
    NEEDED = auto()
    """It was not in a bulk, or the bulk did nothing about it."""


class NotSent(ScimError):  # noqa: N818  # Named as those of reconciler.scim.errors: after what a request ended in.
    """A write that was not sent any more: the run has ended, or may not write any more. Nothing was changed by it."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A write that waits for a bulk, or is in one."""

    request: Request
    operation: dict[str, Any]
    size: int
    answer: asyncio.Future[ScimResponse | _Alone] = field(default_factory=asyncio.Future)

    @property
    def verb(self) -> _Verb:
        return self.request.method, self.request.endpoint

    @property
    def place(self) -> tuple[bool, bool]:
        """Creations come first, those of users before those of groups."""
        return self.request.method != "POST", self.request.endpoint != "Users"

    def settle(self, answer: ScimResponse | _Alone | Exception) -> None:
        """Answer the lane, unless the run has given it up."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Sender:
    """Sends the writes of one run.

    Args:
        client: an entered client.
        capabilities: what the service provider can do.
        halted: tells whether the run has come to an end, so that what a bulk did not do is not sent any more.

    Attributes:
        refers: whether a write may name what another one of the same bulk creates.
    """

    def __init__(self, client: ScimClient, capabilities: Capabilities, halted: Callable[[], bool]) -> None:
        self._client = client
        self._halted = halted
        self._slots = asyncio.Semaphore(client.concurrency)
        self._limit = capabilities.bulk_operations
        self._bytes = min(capabilities.bulk_bytes, capabilities.max_body_bytes) - _ENVELOPE
        self.refers = True
        self._tasks: asyncio.TaskGroup | None = None
        self._busy = 0
        self._waiting: list[_Waiting] = []
        self._number = 0
        self._lost = 0
        self._proven: set[_Verb] = set()
        self._unfit: set[_Verb] = set()
        self._doubtful: set[_Subject] = set()

    @property
    def bulk(self) -> bool:
        """Whether writes go out together."""
        # One operation alone costs what a plain request costs, and has more that can go wrong.
        return self._limit > 1 and self._tasks is not None

    @property
    def refers_now(self) -> bool:
        """Whether a write may name what another one creates that is handed in before the next bulk leaves."""
        return self.refers and self.bulk

    def attach(self, tasks: asyncio.TaskGroup) -> None:
        """Let the writes of lanes that run in these tasks wait for each other."""
        self._tasks = tasks

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[None]:
        """Run a lane. While any waits neither for its answer nor for another lane, only full bulks leave.

        As many as there may be requests in flight are at work at once; those that wait take nobody's place.
        """
        self._busy += 1
        await self._slots.acquire()
        try:
            yield
        finally:
            self._rest()

    async def apart(self, other: Awaitable[_T]) -> _T:
        """Wait for another lane, without taking the place of any."""
        self._rest()
        try:
            return await other
        finally:
            self._busy += 1
            await self._slots.acquire()

    async def send(self, request: Request) -> ScimResponse:
        """Send a write, alone or with others, and return its answer.

        Raises:
            UnresolvedReferenceError: it names what is not created in one bulk with it. Nothing was written.
            NotSent: the run has ended. Nothing was written.
            ScimError: of every kind that a plain request can end in.
        """
        waiting = self._wait_for_bulk(request)
        if waiting is None:
            if request.refers_to:
                raise UnresolvedReferenceError(request.path)
            return await self._send_alone(request)
        try:
            answer = await waiting.answer
        finally:
            await self._slots.acquire()
        if isinstance(answer, ScimResponse):
            return answer
        if request.refers_to:
            self.refers = self.refers and answer is not _Alone.UNPROVEN
            raise UnresolvedReferenceError(request.path)
        if self._halted():
            raise NotSent("the run ended before it was sent", method=request.method, path=request.path)
        response = await self._send_alone(request)
        if answer is _Alone.UNPROVEN:
            # The same write works by itself.
            self._unfit.add(waiting.verb)
        return response

    async def _send_alone(self, request: Request) -> ScimResponse:
        client, path, body, version = self._client, request.path, request.body or {}, request.if_match
        match request.method:
            case "POST":
                return await client.post(path, body)
            case "PUT":
                return await client.put(path, body, if_match=version)
            case "PATCH":
                return await client.patch(path, body, if_match=version)
        return await client.delete(path, if_match=version)

    def _wait_for_bulk(self, request: Request) -> _Waiting | None:
        """Put a write among those that wait, and return it, or ``None`` where it has to go by itself."""
        if not self.bulk or _subject(request) in self._doubtful:
            return None
        self._number += 1
        stated = operation(request, request.bulk_id or f"operation-{self._number}")
        waiting = _Waiting(request, stated, len(msgspec.json.encode(stated)) + 1)
        if waiting.verb in self._unfit or waiting.size > self._bytes:
            return None
        self._waiting.append(waiting)
        self._dispatch_full()
        self._rest()
        return waiting

    def _rest(self) -> None:
        self._busy -= 1
        self._slots.release()
        # Asked once all lanes that were woken before have taken up their work again.
        asyncio.get_running_loop().call_soon(self._dispatch_if_all_wait)

    def _dispatch_if_all_wait(self) -> None:
        if self._waiting and self._busy <= 0:
            self._dispatch(last=True)

    def _dispatch_full(self) -> None:
        while self._is_full() and self._dispatch():
            pass

    def _is_full(self) -> bool:
        many = len(self._waiting) >= self._limit or sum(one.size for one in self._waiting) >= self._bytes
        return many and bool(self._waiting)

    def _dispatch(self, *, last: bool = False) -> bool:
        """Send as many of those that wait as one bulk may hold, and tell whether these are any.

        Args:
            last: nobody else will come, so what refers to something that is not there is given back.
        """
        self._waiting = [one for one in self._waiting if not one.answer.done()]
        batch, rest = self._fitting(sorted(self._waiting, key=lambda one: one.place))
        created = {one.request.bulk_id for one in batch}
        early = [one for one in batch if not one.request.refers_to <= created]
        batch = [one for one in batch if one.request.refers_to <= created]
        self._waiting = [*rest, *early]
        if last and early:
            self._waiting = rest
            self._give_back(early)
        self._busy += len(batch)
        if len(batch) > 1 and self._tasks is not None:
            self._tasks.create_task(self._deliver(batch))
        else:
            for one in batch:
                one.settle(_Alone.NEEDED)
        return bool(batch)

    def _fitting(self, waiting: Sequence[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
        size = 0
        for place, one in enumerate(waiting):
            size += one.size
            if place and (place >= self._limit or size > self._bytes):
                return [*waiting[:place]], [*waiting[place:]]
        return [*waiting], []

    def _give_back(self, waiting: Sequence[_Waiting]) -> None:
        self._busy += len(waiting)
        for one in waiting:
            one.settle(_Alone.NEEDED)

    async def _deliver(self, batch: Sequence[_Waiting]) -> None:
        try:
            answer = await self._client.post("/Bulk", bulk_request([one.operation for one in batch]))
        except ScimError as error:
            self._not_done(batch, error)
            return
        results = read_results(answer.body or {}, [one.operation for one in batch])
        if any(results):
            self._lost = 0
        else:
            self._count_lost(len(batch))
        done = {
            one.verb for one, result in zip(batch, results, strict=True) if result is not None and result.status < 300
        }
        self._proven |= done
        for one, result in zip(batch, results, strict=True):
            one.settle(self._judge(one, result, answer.request_id))
        self._dispatch_full()

    def _not_done(self, batch: Sequence[_Waiting], error: ScimError) -> None:
        """Draw the consequences of a bulk that failed as a whole."""
        if isinstance(error, RequestRefused) and _too_much(error):
            self._limit = min(self._limit, len(batch) // 2)
            self._busy -= len(batch)
            self._waiting[:0] = batch
            if not self.bulk:
                self._give_up()
            # One alone, because it may still be too much.
            if self._is_full():
                self._dispatch()
            self._dispatch_if_all_wait()
        elif isinstance(error, RequestRefused | RedirectRefused) and error.status != 401:
            # Other requests may still be welcome: those of one resource will tell.
            self._give_up()
            for one in batch:
                one.settle(_Alone.NEEDED)
        else:
            if isinstance(error, OutcomeUnknown):
                self._count_lost(len(batch))
                self._doubtful |= {_subject(one.request) for one in batch}
            for one in batch:
                one.settle(_as_of(error, one.request))

    def _count_lost(self, size: int) -> None:
        """Try with less after a bulk that told nothing, and not at all after the second in a row."""
        self._lost += 1
        self._limit = min(self._limit, size // 2)
        if self._lost >= _LOST_IN_A_ROW or not self.bulk:
            self._give_up()

    def _give_up(self) -> None:
        """Send no further bulk in this run."""
        self._limit = 0
        waiting, self._waiting = self._waiting, []
        self._give_back(waiting)

    def _judge(self, one: _Waiting, result: Result | None, request_id: str | None) -> ScimResponse | _Alone | ScimError:
        """Return what a plain request would have been answered with, or that it takes one."""
        request = one.request
        exchange = replace(self._client.exchange(request.method, request.path), request_id=request_id)
        if result is None:
            self._doubtful.add(_subject(request))
            return exchange.unreadable(None, "it is to a bulk request, and does not tell what became of this operation")
        content = b"" if result.body is None else msgspec.json.encode(result.body)
        meaning = self._client.meaning(result.status, content)
        if meaning is Meaning.SUCCESS:
            return ScimResponse(
                status=result.status,
                body=result.body,
                location=result.location,
                etag=result.version,
                request_id=request_id,
            )
        if meaning is Meaning.TURNED_AWAY or _because_of_others(request, result.status):
            return _Alone.NEEDED
        if meaning is Meaning.UNCLEAR:
            self._doubtful.add(_subject(request))
        elif one.verb not in self._proven:
            return _Alone.UNPROVEN
        return exchange.failure(result.status, content, meaning)


def _subject(request: Request) -> _Subject:
    """Return what a write is about: the id of the resource, or the name of one that is to be created."""
    body = request.body or {}
    name = body.get("userName", body.get("displayName"))
    return request.endpoint, request.resource_id or f"new {fold(name) if isinstance(name, str) else ''}"


def _because_of_others(request: Request, status: int) -> bool:
    """Tell whether an operation was refused only because of another one in the bulk."""
    return status == _FAILED_DEPENDENCY or (status == _PRECONDITION_FAILED and request.if_match is None)


def _too_much(refusal: RequestRefused) -> bool:
    return refusal.status == _TOO_LARGE or (refusal.scim_type or "").lower() == "toomany"


def _as_of(error: ScimError, request: Request) -> ScimError:
    """Return the error that a bulk ended in as that of one of its operations."""
    if isinstance(error, NotSent):
        return error
    return type(error)(
        f"sent with others in one: {error}",
        method=request.method,
        path=request.path,
        status=error.status,
        scim_type=error.scim_type,
        detail=error.detail,
        request_id=error.request_id,
    )

"""The embedded SCIM directory as a server: in a thread for tests and demos, in the foreground for people.

It listens on 127.0.0.1 only. Starlette and uvicorn come with the extra ``reconciler[sandbox]``; without them this
module can be imported, and starting a directory is an error that says what to install.
"""

from __future__ import annotations

import secrets
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from reconciler.sandbox.behaviour import Behaviour, behaviour
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import SandboxError
from reconciler.sandbox.faults.rules import FaultRule, RuleCount
from reconciler.sandbox.seed import load_seed, read_seed, write_data

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import Scope

    from reconciler.sandbox.faults.layer import FaultLayer
    from reconciler.sandbox.gate import Gate, RecordedRequest

HOST = "127.0.0.1"
_STOP_SECONDS = 10.0
_WAITING_SECONDS = 0.2


class Sandbox:
    """An embedded SCIM directory that serves from its construction until :meth:`stop`, or as a context manager.

    Args:
        dialect: its name, or the rules themselves (a :func:`dataclasses.replace` of a dialect's, to try a variation).
        token: what requests must carry; random if left out.
        seed: what it holds at the start; :mod:`reconciler.sandbox.seed` tells the form.
        data: a file that it holds the content of, if the file exists. Excludes ``seed`` then.
        port: where it listens; 0 takes a free one.
        record: whether to keep every request in :attr:`requests`.
        faults: what goes wrong, by the rules of :mod:`reconciler.sandbox.faults`.
        fault_seed: what the probabilities of the rules are drawn from.

    Attributes:
        base_url: the SCIM endpoint, without a slash at its end.
        token: as given or made up.
        directory: what it holds, for seeding and assertions. Hold its lock around what belongs together, but not while
            waiting for an answer: requests need it too.

    Raises:
        SandboxError: the extra is not installed, the dialect unknown, the port taken, the seed or data not usable.
    """

    def __init__(
        self,
        dialect: str | Behaviour = "generic",
        *,
        token: str | None = None,
        seed: Mapping[str, Any] | None = None,
        data: Path | None = None,
        port: int = 0,
        record: bool = False,
        faults: Iterable[FaultRule] = (),
        fault_seed: int = 0,
    ) -> None:
        rules = behaviour(dialect) if isinstance(dialect, str) else dialect
        self.token = _usable_token(token)
        content = read_seed(data) if data is not None and data.exists() else seed
        listener = _listen(port)
        try:
            self.base_url = f"http://{HOST}:{listener.getsockname()[1]}{rules.base_path}"
            self.directory = Directory(rules, self.base_url)
            if content is not None:
                load_seed(self.directory, content)
            self._gate, self._faults, self._server = _build(self.directory, self.base_url, self.token, record=record)
            self._faults.use(faults, fault_seed)
        except BaseException:
            listener.close()
            raise
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
        )
        # The socket listens already: a client that comes before the thread is ready waits in its queue.
        self._thread.start()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests answered so far, where they are recorded."""
        return list(self._gate.requests)

    @property
    def request_count(self) -> int:
        """How many requests came so far, recorded or not."""
        return self._gate.request_count

    @property
    def fault_counts(self) -> tuple[RuleCount, ...]:
        """What became of each fault rule so far, in the order of the rules."""
        return self._faults.counts

    def use_faults(self, faults: Iterable[FaultRule], *, seed: int = 0) -> None:
        """Follow these fault rules from now on, counted from zero; none of them makes the directory healthy."""
        self._faults.use(faults, seed)

    def stop(self) -> None:
        """Stop serving, after the requests in flight. The directory stays readable. Stopping twice is fine."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)

    def wait(self) -> None:
        """Wait until the server has stopped."""
        # Not a join: Python 3.11 takes a thread whose join a signal interrupts for one that has ended, and what stops
        # the server afterwards would not wait for the requests in flight.
        while self._thread.is_alive():
            time.sleep(_WAITING_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def serve(
    dialect: str | Behaviour = "generic",
    *,
    on_ready: Callable[[str, str], None],
    token: str | None = None,
    seed: Mapping[str, Any] | None = None,
    data: Path | None = None,
    port: int = 0,
    faults: Iterable[FaultRule] = (),
    fault_seed: int = 0,
) -> None:
    """Serve a directory in the foreground until SIGINT or SIGTERM. To be called from the main thread.

    Args:
        dialect: see :class:`Sandbox`, as for all that is not named here.
        on_ready: called with the base URL and the token once requests are answered.
        token: see there.
        seed: what the directory holds at the start, unless ``data`` exists.
        data: a file that is loaded at the start if it exists, and written at the end, all of it or not at all.
        port: see there.
        faults: see there.
        fault_seed: see there.

    Raises:
        SandboxError: as for :class:`Sandbox`, or the data cannot be written.
    """
    # Both signals end the wait below in the same way, whatever the shell or the caller has set.
    previous = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox(
            dialect, token=token, seed=seed, data=data, port=port, faults=faults, fault_seed=fault_seed
        ) as sandbox:
            try:
                on_ready(sandbox.base_url, sandbox.token)
                sandbox.wait()
            except KeyboardInterrupt:
                # A second signal must not cut the writing of the data short.
                for number in previous:
                    signal.signal(number, signal.SIG_IGN)
        if data is not None:
            write_data(data, sandbox.directory)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _usable_token(token: str | None) -> str:
    if token is None:
        return secrets.token_urlsafe(24)
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SandboxError("a token is printable ASCII without spaces")
    return token


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=2048)
    except (OSError, OverflowError) as error:
        raise SandboxError(f"cannot listen on {HOST}:{port}: {error}") from error


def _build(directory: Directory, base_url: str, token: str, *, record: bool) -> tuple[Gate, FaultLayer, uvicorn.Server]:
    try:
        import uvicorn

        from reconciler.sandbox.app import build_app
        from reconciler.sandbox.faults.layer import FaultLayer
        from reconciler.sandbox.gate import Gate
    except ImportError as error:
        raise SandboxError(
            f"the embedded directory needs a web server ({error}); install reconciler with its extra “sandbox”"
        ) from error
    layer = FaultLayer(
        build_app(directory, base_url),
        directory.behaviour.base_path,
        reset=lambda scope: _reset_connection(server, scope),
    )
    gate = Gate(layer, token, record=record)
    config = uvicorn.Config(
        gate,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        # Clients keep idle connections; stopping does not wait for them longer than this.
        timeout_graceful_shutdown=2,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    return gate, layer, server


def _reset_connection(server: uvicorn.Server, scope: Scope) -> None:
    """Reset the TCP connection that a request came on: the client finds neither an answer nor an orderly end."""
    for connection in server.server_state.connections:
        if connection.transport is not None and connection.transport.get_extra_info("peername") == scope["client"]:
            at_once = struct.pack("ii", 1, 0)  # to close means to forget what is unsent, and to send a RST
            connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            connection.transport.abort()
            return

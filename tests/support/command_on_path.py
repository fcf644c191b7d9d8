"""The real command as scripts find it: a ``reconciler`` in a folder for ``PATH``, started without waiting for imports.

What stands in that folder hands arguments, environment and folder on to this process, which has the command run in a
process of its own, and ends as that did.
"""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command_line import call

FOR_PYTHON = ("PYTHON", "LC_", "LANG", "TZ")

_SCRIPT = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({socket!r})
    connection.sendall(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode())
    connection.shutdown(socket.SHUT_WR)
    code, output, errors = json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))
sys.stdout.buffer.write(output.encode())
sys.stderr.buffer.write(errors.encode())
sys.exit(code)
"""


@contextmanager
def command_on_path() -> Iterator[Path]:
    """Yield a folder that holds ``reconciler``. One command runs at a time."""
    # Not below tmp_path: the name of a socket has a hundred bytes at most.
    folder = Path(tempfile.mkdtemp())
    server = socketserver.UnixStreamServer(str(folder / "socket"), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        program = folder / "bin" / "reconciler"
        program.parent.mkdir()
        program.write_text(_SCRIPT.format(python=sys.executable, socket=str(folder / "socket")), encoding="utf-8")
        program.chmod(0o755)
        yield program.parent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shutil.rmtree(folder)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        arguments, variables, folder = json.loads(self.rfile.read())
        # Variables that Python looks at when it starts would need a Python that starts anew.
        ours = {name: value for name, value in os.environ.items() if name.startswith(FOR_PYTHON)}
        others = {name: value for name, value in variables.items() if not name.startswith(FOR_PYTHON)}
        done = call(arguments, env=others | ours, cwd=Path(folder))
        self.wfile.write(json.dumps([done.code, done.stdout, done.stderr]).encode())

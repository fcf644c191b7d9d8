"""Starting and stopping the embedded directory: in a thread, and in the foreground until a signal comes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from reconciler.attributes import CORE_USER
from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.errors import SandboxError
from reconciler.sandbox.server import Sandbox

SERVE = """
import sys
from pathlib import Path
from reconciler.sandbox.server import serve
serve("generic", token="letmein", data=Path(sys.argv[1]), on_ready=lambda url, token: print(url, token, flush=True))
print("stopped")
"""


@contextmanager
def served(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a directory in a process of its own; give the process and the base URL."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            base_url, token = process.stdout.readline().split()
            assert token == "letmein"
            yield process, base_url
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_what_it_held_is_there_the_next_time(tmp_path: Path, number: int) -> None:
    data = tmp_path / "data.json"
    headers = {"Authorization": "Bearer letmein"}
    with served(data) as (process, base_url):
        body = {"schemas": [CORE_USER], "userName": "ada"}
        httpx.post(f"{base_url}/Users", json=body, headers=headers).raise_for_status()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "stopped\n", "")
    assert json.loads(data.read_text(encoding="utf-8"))["users"][0]["userName"] == "ada"

    with served(data) as (_, base_url):
        assert httpx.get(f"{base_url}/Users", headers=headers).json()["totalResults"] == 1


def test_nothing_answers_after_it_has_stopped_and_stopping_twice_is_fine() -> None:
    sandbox = Sandbox(token="letmein")
    headers = {"Authorization": "Bearer letmein"}
    assert httpx.get(f"{sandbox.base_url}/Users", headers=headers).status_code == 200

    sandbox.stop()
    sandbox.stop()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{sandbox.base_url}/Users", headers=headers)
    assert sandbox.directory.count(Kind.USER) == 0


def test_two_directories_stand_side_by_side_and_know_nothing_of_each_other() -> None:
    with Sandbox(seed={"users": [{"userName": "ada"}]}) as one, Sandbox() as other:
        assert one.base_url != other.base_url
        assert one.token != other.token
        assert (one.directory.count(Kind.USER), other.directory.count(Kind.USER)) == (1, 0)


def test_a_variation_of_a_dialect_can_be_served() -> None:
    small = replace(behaviour("generic"), page_limit=2)

    with Sandbox(small, seed={"users": [{"userName": f"user{number}"} for number in range(3)]}) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        assert httpx.get(f"{sandbox.base_url}/Users", headers=headers).json()["itemsPerPage"] == 2


def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=str(port)):
            Sandbox(port=port)


def test_an_unknown_dialect_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(SandboxError, match=r"'okta'.*atlassian.*generic"):
        Sandbox("okta")


@pytest.mark.parametrize("token", ["", "a b", "schlüssel", "a\nb"])
def test_a_token_that_no_header_could_carry_is_refused(token: str) -> None:
    with pytest.raises(SandboxError, match="token"):
        Sandbox(token=token)


def test_without_the_extra_the_error_says_what_to_install() -> None:
    # A finder that knows neither package stands for a machine on which they are not installed.
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("starlette", "uvicorn"):
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Missing())
from reconciler.sandbox.errors import SandboxError
from reconciler.sandbox.server import Sandbox
try:
    Sandbox()
except SandboxError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "install reconciler with its extra “sandbox”" in done.stdout

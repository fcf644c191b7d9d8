"""Starting and stopping the embedded directory: in a thread, and in the foreground until a signal comes."""

from __future__ import annotations

import json
import os
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

from attending import Running, attended
from reconciler.attributes import CORE_USER
from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.errors import SandboxError
from reconciler.sandbox.server import Sandbox
from sandboxes import client_for, client_of


@contextmanager
def served(data: Path) -> Iterator[tuple[Running, str]]:
    """Run a directory in a process of its own; give the process and the base URL."""
    with attended([str(data)], os.environ, program="foreground_sandbox") as process:
        base_url, token = process.stdout.readline().split()
        assert token == "letmein"
        yield process, base_url


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_what_it_held_is_there_the_next_time(
    tmp_path: Path, number: signal.Signals
) -> None:
    data = tmp_path / "data.json"
    with served(data) as (process, base_url), client_for(base_url, "letmein") as client:
        body = {"schemas": [CORE_USER], "userName": "ada"}
        client.post("/Users", json=body).raise_for_status()
        process.signal(number)
        ended = process.rest()
    assert ended == (0, "stopped\n", "")
    assert json.loads(data.read_text(encoding="utf-8"))["users"][0]["userName"] == "ada"

    with served(data) as (_, base_url), client_for(base_url, "letmein") as client:
        assert client.get("/Users").json()["totalResults"] == 1


def test_nothing_answers_after_it_has_stopped_and_stopping_twice_is_fine() -> None:
    sandbox = Sandbox(token="letmein")
    with client_of(sandbox) as client:
        assert client.get("/Users").status_code == 200

        sandbox.stop()
        sandbox.stop()

        with pytest.raises(httpx.ConnectError):
            client.get("/Users")
    assert sandbox.directory.count(Kind.USER) == 0


def test_two_directories_stand_side_by_side_and_know_nothing_of_each_other() -> None:
    with Sandbox(seed={"users": [{"userName": "ada"}]}) as one, Sandbox() as other:
        assert one.base_url != other.base_url
        assert one.token != other.token
        assert (one.directory.count(Kind.USER), other.directory.count(Kind.USER)) == (1, 0)


def test_a_variation_of_a_dialect_can_be_served() -> None:
    small = replace(behaviour("generic"), page_limit=2)

    seed = {"users": [{"userName": f"user{number}"} for number in range(3)]}
    with Sandbox(small, seed=seed) as sandbox, client_of(sandbox) as client:
        assert client.get("/Users").json()["itemsPerPage"] == 2


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

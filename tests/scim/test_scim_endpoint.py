"""Which base URLs a token may be sent to, and how a client is made from directory.yaml."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from loopback import Reply, in_turn, serving
from reconciler.capabilities import Authority, Statement
from reconciler.config import ApplySettings, DirectoryConfig, Policy, TokenSource, Unlisted
from reconciler.scim.connect import open_client
from reconciler.scim.dialects import DialectError
from reconciler.scim.endpoint import BaseUrlError, is_loopback, resolve_base_url
from reconciler.scim.tokens import TokenError

ENVIRON = {"DIRECTORY_ID": "d1", "BASE": "https://directory.example.com/scim", "EMPTY": "", "SPACED": "a b"}


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://directory.example.com/scim/${DIRECTORY_ID}", "https://directory.example.com/scim/d1"),
        ("https://directory.example.com/scim/v2/", "https://directory.example.com/scim/v2"),
        ("${BASE}/${DIRECTORY_ID}/", "https://directory.example.com/scim/d1"),
        ("https://directory.example.com:8443", "https://directory.example.com:8443"),
        ("http://127.0.0.1:8080/scim", "http://127.0.0.1:8080/scim"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_filled_in(template: str, url: str) -> None:
    assert resolve_base_url(template, ENVIRON) == url


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("https://example.com/${NOSUCH}", "the environment variable NOSUCH is not set"),
        ("https://example.com/${EMPTY}", "the environment variable EMPTY is not set"),
        ("https://example.com/${SPACED}", "white space"),
        ("https://example.com/${}", "not the name of an environment variable"),
        ("https://example.com/${DIRECTORY_ID", "not the name of an environment variable"),
        ("http://example.com/scim", "must begin with https://"),
        ("http://127.0.0.1.example.com/scim", "must begin with https://"),
        ("https://user:secret@example.com/scim", "must not hold credentials"),
        ("https://example.com/scim?x=1", "query or a fragment"),
        ("https://example.com/scim#x", "query or a fragment"),
        ("https://example.com/scim?", "query or a fragment"),
        ("directory.example.com/scim", "write it in full"),
        ("ftp://example.com", "write it in full"),
        ("https:///scim", "write it in full"),
        ("https://[::1", "it is no URL"),
        ("", "write it in full"),
    ],
)
def test_a_base_url_that_cannot_be_used_says_why(template: str, problem: str) -> None:
    with pytest.raises(BaseUrlError, match=problem) as caught:
        resolve_base_url(template, ENVIRON)

    assert caught.value.template == template


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost"])
def test_a_loopback_host_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.1.1", "example.com", "localhost.example.com", ""])
def test_any_other_host_is_not(host: str) -> None:
    assert not is_loopback(host)


def config(base_url: str) -> DirectoryConfig:
    return DirectoryConfig(
        name="acme",
        base_url=base_url,
        token=TokenSource(env="SCIM_TOKEN"),
        policy=Policy(unlisted_users=Unlisted.IGNORE, unlisted_groups=Unlisted.IGNORE),
        apply=ApplySettings(concurrency=3),
    )


def test_a_client_is_made_from_directory_yaml_and_the_environment(tmp_path: Path) -> None:
    with serving(in_turn(Reply(body={}))) as server:

        async def run() -> int:
            environ = {"PORT": server.url.rpartition(":")[2], "SCIM_TOKEN": "t0ken"}
            async with open_client(config("http://127.0.0.1:${PORT}/scim/"), tmp_path, environ) as client:
                await client.get("/Users")
                return client.concurrency

        assert asyncio.run(run()) == 3

    assert server.requests[0].path == "/scim/Users"
    assert server.requests[0].headers["authorization"] == "Bearer t0ken"


def test_a_client_keeps_to_what_the_directory_is_said_to_bear(tmp_path: Path) -> None:
    stated = {"max_concurrency": Statement(value=2, authority=Authority.OVERRIDE)}
    told = replace(config("https://directory.example.com"), capabilities=stated)

    assert open_client(told, tmp_path, {"SCIM_TOKEN": "t0ken"}).concurrency == 2


def test_a_dialect_that_does_not_exist_makes_no_client(tmp_path: Path) -> None:
    told = replace(config("https://directory.example.com"), dialect="atlasian")

    with pytest.raises(DialectError, match="did you mean 'atlassian'"):
        open_client(told, tmp_path, {"SCIM_TOKEN": "t0ken"})


def test_without_a_token_there_is_no_client(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="SCIM_TOKEN is not set"):
        open_client(config("https://directory.example.com"), tmp_path, {})

"""Where tokens come from, and what is refused before one is sent."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from reconciler.config import TokenSource
from reconciler.scim.tokens import TokenError, expiry_warning, read_token

TOKEN = "s3cret-t0ken"


def test_a_token_comes_from_an_environment_variable(tmp_path: Path) -> None:
    assert read_token(TokenSource(env="SCIM_TOKEN"), tmp_path, {"SCIM_TOKEN": f" {TOKEN}\n"}) == TOKEN


def test_a_token_comes_from_a_file_next_to_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text(f"\ufeff{TOKEN}\r\n", encoding="utf-8")

    assert read_token(TokenSource(file="token.txt"), tmp_path, {}) == TOKEN
    assert read_token(TokenSource(file=str(tmp_path / "token.txt")), Path("/"), {}) == TOKEN


def test_a_token_comes_from_a_command_run_in_the_workspace_without_a_shell(tmp_path: Path) -> None:
    program = "import pathlib, sys; print(sys.argv[1] + pathlib.Path('part').read_text())"
    (tmp_path / "part").write_text("-part", encoding="utf-8")
    source = TokenSource(command=(sys.executable, "-c", program, "$HOME;t0ken"))

    assert read_token(source, tmp_path, {}) == "$HOME;t0ken-part"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b" \n", "is empty", id="white space"),
        pytest.param(b"s3cret\nX-Evil: 1", "the token alone", id="a second line"),
        pytest.param(b"s3cret t0ken", "the token alone", id="two words"),
        pytest.param("s3cret-tök".encode(), "the token alone", id="beyond ASCII"),
        pytest.param(b"s3cret\x00", "the token alone", id="a control character"),
        pytest.param(b"\xff\xfes3cret", "is not text", id="binary"),
        pytest.param(b"s3cret" * 10_000, "more than", id="a whole file of something else"),
    ],
)
def test_what_cannot_be_a_token_is_refused_without_showing_it(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(TokenError, match=problem) as caught:
        read_token(TokenSource(file="token"), tmp_path, {})

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (TokenSource(), "no source is given"),
        (TokenSource(env="SCIM_TOKEN"), "the environment variable SCIM_TOKEN is not set"),
        (TokenSource(file="nosuch"), "nosuch cannot be read: No such file"),
        (TokenSource(file="."), "cannot be read: Is a directory"),
        (TokenSource(command=("nosuch-program", "arg")), "nosuch-program cannot be run: No such file"),
        (TokenSource(command=(sys.executable, "-c", "raise SystemExit(3)")), "failed with exit code 3"),
        (TokenSource(command=(sys.executable, "-c", "pass")), "is empty"),
        (
            TokenSource(command=(sys.executable, "-c", r"import os; os.write(1, b'\xff')")),
            "is not text",
        ),
    ],
)
def test_a_source_without_a_token_says_what_is_missing(tmp_path: Path, source: TokenSource, problem: str) -> None:
    with pytest.raises(TokenError, match=problem) as caught:
        read_token(source, tmp_path, {})

    assert caught.value.source == source


def test_the_output_of_a_failing_command_is_not_shown(tmp_path: Path) -> None:
    source = TokenSource(command=(sys.executable, "-c", f"print('{TOKEN}'); raise SystemExit(1)"))

    with pytest.raises(TokenError) as caught:
        read_token(source, tmp_path, {})

    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (31, None),
        (30, "stops working in 30 days, on 2026-03-31"),
        (1, "stops working tomorrow, on 2026-03-02"),
        (0, "stopped working on 2026-03-01"),
        (-400, "stopped working on 2025-01-25"),
    ],
)
def test_the_end_of_a_token_is_told_a_month_ahead(days: int, words: str | None) -> None:
    today = date(2026, 3, 1)
    warning = expiry_warning(TokenSource(env="SCIM_TOKEN", expires=today + timedelta(days=days)), today)

    assert (warning is None) is (words is None)
    assert words is None or (warning is not None and words in warning.message)


def test_a_token_without_a_date_is_not_warned_about() -> None:
    assert expiry_warning(TokenSource(env="SCIM_TOKEN"), date(2026, 3, 1)) is None

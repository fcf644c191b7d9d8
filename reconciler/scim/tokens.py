"""The bearer token: read from where ``directory.yaml`` says, checked, and never shown."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from reconciler.config import TokenSource
from reconciler.diagnostics import Diagnostic, ReconcilerError, Severity

_LONGEST_TOKEN = 16 * 1024  # characters; servers commonly refuse header lines beyond 8 to 16 KiB
_COMMAND_TIMEOUT = 60.0  # seconds
_WARN_BEFORE = 30  # days


class TokenError(ReconcilerError):
    """A token that cannot be had or cannot be sent. The text never holds any of it.

    Attributes:
        source: where it should have come from.
    """

    def __init__(self, source: TokenSource, problem: str) -> None:
        self.source = source
        super().__init__(f"token: {problem}")


def read_token(source: TokenSource, workspace: Path, environ: Mapping[str, str] | None = None) -> str:
    """Return the bearer token, stripped of white space.

    Args:
        source: where it comes from.
        workspace: where relative paths start and commands run.
        environ: the environment variables; this process's own if left out.

    Raises:
        TokenError: the source has none, or what it has cannot be a bearer token (RFC 6750 §2.1).
    """
    if source.env is not None:
        text, place = _from_environment(source, source.env, os.environ if environ is None else environ)
    elif source.file is not None:
        text, place = _from_file(source, workspace / source.file)
    elif source.command:
        text, place = _from_command(source, source.command, workspace)
    else:
        raise TokenError(source, "no source is given; write env, file or command")
    token = text.strip()
    if not token:
        raise TokenError(source, f"{place} is empty")
    if len(token) > _LONGEST_TOKEN:
        raise TokenError(source, f"{place} holds more than {_LONGEST_TOKEN} characters, which is no token")
    if not all("!" <= character <= "~" for character in token):
        raise TokenError(
            source,
            f"{place} holds white space, line breaks or characters that an HTTP header cannot carry; "
            "it must be the token alone",
        )
    return token


def _from_environment(source: TokenSource, name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    text = environ.get(name)
    if text is None:
        raise TokenError(source, f"the environment variable {name} is not set")
    return text, f"the environment variable {name}"


def _from_file(source: TokenSource, path: Path) -> tuple[str, str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_LONGEST_TOKEN + 1024), f"the file {path}"
    except OSError as error:
        raise TokenError(source, f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TokenError(source, f"the file {path} is not text") from None


def _from_command(source: TokenSource, command: tuple[str, ...], workspace: Path) -> tuple[str, str]:
    # Arguments may be secret themselves, so messages name the program alone. Its stderr stays the terminal's.
    program = command[0]
    try:
        done = subprocess.run(  # noqa: S603  # without a shell, from the reviewed directory.yaml
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd=workspace,
            timeout=_COMMAND_TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise TokenError(source, f"the command {program} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise TokenError(source, f"the command {program} gave no token within {_COMMAND_TIMEOUT:.0f} seconds") from None
    if done.returncode != 0:
        raise TokenError(source, f"the command {program} failed with exit code {done.returncode}")
    try:
        return done.stdout.decode("utf-8"), f"the output of the command {program}"
    except UnicodeDecodeError:
        raise TokenError(source, f"the output of the command {program} is not text") from None


def expiry_warning(source: TokenSource, today: date) -> Diagnostic | None:
    """Return a warning from 30 days before ``expires``, and in sharper words from that day on; else ``None``.

    It stays a warning then too: the server decides whether a token works, the file only records a date.
    """
    if source.expires is None:
        return None
    days = (source.expires - today).days
    if days > _WARN_BEFORE:
        return None
    if days > 0:
        left = "tomorrow" if days == 1 else f"in {days} days"
        message, code = f"the token stops working {left}, on {source.expires}", "token-expires"
    else:
        message, code = f"the token stopped working on {source.expires}, as directory.yaml says", "token-expired"
    return Diagnostic(
        code=code,
        message=message,
        hint="make a new one and put its date under token.expires",
        severity=Severity.WARNING,
    )

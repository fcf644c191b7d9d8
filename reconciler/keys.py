"""Where the keys of signed plans come from: a file, or an environment variable where a pipeline keeps its secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.planning.signing import SigningKeyError, read_private, read_public

_FROM_ENVIRONMENT = "env:"


def load_private(text: str, folder: Path, environ: Mapping[str, str]) -> bytes:
    """Return the private key that plans are signed with, PEM, checked to be one.

    Args:
        text: a path, or ``env:NAME`` for the variable that holds the PEM itself.
        folder: where relative paths start.
        environ: the environment variables.

    Raises:
        SigningKeyError: the variable is not set, or what was read is no private Ed25519 key.
        OSError: the file cannot be read.
    """
    return _checked(text, _read(text, folder, environ), read_private)


def load_public(text: str, folder: Path, environ: Mapping[str, str]) -> bytes:
    """Return the public key that plans must be signed with, PEM, checked to be one.

    Args:
        text: a path, or ``env:NAME`` for the variable that holds the PEM itself.
        folder: where relative paths start.
        environ: the environment variables.

    Raises:
        SigningKeyError: the variable is not set, or what was read is no public Ed25519 key.
        OSError: the file cannot be read.
    """
    return _checked(text, _read(text, folder, environ), read_public)


def _read(text: str, folder: Path, environ: Mapping[str, str]) -> bytes:
    if not text.startswith(_FROM_ENVIRONMENT):
        return (folder / text).read_bytes()
    name = text.removeprefix(_FROM_ENVIRONMENT)
    value = environ.get(name, "") if name else ""
    if not value.strip():
        raise SigningKeyError(f"the environment variable {name!r} is not set, or empty", text)
    # What is no text in UTF-8 is no PEM either, and is told so.
    return value.encode("utf-8", "replace")


def _checked(text: str, pem: bytes, read: Callable[[bytes], object]) -> bytes:
    try:
        read(pem)
    except SigningKeyError as error:
        raise SigningKeyError(error.problem, text) from error
    return pem

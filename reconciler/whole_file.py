"""Writing a file whole: a reader, or the next run after a crash, sees all of it or what was there before."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """Put a file into place by writing it beside its name and renaming it there; it is on disk when this returns.

    A symbolic link is followed: what it points to is replaced, not the link.

    Args:
        path: where; its folder must exist.
        content: all of the file.
        private: whether only its owner may read it.

    Raises:
        OSError: it cannot be written; it names ``path``, and what was there before is still there.
    """
    write_parts(path, (content,), private=private)


def write_parts(path: Path, parts: Iterable[bytes], *, private: bool = False) -> None:
    """Put a file into place likewise, part by part: it need not fit into memory.

    What making the parts raises goes through, and what was there before is still there.
    """
    target = path.resolve()
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    with _named(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                with _named(path):
                    file.write(part)
            with _named(path):
                file.flush()
                os.fsync(file.fileno())
        with _named(path):
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error name the file that was asked for, not the one beside it."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error

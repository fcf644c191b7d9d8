"""Writing a file whole: a reader, or the next run after a crash, sees all of it or what was there before."""

from __future__ import annotations

import os
import secrets
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
    target = path.resolve()
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error

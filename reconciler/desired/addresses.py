"""Addresses in ``directory.yaml``: of the SCIM endpoint and of the store. Neither may hold a secret."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from reconciler.desired.problems import Problems
from reconciler.model import Source

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)
_SECRET_PARAMETERS: Final = frozenset({"password", "sslpassword"})
"""https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""


def check_base_url(base_url: str, written: Source, problems: Problems) -> None:
    """Check ``directory.base_url``, in which ``${NAME}`` is not filled in yet."""
    origin = written.locate("directory", "base_url")
    try:
        parts = urlsplit(base_url)
        host, secret = parts.hostname or "", parts.password is not None or parts.username is not None
    except ValueError:
        # Its text repeats the address, and that may hold a password.
        problems.error("base-url", "directory.base_url is not an address", origin)
        return
    if secret:
        problems.error(
            "base-url", "directory.base_url must not hold a name or a password: secrets do not live in Git", origin
        )
    elif parts.query or parts.fragment:
        problems.error("base-url", "directory.base_url must end with a path, without '?' and '#'", origin)
    elif parts.scheme == "http" and host not in _LOOPBACK and not host.startswith("${"):
        problems.error(
            "base-url",
            "directory.base_url would send the token unencrypted",
            origin,
            hint="write https://; http:// is for this machine only",
            text=base_url,
        )


def check_store(store: str, written: Source, problems: Problems) -> None:
    """Check ``store``, a ``postgresql://`` address in which ``${NAME}`` is not filled in yet, or is all there is.

    A password may only be the whole of an environment variable. No message repeats any part of the address.
    """
    origin = written.locate("store")
    if "${" in _VARIABLE.sub("", store):
        problems.error("store", "store holds '${' without the name of an environment variable and '}'", origin)
        return
    if _VARIABLE.fullmatch(store):
        return
    secrets = _secrets(store)
    if secrets is None:
        hint = "write postgresql://USER:${NAME}@HOST/DATABASE"
        problems.error("store", "store is not an address", origin, hint=hint)
    elif any(secret and not _VARIABLE.fullmatch(secret) for secret in secrets):
        problems.error(
            "store",
            "the password of the store must not be written here: secrets do not live in Git",
            origin,
            hint="name an environment variable: postgresql://USER:${NAME}@HOST/DATABASE",
        )


def _secrets(store: str) -> list[str] | None:
    """Return the passwords in an address of a store as written, or ``None`` where it is no address."""
    try:
        parts = urlsplit(store)
        # Reading the port tells whether it is a number; it may come from the environment, too.
        reachable = urlsplit(_VARIABLE.sub("1", store)).port != 0 and bool(parts.netloc or parts.path.strip("/"))
    except ValueError:
        return None
    # A "/" or "?" in a password would make the rest of it a part of the path.
    if not reachable or parts.fragment or "@" in parts.path + parts.query:
        return None
    parameters = parse_qsl(parts.query)
    return [parts.password or "", *(value for name, value in parameters if name in _SECRET_PARAMETERS)]

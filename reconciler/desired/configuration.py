"""``directory.yaml`` -> :class:`reconciler.config.DirectoryConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.config import ApplySettings, DirectoryConfig, Guards, Limit, Policy, TokenSource, Unlisted
from reconciler.desired.moments import parse_date
from reconciler.desired.phrases import either
from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaChecks
from reconciler.desired.suggestions import Suggester
from reconciler.desired.yaml_reader import Document
from reconciler.model import Kind
from reconciler.scim.dialects import dialect_names

_MAY_BE_UNLISTED: Final = "members_may_be_unlisted"
_SCOPE_KEYS: Final = {Kind.USER: "users", Kind.GROUP: "groups"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What ``directory.yaml`` says, as far as it can be used.

    Attributes:
        config: all of it, or ``None`` where something is wrong with its form.
        scope: the filters that it states, by the kind of what they select.
        members_may_be_unlisted: whether it says so, or tries to say something of it that cannot be read.
    """

    config: DirectoryConfig | None
    scope: Mapping[Kind, str]
    members_may_be_unlisted: bool


def read_configuration(document: Document, checks: SchemaChecks, problems: Problems) -> Configuration:
    """Return what ``directory.yaml`` says; ``problems`` tell what is wrong with it."""
    value = {} if document.value is None else document.value
    if checks.directory.accepts(value):
        _check_directory(value["directory"], document, problems)
        return Configuration(
            config=_config(value), scope=_scope(value), members_may_be_unlisted=value.get(_MAY_BE_UNLISTED, False)
        )
    part = checks.directory.explain(value, document, problems)
    if part is None:
        return Configuration(config=None, scope={}, members_may_be_unlisted=True)
    _check_directory(part.value.get("directory", {}), document, problems)
    return Configuration(
        config=None,
        scope=_scope(part.value),
        members_may_be_unlisted=_MAY_BE_UNLISTED in part.unread or part.value.get(_MAY_BE_UNLISTED, False),
    )


def _config(value: dict[str, Any]) -> DirectoryConfig:
    directory, unlisted, scope = value["directory"], value["unlisted"], _scope(value)
    apply = ApplySettings(**_whole(value.get("apply") or {}))
    return DirectoryConfig(
        name=str(directory["name"]),
        base_url=directory["base_url"],
        token=_token(directory["token"]),
        dialect=directory.get("dialect", "generic"),
        policy=Policy(
            unlisted_users=Unlisted(unlisted["users"]),
            unlisted_groups=Unlisted(unlisted["groups"]),
            scope_users=scope.get(Kind.USER),
            scope_groups=scope.get(Kind.GROUP),
            guards=_guards(value.get("guards") or {}),
            chunk_size=apply.chunk_size,
        ),
        apply=apply,
        members_may_be_unlisted=value.get(_MAY_BE_UNLISTED, False),
    )


def _scope(value: dict[str, Any]) -> dict[Kind, str]:
    stated = value.get("scope") or {}
    return {kind: stated[key] for kind, key in _SCOPE_KEYS.items() if stated.get(key) is not None}


def _check_directory(directory: dict[str, Any], document: Document, problems: Problems) -> None:
    """Check what is stated of the service provider; not all of it need be."""
    if "base_url" in directory:
        _check_base_url(directory["base_url"], document, problems)
    dialect, known = directory.get("dialect", "generic"), dialect_names()
    if dialect not in known:
        problems.error(
            "dialect",
            f"there is no dialect {dialect!r}",
            document.locate("directory", "dialect"),
            hint=Suggester().hint(dialect, known) or f"write {either(known)}",
            text=dialect,
        )


def _check_base_url(base_url: str, document: Document, problems: Problems) -> None:
    origin = document.locate("directory", "base_url")
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


def _token(token: dict[str, Any]) -> TokenSource:
    command = token.get("command")
    return TokenSource(
        env=token.get("env"),
        file=token.get("file"),
        command=tuple(map(str, command)) if command else None,
        expires=parse_date(token["expires"]) if "expires" in token else None,
    )


def _guards(guards: dict[str, Any]) -> Guards:
    """Read the guards. A guard that is stated replaces its default as a whole."""
    stated = {
        f"{kind}_{action}": Limit(**_whole(limit))
        for kind, actions in guards.items()
        for action, limit in (actions or {}).items()
    }
    return Guards(**stated)


def _whole(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return numbers with whole ones as ``int``: 5.0 is an integer for JSON Schema, and for Python it is not."""
    return {
        key: int(number) if isinstance(number, float) and number.is_integer() else number
        for key, number in numbers.items()
    }

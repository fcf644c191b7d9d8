"""``directory.yaml`` -> :class:`reconciler.config.DirectoryConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.attributes import fold
from reconciler.capabilities import Authority
from reconciler.config import ApplySettings, DirectoryConfig, Guards, Limit, Policy, TokenSource, Unlisted
from reconciler.desired.moments import parse_date
from reconciler.desired.own_dialects import known_dialect, read_statements
from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaChecks
from reconciler.desired.whole_numbers import with_whole_numbers
from reconciler.desired.yaml_reader import Document
from reconciler.model import Kind
from reconciler.scim.dialects import GENERIC, is_dialect_file

_MAY_BE_UNLISTED: Final = "members_may_be_unlisted"
_SCOPE_KEYS: Final = {Kind.USER: "users", Kind.GROUP: "groups"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What ``directory.yaml`` says, as far as it can be used.

    Attributes:
        config: all of it, or ``None`` where something is wrong with its form.
        dialect: the dialect that it names, or the path of its file; ``None`` where that cannot be read.
        scope: the filters that it states, by the kind of what they select.
        members_may_be_unlisted: whether it says so, or tries to say something of it that cannot be read.
    """

    config: DirectoryConfig | None
    dialect: str | None
    scope: Mapping[Kind, str]
    members_may_be_unlisted: bool


def read_configuration(document: Document, checks: SchemaChecks, problems: Problems) -> Configuration:
    """Return what ``directory.yaml`` says; ``problems`` tell what is wrong with it."""
    value = {} if document.value is None else document.value
    if checks.directory.accepts(value):
        _check_directory(value["directory"], document, problems)
        config = _config(value, document)
        return Configuration(
            config=config,
            dialect=config.dialect,
            scope=_scope(value),
            members_may_be_unlisted=config.members_may_be_unlisted,
        )
    part = checks.directory.explain(value, document, problems)
    if part is None:
        return Configuration(config=None, dialect=None, scope={}, members_may_be_unlisted=True)
    directory = part.value.get("directory", {})
    _check_directory(directory, document, problems)
    return Configuration(
        config=None,
        dialect=None if "dialect" in part.unread else directory.get("dialect", GENERIC),
        scope=_scope(part.value),
        members_may_be_unlisted=_MAY_BE_UNLISTED in part.unread or part.value.get(_MAY_BE_UNLISTED, False),
    )


def _config(value: dict[str, Any], document: Document) -> DirectoryConfig:
    directory, unlisted, scope = value["directory"], value["unlisted"], _scope(value)
    apply = ApplySettings(**with_whole_numbers(value.get("apply") or {}))
    return DirectoryConfig(
        name=str(directory["name"]),
        base_url=directory["base_url"],
        token=_token(directory["token"]),
        dialect=directory.get("dialect", GENERIC),
        capabilities=read_statements(
            directory.get("capabilities"), Authority.OVERRIDE, document, "directory", "capabilities"
        ),
        policy=Policy(
            unlisted_users=Unlisted(unlisted["users"]),
            unlisted_groups=Unlisted(unlisted["groups"]),
            scope_users=scope.get(Kind.USER),
            scope_groups=scope.get(Kind.GROUP),
            guards=_guards(value.get("guards") or {}),
            chunk_size=apply.chunk_size,
            domains=tuple(dict.fromkeys(map(fold, value.get("domains") or ()))),
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
    dialect = directory.get("dialect", GENERIC)
    if not is_dialect_file(dialect):
        known_dialect(dialect, document.locate("directory", "dialect"), problems)


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
        f"{kind}_{action}": Limit(**with_whole_numbers(limit))
        for kind, actions in guards.items()
        for action, limit in (actions or {}).items()
    }
    return Guards(**stated)

"""``directory.yaml`` -> :class:`reconciler.config.DirectoryConfig`."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.config import ApplySettings, DirectoryConfig, Guards, Limit, Policy, TokenSource, Unlisted
from reconciler.desired.moments import MomentError, parse_date
from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaChecks
from reconciler.desired.yaml_reader import Document

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def read_configuration(document: Document, checks: SchemaChecks, problems: Problems) -> DirectoryConfig | None:
    """Return what ``directory.yaml`` says, or ``None`` where that cannot be used; then ``problems`` tell why."""
    value = {} if document.value is None else document.value
    if not checks.directory.passes(value, document.locate, problems):
        return None
    directory = value["directory"]
    _check_base_url(directory["base_url"], document, problems)
    scope = value.get("scope") or {}
    apply = ApplySettings(**value.get("apply") or {})
    return DirectoryConfig(
        name=str(directory["name"]),
        base_url=directory["base_url"],
        token=_token(directory["token"], document, problems),
        dialect=directory.get("dialect", "generic"),
        policy=Policy(
            unlisted_users=Unlisted(value["unlisted"]["users"]),
            unlisted_groups=Unlisted(value["unlisted"]["groups"]),
            scope_users=scope.get("users"),
            scope_groups=scope.get("groups"),
            guards=_guards(value.get("guards") or {}),
            chunk_size=apply.chunk_size,
        ),
        apply=apply,
        members_may_be_unlisted=value.get("members_may_be_unlisted", False),
    )


def _check_base_url(base_url: str, document: Document, problems: Problems) -> None:
    origin = document.locate("directory", "base_url")
    try:
        parts = urlsplit(base_url)
        host, secret = parts.hostname or "", parts.password is not None or parts.username is not None
    except ValueError as error:
        problems.error("base-url", f"directory.base_url is not an address: {error}", origin)
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


def _token(token: dict[str, Any], document: Document, problems: Problems) -> TokenSource:
    command = token.get("command")
    return TokenSource(
        env=token.get("env"),
        file=token.get("file"),
        command=tuple(map(str, command)) if command else None,
        expires=_expiry(token["expires"], document, problems) if "expires" in token else None,
    )


def _expiry(text: str, document: Document, problems: Problems) -> date | None:
    try:
        return parse_date(text)
    except MomentError:
        origin = document.locate("directory", "token", "expires")
        problems.error("date", "directory.token.expires must be a date such as 2027-03-01", origin)
        return None


def _guards(guards: dict[str, Any]) -> Guards:
    """Read the guards. A guard that is stated replaces its default as a whole."""
    stated = {
        f"{kind}_{action}": Limit(**limit)
        for kind, actions in guards.items()
        for action, limit in (actions or {}).items()
    }
    return Guards(**stated)

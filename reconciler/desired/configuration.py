"""``directory.yaml`` -> :class:`reconciler.config.DirectoryConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.capabilities import Authority
from reconciler.config import DirectoryConfig, Policy, TokenSource
from reconciler.desired.addresses import check_base_url, check_store
from reconciler.desired.moments import parse_date
from reconciler.desired.own_dialects import known_dialect, read_statements
from reconciler.desired.policies import check_protection, read_apply, read_guards, read_protection, read_unlisted
from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaChecks
from reconciler.desired.yaml_reader import Document
from reconciler.model import Kind, Source
from reconciler.scim.dialects import GENERIC, is_dialect_file

_MAY_BE_UNLISTED: Final = "members_may_be_unlisted"
_SCOPE_KEYS: Final = {Kind.USER: "users", Kind.GROUP: "groups"}


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
        _check_meaning(value, document, problems)
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
    _check_meaning(part.value, part.source(document), problems)
    directory = part.value.get("directory", {})
    return Configuration(
        config=None,
        dialect=None if "dialect" in part.unread else directory.get("dialect", GENERIC),
        scope=_scope(part.value),
        members_may_be_unlisted=_MAY_BE_UNLISTED in part.unread or part.value.get(_MAY_BE_UNLISTED, False),
    )


def _config(value: dict[str, Any], document: Document) -> DirectoryConfig:
    directory, scope = value["directory"], _scope(value)
    users, groups = (read_unlisted(value["unlisted"][kind]) for kind in ("users", "groups"))
    apply = read_apply(value.get("apply"))
    return DirectoryConfig(
        name=str(directory["name"]),
        base_url=directory["base_url"],
        token=_token(directory["token"]),
        dialect=directory.get("dialect", GENERIC),
        capabilities=read_statements(
            directory.get("capabilities"), Authority.OVERRIDE, document, "directory", "capabilities"
        ),
        policy=Policy(
            unlisted_users=users.action,
            unlisted_groups=groups.action,
            unlisted_users_after=users.after,
            unlisted_groups_after=groups.after,
            delete_after_deactivated=users.delete_after_deactivated,
            scope_users=scope.get(Kind.USER),
            scope_groups=scope.get(Kind.GROUP),
            guards=read_guards(value.get("guards")),
            protection=read_protection(value.get("protect")),
            chunk_size=apply.chunk_size,
            canary=apply.canary,
            # Not case folded: "straße.example" is another domain than "strasse.example" (RFC 5891).
            domains=tuple(dict.fromkeys(domain.lower() for domain in value.get("domains") or ())),
        ),
        apply=apply,
        store=value.get("store"),
        auto_approve=tuple(dict.fromkeys((value.get("reconcile") or {}).get("auto_approve") or ())),
        members_may_be_unlisted=value.get(_MAY_BE_UNLISTED, False),
    )


def _scope(value: dict[str, Any]) -> dict[Kind, str]:
    stated = value.get("scope") or {}
    return {kind: stated[key] for kind, key in _SCOPE_KEYS.items() if stated.get(key) is not None}


def _check_meaning(value: dict[str, Any], written: Source, problems: Problems) -> None:
    """Check what the schema cannot; not all of what is stated need be there."""
    directory = value.get("directory", {})
    if "base_url" in directory:
        check_base_url(directory["base_url"], written, problems)
    dialect = directory.get("dialect", GENERIC)
    if not is_dialect_file(dialect):
        known_dialect(dialect, written.locate("directory", "dialect"), problems)
    if value.get("store") is not None:
        check_store(value["store"], written, problems)
    check_protection(value.get("protect"), written, problems)


def _token(token: dict[str, Any]) -> TokenSource:
    command = token.get("command")
    return TokenSource(
        env=token.get("env"),
        file=token.get("file"),
        command=tuple(map(str, command)) if command else None,
        expires=parse_date(token["expires"]) if "expires" in token else None,
    )

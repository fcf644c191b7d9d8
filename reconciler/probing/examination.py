"""What is known of a directory without writing anything to it, and whether it can be worked with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec

from reconciler.capabilities import (
    Authority,
    Capabilities,
    MemberAdd,
    MemberRemove,
    MembersRead,
    Paging,
    Statement,
)
from reconciler.config import DirectoryConfig
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.filters import eq
from reconciler.importing.yaml_text import flow_text
from reconciler.model import Kind
from reconciler.reading.finding import endpoint_of
from reconciler.scim.answers import list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import dialect_of
from reconciler.scim.discovery import Discovery, discover
from reconciler.scim.errors import ScimError
from reconciler.scim.tokens import expiry_warning

_NOBODY: Final = "reconciler-doctor-looks-for-nobody"
_NO_GROUPS: Final = "no-groups"
_NO_VERB: Final = "no-verb"
_NO_SUCH_ENDPOINT: Final = (404, 501)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is known of one directory.

    Attributes:
        name: what ``directory.yaml`` calls it.
        base_url: its endpoint.
        dialect: the name or the file of its dialect.
        description: what that dialect is for.
        token: where the token comes from, without any of it: ``env SCIM_TOKEN``.
        expires: the day on which it stops working, where ``directory.yaml`` tells.
        discovery: what it can do, and who says so.
        totals: how many resources of a kind there are, as far as it tells.
        remarks: what is wrong, what speaks against what, what the server did not tell. An error among them means
            that the directory cannot be worked with.
        requests: HTTP requests that the examination cost.
    """

    name: str
    base_url: str
    dialect: str
    description: str
    token: str
    expires: date | None
    discovery: Discovery
    totals: Mapping[Kind, int]
    remarks: tuple[Diagnostic, ...]
    requests: int

    @property
    def usable(self) -> bool:
        """Whether the directory can be worked with."""
        return not any(remark.severity is Severity.ERROR for remark in self.remarks)

    @property
    def probeable(self) -> bool:
        """Whether a probe can begin: it finds out by itself whether there are groups, and how things are changed."""
        errors = {remark.code for remark in self.remarks if remark.severity is Severity.ERROR}
        return errors <= {_NO_GROUPS, _NO_VERB}


async def examine(client: ScimClient, config: DirectoryConfig, today: date) -> Examination:
    """Ask a directory what it is and can do, and whether it lets itself be read. Nothing is written.

    Args:
        client: an entered client.
        config: what ``directory.yaml`` says.
        today: the day by which the token's expiry is judged.

    Raises:
        ScimError: it cannot be reached, does not accept the token, or is no SCIM endpoint.
    """
    dialect = dialect_of(config)
    discovery = await discover(client, dialect)
    known = discovery.capabilities
    remarks: list[Diagnostic] = []
    totals: dict[Kind, int] = {}
    for kind in Kind if known.groups else (Kind.USER,):
        found = await _try_reading(client, kind, known)
        if isinstance(found, Diagnostic):
            remarks.append(found)
            continue
        total, rows = found
        if total is not None and known.paging is not Paging.FILTER_ONLY:
            totals[kind] = total
        if kind is Kind.USER and known.etag and rows and not _versioned(rows[0]):
            remarks.append(_warning("etag-without-versions", "etag is stated, and users have no meta.version"))
    expiry = expiry_warning(config.token, today)
    remarks += [expiry] if expiry is not None else []
    remarks += contradictions(discovery, config)
    remarks += discovery.notes
    return Examination(
        name=config.name,
        base_url=client.base_url,
        dialect=config.dialect,
        description=dialect.description,
        token=_source(config),
        expires=config.token.expires,
        discovery=discovery,
        totals=totals,
        remarks=tuple(remarks),
        requests=client.statistics.requests,
    )


async def _try_reading(
    client: ScimClient, kind: Kind, known: Capabilities
) -> tuple[int | None, list[Any]] | Diagnostic:
    """Return the total and at most one resource of a kind: discovery is often open to everybody, resources are not."""
    params: dict[str, str | int] = {"startIndex": 1, "count": 1}
    if known.paging is Paging.FILTER_ONLY:
        params = {"filter": eq(kind.naming_attribute, _NOBODY)}
    elif known.paging is Paging.CURSOR:
        params = {"cursor": "", "count": 1}
    try:
        page = list_page((await client.get(f"/{endpoint_of(kind)}", params)).body or {})
    except ScimError as error:
        return _unreadable(kind, error)
    if known.paging is Paging.INDEX and page.total is None and not page.resources:
        return _error(
            "cannot-read",
            f"{kind.lower()}s cannot be read: the answer has neither totalResults nor resources, so it is no listing",
            "check that base_url is the SCIM endpoint",
        )
    return page.total, page.resources


def _unreadable(kind: Kind, error: ScimError) -> Diagnostic:
    code = _NO_GROUPS if kind is Kind.GROUP and error.status in _NO_SUCH_ENDPOINT else "cannot-read"
    return _error(code, f"{kind.lower()}s cannot be read: {error}")


def _versioned(row: object) -> bool:
    meta = member(row, "meta") if isinstance(row, Mapping) else None
    return isinstance(meta, Mapping) and bool(member(meta, "version"))


def _source(config: DirectoryConfig) -> str:
    token = config.token
    if token.env is not None:
        return f"environment variable {token.env}"
    # The arguments of a command may be secret themselves.
    return f"file {token.file}" if token.file is not None else f"command {(token.command or ('',))[0]}"


def contradictions(discovery: Discovery, config: DirectoryConfig) -> Iterator[Diagnostic]:
    """Yield where the dialect or ``directory.yaml`` says one thing and the server another, and what does not fit."""
    for name, told in discovery.told.items():
        held = discovery.statements[name]
        if told.authority is Authority.SERVER and held.authority in (Authority.OVERRIDE, Authority.DIALECT):
            yield from _against(name, held, told)
    known = discovery.capabilities
    if known.email_domain_unlinks and not config.policy.domains:
        yield _warning(
            "no-domains",
            "an e-mail that leaves the verified domains costs the user the account, and directory.yaml does not state "
            "which domains are verified",
            "write domains: [example.com] in directory.yaml",
        )
    yield from _misfits(known)


def _against(name: str, held: Statement, told: Statement) -> Iterator[Diagnostic]:
    if held.value == told.value:
        return
    # Asking for fewer than the server offers is no contradiction.
    if name in ("page_size", "group_page_size", "bulk_operations", "bulk_bytes") and held.value <= told.value:
        return
    who = "directory.yaml" if held.authority is Authority.OVERRIDE else "the dialect"
    yield _warning(
        "contradiction",
        f"{name}: {who} says {shown(held.value)}, the server says {shown(told.value)} "
        f"({told.source}); the former holds",
        "`reconciler doctor --probe` finds out which is right",
    )


def _misfits(known: Capabilities) -> Iterator[Diagnostic]:
    if not known.patch_users and not known.put_users:
        yield _error(_NO_VERB, "users can be changed neither by PATCH nor by PUT")
    if known.groups and not known.patch_groups and not known.put_groups:
        yield _error(_NO_VERB, "groups can be changed neither by PATCH nor by PUT")
    if known.paging is Paging.FILTER_ONLY and not known.filters("User", "userName"):
        yield _error("no-way-to-read", "there is no listing, and no filter on userName either")
    for name, form in (("member_add", known.member_add), ("member_remove", known.member_remove)):
        if known.groups and form in (MemberAdd.PUT, MemberRemove.PUT) and not known.put_groups:
            yield _warning("misfit", f"{name} is put, and put_groups is false")
    filters = known.group_filters
    if known.members_read is MembersRead.PROBE and filters is not None and not {"id", "members"} <= set(filters):
        yield _warning("misfit", "members_read is probe, and group_filters does not name id and members")
    if known.members_read is MembersRead.USERS_BY_GROUP and not known.filters("User", "groups.value"):
        yield _warning("misfit", "members_read is users-by-group, and user_filters does not name groups.value")


def shown(value: Any) -> str:
    """Return a capability's value as files write it: ``true``, ``[eq, and]``, ``null``."""
    return flow_text(_without_nulls(msgspec.to_builtins(value)))


def _without_nulls(value: Any) -> Any:
    """Return a value without the fields of its rates and rules that nobody has stated."""
    if isinstance(value, tuple | list):
        return [
            {name: item for name, item in one.items() if item not in (None, [], ())} if isinstance(one, dict) else one
            for one in value
        ]
    return value


def _warning(code: str, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code=code, message=message, hint=hint, severity=Severity.WARNING)


def _error(code: str, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code=code, message=message, hint=hint, severity=Severity.ERROR)

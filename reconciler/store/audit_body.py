"""The body of an audit event, read back: what :mod:`reconciler.store.audit_entries` writes."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.model import Kind
from reconciler.store.errors import StoreError
from reconciler.store.records import TRYING, AuditEvent


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a body. Fields that a newer version added are left alone."""


class Who(_Part, frozen=True):
    """Who did it, and where."""

    user: str = ""
    host: str = ""
    pid: int = 0
    ci: str | None = None
    ci_actor: str | None = None
    ci_job: str | None = None
    commit: str | None = None
    author: str | None = None

    @property
    def name(self) -> str:
        """Who it was, as far as anybody said: whoever started the CI job, or the user of the operating system."""
        return self.ci_actor or self.user


class Why(_Part, frozen=True):
    """Why it was done.

    Attributes:
        reason: of a step: the code of the plan; of a run: what a person said.
        run_reason: of a step: what a person said of the whole run.
        note: what the file says under ``lifecycle``.
        origin: ``file:line`` of the YAML.
        ticket: found in the reason of the run.
    """

    reason: str | None = None
    run_reason: str | None = None
    note: str | None = None
    origin: str | None = None
    ticket: str | None = None
    correlated_by: str | None = None
    replaces: str | None = None


class Resource(_Part, frozen=True):
    """A user or a group."""

    kind: Kind
    name: str
    address: str = ""
    id: str | None = None


class Change(_Part, frozen=True):
    """An attribute before and after."""

    path: str
    before: Any = None
    after: Any = None


class Result(_Part, frozen=True):
    """What came of it: the status of a step or of a run."""

    status: str
    message: str = ""
    http_status: int | None = None
    request_id: str | None = None
    requests: int = 0
    counts: dict[str, int] = {}

    @property
    def success(self) -> bool:
        """Whether everything was done that was wanted."""
        return self.status in ("applied", "complete")

    @property
    def known(self) -> bool:
        """Whether anybody knows what came of it: not of a step that was begun by a run that died."""
        return self.status != TRYING


class Body(_Part, frozen=True):
    """What an event says."""

    action: str
    resource: Resource | None = None
    directory: dict[str, str] = {}
    who: Who = Who()
    why: Why = Why()
    changes: tuple[Change, ...] = ()
    members: tuple[Resource, ...] = ()
    result: Result | None = None


def read_body(event: AuditEvent) -> Body:
    """Return what an event says.

    Raises:
        StoreError: it is nothing that this program writes.
    """
    try:
        return msgspec.convert(event.body, Body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise unreadable(event.seq, event.directory) from error


def unreadable(seq: int, directory: str) -> StoreError:
    """Return the error that tells that an event cannot be read, and how to find out more."""
    return StoreError(
        f"event {seq} of {directory} cannot be read: it was altered. `reconciler audit verify` tells more"
    )

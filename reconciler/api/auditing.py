"""Asking the audit: what was done, by whom and why, and whether the record of it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config import DirectoryConfig
from reconciler.store import Store
from reconciler.store.errors import NoStoreError
from reconciler.store.records import AuditEvent

if TYPE_CHECKING:
    # They load SQLAlchemy, and start-up time is felt at every command.
    from reconciler.store.audit_trail import Question
    from reconciler.store.audit_verification import Verification
    from reconciler.store.exporting import Format


def verify_audit(
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    head: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Verification:
    """Prove every event in the store, of all directories.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        head: a hash that was the last one at some time, kept where nobody who can write to the store can change it.
        environ: the environment variables that the store's URL may name; this process's own if left out.

    Returns:
        What is intact, and the first thing that is wrong in each directory's chain.

    Raises:
        NoStoreError: there is no store: no run was ever recorded, or somebody took it away.
        StoreError: it cannot be read.
    """
    with _store(config, workspace, environ) as store:
        return store.audit.verify(head=head)


def query_audit(
    config: DirectoryConfig,
    workspace: Path | str,
    question: Question,
    *,
    limit: int = 100,
    environ: Mapping[str, str] | None = None,
) -> list[AuditEvent]:
    """Return the last events that fit a question, in the order of time.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        question: which events.
        limit: how many at most.
        environ: likewise as for :func:`verify_audit`.

    Raises:
        NoStoreError: there is no store.
        StoreError: it, or an event in it, cannot be read.
    """
    with _store(config, workspace, environ) as store:
        return store.audit.latest(question, limit=limit)


def export_audit(
    config: DirectoryConfig,
    workspace: Path | str,
    question: Question,
    form: Format,
    *,
    environ: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Yield the events that fit a question as lines of another format; few of them are in memory at a time.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        question: which events.
        form: what they are to look like.
        environ: likewise as for :func:`verify_audit`.

    Raises:
        NoStoreError: there is no store.
        StoreError: it, or an event in it, cannot be read.
    """
    from reconciler.store.exporting import export

    with _store(config, workspace, environ) as store:
        yield from export(store.audit.events(question), form)


@contextmanager
def _store(config: DirectoryConfig, workspace: Path | str, environ: Mapping[str, str] | None) -> Iterator[Store]:
    store = Store.open_existing(config, Path(workspace), os.environ if environ is None else environ)
    if store is None:
        raise NoStoreError
    with store:
        yield store
